"""The papers form of a case, built from the rules' own list: who, which papers, what the letter says."""

from collections.abc import Mapping

import msgspec

from edge.pages.choices import is_open
from edge.pages.desk import Desk
from edge.pages.views import FieldError, FieldView, FormPart, PaperTick
from matters.model import Matter, Words
from matters.rules.shanghai import CASES, Case, Paper

ROLES = ("subject", "requester", "agent")

_WHO: dict[str, Words] = {
    "subject": Words(zh="信息主体（授权人）", en="Subject (authoriser)"),
    "requester": Words(zh="查询申请人（被授权人）", en="Requester (authorised party)"),
    "agent": Words(zh="代理人", en="Agent"),
}
_SELF = Words(zh="信息主体本人", en="The subject in person")
_OWN_ORGANISATION = Words(zh="本单位", en="The organisation itself")
_NATURAL = (("name", Words(zh="姓名", en="Name")), ("number", Words(zh="身份证号码", en="ID number")))
_LEGAL = (
    ("name", Words(zh="单位名称", en="Name of the organisation")),
    ("number", Words(zh="统一社会信用代码", en="Unified social credit code")),
)
_PHONE = Words(zh="联系电话", en="Phone")
_EMPLOYER = Words(zh="工作单位", en="Employer")
_FORMS = {
    "original": Words(zh="原件", en="original"),
    "copy": Words(zh="复印件", en="copy"),
    "sealed": Words(zh="复印件已盖章", en="copy is sealed"),
    "shown": Words(zh="已出示", en="shown"),
}
_CARRIER = "organisation-carrier"
_BY_CARD = {"resident-id": "original", "agent-id": "original", _CARRIER: "shown"}
"""Papers that a card on a reader ticks, and which of their forms."""
_KINSHIP = Paper(
    kind="kinship", words=Words(zh="亲属或婚姻关系证明（如有）", en="proof of kinship or marriage, if any")
)

_ACCOUNT = Words(zh="平台账号", en="Platform account")
_ACCOUNT_HINT = Words(
    zh="公开信息不需要授权书和身份证，但须是平台注册用户；请申请人出示登录后的页面",
    en="Open information needs no letter or card, but a registered user: look at the page after sign-in",
)
_DAY_HINT = Words(zh="写 2026-12-31 或 20261231", en="2026-12-31 or 20261231")

AUTHORISER_TICKS = (
    ("name", Words(zh="名称", en="name")),
    ("document", Words(zh="证件类型", en="document type")),
    ("number", Words(zh="证件号码", en="number")),
    ("phone", Words(zh="联系电话", en="phone")),
)
AUTHORISED_TICKS = (
    *AUTHORISER_TICKS[:3],
    ("employer", Words(zh="工作单位", en="employer")),
    AUTHORISER_TICKS[3],
)
_LETTER_TEXTS = (
    ("letter_matter", Words(zh="授权事项", en="Authorised matter")),
    ("letter_scope", Words(zh="授权查询范围", en="Authorised scope")),
    ("letter_purpose", Words(zh="约定使用用途", en="Agreed use")),
)
_LETTER_DAYS = (
    ("letter_from", Words(zh="授权自", en="Valid from")),
    ("letter_to", Words(zh="授权至", en="Valid to")),
)
_SIGNING = {
    "natural": (
        ("letter_signature", Words(zh="授权人签名", en="signed by the authoriser")),
        ("letter_seal", Words(zh="授权人盖章", en="sealed by the authoriser")),
    ),
    "legal": (
        ("letter_seal", Words(zh="授权法人盖章", en="company seal")),
        ("letter_representative", Words(zh="法定代表人签字", en="signed by the legal representative")),
    ),
}


def kinds(case: str) -> tuple[str, str]:
    """(kind of subject, kind of requester) of a case: natural or legal."""
    first, _, second = case.partition("-")
    return (second, second) if first == "self" else (first, second)


def parties(case: Case) -> tuple[str, ...]:
    """The parties a case is about, in the order of the form."""
    roles = ["subject"] if case.own else ["subject", "requester"]
    return (*roles, "agent") if case.visitor == "agent" else tuple(roles)


