"""One exchange with the centre: `sync.exchange.node.NodeExchange` decides, this file carries out its steps.

Over the line here, from files in `courier`; the steps are the same (P4). Each step's effect is durable
before the next.
"""

import asyncio
import contextlib
import functools
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import structlog

from edge.actions import budget, centre_seen, checkpoint, directives, downlink, gates, leases
from edge.actions.node import Node
from edge.actions.views import ExchangeSummary
from edge.errors import Busy, CentreRefused, CentreUnreachable, LineTrouble, NotTheCentre
from edge.store.files import wait_for_lock
from edge.store.part import Part
from edge.store.reader import Reading
from edge.store.transaction import Transaction
from edge.store.view import LedgerView
from edge.uplink.meter import Later
from matters.model import Words
from sync.errors import NoRoom, StateDiffers, SyncError, UnknownOrigin
from sync.exchange.alarms import alarm_words
from sync.exchange.node import BATCH_ENTRIES, RECORDS, NodeExchange
from sync.exchange.steps import (
    Alarm,
    ApplyRelease,
    Deliver,
    FetchPack,
    Finished,
    NoteCentre,
    NoteLevelling,
    OpenLease,
    Rejected,
    RenewCertificate,
    SendBatch,
    Step,
    StoreAcknowledgement,
)
from sync.packs.pack import STATE_BYTES

log = structlog.get_logger("exchange")
T = TypeVar("T")
PACK_BYTES_MAX = 512 << 20
PACK_S = 300.0
LEDGER = 3
"""The lane a batch and its reply are counted in."""
THREAD_END_S = 60.0
LOCK = "line.lock"
LOCK_WAIT_S = 20.0
CARRY_S = 12.0
ASK_ENTRIES = 12
"""Fewer are sent again rather than asked about: a question and its answer cost half a kilobyte."""
ENTRIES_MIN = 64


class Round:
    """What one exchange did, and the packs it has fetched but not yet applied."""

    def __init__(self, *, over_the_line: bool = False) -> None:
        self.over_the_line = over_the_line
        self.sent = 0
        self.received = 0
        self.outcome = ""
        self.alarms: list[str] = []
        self.notes: list[Words] = []
        self.grave = False
        self.packs: dict[bytes, bytes] = {}
        self.later: dict[str, Later] = {}


async def off_the_loop(fn: Callable[..., T], *arguments: Any) -> T:
    """Run `fn` on a thread; a cancelled caller waits for its end, then closes what it reads through."""
    work = asyncio.ensure_future(asyncio.to_thread(fn, *arguments))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait({work}, timeout=THREAD_END_S)
        raise


@contextlib.asynccontextmanager
async def ledger_view(node: Node) -> AsyncIterator[LedgerView]:
    """A view for the sans-I/O exchange over a connection of its own; call it off the event loop."""
    counted = await node.store.read(lambda db: statistics(db, node))
    with node.store.connection() as connection:
        yield LedgerView(connection, node.identity, lambda: counted)


def statistics(db: Reading, node: Node) -> dict[str, int]:
    """Small numbers for the fleet page, never about persons."""
    tasks = db.query("SELECT count(*) FROM task WHERE state = 'open'")[0][0]
    cases = db.query("SELECT count(*) FROM office_case WHERE state IN ('opened','deferred')")[0][0]
    cached = db.query("SELECT coalesce(sum(rows), 0) FROM release_held WHERE data_class = 'detail'")[0][0]
    oldest = gates.oldest_unacknowledged_ms(db, accesses_only=False)
    faults = sum(status.state != "ok" for status in node.hall.status()) if node.hall else 0
    return {
        "clock": int(node.store.clock.state),
        "disk_free_percent": int(node.store.free_percent()),
        "open_cases": int(cases),
        "open_tasks": int(tasks),
        "subjects_held": int(cached),
        "oldest_waiting_s": max(0, node.now_ms() - oldest) // 1000 if oldest else 0,
        "devices_at_fault": faults,
        "lease_used_percent": leases.counted_most_percent(db, node),
    }


