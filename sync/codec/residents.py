"""Resident numbers (GB 11643), many at once: a region code and 27 bits; the check digit is recomputed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import repeat
from operator import mul

from sync.errors import Malformed

CHARACTERS = 18
_BIRTH_AT, _SEQUENCE_AT, _CHECK_AT = 6, 14, 17
_REGION = re.compile(r"[0-9]{6}")
_BIRTH = re.compile(r"[0-9]{8}")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK: Sequence[str | None] = "10X98765432"
_REMEMBERED = 1 << 15
"""Regions and birth days kept; a lifetime has as many days."""

Resident = tuple[str, int]
"""Region code; birth day (ordinal) and sequence number as one number."""


def take_apart(texts: Sequence[str]) -> list[Resident | None]:
    """The parts of each text, None for what is no valid resident number."""
    regions = [text[:_BIRTH_AT] for text in texts]
    births = map(_birth, [text[_BIRTH_AT:_SEQUENCE_AT] for text in texts])
    sequences = map(_NUMBERS.get, [text[_SEQUENCE_AT:_CHECK_AT] for text in texts], repeat((0, _NONE)))
    return [
        (region, day * _SEQUENCES + number)
        if text[_CHECK_AT:] == _CHECKS[weight + birth + sequence]
        else None
        for text, region, weight, (day, birth), (number, sequence) in zip(
            texts, regions, map(_region, regions), births, sequences, strict=True
        )
    ]


def put_together(residents: Sequence[Resident]) -> list[str]:
    """The number those parts came from; raises `Malformed`."""
    days = [rest // _SEQUENCES for _, rest in residents]
    found = []
    for (region, rest), birth in zip(residents, map(_day, days), strict=True):
        sequence = _DIGITS[rest % _SEQUENCES]
        check = _CHECKS[_region(region) + _birth(birth)[1] + _NUMBERS[sequence][1]]
        if check is None:
            raise Malformed("a region code that is none")
        found.append(region + birth + sequence + check)
    return found


def _weight(place: int, digits: str) -> int:
    """What digits from that place on weigh."""
    return sum(map(mul, _WEIGHTS[place:], map(int, digits)))


_SEQUENCES = 1000
_DIGITS = [f"{number:03}" for number in range(_SEQUENCES)]
_NUMBERS = {digits: (number, _weight(_SEQUENCE_AT, digits)) for number, digits in enumerate(_DIGITS)}
_HEAVIEST = 9 * sum(_WEIGHTS)
_NONE = _HEAVIEST + 1
"""What a part weighs that is none: then the whole has no check digit."""
_CHECKS = [_CHECK[weight % len(_CHECK)] for weight in range(_NONE)] + [None] * (3 * _NONE)


@lru_cache(_REMEMBERED)
def _region(digits: str) -> int:
    """What a region code weighs."""
    return _weight(0, digits) if _REGION.fullmatch(digits) else _NONE


@lru_cache(_REMEMBERED)
def _birth(digits: str) -> tuple[int, int]:
    """The ordinal of a day of eight digits, and what they weigh."""
    try:
        day = (
            dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:])) if _BIRTH.fullmatch(digits) else None
        )
    except ValueError:
        day = None
    return (day.toordinal(), _weight(_BIRTH_AT, digits)) if day else (0, _NONE)


@lru_cache(_REMEMBERED)
def _day(ordinal: int) -> str:
    """A day as eight digits; raises `Malformed`."""
    try:
        return dt.date.fromordinal(ordinal).isoformat().replace("-", "")
    except (ValueError, OverflowError) as error:
        raise Malformed("a birth day outside the calendar") from error
