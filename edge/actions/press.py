"""The press: typesets asked reports, sends slips to the printer, and never prints twice by itself.

Life of a slip: asked → queued → sent (durable BEFORE the first byte) → device-confirmed, or a question to
the clerk. Life of a report: asked → queued (its file is stored) → sent (opened, or spooled) →
clerk-confirmed →
handed-over. A job that stood in `sent` when the node died asks the clerk; nothing resumes by itself.
"""

import asyncio
import contextlib
import hashlib
from typing import Any

import msgspec
import structlog

from drivers.errors import DriverError
from edge.actions.node import Node
from edge.errors import EdgeError, NotThere, WrongMoment
from edge.store import identity, past
from edge.store.identity import read_secrets
from edge.store.reader import Reading
from edge.store.transaction import Transaction
from edge.typeset.sheets import ReportSheet, SlipSheet
from matters.model import Words
from sync.messages.token import Status, build_token, sign_file
from sync.signing.certificate import Certificate
from sync.signing.keys import SigningKey

log = structlog.get_logger("press")
ROUND_S = 5.0
JOBS_A_ROUND = 32
QUESTION = Words(
    zh="纸张出来了吗？请选择：完好 / 损坏 / 没有出来。", en="Did the paper come out? Good, spoiled, or none."
)


async def run(node: Node) -> None:
    """Work off the journal whenever the bell rings, and every five seconds; ends only by cancellation."""
    while True:
        node.press_bell.clear()
        try:
            await round_once(node)
        except EdgeError as error:  # the store or the typesetter is in trouble; the journal keeps the jobs
            log.warning("press", code=error.code)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ROUND_S):
                await node.press_bell.wait()


async def round_once(node: Node) -> None:
    """Typeset every asked report, then send every queued slip whose printer is ready."""
    for serial, copy_no in await node.store.read(
        lambda db: db.query(
            "SELECT serial, copy_no FROM print_job WHERE state = 'asked' AND kind = 'report'"
            " ORDER BY asked_ms LIMIT ?",
            (JOBS_A_ROUND,),
        )
    ):
        try:
            await render(node, serial, copy_no)
        except EdgeError as error:
            await _problem(node, serial, copy_no, error.message)
            raise
    await node.store.transact(
        lambda tx: tx.execute("UPDATE print_job SET state = 'queued' WHERE state = 'asked' AND kind = 'slip'")
    )
    await _spool(node)
    await _follow(node)
    for job in await node.store.read(
        lambda db: db.query(
            "SELECT id, window, paper, serial FROM print_job WHERE state = 'queued' AND kind = 'slip'"
            " AND problem IS NULL ORDER BY asked_ms LIMIT ?",
            (JOBS_A_ROUND,),
        )
    ):
        await _slip(node, job)


async def render(node: Node, serial: str, copy_no: int) -> bytes:
    """The report's file, typeset and signed once, then always the same bytes. Stored when this returns.

    Raises NotThere for an unknown serial, TypesetFailed.
    """
    async with node.typesetting:
        stored = await stored_file(node, serial, copy_no)
        if stored is not None:
            return stored
        sheet = await _sheet(node, serial, copy_no)
        unsigned = await node.typesetter.report(sheet)
        key, _, _ = await _signer(node, serial)
        pdf = sign_file(unsigned, key)
        digest = hashlib.sha256(pdf).digest()
        await node.store.transact(lambda tx: _keep(tx, serial, copy_no, pdf, digest))
    node.events.publish("print")
    return pdf


async def stored_file(node: Node, serial: str, copy_no: int) -> bytes | None:
    """The report's file if it was typeset already."""
    rows = await node.store.read(
        lambda db: db.query("SELECT pdf FROM report_file WHERE serial = ? AND copy_no = ?", (serial, copy_no))
    )
    return bytes(rows[0][0]) if rows else None


def _keep(tx: Transaction, serial: str, copy_no: int, pdf: bytes, digest: bytes) -> None:
    tx.execute("INSERT OR REPLACE INTO report_file VALUES (?,?,?,?)", (serial, copy_no, pdf, digest))
    tx.execute(
        "UPDATE print_job SET state = 'queued', problem = NULL, changed_ms = ?"
        " WHERE serial = ? AND copy_no = ? AND kind = 'report' AND state = 'asked'",
        (tx.now_ms, serial, copy_no),
    )


async def _sheet(node: Node, serial: str, copy_no: int) -> ReportSheet:
    rows = await node.store.read(lambda db: db.query("SELECT sheet FROM report WHERE serial = ?", (serial,)))
    if not rows:
        raise NotThere("no such report")
    sheet = msgspec.json.decode(rows[0][0], type=ReportSheet)
    return msgspec.structs.replace(sheet, token=await token(node, serial), copy_no=copy_no)


async def token(node: Node, serial: str) -> str:
    """The text of a report's QR code: what anyone can check without a network (protocol.md 11)."""
    rows = await node.store.read(
        lambda db: db.query(
            "SELECT entry, leaf_hash, sheet, as_of_ms, issued_ms, facts_digest FROM report WHERE serial = ?",
            (serial,),
        )
    )
    if not rows:
        raise NotThere("no such report")
    _, leaf_hash, sheet, as_of_ms, issued_ms, digest = rows[0]
    key, certificate, index = await _signer(node, serial)
    # The paper says what was true when it was issued; a later verdict of the centre is a new paper.
    status: Status = msgspec.json.decode(sheet, type=ReportSheet).status
    return build_token(
        key=key,
        certificate=certificate,
        serial=serial,
        index=index,
        leaf_hash=leaf_hash,
        status=status,
        as_of_ms=as_of_ms,
        issued_ms=issued_ms,
        facts_digest=digest,
    )


