"""What a node accepts of an acknowledgement (rule 4.4), and what it does with what came along."""

import base64
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.batch.acknowledge import Acknowledgement, Directive, decode, encode
from sync.batch.file import build_sealed
from sync.batch.view import Wish
from sync.codec import cbor
from sync.errors import LimitExceeded, Malformed, SyncError, UnknownVersion
from sync.exchange.node import NodeExchange
from sync.exchange.steps import (
    Alarm,
    ApplyRelease,
    Deliver,
    FetchPack,
    Finished,
    NoteCentre,
    OpenLease,
    Rejected,
    RenewCertificate,
    SendBatch,
    StoreAcknowledgement,
)
from sync.exchange.view import CentreSeen
from sync.lease.lease import sign_lease
from sync.ledger.tree import consistency
from sync.packs.release import PackRef, Release, sign_release
from sync.signing.certificate import Certificate, issue
from sync.signing.keys import SigningKey
from sync.signing.notes import checkpoint_text, open_note, sign_note
from tests.unit.sync_exchange.test_lease import LEASE
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


def exchange_once(hall: Hall, centre: Centre) -> list[Any]:
    """One whole round over a good line; the steps of the last reply."""
    exchange = NodeExchange(hall)
    steps = begun(exchange)
    while isinstance(steps[-1], SendBatch):
        steps = replied(exchange, centre.answered(steps[-1].data))
        hall.carry_out(steps)
    return steps


def imported(hall: Hall, centre: Centre, **change) -> list[Any]:
    """An acknowledgement as from a stick, changed, sealed properly by the centre."""
    ack = centre.acknowledgement(HALL, hall.seen_note)
    return replied(NodeExchange(hall), centre.reply(msgspec.structs.replace(ack, **change), destination=HALL))


def refused(steps: list[Any], code: str, *, grave: bool) -> None:
    """Exactly an alarm and the end: nothing to store, nothing obeyed."""
    assert [type(step) for step in steps] == [Alarm, Finished]
    assert (steps[0].code, steps[0].grave) == (code, grave), steps[0]


def level(entries: int = 300) -> tuple[Hall, Centre]:
    """Hall and centre after a first good exchange."""
    hall, centre = enrolled(entries)
    exchange_once(hall, centre)
    return hall, centre


def test_a_round_over_a_good_line_ends_level_with_both_signatures_stored():
    hall, centre = enrolled(10_000)
    steps = exchange_once(hall, centre)
    assert [type(step) for step in steps] == [NoteCentre, StoreAcknowledgement, Finished]
    assert steps[-1] == Finished(outcome="level", sent=10_000, left=0)
    assert hall.countersigned == (10_000, hall.root_at(10_000))
    signed = open_note(
        steps[1].verified_note, {HALL: hall.signing_key.public, CENTRE: centre.signing_key.public}
    )
    assert set(signed.signers) == {HALL, CENTRE}


def test_a_hall_without_news_still_offers_its_checkpoint_and_stays_level():
    hall, centre = level()
    steps = exchange_once(hall, centre)
    assert steps[-1] == Finished(outcome="level", sent=0, left=0)


def test_the_node_signs_the_centres_own_ledger_back_in_the_next_batch():
    hall, centre = level()
    signed = open_note(hall.seen_note, {HALL: hall.signing_key.public, CENTRE: centre.signing_key.public})
    assert set(signed.signers) == {HALL, CENTRE}
    assert hall.centre_seen() == hall.seen_note


def test_progress_is_not_an_acknowledgement_and_the_next_batch_continues_there():
    hall, centre = enrolled(600)
    exchange = NodeExchange(hall)
    (first,) = begun(exchange)
    reply = centre.answered(first.data, frames=1)
    steps = replied(exchange, reply)
    assert [type(step) for step in steps] == [NoteCentre, SendBatch]
    assert (steps[-1].start, steps[-1].end) == (256, 600)
    hall.carry_out(steps)
    assert hall.countersigned[0] == 0


