"""Personal credit reports (征信业管理条例; source 000): in person, or by an agent with a notarised letter.

The agent's rules are those of domain.md 5.2: originals and copies of both cards, the original notarised
letter that names the credit report, kinship where the site asks for it.
"""

from datetime import date

from matters.model import AccessRequest, Letter, SitePolicy, Words
from matters.rules.findings import Finding
from matters.rules.letters import party_findings, period_findings
from matters.rules.shanghai import CASES, lacking

RULE_OWN = "征信业管理条例 第十七条"
RULE_OTHER = "征信业管理条例 第十八条"
REPORT_NAMES = ("信用报告", "征信")
_NOTARISE = Words(
    zh="请办理写明“查询个人信用报告”的公证授权委托书，并携双方身份证原件及复印件再来。",
    en="Have a letter naming the credit report notarised, and bring both ID cards with copies.",
)


def agent_findings(request: AccessRequest, site: SitePolicy, today: date) -> list[Finding]:
    """Everything an agent for a credit report lacks; F007 comes first when there is no basis at all."""
    letter = request.letter
    kinship = any(material.kind == "kinship" for material in request.materials)
    found = []
    if letter is None and not kinship:
        found.append(_no_basis())
    found += _letter_findings(letter, request, today)
    cards = [paper for paper in CASES["natural-natural"].papers if paper.kind != "letter"]
    found += lacking(CASES["natural-natural"], tuple(cards), request, RULE_OTHER)
    if site.kinship_required and not kinship:
        found.append(_kinship())
    return found


def _letter_findings(letter: Letter | None, request: AccessRequest, today: date) -> list[Finding]:
    if letter is None:
        return [
            _letter("letter-missing", "经公证的授权委托书原件", "original notarised letter of authorisation")
        ]
    found = []
    if not letter.original:
        found.append(_letter("letter-not-original", "授权委托书原件", "original of the letter"))
    if not letter.notarised:
        found.append(_letter("letter-not-notarised", "授权委托书的公证", "notarisation of the letter"))
    if not any(name in letter.matter + letter.scope for name in REPORT_NAMES):
        found.append(
            _letter(
                "letter-scope",
                "授权委托书中“查询个人信用报告”的授权事项",
                "the words 'query the personal credit report' in the letter",
            )
        )
    if not letter.purpose:
        found.append(_letter("letter-incomplete", "授权委托书中约定的用途", "agreed use in the letter"))
    return [
        *found,
        *period_findings(letter, today, RULE_OTHER),
        *party_findings(letter, request.subject, request.requester, RULE_OTHER),
    ]


def _no_basis() -> Finding:
    return Finding(
        code="agent-not-accepted",
        message=Words(
            zh="非直系亲属或无法律依据的第三方代理，不予受理。",
            en="An agent who is neither a close relative nor authorised by law is not accepted.",
        ),
        rule=RULE_OTHER,
        next=_NOTARISE,
    )


def _letter(code: str, zh: str, en: str) -> Finding:
    return Finding(
        code=code,
        message=Words(
            zh="代理查询需经公证的授权委托书。", en="An agent needs a notarised letter of authorisation."
        ),
        rule=RULE_OTHER,
        missing=Words(zh=zh, en=en),
        next=_NOTARISE,
    )


def _kinship() -> Finding:
    return Finding(
        code="kinship-missing",
        message=Words(
            zh="本服务点要求代理人证明亲属或婚姻关系。",
            en="This place asks agents to prove kinship or marriage.",
        ),
        rule="站点规定：代理查询须证明亲属关系",
        missing=Words(
            zh="亲属关系证明（如父母与子女）或婚姻关系证明",
            en="proof of kinship (parent and child) or marriage",
        ),
    )
