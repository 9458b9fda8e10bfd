"""A lane a printer: its papers one after the other, so that a slow or stuck printer keeps no other waiting.

Life of one paper in its lane: its state `sent`, its sheet and its entry are durable BEFORE the first byte →
the printer → confirmed by the device, or a question to the clerk. No byte sent: queued again. Nothing is ever
printed a second time by itself.
"""

import functools
import time
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
import structlog

from drivers.errors import DriverError
from drivers.ports import JobState
from edge.actions import moves, printers, sheets
from edge.actions.moves import Way
from edge.actions.node import Node
from edge.errors import NotThere, WrongMoment
from edge.hall.hall import Hall
from edge.settings import DeviceKind
from edge.store.transaction import Transaction
from edge.typeset.sheets import SlipSheet
from matters.model import Words

log = structlog.get_logger("lanes")
JOBS_A_LANE: Final = 32
FRESH_MS: Final = 60_000
REST_S: Final = (0.0, 5.0, 15.0, 30.0)
"""Pauses after a printer refused a job although it said it was ready; a new state of it ends the pause."""
_KINDS: Final[tuple[tuple[str, DeviceKind], ...]] = (("slip", "receipt_printer"), ("report", "a4_printer"))


class Papers(msgspec.Struct, frozen=True):
    """Where a lane gets what it prints: a report's signed file (None until it is typeset), a QR's text."""

    file: Callable[[Node, str, int], Awaitable[bytes | None]]
    token: Callable[[Node, str], Awaitable[str]]


async def lanes(node: Node) -> dict[str, tuple[str, ...]]:
    """Printers with papers on their way and the windows each prints for; where the browser prints, none."""
    if node.hall is None:
        return {}
    rows = await node.store.read(
        lambda db: db.query(
            "SELECT DISTINCT kind, window FROM print_job WHERE state IN ('asked', 'queued', 'sent')"
            " AND NOT (kind = 'slip' AND state = 'sent')"
        )
    )
    found: dict[str, list[str]] = {}
    for kind, window in sorted(rows):
        printer = node.hall.device_of(window, dict(_KINDS)[kind])
        if printer:
            found.setdefault(printer, []).append(window)
    return {printer: tuple(windows) for printer, windows in found.items()}


async def pause_s(node: Node, quiet_s: float) -> float:
    """Seconds until the press looks again: soon while a queue was handed something in the last minute."""
    since_ms = node.now_ms() - FRESH_MS
    rows = await node.store.read(
        lambda db: db.query(
            "SELECT 1 FROM print_job WHERE state = 'sent' AND kind = 'report' AND printer <> ''"
            " AND changed_ms > ? LIMIT 1",
            (since_ms,),
        )
    )
    return 1.0 if rows else quiet_s


async def work_off(node: Node, papers: Papers, printer: str, windows: tuple[str, ...]) -> bool:
    """Print what waits for one printer, and read back what its queue says of what was sent.

    Whether anything was printed or handed over, so that its queue is worth another look soon.
    """
    sent = False
    hall = node.hall
    assert hall is not None, "a lane belongs to a hall"
    kind = hall.kind_of(printer)
    if kind == "a4_printer":
        await _follow(node, hall, printer, windows)
    while node.resting.get(printer, (0, 0.0))[1] <= time.monotonic() and hall.may_print(printer):
        jobs = await _waiting(node, windows, "report" if kind == "a4_printer" else "slip")
        for job in jobs:
            done = await (_sheet if kind == "a4_printer" else _slip)(node, hall, papers, printer, job)
            if not done:
                _rest(node, printer)
                return sent
            node.resting.pop(printer, None)
            sent = True
        if not jobs:
            break
    return sent


async def _waiting(node: Node, windows: tuple[str, ...], kind: str) -> list[Way]:
    """Papers ready for a printer, oldest first: slips asked for or queued, reports whose file is there."""
    states = "('asked', 'queued')" if kind == "slip" else "('queued')"
    which = (
        f"kind = ? AND state IN {states} AND problem IS NULL AND window IN ({_marks(windows)})"
        f" ORDER BY asked_ms, id LIMIT {JOBS_A_LANE}"
    )
    return await node.store.read(lambda db: moves.those(db, which, (kind, *windows)))


def _marks(windows: tuple[str, ...]) -> str:
    return ",".join("?" * len(windows))


def _rest(node: Node, printer: str) -> None:
    times = node.resting.get(printer, (0, 0.0))[0]
    rest_s = REST_S[min(times, len(REST_S) - 1)]
    node.resting[printer] = (times + 1, time.monotonic() + rest_s)


async def _slip(node: Node, hall: Hall, papers: Papers, printer: str, job: Way) -> bool:
    """Send one slip; False when the printer took no byte of it."""
    rows = await node.store.read(lambda db: db.query("SELECT paper FROM print_job WHERE id = ?", (job.id,)))
    slip = msgspec.json.decode(rows[0][0], type=SlipSheet)
    if job.serial:
        try:
            slip = msgspec.structs.replace(slip, qr=await papers.token(node, job.serial))
        except (NotThere, WrongMoment) as error:  # its report's key is gone: this slip only cannot be printed
            await _cannot(node, job.id, error.message)
            return True
    encoded = node.typesetter.slip(slip, await printers.able(node, printer))
    if not await _sent(node, job, printer):
        return True
    try:
        outcome = await hall.print_slip(printer, encoded)
    except DriverError as error:
        log.info("slip.waits", code=error.code)
        await step(node, job.id, "queued", reason=error.code)
        return False
    if outcome.confirmed:
        await step(node, job.id, "device-confirmed")
    else:
        await _ask(node, job.id, moves.QUESTION)
    return True


