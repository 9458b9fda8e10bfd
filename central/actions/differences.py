"""The rules of reconciliation, pure: a day's totals against the recount, and the four-way match.

Each rule is a function from what was read to what it found; RULES is the list. A finding names its code,
what it is about, and who has to look (the hall's shift leader, or the centre).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from central.store.effects import CaseEvent, Paper, SheetMove
from central.store.reconciling import Pairing, ReportWhole
from matters.model import Words
from sync.messages.registry import by_number, kind

HALL = "hall"
CENTRE = "centre"
PRINTED = kind("report.printed").number
REPRINTED = kind("report.reprinted").number
SPOILED = kind("report.spoiled").number
HANDED_OVER = kind("report.handed_over").number
COUNTED = (
    "access.answered",
    "access.denied",
    "access.deferred",
    "access.local",
    "report.issued",
    "report.printed",
    "report.spoiled",
    "report.reprinted",
    "report.handed_over",
    "case.opened",
    "ticket.taken",
    "quota.spent",
)
"""Kinds whose counts a day's closing answers for."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One difference before it becomes a finding."""

    code: str
    about: str
    words: Words
    owner: str


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of one node's day.

    `over`: the day has ended. `said` None: it was not closed on this ledger. `closed`: the node closed it,
    on the ledger of whichever incarnation. `late`: counted kinds after that closing. Until the end of the
    day: `blanks`, numbered sheets issued, returned and void; `sheets`, what became of their numbers.
    """

    day: str
    said: Mapping[str, int] | None
    closed: bool
    recount: Mapping[str, int]
    late: Mapping[str, int]
    reports: Sequence[ReportWhole]
    stray: Sequence[Paper]
    cases: Mapping[str, Sequence[CaseEvent]]
    answered: frozenset[str]
    shown_only: Sequence[Pairing]
    disclosed_only: Sequence[Pairing]
    purposeless: Sequence[Pairing]
    blanks: Sequence[SheetMove] = ()
    sheets: Sequence[Paper] = ()
    over: bool = True


Rule = Callable[[Day], Iterator[Difference]]


def differences(day: Day) -> tuple[Difference, ...]:
    """Everything the rules find, in their order."""
    return tuple(found for rule in RULES for found in rule(day))


def _totals(day: Day) -> Iterator[Difference]:
    """The node's own totals against the recount of what arrived."""
    if not day.closed:
        if day.over and any(day.recount.get(name) for name in COUNTED):
            yield _said("day-missing", day.day, HALL, "当日有业务而未日结", "a day with work was not closed")
        return
    # A ledger that ended before the day was closed was totalled by nobody: nothing to compare with.
    said = day.recount if day.said is None else day.said
    for name in COUNTED:
        theirs, ours = said.get(name, 0), day.recount.get(name, 0)
        if theirs != ours:
            words = kind(name).words
            yield _said(
                "day-count",
                f"{day.day} {name}",
                HALL,
                f"{words[0]}：大厅日结 {theirs}，中心复点 {ours}",
                f"{words[1]}: closed with {theirs}, recounted {ours}",
            )
    if any(day.late.values()):
        many = sum(day.late.values())
        yield _said(
            "after-close",
            day.day,
            HALL,
            f"日结后又有 {many} 笔业务，须重新日结",
            f"{many} entries after the close",
        )


def _report_access(day: Day) -> Iterator[Difference]:
    """Report without access."""
    for whole in day.reports:
        report = whole.report
        if report.case_no and report.case_no not in day.answered:
            yield _about(
                report.serial, "report-without-access", "报告没有对应的查询", "report without an access"
            )


def _papers(day: Day) -> Iterator[Difference]:
    """Serial ↔ sheet: never printed, printed twice, spoiled without a good one, handed over twice.

    A report for e-mail has no sheet; one that was printed all the same is judged like any other.
    """
    for whole in day.reports:
        serial, kinds = whole.report.serial, [paper.kind for paper in whole.papers]
        good = kinds.count(PRINTED) + kinds.count(REPRINTED)
        if good == 0 and SPOILED in kinds:
            yield _about(serial, "sheet-spoiled", "纸张作废且无完好的一张", "spoiled, and no good sheet")
        elif good == 0 and whole.report.delivery != "email":
            yield _about(serial, "never-printed", "报告已签发，无纸张记录", "issued and never printed")
        if kinds.count(PRINTED) > 1:
            yield _about(
                serial, "printed-twice", "同一编号打印两次而未记补打", "printed twice without a reprint"
            )
        if kinds.count(HANDED_OVER) > good:
            yield _about(
                serial, "handed-over-twice", "交付次数多于纸张", "handed over more often than printed"
            )
        elif good and HANDED_OVER not in kinds:
            yield _about(serial, "not-handed-over", "已打印未交付", "printed and not handed over")
    for paper in day.stray:
        yield _about(paper.serial, "paper-without-report", "纸张没有对应的报告", "a sheet without a report")


