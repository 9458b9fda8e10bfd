"""recount: one altered entry among ten million, found by descent; every byte of the answers counted.

The ledger is synthetic: leaf n is the SHA-256 of n, its upper levels are folded once. What travels is what the
line carries: the encoded answers, and the questions with their signed headers.
"""

import hashlib

import msgspec

from sync.ledger.descent import Ask, Descent, Differs, decode, encode, show
from sync.ledger.proofs import fold
from sync.ledger.tree import TILE_BYTES, TILE_WIDTH
from sync.signing.keys import SigningKey
from sync.signing.requests import authorise
from tests.bench.figures import Outcome, at_most, floor, seen
from tests.bench.sizes import Size
from tests.bench.stage import Stage
from tests.bench.timing import took

ROUNDS, BYTES = 3, 35_000
ORIGIN = "qingzhou.example/node/330102/i1"
PLACES = (0, 0.37, 0.62, 0.999_999_9)


class Synthetic:
    """The tiles of a ledger of `size` made-up leaves; `altered` is one leaf that is another."""

    def __init__(self, size: int) -> None:
        self.levels: list[bytes] = []
        tiles = range(size // TILE_WIDTH)
        level = b"".join(fold(_leaves(index)) for index in tiles)
        while level:
            self.levels.append(level)
            whole = len(level) // TILE_BYTES * TILE_BYTES
            level = b"".join(fold(level[at : at + TILE_BYTES]) for at in range(0, whole, TILE_BYTES))
        self.altered = -1

    def get(self, level: int, index: int) -> bytes:
        """The tile, with the altered leaf's path hashed anew."""
        if level == 0:
            tile = _leaves(index)
        elif level <= len(self.levels):
            tile = self.levels[level - 1][index * TILE_BYTES : (index + 1) * TILE_BYTES]
        else:
            return b""
        below = self.altered >> 8 * level
        if self.altered < 0 or below // TILE_WIDTH != index:
            return tile
        place = below % TILE_WIDTH * 32
        if place >= len(tile):
            return tile
        hashed = bytes(32) if level == 0 else fold(self.get(level - 1, below))
        return tile[:place] + hashed + tile[place + 32 :]


def _leaves(index: int) -> bytes:
    sha256, first = hashlib.sha256, index * TILE_WIDTH
    return b"".join([sha256(n.to_bytes(8, "big")).digest() for n in range(first, first + TILE_WIDTH)])


def run(stage: Stage, size: Size) -> Outcome:
    """Four places; the worst of them counts."""
    assert stage.size == size
    entries = size.recount
    ours, theirs = Synthetic(entries), Synthetic(0)
    theirs.levels = ours.levels
    rounds, carried, slowest = [], [], []
    for part in PLACES:
        theirs.altered = int((entries - 1) * part)
        with took() as spent:
            found = _descend(ours, theirs, entries)
        assert isinstance(found[0], Differs)
        assert found[0].index == theirs.altered
        rounds.append(found[1])
        carried.append(found[2])
        slowest.append(spent.seconds)
    return Outcome(
        figures={
            "entries": seen(entries, "entries"),
            "round trips": at_most(max(rounds), "round trips", ROUNDS),
            "bytes both ways, headers of signed requests included": at_most(max(carried), "B", BYTES),
            "computing on both sides": seen(max(slowest), "s"),
        },
        floors={"tiles alone, 32 bytes a hash": floor(_tiles_alone(entries), "B")},
        bound_by="the tiles themselves: one of up to 256 hashes a level",
    )


def _descend(ours: Synthetic, theirs: Synthetic, entries: int) -> tuple[Ask | Differs | None, int, int]:
    descent = Descent(entries, ours)
    ask: Ask | Differs | None = descent.first()
    rounds = carried = 0
    while isinstance(ask, Ask):
        answer = encode(show(theirs, ask))
        rounds, carried = rounds + 1, carried + len(answer) + _question(ask)
        ask = descent.heard(decode(answer))
    return ask, rounds, carried


def _question(ask: Ask) -> int:
    body = msgspec.json.encode(ask)
    key = SigningKey.from_bytes(bytes(32))
    header = authorise(key, ORIGIN, "POST", "/api/recount", body, 1_795_000_000_000, "n" * 24)
    return len(body) + len(header)


def _tiles_alone(entries: int) -> int:
    widths = [entries]
    while widths[-1] >= TILE_WIDTH:
        widths.append(widths[-1] // TILE_WIDTH)
    return sum(min(width, TILE_WIDTH) * 32 for width in widths)
