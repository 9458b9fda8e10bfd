"""Findings: every single thing wrong with a request, gathered before anyone is sent away (一次性告知)."""

import msgspec

from matters.model import Refusal, Words

BRING = Words(
    zh="请一次补齐清单所列材料后再来本窗口办理。",
    en="Please bring everything on the list and come back to this window.",
)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong: stable code, what it is, the rule behind it, what is missing, what to do about it."""

    code: str
    message: Words
    rule: str
    missing: Words | None = None
    next: Words = BRING


def refusal(findings: list[Finding]) -> Refusal:
    """One refusal out of all findings (at least one): the first gives code and message, all give the rest."""
    first = findings[0]
    rules = dict.fromkeys(finding.rule for finding in findings)
    steps = {finding.next.zh: finding.next for finding in findings}.values()
    return Refusal(
        code=first.code,
        message=first.message,
        rule="；".join(rules),
        missing=tuple(finding.missing for finding in findings if finding.missing is not None),
        next=Words(zh="".join(step.zh for step in steps), en=" ".join(step.en for step in steps)),
    )
