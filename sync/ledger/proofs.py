"""What a proof must satisfy (RFC 6962, RFC 9162 2.1): pure checks without any tree at hand."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sync.errors import InconsistentProof
from sync.limits import LIMITS

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def fold(hashes: bytes) -> bytes:
    """Root over concatenated hashes whose number is a power of two."""
    sha256 = hashlib.sha256
    while len(hashes) > HASH_BYTES:
        pairs = range(0, len(hashes), 2 * HASH_BYTES)
        hashes = b"".join([sha256(b"\x01" + hashes[at : at + 2 * HASH_BYTES]).digest() for at in pairs])
    return hashes


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Root of the tree over these leaf hashes; an empty tree has SHA-256 of nothing."""
    if not hashes:
        return EMPTY_ROOT
    level = list(hashes)
    while len(level) > 1:
        odd = [level.pop()] if len(level) & 1 else []
        level = [node_hash(level[at], level[at + 1]) for at in range(0, len(level), 2)] + odd
    return level[0]


def split(width: int) -> int:
    """The largest power of two below `width` (at least 2): where RFC 6962 divides a tree."""
    return 1 << (width - 1).bit_length() - 1


def check_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Return when leaf `index` is in the tree of `size` and `root`; else raise `InconsistentProof`."""
    _check_shape(size, (leaf_hash, root, *proof))
    if not 0 <= index < size:
        raise InconsistentProof(f"index {index} outside a tree of {size}")
    at, last, found = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:
            raise InconsistentProof("inclusion proof too long")
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    if last or found != root:
        raise InconsistentProof(f"leaf {index} is not under the root of size {size}")


def check_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Return when the tree of `old` is a prefix of that of `new`; else raise `InconsistentProof`.

    A proof from size 0, or between equal sizes, is empty.
    """
    _check_shape(new, (old_root, new_root, *proof))
    if not 0 <= old <= new:
        raise InconsistentProof(f"size {old} is not before {new}")
    if old in {0, new}:
        if proof or old_root != (new_root if old == new else EMPTY_ROOT):
            raise InconsistentProof(f"roots differ at size {old}")
        return
    # A complete old tree is itself a node of the new one and stands in no proof.
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    found_old, found_new = _consistency_roots(old, new, path)
    if found_old != old_root or found_new != new_root:
        raise InconsistentProof(f"size {new} does not extend size {old}")


def _consistency_roots(old: int, new: int, path: list[bytes]) -> tuple[bytes, bytes]:
    """Both roots the path leads to (RFC 9162, 2.1.4.2)."""
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    if not path:
        raise InconsistentProof("consistency proof too short")
    found_old = found_new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise InconsistentProof("consistency proof too long")
        if at & 1 or at == last:
            found_old, found_new = node_hash(sibling, found_old), node_hash(sibling, found_new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found_new = node_hash(found_new, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise InconsistentProof("consistency proof too short")
    return found_old, found_new


def _check_shape(size: int, hashes: Sequence[bytes]) -> None:
    if not 0 <= size <= LIMITS.ledger_entries or len(hashes) > LIMITS.proof_hashes:
        raise InconsistentProof("a proof beyond every tree")
    if any(len(each) != HASH_BYTES for each in hashes):
        raise InconsistentProof("a hash of another length")
