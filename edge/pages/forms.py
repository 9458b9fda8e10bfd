"""From what was typed to a `Query`: the border where forms become values.

Only what is mistyped is sent back here (a check digit, a day, a password of five digits). What is absent is
for the rules to say, all at once and on record.
"""

import re
from collections.abc import Mapping
from datetime import date

from edge.actions.views import Query
from edge.pages.choices import is_open
from edge.pages.desk import Desk
from edge.pages.papers import AUTHORISED_TICKS, AUTHORISER_TICKS, asked, card_lies, kinds, listed
from edge.pages.views import FieldError
from matters.ids import resident_number, uscc
from matters.model import Letter, Material, Matter, Party, Refusal, Words
from matters.rules.shanghai import CASES, Case

FIELDS_MAX = 120
CHARACTERS_MAX = 400

_DOCUMENTS = {"natural": "居民身份证", "legal": "统一社会信用代码"}
OWN_PURPOSE = "本人查询"
"""What an own query is for when nobody says otherwise."""

_STATED = "授权书载明"
_BAD_DAY = Words(zh="日期请写成 2026-11-21 的样子", en="Write the day as 2026-11-21")
_BAD_MAIL = Words(zh="电子邮箱的写法不对", en="This is no e-mail address")
_BAD_CODE = Words(zh="密码应为 6 位数字", en="The password has six digits")
_BAD_PHONE = Words(
    zh="电话号码只能有数字、空格、横线和加号", en="A phone number has digits, spaces, - and + only"
)
_BLANK = {
    "subject": Words(
        zh="信息主体的号码没有填，也没有读卡：查谁，决定适用哪一条",
        en="The subject has neither number nor card: whose data it is decides which article applies",
    ),
    "requester": Words(
        zh="查询申请人的号码没有填，也没有读卡：谁来查，决定适用哪一条",
        en="The requester has neither number nor card: who asks decides which article applies",
    ),
}
_SAME = Words(
    zh="授权人和被授权人是同一个号码；查本人请选本人查询",
    en="Authoriser and authorised party have the same number; choose an own query instead",
)
_DAYS = frozenset({"letter_from", "letter_to", "agent_letter_to"})
_PHONES = frozenset({"phone", "subject_phone", "requester_phone", "agent_phone"})
_PASSWORD_DIGITS = 6


def tidy(form: Mapping[str, str]) -> dict[str, str]:
    """The form as kept: blanks trimmed, empty fields and the forgery token left out, limits held."""
    kept = {name: value.strip()[:CHARACTERS_MAX] for name, value in form.items() if name != "csrf"}
    return {name: value for name, value in list(kept.items())[:FIELDS_MAX] if value}


def errors(
    desk: Desk, form: Mapping[str, str], today: date, *, open_search: bool = False
) -> tuple[FieldError, ...]:
    """Everything mistyped, and what is needed to know which articles apply; in the order of the form.

    `open_search` (information open by law) names one party only; what it lacks is for the rules to say.
    """
    found = _numbers(desk.case, form, today)
    if not open_search:
        found += _unnamed(desk, form)
    for name, value in form.items():
        if name in _DAYS and day_of(value) is None:
            found.append(FieldError(field=name, words=_BAD_DAY))
        wrong = phone_error(name, value) if name in _PHONES else None
        if wrong is not None:
            found.append(wrong)
    return (*found, *_delivery(form))


def phone_error(field: str, value: str) -> FieldError | None:
    """What is wrong with a phone number as typed; an empty one is for others to judge."""
    return None if set(value) <= set("0123456789 -+") else FieldError(field=field, words=_BAD_PHONE)


def query(matter: Matter, desk: Desk) -> Query:
    """The whole question as the action takes it. The form must have passed `errors`."""
    case = CASES[desk.case]
    if is_open(matter):
        return _search(matter, desk)
    subject = _party(case, "subject", desk)
    requester = subject if case.own else _party(case, "requester", desk)
    visitor = desk.reads.get("visitor")
    form = desk.form
    return Query(
        matter=matter.code,
        read_id=visitor.read_id if visitor else None,
        subject=subject,
        requester=requester,
        agent=_party(case, "agent", desk) if case.visitor == "agent" else None,
        materials=_materials(matter, case, desk),
        letter=_letter(desk, subject, requester),
        agent_letter=_agent_letter(form),
        undertaking="undertaking" in form,
        delivery="email" if form.get("delivery") == "email" else "print",
        email=form.get("email", ""),
        email_code=form.get("email_code", ""),
        purpose=form.get("purpose") or (OWN_PURPOSE if case.own else form.get("letter_purpose", "")),
        phone=form.get("phone") or form.get("requester_phone") or form.get("agent_phone", ""),
    )


def _search(matter: Matter, desk: Desk) -> Query:
    """Information open by law: who asks is the platform account, and no card is theirs to be recorded."""
    form, kind = desk.form, kinds(desk.case)[0]
    return Query(
        matter=matter.code,
        subject=Party(
            kind="legal" if kind == "legal" else "natural",
            name=form.get("subject_name", ""),
            document=_DOCUMENTS[kind] if form.get("subject_number") else "",
            number=form.get("subject_number", "").upper(),
        ),
        delivery="screen",
        purpose=form.get("purpose", ""),
        phone=form.get("phone", ""),
        account=form.get("account", ""),
    )


