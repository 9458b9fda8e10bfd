"""The node's own rows judged against its ledger: each entry's effect at the hall exactly once (P5)."""

from collections import Counter
from itertools import pairwise

from sync.messages.directives import follows
from tests.simulation.book import Book
from tests.simulation.offence import demand

NEWER_LETTER = "tea.served"
"""A kind of letter that only a newer centre writes."""
CALLED = ("case.fulfilled", "case.refused", "report.superseded", "quota.settled")


def judge_desk(book: Book) -> None:
    """Cases, reports, serials, quota, letters, tasks and print jobs, each against the entries that made them."""
    _rows_of(book, "office_case", "number", "case.opened", "case")
    _rows_of(book, "report", "serial", "report.issued", "serial")
    _serials(book)
    _quota(book)
    _letters(book)
    _settled(book)
    _papers(book)


def _rows_of(book: Book, table: str, column: str, kind: str, field: str) -> None:
    found = sorted(str(row[0]) for row in book.query(f"SELECT {column} FROM {table}"))
    wanted = sorted(str(line.detail[field]) for line in book.history if line.kind == kind)
    demand(found == wanted, "P5", f"{table}: {len(found)} rows for {len(wanted)} entries {kind}")


def _serials(book: Book) -> None:
    """Serials count up without a gap in the order of their entries (crash rule 3)."""
    series: dict[str, list[int]] = {}
    for line in book.history:
        if line.kind == "report.issued":
            name, number = str(line.detail["serial"]).rsplit("-", 1)
            series.setdefault(name, []).append(int(number))
    for name, numbers in series.items():
        demand(numbers == list(range(1, len(numbers) + 1)), "P2", f"serials of {name} are {numbers}")
    for serial, index in book.serials.items():
        line = book.lines[index]
        demand(
            line.detail.get("serial") == serial, "P2", f"serial {serial} was shown, its entry says another"
        )


def _quota(book: Book) -> None:
    """A row for each entry; those of ended ledgers are named by negative numbers."""
    found = [row[0] for row in book.query("SELECT entry FROM quota_spent ORDER BY entry")]
    ended = sum(line.kind == "quota.spent" for line in book.before)
    wanted = [line.entry.index for line in book.lines if line.kind == "quota.spent"]
    same = found[ended:] == wanted and all(number < 0 for number in found[:ended])
    demand(same, "P5", "quota rows and quota entries differ")


def _letters(book: Book) -> None:
    """Letters are obeyed in order, none twice, none left out; each call to make stands on the list once."""
    letters = book.query("SELECT number, kind, objection FROM directive ORDER BY number")
    numbers = [row[0] for row in letters if row[0] > 0]
    follow = all(follows(before, number) for before, number in pairwise([0, *numbers]))
    demand(follow, "P5", "letters obeyed with a gap")
    strange = [row for row in letters if row[1] != NEWER_LETTER]
    refused = [tuple(row) for row in strange if row[2] and not _known(book, row[2])]
    demand(not refused, "P5", f"letters not obeyed: {refused}")
    calls = book.query("SELECT count(*) FROM task WHERE kind = 'call'")[0][0]
    wanted = sum(row[1] in CALLED and not row[2] for row in letters)
    demand(calls == wanted, "P5", f"{calls} calls on the list for {wanted} letters")
    open_cases = {row[0] for row in book.query("SELECT number FROM office_case WHERE state = 'deferred'")}
    demand(not open_cases, "P8", f"promises not kept: {open_cases}")


def _known(book: Book, objection: str) -> bool:
    """A letter of a restored centre said before, or about work the disk forgot at a node whose history began anew."""
    if objection.startswith("obeyed before"):
        return True
    anew = book.lines[0].kind == "incarnation.opened"
    return anew and (objection.startswith(("no ", "grant ")) or objection.endswith("another person's here"))


def _settled(book: Book) -> None:
    settled = Counter(str(line.detail["serial"]) for line in book.history if line.kind == "report.settled")
    issued = [line.detail for line in book.history if line.kind == "report.issued"]
    left = {row[0] for row in book.query("SELECT serial FROM report WHERE status = 'provisional'")}
    demand(not left, "P8", f"reports still provisional: {left}")
    wanted = Counter(str(detail["serial"]) for detail in issued if detail["status"] == "provisional")
    demand(settled == wanted, "P5", f"verdicts {settled} for provisional reports {wanted}")


def _papers(book: Book) -> None:
    """Every copy of a report was asked for once, and given away at most once."""
    copies = Counter(book.query("SELECT serial, copy_no FROM print_job WHERE kind = 'report'"))
    demand(max(copies.values(), default=1) == 1, "P5", "one copy of a report stands twice on the journal")
    given = Counter(str(line.detail["serial"]) for line in book.history if line.kind == "report.handed_over")
    papers = Counter(
        (line.detail["serial"], line.entry.outcome)
        for line in book.history
        if line.kind == "report.handed_over"
    )
    demand(max(papers.values(), default=1) == 1, "P5", f"a copy was handed over twice: {given}")