async def _signer(node: Node, serial: str) -> tuple[SigningKey, Certificate, int]:
    """The key and certificate a report was issued under, and its entry's index on that ledger.

    Raises NotThere for an unknown serial, WrongMoment where that key was destroyed.
    """

    def find(db: Reading) -> tuple[SigningKey, Certificate, int]:
        row = db.one("SELECT entry FROM report WHERE serial = ?", (serial,))
        if row is None:
            raise NotThere("no such report")
        if row[0] >= 0:
            return node.identity.signing, node.identity.certificate, row[0]
        incarnation, index = past.place_of(row[0])
        held = identity.past_signer(read_secrets(db.connection), incarnation)
        if held is None:
            raise WrongMoment(f"key of i{incarnation} destroyed", message=_OLD_KEY, step=_OLD_KEY_NEXT)
        return *held, index

    return await node.store.read(find)


_OLD_KEY = Words(
    zh="该报告是上一代密钥签发的，密钥已作废，不能再补打。",
    en="This report was issued under a key that was destroyed; it cannot be printed again.",
)
_OLD_KEY_NEXT = Words(zh="请重新查询，出具新的报告。", en="Ask anew and issue a new report.")


async def _spool(node: Node) -> None:
    """Hand queued reports to the A4 printer where one is set; elsewhere the browser prints."""
    rows = await node.store.read(
        lambda db: db.query(
            "SELECT id, serial, copy_no, window FROM print_job WHERE state = 'queued' AND kind = 'report'"
            " AND problem IS NULL ORDER BY asked_ms LIMIT ?",
            (JOBS_A_ROUND,),
        )
    )
    for job_id, serial, copy_no, window in rows:
        printer = node.hall.printer_of(window, "a4_printer") if node.hall else ""
        pdf = await stored_file(node, serial, copy_no) if printer else None
        if pdf is not None and node.hall is not None:
            await _state(node, job_id, "sent", None)
            try:
                submitted = await node.hall.submit_sheet(printer, pdf, f"{serial}-{copy_no}")
            except DriverError as error:  # the queue does not hold it: nothing was printed
                log.info("sheet.waits", code=error.code)
                await _state(node, job_id, "queued", None)
                continue
            if not submitted.confirmed:
                await _state(node, job_id, "sent", QUESTION)


async def _follow(node: Node) -> None:
    """Ask the A4 queue about what was sent: done is confirmed by the device, failed says so."""
    rows = await node.store.read(
        lambda db: db.query(
            "SELECT id, serial, copy_no, window FROM print_job WHERE state = 'sent' AND kind = 'report'"
            " ORDER BY asked_ms LIMIT ?",
            (JOBS_A_ROUND,),
        )
    )
    for job_id, serial, copy_no, window in rows:
        printer = node.hall.printer_of(window, "a4_printer") if node.hall else ""
        if not printer or node.hall is None:
            continue
        try:
            job = await node.hall.sheet_job(printer, f"{serial}-{copy_no}")
        except DriverError as error:
            log.info("sheet.waits", code=error.code)
            continue
        if job is not None and job.stage == "done":
            await _state(node, job_id, "device-confirmed", None)
        elif job is not None and job.ended:
            await _state(node, job_id, "failed", job.words)


async def _slip(node: Node, job: tuple[Any, ...]) -> None:
    """Send one slip. No byte sent: it stays queued. Any byte sent: confirmed by the device, or a question."""
    job_id, window, paper, serial = job
    printer = node.hall.printer_of(window) if node.hall else ""
    if not printer or node.hall is None:
        return
    sheet = msgspec.json.decode(paper, type=SlipSheet)
    if serial:
        sheet = msgspec.structs.replace(sheet, qr=await token(node, serial))
    encoded = node.typesetter.slip(sheet)
    await _state(node, job_id, "sent", None)
    try:
        outcome = await node.hall.print_slip(printer, encoded)
    except DriverError as error:
        log.info("slip.waits", code=error.code)
        await _state(node, job_id, "queued", None)
        return
    if outcome.confirmed:
        await _state(node, job_id, "device-confirmed", None)
    else:
        await _state(node, job_id, "sent", QUESTION)


async def _state(node: Node, job: str, state: str, problem: Words | None) -> None:
    words = msgspec.json.encode(problem) if problem else None
    await node.store.transact(
        lambda tx: tx.execute(
            "UPDATE print_job SET state = ?, problem = ?, changed_ms = ? WHERE id = ?",
            (state, words, tx.now_ms, job),
        )
    )
    node.events.publish("print", {"job": job, "state": state})


async def _problem(node: Node, serial: str, copy_no: int, words: Words) -> None:
    said = msgspec.json.encode(words)
    await node.store.transact(
        lambda tx: tx.execute(
            "UPDATE print_job SET problem = ? WHERE serial = ? AND copy_no = ? AND kind = 'report'",
            (said, serial, copy_no),
        )
    )


async def after_crash(node: Node) -> int:
    """At boot: every job that stood in `sent` without a word from the printer asks the clerk; how many."""
    said = msgspec.json.encode(QUESTION)
    return await node.store.transact(
        lambda tx: tx.execute(
            "UPDATE print_job SET problem = ? WHERE state = 'sent' AND problem IS NULL", (said,)
        )
    )
