"""Recount by descent: the first entry that differs, in as many questions as there are levels."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.errors import InconsistentProof, Malformed, SyncError
from sync.ledger.descent import Ask, Descent, Differs, Shown, decode, encode, show, widths
from sync.ledger.tree import MemoryTiles, append


def leaf(index: int) -> bytes:
    return hashlib.sha256(b"entry %d" % index).digest()


def ledger(hashes: list[bytes]) -> MemoryTiles:
    tiles = MemoryTiles()
    _, changed = append(tiles, 0, hashes)
    tiles.update(changed)
    return tiles


def recounted(ours: MemoryTiles, theirs: MemoryTiles, size: int) -> tuple[Differs | None, int, int]:
    """What is found, in how many questions, over how many bytes."""
    descent = Descent(size, ours)
    asked: Ask | Differs | None = descent.first()
    rounds = carried = 0
    while isinstance(asked, Ask):
        answer = encode(show(theirs, asked))
        rounds, carried = rounds + 1, carried + len(answer)
        asked = descent.heard(decode(answer))
    return asked, rounds, carried


WHOLE = [leaf(index) for index in range(66_000)]
OURS = ledger(WHOLE)


@pytest.mark.parametrize("index", [0, 255, 256, 40_000, 65_535, 65_536, 65_791, 65_792, 65_999])
def test_one_altered_entry_is_found_wherever_it_stands(index: int):
    theirs = ledger([*WHOLE[:index], leaf(-1), *WHOLE[index + 1 :]])
    found, rounds, carried = recounted(OURS, theirs, len(WHOLE))
    assert found == Differs(index=index, ours=leaf(index), theirs=leaf(-1), in_tile=1)
    assert rounds <= 3
    assert carried <= 35_000


def test_equal_copies_are_found_equal_with_one_question():
    assert recounted(OURS, OURS, len(WHOLE)) == (
        None,
        1,
        len(encode(show(OURS, Descent(66_000, OURS).first()))),
    )


def test_a_missing_and_a_doubled_entry_are_found_where_they_begin():
    missing = ledger([*WHOLE[:300], *WHOLE[301:]])
    found, _, _ = recounted(OURS, missing, len(WHOLE) - 1)
    assert found is not None
    assert found.index == 300
    doubled = ledger([*WHOLE[:300], WHOLE[299], *WHOLE[300:]])
    found, _, _ = recounted(OURS, doubled, len(WHOLE))
    assert found is not None
    assert found.index == 300


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 700), st.data())
def test_any_set_of_altered_entries_gives_the_first_of_them(size: int, data: st.DataObject):
    altered = data.draw(st.sets(st.integers(0, size - 1), max_size=4))
    theirs = ledger([leaf(-2 - index) if index in altered else WHOLE[index] for index in range(size)])
    found, rounds, _ = recounted(ledger(WHOLE[:size]), theirs, size)
    # A full tile is looked at before the edge, so "first" is the first of the covered part, or of the edge.
    covered = {index for index in altered if index < size // 256 * 256}
    assert (found.index if found else None) == min(covered or altered, default=None)
    assert rounds <= len(widths(size))


def test_who_changes_its_story_on_the_way_down_is_caught():
    liar = ledger([leaf(-1), *WHOLE[1:]])
    descent = Descent(len(WHOLE), OURS)
    asked = descent.heard(show(liar, descent.first()))
    assert isinstance(asked, Ask)
    with pytest.raises(InconsistentProof):
        descent.heard(show(OURS, asked))  # the honest tile, after another top
    edge = ledger([*WHOLE[:-1], leaf(-1)])
    descent = Descent(len(WHOLE), OURS)
    asked = descent.heard(show(edge, descent.first()))
    assert isinstance(asked, Ask)
    with pytest.raises(InconsistentProof):
        descent.heard(show(OURS, asked))


@pytest.mark.parametrize(
    "spoilt",
    [
        Shown(level=0, index=0, hashes=b""),
        Shown(level=2, index=1, hashes=bytes(32)),
        Shown(level=2, index=0, hashes=bytes(64)),
    ],
)
def test_an_answer_to_another_question_is_refused(spoilt: Shown):
    with pytest.raises(Malformed):
        Descent(len(WHOLE), OURS).heard(spoilt)


@pytest.mark.parametrize(
    "data", [b"", b"\xa0", b"\x84\x00\x00\x40\x81\x41a", b"\x82\x00\x00", b"\xff" * 40_000]
)
def test_bytes_that_are_no_answer_are_refused(data: bytes):
    with pytest.raises(SyncError):
        decode(data)


@pytest.mark.parametrize(
    "ask",
    [
        Ask(size=0, level=0, index=0),
        Ask(size=66_000, level=3, index=0),
        Ask(size=66_000, level=0, index=258),
        Ask(size=66_000, level=-1, index=0),
        Ask(size=1 << 60, level=0, index=0),
    ],
)
def test_a_question_no_such_ledger_has_is_refused(ask: Ask):
    with pytest.raises(Malformed):
        show(OURS, ask)
