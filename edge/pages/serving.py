"""The views of the serving window, from what lies on the desk: values in, values out."""

from collections.abc import Sequence

from edge.actions.views import Answer, Deferral, PrintJob, Query
from edge.pages import choices
from edge.pages.desk import Desk, Outcome
from edge.pages.forms import OWN_PURPOSE, query
from edge.pages.papers import asked, laid_by_card, listed, parts, ticks
from edge.pages.views import (
    AnswerView,
    CheckView,
    DeferralView,
    FieldView,
    Line,
    PapersView,
    RefusalView,
    Side,
    TroubleView,
)
from matters.ids import mask
from matters.model import Matter, Party, Refusal, Words
from matters.records import SubjectRecord
from matters.rules.bureau import RULE_OTHER, RULE_OWN
from matters.rules.shanghai import CASES, article
from ui.codes import SEXES

_NONE = Words(zh="没有", en="none")
_OWN = Words(zh=OWN_PURPOSE, en="own query")
_PARTIES = {
    "subject": Words(zh="信息主体", en="Subject"),
    "requester": Words(zh="查询申请人", en="Requester"),
    "agent": Words(zh="代理人", en="Agent"),
}
_CONTACT = (
    FieldView(
        name="phone",
        label=Words(zh="联系电话", en="Phone"),
        hint=Words(zh="需要回电时用", en="for calling back"),
    ),
    FieldView(name="email", label=Words(zh="电子邮箱", en="E-mail")),
    FieldView(
        name="email_code",
        label=Words(zh="预留密码", en="Password"),
        kind="secret",
        hint=Words(zh="6 位数字，申请人自己填写", en="six digits, typed by the applicant"),
    ),
    FieldView(
        name="purpose",
        label=Words(zh="用途", en="Purpose"),
        hint=Words(zh="本人查询可不填", en="may stay empty for own queries"),
    ),
)
_WAITS = Words(
    zh="此事项必须联网：提交后登记申请，打印回执单，办好后回电。",
    en="This matter needs the line: it will be registered, a slip printed, and the applicant called back.",
)
_CACHED = Words(
    zh="将用本机数据应答，报告为“临时”，联网后由中心确认。",
    en="This machine's data will be used; the report is provisional until the centre confirms it.",
)

_CACHED_ONLY = Words(
    zh="将用本机数据应答，屏幕上写明来源和数据时间。",
    en="This machine's data will be used; source and age stand on the screen.",
)
_ON_SCREEN = Words(zh="在屏幕上显示，不出报告", en="shown on the screen, no report")
_SEARCH_CONTACT = ("phone", "purpose")
"""Open information is shown on the screen: a phone for the case that it must wait, and the purpose."""


def papers_view(matter: Matter, desk: Desk, side: Side) -> PapersView:
    """Step 3 as the case's own list asks for it, filled with what was typed before."""
    case, search = CASES[desk.case], choices.is_open(matter)
    wrong = {error.field: error.words for error in desk.errors}
    promised = "given" if "undertaking" in desk.form else "open"
    contact = [field for field in _CONTACT if not search or field.name in _SEARCH_CONTACT]
    return PapersView(
        side=side,
        title=choices.title(matter, desk.case),
        rule=rule_of(matter, desk.case),
        parts=parts(matter, desk),
        ticks=ticks(matter, desk),
        undertaking="not asked" if search or case.undertaking_article is None else promised,  # type: ignore[arg-type]  # one of three literals
        delivery="screen" if search else desk.form.get("delivery", "print"),
        contact=tuple(_filled(field, desk, wrong) for field in contact),
        errors=desk.errors,
    )


def check_view(matter: Matter, desk: Desk, side: Side, permits: Sequence[str], *, online: bool) -> CheckView:
    """Step 4: what will be asked, in the clerk's words, and what the button will do."""
    offline = None if online else _offline_words(matter)
    return CheckView(
        side=side,
        title=choices.title(matter, desk.case),
        lines=_lines(matter, desk),
        act=_act(matter, desk, online=online),
        permitted=matter.permit in permits,
        offline_words=offline,
        nonce=desk.nonce,
    )


def _offline_words(matter: Matter) -> Words:
    if matter.offline == "deferred":
        return _WAITS
    return _CACHED if matter.report else _CACHED_ONLY


def outcome_view(
    matter: Matter, desk: Desk, side: Side, outcome: Outcome, jobs: Sequence[PrintJob]
) -> AnswerView | RefusalView | DeferralView | TroubleView:
    """Step 5: what the action returned, with the paper that belongs to it."""
    title = choices.title(matter, desk.case)
    match outcome:
        case Answer():
            serial = outcome.report.serial if outcome.report else ""
            return AnswerView(
                side=side,
                title=title,
                answer=outcome,
                number_masked=mask(outcome.subject.number),
                subject_rows=_subject_rows(outcome.subject),
                job=next((job for job in jobs if job.serial == serial and job.kind == "report"), None),
            )
        case Deferral():
            slip = next((job for job in jobs if job.id == outcome.slip), None)
            phone = query(matter, desk).phone
            return DeferralView(side=side, title=title, deferral=outcome, phone=phone, job=slip)
        case Refusal():
            return RefusalView(side=side, title=title, refusal=outcome)
        case _:
            return TroubleView(side=side, title=title, trouble=outcome)


