"""Which case a request is, who must stand at the window in it, and whether they do."""

from datetime import date

from matters.ids import plain
from matters.model import AccessRequest, Matter, Party, SitePolicy, Words
from matters.rules.findings import Finding
from matters.rules.presence import card_findings, residence_findings
from matters.rules.shanghai import Case, article

VISITORS: dict[str, Words] = {
    "subject": Words(zh="本人", en="the person"),
    "requester": Words(zh="被授权人", en="the authorised person"),
    "agent": Words(zh="代理人", en="the agent"),
}
_IN_PERSON = Words(
    zh="请本人前来；他人查询须按授权查询办理，并出具授权委托书。",
    en="Come in person; someone else needs an authorised query with a letter of authorisation.",
)
_OTHER_MATTER = Words(
    zh="请改选与申请人相符的事项，并备齐该事项的材料。",
    en="Choose the matter that fits the requester and bring its papers.",
)
_BRING_PROOF = Words(
    zh="本人查询请带身份证原件及复印件；他人查询请带授权委托书和清单所列材料。",
    en="Come in person with the ID card and a copy, or bring a letter and the papers on the list.",
)


def case_of(request: AccessRequest) -> str:
    """The case by who asks about whom: the same number and kind is a query about oneself."""
    subject, requester = request.subject, request.requester
    if subject.kind == requester.kind and plain(subject.number) == plain(requester.number):
        return f"self-{subject.kind}"
    return f"{subject.kind}-{requester.kind}"


def visitor_findings(
    case: Case, request: AccessRequest, site: SitePolicy, today: date, rule: str
) -> list[Finding]:
    """Everything wrong with who stands at the window: card, person, residence, agent."""
    who = VISITORS[case.visitor]
    found = card_findings(request.presence, _visitor(case, request), who, site, today, rule)
    if case.visitor == "subject" and request.agent is not None:
        found.append(_in_person(rule))
    return [*found, *residence_findings(request.presence, site)]


def wrong_case(matter: Matter, case: Case) -> list[Finding]:
    """The finding that this matter does not serve the case, with the whole list the right matter asks for."""
    consent = "" if case.own else "查询他人信息应当取得信息主体的授权。"
    papers = case.papers
    return [
        Finding(
            code="case-not-served",
            message=Words(
                zh=f"“{matter.title.zh}”不办理“{case.words.zh}”。{consent}",
                en=f"{matter.title.en} does not serve {case.words.en}.",
            ),
            rule=article(3, case.paper_article),
            missing=Words(
                zh="、".join(paper.words.zh for paper in papers),
                en="; ".join(paper.words.en for paper in papers),
            ),
            next=_OTHER_MATTER,
        )
    ]


def without_any_proof(request: AccessRequest, found: list[Finding], rule: str) -> list[Finding]:
    """Neither card nor letter: nobody may ask at all, said first and with everything there is to bring."""
    if request.presence.kind != "none" or request.letter is not None:
        return found
    words = Words(
        zh="本人未到场，也没有信息主体的授权委托书，不能查询。",
        en="The person is not present and no letter of authorisation was brought, so there is no query.",
    )
    first = Finding(code="no-presence-no-letter", message=words, rule=rule, next=_BRING_PROOF)
    return [first, *found]


def _visitor(case: Case, request: AccessRequest) -> Party:
    """The natural person who must be present in this case; else whoever laid the card."""
    if case.visitor == "subject":
        return request.subject
    if case.visitor == "requester":
        return request.requester
    return request.agent or Party(name=request.presence.name, number=request.presence.number)


def _in_person(rule: str) -> Finding:
    return Finding(
        code="in-person",
        message=Words(
            zh="查询本人信息原则上必须由本人亲自办理。",
            en="A query about oneself must as a rule be made in person.",
        ),
        rule=rule,
        missing=Words(zh="本人到场", en="the person, present at the window"),
        next=_IN_PERSON,
    )