async def exchange(node: Node) -> ExchangeSummary:
    """One exchange over the line now, whoever asked; two at a time wait for each other.

    Raises CentreUnreachable when the centre did not reply at all, CentreRefused when it refused the node,
    Busy when another process still exchanges after 20 s. What was acknowledged, delivered or applied before
    is durable. The lock is the line's own: a courier may come and go while this waits on a hung line, because
    every step is one transaction that may be repeated and old news is refused (rule 4.4).
    """
    node.never_in_training()
    line = wait_for_lock(node.data / LOCK, Busy("another exchange runs"), LOCK_WAIT_S)
    async with node.exchanging, line, asyncio.timeout(node.settings.exchange_deadline_s):
        try:
            return await _over_the_line(node)
        except CentreRefused as error:
            if error.centre_code == UnknownOrigin.code:
                await centre_seen.show_certificate(node)
            raise


async def _over_the_line(node: Node) -> ExchangeSummary:
    up, down = node.uplink.bytes_up, node.uplink.bytes_down
    try:
        done = await _round(node)
    finally:
        await budget.settle(node)
    await _after(node, done)
    return await summary(node, done, node.uplink.bytes_up - up, node.uplink.bytes_down - down)


async def _round(node: Node) -> Round:
    await checkpoint.sign(node)
    done = Round(over_the_line=True)
    async with ledger_view(node) as view:
        machine = NodeExchange(view, batch_entries=node.uplink.batch_entries)
        steps = await _begun(node, machine)
        while steps:
            steps = await _carry_out(node, machine, steps, done)
    node.meter.later = done.later
    return done


async def _begun(node: Node, machine: NodeExchange) -> list[Step]:
    """The first batch; where more may have arrived than we heard of, from where the centre says it stands."""
    cut, standing = node.uplink.cut, None
    if node.uplink.unsure and await node.store.read(_waiting) >= ASK_ENTRIES:
        with contextlib.suppress(CentreRefused, NotTheCentre):  # an older centre cannot be asked
            standing = await node.uplink.standing(node.identity)
        node.uplink.cut = None
    begin = functools.partial(machine.begin, node.now_ms(), standing=standing, cut=cut)
    return await off_the_loop(begin)


async def _carry_out(node: Node, machine: NodeExchange, steps: list[Step], done: Round) -> list[Step]:
    """Do the steps in order; the next steps, empty when the round is over."""
    for step in steps:
        if isinstance(step, SendBatch):
            return await _send(node, machine, step, done)
        if isinstance(step, FetchPack):
            await _fetch(node, step, done)
        elif not (isinstance(step, ApplyRelease) and step.release.scope in done.later):
            await do_step(node, step, done)
        if isinstance(step, NoteCentre):  # of a verified reply: to be online again waits for no pack
            node.uplink.breaker.succeeded(node.now_ms())
    return []


async def _fetch(node: Node, step: FetchPack, done: Round) -> None:
    """Bring what is lacking of a pack, or put its scope off while the day's budget is used up (lane 4)."""
    scope, size = step.scope, step.pack.size
    if scope in done.later or (step.lane == RECORDS and await budget.wait_for_tomorrow(node)):
        before = done.later.get(scope, Later(pieces=0, bytes=0))
        done.later[scope] = Later(pieces=before.pieces + 1, bytes=before.bytes + size)
        return
    rate = node.meter.bytes_per_s
    patience_s = max(PACK_S, 2 * size / rate if rate else 0.0)
    begun, part = time.monotonic(), Part(node.data, step.pack.digest)
    try:
        await node.uplink.pack(node.identity, part, step.pack.digest, min(PACK_BYTES_MAX, size), patience_s)
    finally:
        node.meter.took(part.came, time.monotonic() - begun)
        node.meter.used[step.lane] += part.came
    done.packs[step.pack.digest] = await asyncio.to_thread(part.finish)


