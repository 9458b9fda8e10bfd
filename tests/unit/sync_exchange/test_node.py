"""What a node does with what the centre sends, over a line or on a stick."""

import re
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.batch.acknowledge import Acknowledgement, Directive
from sync.batch.file import open_header
from sync.batch.view import Wish
from sync.errors import Gap
from sync.exchange import acceptance, node
from sync.exchange.alarms import ALARMS, alarm_words
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
from sync.packs.release import PackRef, Release, sign_release
from sync.signing.certificate import Certificate, issue
from sync.signing.keys import SigningKey
from sync.signing.notes import open_note
from tests.unit.sync_exchange.rounds import exchange_once, imported, level, refused
from tests.unit.sync_exchange.test_lease import LEASE
from tests.unit.sync_exchange.world import (
    CENTRE,
    HALL,
    START_MS,
    begun,
    enrolled,
    replied,
)


def test_a_round_over_a_good_line_ends_level_with_both_signatures_stored():
    hall, centre = enrolled(5_000)
    steps = exchange_once(hall, centre)
    assert [type(step) for step in steps] == [NoteCentre, StoreAcknowledgement, Finished]
    assert steps[-1] == Finished(outcome="level", sent=5_000, left=0)
    assert hall.countersigned == (5_000, hall.root_at(5_000))
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


def test_within_a_round_each_batch_signs_back_the_centre_checkpoint_of_the_reply_before():
    hall, centre = enrolled(600)
    exchange = NodeExchange(hall, batch_entries=100)
    steps = begun(exchange)
    while isinstance(steps[-1], SendBatch):
        centre.note_checkpoint()
        steps = replied(exchange, centre.answered(steps[-1].data))
        assert not [step for step in steps if isinstance(step, Alarm)]
        hall.carry_out(steps)
        if isinstance(steps[-1], SendBatch):
            assert open_header(steps[-1].data, centre.public_of).centre_seen == hall.seen_note
    assert steps[-1] == Finished(outcome="level", sent=600, left=0)


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


@pytest.mark.parametrize("code", ["unknown-version", "missing-dictionary"])
def test_a_centre_too_old_for_the_slim_form_gets_the_same_entries_in_the_plain_one_once(code):
    hall, centre = enrolled(700)
    exchange = NodeExchange(hall)
    (first,) = begun(exchange)
    exchange.ahead()
    again = exchange.failed("too new", code)[0]
    assert isinstance(again, SendBatch)
    headers = [open_header(step.data, centre.public_of) for step in (first, again)]
    assert [(one.version, one.dictionary) for one in headers] == [(2, 1), (1, 0)]
    assert (again.start, again.end) == (first.start, first.end)
    assert [type(step) for step in replied(exchange, centre.answered(again.data))] != [Alarm, Finished]
    refused(exchange.failed("centre said no", code), code, grave=False)


def test_a_ledger_that_does_not_add_up_is_not_sent_but_alarmed():
    hall, _ = enrolled(7)
    hall.kept[3] = msgspec.structs.replace(hall.kept[3], detail=b"\x81\x01")
    steps = begun(NodeExchange(hall))
    assert [type(step) for step in steps] == [Alarm, Finished]
    assert steps[0].grave
    assert "entry 3" in steps[0].detail


def test_a_centre_asking_for_entries_pruned_long_ago_is_an_alarm_but_no_tampering():
    hall, _ = enrolled(7)
    hall.kept = []
    steps = begun(NodeExchange(hall))
    assert [type(step) for step in steps] == [Alarm, Finished]
    assert (steps[0].code, steps[0].grave) == ("gap", False)


def test_every_alarm_says_what_happened_and_what_to_do_in_two_languages():
    codes = {row.code for row in ALARMS}
    assert len(codes) == len(ALARMS)
    for code in (*sorted(codes), "gap", "bad-signature", "something-new"):
        words = alarm_words(code)
        assert words.code == code
        assert all((words.zh, words.en, words.next_zh, words.next_en))
    source = Path(acceptance.__file__).read_text() + Path(node.__file__).read_text()
    raised = set(re.findall(r'NotAccepted\(\s*"([a-z-]+)"|code="([a-z-]+)"', source))
    assert {one or other for one, other in raised} <= codes
    assert alarm_words("gap").next_en == Gap.next_en


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
    renamed = issue(msgspec.structs.replace(ours, origin=HALL.replace("i1", "i2")), centre.signing_key)
    for wrong in (other, renamed, issue(ours, hall.signing_key), b"x"):
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


def test_g08_lanes_staff_before_directives_and_records_only_after_the_uplink_is_done():
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


def test_before_the_first_contact_any_centre_checkpoint_is_the_first_one_seen():
    hall, centre = enrolled(3)
    assert hall.last_centre() == CentreSeen()
    steps = imported(hall, centre)
    assert [type(step) for step in steps] == [NoteCentre, Finished]
