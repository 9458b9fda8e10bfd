"""The numbered rules of protocol.md 2, 4, 6, 8 and 10 (its points in order), each with what takes it out of the product
and a story that then fails.

A rule is one function. Taking it out puts another function in its place for as long as one story runs, in this process
only; the product has no switch that turns evidence off. Where one rule alone is covered by another, both go (a named pair).
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from central.actions import differences, ingest, reconcile, restored, settle
from central.actions import files as central_files
from central.actions.gathered import Gathered
from edge.actions import checkpoint, exchange, gates, leases, prune, recording, witness
from edge.actions.recording import Numbers
from edge.store import cipher, store
from edge.store.clock import NodeClock
from edge.store.store import Store
from edge.store.transaction import Transaction
from edge.store.writer import Writer
from sync.batch import frames
from sync.batch.frames import Frame
from sync.batch.header import Header
from sync.clock import Interval
from sync.errors import Malformed
from sync.exchange import node as node_side
from sync.exchange import succession
from sync.exchange.acceptance import Accepted
from sync.exchange.centre import Accept, Known, NewRows
from sync.ledger.descent import Descent
from sync.messages.incarnation import CentreOpening
from sync.signing.notes import Checkpoint, open_note
from tests.simulation import centre_stories
from tests.simulation import line_stories as lines
from tests.simulation import matching_stories as matching
from tests.simulation import rule_stories as stories
from tests.simulation.stories import Story


class Off(msgspec.Struct, frozen=True, kw_only=True):
    """A function (or a table) of the product, and what stands there while the rule is out."""

    place: Any
    name: str
    instead: Any


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


async def _none(*_: Any) -> list[Any]:
    return []


def _any_opening(_: Any) -> CentreOpening:
    return CentreOpening(
        old_origin="qingzhou.example/centre/main/i1",
        size=0,
        root=b"",
        witnessed=(),
        reason="",
        approved_by=(),
        lost=0,
    )


async def _always_level(*_: Any) -> bool:
    return True


def _only_once(self: Any) -> None:
    """Transaction.anchor that works for the first entry of a ledger only."""
    self._head.anchored = self._head.size <= 1


def _out_of_the_air(_: Transaction, node: Any, *, report: bool) -> Numbers:
    """Numbers that no transaction gives back."""
    number = next(_COUNTED)
    name = node.identity.origin.split("/")[2]
    return Numbers(case=f"{name}-2026-C-{number:05}", serial=f"{name}-2026-L-{number:05}" if report else "")


_COUNTED = itertools.count(1)


def _plain(_: bytes, __: int, content: bytes, ___: bytes) -> bytes:
    """A seal that seals nothing."""
    return content


def _blocks(_: Any, index: int, reason: str) -> None:
    raise Malformed(f"entry {index}: {reason}")


def _by_the_wall(self: NodeClock) -> Interval:
    return Interval(earliest_ms=self._wall(), latest_ms=self._wall())


async def _leave_it(*_: Any) -> None:
    """An alarm stays where it is."""


def _nothing(*_: Any, **__: Any) -> None:
    """The rule does nothing."""


def _rules_but(one: Any) -> tuple[Any, ...]:
    return tuple(rule for rule in differences.RULES if rule is not one)


RULES: tuple[Rule, ...] = (
    Rule(
        number="2 verify", words="leaves are read again and compared before a checkpoint is signed",
        off=(Off(place=checkpoint, name="_compare", instead=_nothing),),
        story=stories.a_flipped_bit_before_signing, found="signing",
    ),
    Rule(
        number="3 prefix", words="of a batch whose body was cut the whole frames count",
        off=(Off(place=ingest, name="cut", instead=_leave_it),),
        story=lines.no_batch_arrives_whole, found="P8",
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
        number="4.7", words="the age of the oldest entry that waits is shown, also when it is zero",
        off=(Off(place=gates, name="oldest_unacknowledged_ms", instead=lambda *_, **__: 0),),
        story=matching.an_answer_nobody_countersigned_yet, found="P2",
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
        number="8.3", words="a serial is given in the transaction of its entry, and given back with it",
        off=(Off(place=recording, name="allot", instead=_out_of_the_air),),
        story=matching.a_full_disk_in_the_middle_of_an_answer, found="P2",
    ),
    Rule(
        number="8.4+8.2", words="what was acknowledged is anchored, as every checkpoint is",
        off=(Off(place=Transaction, name="anchor", instead=_only_once),),
        story=matching.an_acknowledged_hour_is_lost, found="P2",
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
        number="8.7", words="a page whose HMAC fails puts the file aside, and the node rebuilds",
        off=(Off(place=cipher, name="broken_pages", instead=lambda *_: []),
             Off(place=cipher, name="integrity_faults", instead=lambda *_: [])),
        story=matching.a_page_of_the_ledger_is_broken, found="P8",
    ),
    Rule(
        number="8.8+4.4",
        words="a restored centre countersigns nothing until officers approved; a node believes none that went back",
        off=(Off(place=restored, name="level", instead=_always_level),
             Off(place=node_side, name="accept", instead=_any_acknowledgement)),
        story=stories.a_centre_restored_from_a_backup, found="signing",
    ),
    Rule(
        number="8.8 admitted", words="a node says so when a new ledger of the centre does not name what it saw",
        off=(Off(place=succession, name="_doubt", instead=lambda *_: ""),),
        story=centre_stories.a_centre_that_hides_what_it_signed, found="P3",
    ),
    Rule(
        number="4.4 opening", words="a new ledger of the centre counts only by the proof of its opening",
        off=(Off(place=succession, name="_opening", instead=_any_opening),),
        story=centre_stories.a_new_ledger_without_a_reason, found="P3",
    ),
    Rule(
        number="4.7 views", words="two nodes' views of the centre's ledger are compared",
        off=(Off(place=witness, name="compare", instead=lambda *_: []),),
        story=centre_stories.two_views, found="P3",
    ),
    Rule(
        number="10.2 recount", words="the centre recounts a closed day from its own copy",
        off=(Off(place=reconcile, name="differences", instead=lambda _: ()),),
        story=stories.a_day_that_lost_an_access, found="P2",
    ),
    Rule(
        number="10.7 settled", words="a provisional report is judged again when it arrives",
        off=(Off(place=settle, name="settle", instead=_none),),
        story=stories.a_provisional_report, found="P5",
    ),
    Rule(
        number="10.1+4.1", words="only a root equal to the signed one is countersigned, and an offer must extend it",
        off=(Off(place=ingest, name="judge_root", instead=lambda *_: True),
             Off(place=ingest, name="judge_offer", instead=_any_offer)),
        story=matching.another_root_at_the_centre, found="P2",
    ),
    Rule(
        number="10.3 match", words="ticket, access, report and sheet are matched",
        off=(Off(place=differences, name="RULES", instead=_rules_but(differences._papers)),),
        story=matching.a_report_nobody_printed, found="P2",
    ),
    Rule(
        number="10.6 pairs", words="an online answer stands on two ledgers",
        off=(Off(place=differences, name="RULES", instead=_rules_but(differences._pairs)),),
        story=matching.an_answer_on_one_ledger_only, found="P2",
    ),
    Rule(
        number="10.4 deep", words="stored bodies are hashed again and compared tile by tile",
        off=(Off(place=Descent, name="heard", instead=_nothing),),
        story=matching.an_altered_body_at_the_centre, found="P2",
    ),
    Rule(
        number="10.5 files", words="the centre lists the report files it lacks and asks for them",
        off=(Off(place=central_files, name="wanted", instead=_none),),
        story=matching.a_report_file_the_centre_lacks, found="P8",
    ),
    Rule(
        number="3 sealed", words="a carrier can read nothing",
        off=(Off(place=frames, name="aead_seal", instead=_plain), Off(place=frames, name="aead_open", instead=_plain)),
        story=matching.a_stick_is_found_in_the_street, found="P4",
    ),
    Rule(
        number="0 evidence", words="a bad entry is kept, its effect rejected, and the queue goes on",
        off=(Off(place=Gathered, name="reject", instead=_blocks),),
        story=matching.entries_of_a_newer_and_of_a_broken_node, found="P8",
    ),
    Rule(
        number="0 clears", words="a flag that stops work clears itself",
        off=(Off(place=exchange, name="_after", instead=_leave_it),),
        story=matching.an_alarm_that_is_over, found="P8",
    ),
    Rule(
        number="7 interval", words="a clock set back cannot extend a lease",
        off=(Off(place=NodeClock, name="interval", instead=_by_the_wall),),
        story=matching.a_clock_set_back, found="P7",
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
