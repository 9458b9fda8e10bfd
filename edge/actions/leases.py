"""Leases at the node: which one allows an answer, how long they last, and their shredding (protocol.md 6)."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import structlog

from edge.actions.node import Node
from edge.actions.views import LeaseStatus
from edge.errors import Busy, Damaged
from edge.store import holdings
from edge.store.draft import Draft
from edge.store.files import wait_for_lock
from edge.store.identity import Identity
from edge.store.keyring import TIERS, Tier, WrappingKey
from edge.store.reader import Reading
from edge.store.transaction import Transaction
from sync.clock import Interval
from sync.lease import spoken
from sync.lease.lease import (
    LIVE,
    Capability,
    Lease,
    LeaseState,
    Verdict,
    best,
    counted_percent,
    judge,
    left_s,
    open_lease,
)
from sync.signing.keys import SealingKey

LOCK = "lease.lock"
LOCK_WAIT_S = 20.0
log = structlog.get_logger("leases")

_SPOKEN = b"spoken/1 "
_COLUMNS = "SELECT signed, used, boots FROM lease WHERE state = 'open'"


def states(rows: list[tuple[Any, ...]], own: Identity) -> list[LeaseState]:
    """Lease rows with their counts; the centre's word for each is verified before it is believed."""
    return [LeaseState(lease=word_of(row[0], own), used_answers=row[1], boots=row[2]) for row in rows]


def word_of(kept: bytes, own: Identity) -> Lease:
    """The lease of a row: signed by the centre, or read over the phone (`keep_spoken`)."""
    if kept.startswith(_SPOKEN):
        return _heard(kept, own.sealing, own.centre.sealing, own.origin)
    return _opened(kept, own.centre.signing)


def keep_spoken(digits: str, scopes: tuple[str, ...], lease: Lease) -> bytes:
    """What stands in a lease's row in place of a signature: the code, and which of its leases it is."""
    return _SPOKEN + msgspec.json.encode((digits, scopes, lease.id, lease.policy))


def end_spoken(tx: Transaction) -> None:
    """Leases read over the phone end with the incarnation whose keys they were bound to."""
    tx.execute(
        "UPDATE lease SET state = 'replaced' WHERE state = 'open' AND substr(signed, 1, ?) = ?",
        (len(_SPOKEN), _SPOKEN),
    )


@functools.lru_cache(maxsize=64)
def _heard(kept: bytes, sealing: SealingKey, centre: bytes, origin: str) -> Lease:
    digits, scopes, name, policy = msgspec.json.decode(
        kept.removeprefix(_SPOKEN), type=tuple[str, tuple[str, ...], str, int]
    )
    heard = spoken.hear(digits, spoken.key_of(sealing, centre, origin), origin, scopes)
    for lease in heard.leases(origin, scopes, policy):
        if lease.id == name:
            return lease
    raise Damaged("a lease read over the phone is not the one that was heard")


@functools.lru_cache(maxsize=64)
def _opened(signed: bytes, centre_public: bytes) -> Lease:
    """The verified lease of these very bytes; an answer asks for the same few again and again."""
    return open_lease(signed, centre_public)


def open_states(db: Reading | Transaction, own: Identity) -> list[LeaseState]:
    """All open leases with what was counted under them."""
    return states(db.query(_COLUMNS), own)


def leave(
    db: Reading | Transaction, node: Node, region: str, capability: Capability
) -> tuple[LeaseState, Verdict] | None:
    """The lease to answer under, with its verdict; None when no lease is about this region and capability."""
    found = open_states(db, node.identity)
    return best(found, region, capability, node.store.clock.interval(), node.identity.origin)


def counted_most_percent(db: Reading, node: Node) -> int:
    """Percent used of the lease whose answers or boots are nearest their end: only the node can count them.

    Time is left to the centre: a node in doubt about its clock would ask anew with every stick.
    """
    found = open_states(db, node.identity)
    return max((counted_percent(one.lease, one.used_answers, one.boots) for one in found), default=0)


