"""Recount (protocol 10): our ledger against the centre's copy by tile descent, over the line or from a stick.

Leaves are hashed anew from what is stored here; the upper levels are the stored tiles (`edge check` hashes
everything). What is found is an entry of the ledger: it differs at an index, or it does not.
"""

import asyncio
from pathlib import Path

import msgspec
import structlog

from edge.actions.directives import RECOUNT_DUE
from edge.actions.gates import countersigned_size
from edge.actions.node import Node
from edge.actions.stick import read_foreign
from edge.errors import CourierRefused
from edge.store.cipher import Connection
from edge.store.draft import Draft
from edge.store.ledger import DatabaseTiles
from edge.store.transaction import Transaction
from matters.differences import next_step
from matters.model import Words
from sync.batch.file import open_sealed
from sync.errors import UNREADABLE, SyncError
from sync.ledger.descent import Ask, Descent, Differs, Rehashed, decode
from sync.ledger.entry import leaf_hash
from sync.ledger.proofs import HASH_BYTES
from sync.ledger.tree import TILE_WIDTH

log = structlog.get_logger("recount")
ROUNDS_MAX = 16
FILE_BYTES_MAX = 8 << 20


class Recounted(msgspec.Struct, frozen=True, kw_only=True):
    """What a recount found. `differs_at` is None where both copies are the same.

    `size`: of how many entries. By stick only the tile of 256 entries is known (`exact` False), but for the
    last one: `differs_at` is where it begins.
    """

    origin: str
    size: int
    differs_at: int | None
    in_tile: int
    exact: bool
    rounds: int
    bytes: int


class LeafTiles:
    """Our tiles, those of the leaves hashed anew from the stored bytes."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._stored = connection, DatabaseTiles(connection)

    def get(self, level: int, index: int) -> bytes:
        if level:
            return self._stored.get(level, index)
        rows = self._connection.execute(
            "SELECT CAST(leaf AS BLOB) FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx",
            (index * TILE_WIDTH, (index + 1) * TILE_WIDTH),
        )
        return b"".join(leaf_hash(leaf) for (leaf,) in rows)


async def recount(node: Node) -> Recounted:
    """Descend against the centre over the line; an entry says what was found, durable when this returns.

    Covers what the centre countersigned. Raises CentreUnreachable, CentreRefused, or SyncError where the
    centre contradicts itself on the way down.
    """
    size = await node.store.read(countersigned_size)
    if not size:
        return await _said(node, _same(node, 0, 0, 0))
    with node.store.connection() as connection:
        descent = Descent(size, LeafTiles(connection))
        ask: Ask | Differs | None = descent.first()
        rounds = carried = 0
        while isinstance(ask, Ask) and rounds < ROUNDS_MAX:
            reply = await node.uplink.tile(node.identity, ask)
            rounds, carried = rounds + 1, carried + len(reply)
            ask = await asyncio.to_thread(descent.heard, decode(reply))
    found = _same(node, size, rounds, carried)
    if isinstance(ask, Differs):
        found = msgspec.structs.replace(found, differs_at=ask.index, in_tile=ask.in_tile)
    return await _said(node, found)


async def from_stick(node: Node, path: Path) -> Recounted:
    """The same from the file `central recount` wrote: one level short, so a tile of 256 entries is named.

    Raises CourierRefused for a file that is not for this node.
    """
    sealed = await asyncio.to_thread(read_foreign, path, FILE_BYTES_MAX)
    centre, own = node.identity.centre, node.identity
    try:
        _, payload = open_sealed(
            sealed, own.sealing, {centre.origin: centre.signing}.get, kind="down", destination=own.origin
        )
    except SyncError as error:
        raise CourierRefused(f"{path.name}: not a recount for this node") from error
    found = await compared(node, payload)
    if found is None:
        raise CourierRefused(f"{path.name}: not a recount for this node")
    return found


async def compared(node: Node, payload: bytes) -> Recounted | None:
    """The same with what such a file holds, opened; None for what is no recount of this ledger."""
    try:
        theirs = msgspec.msgpack.decode(payload, type=Rehashed)
    except UNREADABLE:
        return None
    if theirs.origin != node.identity.origin:
        return None
    size = min(theirs.size, await node.store.read(countersigned_size))
    with node.store.connection() as connection:
        ours = LeafTiles(connection)
        place = await asyncio.to_thread(_first, ours, theirs, size)
        last = await asyncio.to_thread(theirs.edge_difference, ours, size)
    found = _same(node, theirs.covered(size), 0, len(payload))
    if place is not None:
        found = msgspec.structs.replace(found, differs_at=place * TILE_WIDTH, exact=False)
    elif last is not None:
        found = msgspec.structs.replace(found, differs_at=last)
    return await _said(node, found)


def in_words(found: Recounted) -> Words:
    """How much was compared, what differs, and what to do now."""
    zh, en = (
        f"与中心存下的副本核对了前 {found.size} 条",
        f"the first {found.size} entries compared with the centre's copy",
    )
    if found.differs_at is None:
        return Words(
            zh=f"{zh}，完全相同；结果已记入台账，下次联系时中心即知",
            en=f"{en}: the same; the centre learns it at the next contact",
        )
    first, step = found.differs_at, next_step("copies-differ")
    where = f"{first}" if found.exact else f"{first}–{first + TILE_WIDTH - 1}"
    return Words(
        zh=f"{zh}，第 {where} 条不符，已记入台账。{step.zh}",
        en=f"{en}: {where} differ, on the ledger now. {step.en}",
    )


def _first(ours: LeafTiles, theirs: Rehashed, size: int) -> int | None:
    """The first tile of leaves whose root is another in their hashes."""
    level = theirs.levels[0] if theirs.levels else b""
    for first in range(0, size // TILE_WIDTH, TILE_WIDTH):
        mine = ours.get(1, first // TILE_WIDTH)
        for place in range(first, min(first + TILE_WIDTH, size // TILE_WIDTH)):
            at = (place - first) * HASH_BYTES
            if mine[at : at + HASH_BYTES] != level[place * HASH_BYTES : (place + 1) * HASH_BYTES]:
                return place
    return None


def _same(node: Node, size: int, rounds: int, carried: int) -> Recounted:
    return Recounted(
        origin=node.identity.origin,
        size=size,
        differs_at=None,
        in_tile=0,
        exact=True,
        rounds=rounds,
        bytes=carried,
    )


async def _said(node: Node, found: Recounted) -> Recounted:
    same = found.differs_at is None
    draft = Draft(
        kind="mark",
        outcome="recount-same" if same else "recount-differs",
        object=f"size-{found.size}" if same else f"entry-{found.differs_at}",
    )

    def write(tx: Transaction) -> None:
        tx.append(draft)
        tx.execute("DELETE FROM fact WHERE name = ?", (RECOUNT_DUE,))

    await node.store.transact(write)
    (log.info if same else log.warning)("recount", code=draft.outcome, rounds=found.rounds)
    return found


async def when_asked(node: Node) -> None:
    """The job: do what the centre's letter asked for; again next time where the line is down."""
    due = await node.store.read(lambda db: db.one("SELECT 1 FROM fact WHERE name = ?", (RECOUNT_DUE,)))
    if due is not None and node.uplink.url and not node.uplink.breaker.open:
        await recount(node)