def parts(matter: Matter, desk: Desk) -> tuple[FormPart, ...]:
    """The titled parts of the form, filled with what was typed and with the cards that were read."""
    case = CASES[desk.case]
    wrong = {error.field: error.words for error in desk.errors}
    if is_open(matter):
        return _search(desk, wrong)
    made = [_party(case, role, desk, wrong) for role in parties(case)]
    if case.letter_article is not None or matter.authority == "credit-bureau":
        if not case.own:
            made += _letter(matter, case, desk.form, wrong)
    elif case.name == "self-legal":
        made.append(FormPart(name="letter", title=_letter_title(), fields=_days(desk.form, wrong)))
    if any(paper.kind == "agent-letter" for paper in case.papers):
        made.append(_agent_letter(desk.form, wrong))
    return tuple(made)


def ticks(matter: Matter, desk: Desk) -> tuple[PaperTick, ...]:
    """One tick for each original, copy, seal or showing that is asked for; cards on the reader count."""
    return tuple(
        PaperTick(
            field=f"paper:{paper.kind}:{form}",
            words=Words(
                zh=f"{paper.words.zh} · {_FORMS[form].zh}", en=f"{paper.words.en} · {_FORMS[form].en}"
            ),
            ticked=by_card or f"paper:{paper.kind}:{form}" in desk.form,
            by_card=by_card,
            mark=f"by-card-{paper.kind}" if form == _BY_CARD.get(paper.kind) else "",
        )
        for paper in listed(matter, CASES[desk.case])
        for form in asked(paper)
        for by_card in (laid_by_card(CASES[desk.case], paper, form, desk),)
    )


def listed(matter: Matter, case: Case) -> tuple[Paper, ...]:
    """The papers of the form: the case's own list; kinship besides for an agent at the credit bureau.

    Information open by law asks for none.
    """
    if is_open(matter):
        return ()
    extra = (_KINSHIP,) if matter.authority == "credit-bureau" and not case.own else ()
    return (*case.papers, *extra)


def asked(paper: Paper) -> tuple[str, ...]:
    """Which forms of a paper are asked for; a paper with none just has to be shown."""
    forms = tuple(form for form in ("original", "copy", "sealed") if getattr(paper, form))
    return forms or ("shown",)


def card_lies(case: Case, paper: Paper, desk: Desk) -> bool:
    """Was the card this paper means read on a reader? Then it lies on the desk.

    An organisation's card counts while the form names that organisation.
    """
    if paper.kind == _CARRIER:
        role = chip_role(case.name, "organisation_card")
        chip = desk.chips.get(role)
        return chip is not None and chip.number != "" and desk.form.get(f"{role}_number") == chip.number
    if paper.kind == "agent-id":
        return "visitor" in desk.reads
    own = "visitor" if case.visitor == "subject" else "subject"
    return paper.kind == "resident-id" and own in desk.reads


def laid_by_card(case: Case, paper: Paper, form: str, desk: Desk) -> bool:
    """Whether a card on a reader stands for this form of a paper."""
    return form == _BY_CARD.get(paper.kind) and card_lies(case, paper, desk)


def chip_role(case: str, kind: str) -> str:
    """The party of a case that a chip card fills in, "" for none.

    A social security card is the visitor's, where no identity card of theirs was read; an organisation's card
    is the requester's, or the subject's where a person asks.
    """
    if kind == "social_card":
        return CASES[case].visitor
    legal = [role for role, one in zip(ROLES, kinds(case), strict=False) if one == "legal"]
    return "" if not legal else "subject" if CASES[case].own else legal[-1]


def _search(desk: Desk, wrong: Mapping[str, Words]) -> tuple[FormPart, ...]:
    """Art 23: a registered platform user, and what is searched for."""
    rows = _NATURAL if kinds(desk.case)[0] == "natural" else _LEGAL
    texts = tuple(_text(f"subject_{name}", words, desk.form, wrong) for name, words in reversed(rows))
    return (
        FormPart(
            name="account",
            title=Words(zh="平台注册用户", en="Registered platform user"),
            hint=_ACCOUNT_HINT,
            fields=(_text("account", _ACCOUNT, desk.form, wrong),),
        ),
        FormPart(
            name="subject",
            title=Words(zh="查询条件", en="Search conditions"),
            fields=tuple(
                msgspec.structs.replace(text, required=text.name.endswith("_number")) for text in texts
            ),
        ),
    )