def test_after_a_cut_the_next_round_resumes_where_the_centre_said_it_is():
    hall, centre = enrolled(600)
    exchange = NodeExchange(hall)
    (first,) = begun(exchange)
    hall.carry_out(replied(exchange, centre.answered(first.data, frames=2)))
    assert begun(NodeExchange(hall))[0].start == 512


def test_a_centre_that_lost_entries_gets_them_again():
    hall, centre = level(600)
    centre.enrol(hall)
    centre.notes.clear()
    exchange = NodeExchange(hall.work(10))
    (offer,) = begun(exchange)
    assert (offer.start, offer.end) == (600, 610)
    steps = replied(exchange, centre.answered(offer.data))
    assert [type(step) for step in steps] == [NoteCentre, Alarm, SendBatch]
    assert (steps[1].code, steps[1].grave) == ("centre-behind", False)
    assert (steps[-1].start, steps[-1].end) == (0, 610)
    assert exchange_once(hall, centre)[-1].outcome == "level"


def test_a_centre_that_makes_no_progress_ends_the_round_instead_of_turning_in_circles():
    hall, centre = enrolled(600)
    exchange = NodeExchange(hall)
    (first,) = begun(exchange)
    steps = replied(exchange, centre.answered(first.data, frames=0))
    assert steps[-1] == Finished(outcome="progress", sent=0, left=600)


def test_a_round_has_a_limit_of_batches():
    hall, centre = enrolled(600)
    exchange = NodeExchange(hall, batch_entries=100, rounds=2)
    steps = begun(exchange)
    sent = 0
    while isinstance(steps[-1], SendBatch):
        sent += 1
        steps = replied(exchange, centre.answered(steps[-1].data))
    assert sent == 2
    assert steps[-1].outcome == "progress"


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


def test_rule_4_4_the_centres_own_checkpoint_must_be_there_and_its_own():
    hall, centre = level()
    refused(imported(hall, centre, centre_checkpoint=b""), "centre-checkpoint", grave=True)
    text = checkpoint_text(HALL, centre.size, centre.root_at(centre.size))
    other = sign_note(text, CENTRE, centre.signing_key)
    refused(imported(hall, centre, centre_checkpoint=other), "centre-checkpoint", grave=True)


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


def test_an_acknowledgement_delivered_twice_stores_nothing_the_second_time():
    hall, centre = enrolled(300)
    (batch,) = begun(NodeExchange(hall))
    reply = centre.answered(batch.data)
    hall.carry_out(replied(NodeExchange(hall), reply))
    again = replied(NodeExchange(hall), reply)
    assert [type(step) for step in again] == [NoteCentre, Finished]


def test_an_acknowledgement_file_needs_no_exchange_begun():
    hall, centre = enrolled(300)
    (batch,) = begun(NodeExchange(hall))
    steps = replied(NodeExchange(hall), centre.answered(batch.data))
    assert [type(step) for step in steps] == [NoteCentre, StoreAcknowledgement, Finished]


def test_an_acknowledgement_cut_or_altered_at_any_byte_is_an_alarm_and_never_an_exception():
    hall, centre = enrolled(3)
    reply = centre.reply(Acknowledgement(origin=HALL, next=0, centre_time_ms=1))
    for place in range(len(reply)):
        altered = reply[:place] + bytes([reply[place] ^ 1]) + reply[place + 1 :]
        for wrong in (altered, reply[:place]):
            steps = replied(NodeExchange(hall), wrong)
            assert [type(step) for step in steps] == [Alarm, Finished]


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_arbitrary_replies_are_an_alarm_and_never_an_exception(data):
    hall, _ = HALL_AND_CENTRE
    assert replied(NodeExchange(hall), data)[-1].outcome == "refused"


HALL_AND_CENTRE = enrolled(3)


def test_a_failed_line_ends_the_round_quietly_and_a_refusal_says_why():
    hall, _ = enrolled(7)
    assert NodeExchange(hall).failed("timed out") == [
        Finished(outcome="failed", sent=0, left=7, detail="timed out")
    ]
    for code, grave in (("fork", True), ("revoked", True), ("limit-exceeded", False)):
        refused(NodeExchange(hall).failed("centre said no", code), code, grave=grave)


