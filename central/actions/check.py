"""`central check`.

Every stored entry hashed again, every tile, every countersigned root; the first broken entry named.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from central.actions.centre import Centre
from central.actions.own_ledger import DETAIL, origins, place_bytes
from central.actions.views import LedgerCheck
from central.errors import CentralError, NotFound
from central.store import fleet, ledger, trail
from central.store.database import Tx
from central.store.ledger import CheckpointKept, Head
from central.store.trail import EntryKept
from matters.model import Words
from sync.errors import SyncError
from sync.ledger.entry import commit, leaf_hash, parse_leaf
from sync.ledger.proofs import EMPTY_ROOT
from sync.ledger.tree import TILE_BYTES, MemoryTiles, append, root
from sync.signing.notes import open_note

READ_ENTRIES = 4096
CHECKPOINTS_MAX = 100_000
FLAWS_MAX = 100_000
_TILE_BITS = 8


class _Walk(msgspec.Struct):
    """A ledger being hashed again from its first entry."""

    tiles: MemoryTiles
    flaws: list[int]
    size: int = 0
    broken_at: int | None = None
    reason: Words | None = None

    def breaks(self, index: int, reason: Words) -> None:
        """An entry that does not hold; the first one is named."""
        if len(self.flaws) < FLAWS_MAX:
            self.flaws.append(index)
        if self.broken_at is None or index < self.broken_at:
            self.broken_at, self.reason = index, reason

    def differs(self, low: int, high: int, reason: Words) -> None:
        """A hash over entries [low, high) that does not hold.

        News only where no flawed entry among them explains it.
        """
        if not any(low <= flaw < high for flaw in self.flaws):
            self.breaks(low, reason)


async def check(centre: Centre, node: str | None = None) -> tuple[LedgerCheck, ...]:
    """The verdict on every ledger (of one node: its incarnations), the centre's own first. Changes nothing.

    Cost is linear in entries; memory holds the full hash tree of one ledger (32 bytes an entry) and 4,096
    entries. Raises NotFound for an unknown node.
    """
    async with centre.store.reading() as tx:
        identities = await fleet.identities(tx)
        ours = await origins(centre, tx)
    keys = {one.origin: one.signing for one in identities if node in {None, one.node}}
    if node is not None and not keys:
        raise NotFound("没有这个节点。", "there is no such node, or it never enrolled")
    own = [] if node is not None else [(origin, b"") for origin in ours]
    return tuple([await _ledger(centre, origin, key) for origin, key in [*own, *keys.items()]])


async def _ledger(centre: Centre, origin: str, signing: bytes) -> LedgerCheck:
    walk = _Walk(tiles=MemoryTiles(), flaws=[])
    async with centre.store.reading() as tx:
        head = await ledger.head(tx, origin)
        for first in range(0, head.size, READ_ENTRIES):
            end = min(first + READ_ENTRIES, head.size)
            rows = await trail.entries(tx, origin, first, end)
            await asyncio.to_thread(_hash_again, centre, origin, walk, first, end, rows)
        await _compare_tiles(tx, origin, walk)
        kept = await ledger.checkpoints(tx, origin, CHECKPOINTS_MAX)
    trusted = {centre.origin: centre.keys.signing.public} | ({origin: signing} if signing else {})
    await asyncio.to_thread(_compare_roots, walk, head, kept, trusted)
    return LedgerCheck(
        origin=origin,
        size=head.size,
        root=head.root.hex(),
        broken_at=walk.broken_at,
        reason=walk.reason,
    )


def _hash_again(
    centre: Centre, origin: str, walk: _Walk, first: int, end: int, rows: Sequence[EntryKept]
) -> None:
    """Leaf, index, commitment and detail of these entries, and their place in the tree."""
    held = {row.idx: row for row in rows}
    hashes: list[bytes] = []
    for index in range(first, end):
        row = held.get(index)
        flaw = _MISSING if row is None else _flaw(centre, origin, row)
        if flaw:
            walk.breaks(index, flaw)
        hashes.append(leaf_hash(row.leaf) if row else b"\x00" * 32)
    walk.size, changed = append(walk.tiles, walk.size, hashes)
    walk.tiles.update(changed)


def _flaw(centre: Centre, origin: str, row: EntryKept) -> Words | None:
    """Why one stored entry does not hold, or None."""
    if leaf_hash(row.leaf) != row.leaf_hash:
        return _LEAF
    try:
        entry, commitment = parse_leaf(row.leaf)
        detail = centre.keys.unseal(DETAIL, place_bytes(origin, row.idx), row.detail_sealed)
    except (SyncError, CentralError) as error:
        return Words(
            zh=f"存下的条目读不出来（{error.code}）", en=f"the stored entry cannot be read ({error.code})"
        )
    if (entry.index, entry.kind, entry.hlc_ms) != (row.idx, row.kind, row.occurred_ms):
        return _ROW
    # An empty detail may have been deleted as the law asks; its commitment stays in the leaf.
    if detail and commit(row.salt, detail) != commitment:
        return _DETAIL
    return None


async def _compare_tiles(tx: Tx, origin: str, walk: _Walk) -> None:
    """Stored full tiles against the ones hashed again."""
    stored = await ledger.full_tiles(tx, origin)
    for (level, index), tile in sorted(walk.tiles.tiles.items()):
        if len(tile) == TILE_BYTES and stored.pop((level, index), None) != tile:
            why = Words(
                zh=f"哈希块 {level}/{index} 与条目不符",
                en=f"stored tile {level}/{index} is not that of the entries",
            )
            walk.differs(*_span(level, index), why)
    for level, index in sorted(stored):
        why = Words(
            zh=f"哈希块 {level}/{index} 没有对应的条目", en=f"stored tile {level}/{index} belongs to no entry"
        )
        walk.differs(*_span(level, index), why)


def _span(level: int, index: int) -> tuple[int, int]:
    """The entries under a tile."""
    return index << (_TILE_BITS * (level + 1)), (index + 1) << (_TILE_BITS * (level + 1))


def _compare_roots(
    walk: _Walk, head: Head, kept: Sequence[CheckpointKept], trusted: dict[str, bytes]
) -> None:
    """Countersigned roots, smallest first, and the head's own root."""
    below = 0
    for one in sorted(kept, key=lambda checkpoint: checkpoint.size):
        try:
            signed = open_note(one.note, trusted)
        except SyncError as error:
            why = Words(
                zh=f"第 {one.size} 条处的检查点不成立（{error.code}）",
                en=f"the checkpoint of {one.size} does not hold ({error.code})",
            )
            walk.breaks(below, why)
            continue
        if one.size > walk.size or signed.root != root(walk.tiles, one.size) or signed.size != one.size:
            why = Words(
                zh=f"条目 {below} 至 {one.size} 推不出已会签的根",
                en=f"entries {below} to {one.size} do not lead to the signed root",
            )
            walk.differs(below, one.size, why)
            return
        below = one.size
    if head.root != (root(walk.tiles, walk.size) if walk.size else EMPTY_ROOT):
        walk.differs(below, walk.size + 1, _HEAD)


_MISSING = Words(zh="缺失", en="missing")
_LEAF = Words(zh="存下的条目与其哈希不符", en="the stored leaf does not hash to its leaf hash")
_ROW = Words(zh="数据库行与条目内容不符", en="the row says other things than its leaf")
_DETAIL = Words(zh="存下的明细与条目的承诺值不符", en="the stored detail is not what the leaf commits to")
_HEAD = Words(zh="台账头的根与条目不符", en="the head's root is not that of the entries")
