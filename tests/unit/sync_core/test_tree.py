"""The tiled tree against RFC 6962 word for word, and its cost at ten million entries."""

from __future__ import annotations

import functools
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.errors import InconsistentProof, Malformed
from sync.ledger.proofs import (
    EMPTY_ROOT,
    check_consistency,
    check_inclusion,
    fold,
    node_hash,
    root_of,
)
from sync.ledger.tree import (
    TILE_BYTES,
    MemoryTiles,
    Tree,
    append,
    consistency,
    inclusion,
    root,
)
from tests.unit.sync_core import reference

LEAVES = [hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(66_100)]
BORDERS = [1, 2, 3, 127, 128, 129, 255, 256, 257, 511, 512, 513, 767, 768, 769, 1024, 2047, 2048, 2049, 3000]
SIZES = st.sampled_from(BORDERS) | st.integers(1, 3000)


@functools.cache
def tiles_of(size: int) -> MemoryTiles:
    tiles = MemoryTiles()
    tiles.update(append(tiles, 0, LEAVES[:size])[1])
    return tiles


@pytest.mark.parametrize("size", [0, *BORDERS])
def test_the_root_is_that_of_the_rfc_at_every_tile_border(size: int):
    assert root(tiles_of(3000), size) == reference.mth(LEAVES[:size]) == root_of(LEAVES[:size])
    assert root(tiles_of(size), size) == reference.mth(LEAVES[:size])


@settings(max_examples=60, deadline=None)
@given(SIZES, st.data())
def test_inclusion_proofs_are_those_of_the_rfc_and_check(size: int, data: st.DataObject):
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion(tiles_of(3000), index, size)
    assert proof == reference.path(index, LEAVES[:size])
    check_inclusion(LEAVES[index], index, size, proof, reference.mth(LEAVES[:size]))


@settings(max_examples=60, deadline=None)
@given(SIZES, SIZES)
def test_consistency_proofs_are_those_of_the_rfc_and_check(one: int, other: int):
    old, new = sorted((one, other))
    proof = consistency(tiles_of(3000), old, new)
    assert proof == reference.proof(old, LEAVES[:new])
    check_consistency(old, reference.mth(LEAVES[:old]), new, reference.mth(LEAVES[:new]), proof)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=6))
def test_appending_in_any_portions_gives_the_same_tiles_and_returns_only_changed_ones(portions: list[int]):
    tiles, size = MemoryTiles(), 0
    for portion in portions:
        before = dict(tiles.tiles)
        size, changed = append(tiles, size, LEAVES[size : size + portion])
        assert all(before.get(place) != tile for place, tile in changed.items())
        assert not any(len(before.get(place, b"")) == TILE_BYTES for place in changed)
        tiles.update(changed)
    assert tiles.tiles == tiles_of(size).tiles
    assert Tree(tiles).root(size) == reference.mth(LEAVES[:size])


def test_a_tree_over_the_border_of_the_second_level_is_whole():
    tiles, size = MemoryTiles(), 0
    for end in (65_535, 65_536, 65_537, 66_100):
        size, changed = append(tiles, size, LEAVES[size:end])
        tiles.update(changed)
        assert root(tiles, size) == root_of(LEAVES[:size])
    tree = Tree(tiles)
    for index in (0, 255, 65_535, 65_536, 66_099):
        check_inclusion(LEAVES[index], index, size, tree.inclusion(index, size), tree.root(size))
    for old in (1, 256, 65_535, 65_536, 65_537):
        check_consistency(old, root_of(LEAVES[:old]), size, tree.root(size), tree.consistency(old, size))
    assert tree.append(size, []) == (size, {})
    assert (2, 0) in tiles.tiles