def test_a_ledger_that_does_not_add_up_is_not_sent_but_alarmed():
    hall, _ = enrolled(7)
    hall.kept[3] = msgspec.structs.replace(hall.kept[3], detail=b"\x81\x01")
    steps = begun(NodeExchange(hall))
    assert [type(step) for step in steps] == [Alarm, Finished]
    assert steps[0].grave
    assert "entry 3" in steps[0].detail


def test_directives_arrive_in_order_once_and_an_unknown_one_is_reported_not_obeyed_blindly():
    hall, centre = level()
    hall.obeyed = 4
    letters = tuple(Directive(number=number, kind="policy", body={"settings": {}}) for number in (6, 4, 5))
    strange = Directive(number=7, kind="dance", body={})
    steps = imported(hall, centre, directives=(*letters, strange))
    (deliver,) = [step for step in steps if isinstance(step, Deliver)]
    assert [one.number for one in deliver.directives] == [5, 6, 7]
    (alarm,) = [step for step in steps if isinstance(step, Alarm)]
    assert (alarm.code, alarm.grave) == ("directive", False)


def test_rejected_effects_window_and_time_reach_the_node():
    hall, centre = level()
    steps = imported(hall, centre, rejected=((17, "unknown kind"),), window_ms=259_200_000)
    assert Rejected(rejections=((17, "unknown kind"),)) in steps
    assert steps[0].window_ms == 259_200_000
    assert steps[0].centre_time_ms == centre.now_ms


def test_a_lease_of_ours_is_opened_and_any_other_is_an_alarm():
    hall, centre = level()
    ours = sign_lease(LEASE, centre.signing_key)
    others = (
        sign_lease(msgspec.structs.replace(LEASE, origin="a/node/b/i1"), centre.signing_key),
        sign_lease(LEASE, hall.signing_key),
    )
    steps = imported(hall, centre, leases=(ours, *others))
    assert [step for step in steps if isinstance(step, OpenLease)] == [OpenLease(lease=LEASE, signed=ours)]
    assert [step.code for step in steps if isinstance(step, Alarm)] == ["wrong-origin", "bad-signature"]


def test_a_renewed_certificate_must_be_for_our_own_keys():
    hall, centre = level()
    ours = Certificate(
        origin=HALL,
        signing=hall.signing_key.public,
        sealing=hall.sealing_key.public,
        not_before_ms=START_MS,
        not_after_ms=START_MS + 1,
    )
    signed = issue(ours, centre.signing_key)
    assert RenewCertificate(certificate=signed) in imported(hall, centre, certificate=signed)
    other = issue(msgspec.structs.replace(ours, signing=bytes(32)), centre.signing_key)
    for wrong in (other, issue(ours, hall.signing_key), b"x"):
        steps = imported(hall, centre, certificate=wrong)
        assert not [step for step in steps if isinstance(step, RenewCertificate)]
        assert [step.grave for step in steps if isinstance(step, Alarm)] == [False]


def release(scope: str, data_class: Literal["detail", "staff"], version: int, key: SigningKey) -> bytes:
    base = PackRef(digest=bytes(32), kind="base", from_version=0, to_version=version, size=9, rows=1)
    return sign_release(
        Release(
            scope=scope,
            version=version,
            data_class=data_class,
            packs=(base,),
            state_root=bytes(32),
            as_of_ms=START_MS,
            created_ms=START_MS,
        ),
        key,
    )


def test_lanes_staff_before_directives_and_records_only_after_the_uplink_is_done():
    hall, centre = enrolled(600)
    hall.wanted = [Wish("330102/detail", 2), Wish("330102/staff", 0)]
    centre.extra = {
        "releases": (
            release("330102/detail", "detail", 3, centre.signing_key),
            release("330102/staff", "staff", 3, centre.signing_key),
        ),
        "scope_keys": {"330102/detail": b"d" * 32},
        "directives": (Directive(number=1, kind="policy", body={"settings": {}}),),
    }
    exchange = NodeExchange(hall)
    (first,) = begun(exchange)
    steps = replied(exchange, centre.answered(first.data, frames=1))
    kinds = [type(step) for step in steps]
    assert kinds == [NoteCentre, FetchPack, ApplyRelease, Deliver, SendBatch]
    assert steps[1].scope == "330102/staff"
    steps = replied(exchange, centre.answered(steps[-1].data))
    kinds = [type(step) for step in steps]
    assert kinds == [
        NoteCentre,
        StoreAcknowledgement,
        FetchPack,
        ApplyRelease,
        Deliver,
        FetchPack,
        ApplyRelease,
        Finished,
    ]
    assert (steps[-2].release.scope, steps[-2].content_key) == ("330102/detail", b"d" * 32)