def _party(case: Case, role: str, desk: Desk) -> Party:
    kind = {"subject": kinds(case.name)[0], "requester": kinds(case.name)[1]}.get(role, "natural")
    card = desk.reads.get("visitor" if case.visitor == role else role) if kind == "natural" else None
    form = desk.form
    return Party(
        kind="legal" if kind == "legal" else "natural",
        name=card.name if card else form.get(f"{role}_name", ""),
        document=_DOCUMENTS[kind],
        number=card.number if card else form.get(f"{role}_number", "").upper(),
        phone=form.get(f"{role}_phone", ""),
        employer=form.get(f"{role}_employer", ""),
    )


def _materials(matter: Matter, case: Case, desk: Desk) -> tuple[Material, ...]:
    laid = []
    for paper in listed(matter, case):
        given = {form for form in asked(paper) if f"paper:{paper.kind}:{form}" in desk.form}
        if card_lies(case, paper, desk):
            given.add("original")
        if given and paper.kind not in {"letter", "agent-letter"}:
            laid.append(
                Material(
                    kind=paper.kind,
                    original="original" in given,
                    copy=bool({"copy", "sealed"} & given),
                    sealed="sealed" in given,
                )
            )
    return tuple(laid)


def _letter(desk: Desk, subject: Party, requester: Party) -> Letter | None:
    form = desk.form
    if not {"paper:letter:shown", "paper:letter:original"} & form.keys():
        return None
    return Letter(
        authoriser=_stated("authoriser", AUTHORISER_TICKS, subject, form),
        authorised=_stated("authorised", AUTHORISED_TICKS, requester, form),
        matter=form.get("letter_matter", ""),
        scope=form.get("letter_scope", ""),
        valid_from=day_of(form.get("letter_from", "")),
        valid_to=day_of(form.get("letter_to", "")),
        purpose=form.get("letter_purpose", ""),
        signature="letter_signature" in form,
        seal="letter_seal" in form,
        legal_representative_signature="letter_representative" in form,
        original="paper:letter:original" in form or "letter_original" in form,
        notarised="letter_notarised" in form,
    )


def _stated(part: str, rows: tuple[tuple[str, Words], ...], party: Party, form: Mapping[str, str]) -> Party:
    """What the letter states of a party: the request's own value where the clerk ticked that it agrees."""
    agreed = {name: getattr(party, name) or _STATED for name, _ in rows if f"letter_{part}_{name}" in form}
    return Party(kind=party.kind, **agreed)


def _agent_letter(form: Mapping[str, str]) -> Letter | None:
    if "paper:agent-letter:shown" not in form:
        return None
    return Letter(valid_to=day_of(form.get("agent_letter_to", "")), original=True)


def _numbers(case: str, form: Mapping[str, str], today: date) -> list[FieldError]:
    found = []
    for role in ("subject", "requester", "agent"):
        value = form.get(f"{role}_number", "")
        kind = {"subject": kinds(case)[0], "requester": kinds(case)[1]}.get(role, "natural")
        checked = (uscc(value) if kind == "legal" else resident_number(value, today)) if value else None
        if isinstance(checked, Refusal):
            found.append(FieldError(field=f"{role}_number", words=checked.message))
    return found


def _unnamed(desk: Desk, form: Mapping[str, str]) -> list[FieldError]:
    """In an authorised case both parties must have a number, and not the same one."""
    case = CASES[desk.case]
    if case.own:
        return []
    held = {role: _number(case, role, desk, form) for role in ("subject", "requester")}
    found = [FieldError(field=f"{role}_number", words=_BLANK[role]) for role in held if not held[role]]
    if not found and held["subject"] == held["requester"]:
        found.append(FieldError(field="requester_number", words=_SAME))
    return found


def _number(case: Case, role: str, desk: Desk, form: Mapping[str, str]) -> str:
    kind = kinds(case.name)[0 if role == "subject" else 1]
    card = desk.reads.get("visitor" if case.visitor == role else role) if kind == "natural" else None
    return card.number if card else form.get(f"{role}_number", "").upper()


def _delivery(form: Mapping[str, str]) -> list[FieldError]:
    found = []
    mail, code = form.get("email", ""), form.get("email_code", "")
    if mail and "." not in mail.partition("@")[2]:
        found.append(FieldError(field="email", words=_BAD_MAIL))
    if code and not (code.isascii() and code.isdecimal() and len(code) == _PASSWORD_DIGITS):
        found.append(FieldError(field="email_code", words=_BAD_CODE))
    return found


def day_of(text: str) -> date | None:
    """A day as people type it: 2026-12-31, 20261231, 2026.12.31, 2026年12月31日; None when it is none."""
    plain = re.sub(r"[年月./]", "-", text).removesuffix("日")
    try:
        return date.fromisoformat("-".join(part.zfill(2) for part in plain.split("-")))
    except ValueError:
        return None
