"""Working days: a table by year, never a guess. All days are days in China (UTC+8, no summer time)."""

from datetime import date, datetime, timedelta, timezone
from functools import cache
from typing import Literal

import chinese_calendar.constants as published
import msgspec

from matters.errors import TableInvalid

CHINA = timezone(timedelta(hours=8), "UTC+8")
DayKind = Literal["working", "off", "unknown"]
_SATURDAY = 5


class YearRows(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The published arrangement of one year: weekdays off, and weekend days worked."""

    year: int
    off: tuple[date, ...]
    working: tuple[date, ...]
    basis: str


class WorkingDays(msgspec.Struct, frozen=True, kw_only=True):
    """The table: which years are known, and the days that differ from Monday-to-Friday."""

    years: frozenset[int]
    off: frozenset[date]
    working: frozenset[date]

    def kind(self, day: date) -> DayKind:
        """working, off, or unknown when no table of that year was published to us."""
        if day.year not in self.years:
            return "unknown"
        if day in self.working:
            return "working"
        return "off" if day in self.off or day.weekday() >= _SATURDAY else "working"

    def with_year(self, rows: YearRows) -> "WorkingDays":
        """This table with one year added or replaced (the centre pushes the next year's rows).

        Raises TableInvalid when a day lies in another year or is both off and working.
        """
        stray = [day for day in (*rows.off, *rows.working) if day.year != rows.year]
        both = set(rows.off) & set(rows.working)
        for day in (*stray, *both):
            raise TableInvalid(
                f"working days {rows.year}", f"{day.isoformat()} is of another year or stands on both sides"
            )
        return WorkingDays(
            years=self.years | {rows.year},
            off=frozenset(day for day in self.off if day.year != rows.year) | set(rows.off),
            working=frozenset(day for day in self.working if day.year != rows.year) | set(rows.working),
        )


@cache
def builtin() -> WorkingDays:
    """The State Council's arrangements 2004-2026 as `chinesecalendar` holds them; 2027 is not in it."""
    off, working = frozenset(published.holidays), frozenset(published.workdays)
    return WorkingDays(years=frozenset(day.year for day in off), off=off, working=working)


def china_day(ms: int) -> date:
    """The day in China on which a moment (Unix milliseconds) falls."""
    return datetime.fromtimestamp(ms // 1000, CHINA).date()


def china_ms(text: str) -> int:
    """Unix milliseconds of a day (its first), or a day and time, in China, as ISO 8601. Raises ValueError."""
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp() * 1000)
    except OverflowError as error:
        raise ValueError(text) from error
