"""The judge: recompute a whole ledger from its rows and name the first entry that is not what was signed.

`edge check`, `central check` and the fault tests all call this one function.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import islice

import msgspec

from sync.codec import cbor
from sync.errors import Malformed
from sync.ledger.entry import COMMIT_AT, INDEX_AT, LEAF_FIELDS, LEAF_VERSION, commit
from sync.ledger.proofs import EMPTY_ROOT, HASH_BYTES, fold, root_of
from sync.ledger.tree import TILE_WIDTH, TileSource

StoredRow = tuple[int, bytes, bytes, bytes, bytes | None]
"""Index, leaf, leaf hash, salt, detail (None where it was deleted as the law says)."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the judge found.

    `entries` rows were whole and in order before the first fault, `root` is the tree over them; `broken_at`
    is the first index that is altered, missing, doubled or out of place, or None; `reason` says which.
    """

    entries: int
    root: bytes
    broken_at: int | None = None
    reason: str = ""


def fsck(rows: Iterable[StoredRow], tiles: TileSource, checkpoints: Iterable[tuple[int, bytes]]) -> Verdict:
    """Recompute everything; nothing stored is believed.

    `rows` from index 0 in order; `checkpoints` are (size, root) as signed, ascending. Per row: 1. the index
    follows; 2. the leaf has its hash; 3. the hash stands in its tile, and full tiles in those above; 4. the
    index inside the leaf is its own; 5. the detail has its commitment; 6. the root at every checkpoint is the
    signed one. At the end: 7. nothing is missing that a tile or a checkpoint knows. Where leaves, hashes and
    tiles were all rewritten alike only 6 fails; then the first index after the last good checkpoint is named.
    """
    tower, signed = _Tower(tiles), _Signed(checkpoints)
    count, reason = 0, signed.fault(EMPTY_ROOT) if signed.next_size == 0 else ""
    if reason:
        return Verdict(entries=0, root=EMPTY_ROOT, broken_at=0, reason=reason)
    source = iter(rows)
    while run := list(islice(source, _room(count, signed.next_size))):
        step = len(run) if _whole(run, count, tower) else 1
        for at in range(0, len(run), step):
            reason = "" if step > 1 else _row_fault(run[at], count, tower)
            if reason:
                return Verdict(entries=count, root=tower.root(), broken_at=count, reason=reason)
            reason = tower.add([leaf_hash for _, _, leaf_hash, _, _ in run[at : at + step]])
            count += step
            if reason:
                return Verdict(entries=count, root=tower.root(), broken_at=count - 1, reason=reason)
        reason = signed.fault(tower.root()) if signed.next_size == count else ""
        if reason:
            return Verdict(entries=signed.size, root=signed.root, broken_at=signed.size, reason=reason)
    reason = MISSING if tower.holds_more() or signed.next_size > 0 else ""
    return Verdict(entries=count, root=tower.root(), broken_at=count if reason else None, reason=reason)


REWRITTEN = "rewritten since the last good checkpoint"
MISSING = "entries missing at the end"
CLASH = "two roots signed at one size"


_NO_MORE = (-1, b"")


class _Signed:
    """The checkpoints still to come, and the last one that held."""

    def __init__(self, checkpoints: Iterable[tuple[int, bytes]]) -> None:
        self._rest = iter(checkpoints)
        self.size, self.root = 0, EMPTY_ROOT
        self.next_size, self._next_root = next(self._rest, _NO_MORE)

    def fault(self, root: bytes) -> str:
        """What is wrong when `root` is recomputed at `next_size`; if nothing, look for the next one."""
        size = self.next_size
        while self.next_size == size:
            if root != self._next_root:
                return REWRITTEN if size > self.size else CLASH
            self.size, self.root = size, root
            self.next_size, self._next_root = next(self._rest, _NO_MORE)
        if 0 <= self.next_size < size:
            raise Malformed("checkpoints must ascend")
        return ""


class _Tower:
    """The tree as it grows, compared with the stored tiles hash by hash."""

    def __init__(self, tiles: TileSource) -> None:
        self._tiles = tiles
        self._levels: list[list[bytes]] = [[]]
        self._indexes = [0]
        self._held = [tiles.get(0, 0)]
        """Of each level: what grew of its newest tile, that tile's index, and how it is stored."""

    def stand(self, leaf_hashes: bytes) -> bool:
        """Whether these leaf hashes, joined, are the next ones in the lowest tile."""
        return self._stands(0, leaf_hashes)

    def fault(self, leaf_hash: bytes) -> str:
        """What is wrong with this leaf hash at its place in the lowest tile."""
        at = len(self._levels[0]) * HASH_BYTES
        stored = self._held[0][at : at + HASH_BYTES]
        return (
            ""
            if stored == leaf_hash
            else "leaf is not the one in the tree"
            if stored
            else "leaf not in the tree"
        )

    def add(self, leaf_hashes: list[bytes]) -> str:
        """Grow within the lowest tile; a fault where a full tile does not stand in the one above it."""
        self._levels[0] += leaf_hashes
        level, reason = 0, ""
        while len(self._levels[level]) == TILE_WIDTH and not reason:
            parent = fold(b"".join(self._levels[level]))
            self._levels[level] = []
            self._indexes[level] += 1
            self._held[level] = self._tiles.get(level, self._indexes[level])
            level += 1
            if level == len(self._levels):
                self._levels.append([])
                self._indexes.append(0)
                self._held.append(self._tiles.get(level, 0))
            if not self._stands(level, parent):
                reason = f"tile {level}/{self._indexes[level]} does not follow from its leaves"
            self._levels[level].append(parent)
        return reason

    def _stands(self, level: int, hashes: bytes) -> bool:
        at = len(self._levels[level]) * HASH_BYTES
        return self._held[level][at : at + len(hashes)] == hashes

    def root(self) -> bytes:
        """Root over all leaves added."""
        edge: list[bytes] = []
        for level in self._levels:
            nodes = level + edge
            edge = [root_of(nodes)] if nodes else []
        return edge[0] if edge else EMPTY_ROOT

    def holds_more(self) -> bool:
        """Whether the lowest tile knows a leaf beyond those added."""
        return len(self._held[0]) > len(self._levels[0]) * HASH_BYTES


