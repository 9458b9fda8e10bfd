"""The proof that a run of leaves is part of a signed tree: the hashes beside the run, from left to right.

A frame carries it, so any prefix of frames is usable and no frame depends on another. Both sides walk the
tree of `size` leaves the same way: a node outside the run costs one hash, a node inside costs nothing.
"""

from collections.abc import Iterator, Sequence

from sync.errors import InconsistentProof
from sync.ledger.proofs import HASH_BYTES, node_hash, root_of, split
from sync.ledger.tree import Reader
from sync.limits import LIMITS


def prove(reader: Reader, start: int, end: int, size: int) -> list[bytes]:
    """The hashes that lead from leaves [start, end) to the root of `size`; at most two paths.

    Raises InconsistentProof when the run does not lie among them, Malformed when the tiles do not hold them.
    """
    if not 0 <= start < end <= size:
        raise InconsistentProof(f"leaves {start} to {end} outside a tree of {size}")
    return list(_outside(reader, 0, size, start, end))


def implied(consistency: Sequence[bytes], start: int, size: int) -> list[bytes]:
    """The proof of leaves [start, size) out of the consistency proof between both sizes.

    Empty where that does not hold it: the tree of `start` is one whole subtree, whose root is not in it.
    """
    left: list[bytes] = []
    low, high, rest = 0, size, list(consistency)
    while start != high and rest:
        middle = low + split(high - low)
        if start <= middle:
            high = middle
            rest.pop()
        else:
            low = middle
            left.append(rest.pop())
    return [*left, rest.pop()] if low and len(rest) == 1 else []


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


def _outside(reader: Reader, low: int, high: int, start: int, end: int) -> Iterator[bytes]:
    if high <= start or low >= end:
        yield reader.span(low, high)
    elif not (start <= low and high <= end):
        middle = low + split(high - low)
        yield from _outside(reader, low, middle, start, end)
        yield from _outside(reader, middle, high, start, end)
