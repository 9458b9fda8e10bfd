"""A lease: the centre's signed leave to answer from cache, bounded by time, answers and boots.

Protocol section 6. A lease is graduated by capability: losing the strongest never takes the weaker ones.
Judging is a function of the interval the node can prove its clock lies in, so a clock set back cannot
lengthen a lease.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from sync.clock import Interval
from sync.codec import cbor
from sync.errors import LeaseRefused
from sync.limits import LIMITS
from sync.signing import cose
from sync.signing.keys import SigningKey

Capability = Literal["public", "points", "summary", "detail"]
Place = Literal["hall", "bus"]
Verdict = Literal[
    "green",
    "amber",
    "red",
    "lease-other-origin",
    "lease-not-yet",
    "lease-expired",
    "lease-answers-spent",
    "lease-boots-spent",
]

VERSION = 1
AAD = b"yizhan/lease/1"
AMBER_FROM = 75
"""Percent of any one bound used from which the screens warn."""
RED_FROM = 90
"""Percent of any one bound used from which the screens ask for an exchange now."""
LIVE: frozenset[str] = frozenset({"green", "amber", "red"})
"""Verdicts under which an answer may still be given."""

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
DURATIONS_MS: dict[Capability, dict[Place, int]] = {
    "public": {"hall": 90 * _DAY_MS, "bus": 90 * _DAY_MS},
    "points": {"hall": 7 * _DAY_MS, "bus": 7 * _DAY_MS},
    "summary": {"hall": 72 * _HOUR_MS, "bus": 16 * _HOUR_MS},
    "detail": {"hall": 24 * _HOUR_MS, "bus": 16 * _HOUR_MS},
}
"""Default length by capability and place, milliseconds; a county may set its own."""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The signed value. `scope` is a region prefix ("330102", "330104001"); times are Unix milliseconds.

    `answers` and `boots` are how many of each may happen under it; `policy` is the version of the rules
    in force.
    """

    id: str
    origin: str
    scope: str
    capability: Capability
    not_before_ms: int
    not_after_ms: int
    answers: int
    boots: int
    policy: int


class LeaseState(msgspec.Struct, frozen=True, kw_only=True):
    """A lease with what the node has counted under it; the counts are durable before the answer is shown."""

    lease: Lease
    used_answers: int = 0
    boots: int = 0


def sign_lease(lease: Lease, key: SigningKey) -> bytes:
    """The lease as COSE_Sign1 under the centre's key; deterministic for the same lease."""
    return cose.sign1(cbor.encode([VERSION, *msgspec.structs.astuple(lease)]), key, b"centre", AAD)


def open_lease(data: bytes, centre_public: bytes) -> Lease:
    """The lease the centre signed.

    Raises BadSignature when it did not, Malformed for other bytes, LeaseRefused for impossible bounds.
    """
    _, payload = cose.open1(data, {b"centre": centre_public}, AAD)
    fields = cbor.decode(payload, limit=LIMITS.header_bytes)
    names = Lease.__struct_fields__
    if len(fields) <= len(names) or fields[0] != VERSION:
        raise LeaseRefused("lease of an unknown version")
    try:
        lease = msgspec.convert(dict(zip(names, fields[1:], strict=False)), Lease)
    except msgspec.ValidationError as error:
        raise LeaseRefused(f"lease field: {error}") from error
    if lease.not_after_ms <= lease.not_before_ms or lease.answers < 0 or lease.boots < 0:
        raise LeaseRefused(f"lease {lease.id} has impossible bounds")
    return lease


def judge(lease: Lease, used: int, boots: int, interval: Interval, origin: str) -> Verdict:
    """How the lease stands: a colour in LIVE while answers may be given, else the code of why not.

    `used` answers and `boots` were counted under it; `interval` is what the clock can prove. It ends by
    the latest possible time and begins by it too, so doubt about the clock always shortens, never lengthens.
    """
    ended: tuple[tuple[bool, Verdict], ...] = (
        (lease.origin != origin, "lease-other-origin"),
        (interval.latest_ms < lease.not_before_ms, "lease-not-yet"),
        (interval.latest_ms >= lease.not_after_ms, "lease-expired"),
        (used >= lease.answers, "lease-answers-spent"),
        (boots > lease.boots, "lease-boots-spent"),
    )
    for is_so, code in ended:
        if is_so:
            return code
    worst = _worst_percent(lease, used, boots, interval)
    if worst >= RED_FROM:
        return "red"
    return "amber" if worst >= AMBER_FROM else "green"


def _worst_percent(lease: Lease, used: int, boots: int, interval: Interval) -> int:
    """Percent used of the bound nearest its end."""
    span = lease.not_after_ms - lease.not_before_ms
    spent = max(0, interval.latest_ms - lease.not_before_ms)
    return max(100 * spent // span, counted_percent(lease, used, boots))


def counted_percent(lease: Lease, used: int, boots: int) -> int:
    """Percent used of answers or boots, the nearer its end. Boots only count when there is more than one."""
    boots_percent = 100 * boots // lease.boots if lease.boots > 1 else 0
    return max(100 * used // lease.answers if lease.answers else 100, boots_percent)


def left_s(lease: Lease, interval: Interval) -> int:
    """Whole seconds until the lease can have ended by time; 0 once it may have."""
    return max(0, lease.not_after_ms - interval.latest_ms) // 1000


def covers(lease: Lease, region: str, capability: Capability) -> bool:
    """Whether this lease is about that region (its prefix) and exactly that capability."""
    return lease.capability == capability and region.startswith(lease.scope)


def best(
    states: Iterable[LeaseState], region: str, capability: Capability, interval: Interval, origin: str
) -> tuple[LeaseState, Verdict] | None:
    """The lease to answer under: live before ended, then the longest; None when none covers it."""
    judged = [
        (state, judge(state.lease, state.used_answers, state.boots, interval, origin))
        for state in states
        if covers(state.lease, region, capability)
    ]
    return max(judged, key=lambda one: (one[1] in LIVE, one[0].lease.not_after_ms), default=None)