def test_an_older_mixed_or_forged_release_is_an_alarm_and_a_held_one_is_nothing_to_do():
    hall, centre = level()
    hall.wanted = [Wish("330102/detail", 4)]
    old = release("330102/detail", "detail", 3, centre.signing_key)
    same = release("330102/detail", "detail", 4, centre.signing_key)
    forged = release("330102/detail", "detail", 9, hall.signing_key)
    steps = imported(hall, centre, releases=(old, same, forged))
    assert not [step for step in steps if isinstance(step, FetchPack | ApplyRelease)]
    assert {step.code for step in steps if isinstance(step, Alarm)} == {"pack-refused", "bad-signature"}


FULL = Acknowledgement(
    origin=HALL,
    next=9,
    size=9,
    root=b"r" * 32,
    note=b"note",
    centre_checkpoint=b"centre",
    centre_old_size=4,
    centre_consistency=(b"c" * 32,),
    centre_hops=((5, (b"h" * 32,)),),
    centre_time_ms=START_MS,
    directives=(Directive(number=1, kind="policy", body={"settings": {"词": [1, None, 2.5]}}),),
    releases=(b"release",),
    scope_keys={"330102/detail": b"k" * 32, "330102/staff": b"s" * 32},
    leases=(b"lease",),
    rejected=((3, "why"),),
    window_ms=7,
    certificate=b"certificate",
)


def test_an_acknowledgement_with_everything_round_trips():
    assert decode(encode(FULL)) == FULL
    assert encode(decode(encode(FULL))) == encode(FULL)


def test_an_acknowledgement_has_these_very_bytes():
    golden = encode(Acknowledgement(origin="a/node/b/i1", next=2, centre_time_ms=3))
    assert golden.hex() == "92016b612f6e6f64652f622f69310200404040008080038080808080" + "0040"


def test_fields_a_newer_centre_appended_do_not_matter():
    assert decode(cbor.encode([*cbor.decode(encode(FULL)), "news"])) == FULL


@pytest.mark.parametrize(
    "change",
    [
        {"next": -1},
        {"note": b""},
        {"root": b"short"},
        {"root": b"", "note": b"", "size": 9},
        {"centre_old_size": -1},
    ],
)
def test_an_acknowledgement_that_contradicts_itself_is_malformed(change):
    with pytest.raises(Malformed):
        decode(encode(msgspec.structs.replace(FULL, **change)))


def test_a_directive_whose_body_is_no_json_object_is_malformed():
    fields = cbor.decode(encode(FULL))
    place = 1 + Acknowledgement.__struct_fields__.index("directives")
    for body in (b"[1]", b"{", base64.b64decode("/w==")):
        with pytest.raises(Malformed):
            decode(cbor.encode([*fields[:place], [[1, "policy", body]], *fields[place + 1 :]]))


def test_an_acknowledgement_of_another_version_or_too_long_is_refused():
    for fields in ([], [2]):
        with pytest.raises(UnknownVersion):
            decode(cbor.encode(fields))
    with pytest.raises(Malformed):
        decode(cbor.encode([1, HALL]))
    with pytest.raises(LimitExceeded):
        decode(bytes(9 * 1024 * 1024))


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_never_an_acknowledgement_and_never_crash(data):
    with pytest.raises(SyncError):
        decode(data)


def test_before_the_first_contact_any_centre_checkpoint_is_the_first_one_seen():
    hall, centre = enrolled(3)
    assert hall.last_centre() == CentreSeen()
    steps = imported(hall, centre)
    assert [type(step) for step in steps] == [NoteCentre, Finished]
