"""Recount by tile descent: where two copies of one ledger differ, in one round trip a level of tiles.

The one who asks holds tiles of its own and gets the other's, from the top down: the first hash in which two
tiles differ names the tile to ask for next. The top tile comes with a digest of every partial tile at the
right edge, which no full tile above covers. Ten million entries have three levels: three tiles, 21 kB.

Each tile shown must fold to the hash shown above it: who answers cannot change its story on the way down.
"""

import hashlib
from collections.abc import Iterator

import msgspec

from sync.codec import cbor
from sync.errors import InconsistentProof, Malformed
from sync.ledger.proofs import HASH_BYTES, fold
from sync.ledger.tree import TILE_WIDTH, TileSource
from sync.limits import LIMITS

SHOWN_BYTES_MAX = 16 * 1024
_LEVELS_MAX = 8


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """The tile wanted next, of a ledger cut to its first `size` entries."""

    size: int
    level: int
    index: int


class Shown(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A tile as the other side has it; `edges` (top only): digests of the partial tiles, the lowest last."""

    level: int
    index: int
    hashes: bytes
    edges: tuple[bytes, ...] = ()


class Differs(msgspec.Struct, frozen=True, kw_only=True):
    """The first entry that differs, both leaf hashes, and how many entries differ in its tile of 256."""

    index: int
    ours: bytes
    theirs: bytes
    in_tile: int


class Rehashed(msgspec.Struct, frozen=True, kw_only=True):
    """The upper levels of a ledger as hashed from its stored bodies: level 1 first, hashes concatenated.

    `edge`: the leaf hashes of its last, partial tile, which no level covers. It travels as MessagePack inside
    a sealed file, for a recount from a stick.
    """

    origin: str
    size: int
    levels: tuple[bytes, ...]
    edge: bytes = b""

    def edge_difference(self, ours: TileSource, size: int) -> int | None:
        """The first entry below `size` of the partial tile that is another in `ours`."""
        first = self.size // TILE_WIDTH
        held = max(0, size - first * TILE_WIDTH) * HASH_BYTES
        place = _first_difference(ours.get(0, first)[:held], self.edge[:held]) if held else None
        return None if place is None else first * TILE_WIDTH + place

    def covered(self, size: int) -> int:
        """How many of the first `size` entries a comparison with this speaks for."""
        return size if self.edge and size > self.size - self.size % TILE_WIDTH else size - size % TILE_WIDTH


def widths(size: int) -> list[int]:
    """Hashes on each stored level of a tree of `size`, the leaves first, down to the level with one tile."""
    found = [size]
    while found[-1] >= TILE_WIDTH:
        found.append(found[-1] // TILE_WIDTH)
    return found


def show(tiles: TileSource, ask: Ask) -> Shown:
    """The answer to a question. Raises Malformed for a tile that a ledger of that size has not."""
    counts = widths(ask.size)
    if not 0 < ask.size <= LIMITS.ledger_entries or not 0 <= ask.level < len(counts):
        raise Malformed(f"no level {ask.level} in a ledger of {ask.size}")
    if not 0 <= ask.index <= (counts[ask.level] - 1) // TILE_WIDTH:
        raise Malformed(f"no tile {ask.level}/{ask.index} in a ledger of {ask.size}")
    top = ask.level == len(counts) - 1
    edges = tuple(_digest(tile) for _, _, tile in _edges(tiles, counts)) if top else ()
    return Shown(level=ask.level, index=ask.index, hashes=_tile(tiles, counts, ask), edges=edges)


def _tile(tiles: TileSource, counts: list[int], ask: Ask) -> bytes:
    used = min(TILE_WIDTH, counts[ask.level] - ask.index * TILE_WIDTH)
    return tiles.get(ask.level, ask.index)[: used * HASH_BYTES]


def _edges(tiles: TileSource, counts: list[int]) -> Iterator[tuple[int, int, bytes]]:
    """The partial tiles below the top, from the highest level down."""
    for level in range(len(counts) - 2, -1, -1):
        index, used = divmod(counts[level], TILE_WIDTH)
        if used:
            yield level, index, tiles.get(level, index)[: used * HASH_BYTES]


def _digest(tile: bytes) -> bytes:
    return hashlib.sha256(b"yizhan/edge/1" + tile).digest()


class Descent:
    """One recount: ask `first`, give each answer to `heard`, until it says where, or None for nowhere.

    `size` is what both sides hold at least. Raises InconsistentProof for an answer that contradicts the one
    before, Malformed for one that answers something else.
    """

    def __init__(self, size: int, ours: TileSource) -> None:
        self._ours, self._counts = ours, widths(size)
        self._asked = Ask(size=size, level=len(self._counts) - 1, index=0)
        self._above: bytes | None = None
        self._edge: bytes | None = None

    def first(self) -> Ask:
        """The question to begin with."""
        return self._asked

    def heard(self, shown: Shown) -> Ask | Differs | None:
        """The next question, the entry that differs, or None when both copies are the same."""
        asked = self._asked
        ours = _tile(self._ours, self._counts, asked)
        if (shown.level, shown.index) != (asked.level, asked.index) or len(shown.hashes) != len(ours):
            raise Malformed(f"not the tile {asked.level}/{asked.index} that was asked for")
        if self._above is not None and fold(shown.hashes) != self._above:
            raise InconsistentProof(f"tile {asked.level}/{asked.index} is not the one shown from above")
        if self._edge is not None and _digest(shown.hashes) != self._edge:
            raise InconsistentProof(f"edge tile {asked.level}/{asked.index} is not the one digested")
        self._above = self._edge = None
        place = _first_difference(ours, shown.hashes)
        if place is None:
            return self._along_the_edge(shown)
        if not asked.level:
            return _differs(asked.index, place, ours, shown.hashes)
        self._above = _at(shown.hashes, place)
        return self._next(asked.level - 1, asked.index * TILE_WIDTH + place)

    def _along_the_edge(self, shown: Shown) -> Ask | None:
        """The top is equal: the difference, if any, lies in a partial tile no full one covers."""
        mine = list(_edges(self._ours, self._counts))
        if shown.edges and len(shown.edges) != len(mine):
            raise Malformed("digests of other edge tiles than a ledger of this size has")
        for (level, index, tile), theirs in zip(mine, shown.edges, strict=False):
            if _digest(tile) != theirs:
                self._edge = theirs
                return self._next(level, index)
        return None

    def _next(self, level: int, index: int) -> Ask:
        self._asked = msgspec.structs.replace(self._asked, level=level, index=index)
        return self._asked


def _first_difference(ours: bytes, theirs: bytes) -> int | None:
    places = range(len(ours) // HASH_BYTES)
    return next((place for place in places if _at(ours, place) != _at(theirs, place)), None)


def _differs(index: int, place: int, ours: bytes, theirs: bytes) -> Differs:
    places = range(len(ours) // HASH_BYTES)
    many = sum(_at(ours, one) != _at(theirs, one) for one in places)
    return Differs(
        index=index * TILE_WIDTH + place, ours=_at(ours, place), theirs=_at(theirs, place), in_tile=many
    )


def _at(hashes: bytes, place: int) -> bytes:
    return hashes[place * HASH_BYTES : (place + 1) * HASH_BYTES]


def encode(shown: Shown) -> bytes:
    """The answer on the wire: a deterministic CBOR array."""
    return cbor.encode([shown.level, shown.index, shown.hashes, list(shown.edges)])


def decode(data: bytes) -> Shown:
    """The answer of these bytes. Raises Malformed or LimitExceeded."""
    try:
        shown = msgspec.convert(cbor.decode(data, limit=SHOWN_BYTES_MAX), Shown)
    except msgspec.ValidationError as error:
        raise Malformed(f"a shown tile: {error}") from error
    if len(shown.edges) > _LEVELS_MAX or any(len(one) != HASH_BYTES for one in shown.edges):
        raise Malformed("digests of edge tiles have 32 bytes")
    return shown
