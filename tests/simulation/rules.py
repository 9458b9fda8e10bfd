"""The numbered rules of protocol.md 2, 4, 6, 8 and 10, each with what takes it out of the product and a story that then fails.

A rule is one function. Taking it out puts another function in its place for as long as one story runs, in this process
only; the product has no switch that turns evidence off. Where one rule alone is covered by another, both go (a named pair).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from central.actions import ingest, reconcile, settle
from edge.actions import checkpoint, gates, leases, prune
from edge.store import store
from edge.store.store import Store
from edge.store.writer import Writer
from sync.batch.frames import Frame
from sync.batch.header import Header
from sync.exchange import node as node_side
from sync.exchange.acceptance import Accepted
from sync.exchange.centre import Accept, Known, NewRows
from sync.signing.notes import Checkpoint, open_note
from tests.simulation import rule_stories as stories
from tests.simulation.stories import Story


class Off(msgspec.Struct, frozen=True, kw_only=True):
    """A function of the product, and what stands there while the rule is out."""

    place: Any
    name: str
    instead: Callable[..., Any]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table: the rule, how it is taken out, the story that must then fail, and as what."""

    number: str
    words: str
    off: tuple[Off, ...]
    story: Story
    found: str


@contextmanager
def without(rule: Rule) -> Iterator[None]:
    """The product without this rule, while the block runs."""
    kept = [(one, vars(one.place)[one.name]) for one in rule.off]
    try:
        for one, _ in kept:
            setattr(one.place, one.name, one.instead)
        yield
    finally:
        for one, was in kept:
            setattr(one.place, one.name, was)


def _any_offer(header: Header, checkpoint: Checkpoint, known: Known, destination: str) -> Accept:
    return Accept(start=header.start, overlap=max(0, min(known.size, header.end) - header.start))


def _any_overlap(origin: str, frame: Frame, known_hashes: Any, size: int) -> NewRows:
    skip = max(0, min(size - frame.first, len(frame.rows)))
    return NewRows(skip=skip, first=frame.first + skip)


def _any_acknowledgement(header: Header, ack: Any, view: Any) -> Accepted:
    trusted = {view.origin: view.signing_key.public, view.centre.origin: view.centre.signing}
    note = open_note(ack.note, trusted) if ack.note else None
    return Accepted(centre=open_note(ack.centre_checkpoint, trusted), countersigned=note)


async def _never_shred(_: Any) -> tuple[str, ...]:
    return ()


async def _no_verdicts(*_: Any) -> list[Any]:
    return []


async def _always_level(*_: Any) -> bool:
    return True


def _nothing(*_: Any, **__: Any) -> None:
    """The rule does nothing."""


RULES: tuple[Rule, ...] = (
    Rule(
        number="2 verify", words="leaves are read again and compared before a checkpoint is signed",
        off=(Off(place=checkpoint, name="_compare", instead=_nothing),),
        story=stories.a_flipped_bit_before_signing, found="signing",
    ),
    Rule(
        number="4.1+4.2", words="an offer extends what is held, and the overlap is compared leaf by leaf",
        off=(Off(place=ingest, name="judge_offer", instead=_any_offer),
             Off(place=ingest, name="judge_frame", instead=_any_overlap)),
        story=stories.another_history, found="P2",
    ),
    Rule(
        number="4.4", words="an acknowledgement counts only for our own root at its size",
        off=(Off(place=node_side, name="accept", instead=_any_acknowledgement),),
        story=stories.an_acknowledgement_of_another_history, found="P2",
    ),
    Rule(
        number="4.5", words="only bodies the centre countersigned are dropped",
        off=(Off(place=prune, name="countersigned_size", instead=lambda _: 1 << 40),),
        story=stories.ninety_days_without_contact, found="P2",
    ),
    Rule(
        number="4 window", words="sensitive answers stop when an access waits too long, and resume by themselves",
        off=(Off(place=gates, name="_window_used_percent", instead=lambda *_: 0),),
        story=stories.four_days_without_contact, found="P8",
    ),
    Rule(
        number="6 shred", words="expired leases are shredded before the port opens",
        off=(Off(place=leases, name="shred_expired", instead=_never_shred),),
        story=stories.leases_long_over, found="P7",
    ),
    Rule(
        number="8.2 written", words="the anchor holds the entry before a report number is shown",
        off=(Off(place=Writer, name="_anchor", instead=_nothing),),
        story=stories.a_report, found="P1",
    ),
    Rule(
        number="8.2 read", words="a database behind its anchor is a rollback",
        off=(Off(place=store, name="_behind_anchor", instead=lambda *_: False),),
        story=stories.an_old_database, found="P2",
    ),
    Rule(
        number="8.5", words="a start checks the tail in full",
        off=(Off(place=store, name="check_tail", instead=_nothing),),
        story=stories.a_spoilt_tail, found="P2",
    ),
    Rule(
        number="8.6", words="sensitive answers stop when the disk runs short",
        off=(Off(place=Store, name="free_percent", instead=lambda _: 1000.0),),
        story=stories.a_disk_that_runs_short, found="P1",
    ),
    Rule(
        number="8.8+4.4",
        words="a restored centre countersigns nothing until it is level; a node believes no centre that went back",
        off=(
            Off(place=ingest, name="_level", instead=_always_level),
            Off(place=node_side, name="accept", instead=_any_acknowledgement),
        ),
        story=stories.a_centre_restored_from_a_backup,
        found="signing",
    ),
    Rule(
        number="10 recount", words="the centre recounts a closed day from its own copy",
        off=(Off(place=reconcile, name="differences", instead=lambda _: ()),),
        story=stories.a_day_that_lost_an_access, found="P2",
    ),
    Rule(
        number="10 settled", words="a provisional report is judged again when it arrives",
        off=(Off(place=settle, name="settle", instead=_no_verdicts),),
        story=stories.a_provisional_report, found="P5",
    ),
)  # fmt: skip


OTHERS = (
    (
        "8.1",
        "entry and head are durable before release",
        "P1",
        "test_ablation: `EarlyStore`, also by random worlds",
    ),
    ("4.2", "the overlap is compared", "P2", "test_ablation: `LenientDoor`"),
    ("4.3", "persisted before the reply", "P2", "test_ablation: `LateStore`"),
    (
        "4.6",
        "one effect an entry (with the keys of the tables)",
        "P5",
        "test_ablation: `RepeatingDoor`, also by random worlds",
    ),
)
"""Rules that are broken by wrappers instead (`breaking.py`)."""


def table() -> str:
    """The ablation table of sync/README.md: number, what the rule says, as what its absence is found, where."""
    rows = [*OTHERS, *((one.number, one.words, one.found, f"`{one.story.__name__}`") for one in RULES)]
    lines = [f"| {' | '.join(row)} |" for row in sorted(rows)]
    return "\n".join(["| rule | says | without it | story |", "|---|---|---|---|", *lines])
