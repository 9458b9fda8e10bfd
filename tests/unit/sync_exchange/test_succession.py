"""What a node demands of a new incarnation of the centre's own ledger (rules 4.4 and 8.8, property P3)."""

from functools import partial

import msgspec
import pytest

from sync.batch.acknowledge import Acknowledgement, Successor
from sync.errors import SyncError
from sync.exchange.succession import KIND, incarnation_of, same_centre, succeeded
from sync.exchange.view import CentreSeen
from sync.ledger.entry import Entry, commit, leaf, leaf_hash
from sync.ledger.tree import MemoryTiles, append, consistency, inclusion, root
from sync.messages.directives import Directive, follows, unread
from sync.messages.incarnation import (
    GENERATION,
    RESTORED,
    CentreOpening,
    centre_opening,
    floor,
    reason,
)
from sync.messages.registry import decode_detail, encode_detail
from sync.signing.notes import Checkpoint
from tests.unit.sync_exchange.world import CENTRE, HALL

SALT = b"s" * 16


def origin(number: int) -> str:
    return f"{CENTRE.rpartition('/')[0]}/i{number}"


class Tree:
    """A ledger of the centre as hashes; `first` may be a real leaf."""

    def __init__(self, number: int, size: int, mark: bytes = b"", first: bytes = b"") -> None:
        self.origin, self.size, self.tiles = origin(number), size, MemoryTiles()
        hashes = [mark + bytes([at]) * (32 - len(mark)) for at in range(size)]
        if first:
            hashes[0] = leaf_hash(first)
        _, changed = append(self.tiles, 0, hashes)
        self.tiles.update(changed)

    def root(self, size: int = 0) -> bytes:
        return root(self.tiles, size or self.size)

    def seen(self, size: int = 0) -> CentreSeen:
        return CentreSeen(size=size or self.size, root=self.root(size), origin=self.origin)

    def head(self) -> Checkpoint:
        return Checkpoint(origin=self.origin, size=self.size, root=self.root(), signers=())


OLD = Tree(1, 20)
"""The ledger that ended, as far as the centre had it."""
LOST = Tree(1, 30, b"lost")
"""What was once signed of it and is gone."""


def opening(**other: object) -> CentreOpening:
    said = CentreOpening(
        old_origin=OLD.origin,
        size=OLD.size,
        root=OLD.root(),
        witnessed=((1, LOST.size, LOST.root()),),
        reason=RESTORED.code,
        approved_by=("security", "system"),
        lost=10,
    )
    return msgspec.structs.replace(said, **other)


def opened(said: CentreOpening, number: int = 2, size: int = 5, **leaf_other: int) -> tuple[Tree, Successor]:
    """A new ledger that begins with this opening."""
    detail = encode_detail("centre.opened", said.detail())
    entry = Entry(kind=KIND, index=0, hlc_ms=1, hlc_n=0, clock=0, policy=1)
    first = leaf(msgspec.structs.replace(entry, **leaf_other), commit(SALT, detail))
    tree = Tree(number, size, b"new", first)
    path = tuple(inclusion(tree.tiles, 0, size))
    return tree, Successor(leaf=first, salt=SALT, detail=detail, path=path)


def acknowledged(*successors: Successor, proof: tuple[bytes, ...] = ()) -> Acknowledgement:
    return Acknowledgement(
        origin=HALL, next=0, centre_time_ms=1, centre_consistency=proof, successors=successors
    )


def doubt(last: CentreSeen, said: CentreOpening | None = None, proof: tuple[bytes, ...] = ()) -> str:
    tree, one = opened(said or opening())
    return succeeded(acknowledged(one, proof=proof), tree.head(), last).doubt


def test_rule_8_8_what_is_named_or_proven_or_shorter_than_what_is_named_is_admitted():
    assert doubt(OLD.seen()) == ""
    assert doubt(LOST.seen()) == ""
    assert doubt(LOST.seen(25)) == "", "a longer lost ledger is named"
    assert doubt(OLD.seen(12), proof=tuple(consistency(OLD.tiles, 12, 20))) == ""


