"""The press: typesets asked reports and keeps every printer's lane at work; never prints twice by itself.

Life of a slip: asked → sent (durable BEFORE the first byte) → device-confirmed, or a question to the clerk.
Life of a report: asked → queued (its file is stored) → sent (opened by the clerk, or handed to a queue) →
device-confirmed where a queue says so → clerk-confirmed → handed-over. A job that stood in `sent` when the
node died asks the clerk; nothing resumes by itself.
"""

import asyncio
import contextlib
import hashlib

import msgspec
import structlog

from edge.actions import lanes, moves
from edge.actions.node import Node
from edge.errors import EdgeError, NotThere, WrongMoment
from edge.store import identity, past
from edge.store.identity import read_secrets
from edge.store.reader import Reading
from edge.store.transaction import Transaction
from edge.typeset.sheets import ReportSheet
from matters.model import Words
from sync.messages.token import Status, build_token, sign_file
from sync.signing.certificate import Certificate
from sync.signing.keys import SigningKey

log = structlog.get_logger("press")
ROUND_S = 5.0
JOBS_A_ROUND = 32


async def run(node: Node) -> None:
    """Work off the journal whenever the bell rings, and every five seconds; ends only by cancellation.

    Each printer has a lane of its own: the next round does not wait for one that is still at work.
    """
    at_work: dict[str, asyncio.Task[None]] = {}
    async with asyncio.TaskGroup() as group:
        while True:
            node.press_bell.clear()
            pause_s = ROUND_S
            try:
                await _typeset(node)
                pause_s = await lanes.pause_s(node, ROUND_S)
                for printer, windows in (await lanes.lanes(node)).items():
                    if printer not in at_work or at_work[printer].done():
                        at_work[printer] = group.create_task(_lane(node, printer, windows))
            except EdgeError as error:  # the store is in trouble; the journal keeps the jobs
                log.warning("press", code=error.code)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await node.press_bell.wait()


async def round_once(node: Node) -> None:
    """Typeset every asked report, then one turn of every lane, side by side; ends when all have ended."""
    await _typeset(node)
    async with asyncio.TaskGroup() as group:
        for printer, windows in (await lanes.lanes(node)).items():
            group.create_task(_lane(node, printer, windows))


async def _lane(node: Node, printer: str, windows: tuple[str, ...]) -> None:
    try:
        if await lanes.work_off(node, lanes.Papers(stored_file, token), printer, windows):
            node.press_bell.set()
    except EdgeError as error:  # the store is in trouble; the journal keeps the jobs
        log.warning("lane", code=error.code)


async def _typeset(node: Node) -> None:
    """Set every asked report; one that cannot be set says so in the journal and holds up no other."""
    for serial, copy_no in await node.store.read(
        lambda db: db.query(
            "SELECT serial, copy_no FROM print_job WHERE state = 'asked' AND kind = 'report'"
            " ORDER BY (problem IS NOT NULL), asked_ms LIMIT ?",
            (JOBS_A_ROUND,),
        )
    ):
        try:
            await render(node, serial, copy_no)
        except EdgeError as error:
            log.warning("press", code=error.code)
            await _problem(node, serial, copy_no, error.message)


async def render(node: Node, serial: str, copy_no: int) -> bytes:
    """The report's file, typeset and signed once, then always the same bytes. Stored when this returns.

    Raises NotThere for an unknown serial, TypesetFailed.
    """
    async with node.typesetting:
        stored = await stored_file(node, serial, copy_no)
        if stored is not None:
            return stored
        unsigned = await node.typesetter.report(await sheet(node, serial, copy_no))
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
    asked = "serial = ? AND copy_no = ? AND kind = 'report' AND state = 'asked'"
    for job in moves.those(tx, asked, (serial, copy_no)):
        moves.move(tx, job, "queued")


async def sheet(node: Node, serial: str, copy_no: int) -> ReportSheet:
    """What a report's paper says, with its code. Raises NotThere for an unknown serial."""
    rows = await node.store.read(lambda db: db.query("SELECT sheet FROM report WHERE serial = ?", (serial,)))
    if not rows:
        raise NotThere("no such report")
    said = msgspec.json.decode(rows[0][0], type=ReportSheet)
    return msgspec.structs.replace(said, token=await token(node, serial), copy_no=copy_no)


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


async def _problem(node: Node, serial: str, copy_no: int, words: Words) -> None:
    said = msgspec.json.encode(words)
    await node.store.transact(
        lambda tx: tx.execute(
            "UPDATE print_job SET problem = ? WHERE serial = ? AND copy_no = ? AND kind = 'report'",
            (said, serial, copy_no),
        )
    )
