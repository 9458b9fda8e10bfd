"""Findings: every single thing wrong with a request, gathered before anyone is sent away (一次性告知)."""

from collections.abc import Iterable

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


def _cited(rules: Iterable[str]) -> str:
    """Every statute once, with all its articles: 某办法 第三条、第七条；某法 第十一条."""
    statutes: dict[str, dict[str, None]] = {}
    for rule in rules:
        name, _, articles = rule.rpartition(" ")
        named = name if name and articles.startswith("第") else rule
        known = statutes.setdefault(named, {})
        if named != rule:
            known.update(dict.fromkeys(articles.split("、")))
    return "；".join(f"{name} {'、'.join(articles)}".strip() for name, articles in statutes.items())


def refusal(findings: list[Finding]) -> Refusal:
    """One refusal out of all findings (at least one): the first gives code and message, all give the rest."""
    first = findings[0]
    steps = {finding.next.zh: finding.next for finding in findings}.values()
    return Refusal(
        code=first.code,
        message=first.message,
        rule=_cited(finding.rule for finding in findings),
        missing=tuple(finding.missing for finding in findings if finding.missing is not None),
        next=Words(zh="".join(step.zh for step in steps), en=" ".join(step.en for step in steps)),
    )