def _room(count: int, next_size: int) -> int:
    """Rows to the end of the tile, or to the next checkpoint where that comes first."""
    left = TILE_WIDTH - count % TILE_WIDTH
    return min(left, next_size - count) if next_size > count else left


def _whole(run: list[StoredRow], place: int, tower: _Tower) -> bool:
    """Whether no row of a run has a fault: the rule of `_row_fault`, for all of them at once."""
    indexes, leaves, leaf_hashes, salts, details = zip(*run, strict=True)
    places = range(place, place + len(run))
    hashes = tuple([hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves])
    if indexes != tuple(places) or hashes != leaf_hashes or not tower.stand(b"".join(hashes)):
        return False
    for index, head, leaf, salt, detail in zip(
        places, cbor.encode_ints(places), leaves, salts, details, strict=True
    ):
        if not _plain(head, leaf, salt, detail) and _content_fault(index, leaf, salt, detail):
            return False
    return True


def _plain(index: bytes, leaf: bytes, salt: bytes, detail: bytes | None) -> bool:
    """Whether a leaf without `ext` shows at its two ends that it is of this index and detail.

    Seen without decoding it: version, a kind of one or two bytes, the index; the commitment, no `ext`. The
    leaf's hash stands in the tree, so these are the bytes that were written; any other leaf is decoded.
    """
    return leaf.startswith(index, _INDEX_FROM.get(leaf[:3], len(leaf))) and (
        detail is None or leaf.endswith(_COMMITMENT + commit(salt, detail) + _NO_EXT)
    )


_BEGIN, _COMMITMENT, _NO_EXT = bytes((0x80 | LEAF_FIELDS, LEAF_VERSION)), b"\x58\x20", b"\x80"
_INDEX_FROM = {_BEGIN + bytes((kind,)): 3 for kind in range(24)} | {_BEGIN + b"\x18": 4}
"""Where the index begins, by what stands before it: version and the first byte of the kind."""


def _row_fault(row: StoredRow, place: int, tower: _Tower) -> str:
    """What is wrong with the row that should stand at `place`."""
    index, leaf, leaf_hash, salt, detail = row
    reason = _leaf_fault(place, index, leaf, leaf_hash) or tower.fault(leaf_hash)
    return reason or _content_fault(place, leaf, salt, detail)


def _leaf_fault(place: int, index: int, leaf: bytes, leaf_hash: bytes) -> str:
    if index != place:
        return "entry missing" if index > place else "entry doubled"
    return "" if hashlib.sha256(b"\x00" + leaf).digest() == leaf_hash else "leaf altered"


def _content_fault(place: int, leaf: bytes, salt: bytes, detail: bytes | None) -> str:
    try:
        values = cbor.peek(leaf)
    except Malformed:
        return "leaf unreadable"
    if len(values) != LEAF_FIELDS or values[INDEX_AT] != place:
        return "entry renumbered"
    return "" if detail is None or commit(salt, detail) == values[COMMIT_AT] else "detail altered"