class Uniform:
    """A tree of any size whose leaves are all alike, so that its tiles need no storage; counts what is read."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.reads = 0
        self.node = [hashlib.sha256(b"\x00leaf").digest()]
        for _ in range(64):
            self.node.append(node_hash(self.node[-1], self.node[-1]))

    def get(self, level: int, index: int) -> bytes:
        self.reads += 1
        there = (self.size >> 8 * level) - 256 * index
        return self.node[8 * level] * max(0, min(256, there))

    def root(self, size: int) -> bytes:
        """By the peaks, from the right."""
        found = b""
        for height in range(size.bit_length()):
            if size >> height & 1:
                found = node_hash(self.node[height], found) if found else self.node[height]
        return found


@pytest.mark.parametrize("size", [10_000_000, 2**24 - 1, 2**24, 2**32 + 2**16 + 1])
def test_at_ten_million_entries_a_question_reads_a_handful_of_tiles(size: int):
    tiles = Uniform(size)
    assert root(tiles, size) == tiles.root(size)
    assert tiles.reads <= 5
    tiles.reads = 0
    proof = inclusion(tiles, size // 3, size)
    assert tiles.reads <= 10
    check_inclusion(tiles.node[0], size // 3, size, proof, tiles.root(size))
    tiles.reads = 0
    old = size - size // 7
    proof = consistency(tiles, old, size)
    assert tiles.reads <= 10
    check_consistency(old, tiles.root(old), size, tiles.root(size), proof)


def test_questions_outside_the_tree_and_tiles_that_are_short_are_refused():
    for wrong in (-1, 5):
        with pytest.raises(Malformed):
            inclusion(tiles_of(5), wrong, 5)
    for old, new in ((-1, 5), (6, 5)):
        with pytest.raises(Malformed):
            consistency(tiles_of(5), old, new)
    with pytest.raises(Malformed):
        root(tiles_of(5), 6)
    with pytest.raises(Malformed):
        append(tiles_of(5), 7, LEAVES[:1])
    assert consistency(tiles_of(5), 0, 5) == consistency(tiles_of(5), 5, 5) == []


def test_an_empty_tree_has_the_hash_of_nothing_and_a_node_the_prefix_one():
    assert root_of([]) == EMPTY_ROOT == hashlib.sha256(b"").digest()
    assert fold(LEAVES[0] + LEAVES[1]) == hashlib.sha256(b"\x01" + LEAVES[0] + LEAVES[1]).digest()


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 300), st.data())
def test_a_changed_inclusion_proof_is_refused(size: int, data: st.DataObject):
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion(tiles_of(300), index, size)
    top = root_of(LEAVES[:size])
    for wrong in _spoilt(proof, data):
        with pytest.raises(InconsistentProof):
            check_inclusion(LEAVES[index], index, size, wrong, top)
    with pytest.raises(InconsistentProof):
        check_inclusion(LEAVES[index + 1], index, size, proof, top)
    for place, whole in ((size, size), (-1, size), (0, 0)):
        with pytest.raises(InconsistentProof):
            check_inclusion(LEAVES[index], place, whole, proof, top)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.data())
def test_a_changed_consistency_proof_is_refused(one: int, other: int, data: st.DataObject):
    old, new = sorted((one, other))
    proof = consistency(tiles_of(300), old, new)
    old_root, new_root = root_of(LEAVES[:old]), root_of(LEAVES[:new])
    for wrong in _spoilt(proof, data):
        with pytest.raises(InconsistentProof):
            check_consistency(old, old_root, new, new_root, wrong)
    with pytest.raises(InconsistentProof):
        check_consistency(old, LEAVES[4000], new, new_root, proof)
    with pytest.raises(InconsistentProof):
        check_consistency(old, old_root, new, LEAVES[4000], proof)
    with pytest.raises(InconsistentProof):
        check_consistency(new + 1, old_root, new, new_root, proof)


def test_consistency_from_nothing_needs_the_empty_root():
    check_consistency(0, EMPTY_ROOT, 3, root_of(LEAVES[:3]), [])
    with pytest.raises(InconsistentProof):
        check_consistency(0, LEAVES[0], 3, root_of(LEAVES[:3]), [])


def test_consistency_proofs_cut_anywhere_are_refused():
    for old, new in ((3, 5), (4, 5), (6, 7), (6, 13)):
        proof = consistency(tiles_of(300), old, new)
        for kept in range(len(proof)):
            with pytest.raises(InconsistentProof):
                check_consistency(old, root_of(LEAVES[:old]), new, root_of(LEAVES[:new]), proof[:kept])


def test_proofs_beyond_every_tree_are_refused_unread():
    with pytest.raises(InconsistentProof):
        check_inclusion(LEAVES[0], 0, 2**48 + 1, [], LEAVES[0])
    with pytest.raises(InconsistentProof):
        check_inclusion(LEAVES[0], 0, 2, [LEAVES[0]] * 200, LEAVES[0])


@given(st.integers(-2, 70), st.integers(-2, 70), st.lists(st.binary(min_size=31, max_size=33), max_size=9))
def test_any_numbers_and_hashes_as_a_proof_are_refused(one: int, other: int, proof: list[bytes]):
    with pytest.raises(InconsistentProof):
        check_inclusion(LEAVES[0], one, other, proof, LEAVES[1])
    with pytest.raises(InconsistentProof):
        check_consistency(one, LEAVES[2], other, LEAVES[1], proof)


def _spoilt(proof: list[bytes], data: st.DataObject) -> list[list[bytes]]:
    """The proof with a hash too many, one too few, one changed, one cut."""
    wrong = [[*proof, LEAVES[5000]]]
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        wrong += [
            proof[:at] + proof[at + 1 :],
            [*proof[:at], LEAVES[5001], *proof[at + 1 :]],
            [*proof[:at], proof[at][:-1], *proof[at + 1 :]],
        ]
    return wrong
