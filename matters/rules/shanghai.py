"""The Shanghai matrix (公共信用信息查询管理暂行办法, source 001): six cases, papers, articles.

Kept as the source has it, oddities and all (domain.md 5.3): legal→legal lists no organisation carrier and
no licence although Art 19 speaks of the card; Art 8 does not say what its letter must hold; Art 14 says 等,
so its list is a minimum. The source's text ends inside Art 24; nothing was invented beyond it.
"""

from typing import Literal

import msgspec

from matters.model import AccessRequest, Material, Presence, Words
from matters.rules.findings import Finding

RULES_NAME = "公共信用信息查询管理暂行办法"
TEXT_ENDS = "第二十四条 法人可以向上海市公共信用信息服务中心"
"""Where the only known copies break off (F050): what follows is unknown and not offered."""

LAST_WHOLE_ARTICLE = 23


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """One item of a case's list: the kind, and whether original, copy and seal are asked for."""

    kind: str
    words: Words
    original: bool = False
    copy: bool = False
    sealed: bool = False


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the matrix; the article numbers are those of the source."""

    name: str
    words: Words
    paper_article: int
    window_article: int
    letter_article: int | None
    delivery_article: int
    undertaking_article: int | None
    visitor: Literal["subject", "requester", "agent"]
    reads: tuple[str, ...]
    papers: tuple[Paper, ...]

    @property
    def own(self) -> bool:
        """Is this a query about oneself (legal basis SELF)?"""
        return self.undertaking_article is None


def _card(kind: str, zh: str, en: str) -> Paper:
    return Paper(kind=kind, words=Words(zh=f"{zh}身份证", en=f"ID card of {en}"), original=True, copy=True)


_CARRIER = Paper(
    kind="organisation-carrier",
    words=Words(
        zh="法人组织机构代码IC卡（或载有统一社会信用代码的营业执照、电子营业执照）",
        en="organisation-code IC card (or a licence with the unified code, or the electronic licence)",
    ),
)
_CERTIFICATE = Paper(
    kind="organisation-certificate",
    words=Words(zh="组织机构代码证", en="organisation-code certificate"),
    copy=True,
    sealed=True,
)
_LICENCE = Paper(
    kind="business-licence",
    words=Words(zh="被授权法人营业执照", en="business licence of the authorised company"),
    copy=True,
    sealed=True,
)
_OWN_LETTER = Paper(
    kind="letter", words=Words(zh="授权委托书", en="letter of authorisation to the agent"), original=True
)
_LETTER = Paper(
    kind="letter", words=Words(zh="授权人出具的授权委托书", en="letter of authorisation of the authoriser")
)
_AGENT_LETTER = Paper(
    kind="agent-letter",
    words=Words(zh="被授权法人对代理人出具的授权委托书", en="letter of the authorised company to its agent"),
)
_SUBJECT_CARD = _card("resident-id", "本人", "the person")
_AUTHORISER_CARD = _card("resident-id", "授权人", "the authoriser")
_REQUESTER_CARD = _card("agent-id", "被授权人", "the authorised person")
_AGENT_CARD = _card("agent-id", "代理人", "the agent")

CASES: dict[str, Case] = {
    case.name: case
    for case in (
        Case(
            name="self-natural",
            words=Words(zh="自然人查询本人", en="a person about themselves"),
            paper_article=7,
            window_article=7,
            letter_article=None,
            delivery_article=9,
            undertaking_article=None,
            visitor="subject",
            reads=("resident-id",),
            papers=(_SUBJECT_CARD,),
        ),
        Case(
            name="self-legal",
            words=Words(zh="法人查询本人", en="an organisation about itself"),
            paper_article=8,
            window_article=8,
            letter_article=None,
            delivery_article=9,
            undertaking_article=None,
            visitor="agent",
            reads=("organisation-carrier", "agent-id"),
            papers=(_CARRIER, _CERTIFICATE, _OWN_LETTER, _AGENT_CARD),
        ),
        Case(
            name="natural-natural",
            words=Words(zh="自然人授权自然人查询", en="a person authorises a person"),
            paper_article=11,
            window_article=13,
            letter_article=14,
            delivery_article=15,
            undertaking_article=10,
            visitor="requester",
            reads=("resident-id", "agent-id"),
            papers=(_AUTHORISER_CARD, _LETTER, _REQUESTER_CARD),
        ),
        Case(
            name="natural-legal",
            words=Words(zh="自然人授权法人查询", en="a person authorises an organisation"),
            paper_article=12,
            window_article=13,
            letter_article=14,
            delivery_article=15,
            undertaking_article=10,
            visitor="agent",
            reads=("resident-id", "agent-id"),
            papers=(_AUTHORISER_CARD, _LETTER, _LICENCE, _AGENT_LETTER, _AGENT_CARD),
        ),
        Case(
            name="legal-natural",
            words=Words(zh="法人授权自然人查询", en="an organisation authorises a person"),
            paper_article=17,
            window_article=19,
            letter_article=20,
            delivery_article=21,
            undertaking_article=16,
            visitor="requester",
            reads=("organisation-carrier", "agent-id"),
            papers=(_CARRIER, _CERTIFICATE, _LETTER, _REQUESTER_CARD),
        ),
        Case(
            name="legal-legal",
            words=Words(zh="法人授权法人查询", en="an organisation authorises an organisation"),
            paper_article=18,
            window_article=19,
            letter_article=20,
            delivery_article=21,
            undertaking_article=16,
            visitor="agent",
            reads=("agent-id",),
            papers=(_CERTIFICATE, _LETTER, _AGENT_LETTER, _AGENT_CARD),
        ),
    )
}

_NUMERALS = "零一二三四五六七八九"


def article(*numbers: int) -> str:
    """The citation of articles of these rules: 公共信用信息查询管理暂行办法 第七条、第九条."""
    return f"{RULES_NAME} {'、'.join(f'第{_chinese(number)}条' for number in dict.fromkeys(numbers))}"


def paper_findings(case: Case, request: AccessRequest) -> list[Finding]:
    """Every item of the case's list that is not on the desk, or lacks its original, copy or seal."""
    return lacking(case, case.papers, request, article(case.paper_article))