def _party(case: Case, role: str, desk: Desk, wrong: Mapping[str, Words]) -> FormPart:
    kind = {"subject": kinds(case.name)[0], "requester": kinds(case.name)[1]}.get(role, "natural")
    card_role = "visitor" if case.visitor == role else "subject" if role == "subject" else ""
    card_role = card_role if kind == "natural" else ""
    card = desk.reads.get(card_role)
    rows = [] if card else list(_NATURAL if kind == "natural" else _LEGAL)
    carrier = kind == "legal" and role == chip_role(case.name, "organisation_card")
    typed = {name for name, _ in rows} if card_role or carrier else set()
    if not (case.own and role == "subject" and kind == "natural"):
        rows.append(("phone", _PHONE))
    if role == "requester" and kind == "natural":
        rows.append(("employer", _EMPLOYER))
    return FormPart(
        name=role,
        title=_title(case, role, kind),
        fields=tuple(
            _text(f"{role}_{name}", words, desk.form, wrong, by_card=name in typed) for name, words in rows
        ),
        role=card_role,  # type: ignore[arg-type]  # one of three literals by construction
        card=card,
        carrier=carrier,
        chip=None if card else desk.chips.get(role),
    )


def _title(case: Case, role: str, kind: str) -> Words:
    if case.own and role == "subject":
        return _SELF if kind == "natural" else _OWN_ORGANISATION
    return _WHO[role]


def _letter(
    matter: Matter, case: Case, form: Mapping[str, str], wrong: Mapping[str, Words]
) -> list[FormPart]:
    authoriser = tuple(_tick(f"letter_authoriser_{name}", words, form) for name, words in AUTHORISER_TICKS)
    authorised = tuple(
        _tick(f"letter_authorised_{name}", words, form)
        for name, words in AUTHORISED_TICKS
        if name != "employer" or kinds(case.name)[1] == "natural"
    )
    signing = [_tick(name, words, form) for name, words in _SIGNING[kinds(case.name)[0]]]
    if matter.authority == "credit-bureau":
        signing += [_tick("letter_notarised", Words(zh="经公证", en="notarised"), form)]
        signing += [_tick("letter_original", Words(zh="原件", en="original"), form)]
    texts = tuple(_text(name, words, form, wrong) for name, words in _LETTER_TEXTS)
    stated = Words(
        zh="授权书上写明、且与上面一致的才打勾",
        en="Tick what the letter states and what agrees with the above",
    )
    return [
        FormPart(
            name="letter-1",
            title=Words(zh="授权书（一）授权人", en="Letter (1): authoriser"),
            hint=stated,
            fields=authoriser,
        ),
        FormPart(
            name="letter-2",
            title=Words(zh="授权书（二）被授权人", en="Letter (2): authorised party"),
            fields=authorised,
        ),
        FormPart(
            name="letter-3",
            title=Words(zh="授权书（三）事项、范围、期限、用途", en="Letter (3): matter, scope, period, use"),
            fields=(*texts, *_days(form, wrong)),
        ),
        FormPart(
            name="letter-4",
            title=Words(zh="授权书（四）签章", en="Letter (4): signature and seal"),
            fields=tuple(signing),
        ),
    ]


def _letter_title() -> Words:
    return Words(zh="授权委托书的期限", en="Period of the letter")


def _agent_letter(form: Mapping[str, str], wrong: Mapping[str, Words]) -> FormPart:
    return FormPart(
        name="agent-letter",
        title=Words(zh="对代理人的授权委托书", en="Letter to the agent"),
        fields=(_day("agent_letter_to", Words(zh="授权至", en="Valid to"), form, wrong),),
    )


def _days(form: Mapping[str, str], wrong: Mapping[str, Words]) -> tuple[FieldView, ...]:
    return tuple(_day(name, words, form, wrong) for name, words in _LETTER_DAYS)


def _text(
    name: str,
    words: Words,
    form: Mapping[str, str],
    wrong: Mapping[str, Words],
    *,
    by_card: bool = False,
) -> FieldView:
    kind = "number" if name.endswith(("_number", "_phone")) else "text"
    return FieldView(
        name=name,
        label=words,
        kind=kind,  # type: ignore[arg-type]  # one of two literals by construction
        value=form.get(name, ""),
        required=not name.endswith(("_phone", "_employer")),
        error=wrong.get(name),
        by_card=by_card,
    )


def _day(name: str, words: Words, form: Mapping[str, str], wrong: Mapping[str, Words]) -> FieldView:
    return FieldView(
        name=name,
        label=words,
        kind="day",
        value=form.get(name, ""),
        hint=_DAY_HINT,
        required=name == "letter_to",
        error=wrong.get(name),
    )


def _tick(name: str, words: Words, form: Mapping[str, str]) -> FieldView:
    return FieldView(name=name, label=words, kind="tick", value="yes" if name in form else "")


__all__ = [
    "FieldError",
    "asked",
    "card_lies",
    "chip_role",
    "kinds",
    "laid_by_card",
    "listed",
    "parties",
    "parts",
    "ticks",
]
