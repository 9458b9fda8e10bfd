"""What a node demands of an acknowledgement before one bit of it counts (rule 4.4)."""

import msgspec
import pytest

from sync.batch.acknowledge import encode
from sync.batch.file import build_sealed, open_header
from sync.exchange.acceptance import Accepted, NotAccepted, accept
from sync.exchange.node import NodeExchange
from sync.exchange.steps import NoteCentre
from sync.exchange.view import CentreSeen
from sync.ledger.tree import consistency
from sync.signing.keys import SigningKey
from sync.signing.notes import checkpoint_text, sign_note
from tests.unit.sync_exchange.rounds import exchange_once, imported, level, refused
from tests.unit.sync_exchange.world import (
    CENTRE,
    HALL,
    START_MS,
    Centre,
    Hall,
    begun,
    enrolled,
    recosign,
    replied,
)


def test_rule_4_4_an_acknowledgement_of_another_origin_or_incarnation_is_the_wrong_stick():
    hall, centre = level()
    refused(imported(hall, centre, origin=HALL.replace("i1", "i2")), "wrong-origin", grave=False)


def test_rule_4_4_a_file_addressed_to_another_node_is_the_wrong_stick():
    hall, centre = level()
    other = centre.enrol(Hall(centre, HALL.replace("330102", "330104")))
    reply = centre.reply(centre.acknowledgement(other.origin, b""))
    refused(replied(NodeExchange(hall), reply), "wrong-destination", grave=False)


def test_rule_4_4_more_than_we_hold_proves_that_this_node_was_rolled_back():
    hall, centre = level()
    restored = Hall(centre)
    restored.add(hall.kept[:200])
    refused(imported(restored, centre), "rolled-back", grave=True)
    refused(imported(hall, centre, next=301), "rolled-back", grave=True)


def test_rule_4_4_a_note_signed_by_both_over_a_root_that_is_not_ours_is_a_fork_even_on_an_old_stick():
    """The node's key did sign it, once: this database is not the one that did."""
    _, centre = level()
    clone = Hall(centre).work(300, seed=2)
    clone.seen = CentreSeen(size=90, root=b"later" * 6, time_ms=centre.now_ms + 10**6)
    refused(imported(clone, centre), "fork", grave=True)


def test_rule_4_4_without_the_centres_signature_nothing_is_acknowledged():
    hall, centre = level()
    refused(imported(hall, centre, note=hall.note_at(300)), "countersignature", grave=True)


def test_rule_4_4_without_our_own_signature_nothing_is_acknowledged():
    hall, centre = level()
    text = checkpoint_text(HALL, 300, hall.root_at(300))
    note = sign_note(text, CENTRE, centre.signing_key)
    refused(imported(hall, centre, note=note), "countersignature", grave=True)


@pytest.mark.parametrize("change", [{"size": 299}, {"root": bytes(32)}])
def test_rule_4_4_note_and_acknowledgement_must_say_the_same(change):
    hall, centre = level()
    refused(imported(hall, centre, **change), "countersignature", grave=True)


def test_rule_4_4_a_note_of_another_ledger_is_not_ours():
    hall, centre = level()
    text = checkpoint_text(HALL.replace("330102", "330104"), 300, hall.root_at(300))
    note = recosign(sign_note(text, HALL, hall.signing_key), CENTRE, centre.signing_key)
    refused(imported(hall, centre, note=note), "countersignature", grave=True)


def test_rule_4_4_an_acknowledgement_not_signed_by_our_centre_is_refused():
    hall, centre = level()
    ack = encode(centre.acknowledgement(HALL, hall.seen_note))
    forger = SigningKey.generate()
    for origin, key in ((CENTRE, forger), (HALL, hall.signing_key), ("evil.example/centre/main/i1", forger)):
        forged = build_sealed(
            "acknowledge",
            ack,
            origin=origin,
            destination=HALL,
            key=key,
            recipients=(hall.sealing_key.public,),
            now_ms=START_MS,
        )
        refused(replied(NodeExchange(hall), forged), "bad-signature", grave=False)


def test_rule_4_4_a_centre_that_shows_two_views_of_its_own_ledger_is_found_out():
    hall, centre = level()
    double = Centre()
    double.halls, double.publics, double.sealing = centre.halls, centre.publics, centre.sealing
    double.notes, double.now_ms = centre.notes, centre.now_ms + 5000
    for _ in range(5):
        double.now_ms += 1
        double.note_checkpoint()
    refused(imported(hall, double), "centre-fork", grave=True)


def test_rule_4_4_two_roots_at_one_size_of_the_centre_are_a_fork():
    hall, centre = level()
    hall.seen = msgspec.structs.replace(hall.seen, size=centre.size, root=bytes(32))
    refused(imported(hall, centre), "centre-fork", grave=True)


