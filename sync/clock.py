"""Time as evidence: a hybrid logical clock and a bounded interval for "now" (protocol.md section 7)."""

from __future__ import annotations

import enum

import msgspec

COUNTER_MAX = 65535
"""Events within one millisecond before the logical clock moves to the next."""
_DRIFT_PPM = 200


class ClockState(enum.IntEnum):
    """How far the wall clock of an entry can be believed."""

    SYNCED = 0
    HOLDOVER = 1
    UNTRUSTED = 2


class Hlc(msgspec.Struct, frozen=True, order=True):
    """Hybrid logical time: Unix milliseconds, then a counter within them. Ordered."""

    ms: int
    n: int = 0


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """True time lies in `[earliest_ms, latest_ms]`."""

    earliest_ms: int
    latest_ms: int


def tick(last: Hlc, wall_ms: int) -> Hlc:
    """The next time stamp: always after `last`, the wall clock where that is later.

    A clock set back keeps counting at the last millisecond, so order never breaks.
    """
    if wall_ms > last.ms:
        return Hlc(wall_ms, 0)
    if last.n >= COUNTER_MAX:
        return Hlc(last.ms + 1, 0)
    return Hlc(last.ms, last.n + 1)


def interval(last_trusted_ms: int, elapsed_ms: int, high_water_ms: int) -> Interval:
    """Bounds of the true time, from what cannot be set back.

    `last_trusted_ms` is the newest time signed by the centre (or GNSS), `elapsed_ms` the boot clock since
    then, `high_water_ms` the newest time this machine ever persisted. The upper bound grows with
    200 ppm of drift; it is never below the lower one.
    """
    earliest = max(last_trusted_ms, high_water_ms)
    drift_ms = -(-elapsed_ms * _DRIFT_PPM // 1_000_000)
    return Interval(earliest_ms=earliest, latest_ms=max(earliest, last_trusted_ms + elapsed_ms + drift_ms))