def lacking(case: Case, papers: tuple[Paper, ...], request: AccessRequest, rule: str) -> list[Finding]:
    """What of `papers` is not on the desk, one finding for each original, copy or seal, citing `rule`."""
    return [
        _missing(paper, lack, rule)
        for paper in papers
        for lack in _lacks(paper, _laid(paper, request), _card_read(case, paper, request.presence))
    ]


def undertaking_findings(case: Case, request: AccessRequest) -> list[Finding]:
    """Art 10 and 16: who sees another's data promises to use the report only for the agreed purpose."""
    promised = request.undertaking or any(m.kind == "undertaking" for m in request.materials)
    if case.undertaking_article is None or promised:
        return []
    return [
        Finding(
            code="undertaking-missing",
            message=Words(
                zh="查询他人信息须承诺严格按照约定用途使用报告。",
                en="The requester must undertake to use the report only as agreed.",
            ),
            rule=article(case.undertaking_article),
            missing=Words(zh="按约定用途使用报告的承诺", en="undertaking to use the report only as agreed"),
        )
    ]


def _laid(paper: Paper, request: AccessRequest) -> Material | None:
    """All materials of the paper's kind as one, with the letters counted from what was entered of them."""
    same = [material for material in request.materials if material.kind == paper.kind]
    letter = {"letter": request.letter, "agent-letter": request.agent_letter}.get(paper.kind)
    if letter is not None:
        same.append(Material(kind=paper.kind, original=letter.original))
    if not same:
        return None
    return Material(
        kind=paper.kind,
        original=any(material.original for material in same),
        copy=any(material.copy for material in same),
        sealed=any(material.copy and material.sealed for material in same),
    )


def _card_read(case: Case, paper: Paper, presence: Presence) -> bool:
    """A card on the reader is the original of the visitor's own card."""
    own = "resident-id" if case.visitor == "subject" else "agent-id"
    return paper.kind == own and presence.kind == "resident-id"


def _lacks(paper: Paper, laid: Material | None, card_read: bool) -> list[Words]:
    if laid is None and not (paper.original or paper.copy):
        return [Words(zh="", en="")]
    laid = laid or Material(kind=paper.kind)
    lacks = []
    if paper.original and not (laid.original or card_read):
        lacks.append(Words(zh="原件", en=" (original)"))
    if paper.copy and not laid.copy:
        lacks.append(_copy_words(paper))
    elif paper.sealed and not laid.sealed:
        lacks.append(Words(zh="复印件上的公章", en=" (company seal on the copy)"))
    return lacks


def _copy_words(paper: Paper) -> Words:
    if paper.sealed:
        return Words(zh="复印件（加盖公章）", en=" (copy with company seal)")
    return Words(zh="复印件", en=" (copy)")


def _missing(paper: Paper, lack: Words, rule: str) -> Finding:
    return Finding(
        code="material-missing",
        message=Words(zh="材料不齐，不能受理。", en="Papers are missing, so the request cannot be accepted."),
        rule=rule,
        missing=Words(zh=f"{paper.words.zh}{lack.zh}", en=f"{paper.words.en}{lack.en}"),
    )


def _chinese(number: int) -> str:
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else ("十" if tens == 1 else f"{_NUMERALS[tens]}十")
    return head + (_NUMERALS[ones] if ones else "")