def count(tx: Transaction, lease: Lease) -> None:
    """One more answer under this lease, in the answer's own transaction."""
    tx.execute("UPDATE lease SET used = used + 1 WHERE id = ?", (lease.id,))


def take(tx: Transaction, lease: Lease, signed: bytes) -> bool:
    """Open a lease the centre sent: the older one of the same scope and capability is replaced.

    False when known.
    """
    if tx.one("SELECT 1 FROM lease WHERE id = ?", (lease.id,)):
        return False
    tx.execute(
        "UPDATE lease SET state = 'replaced' WHERE state = 'open' AND scope = ? AND capability = ?",
        (lease.scope, lease.capability),
    )
    tx.execute(
        "INSERT INTO lease (id, scope, capability, signed, opened_ms) VALUES (?,?,?,?,?)",
        (lease.id, lease.scope, lease.capability, signed, tx.now_ms),
    )
    tx.append(Draft(kind="lease.opened", object=lease.id, outcome=lease.capability, policy=lease.policy))
    return True


async def view(node: Node) -> tuple[LeaseStatus, ...]:
    """Every open lease as the screens show it."""
    return await node.store.read(lambda db: view_in(db, node))


def view_in(db: Reading | Transaction, node: Node) -> tuple[LeaseStatus, ...]:
    """The same inside a read."""
    interval, origin = node.store.clock.interval(), node.identity.origin
    return tuple(
        LeaseStatus(
            capability=state.lease.capability,
            scope=state.lease.scope,
            left_s=left_s(state.lease, interval),
            answers_left=max(0, state.lease.answers - state.used_answers),
            state=judge(state.lease, state.used_answers, state.boots, interval, origin),
        )
        for state in open_states(db, node.identity)
    )


@contextlib.asynccontextmanager
async def alone(node: Node) -> AsyncIterator[None]:
    """Whoever changes the wrapping key or wraps a data key is alone, in this process and beside others."""
    lock = wait_for_lock(node.data / LOCK, Busy("another process handles the lease keys"), LOCK_WAIT_S)
    async with node.shredding, lock:
        yield


async def boot(node: Node) -> None:
    """Count this boot, finish a shredding a crash broke off, and shred what expired.

    Before the port opens.
    """
    async with alone(node):
        await _finish(node)
    await node.store.transact(
        lambda tx: tx.execute("UPDATE lease SET boots = boots + 1 WHERE state = 'open'")
    )
    await shred_expired(node)


