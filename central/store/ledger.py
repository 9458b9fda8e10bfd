"""Ledgers in PostgreSQL.

Heads, entries, tiles, checkpoints. One set of tables for every origin, the centre's own too.

Only full tiles are stored, so a tile's row is written once and never again; the right edge of the tree is
read from the entries' leaf hashes and from the folded roots of full tiles.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeVar

import msgspec

from central.errors import NotFound, StoreRefused
from central.store.database import Tx
from sync.errors import Malformed
from sync.ledger.proofs import EMPTY_ROOT, HASH_BYTES
from sync.ledger.tree import TILE_BYTES, TILE_WIDTH, TileSource, append, root

T = TypeVar("T")
TILE_READS_MAX = 64
_LEVELS = 7


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """How far a ledger has come here: entries stored, root over them, entries countersigned.

    `hlc_ms`, `hlc_n`: the clock of the newest entry. `frozen` says why nothing is accepted any more (a
    fork), else "".
    """

    origin: str
    size: int
    root: bytes
    countersigned: int
    hlc_ms: int
    hlc_n: int
    frozen: str


class StoredEntries(msgspec.Struct, frozen=True, kw_only=True):
    """Entries as they are written, by column; at least one.

    `leaf` verbatim, `detail_sealed` under the centre's storage key; `clock` is (hlc_ms, hlc_n) of the newest.
    """

    idx: list[int]
    kind: list[int]
    occurred_ms: list[int]
    leaf: list[bytes]
    leaf_hash: list[bytes]
    salt: list[bytes]
    detail_sealed: list[bytes]
    clock: tuple[int, int]


class HeldTiles:
    """Tiles read ahead for pure tree functions; remembers the first one asked for that is not held."""

    def __init__(self, held: dict[tuple[int, int], bytes]) -> None:
        self.held = held
        self.wanted: tuple[int, int] | None = None

    def get(self, level: int, index: int) -> bytes:
        """The tile, or nothing and a note that it is wanted."""
        tile = self.held.get((level, index))
        if tile is None:
            self.wanted = self.wanted or (level, index)
            return b""
        return tile


async def open_head(tx: Tx, origin: str) -> None:
    """Make the head of a new, empty ledger; nothing happens where it is there."""
    await tx.execute(
        "INSERT INTO ledger_head (origin, size, root, countersigned, hlc_ms, hlc_n)"
        " VALUES ($1, 0, $2, 0, 0, 0) ON CONFLICT (origin) DO NOTHING",
        origin,
        EMPTY_ROOT,
    )


async def head(tx: Tx, origin: str, *, lock: bool = False) -> Head:
    """The head; with `lock` nobody else grows this ledger until the transaction ends. Raises NotFound."""
    query = (
        "SELECT origin, size, root, countersigned, hlc_ms, hlc_n, frozen FROM ledger_head WHERE origin = $1"
    )
    locking = f"{query} FOR UPDATE"
    row = await tx.fetchrow(locking if lock else query, origin)
    if row is None:
        raise NotFound("没有这个台账。", "there is no such ledger")
    return Head(**dict(row))


async def heads(tx: Tx) -> dict[str, Head]:
    """Every head, by origin."""
    query = "SELECT origin, size, root, countersigned, hlc_ms, hlc_n, frozen FROM ledger_head"
    return {row["origin"]: Head(**dict(row)) for row in await tx.fetch(query)}


async def grow(tx: Tx, at: Head, entries: StoredEntries, arrived_ms: int) -> Head:
    """Write entries after `at` (which is locked), their full tiles, and the new head.

    Durable with the transaction.
    """
    tiles = HeldTiles(await _edge(tx, at.origin, at.size))
    size, changed = append(tiles, at.size, entries.leaf_hash)
    await _insert(tx, at.origin, entries, arrived_ms)
    await _insert_tiles(tx, at.origin, changed)
    tiles.held.update(changed)
    return await _move(tx, at, size, root(tiles, size), entries.clock)


async def _insert(tx: Tx, origin: str, entries: StoredEntries, arrived_ms: int) -> None:
    idx, occurred_ms = entries.idx, entries.occurred_ms
    origins, arrived = [origin] * len(idx), [arrived_ms] * len(idx)
    await tx.copy_records_to_table(
        "entry",
        columns=["origin", "idx", "kind", "occurred_ms", "arrived_ms", "leaf_hash"],
        records=zip(origins, idx, entries.kind, occurred_ms, arrived, entries.leaf_hash, strict=True),
    )
    bodies = (entries.leaf, entries.salt, entries.detail_sealed)
    await tx.copy_records_to_table(
        "entry_body",
        columns=["origin", "idx", "occurred_ms", "leaf", "salt", "detail_sealed"],
        records=zip(origins, idx, occurred_ms, *bodies, strict=True),
    )


async def _insert_tiles(tx: Tx, origin: str, changed: Mapping[tuple[int, int], bytes]) -> None:
    full = [place for place, tile in changed.items() if len(tile) == TILE_BYTES]
    if full:
        await tx.copy_records_to_table(
            "tile",
            columns=["origin", "level", "idx", "hashes", "folded"],
            records=[(origin, *place, changed[place], _folded(changed, *place)) for place in full],
        )


def _folded(changed: Mapping[tuple[int, int], bytes], level: int, index: int) -> bytes:
    """The root over a tile that became full: `append` has put it into the tile above."""
    above, place = divmod(index, TILE_WIDTH)
    return changed[level + 1, above][place * HASH_BYTES : (place + 1) * HASH_BYTES]


async def _move(tx: Tx, at: Head, size: int, new_root: bytes, clock: tuple[int, int]) -> Head:
    await tx.execute(
        "UPDATE ledger_head SET size = $2, root = $3, hlc_ms = $4, hlc_n = $5 WHERE origin = $1",
        at.origin,
        size,
        new_root,
        *clock,
    )
    return msgspec.structs.replace(at, size=size, root=new_root, hlc_ms=clock[0], hlc_n=clock[1])


async def freeze(tx: Tx, origin: str, reason: str) -> None:
    """Accept nothing more of this ledger until somebody looked; `reason` is shown."""
    await tx.execute("UPDATE ledger_head SET frozen = $2 WHERE origin = $1", origin, reason)


async def _edge(tx: Tx, origin: str, size: int) -> dict[tuple[int, int], bytes]:
    """The rightmost, partial tile of every level of a tree of `size`."""
    held: dict[tuple[int, int], bytes] = {}
    count = size
    for level in range(_LEVELS):
        index, used = divmod(count, TILE_WIDTH)
        if used:
            first = index * TILE_WIDTH
            held[level, index] = await hashes(tx, origin, level, first, used)
        if not index:
            break
        count = index
    return held


async def hashes(tx: Tx, origin: str, level: int, first: int, many: int) -> bytes:
    """`many` hashes of a level from `first` on, from what lies below that level."""
    if level == 0:
        query = "SELECT leaf_hash AS h FROM entry WHERE origin = $1 AND idx >= $2 AND idx < $3 ORDER BY idx"
        rows = await tx.fetch(query, origin, first, first + many)
    else:
        query = "SELECT folded AS h FROM tile WHERE origin = $1 AND level = $4 AND idx >= $2 AND idx < $3"
        query += " ORDER BY idx"
        rows = await tx.fetch(query, origin, first, first + many, level - 1)
    hashes = b"".join(row["h"] for row in rows)
    if len(hashes) != many * HASH_BYTES:
        raise StoreRefused("台账存储不完整。", f"level {level} of a ledger is incomplete from {first}", "")
    return hashes


async def over_tiles(tx: Tx, origin: str, size: int, question: Callable[[TileSource], T]) -> T:
    """The answer of a pure tree function over the first `size` entries, tiles read as it wants them.

    Reads at most 64 tiles (a proof at ten million entries wants six). Raises StoreRefused when one is
    missing.
    """
    tiles = HeldTiles(await _edge(tx, origin, size))
    for _ in range(TILE_READS_MAX):
        try:
            return question(tiles)
        except Malformed:
            if tiles.wanted is None:
                break
            level, index = tiles.wanted
            query = "SELECT hashes FROM tile WHERE origin = $1 AND level = $2 AND idx = $3"
            tiles.held[level, index] = await tx.fetchval(query, origin, level, index) or b""
            tiles.wanted = None
    raise StoreRefused("台账的哈希块不完整。", f"the tiles of a ledger of {size} are incomplete", "")


async def full_tiles(tx: Tx, origin: str) -> dict[tuple[int, int], bytes]:
    """Every stored tile of a ledger, by level and index: 32 bytes an entry."""
    rows = await tx.fetch("SELECT level, idx, hashes FROM tile WHERE origin = $1", origin)
    return {(row["level"], row["idx"]): row["hashes"] for row in rows}


async def roots(tx: Tx, origin: str, size: int, sizes: Iterable[int]) -> dict[int, bytes]:
    """Our own roots at these sizes, none above `size`."""
    return {one: await over_tiles(tx, origin, size, partial(_root_at, one)) for one in sizes}


def _root_at(size: int, tiles: TileSource) -> bytes:
    return root(tiles, size)


async def leaf_hashes(tx: Tx, origin: str, first: int, end: int) -> list[bytes]:
    """Our leaf hashes from `first` to `end` (exclusive)."""
    query = "SELECT leaf_hash FROM entry WHERE origin = $1 AND idx >= $2 AND idx < $3 ORDER BY idx"
    return [row["leaf_hash"] for row in await tx.fetch(query, origin, first, end)]


async def leaf_hashes_at(tx: Tx, origin: str, indexes: list[int]) -> dict[int, bytes]:
    """Our leaf hashes at these indexes; none for an entry we do not hold."""
    query = "SELECT idx, leaf_hash FROM entry WHERE origin = $1 AND idx = ANY ($2)"
    return {row["idx"]: row["leaf_hash"] for row in await tx.fetch(query, origin, indexes)}


class CheckpointKept(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint kept with its note: a node's with our countersignature, or our own."""

    size: int
    root: bytes
    note: bytes
    signed_ms: int
    centre_idx: int