async def _cannot(node: Node, job_id: str, words: Words) -> None:
    """Say in the journal why a paper will not be printed; the lane goes on to the next."""
    said = msgspec.json.encode(words)
    await node.store.transact(
        lambda tx: tx.execute("UPDATE print_job SET problem = ? WHERE id = ?", (said, job_id))
    )
    node.events.publish("print", {"job": job_id, "state": "asked"})


async def _sheet(node: Node, hall: Hall, papers: Papers, printer: str, job: Way) -> bool:
    """Hand one report to an A4 queue under a name of its own; False when the queue does not hold it."""
    pdf = await papers.file(node, job.serial, job.copy_no)
    if pdf is None:
        return False
    if not await _sent(node, job, printer):
        return True
    try:
        submitted = await hall.submit_sheet(printer, pdf, job.name)
    except DriverError as error:
        log.info("sheet.waits", code=error.code)
        await step(node, job.id, "queued", reason=error.code)
        return False
    if not submitted.confirmed:
        await _ask(node, job.id, moves.QUESTION)
    return True


async def _follow(node: Node, hall: Hall, printer: str, windows: tuple[str, ...]) -> None:
    """Ask the queue about what it was given: done, failed, held for a reason, or never got."""
    which = (
        f"kind = 'report' AND state = 'sent' AND printer = ? AND window IN ({_marks(windows)})"
        f" ORDER BY asked_ms LIMIT {JOBS_A_LANE}"
    )
    for job in await node.store.read(lambda db: moves.those(db, which, (printer, *windows))):
        try:
            found = await hall.sheet_job(printer, job.name)
        except DriverError as error:
            log.info("sheet.waits", code=error.code)
            return
        await _said(node, job, found)


async def _said(node: Node, job: Way, found: JobState | None) -> None:
    if found is None or found.stage == "unknown":
        await _ask(node, job.id, moves.FORGOTTEN)
    elif found.stage == "done":
        node.queue_says.pop(job.id, None)
        await step(node, job.id, "device-confirmed")
    elif found.ended:
        node.queue_says.pop(job.id, None)
        await step(node, job.id, "failed", problem=found.words)
    elif node.queue_says.get(job.id) != found.words:
        node.queue_says[job.id] = found.words
        node.events.publish("print", {"job": job.id, "state": found.stage})


async def _sent(node: Node, job: Way, printer: str) -> bool:
    """`sent`, with the next sheet of the tray, durable before the first byte. False: it moved meanwhile."""

    def send(tx: Transaction) -> bool:
        now = moves.load(tx, job.id)
        if now is None or now.state not in {"asked", "queued"}:
            return False
        return take_and_send(tx, now, printer)

    done = await node.store.transact(send)
    node.events.publish("print", {"job": job.id, "state": "sent"})
    return done


def take_and_send(tx: Transaction, job: Way, printer: str, problem: Words | None = None) -> bool:
    """The step to `sent`, by a printer or (`printer` "") the clerk's browser, with its numbered sheet."""
    if job.kind == "report":
        number = sheets.take_next(tx, job.window, job.id)
        tx.execute("UPDATE print_job SET sheet = ? WHERE id = ?", (number, job.id))
        job = msgspec.structs.replace(job, sheet=number)
    return moves.move(tx, job, "sent", printer=printer, problem=problem)


async def step(
    node: Node, job_id: str, state: str, *, problem: Words | None = None, reason: str = ""
) -> None:
    """One step of a job in `sent` that the printer decided; nothing when the clerk was first."""

    def decide(tx: Transaction) -> None:
        job = moves.load(tx, job_id)
        if job is None or job.state != "sent":
            return
        if state == "queued":
            sheets.put_back(tx, job.id)
            tx.execute("UPDATE print_job SET sheet = '' WHERE id = ?", (job.id,))
        moves.move(tx, job, state, problem=problem, reason=reason if state != "queued" else "")

    await node.store.transact(decide)
    node.events.publish("print", {"job": job_id, "state": state})


async def _ask(node: Node, job_id: str, words: Words) -> None:
    if await node.store.transact(functools.partial(_doubt, job_id=job_id, words=words)):
        node.events.publish("print", {"job": job_id, "state": "sent"})


def _doubt(tx: Transaction, *, job_id: str, words: Words) -> bool:
    job = moves.load(tx, job_id)
    return job is not None and moves.doubt(tx, job, words)


async def after_crash(node: Node) -> int:
    """At boot: every job that stood in `sent` without a word from the printer asks the clerk; how many."""

    def ask_all(tx: Transaction) -> int:
        jobs = moves.those(tx, "state = 'sent' AND problem IS NULL", ())
        return sum(moves.doubt(tx, job, moves.QUESTION) for job in jobs)

    return await node.store.transact(ask_all)
