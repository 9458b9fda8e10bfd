"""A lease ends by whichever bound is reached first, and no clock can lengthen it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.clock import Interval, interval
from sync.codec import cbor
from sync.errors import BadSignature, LeaseRefused, SyncError
from sync.lease.lease import (
    AAD,
    DURATIONS_MS,
    LIVE,
    Lease,
    LeaseState,
    best,
    covers,
    judge,
    left_s,
    open_lease,
    sign_lease,
)
from sync.signing import cose
from sync.signing.keys import SigningKey
from tests.unit.sync_exchange.world import HALL, START_MS, fixed_key

HOUR_MS = 3_600_000
CENTRE_KEY = SigningKey.from_bytes(fixed_key("centre"))
LEASE = Lease(
    id="L-1",
    origin=HALL,
    scope="330102",
    capability="detail",
    not_before_ms=START_MS,
    not_after_ms=START_MS + 24 * HOUR_MS,
    answers=400,
    boots=4,
    policy=7,
)


def at(ms: int) -> Interval:
    return Interval(earliest_ms=ms, latest_ms=ms)


def hours(count: float) -> Interval:
    return at(START_MS + int(count * HOUR_MS))


def test_a_signed_lease_comes_back_as_it_was():
    assert open_lease(sign_lease(LEASE, CENTRE_KEY), CENTRE_KEY.public) == LEASE


def test_a_lease_signed_by_anyone_else_is_refused():
    with pytest.raises(BadSignature):
        open_lease(sign_lease(LEASE, SigningKey.generate()), CENTRE_KEY.public)


def test_every_altered_byte_of_a_lease_is_noticed():
    signed = sign_lease(LEASE, CENTRE_KEY)
    for place in range(len(signed)):
        with pytest.raises(SyncError):
            open_lease(signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1 :], CENTRE_KEY.public)
        with pytest.raises(SyncError):
            open_lease(signed[:place], CENTRE_KEY.public)


@pytest.mark.parametrize(
    "change", [{"not_after_ms": START_MS}, {"answers": -1}, {"boots": -1}, {"capability": "everything"}]
)
def test_a_lease_with_impossible_bounds_is_refused_even_when_signed(change):
    with pytest.raises(LeaseRefused):
        open_lease(sign_lease(msgspec.structs.replace(LEASE, **change), CENTRE_KEY), CENTRE_KEY.public)


def test_a_lease_of_an_unknown_version_or_too_short_is_refused():
    for fields in ([2, *msgspec.structs.astuple(LEASE)], [1, "L-1"], []):
        with pytest.raises(LeaseRefused):
            open_lease(cose.sign1(cbor.encode(fields), CENTRE_KEY, b"centre", AAD), CENTRE_KEY.public)


def test_time_turns_it_amber_at_75_percent_red_at_90_and_ends_it():
    shown = [judge(LEASE, 0, 0, hours(hour), HALL) for hour in (0, 17.9, 18, 21.5, 21.6, 23.9, 24, 1000)]
    assert shown == ["green", "green", "amber", "amber", "red", "red", "lease-expired", "lease-expired"]


def test_answers_turn_it_amber_and_end_it_though_time_is_left():
    shown = [judge(LEASE, used, 0, hours(1), HALL) for used in (299, 300, 360, 399, 400)]
    assert shown == ["green", "amber", "red", "red", "lease-answers-spent"]


def test_boots_turn_it_amber_and_end_it_though_time_is_left():
    shown = [judge(LEASE, 0, boots, hours(1), HALL) for boots in (0, 2, 3, 4, 5)]
    assert shown == ["green", "green", "amber", "red", "lease-boots-spent"]


def test_it_ends_by_the_latest_possible_time_so_doubt_never_lengthens_it():
    doubtful = Interval(earliest_ms=START_MS, latest_ms=START_MS + 24 * HOUR_MS)
    assert judge(LEASE, 0, 0, doubtful, HALL) == "lease-expired"
    assert left_s(LEASE, doubtful) == 0


def test_a_clock_set_back_cannot_lengthen_it():
    # The machine once knew hour 30; then its clock and its last trusted time were set back to hour 1.
    set_back = interval(START_MS + HOUR_MS, 0, high_water_ms=START_MS + 30 * HOUR_MS)
    assert judge(LEASE, 0, 0, set_back, HALL) == "lease-expired"


def test_it_does_not_begin_before_its_time_nor_serve_another_origin():
    assert judge(LEASE, 0, 0, hours(-1), HALL) == "lease-not-yet"
    assert judge(LEASE, 0, 0, hours(1), HALL.replace("i1", "i2")) == "lease-other-origin"


def test_seconds_left_count_down_to_nothing():
    assert left_s(LEASE, hours(0)) == 86_400
    assert left_s(LEASE, hours(23.5)) == 1800
    assert left_s(LEASE, hours(25)) == 0


def test_capabilities_are_graduated_and_a_bus_never_gets_more_than_a_hall():
    lengths = [DURATIONS_MS[capability]["hall"] for capability in ("public", "points", "summary", "detail")]
    assert lengths == sorted(lengths, reverse=True)
    assert all(row["bus"] <= row["hall"] for row in DURATIONS_MS.values())
    assert DURATIONS_MS["summary"] == {"hall": 72 * HOUR_MS, "bus": 16 * HOUR_MS}


def test_losing_the_detail_lease_leaves_the_public_one():
    public = msgspec.structs.replace(LEASE, capability="public", not_after_ms=START_MS + 90 * 24 * HOUR_MS)
    states = [LeaseState(lease=LEASE), LeaseState(lease=public)]
    detail = best(states, "330102001000", "detail", hours(48), HALL)
    other = best(states, "330102001000", "public", hours(48), HALL)
    assert detail is not None
    assert detail[1] == "lease-expired"
    assert other is not None
    assert other[1] == "green"
    assert best(states, "330104001000", "public", hours(48), HALL) is None


def test_a_live_lease_is_taken_before_an_ended_one_that_would_last_longer():
    spent = LeaseState(
        lease=msgspec.structs.replace(LEASE, not_after_ms=START_MS + 48 * HOUR_MS), used_answers=400
    )
    chosen = best([spent, LeaseState(lease=LEASE)], "330102", "detail", hours(1), HALL)
    assert chosen == (LeaseState(lease=LEASE), "green")
    assert covers(LEASE, "330102001", "detail")


@given(st.integers(0, 500), st.integers(0, 6), st.integers(-30, 40), st.integers(0, 40))
def test_more_use_never_makes_a_lease_better(used, boots, start_h, spread_h):
    order = ["green", "amber", "red"]

    def rank(verdict: str) -> int:
        return order.index(verdict) if verdict in LIVE else len(order)

    now = Interval(
        earliest_ms=START_MS + start_h * HOUR_MS, latest_ms=START_MS + (start_h + spread_h) * HOUR_MS
    )
    later = Interval(earliest_ms=now.earliest_ms, latest_ms=now.latest_ms + HOUR_MS)
    verdict = judge(LEASE, used, boots, now, HALL)
    assert rank(judge(LEASE, used + 1, boots, now, HALL)) >= rank(verdict)
    assert rank(judge(LEASE, used, boots + 1, now, HALL)) >= rank(verdict)
    if verdict != "lease-not-yet":
        assert rank(judge(LEASE, used, boots, later, HALL)) >= rank(verdict)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_never_a_lease_and_never_crash(data):
    with pytest.raises(SyncError):
        open_lease(data, CENTRE_KEY.public)
