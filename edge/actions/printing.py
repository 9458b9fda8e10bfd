"""The print journal as the clerk uses it: confirm, spoil, print again, hand over, look at the file (G16)."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from edge.actions import duties, lanes, moves, paperwork, press
from edge.actions import sheets as inventory
from edge.actions.cases import change_case
from edge.actions.marks import mark
from edge.actions.node import Node, Session
from edge.actions.recording import day_span
from edge.actions.views import PrintJob, Sheets
from edge.errors import NotAllowed, NotThere, WrongMoment
from edge.store.draft import Draft
from edge.store.reader import Reading
from edge.store.transaction import Transaction
from edge.typeset import paper
from matters.model import Words

Outcome = Literal["good", "spoiled", "none"]
JOBS_MAX = 200
SHEET_MAX = 32
_OPEN = ("opened", "fulfilled", "superseded")
_COLUMNS = (
    "SELECT id, kind, serial, office_case, state, copy_no, sheet, problem, asked_ms, reason, window, printer"
    " FROM print_job"
)


class _Own(msgspec.Struct, frozen=True):
    """A report of one's own open case."""

    subject: str
    case: str
    copies: int


async def jobs(node: Node) -> tuple[PrintJob, ...]:
    """The journal: unfinished jobs first, then the newest; at most 200."""
    rows = await node.store.read(
        lambda db: db.query(
            f"{_COLUMNS} ORDER BY (problem IS NULL), (state NOT IN ('asked','queued','sent','failed')),"
            f" asked_ms DESC LIMIT {JOBS_MAX}"
        )
    )
    return tuple(_job(row, node.queue_says) for row in rows)


def _job(row: tuple[Any, ...], queue_says: Mapping[str, Words] = {}) -> PrintJob:
    return PrintJob(
        id=row[0],
        kind=row[1],
        serial=row[2],
        case=row[3],
        state=row[4],
        copy_no=row[5],
        sheet=row[6],
        problem=msgspec.json.decode(row[7], type=Words) if row[7] else None,
        asked_ms=row[8],
        reason=row[9],
        window=row[10],
        printer=row[11],
        queue=queue_says.get(row[0]) if row[4] == "sent" else None,
    )


async def confirm(
    node: Node, session: Session, job_id: str, outcome: Outcome, reason: str = "", sheet: str = ""
) -> PrintJob:
    """The clerk's word on one job: the paper is good, spoiled (with a reason), or none came out.

    Good and spoiled are entries with the sheet's number (the one handed to the printer, unless `sheet` names
    another) and the file's digest. "None" puts the job back in the queue under a new name: no sheet was used.
    Raises NotThere, WrongMoment (nothing was sent yet, it is finished, or the sheet was used before), Refused
    (no reason, or no sheet of this window).
    """
    await duties.answers_for(node, session, job=job_id)
    reason = inventory.reasoned(reason) if outcome == "spoiled" else reason.strip()

    def settle(tx: Transaction) -> PrintJob:
        _settle(tx, session, job_id, outcome, reason, sheet.strip()[:SHEET_MAX])
        return _load(tx, job_id)

    settled = await node.store.transact(settle)
    node.queue_says.pop(job_id, None)
    node.press_bell.set()
    node.events.publish("print", {"job": job_id, "state": settled.state})
    return settled


def _settle(
    tx: Transaction, session: Session, job_id: str, outcome: Outcome, reason: str, number: str
) -> None:
    job = moves.load(tx, job_id)
    if job is None:
        raise NotThere("no such print job")
    if job.state not in {"sent", "device-confirmed", "failed"}:
        raise WrongMoment(f"job is {job.state}")
    state = {"good": "clerk-confirmed", "spoiled": "spoiled", "none": "queued"}[outcome]
    if outcome == "none":
        inventory.put_back(tx, job_id)
        tx.execute("UPDATE print_job SET sheet = '', attempt = attempt + 1 WHERE id = ?", (job_id,))
        job = msgspec.structs.replace(job, sheet="")
    elif job.kind == "report":
        kept = "good" if outcome == "good" else "spoiled"
        number = inventory.settle(tx, job.window, job_id, number, kept, reason)
        tx.execute("UPDATE print_job SET sheet = ? WHERE id = ?", (number, job_id))
        job = msgspec.structs.replace(job, sheet=number)
    entry = moves.moved(job, state, reason, actor=session.staff, role=session.role)
    if job.kind == "report" and outcome != "none":
        good = "report.printed" if job.copy_no == 1 else "report.reprinted"
        kind = good if outcome == "good" else "report.spoiled"
        entry = _paper(tx, session, kind, job, reason or _load(tx, job_id).reason)
    moves.move(tx, job, state, reason=reason, entry=entry)


async def reprint(node: Node, session: Session, serial: str, reason: str) -> str:
    """补打: one more copy under the same serial, with its reason; the new job's id.

    The serial is never reused.

    Raises NotThere, Refused (no reason), WrongMoment while an earlier copy still has an open question.
    """
    await duties.answers_for(node, session, serial=serial)
    reason = inventory.reasoned(reason)

    def again(tx: Transaction) -> str:
        row = tx.one("SELECT copies, office_case FROM report WHERE serial = ?", (serial,))
        if row is None:
            raise NotThere("no such report")
        waiting = tx.one(
            "SELECT 1 FROM print_job WHERE serial = ? AND kind = 'report'"
            " AND state IN ('asked','queued','sent')",
            (serial,),
        )
        if waiting:
            raise WrongMoment("a copy is not settled", step=moves.QUESTION)
        copy_no = int(row[0]) + 1
        tx.execute("UPDATE report SET copies = ? WHERE serial = ?", (copy_no, serial))
        job = paperwork.ask_report(tx, session.window, row[1], serial, copy_no, reason)
        tx.append(mark(session, "reprint-asked", serial))
        return job

    job = await node.store.transact(again)
    node.press_bell.set()
    return job


