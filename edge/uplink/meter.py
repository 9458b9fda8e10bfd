"""What the line carried and how fast, in memory; `edge.actions.budget` keeps the account of the day."""

import collections

import msgspec

from matters.model import Words

RATE_BYTES_MIN = 512
"""Less says more about the round trip than about the line."""


class Later(msgspec.Struct, frozen=True, kw_only=True):
    """Packs of one scope that wait for another day: how many, and their bytes."""

    pieces: int
    bytes: int


class Meter:
    """What the line did since the program began: its rate, and what was put off at the last contact.

    `unfit`: by scope, in words, the data sets that this disk has no room for.
    """

    def __init__(self) -> None:
        self.bytes_per_s = 0.0
        self.later: dict[str, Later] = {}
        self.unfit: dict[str, Words] = {}
        self.used: collections.Counter[int] = collections.Counter()
        self.files_asked_ms = 0

    def took(self, many: int, took_s: float) -> None:
        """A transfer of so many bytes; the rate follows the newest ones and forgets slowly."""
        if many >= RATE_BYTES_MIN:
            rate = many / max(took_s, 0.001)
            self.bytes_per_s = 0.5 * self.bytes_per_s + 0.5 * rate if self.bytes_per_s else rate


class LinkStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The line: its kind, bytes carried today, and the day's budget for records and files (0: none)."""

    words: Words
    used_bytes: int
    day_bytes: int
    bytes_per_s: int


class LaneStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What waits in one lane, and how long until it is through at the rate measured lately; None = unknown.

    Lanes go in their order, so the time includes the lanes before. `bytes` as they will travel; `tomorrow`:
    the day's budget of the line is used up and this lane goes on the next day.
    """

    lane: str
    words: Words
    waiting: int
    eta_s: int | None
    bytes: int = 0
    tomorrow: bool = False
