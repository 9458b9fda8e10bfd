"""May this be shown? One decision for every matter: the site, the case, then the matter's rule family.

A refusal names everything that is missing at once (一次性告知), cites the articles, and says what to do now.
"""

from collections.abc import Callable
from datetime import date

import msgspec

from matters.calendar import WorkingDays, builtin
from matters.deadlines import due, find
from matters.model import AccessRequest, Deadline, Grant, Matter, Refusal, SitePolicy, Words
from matters.rules.bureau import RULE_OTHER, RULE_OWN, agent_findings
from matters.rules.findings import Finding, refusal
from matters.rules.forms import form_findings, search_findings
from matters.rules.letters import letter_findings
from matters.rules.shanghai import CASES, Case, article, paper_findings, undertaking_findings
from matters.rules.site import offer_words, site_findings
from matters.rules.visitors import case_of, visitor_findings, without_any_proof, wrong_case

__all__ = ["FAMILIES", "STEP_WORDS", "Asked", "Family", "case_of", "decide", "offer_words"]

_TRAIL_RULE = "个人信息保护法 第四十五条"

STEP_WORDS: dict[str, Words] = {
    "read-cards": Words(zh="读取证件", en="read the cards"),
    "load-appointment": Words(zh="调取预约信息", en="load the appointment"),
    "print-form": Words(zh="打印表格", en="print the form"),
    "check-and-sign": Words(zh="申请人核对并签字", en="the applicant checks and signs"),
    "give-slip": Words(zh="交付受理回执单", en="hand over the acceptance slip"),
    "print-report": Words(zh="现场打印查询报告", en="print the report"),
    "sign-for": Words(zh="签收记录", en="the applicant signs for it"),
    "keep-slip": Words(zh="留取受理回执单", en="keep the acceptance slip"),
    "email-report": Words(zh="通过预留邮箱和密码发送报告", en="send the report by e-mail with the password"),
}
"""The acts at the window, as the articles on window and delivery name them; `Grant.steps` holds the codes."""

_WINDOW_STEPS = ("read-cards", "load-appointment", "print-form", "check-and-sign")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One question with all it is judged by: matter, request, place, day in China, working-day table."""

    matter: Matter
    request: AccessRequest
    site: SitePolicy
    today: date
    calendar: WorkingDays


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """A family of rules: everything wrong with a request under it, and the grant when nothing is."""

    findings: Callable[[Asked, Case], list[Finding]]
    grant: Callable[[Asked, Case], Grant]


def decide(
    matter: Matter,
    request: AccessRequest,
    site: SitePolicy,
    today: date,
    *,
    calendar: WorkingDays | None = None,
) -> Grant | Refusal:
    """Grant or refuse `request` under `matter` at `site` on `today` (a day in China).

    `calendar` is the working-day table for e-mail delivery, the built-in one by default. Pure: nothing is
    recorded; the caller makes the entry durable before it shows anything.
    """
    asked = Asked(matter=matter, request=request, site=site, today=today, calendar=calendar or builtin())
    here = site_findings(matter, request, site)
    if here:
        return refusal(here)
    case = CASES[case_of(request)]
    if case.name not in matter.cases:
        return refusal(without_any_proof(request, wrong_case(matter, case), article(3, case.paper_article)))
    family = FAMILIES[matter.authority]
    found = family.findings(asked, case)
    return refusal(found) if found else family.grant(asked, case)


def _public_credit_findings(asked: Asked, case: Case) -> list[Finding]:
    request, today = asked.request, asked.today
    found = [
        *visitor_findings(case, request, asked.site, today, article(case.paper_article)),
        *form_findings(request, case.visitor == "agent", today, article(case.delivery_article)),
        *paper_findings(case, request),
        *undertaking_findings(case, request),
        *letter_findings(case, request, today),
    ]
    return without_any_proof(request, found, article(3, case.paper_article))


def _public_credit_grant(asked: Asked, case: Case) -> Grant:
    due_day = _email_due(asked) if asked.request.delivery == "email" else None
    articles = (3, case.paper_article, case.letter_article or case.delivery_article, case.delivery_article)
    return _grant(asked, case, article(*articles), steps=_WINDOW_STEPS, due_day=due_day)


def _credit_bureau_findings(asked: Asked, case: Case) -> list[Finding]:
    rule = RULE_OWN if case.own else RULE_OTHER
    found = _person_findings(asked, case, rule)
    if not case.own:
        found += agent_findings(asked.request, asked.site, asked.today)
    return without_any_proof(asked.request, found, rule)


def _credit_bureau_grant(asked: Asked, case: Case) -> Grant:
    return _grant(asked, case, RULE_OWN if case.own else RULE_OTHER)


def _own_trail_findings(asked: Asked, case: Case) -> list[Finding]:
    return without_any_proof(asked.request, _person_findings(asked, case, _TRAIL_RULE), _TRAIL_RULE)


def _own_trail_grant(asked: Asked, case: Case) -> Grant:
    return _grant(asked, case, _TRAIL_RULE)


def _open_findings(asked: Asked, _case: Case) -> list[Finding]:
    return search_findings(asked.request, article(3, 22, 23))


def _open_grant(asked: Asked, case: Case) -> Grant:
    rule, purpose = article(3, 22, 23), asked.request.purpose
    return Grant(basis="OPEN", rule=rule, case=case.name, purpose=purpose, keep_receipt=False)


FAMILIES: dict[str, Family] = {
    "shanghai-public-credit": Family(findings=_public_credit_findings, grant=_public_credit_grant),
    "shanghai-open-information": Family(findings=_open_findings, grant=_open_grant),
    "credit-bureau": Family(findings=_credit_bureau_findings, grant=_credit_bureau_grant),
    "own-trail": Family(findings=_own_trail_findings, grant=_own_trail_grant),
}
"""Every rule family a catalogue file may name in `authority`."""


def _person_findings(asked: Asked, case: Case, rule: str) -> list[Finding]:
    request, today = asked.request, asked.today
    return [
        *visitor_findings(case, request, asked.site, today, rule),
        *form_findings(request, agent_needed=False, today=today, rule=rule),
    ]


def _grant(
    asked: Asked,
    case: Case,
    rule: str,
    *,
    steps: tuple[str, ...] = ("read-cards",),
    due_day: Deadline | None = None,
) -> Grant:
    request = asked.request
    agreed = request.letter.purpose if request.letter is not None and not case.own else request.purpose
    return Grant(
        basis="SELF" if case.own else "AUTHORISED",
        rule=rule,
        case=case.name,
        purpose=agreed,
        keep_receipt=not case.own,
        sign_for=case.own and request.delivery == "print",
        due=due_day,
        steps=(*steps, *_delivery_steps(case, request.delivery)),
    )


def _delivery_steps(case: Case, delivery: str) -> tuple[str, ...]:
    """Art 9 for own data; Art 15 and 21 for authorised cases, where the acceptance slip comes first."""
    if delivery == "email":
        return ("email-report",) if case.own else ("give-slip", "email-report")
    return ("print-report", "sign-for") if case.own else ("print-report", "keep-slip")


def _email_due(asked: Asked) -> Deadline:
    rule = find("public-report-email", asked.site.jurisdiction, asked.today)
    assert rule is not None, "the deadline table has the row of Art 9, 15 and 21"
    return due(rule, asked.today, asked.calendar)
