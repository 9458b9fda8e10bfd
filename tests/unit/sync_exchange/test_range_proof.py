"""Every run of leaves is proven against the signed root, and no other."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.batch.range_proof import check_range, implied, prove
from sync.errors import InconsistentProof, Malformed
from sync.ledger.entry import leaf_hash
from sync.ledger.tree import MemoryTiles, Reader, append, consistency, root


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 900), st.data())
def test_every_range_of_every_tree_is_proven_and_no_other(size, data):
    hashes = [leaf_hash(bytes([number % 251, number % 7])) for number in range(size)]
    tiles = MemoryTiles()
    _, changed = append(tiles, 0, hashes)
    tiles.update(changed)
    start = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(start + 1, size))
    reader = Reader(tiles)
    proof, whole = prove(reader, start, end, size), root(tiles, size)
    part = hashes[start:end]
    assert reader.leaves(start, end) == part
    check_range(part, start, size, proof, whole)
    for wrong in ([*proof, bytes(32)], proof[:-1], [bytes(32), *proof[1:]], [b"short"]):
        if wrong != proof:
            with pytest.raises(InconsistentProof):
                check_range(part, start, size, wrong, whole)
    with pytest.raises(InconsistentProof):
        check_range([*part[:-1], bytes(32)], start, size, proof, whole)
    for low, high in pairwise([start, size + 1]):
        with pytest.raises(InconsistentProof):
            prove(reader, low, high, size)


@settings(max_examples=200, deadline=None)
@given(st.integers(2, 900), st.data())
def test_the_consistency_proof_holds_what_is_left_of_the_last_leaves_unless_that_is_one_subtree(size, data):
    tiles = MemoryTiles()
    tiles.update(append(tiles, 0, [leaf_hash(number.to_bytes(2, "big")) for number in range(size)])[1])
    start = data.draw(st.integers(1, size - 1))
    found = implied(consistency(tiles, start, size), start, size)
    assert found == ([] if start & (start - 1) == 0 else prove(Reader(tiles), start, size, size))
    assert implied([], start, size) == implied([bytes(32)] * 70, start, size) == []


def test_tiles_that_are_not_held_give_no_proof():
    with pytest.raises(Malformed):
        prove(Reader(MemoryTiles()), 0, 1, 300)
    with pytest.raises(Malformed):
        Reader(MemoryTiles()).leaves(0, 1)


def test_a_run_outside_the_tree_or_a_proof_beyond_every_tree_is_refused_unread():
    for start, size, count in ((-1, 9, 1), (0, 9, 0), (9, 9, 1), (0, 2**49, 1)):
        with pytest.raises(InconsistentProof, match="outside a tree"):
            check_range([bytes(32)] * count, start, size, [], bytes(32))
    with pytest.raises(InconsistentProof, match="outside a tree"):
        check_range([bytes(32)], 0, 9, [bytes(32)] * 131, bytes(32))


def test_hashes_of_another_length_are_refused_unread():
    for hashes, proof in (([b"short"], []), ([bytes(32)], [b"short"])):
        with pytest.raises(InconsistentProof, match="another length"):
            check_range(hashes, 0, 2, proof, bytes(32))
