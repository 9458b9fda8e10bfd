"""What a citizen may come for: the catalogue's matters, one choice for each case a clerk can serve."""

from collections.abc import Mapping

from edge.pages.views import Choice
from matters.model import Matter, Words
from matters.rules.shanghai import CASES, article

OWN_TRAIL = "access-trail.self"
"""The matter with a page of its own (谁查过我)."""

OPEN = "shanghai-open-information"
"""The rule family of information open by law: about a person or an organisation, by a platform user."""

_OPEN_CASES = ("natural-natural", "legal-natural")
_OPEN_ABOUT = {
    "natural-natural": Words(zh="自然人", en="a person"),
    "legal-natural": Words(zh="法人", en="an organisation"),
}
_DIGITS = "1234567890"
_TAGS = {
    "cached": (Words(zh="离线可办", en="also offline"), ""),
    "local": (Words(zh="离线可办", en="also offline"), ""),
    "deferred": (Words(zh="需要联网", en="needs the line"), "teal"),
}
_SHORT = {
    "self-natural": Words(zh="本人", en="in person"),
    "self-legal": Words(zh="法人", en="organisation"),
    "natural-natural": Words(zh="代理人", en="by an agent"),
}
_WAITS = (Words(zh="离线：登记后回电", en="offline: call back"), "ageing")
_NO_PERMIT = (Words(zh="您无此权限", en="no permit"), "official")


def choices(catalogue: Mapping[str, Matter], permits: tuple[str, ...], *, online: bool) -> tuple[Choice, ...]:
    """Every matter in every case that has a form at the window, own queries first, each with its key.

    Open information comes last, once about persons and once about organisations: who asks is a platform
    user there, whatever else they are (Art 23).
    """
    matters = sorted(catalogue.values(), key=_rank)
    rows = [
        (matter, case) for matter in matters for case in (_OPEN_CASES if is_open(matter) else matter.cases)
    ]
    return tuple(
        Choice(
            code=f"{matter.code}:{case}",
            title=title(matter, case),
            hint=_hint(matter, case),
            tag=_tag(matter, permits, online=online)[0],
            tag_kind=_tag(matter, permits, online=online)[1],
            digit=_DIGITS[at] if at < len(_DIGITS) else "",
        )
        for at, (matter, case) in enumerate(rows)
    )


def title(matter: Matter, case: str) -> Words:
    """What this choice is called: the matter, and the case where the matter has several."""
    if len(matter.cases) == 1:
        return matter.title
    if is_open(matter):
        about = _OPEN_ABOUT[case]
        return Words(zh=f"{matter.title.zh} · {about.zh}", en=f"{matter.title.en} · {about.en}")
    words = CASES[case].words
    if matter.authority == "shanghai-public-credit" and not CASES[case].own:
        return Words(zh=f"{words.zh}公共信用", en=f"Public credit: {words.en}")
    short = _SHORT[case]
    return Words(zh=f"{matter.title.zh} · {short.zh}", en=f"{matter.title.en} · {short.en}")


def is_open(matter: Matter) -> bool:
    """Is this information open by law, which needs an account and no papers?"""
    return matter.authority == OPEN


def _rank(matter: Matter) -> tuple[bool, bool, bool, bool, str]:
    return (
        is_open(matter),
        matter.authority == "own-trail",
        matter.offline == "deferred",
        not CASES[matter.cases[0]].own,
        matter.code,
    )


def _hint(matter: Matter, case: str) -> Words:
    if matter.authority == "own-trail":
        return Words(zh="放身份证；所有大厅的查询都会列出", en="Lay the ID card; lists accesses of all halls")
    if is_open(matter):
        return Words(zh="凭平台账号 · 第二十三条", en="Platform account · Art 23")
    count = len(CASES[case].papers)
    if matter.authority == "credit-bureau":
        return Words(zh=f"材料 {count} 样", en=f"{count} paper(s)")
    number = article(CASES[case].paper_article).split()[-1]
    return Words(zh=f"材料 {count} 样 · {number}", en=f"{count} paper(s) · Art {CASES[case].paper_article}")


def _tag(matter: Matter, permits: tuple[str, ...], *, online: bool) -> tuple[Words, str]:
    if matter.permit not in permits:
        return _NO_PERMIT
    return _WAITS if matter.offline == "deferred" and not online else _TAGS[matter.offline]
