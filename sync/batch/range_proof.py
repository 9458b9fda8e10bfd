"""The proof that a run of leaves is part of a signed tree: the hashes beside the run, from left to right.

A frame carries it, so any prefix of frames is usable and no frame depends on another. Both sides walk the
tree of `size` leaves the same way: a node outside the run costs one hash, a node inside costs nothing.
"""

from collections.abc import Iterator, Sequence

from sync.errors import InconsistentProof
from sync.ledger.proofs import HASH_BYTES, fold, node_hash, root_of, split
from sync.ledger.tree import TILE_WIDTH, TileSource
from sync.limits import LIMITS

_TILE_BITS = 8


def prove(tiles: TileSource, start: int, end: int, size: int) -> list[bytes]:
    """The hashes that lead from leaves [start, end) to the root of `size`; at most two paths.

    Raises InconsistentProof when the tiles do not hold `size` leaves or the run does not lie among them.
    """
    if not 0 <= start < end <= size:
        raise InconsistentProof(f"leaves {start} to {end} outside a tree of {size}")
    return list(_outside(tiles, 0, size, start, end))


def check_range(hashes: Sequence[bytes], start: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Return when `hashes` are the leaves from `start` on of the tree with `size` leaves and `root`.

    Raises InconsistentProof otherwise, also for a proof with hashes missing or left over.
    """
    end = start + len(hashes)
    if not 0 <= start < end <= size <= LIMITS.ledger_entries or len(proof) > LIMITS.proof_hashes:
        raise InconsistentProof(f"leaves {start} to {end} outside a tree of {size}")
    if any(len(one) != HASH_BYTES for one in (*hashes, *proof)):
        raise InconsistentProof("a hash of another length")
    left = iter(proof)
    found = _rebuild(hashes, left, 0, size, start)
    if found != root or next(left, None) is not None:
        raise InconsistentProof(f"leaves {start} to {end} are not under the root of size {size}")


def leaf_hashes(tiles: TileSource, start: int, end: int) -> list[bytes]:
    """The leaf hashes [start, end) from the tiles. Raises InconsistentProof where they are not held."""
    found: list[bytes] = []
    while start < end:
        last = min(end, (start // TILE_WIDTH + 1) * TILE_WIDTH)
        run = _hashes(tiles, 0, start, last - start)
        found += [run[at : at + HASH_BYTES] for at in range(0, len(run), HASH_BYTES)]
        start = last
    return found


def _rebuild(hashes: Sequence[bytes], proof: Iterator[bytes], low: int, high: int, start: int) -> bytes:
    end = start + len(hashes)
    if high <= start or low >= end:
        given = next(proof, None)
        if given is None:
            raise InconsistentProof(f"proof of leaves {start} to {end} ends early")
        return given
    if start <= low and high <= end:
        return root_of(hashes[low - start : high - start])
    middle = low + split(high - low)
    left = _rebuild(hashes, proof, low, middle, start)
    return node_hash(left, _rebuild(hashes, proof, middle, high, start))


def _outside(tiles: TileSource, low: int, high: int, start: int, end: int) -> Iterator[bytes]:
    if high <= start or low >= end:
        yield _subtree(tiles, low, high)
    elif not (start <= low and high <= end):
        middle = low + split(high - low)
        yield from _outside(tiles, low, middle, start, end)
        yield from _outside(tiles, middle, high, start, end)


def _subtree(tiles: TileSource, low: int, high: int) -> bytes:
    """The hash of the node over leaves [low, high), a node of the RFC 6962 division."""
    count = high - low
    if count & (count - 1):
        middle = low + split(count)
        return node_hash(_subtree(tiles, low, middle), _subtree(tiles, middle, high))
    level = (count.bit_length() - 1) // _TILE_BITS
    return fold(_hashes(tiles, level, low >> (level * _TILE_BITS), count >> (level * _TILE_BITS)))


def _hashes(tiles: TileSource, level: int, first: int, many: int) -> bytes:
    """`many` hashes of one tile from hash `first` of the level on, concatenated."""
    index, at = divmod(first, TILE_WIDTH)
    held = tiles.get(level, index)[at * HASH_BYTES : (at + many) * HASH_BYTES]
    if len(held) != many * HASH_BYTES:
        raise InconsistentProof(f"tile {level}/{index} is short")
    return held
