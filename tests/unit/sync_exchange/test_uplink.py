"""The centre's rules of the uplink, each shown by what it lets through and what it stops."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.batch.acknowledge import Acknowledgement
from sync.batch.file import Incoming, build_up, open_header, plan_up, write_up
from sync.batch.header import Header
from sync.errors import InconsistentProof, WrongDestination, WrongOrigin
from sync.exchange import centre as rules
from sync.exchange.node import NodeExchange, export
from sync.exchange.steps import Alarm, SendBatch
from sync.ledger.entry import Entry
from sync.ledger.proofs import EMPTY_ROOT
from sync.signing.notes import Checkpoint, open_note
from tests.unit.sync_exchange.world import (
    CENTRE,
    HALL,
    START_MS,
    SUBJECT_KEY,
    Centre,
    Hall,
    begun,
    enrolled,
    replied,
)


def offer(hall: Hall, start: int, end: int) -> bytes:
    return build_up(hall, start, end, START_MS)


def judged(hall: Hall, centre: Centre, data: bytes, **change):
    """judge_offer over a changed header, with the centre's real knowledge."""
    incoming = Incoming(data, centre.sealing_key, centre.public_of, destination=CENTRE)
    header: Header = msgspec.structs.replace(incoming.header, **change)
    held = centre.halls[hall.origin]
    sizes = rules.sizes_needed(header, incoming.checkpoint, held.size)
    known = rules.Known(origin=HALL, size=held.size, roots={at: held.root_at(at) for at in sizes})
    return rules.judge_offer(header, incoming.checkpoint, known, CENTRE)


def stored(hall: Hall, centre: Centre) -> Hall:
    """Everything the hall has is at the centre."""
    assert isinstance(centre.take(offer(hall, 0, hall.size)), bytes)
    return hall


def test_rule_4_1_a_consistent_offer_is_accepted_from_its_start():
    hall, centre = enrolled(300)
    assert judged(hall, centre, offer(hall, 0, 300)) == rules.Accept(start=0, overlap=0)
    stored(hall, centre).work(50)
    assert judged(hall, centre, offer(hall, 300, 350)) == rules.Accept(start=300, overlap=0)
    assert judged(hall, centre, offer(hall, 200, 350)) == rules.Accept(start=200, overlap=100)


def test_rule_4_1_the_same_offer_again_is_accepted_and_changes_nothing():
    hall, centre = enrolled(300)
    stored(hall, centre)
    effects = list(centre.effects)
    assert isinstance(centre.take(offer(hall, 0, 300)), bytes)
    assert centre.effects == effects
    assert centre.halls[HALL].size == 300


def test_rule_4_1_another_root_at_the_same_size_is_fork_evidence_and_changes_nothing():
    hall, centre = enrolled(300)
    stored(hall, centre)
    clone = Hall(centre).work(300, seed=2)
    verdict = judged(clone, centre, offer(clone, 300, 300))
    assert verdict == centre.take(offer(clone, 300, 300))
    assert verdict == rules.ForkEvidence(
        origin=HALL, size=300, ours=hall.root_at(300), theirs=clone.root_at(300)
    )
    assert centre.halls[HALL].root_at(300) == hall.root_at(300)


def test_rule_4_1_an_older_state_of_the_same_history_is_accepted_as_known():
    hall, centre = enrolled(300)
    late = offer(hall, 0, 300)
    hall.work(100)
    stored(hall, centre)
    assert judged(hall, centre, late) == rules.Accept(start=0, overlap=300)


def test_rule_4_1_a_rewritten_past_cannot_be_shown_consistent():
    hall, centre = enrolled(300)
    stored(hall, centre)
    rewriter = Hall(centre).work(350, seed=2)
    with pytest.raises(InconsistentProof):
        judged(rewriter, centre, offer(rewriter, 300, 350))


@pytest.mark.parametrize("change", [{"consistency": ()}, {"consistency": (bytes(32),)}, {"old_size": 299}])
def test_rule_4_1_a_proof_that_does_not_lead_to_the_signed_root_is_refused(change):
    hall, centre = enrolled(300)
    stored(hall, centre).work(50)
    with pytest.raises(InconsistentProof):
        judged(hall, centre, offer(hall, 300, 350), **change)


def test_rule_4_1_a_proof_may_not_leave_entries_between_itself_and_the_frames_uncovered():
    """Two histories that agree on nothing must not be joined where neither proof nor frames look."""
    hall, centre = enrolled(600)
    centre.take(offer(hall, 0, 600), frames=1)
    other = Hall(centre).work(600, seed=2)
    with pytest.raises(InconsistentProof):
        judged(other, centre, offer(other, 256, 600), old_size=0, consistency=())


def test_rule_4_1_a_batch_for_another_centre_or_of_another_ledger_is_not_judged():
    hall, centre = enrolled(10)
    with pytest.raises(WrongDestination):
        judged(hall, centre, offer(hall, 0, 10), destination="other.example/centre/main/i1")
    with pytest.raises(WrongOrigin):
        judged(hall, centre, offer(hall, 0, 10), origin=HALL.replace("i1", "i2"))