def rule_of(matter: Matter, case: str) -> str:
    """The articles that list this case's papers."""
    if choices.is_open(matter):
        return article(3, 22, 23)
    if matter.authority == "credit-bureau":
        return RULE_OWN if CASES[case].own else RULE_OTHER
    numbers = (CASES[case].paper_article, CASES[case].letter_article or CASES[case].paper_article)
    return article(*numbers)


def _filled(field: FieldView, desk: Desk, wrong: dict[str, Words]) -> FieldView:
    return FieldView(
        name=field.name,
        label=field.label,
        kind=field.kind,
        value="" if field.kind == "secret" else desk.form.get(field.name, ""),
        hint=field.hint,
        error=wrong.get(field.name),
    )


def _lines(matter: Matter, desk: Desk) -> tuple[Line, ...]:
    asked_now, search = query(matter, desk), choices.is_open(matter)
    lines = [Line(label=Words(zh="事项", en="Matter"), value=choices.title(matter, desk.case), part="")]
    lines += _search_lines(asked_now) if search else _paper_lines(matter, desk, asked_now)
    part, phone, use = "delivery", asked_now.phone, asked_now.purpose
    delivery = _ON_SCREEN if search else _delivery_words(desk)
    lines.append(Line(label=Words(zh="交付", en="Delivery"), value=delivery, part="" if search else part))
    spoken = _same(phone) if phone else _NONE
    lines.append(Line(label=Words(zh="联系电话", en="Phone"), value=spoken, part=part))
    purpose = _OWN if use == OWN_PURPOSE else _same(use) if use else _NONE
    lines.append(Line(label=Words(zh="用途", en="Purpose"), value=purpose, part=""))
    return tuple(lines)


def _search_lines(asked_now: Query) -> list[Line]:
    """Open information: who asks is an account, about whom is a search."""
    account = _same(asked_now.account) if asked_now.account else _NONE
    found = asked_now.subject or Party()
    return [
        Line(label=Words(zh="平台账号", en="Account"), value=account, part="account"),
        Line(label=Words(zh="查询条件", en="Search"), value=_party_words(found), part="subject"),
    ]


def _paper_lines(matter: Matter, desk: Desk, asked_now: Query) -> list[Line]:
    """The parties, the card, the papers and the letter's last day."""
    lines = []
    shown = {"subject": asked_now.subject, "agent": asked_now.agent}
    if not CASES[desk.case].own:
        shown["requester"] = asked_now.requester
    for role in ("subject", "requester", "agent"):
        party = shown.get(role)
        if party is not None:
            lines.append(Line(label=_PARTIES[role], value=_party_words(party), part=role))
    lines.append(Line(label=Words(zh="读卡", en="Card"), value=_card_words(desk), part=""))
    lines.append(Line(label=Words(zh="材料", en="Papers"), value=_paper_words(matter, desk), part="papers"))
    if asked_now.letter is not None and asked_now.letter.valid_to is not None:
        day = asked_now.letter.valid_to.isoformat()
        lines.append(Line(label=Words(zh="授权至", en="Letter until"), value=_same(day), part="letter-3"))
    return lines


def _party_words(party: Party) -> Words:
    if not (party.name or party.number):
        return Words(zh="没有填写", en="not stated")
    return _same("　".join(part for part in (party.name, mask(party.number) if party.number else "") if part))


def _card_words(desk: Desk) -> Words:
    card = desk.reads.get("visitor")
    if card is None:
        return Words(zh="没有读卡", en="no card was read")
    return Words(zh=f"{card.name} 在场", en=f"{card.name} is present")


def _paper_words(matter: Matter, desk: Desk) -> Words:
    case = CASES[desk.case]
    wanted = [(paper, form) for paper in listed(matter, case) for form in asked(paper)]
    laid = [
        paper.words
        for paper, form in wanted
        if f"paper:{paper.kind}:{form}" in desk.form or laid_by_card(case, paper, form, desk)
    ]
    return Words(
        zh=f"清单 {len(wanted)} 项，已有 {len(laid)} 项", en=f"{len(laid)} of {len(wanted)} on the list"
    )


def _delivery_words(desk: Desk) -> Words:
    if desk.form.get("delivery") == "email":
        mail = desk.form.get("email", "")
        return Words(zh=f"发电子邮箱 {mail}", en=f"by e-mail to {mail}")
    return Words(zh="当场打印", en="printed now")


def _act(matter: Matter, desk: Desk, *, online: bool) -> Words:
    if not online and matter.offline == "deferred":
        return Words(zh="登记申请并打印回执单", en="Register and print the slip")
    if matter.report is None:
        return Words(zh="查询", en="Query")
    if desk.form.get("delivery") == "email":
        return Words(zh="查询并发送电子版", en="Query and send by e-mail")
    return Words(zh="查询并打印报告", en="Query and print the report")


def _subject_rows(subject: SubjectRecord) -> tuple[tuple[Words, Words], ...]:
    born = subject.birth.isoformat() if subject.birth else ""
    rows = [
        (Words(zh="性别", en="Sex"), SEXES.get(subject.sex, _same(subject.sex))),
        (Words(zh="出生", en="Born"), _same(born)),
        (Words(zh="住址", en="Address"), _same(subject.address)),
    ]
    return tuple((label, value) for label, value in rows if value.zh)


def _same(text: str) -> Words:
    """A name, number or day: the same in every language."""
    return Words(zh=text, en=text)