async def hand_over(node: Node, session: Session, serial: str) -> None:
    """The citizen has the paper: once, and only a copy the clerk found good.

    Raises NotThere, WrongMoment, NotAllowed for the paper of another window and clerk.
    """
    await duties.answers_for(node, session, serial=serial)

    def give(tx: Transaction) -> None:
        row = tx.one(
            "SELECT id FROM print_job WHERE serial = ? AND kind = 'report' ORDER BY copy_no DESC LIMIT 1",
            (serial,),
        )
        if row is None:
            raise NotThere("no such report")
        job = moves.load(tx, row[0])
        if job is None or job.state != "clerk-confirmed":
            raise WrongMoment(f"job is {job.state if job else 'gone'}")
        entry = _paper(tx, session, "report.handed_over", job, "")
        moves.move(tx, job, "handed-over", entry=entry)
        change_case(tx, job.case, "handed-over", "", actor=session.staff)

    await node.store.transact(give)
    node.events.publish("print")


async def pdf(node: Node, session: Session, serial: str) -> bytes:
    """The report's file for the browser to print.

    A view is an access, so it is an entry, durable before the bytes go.

    Only for the clerk's own open case (F014); anybody else is refused, and that is an entry too. A queued
    job becomes `sent`: from now on the clerk is asked what came out. Raises NotThere, NotAllowed,
    TypesetFailed.
    """
    own = await _own(node, session, serial)
    file = await press.render(node, serial, own.copies)

    def look(tx: Transaction) -> None:
        tx.append(mark(session, "report-viewed", serial, subject=own.subject))
        _opened(tx, serial, own.copies)

    await node.store.transact(look)
    node.events.publish("print")
    return file


async def summary(node: Node, session: Session, serial: str) -> str:
    """The report in short on slip paper, for who may see the file: the slip's job id.

    A view is an access, so it is an entry, durable with the slip's job. Raises as `pdf` does.
    """
    own = await _own(node, session, serial)
    slip = paper.summary(await press.sheet(node, serial, own.copies))

    def ask(tx: Transaction) -> str:
        tx.append(mark(session, "report-viewed", serial, subject=own.subject))
        return paperwork.ask_slip(tx, session.window, own.case, serial, slip)

    job = await node.store.transact(ask)
    node.press_bell.set()
    return job


async def _own(node: Node, session: Session, serial: str) -> _Own:
    """The report of the clerk's own open case (F014). Raises NotThere, NotAllowed once that is an entry."""
    rows = await node.store.read(
        lambda db: db.query(
            "SELECT c.staff, c.state, c.subject_number, r.office_case, r.copies FROM report r"
            " JOIN office_case c ON c.number = r.office_case WHERE r.serial = ?",
            (serial,),
        )
    )
    if not rows:
        raise NotThere("no such report")
    staff, state, *own = rows[0]
    if staff != session.staff or state not in _OPEN:
        denied = mark(session, "report-view-denied", serial, subject=own[0])
        await node.store.transact(lambda tx: tx.append(denied))
        raise NotAllowed("not an own open case", message=_NOT_YOURS)
    return _Own(*own)


def _opened(tx: Transaction, serial: str, copy_no: int) -> None:
    """The browser has the file: from now on the clerk is asked what came out, and of which sheet."""
    which = "serial = ? AND copy_no = ? AND kind = 'report' AND state IN ('asked', 'queued')"
    for job in moves.those(tx, which, (serial, copy_no)):
        lanes.take_and_send(tx, job, "", moves.QUESTION)


async def sheets(node: Node) -> Sheets:
    """Today's paper: sheets used and spoiled, copies without a word, and the serial range."""
    span = day_span(node.day_of(node.now_ms()))

    def count(db: Reading) -> Sheets:
        states = dict(
            db.query(
                "SELECT state, count(*) FROM print_job WHERE kind = 'report' AND changed_ms >= ?"
                " AND changed_ms < ? GROUP BY state",
                span,
            )
        )
        first, last = db.query(
            "SELECT min(serial), max(serial) FROM report WHERE issued_ms >= ? AND issued_ms < ?", span
        )[0]
        return Sheets(
            used=states.get("clerk-confirmed", 0) + states.get("handed-over", 0),
            spoiled=states.get("spoiled", 0),
            unaccounted=states.get("sent", 0),
            first_serial=first or "",
            last_serial=last or "",
        )

    return await node.store.read(count)


_NOT_YOURS = Words(
    zh="只能查看本人正在办理的办件的报告；本次操作已留痕。",
    en="Only the report of your own open case may be viewed; this attempt is on record.",
)


def _load(tx: Transaction, job_id: str) -> PrintJob:
    row = tx.one(f"{_COLUMNS} WHERE id = ?", (job_id,))
    if row is None:
        raise NotThere("no such print job")
    return _job(row)


def _paper(tx: Transaction, session: Session, kind: str, job: moves.Way, reason: str) -> Draft:
    digest = tx.one(
        "SELECT digest FROM report_file WHERE serial = ? AND copy_no = ?", (job.serial, job.copy_no)
    )
    return Draft(
        kind=kind,
        actor=session.staff,
        role=session.role,
        window=session.window,
        outcome=f"copy-{job.copy_no}",
        object=job.serial,
        detail={
            "serial": job.serial,
            "sheet": job.sheet,
            "file_digest": digest[0] if digest else b"",
            "reason": reason,
        },
    )