def _refused_cases(day: Day) -> Iterator[Difference]:
    """Paper whose case was later refused."""
    for whole in day.reports:
        events = day.cases.get(whole.report.case_no, ())
        handed = any(paper.kind == HANDED_OVER for paper in whole.papers)
        if handed and events and events[-1].state == "refused":
            yield _about(
                whole.report.serial, "paper-of-refused", "办件已被拒绝而纸张已交付", "paper of a refused case"
            )


def _pairs(day: Day) -> Iterator[Difference]:
    """An online answer stands on two ledgers: one without the other is a finding."""
    for one in day.disclosed_only:
        yield _said(
            "disclosed-not-shown",
            one.request_id,
            HALL,
            "中心已提供，大厅台账没有这次查询",
            "disclosed by the centre, not on the hall's ledger",
        )
    for one in day.shown_only:
        yield _said(
            "shown-not-disclosed",
            one.request_id or f"entry {one.idx}",
            CENTRE,
            "大厅记为联网答复，中心没有提供记录",
            "answered online by the hall, not on the centre's ledger",
        )


def _purposes(day: Day) -> Iterator[Difference]:
    """Access without ticket, case or purpose."""
    for one in day.purposeless:
        yield _said(
            "access-without-purpose",
            f"entry {one.idx}",
            HALL,
            "查询没有目的也没有办件",
            "no purpose, no case",
        )


def _numbered_sheets(day: Day) -> Iterator[Difference]:
    """Every numbered sheet is used once, void, or lies untouched at the end of its block."""
    used = Counter(paper.sheet for paper in day.sheets)
    used.update(move.first for move in day.blanks if move.outcome == "void")
    for sheet, times in used.items():
        if times > 1:
            yield _about(
                sheet, "sheet-used-twice", "同一编号的纸张用了不止一次", "one sheet, used more than once"
            )
    blocks = [move for move in day.blanks if move.outcome == "issued"]
    known: set[str] = set()
    for block in blocks:
        numbers = list(_numbers(block))
        known.update(numbers)
        taken = [place for place, number in enumerate(numbers) if number in used]
        top = max(taken, default=-1)
        for place in range(top):
            if numbers[place] not in used:
                yield _about(
                    numbers[place], "sheet-unaccounted", "编号纸张去向不明", "numbered sheet unaccounted for"
                )
        returned = [move for move in day.blanks if (move.outcome, move.block) == ("returned", block.block)]
        untouched = len(numbers) - top - 1
        if returned and returned[-1].count != untouched:
            yield _about(
                block.block,
                "sheets-returned-short",
                f"交回 {returned[-1].count} 张，台账应余 {untouched} 张",
                f"{returned[-1].count} returned, {untouched} should be left",
            )
    for paper in day.sheets if blocks else ():
        if paper.sheet not in known:
            yield _about(paper.sheet, "sheet-of-no-block", "纸张编号不在领用的号段内", "a sheet of no block")


def _numbers(block: SheetMove) -> Iterator[str]:
    """The numbers of a block, at most 10,000; nothing for what is no block."""
    first, last = _NUMBER.fullmatch(block.first), _NUMBER.fullmatch(block.last)
    if first is None or last is None or first[1] != last[1] or len(first[2]) != len(last[2]):
        return
    for number in range(int(first[2]), min(int(last[2]), int(first[2]) + BLOCK_SHEETS_MAX - 1) + 1):
        yield f"{first[1]}{number:0{len(first[2])}d}"


_NUMBER = re.compile(r"(.*?)(\d{1,12})")
BLOCK_SHEETS_MAX = 10_000

RULES: tuple[Rule, ...] = (
    _totals,
    _report_access,
    _papers,
    _refused_cases,
    _pairs,
    _purposes,
    _numbered_sheets,
)
CODES = frozenset(
    {
        "access-without-purpose",
        "after-close",
        "day-count",
        "day-missing",
        "disclosed-not-shown",
        "handed-over-twice",
        "never-printed",
        "not-handed-over",
        "paper-of-refused",
        "paper-without-report",
        "printed-twice",
        "report-without-access",
        "sheet-of-no-block",
        "sheet-spoiled",
        "sheet-unaccounted",
        "sheet-used-twice",
        "sheets-returned-short",
        "shown-not-disclosed",
    }
)
"""What these rules find: only such a finding ends by itself, when a later recount finds it no more."""


def _said(code: str, about: str, owner: str, zh: str, en: str) -> Difference:
    return Difference(code=code, about=about, words=Words(zh=zh, en=en), owner=owner)


def _about(serial: str, code: str, zh: str, en: str) -> Difference:
    return _said(code, serial, HALL, f"{zh}：{serial}", f"{en}: {serial}")


def by_name(counts: Mapping[int, int]) -> dict[str, int]:
    """Counts by kind name."""
    return {by_number(number).name: many for number, many in counts.items()}
