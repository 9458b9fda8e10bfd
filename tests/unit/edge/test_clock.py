"""The node's clock and the log: time that cannot be set back, lines that name nobody."""

import json

import pytest
import structlog

from edge.security import journal
from edge.security.passwords import NOBODY, fits, hash_password
from edge.store.clock import JUMP_MS, NodeClock
from sync.clock import ClockState

HOUR = 3_600_000


class Time:
    def __init__(self) -> None:
        self.wall, self.boot = 1_000 * HOUR, 5 * HOUR

    def clock(self) -> NodeClock:
        return NodeClock(lambda: self.wall, lambda: self.boot)


def test_now_is_never_before_the_newest_persisted_time() -> None:
    time = Time()
    clock = time.clock()
    clock.start(time.wall, 0)
    clock.persisted(time.wall + HOUR)
    assert clock.now_ms() == time.wall + HOUR


def test_a_clock_behind_the_high_water_mark_is_found_at_start() -> None:
    time = Time()
    clock = time.clock()
    assert clock.start(time.wall + 2 * HOUR, 0) == -2 * HOUR
    assert clock.state is ClockState.UNTRUSTED
    assert time.clock().start(time.wall + JUMP_MS, 0) == 0


def test_the_centres_time_heals_the_clock_and_an_older_one_changes_nothing() -> None:
    time = Time()
    clock = time.clock()
    clock.start(time.wall + 2 * HOUR, 0)
    clock.trust(time.wall + 3 * HOUR)
    assert clock.state.name == "SYNCED"
    assert clock.now_ms() == time.wall + 3 * HOUR, "the wall clock is wrong: the centre's counts on"
    time.boot += HOUR
    clock.trust(time.wall + HOUR)
    assert clock.trusted_ms == time.wall + 3 * HOUR
    time.boot += 25 * HOUR
    assert clock.state.name == "HOLDOVER"


def test_the_latest_possible_time_never_shrinks_when_the_wall_clock_is_set_back() -> None:
    time = Time()
    clock = time.clock()
    clock.start(time.wall, time.wall - HOUR)
    time.boot += 10 * HOUR
    time.wall -= 100 * HOUR
    assert clock.interval().latest_ms >= 1_010 * HOUR
    clock.trust(time.wall)
    assert clock.interval().latest_ms >= 1_010 * HOUR


def test_the_mark_of_a_clock_that_ran_ahead_falls_to_the_time_the_centre_signed() -> None:
    time = Time()
    ahead = time.wall + 30 * HOUR
    clock = time.clock()
    clock.start(ahead, time.wall - HOUR)
    clock.trust(time.wall)
    assert clock.interval().earliest_ms == clock.now_ms() == ahead, "the mark alone could be right"
    clock.settle()
    assert clock.interval().latest_ms == clock.now_ms() == time.wall
    time.wall -= 2 * HOUR
    assert clock.now_ms() == time.wall + 2 * HOUR, "a clock set back is still held up"


def test_the_satellites_time_stands_in_for_a_wall_clock_that_is_wrong_and_for_nothing_more() -> None:
    time = Time()
    right, clock = time.wall, time.clock()
    clock.start(right - HOUR, right - HOUR)
    time.wall = 0
    assert clock.jump_ms() == -right
    assert clock.state.name == "UNTRUSTED"
    assert clock.hear(right) == right
    assert clock.state.name == "HOLDOVER"
    time.boot += HOUR
    assert clock.now_ms() == right + HOUR
    assert right + HOUR <= clock.interval().latest_ms < right + HOUR + 2_000, "and what it may have drifted"
    assert clock.hear(right - 19 * 365 * 24 * HOUR) == 0, "a receiver that counts its weeks wrongly"
    assert clock.now_ms() == right + HOUR
    clock.hear(right + 90 * 24 * HOUR)
    clock.trust(right + HOUR)
    assert clock.now_ms() == clock.interval().latest_ms == right + HOUR, "the centre's word is signed"


def test_a_mark_that_another_process_settled_holds_nothing_up_in_this_one() -> None:
    time = Time()
    clock = time.clock()
    clock.start(time.wall + 30 * HOUR, time.wall - HOUR)
    clock.persisted(time.wall)
    assert clock.interval().latest_ms == clock.now_ms() == time.wall


def test_time_that_passes_is_no_jump_and_suspension_counts_as_time() -> None:
    time = Time()
    clock = time.clock()
    time.wall, time.boot = time.wall + HOUR, time.boot + HOUR
    assert clock.jump_ms() == 0
    time.wall += HOUR
    assert clock.jump_ms() == HOUR
    assert clock.jump_ms() == 0


def test_the_log_keeps_allowed_fields_only_and_no_number_of_a_person(
    capsys: pytest.CaptureFixture[str],
) -> None:
    journal.configure()
    structlog.get_logger("x").info(
        "sign", name="李敏", code="330102199001010073", jobs=3, phone="13800000000"
    )
    line = json.loads(capsys.readouterr().err)
    assert line["dropped"] == ["name", "phone"]
    assert line["code"] == "[number]"
    assert line["jobs"] == 3
    assert "李敏" not in str(line)


def test_a_password_fits_its_own_hash_only() -> None:
    phc = hash_password("correct horse battery")
    assert phc.startswith("$argon2id$")
    assert fits(phc, "correct horse battery")
    assert not fits(phc, "correct horse")
    assert not fits("", "x")
    assert not fits("$argon2id$garbled", "x")
    assert not fits(phc, "x" * 2000)
    assert not fits(NOBODY, "x")
