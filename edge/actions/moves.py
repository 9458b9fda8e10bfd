"""One paper's way: which state may follow which, and the entry each step leaves.

    asked → queued → sent → device-confirmed → clerk-confirmed → handed-over
              ↑  └────┤ ↘ failed ───┤    └──→ spoiled
              └───────┴─────────────┘ nothing came out: the sheet goes back, the next try has a new name

Every step is one call of `move` inside a transaction: row and entry become durable together. *Asked* stands
in the entry that asked (report.issued, access.deferred, access.denied, the reprint's mark).
"""

from typing import Final

import msgspec

from edge.store.draft import Draft
from edge.store.reader import Reading
from edge.store.transaction import Transaction
from matters.model import Words

STEPS: Final[dict[str, frozenset[str]]] = {
    "asked": frozenset({"queued", "sent"}),
    "queued": frozenset({"sent"}),
    "sent": frozenset({"queued", "device-confirmed", "failed", "clerk-confirmed", "spoiled"}),
    "device-confirmed": frozenset({"queued", "clerk-confirmed", "spoiled"}),
    "failed": frozenset({"queued", "clerk-confirmed", "spoiled"}),
    "clerk-confirmed": frozenset({"handed-over"}),
    "handed-over": frozenset(),
    "spoiled": frozenset(),
}
QUESTION: Final = Words(
    zh="纸张出来了吗？请选择：完好 / 损坏 / 没有出来。",
    en="Did the paper come out? Good, spoiled, or none.",
)
FORGOTTEN: Final = Words(
    zh="打印队列里没有这份文件，多半没有打出。纸张出来了吗？请选择：完好 / 损坏 / 没有出来。",
    en="The queue does not hold this file: probably nothing came out. Good, spoiled, or none?",
)
IN_DOUBT: Final = "in-doubt"


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """A job as the mover needs it. `attempt` counts up when the clerk says that nothing came out."""

    id: str
    kind: str
    serial: str
    case: str
    state: str
    copy_no: int
    attempt: int
    sheet: str
    window: str
    printer: str
    problem: bytes | None

    @property
    def name(self) -> str:
        """The name under which an A4 queue holds this try, unique for ever."""
        again = f"-{self.attempt}" if self.attempt > 1 else ""
        return f"{self.serial}-{self.copy_no}{again}"


_COLUMNS: Final = "id, kind, serial, office_case, state, copy_no, attempt, sheet, window, printer, problem"


def those(db: Reading | Transaction, which: str, bound: tuple[str | int, ...]) -> list[Way]:
    """The jobs that a constant clause `which` names, with its values."""
    rows = db.query(f"SELECT {_COLUMNS} FROM print_job WHERE {which}", bound)  # noqa: S608 -- constant clauses
    return [Way(**dict(zip(Way.__struct_fields__, row, strict=True))) for row in rows]


def load(tx: Transaction, job_id: str) -> Way | None:
    """The job as it is now, None when there is none."""
    return next(iter(those(tx, "id = ?", (job_id,))), None)


def move(
    tx: Transaction,
    job: Way,
    state: str,
    *,
    problem: Words | None = None,
    printer: str = "",
    reason: str = "",
    entry: Draft | None = None,
) -> bool:
    """One step of a paper, with its entry: `entry`, or paper.moved. Durable with the transaction.

    False, and nothing is done, where the job has moved on meanwhile: whoever came first decided.
    """
    assert state in STEPS[job.state], f"{job.state} → {state}"
    said = msgspec.json.encode(problem) if problem else None
    changed = tx.execute(
        "UPDATE print_job SET state = ?, problem = ?, changed_ms = ?,"
        " printer = coalesce(nullif(?, ''), printer), reason = coalesce(nullif(?, ''), reason)"
        " WHERE id = ? AND state = ?",
        (state, said, tx.now_ms, printer, reason, job.id, job.state),
    )
    if not changed:
        return False
    tx.append(entry or moved(job, state, reason))
    return True


def doubt(tx: Transaction, job: Way, words: Words) -> bool:
    """Ask the clerk about a job in `sent`; the question is an entry, asked once however often it is found."""
    said = msgspec.json.encode(words)
    changed = tx.execute(
        "UPDATE print_job SET problem = ?, changed_ms = ? WHERE id = ? AND state = 'sent'"
        " AND (problem IS NULL OR problem <> ?)",
        (said, tx.now_ms, job.id, said),
    )
    if changed and job.problem is None:
        tx.append(moved(job, IN_DOUBT, ""))
    return bool(changed)


def moved(job: Way, state: str, reason: str, *, actor: str = "", role: str = "") -> Draft:
    """The entry of a step: which paper, where to, which sheet, why."""
    return Draft(
        kind="paper.moved",
        actor=actor,
        role=role,
        window=job.window,
        outcome=state,
        object=job.serial or job.case,
        detail={"paper": job.kind, "copy": job.copy_no, "sheet": job.sheet, "reason": reason},
    )
