"""What a letter of authorisation must say: Art 14 (natural persons), the stricter Art 20 (legal)."""

from datetime import date

from matters.ids import plain
from matters.model import AccessRequest, Letter, Party, Words
from matters.rules.findings import Finding
from matters.rules.shanghai import Case, article

CODE_TERM = "民法典 第一百七十三条"

_ELEMENTS_AUTHORISER = (
    ("name", "授权人名称", "name of the authoriser"),
    ("document", "授权人证件类型", "document type of the authoriser"),
    ("number", "授权人证件号码", "document number of the authoriser"),
    ("phone", "授权人联系电话", "phone of the authoriser"),
)
_ELEMENTS_AUTHORISED = (
    ("name", "被授权人名称", "name of the authorised party"),
    ("document", "被授权人证件类型", "document type of the authorised party"),
    ("number", "被授权人证件号码", "document number of the authorised party"),
    ("employer", "被授权人工作单位", "employer of the authorised party"),
    ("phone", "被授权人联系电话", "phone of the authorised party"),
)
_ELEMENTS_MATTER = (
    ("matter", "授权事项", "authorised matter"),
    ("scope", "授权查询范围", "authorised scope"),
    ("valid_to", "授权有效期限", "validity period"),
    ("purpose", "约定使用用途", "agreed use"),
)
_AGAIN = Words(
    zh="请授权人按要素重新出具授权委托书。", en="Please have the letter written again with all elements."
)


def letter_findings(case: Case, request: AccessRequest, today: date) -> list[Finding]:
    """Art 14 and 20 in the authorised cases; elsewhere only that no letter has run out (民法典 173)."""
    found: list[Finding] = []
    if request.letter is not None and case.letter_article is not None:
        rule = article(case.letter_article)
        found += element_findings(request.letter, request.subject, request.requester, today, rule)
    elif request.letter is not None:
        found += period_findings(request.letter, today, CODE_TERM)
    if request.agent_letter is not None:
        found += period_findings(request.agent_letter, today, CODE_TERM)
    return found


def element_findings(
    letter: Letter, subject: Party, requester: Party, today: date, rule: str
) -> list[Finding]:
    """The four elements of Art 14 / Art 20 that are absent, wrong or out of date; empty when all stand.

    The signing rule follows the subject: a natural person signs or seals (Art 14 (4)); a legal person seals
    AND its legal representative signs (Art 20 (4)).
    """
    return [
        *_absent(letter.authoriser, _ELEMENTS_AUTHORISER, "（一）", rule),
        *_absent(letter.authorised, _elements_of(requester), "（二）", rule),
        *_absent(letter, _ELEMENTS_MATTER, "（三）", rule),
        *period_findings(letter, today, rule),
        *_signing(letter, subject, rule),
        *party_findings(letter, subject, requester, rule),
    ]


def period_findings(letter: Letter, today: date, rule: str) -> list[Finding]:
    """A letter that has run out or does not run yet authorises nobody."""
    if letter.valid_to is not None and letter.valid_to < today:
        day = letter.valid_to.isoformat()
        return [
            _finding(
                "letter-expired",
                f"授权委托书已于{day}到期",
                f"the letter expired on {day}",
                rule,
                "有效期内的授权委托书",
                "a letter that has not expired",
            )
        ]
    if letter.valid_from is not None and letter.valid_from > today:
        day = letter.valid_from.isoformat()
        return [
            _finding(
                "letter-not-yet-valid",
                f"授权委托书自{day}起才生效",
                f"the letter starts only on {day}",
                rule,
                "已生效的授权委托书",
                "a letter that has started",
            )
        ]
    return []


def party_findings(letter: Letter, subject: Party, requester: Party, rule: str) -> list[Finding]:
    """The letter must name the same two parties as the request; a number not stated is reported as absent."""
    found = []
    for party, stated, zh, en in (
        (letter.authoriser, subject, "授权人", "authoriser"),
        (letter.authorised, requester, "被授权人", "authorised party"),
    ):
        if party.number and plain(party.number) != plain(stated.number):
            found.append(
                _finding(
                    f"letter-{en.replace(' ', '-')}-mismatch",
                    f"授权委托书的{zh}与申请不一致",
                    f"the letter's {en} is not the one of the request",
                    rule,
                    f"{zh}与申请一致的授权委托书",
                    f"a letter whose {en} is the one of the request",
                )
            )
    return found


def _elements_of(requester: Party) -> tuple[tuple[str, str, str], ...]:
    """An organisation is its own 工作单位: the element is asked of natural persons."""
    if requester.kind == "natural":
        return _ELEMENTS_AUTHORISED
    return tuple(row for row in _ELEMENTS_AUTHORISED if row[0] != "employer")


def _absent(
    part: Party | Letter, rows: tuple[tuple[str, str, str], ...], clause: str, rule: str
) -> list[Finding]:
    return [_element(f"{zh}{clause}", en, rule) for name, zh, en in rows if not getattr(part, name)]


def _signing(letter: Letter, subject: Party, rule: str) -> list[Finding]:
    if subject.kind == "natural":
        signed = letter.signature or letter.seal
        return (
            []
            if signed
            else [_element("授权人签名或盖章（四）", "signature or seal of the authoriser", rule)]
        )
    found = []
    if not letter.seal:
        found.append(_element("授权法人盖章（四）", "company seal of the authoriser", rule))
    if not letter.legal_representative_signature:
        found.append(_element("法定代表人签字（四）", "signature of the legal representative", rule))
    return found


def _element(zh: str, en: str, rule: str) -> Finding:
    return _finding(
        "letter-incomplete",
        "授权委托书要素不全",
        "the letter of authorisation lacks elements",
        rule,
        f"授权委托书：{zh}",
        f"letter: {en}",
    )


def _finding(code: str, zh: str, en: str, rule: str, missing_zh: str, missing_en: str) -> Finding:
    return Finding(
        code=code,
        message=Words(zh=f"{zh}，不能受理。", en=f"{en[0].upper()}{en[1:]}; the request cannot be accepted."),
        rule=rule,
        missing=Words(zh=missing_zh, en=missing_en),
        next=_AGAIN,
    )
