"""Errors, names, and time."""

from __future__ import annotations

import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import errors
from sync.clock import COUNTER_MAX, ClockState, Hlc, interval, tick
from sync.errors import Fork, Gap, Malformed, SyncError
from sync.ids import Mac, Origin, parse_origin, subject_ref

KEY = b"k" * 32


def test_every_error_says_its_code_who_is_to_blame_and_what_to_do_in_both_languages():
    leaves = SyncError.__subclasses__()
    assert len({leaf.code for leaf in leaves}) == len(leaves) == 14
    for leaf in leaves:
        assert leaf.__name__ in (errors.__doc__ or "")
        assert leaf.blame in {"sender", "receiver", "carrier", "line"}
        assert leaf.next_zh != SyncError.next_zh
        assert leaf.next_en.isascii()
        assert not leaf.next_zh.isascii()
    assert str(Malformed("why")) == "malformed: why"


def test_a_gap_says_where_to_go_on_and_a_fork_at_what_size():
    assert Gap(7).next == 7
    assert Gap(7).retry
    assert Fork(9).size == 9
    assert not Fork(9).retry


@given(st.binary(max_size=130), st.binary(max_size=40), st.binary(max_size=80))
def test_a_mac_with_key_and_label_taken_in_once_is_the_hmac_of_both(key, label, message):
    assert Mac(key, label).digest(message) == hmac.digest(key, label + message, "sha256")


def test_an_origin_is_read_back_from_its_text():
    origin = Origin(authority="qingzhou.example", role="node", name="330102", incarnation=2)
    assert origin.text == "qingzhou.example/node/330102/i2"
    assert parse_origin(origin.text) == origin
    assert parse_origin("qingzhou.example/centre/main/i1").role == "centre"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a/node/x",
        "a/node/x/i0",
        "a/node/x/i01",
        "a/clerk/x/i1",
        "A/node/x/i1",
        "a/node/x y/i1",
        "a/node//i1",
        "a/node/x/i1\n",
        "a/node/" + "x" * 33 + "/i1",
        "-a/node/x/i1",
        "a/node/x/i9999999999",
    ],
)
def test_a_text_that_is_no_origin_is_refused(text: str):
    with pytest.raises(Malformed):
        parse_origin(text)


def test_an_origin_cannot_be_made_of_parts_that_would_read_back_differently():
    whole: dict[str, Any] = {"authority": "a", "role": "node", "name": "x", "incarnation": 1}
    for parts in ({"authority": "a/b"}, {"name": "x/i2"}, {"incarnation": 0}, {"incarnation": 10**9}):
        with pytest.raises(Malformed):
            Origin(**(whole | parts))


def test_a_subject_has_one_reference_however_the_x_is_written_and_another_under_another_key():
    ref = subject_ref(KEY, "11010519491231002X")
    assert len(ref) == 16
    assert subject_ref(KEY, " 11010519491231002x ") == ref
    assert subject_ref(b"o" * 32, "11010519491231002X") != ref
    assert subject_ref(KEY, "  ") == b""


def test_the_logical_clock_never_goes_back_when_the_wall_clock_does():
    assert tick(Hlc(100, 0), 101) == Hlc(101, 0)
    assert tick(Hlc(100, 0), 100) == Hlc(100, 1)
    assert tick(Hlc(100, 5), 3) == Hlc(100, 6)
    assert tick(Hlc(100, COUNTER_MAX), 3) == Hlc(101, 0)


@given(st.integers(0, 2**50), st.integers(0, COUNTER_MAX), st.integers(0, 2**50))
def test_every_tick_is_later(ms: int, n: int, wall_ms: int):
    assert tick(Hlc(ms, n), wall_ms) > Hlc(ms, n)


def test_true_time_lies_between_what_was_proven_and_what_drift_allows():
    bounds = interval(last_trusted_ms=1_000_000, elapsed_ms=10_000_001, high_water_ms=0)
    assert (bounds.earliest_ms, bounds.latest_ms) == (1_000_000, 11_000_001 + 2_001)


def test_a_high_water_mark_raises_the_lower_bound_and_never_crosses_the_upper():
    bounds = interval(last_trusted_ms=1_000, elapsed_ms=0, high_water_ms=5_000)
    assert bounds.earliest_ms == bounds.latest_ms == 5_000
    assert [int(state) for state in ClockState] == [0, 1, 2]
