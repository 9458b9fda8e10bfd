"""The node's clock: wall time for people, a bounded interval for leases, and a jump that is always found.

Protocol section 7. The wall and the boot clock are handed in, so that a test tells the time.

A wall clock that is set back is held up by the high-water mark, the newest time any commit stood for. One
that ran ahead leaves a mark in the future: the centre's countersignature refutes it, since the entries were
there when it signed (`settle`). The order of entries never goes back. A receiver's time stands in for the
wall clock and is believed as far as that: it is signed by nobody.
"""

import time
from collections.abc import Callable

from sync.clock import ClockState, Interval, interval

JUMP_MS = 5 * 60 * 1000
TRUST_S = 24 * 3600


def wall_ms() -> int:
    """The operating system's wall clock, Unix milliseconds."""
    return time.time_ns() // 1_000_000


def boot_ms() -> int:
    """Milliseconds of a clock nobody can set, counting through suspension."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


class NodeClock:
    """Keeps what cannot be set back: the newest persisted time and the newest time the centre signed."""

    def __init__(self, wall: Callable[[], int] = wall_ms, boot: Callable[[], int] = boot_ms) -> None:
        self._wall = wall
        self._boot = boot
        self._high_ms = 0
        self._trusted_ms = 0
        self._trusted_at: int | None = None
        self._satellites: tuple[int, int] | None = None
        self._seen_wall = wall()
        self._seen_boot = boot()
        self._start_high = 0
        self._start_boot = self._seen_boot
        self._jumped = False

    def start(self, high_water_ms: int, trusted_ms: int) -> int:
        """Take over what earlier boots persisted.

        The jump in ms if the wall clock stands before it, else 0.
        """
        self._high_ms = self._start_high = high_water_ms
        self._trusted_ms = trusted_ms
        behind = self._wall() - high_water_ms
        self._jumped = behind < -JUMP_MS
        return behind if self._jumped else 0

    def now_ms(self) -> int:
        """Unix ms for people and entries; never before the newest persisted time.

        Where the wall clock is more than five minutes from what the centre said, the centre's time counts on.
        """
        wall = self._wall_ms()
        known = self._known_ms()
        if known is not None and abs(wall - known) > JUMP_MS:
            wall = known
        return max(wall, self._high_ms)

    def persisted(self, mark_ms: int) -> None:
        """The high-water mark as the database has it; lower than ours where another process settled it."""
        self._high_ms = mark_ms
        self._start_high = min(self._start_high, mark_ms)

    def settle(self) -> None:
        """The centre countersigned every entry that set the mark: it falls to the time the centre signed."""
        self.persisted(self._trusted_ms)

    def trust(self, centre_ms: int) -> None:
        """The centre signed this time just now. An older time than known (a late stick) changes nothing."""
        known = self._known_ms()
        if centre_ms > self._trusted_ms and (known is None or centre_ms > known - JUMP_MS):
            self._trusted_ms = centre_ms
            self._trusted_at = self._boot()
            self._jumped = False

    def hear(self, satellite_ms: int) -> int:
        """A receiver says this time now: it counts in place of the wall clock; how far that moves us, in ms.

        One before what is known (a receiver that counts its weeks wrongly) is not believed: 0.
        """
        if satellite_ms < max(self._high_ms, self._trusted_ms) - JUMP_MS:
            return 0
        moved = satellite_ms - self._wall_ms()
        self._satellites = satellite_ms, self._boot()
        self._jumped = False
        return moved

    def interval(self) -> Interval:
        """The bounds of true time. A wall clock set back shortens nothing and lengthens nothing."""
        lived = self._boot() - self._start_boot
        if self._trusted_at is not None:
            found = interval(self._trusted_ms, self._boot() - self._trusted_at, self._high_ms)
        else:  # trusted in an earlier boot only: the pause is unknown, so the later of wall and counted time
            known = max(self._trusted_ms, self._start_high)
            counted = max(self._wall_ms(), self._start_high + lived)
            found = interval(known or counted, max(0, counted - known) if known else 0, self._high_ms)
        return found

    def jump_ms(self) -> int:
        """How far the wall clock moved against the boot clock since the last call; 0 below five minutes."""
        wall, boot = self._wall(), self._boot()
        moved = (wall - self._seen_wall) - (boot - self._seen_boot)
        self._seen_wall, self._seen_boot = wall, boot
        if abs(moved) <= JUMP_MS:
            return 0
        self._jumped = True
        return moved

    @property
    def state(self) -> ClockState:
        """synced: the centre's time was seen in this boot within a day; untrusted: a jump was found since."""
        if self._jumped:
            return ClockState.UNTRUSTED
        if self._trusted_at is not None and self._boot() - self._trusted_at < TRUST_S * 1000:
            return ClockState.SYNCED
        return ClockState.HOLDOVER

    @property
    def trusted_ms(self) -> int:
        """The newest time the centre signed, 0 before the first contact."""
        return self._trusted_ms

    def boot_seconds(self) -> float:
        """Monotonic seconds, for intervals and deadlines."""
        return self._boot() / 1000

    def _wall_ms(self) -> int:
        """The satellites' time where they were heard in this boot, else the operating system's."""
        if self._satellites is None:
            return self._wall()
        told_ms, at = self._satellites
        return told_ms + self._boot() - at

    def _known_ms(self) -> int | None:
        if self._trusted_at is None:
            return None
        return self._trusted_ms + self._boot() - self._trusted_at
