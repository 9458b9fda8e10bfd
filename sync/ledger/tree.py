"""The RFC 6962 tree kept in tiles, so that every question costs a logarithm of its size.

A tile holds up to 256 hashes of one stored level, concatenated: tile (0, i) the leaf hashes from 256 i,
tile (1, i) the roots of the tiles (0, 256 i …), and so on: one stored level is eight levels of the tree.
Only the rightmost tile of a level is partial, and only full tiles have a parent, so a tile once full never
changes. At ten million entries a proof reads at most six tiles.

These functions read tiles and return the ones to write; storing them durably is the caller's, in the
same transaction as the entries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from sync.errors import Malformed
from sync.ledger.proofs import EMPTY_ROOT, HASH_BYTES, fold, node_hash, split

TILE_WIDTH = 256
TILE_BYTES = TILE_WIDTH * HASH_BYTES
_STEP = 8  # tree levels per stored level


class TileSource(Protocol):
    """Where tiles are read from."""

    def get(self, level: int, index: int) -> bytes:
        """The hashes of that tile, concatenated; empty where there is none yet. May hold later ones too."""


class MemoryTiles:
    """Tiles in a dictionary: for tests, for building a batch, for the judge."""

    def __init__(self, tiles: Mapping[tuple[int, int], bytes] | None = None) -> None:
        self.tiles: dict[tuple[int, int], bytes] = dict(tiles or {})

    def get(self, level: int, index: int) -> bytes:
        return self.tiles.get((level, index), b"")

    def update(self, changed: Mapping[tuple[int, int], bytes]) -> None:
        """Keep what `append` returned."""
        self.tiles.update(changed)


class Tree:
    """One ledger's tree over its tiles; each call reads the tiles afresh, so growth is seen."""

    def __init__(self, tiles: TileSource) -> None:
        self._tiles = tiles

    def root(self, size: int) -> bytes:
        """See `root`."""
        return root(self._tiles, size)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """See `inclusion`."""
        return inclusion(self._tiles, index, size)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """See `consistency`."""
        return consistency(self._tiles, old, new)

    def append(self, size: int, hashes: Sequence[bytes]) -> tuple[int, dict[tuple[int, int], bytes]]:
        """See `append`."""
        return append(self._tiles, size, hashes)


def append(tiles: TileSource, size: int, hashes: Sequence[bytes]) -> tuple[int, dict[tuple[int, int], bytes]]:
    """New size, and the tiles to write, after adding leaf hashes to a tree of `size`.

    Nothing is stored here. Raises `Malformed` when a partial tile holds fewer hashes than `size` says.
    """
    changed: dict[tuple[int, int], bytes] = {}
    level, before, fresh = 0, size, list(hashes)
    while fresh:
        index, used = divmod(before, TILE_WIDTH)
        held = _cut(tiles.get(level, index), 0, used, level, index) if used else b""
        joined = held + b"".join(fresh)
        fresh = []
        for at in range(0, len(joined), TILE_BYTES):
            tile = joined[at : at + TILE_BYTES]
            changed[level, index] = tile
            index += 1
            if len(tile) == TILE_BYTES:
                fresh.append(fold(tile))
        level, before = level + 1, before // TILE_WIDTH
    return size + len(hashes), changed


def root(tiles: TileSource, size: int) -> bytes:
    """Root of the first `size` leaves."""
    return Reader(tiles).span(0, size) if size else EMPTY_ROOT


def peaks(tiles: TileSource, size: int) -> list[bytes]:
    """Roots of the complete subtrees that a tree of `size` is made of, the largest first.

    Folded from the right by `node_hash` they give its root; so does the list with those of later leaves
    appended, as long as each is smaller than the one before.
    """
    reader, found, low = Reader(tiles), list[bytes](), 0
    while low < size:
        high = low + (1 << (size - low).bit_length() - 1)
        found.append(reader.span(low, high))
        low = high
    return found


def inclusion(tiles: TileSource, index: int, size: int) -> list[bytes]:
    """Proof that leaf `index` is among the first `size`, nearest sibling first; `Malformed` if it is not."""
    if not 0 <= index < size:
        raise Malformed(f"index {index} outside a tree of {size}")
    reader, proof, low, high = Reader(tiles), list[bytes](), 0, size
    while high - low > 1:
        middle = low + split(high - low)
        if index < middle:
            proof.append(reader.span(middle, high))
            high = middle
        else:
            proof.append(reader.span(low, middle))
            low = middle
    return proof[::-1]


def consistency(tiles: TileSource, old: int, new: int) -> list[bytes]:
    """Proof that the tree of `old` is a prefix of the tree of `new`; empty from 0 and between equal sizes."""
    if not 0 <= old <= new:
        raise Malformed(f"size {old} is not before {new}")
    if old in {0, new}:
        return []
    reader, proof, low, high = Reader(tiles), list[bytes](), 0, new
    while old != high:
        middle = low + split(high - low)
        if old <= middle:
            proof.append(reader.span(middle, high))
            high = middle
        else:
            proof.append(reader.span(low, middle))
            low = middle
    if low:  # the old tree's last part; where the old tree is this node itself, its root is known
        proof.append(reader.span(low, high))
    return proof[::-1]


class Reader:
    """Tiles read for questions about one state of a ledger: each tile once, each subtree hashed once."""

    def __init__(self, tiles: TileSource) -> None:
        self._tiles = tiles
        self._held: dict[tuple[int, int], bytes] = {}
        self._spans: dict[tuple[int, int], bytes] = {}

    def get(self, level: int, index: int) -> bytes:
        """The tile as it was when first asked for."""
        tile = self._held.get((level, index))
        if tile is None:
            tile = self._held[level, index] = self._tiles.get(level, index)
        return tile

    def span(self, low: int, high: int) -> bytes:
        """Root over leaves `low` to `high`, a subtree of the RFC 6962 division."""
        found = self._spans.get((low, high))
        if found is None:
            found = self._spans[low, high] = self._hashed(low, high)
        return found

    def leaves(self, low: int, high: int) -> list[bytes]:
        """The leaf hashes from `low` to `high`."""
        found: list[bytes] = []
        while low < high:
            index, first = divmod(low, TILE_WIDTH)
            end = min(first + high - low, TILE_WIDTH)
            run = _cut(self.get(0, index), first, end, 0, index)
            found += [run[at : at + HASH_BYTES] for at in range(0, len(run), HASH_BYTES)]
            low += end - first
        return found

    def _hashed(self, low: int, high: int) -> bytes:
        width = high - low
        if width & (width - 1):
            middle = low + split(width)
            return node_hash(self.span(low, middle), self.span(middle, high))
        level, within = divmod(width.bit_length() - 1, _STEP)
        index, first = divmod(low >> level * _STEP, TILE_WIDTH)
        return fold(_cut(self.get(level, index), first, first + (1 << within), level, index))


def _cut(tile: bytes, first: int, end: int, level: int, index: int) -> bytes:
    part = tile[first * HASH_BYTES : end * HASH_BYTES]
    if len(part) != (end - first) * HASH_BYTES:
        raise Malformed(f"tile {level}/{index} holds fewer than {end} hashes")
    return part