async def shred_expired(node: Node, withdrawn: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Destroy the data keys no live lease covers any more; the scopes that became unreadable.

    So are scopes whose time-boxed set has ended, and those `withdrawn` now. `lease.shredded` is logged after
    the destruction is durable. Repeating it, also after a crash, is harmless.
    """
    interval, origin = node.store.clock.interval(), node.identity.origin
    async with alone(node):
        dead = await node.store.read(lambda db: _dead(db, node, interval, origin))
        ended = withdrawn | await node.store.read(lambda db: _ended(db, interval))
        if not dead and not ended:
            return ()
        wrapping = await asyncio.to_thread(node.store.keyring.prepare)
        scopes = await node.store.transact(lambda tx: _rewrap(tx, node, wrapping, interval, ended))
        await _finish(node)
    await holdings.clear(node.store, node.settings.pack_slice_rows)
    log.info("leases.shredded", leases=len(dead), scopes=len(scopes))
    node.events.publish("status")
    return scopes


def _dead(db: Reading | Transaction, node: Node, interval: Interval, origin: str) -> list[Lease]:
    found = open_states(db, node.identity)
    waiting = LIVE | {"lease-not-yet"}
    return [
        state.lease
        for state in found
        if judge(state.lease, state.used_answers, state.boots, interval, origin) not in waiting
    ]


def _ended(db: Reading, interval: Interval) -> frozenset[str]:
    """Scopes whose box in time is over at the latest time it can be."""
    rows = db.query(
        "SELECT scope FROM release_held WHERE version > 0 AND until_ms BETWEEN 1 AND ?", (interval.latest_ms,)
    )
    return frozenset(row[0] for row in rows)


def _rewrap(
    tx: Transaction, node: Node, new: WrappingKey, interval: Interval, ended: frozenset[str]
) -> tuple[str, ...]:
    """Step 2 of the keyring's procedure: what lives is wrapped anew, what does not is forgotten."""
    for scope in sorted(ended):
        holdings.forget(tx, scope)
        tx.append(Draft(kind="pack.applied", object=scope, outcome="withdrawn"))
    for lease in _dead(tx, node, interval, node.identity.origin):
        tx.execute("UPDATE lease SET state = 'expired' WHERE id = ?", (lease.id,))
        tx.append(Draft(kind="lease.expired", object=lease.id, outcome=lease.capability, policy=lease.policy))
    living = [state.lease for state in open_states(tx, node.identity)]
    current = node.store.keyring.current()
    gone: list[tuple[str, Tier]] = []
    for scope, tier, name, wrapped in tx.query("SELECT scope, tier, wrapping, wrapped FROM lease_key"):
        if covered(scope, tier, living) and name == current.name.hex():
            fresh = new.wrap(scope, tier, current.unwrap(scope, tier, wrapped))
            tx.execute(
                "UPDATE lease_key SET wrapping = ?, wrapped = ? WHERE scope = ? AND tier = ?",
                (new.name.hex(), fresh, scope, tier),
            )
        else:
            gone.append((scope, tier))
            tx.execute("DELETE FROM lease_key WHERE scope = ? AND tier = ?", (scope, tier))
    for scope, tier in gone:
        holdings.drop_tier(tx, scope, tier)
    return (*sorted(ended), *(f"{scope}#{tier}" for scope, tier in gone))


def covered(scope: str, tier: str, living: list[Lease]) -> bool:
    """Whether a live lease keeps this tier of a data set readable.

    A county's set is named by its region ("330102/detail"), a bus's by the bus: then any lease of the bus
    counts.
    """
    stem = scope.split("/", 1)[0]
    return any(
        lease.capability in TIERS[tier]  # type: ignore[index]  # the column holds the two names only
        and (not stem.isdigit() or stem.startswith(lease.scope) or lease.scope.startswith(stem))
        for lease in living
    )


async def _finish(node: Node) -> None:
    """Steps 3 and 4: the old wrapping key is overwritten, then the shredding is logged."""
    used = await node.store.read(lambda db: db.query("SELECT DISTINCT wrapping FROM lease_key"))
    await asyncio.to_thread(node.store.keyring.promote, [row[0] for row in used])

    def log_it(tx: Transaction) -> None:
        for (lease_id,) in tx.query("SELECT id FROM lease WHERE state = 'expired'"):
            tx.execute(
                "UPDATE lease SET state = 'shredded', shredded_ms = ? WHERE id = ?", (tx.now_ms, lease_id)
            )
            tx.append(Draft(kind="lease.shredded", object=lease_id))

    await node.store.transact(log_it)


def data_key(tx: Transaction, node: Node, scope: str, tier: Tier, fresh: bytes) -> bytes | None:
    """The data key of a tier, made from `fresh` on first use; None while no live lease covers it."""
    interval, origin = node.store.clock.interval(), node.identity.origin
    living = [
        state.lease
        for state in open_states(tx, node.identity)
        if judge(state.lease, state.used_answers, state.boots, interval, origin) in LIVE
    ]
    if not covered(scope, tier, living):
        return None
    wrapping = node.store.keyring.current()
    row = tx.one("SELECT wrapped FROM lease_key WHERE scope = ? AND tier = ?", (scope, tier))
    if row is not None:
        return wrapping.unwrap(scope, tier, row[0])
    tx.execute(
        "INSERT INTO lease_key VALUES (?,?,?,?)",
        (scope, tier, wrapping.name.hex(), wrapping.wrap(scope, tier, fresh)),
    )
    return fresh