async def _send(node: Node, machine: NodeExchange, step: SendBatch, done: Round) -> list[Step]:
    begun_ms = node.now_ms()
    try:
        reply = await _handed_in(node, machine, step)
    except CentreUnreachable as error:
        node.uplink.batch_entries = max(ENTRIES_MIN, node.uplink.batch_entries // 16)
        node.uplink.unsure, node.uplink.cut = True, step
        for left in machine.failed(error.detail):
            await do_step(node, left, done)
        raise
    except CentreRefused as error:
        if step.held:  # the parts make no batch the centre takes: the same entries as a whole one
            return await off_the_loop(machine.begin, node.now_ms())
        steps = await off_the_loop(machine.failed, error.message.en, error.centre_code)
        if any(isinstance(left, SendBatch) for left in steps):
            return steps
        for left in steps:
            await do_step(node, left, done)
        raise
    node.uplink.unsure = False
    done.sent += step.end - step.start
    took_s = (node.now_ms() - begun_ms) / 1000
    machine.batch_entries = node.uplink.batch_entries = paced(node.uplink.batch_entries, took_s)
    return await off_the_loop(machine.received, reply)


def paced(entries: int, took_s: float) -> int:
    """Entries in the next batch after one that took so long: a cut then costs ten seconds of a thin line."""
    if took_s > CARRY_S:
        return max(ENTRIES_MIN, entries // 2)
    return min(BATCH_ENTRIES, entries * 4) if took_s < CARRY_S / 2 else entries


async def _handed_in(node: Node, machine: NodeExchange, step: SendBatch) -> bytes:
    """The reply to a batch; what follows it is packed meanwhile, so that both ends work at once."""
    packing = asyncio.create_task(off_the_loop(machine.ahead))
    try:
        reply = await node.uplink.exchange(node.identity, step.data, 120.0, step.held)
        node.meter.used[LEDGER] += len(step.data) - step.held + len(reply)
        return reply
    finally:
        await packing  # it reads through the view, which the caller closes


async def do_step(node: Node, step: Step, done: Round) -> None:
    """Carry out one step that needs no line. A pack that is refused is an alarm, not the end of the round."""
    if isinstance(step, StoreAcknowledgement):
        await node.store.transact(lambda tx: _acknowledged(tx, step))
    elif isinstance(step, NoteCentre | NoteLevelling):
        await centre_seen.note(node, step)
    elif isinstance(step, RenewCertificate):
        await node.store.transact(lambda tx: _certificate(tx, step))
        await node.store.reload_identity()
    elif isinstance(step, OpenLease):
        await node.store.transact(lambda tx: leases.take(tx, step.lease, step.signed))
    elif isinstance(step, Deliver):
        done.received += await directives.deliver(node, step.directives)
    elif isinstance(step, Rejected):
        await node.store.transact(lambda tx: _rejected(tx, step))
    elif isinstance(step, ApplyRelease):
        await _apply_or_alarm(node, step, done)
    elif isinstance(step, Alarm):
        await _alarm(node, step, done)
    elif isinstance(step, Finished):
        done.outcome = step.outcome
    else:
        assert isinstance(step, SendBatch | FetchPack)  # these need the line: `_carry_out` does them


def _acknowledged(tx: Transaction, step: StoreAcknowledgement) -> None:
    """Rule 4.4 held: stored here, anchored on commit; only then may anything be pruned."""
    changed = tx.execute(
        "UPDATE checkpoint SET counter = ?, counter_ms = ? WHERE size = ? AND root = ?",
        (step.verified_note, tx.now_ms, step.size, step.root),
    )
    if not changed:  # our own note came back for a size this database has no row of (restored from a backup)
        tx.execute(
            "INSERT INTO checkpoint VALUES (?,?,?,?,?,?)",
            (step.size, step.root, step.verified_note, tx.now_ms, step.verified_note, tx.now_ms),
        )
    tx.settle_time(step.size)
    tx.anchor()


def _certificate(tx: Transaction, step: RenewCertificate) -> None:
    tx.execute("INSERT OR REPLACE INTO secret VALUES ('certificate', ?)", (step.certificate,))


def _rejected(tx: Transaction, step: Rejected) -> None:
    tx.execute_many("INSERT OR REPLACE INTO rejection VALUES (?,?)", step.rejections)


async def _apply_or_alarm(node: Node, step: ApplyRelease, done: Round) -> None:
    try:
        applied = await downlink.take(node, step, done.packs, functools.partial(_state_file, node, done))
    except SyncError as error:
        words = downlink.no_room(error) if isinstance(error, NoRoom) else None
        if words is not None:
            node.meter.unfit[step.release.scope] = words
        await _alarm(node, Alarm(code=error.code, detail=error.detail, grave=False), done, words)
        return
    finally:
        for pack in step.packs:
            done.packs.pop(pack.digest, None)
    node.meter.unfit.pop(step.release.scope, None)
    if applied.lacking:
        detail = f"{len(applied.lacking)} parts of {step.release.scope}"
        await _alarm(node, Alarm(code=StateDiffers.code, detail=detail, grave=False), done)
        node.line_bell.set()  # the next exchange asks for the repair
    done.received += 1
    log.info("release.applied", scope=step.release.scope, version=step.release.version, rows=applied.rows)
    node.events.publish("status")


async def _state_file(node: Node, done: Round, root: bytes) -> bytes:
    """The signed bucket hashes of a scope: from the stick, else over the line while there is one."""
    if root in done.packs or not done.over_the_line:
        return done.packs.get(root, b"")
    part = Part(node.data, root)
    try:
        await node.uplink.pack(node.identity, part, root, STATE_BYTES, 60.0)
    except LineTrouble:
        return b""
    return part.finish()


async def _alarm(node: Node, alarm: Alarm, done: Round, words: Words | None = None) -> None:
    """Say it; a grave one stops sensitive answers until an officer has looked (protocol.md 8)."""
    done.alarms.append(alarm.code)
    known = alarm_words(alarm.code)
    words = words or Words(zh=f"{known.zh}。{known.next_zh}", en=f"{known.en}. {known.next_en}")
    if words not in done.notes:
        done.notes.append(words)
    log.warning("exchange.alarm", code=alarm.code, grave=alarm.grave)
    if alarm.grave:
        done.grave = True
        name = gates.REVOKED if alarm.code == "revoked" else gates.ALARM
        await node.store.transact(lambda tx: tx.note(name, [alarm.code, alarm.detail]))
    node.events.publish("status")


async def _after(node: Node, done: Round) -> None:
    """A verified reply closes the breaker and clears an alarm that did not come again.

    Dead leases are shredded.
    """
    if done.outcome in {"level", "progress"}:
        node.uplink.breaker.succeeded(node.now_ms())
        if not done.grave:
            await node.store.transact(
                lambda tx: tx.execute("DELETE FROM fact WHERE name IN (?,?)", (gates.ALARM, gates.REVOKED))
            )
    await leases.shred_expired(node)
    node.events.publish("status")


async def summary(node: Node, done: Round, bytes_up: int, bytes_down: int) -> ExchangeSummary:
    """What the command line and the line page show."""

    def count(db: Reading) -> tuple[int, int]:
        size = int(db.query("SELECT size FROM ledger_head")[0][0])
        return size, gates.countersigned_size(db)

    size, acknowledged = await node.store.read(count)
    return ExchangeSummary(
        sent=done.sent,
        acknowledged=acknowledged,
        received=done.received,
        bytes_up=bytes_up,
        bytes_down=bytes_down,
        pending=size - acknowledged,
        alarms=tuple(done.alarms),
        notes=tuple(done.notes),
    )


async def waiting(node: Node) -> bool:
    """Whether entries wait for the centre's countersignature."""
    return await node.store.read(_waiting) > 0


def _waiting(db: Reading) -> int:
    return int(db.query("SELECT size FROM ledger_head")[0][0]) - gates.countersigned_size(db)