def test_rule_4_1_entries_beyond_the_signed_size_are_refused():
    hall, centre = enrolled(10)
    with pytest.raises(InconsistentProof):
        judged(hall, centre, offer(hall, 0, 10), end=11)


def test_rule_4_2_a_gap_is_answered_with_the_index_needed_next():
    hall, centre = enrolled(600)
    assert judged(hall, centre, offer(hall, 256, 600)) == rules.Need(next=0)
    centre.take(offer(hall, 0, 600), frames=1)
    assert judged(hall, centre, offer(hall, 512, 600)) == rules.Need(next=256)


def test_rule_4_2_a_centre_restored_from_a_backup_asks_for_what_it_lost():
    hall, centre = enrolled(300)
    stored(hall, centre).work(50)
    centre.enrol(hall)
    centre.take(offer(hall, 0, 350), frames=1)
    assert judged(hall, centre, offer(hall, 300, 350)) == rules.Need(next=256)


def test_rule_4_2_equal_overlap_is_skipped_and_the_rest_is_new():
    hall, centre = enrolled(300)
    incoming = Incoming(offer(hall, 0, 300), centre.sealing_key, centre.public_of, destination=CENTRE)
    first, second = incoming.frames(SUBJECT_KEY)
    assert rules.judge_frame(HALL, first, [], 0) == rules.NewRows(skip=0, first=0)
    assert rules.judge_frame(HALL, first, first.hashes[:100], 100) == rules.NewRows(skip=100, first=100)
    assert rules.judge_frame(HALL, first, first.hashes, 300) == rules.NewRows(skip=256, first=256)
    assert rules.judge_frame(HALL, second, [], 100) == rules.Need(next=100)
    with pytest.raises(ValueError, match="known leaf hashes"):
        rules.judge_frame(HALL, first, [], 100)


def test_rule_4_2_a_different_entry_in_the_overlap_is_fork_evidence_naming_it():
    hall, centre = enrolled(300)
    incoming = Incoming(offer(hall, 0, 300), centre.sealing_key, centre.public_of, destination=CENTRE)
    frame = next(incoming.frames(SUBJECT_KEY))
    known = [*frame.hashes[:70], bytes(32), *frame.hashes[71:100]]
    verdict = rules.judge_frame(HALL, frame, known, 100)
    assert verdict == rules.ForkEvidence(
        origin=HALL, size=71, ours=bytes(32), theirs=frame.hashes[70], index=70
    )


def test_rule_4_2_two_clones_are_told_apart_at_the_first_entry_that_differs():
    hall, centre = enrolled(300)
    twin = Hall(centre).work(300)
    stored(hall, centre)
    hall.work(40)
    twin.work(60, seed=9)
    assert isinstance(centre.take(offer(hall, 300, 340)), bytes)
    verdict = centre.take(offer(twin, 300, 360))
    assert isinstance(verdict, rules.ForkEvidence)
    assert verdict.index == 300


def test_rule_4_3_nothing_is_countersigned_before_the_whole_checkpoint_is_held():
    hall, centre = enrolled(600)
    data = offer(hall, 0, 600)
    centre.take(data, frames=2)
    assert HALL not in centre.notes
    centre.take(data)
    signed = open_note(centre.notes[HALL], {HALL: hall.signing_key.public, CENTRE: centre.signing_key.public})
    assert (signed.size, signed.root) == (600, hall.root_at(600))
    assert set(signed.signers) == {HALL, CENTRE}


def test_rule_4_3_only_the_signed_root_is_countersigned():
    checkpoint = Checkpoint(origin=HALL, size=9, root=b"r" * 32, signers=(HALL,))
    assert rules.judge_root(HALL, b"r" * 32, 9, checkpoint) is True
    assert rules.judge_root(HALL, b"x" * 32, 8, checkpoint) is False
    assert rules.judge_root(HALL, b"x" * 32, 9, checkpoint) == rules.ForkEvidence(
        origin=HALL, size=9, ours=b"x" * 32, theirs=b"r" * 32
    )


def test_rule_4_4_the_reply_carries_what_was_countersigned_and_nothing_else():
    plain = Acknowledgement(origin=HALL, next=9, centre_time_ms=1)
    checkpoint = Checkpoint(origin=HALL, size=9, root=b"r" * 32, signers=(HALL,))
    full = rules.reply(plain, checkpoint, b"note")
    assert (full.size, full.root, full.note, full.next) == (9, b"r" * 32, b"note", 9)


def test_rule_4_6_one_effect_per_origin_and_index_however_often_a_batch_arrives():
    hall, centre = enrolled(600)
    data = offer(hall, 0, 600)
    for frames in (1, 2, 9, 9):
        centre.take(data, frames=frames)
    centre.take(offer(hall, 100, 600))
    assert centre.effects == [(HALL, index) for index in range(600)]