@pytest.mark.parametrize(
    ("last", "said", "words"),
    [
        (LOST.seen(), opening(witnessed=()), "20 are named"),
        (LOST.seen(), opening(witnessed=((1, 29, LOST.root(29)),)), "29 are named"),
        (Tree(1, 30, b"x").seen(), opening(), "another root"),
        (Tree(1, 20, b"x").seen(), opening(), "another root"),
        (LOST.seen(12), opening(), "no part of the 20"),
        (Tree(2, 9).seen(), opening(), "0 are named"),
    ],
)
def test_property_p3_what_a_node_saw_and_the_opening_does_not_admit_is_said(
    last: CentreSeen, said: CentreOpening, words: str
):
    tree, one = opened(said, number=3)
    assert words in succeeded(acknowledged(one), tree.head(), last).doubt


def test_an_incarnation_that_was_lost_as_a_whole_is_admitted_where_it_is_named():
    second = Tree(2, 9)
    tree, one = opened(opening(witnessed=((2, 9, second.root()),)), number=3)
    assert succeeded(acknowledged(one), tree.head(), second.seen()).doubt == ""


def test_a_node_that_was_away_for_two_incarnations_follows_opening_by_opening():
    second, first_opening = opened(opening())
    ended = opening(old_origin=second.origin, size=second.size, root=second.root(), witnessed=())
    third, second_opening = opened(ended, number=3)
    found = succeeded(acknowledged(first_opening, second_opening), third.head(), OLD.seen())
    assert (found.new_origin, found.doubt) == (origin(3), "")
    with pytest.raises(SyncError):
        succeeded(acknowledged(second_opening, first_opening), third.head(), OLD.seen())


def altered(one: Successor) -> list[Successor]:
    change = partial(msgspec.structs.replace, one)
    other = encode_detail("centre.opened", opening(lost=0).detail())
    return [change(detail=other), change(salt=b"t" * 16), change(path=()), change(path=(b"p" * 32,) * 3)]


def test_rule_4_4_a_new_ledger_counts_only_by_the_proof_of_its_opening():
    tree, one = opened(opening())
    for wrong in altered(one):
        with pytest.raises(SyncError):
            succeeded(acknowledged(wrong), tree.head(), OLD.seen())
    with pytest.raises(SyncError):
        succeeded(acknowledged(), tree.head(), OLD.seen())
    for made in (opened(opening(), number=1), opened(opening(), kind=KIND + 1), opened(opening(), index=1)):
        with pytest.raises(SyncError):
            succeeded(acknowledged(made[1]), made[0].head(), OLD.seen())
    later, of_later = opened(opening(old_origin=origin(2)), number=3)
    with pytest.raises(SyncError):
        succeeded(acknowledged(of_later), later.head(), OLD.seen())


def test_an_opening_is_read_as_it_was_written():
    said = opening()
    assert centre_opening(decode_detail(KIND, encode_detail("centre.opened", said.detail()))) == said
    for spoilt in ({"witnessed": "1:2"}, {"witnessed": "1:2:zz"}, {"size": "many"}):
        with pytest.raises(SyncError):
            centre_opening({**said.detail(), **spoilt})
    assert reason(RESTORED.code).officers == 2


def test_names_of_incarnations():
    assert same_centre(origin(7), CENTRE)
    assert not same_centre(HALL, CENTRE)
    assert not same_centre("no origin", CENTRE)
    assert (incarnation_of(origin(7)), incarnation_of("")) == (7, 0)


def test_letters_go_on_above_the_floor_of_a_later_incarnation_and_nowhere_else():
    letters = [Directive(number=n, kind="revoked", body={}) for n in (16, 17, floor(2) + 1, floor(2) + 2)]
    assert [one.number for one in unread(15, letters)] == [16, 17, GENERATION + 1, GENERATION + 2]
    assert [one.number for one in unread(17, letters)] == [GENERATION + 1, GENERATION + 2]
    assert not follows(17, GENERATION + 2)
    assert not follows(GENERATION + 1, GENERATION + 1)
    assert floor(1) == 0
