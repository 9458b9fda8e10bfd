"""The application form: complete, accurate, with a way to hand the answer over (Art 9, 15, 21)."""

from datetime import date

from matters.ids import organisation_code, plain, resident_number, uscc
from matters.model import AccessRequest, Party, Refusal, Words
from matters.rules.findings import Finding

SUBJECT = Words(zh="信息主体", en="the subject")
REQUESTER = Words(zh="查询申请人", en="the requester")
AGENT = Words(zh="代理人", en="the agent")

_RESIDENT_DOCUMENTS = frozenset({"", "resident-id", "居民身份证", "身份证"})
_OLD_CODE_LENGTHS = (9, 10)
_PASSWORD_DIGITS = 6


def form_findings(request: AccessRequest, agent_needed: bool, today: date, rule: str) -> list[Finding]:
    """What is blank or wrong on the form: names, numbers with their check characters, agent, delivery."""
    found = [*party_findings(request.subject, SUBJECT, today, rule)]
    if request.requester != request.subject:
        found += party_findings(request.requester, REQUESTER, today, rule)
    if agent_needed:
        found += party_findings(request.agent or Party(), AGENT, today, rule)
    return [*found, *delivery_findings(request, rule)]


def party_findings(party: Party, who: Words, today: date, rule: str) -> list[Finding]:
    """A party needs a name and a number that passes its check; other documents pass as stated."""
    found = []
    if not party.name.strip():
        found.append(_blank(Words(zh=f"{who.zh}的姓名或名称", en=f"name of {who.en}"), rule))
    if not party.number.strip():
        return [*found, _blank(Words(zh=f"{who.zh}的证件号码", en=f"document number of {who.en}"), rule)]
    checked = _checked(party, today)
    return [*found, _wrong_number(checked, who)] if isinstance(checked, Refusal) else found


def delivery_findings(request: AccessRequest, rule: str) -> list[Finding]:
    """E-mail delivery asks for an address and a six-digit password left beforehand (F036, F044)."""
    if request.delivery == "print":
        return []
    found = []
    name, at, domain = request.email.strip().partition("@")
    if not (name and at and "." in domain.strip(".")):
        found.append(_blank(Words(zh="接收报告的电子邮箱", en="e-mail address for the report"), rule))
    code = request.email_code
    if not (code.isascii() and code.isdecimal() and len(code) == _PASSWORD_DIGITS):
        found.append(_blank(Words(zh="预留的6位数字密码", en="six-digit password left for the report"), rule))
    return found


def search_findings(request: AccessRequest, rule: str) -> list[Finding]:
    """Open information (Art 22, 23; F049) asks for a registered platform user and search conditions."""
    rows = (
        ("account-missing", request.account, "平台注册用户", "a registered user of the platform"),
        (
            "conditions-missing",
            request.subject.number + request.subject.name,
            "查询条件（名称或号码）",
            "search conditions (name or number)",
        ),
    )
    return [_search(code, zh, en, rule) for code, value, zh, en in rows if not value.strip()]


def _checked(party: Party, today: date) -> object:
    if party.kind == "legal":
        text = plain(party.number)
        return organisation_code(text) if len(text) in _OLD_CODE_LENGTHS else uscc(text)
    if party.document in _RESIDENT_DOCUMENTS:
        return resident_number(party.number, today)
    return party.number


def _wrong_number(checked: Refusal, who: Words) -> Finding:
    return Finding(
        code=checked.code,
        message=Words(
            zh=f"{who.zh}：{checked.message.zh}", en=f"{who.en[0].upper()}{who.en[1:]}: {checked.message.en}"
        ),
        rule=checked.rule,
        missing=Words(zh=f"{who.zh}的正确证件号码", en=f"the right document number of {who.en}"),
        next=checked.next,
    )


def _blank(missing: Words, rule: str) -> Finding:
    return Finding(
        code="form-incomplete",
        message=Words(
            zh="申请表格不完整，不能准予查询。",
            en="The form is not complete, so the query cannot be granted.",
        ),
        rule=rule,
        missing=missing,
        next=Words(zh="请当场补填表格。", en="Please complete the form here and now."),
    )


def _search(code: str, zh: str, en: str, rule: str) -> Finding:
    return Finding(
        code=code,
        message=Words(
            zh="公开信息须由平台注册用户按照查询条件搜索。",
            en="Open information is searched by a registered user with search conditions.",
        ),
        rule=rule,
        missing=Words(zh=zh, en=en),
        next=Words(zh="请先注册并填写查询条件。", en="Please register and state what you search for."),
    )