def test_rule_4_6_an_entry_carried_over_keeps_its_original_key():
    entry = Entry(kind=10, index=5, hlc_ms=1, ext=(("other", 1), rules.carried(HALL, 731)))
    assert rules.effect_key(HALL.replace("i1", "i2"), entry) == (HALL, 731)
    assert rules.effect_key(HALL, msgspec.structs.replace(entry, ext=())) == (HALL, 5)
    named = msgspec.structs.replace(entry, ext=(rules.carried(HALL, 731, b"h" * 32),))
    first = rules.first_place(HALL.replace("i1", "i2"), named)
    assert first == rules.FirstPlace(origin=HALL, index=731, leaf_hash=b"h" * 32)


@pytest.mark.parametrize(
    "ext",
    [
        (5, "carried", ("carried",), ("kept", HALL, 731)),
        (("carried", HALL, -1),),
        (("carried", HALL, "731"),),
        (("carried", 7, 731),),
        (("carried", "no origin", 731),),
        (("carried", HALL.replace("i1", "i2"), 731),),
        (("carried", HALL.replace("330102", "330104"), 731),),
        (("carried", HALL.replace("qingzhou", "other"), 731),),
        (("carried", HALL.replace("/node/", "/centre/"), 731),),
    ],
)
def test_rule_4_6_no_node_can_claim_the_key_of_another_or_of_nobody(ext):
    entry = Entry(kind=10, index=5, hlc_ms=1, ext=ext)
    assert rules.effect_key(HALL.replace("i1", "i2"), entry) == (HALL.replace("i1", "i2"), 5)


def test_a_centre_smaller_than_what_nodes_hold_of_it_countersigns_nothing():
    seen = Checkpoint(origin=CENTRE, size=90, root=b"c" * 32, signers=(CENTRE, HALL))
    assert rules.witnessed(seen, b"c" * 32)
    assert not rules.witnessed(seen, b"d" * 32)
    assert not rules.witnessed(seen, None)


def test_the_first_offer_of_a_new_ledger_needs_no_root_of_ours():
    hall, centre = enrolled(3)
    header = open_header(offer(hall, 0, 3), centre.public_of)
    checkpoint = Checkpoint(origin=HALL, size=3, root=hall.root_at(3), signers=(HALL,))
    assert rules.sizes_needed(header, checkpoint, 0) == ()
    known = rules.Known(origin=HALL, size=0, roots={})
    assert rules.judge_offer(header, checkpoint, known, CENTRE) == rules.Accept(start=0, overlap=0)
    empty = open_header(offer(Hall(centre), 0, 0), centre.public_of)
    nothing = Checkpoint(origin=HALL, size=0, root=EMPTY_ROOT, signers=())
    assert rules.judge_offer(empty, nothing, known, CENTRE) == rules.Accept(start=0, overlap=0)


def test_batches_on_a_stick_arrive_in_any_order_and_end_complete():
    hall, centre = enrolled(900)
    files = [step.data for step in export(hall, START_MS, budget_bytes=1)]
    assert len(files) == 4
    for data in (files[3], files[0], files[2], files[1], files[0], files[2], files[3]):
        centre.take(data)
    assert centre.halls[HALL].root_at(900) == hall.root_at(900)
    assert HALL in centre.notes


def test_a_hall_without_news_still_offers_its_checkpoint_on_a_stick():
    hall, centre = enrolled(0)
    (only,) = export(hall, START_MS, budget_bytes=1)
    assert isinstance(only, SendBatch)
    assert open_header(only.data, centre.public_of).end == 0


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_whatever_is_lost_cut_repeated_or_reordered_the_centre_holds_a_prefix_and_ends_level(data):
    hall, centre = enrolled(0)
    sent: list[bytes] = []
    for _ in range(data.draw(st.integers(1, 4))):
        hall.work(data.draw(st.integers(1, 300)))
        exchange = NodeExchange(hall, batch_entries=200)
        steps = begun(exchange)
        while steps and isinstance(steps[-1], SendBatch):
            sent.append(steps[-1].data)
            arriving = data.draw(st.sampled_from(sent))
            reply = centre.take(arriving, frames=data.draw(st.integers(0, 3)))
            assert not isinstance(reply, rules.ForkEvidence)
            held = centre.halls[HALL]
            assert held.root_at(held.size) == hall.root_at(held.size)
            if not isinstance(reply, bytes) or data.draw(st.booleans()):
                break
            steps = replied(exchange, reply)
            assert not [step for step in steps if isinstance(step, Alarm) and step.grave]
            hall.carry_out(steps)
    finish(hall, centre)
    assert centre.effects == [(HALL, index) for index in range(hall.size)]
    assert hall.countersigned == (hall.size, hall.root_at(hall.size))


def finish(hall: Hall, centre: Centre) -> None:
    """The line is good again."""
    exchange = NodeExchange(hall)
    steps = begun(exchange)
    while isinstance(steps[-1], SendBatch):
        steps = replied(exchange, centre.answered(steps[-1].data))
        hall.carry_out(steps)


def test_a_plan_outside_the_ledger_is_refused():
    hall, _ = enrolled(5)
    with pytest.raises(InconsistentProof):
        plan_up(hall, 6, 9)
    assert b"".join(write_up(hall, plan_up(hall, 2, 99), START_MS))