def test_rule_4_4_a_centre_whose_ledger_shrank_is_found_out_but_an_old_stick_is_only_stale():
    hall, centre = level()
    old = centre.reply(centre.acknowledgement(HALL, b""))
    exchange_once(hall.work(5), centre)
    exchange_once(hall.work(5), centre)
    stale = replied(NodeExchange(hall), old)
    refused(stale, "stale", grave=False)
    assert stale[-1].outcome == "stale"
    shrunk = Centre()
    shrunk.halls, shrunk.publics, shrunk.sealing = centre.halls, centre.publics, centre.sealing
    shrunk.notes, shrunk.now_ms = centre.notes, centre.now_ms + 5000
    ack = msgspec.structs.replace(shrunk.acknowledgement(HALL, b""), centre_old_size=0)
    refused(replied(NodeExchange(hall), shrunk.reply(ack)), "centre-went-back", grave=True)


def test_a_centre_whose_clock_was_set_back_keeps_working_as_long_as_its_ledger_grows():
    hall, centre = level()
    centre.now_ms -= 86_400_000
    assert exchange_once(hall.work(5), centre)[-1].outcome == "level"


def test_rule_4_4_the_centres_own_checkpoint_must_be_there_and_its_own():
    hall, centre = level()
    refused(imported(hall, centre, centre_checkpoint=b""), "centre-checkpoint", grave=True)
    text = checkpoint_text(HALL, centre.size, centre.root_at(centre.size))
    other = sign_note(text, CENTRE, centre.signing_key)
    refused(imported(hall, centre, centre_checkpoint=other), "centre-checkpoint", grave=True)


def test_two_sticks_written_before_the_first_contact_raise_no_false_alarm():
    hall, centre = enrolled(300)
    first = centre.answered(begun(NodeExchange(hall))[0].data)
    hall.work(10)
    second = centre.answered(begun(NodeExchange(hall))[0].data)
    hall.carry_out(replied(NodeExchange(hall), first))
    refused(replied(NodeExchange(hall), second), "stale", grave=False)
    assert exchange_once(hall, centre)[-1].outcome == "level"


def test_a_proof_whose_beginning_an_older_centre_did_not_say_is_tried_from_what_was_seen_last():
    hall, centre = level()
    centre.note_checkpoint()
    assert isinstance(imported(hall, centre, centre_old_size=0)[0], NoteCentre)
    # But where it does not fit, it may only begin elsewhere: no evidence against the centre.
    wrong = imported(hall, centre, centre_old_size=0, centre_consistency=(bytes(32),))
    refused(wrong, "stale", grave=False)


def test_rule_4_4_a_hop_that_does_not_fit_is_evidence_against_the_centre():
    hall, centre = level()
    centre.note_checkpoint()
    hop = (hall.seen.size, (bytes(32),))
    forged = imported(hall, centre, centre_old_size=0, centre_consistency=(), centre_hops=(hop,))
    refused(forged, "centre-fork", grave=True)


def test_sticks_that_overtake_each_other_fit_by_the_hops_the_centre_sends_along():
    hall, centre = level()
    seen = hall.seen_note
    base = hall.seen.size
    centre.note_checkpoint()
    first = centre.acknowledgement(HALL, seen)
    middle = centre.size
    centre.note_checkpoint()
    plain = centre.acknowledgement(HALL, seen)
    hop = (middle, tuple(consistency(centre.leaves, middle, centre.size)))
    second = msgspec.structs.replace(plain, centre_hops=(hop,))
    assert first.centre_old_size == second.centre_old_size == base
    hall.carry_out(replied(NodeExchange(hall), centre.reply(first)))
    assert hall.seen.size == middle
    refused(replied(NodeExchange(hall), centre.reply(plain)), "stale", grave=False)
    hall.carry_out(replied(NodeExchange(hall), centre.reply(second)))
    assert hall.seen.size == centre.size


def test_rule_4_4_a_note_that_is_no_note_acknowledges_nothing():
    hall, centre = level()
    refused(imported(hall, centre, note=b"nonsense"), "countersignature", grave=True)


def test_rule_4_4_only_our_own_centre_can_acknowledge_whoever_opened_the_file():
    hall, centre = level()
    ack = centre.acknowledgement(HALL, hall.seen_note)
    header = open_header(centre.reply(ack), centre.public_of)
    foreign = msgspec.structs.replace(header, origin="other.example/centre/main/i1")
    assert isinstance(accept(header, ack, hall), Accepted)
    astray = msgspec.structs.replace(header, destination=HALL.replace("i1", "i2"))
    assert accept(astray, ack, hall) == NotAccepted("wrong-origin", f"acknowledges {HALL}")
    assert accept(foreign, ack, hall) == NotAccepted("wrong-centre", "signed by other.example/centre/main/i1")