async def keep_checkpoint(tx: Tx, origin: str, kept: CheckpointKept) -> bool:
    """Keep a signed checkpoint and move `countersigned`; False when that size was kept before."""
    fresh = await tx.fetchval(
        "INSERT INTO checkpoint (origin, size, root, note, signed_ms, centre_idx)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (origin, size) DO NOTHING RETURNING size",
        origin,
        kept.size,
        kept.root,
        kept.note,
        kept.signed_ms,
        kept.centre_idx,
    )
    await tx.execute(
        "UPDATE ledger_head SET countersigned = $2 WHERE origin = $1 AND countersigned < $2",
        origin,
        kept.size,
    )
    return fresh is not None


async def checkpoints(tx: Tx, origin: str, limit: int = 20) -> list[CheckpointKept]:
    """The newest checkpoints, largest first."""
    rows = await tx.fetch(
        "SELECT size, root, note, signed_ms, centre_idx FROM checkpoint WHERE origin = $1"
        " ORDER BY size DESC LIMIT $2",
        origin,
        limit,
    )
    return [CheckpointKept(**dict(row)) for row in rows]


async def checkpoint_over(tx: Tx, origin: str, index: int) -> CheckpointKept | None:
    """The smallest kept checkpoint that covers entry `index`, or None."""
    row = await tx.fetchrow(
        "SELECT size, root, note, signed_ms, centre_idx FROM checkpoint WHERE origin = $1 AND size > $2"
        " ORDER BY size LIMIT 1",
        origin,
        index,
    )
    return CheckpointKept(**dict(row)) if row else None
