"""Deadlines as rows with unit, jurisdiction and validity, and the day they fall on.

Counting: the day of the start is not counted (民法典 201), the last day is. Working days follow the table of
`matters.calendar`; a day in a year without a table is never counted as anything: the deadline is provisional.
"""

import tomllib
from calendar import monthrange
from datetime import date, timedelta
from importlib import resources
from typing import Any, Literal

import msgspec

from matters.calendar import WorkingDays
from matters.errors import TableInvalid
from matters.model import Deadline, Words

__all__ = ["DEADLINES", "Deadline", "DeadlineRule", "due", "find", "parse_rules", "strictest"]

Unit = Literal["d", "wd", "months", "years", "units"]
_COUNT_MAX = 3_660


class DeadlineRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of domain.md 5.1; `value` is None where the text gives steps, alternatives or only bounds."""

    code: str
    words: Words
    unit: Unit
    jurisdiction: str
    basis: str
    value: int | None = None
    extension: int = 0
    at_least: int | None = None
    at_most: int | None = None
    steps: tuple[int, ...] = ()
    alternatives: tuple[int, ...] = ()
    start: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    verified: bool = True

    def in_force(self, day: date) -> bool:
        """Does the row's validity hold `day`? Both ends are included."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )


def parse_rules(toml_bytes: bytes) -> tuple[DeadlineRule, ...]:
    """The rows of a deadline table; raises TableInvalid naming the row and the reason."""
    try:
        rows: Any = tomllib.loads(toml_bytes.decode()).get("rule", [])
    except ValueError as wrong:
        raise TableInvalid("deadlines", str(wrong)) from wrong
    rules = tuple(_rule(number, row) for number, row in enumerate(rows, start=1))
    if not rules:
        raise TableInvalid("deadlines", "no [[rule]] rows")
    return rules


def find(code: str, jurisdiction: str, day: date) -> DeadlineRule | None:
    """The row of that code in force on `day` for the jurisdiction, else the national one, else the strictest.

    Strictest known is the product's default where a place has no row of its own (domain.md C9); None when no
    row has the code or none with a plain value is in force.
    """
    rows = [rule for rule in DEADLINES if rule.code == code and rule.in_force(day)]
    for place in (jurisdiction, "national"):
        for rule in rows:
            if rule.jurisdiction == place:
                return rule
    return strictest(rows)


def strictest(rows: list[DeadlineRule]) -> DeadlineRule | None:
    """The row with the shortest plain value; rows without one (steps, bounds) cannot be compared."""
    plain = [rule for rule in rows if rule.value is not None]
    return min(plain, key=_span, default=None)


def due(rule: DeadlineRule, start: date, calendar: WorkingDays) -> Deadline:
    """The last day in time for `rule`, counted from `start` (not itself counted).

    Working days over a year without a published table give a provisional Deadline with day None. Raises
    TableInvalid when the row has no plain value or counts no time.
    """
    if rule.value is None or rule.unit == "units":
        raise TableInvalid(f"deadline {rule.code} ({rule.jurisdiction})", "has no single span of time")
    if rule.unit == "wd":
        return _after_working_days(rule.value, start, calendar, rule.basis)
    if rule.unit == "d":
        return Deadline(day=start + timedelta(days=rule.value), basis=rule.basis)
    months = rule.value * (12 if rule.unit == "years" else 1)
    return Deadline(day=_months_later(start, months), basis=rule.basis)


def _rule(number: int, row: object) -> DeadlineRule:
    try:
        return msgspec.convert(row, DeadlineRule)
    except msgspec.ValidationError as wrong:
        raise TableInvalid("deadlines", f"row {number}: {wrong}") from wrong


def _span(rule: DeadlineRule) -> float:
    days = {"d": 1.0, "wd": 1.4, "months": 30.4, "years": 365.0, "units": 0.0}
    return days[rule.unit] * (rule.value or 0)


def _after_working_days(count: int, start: date, calendar: WorkingDays, basis: str) -> Deadline:
    day, left = start, count
    for _ in range(_COUNT_MAX):
        if left == 0:
            return Deadline(day=day, basis=basis)
        following = day + timedelta(days=1)
        kind = calendar.kind(following)
        if kind == "unknown":
            break
        day, left = following, left - (kind == "working")
    return Deadline(day=None, provisional=True, latest_known=day, basis=basis)


def _months_later(start: date, months: int) -> date:
    """The same day of a later month, or that month's last day (民法典 202)."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


DEADLINES: tuple[DeadlineRule, ...] = parse_rules(
    resources.files("matters").joinpath("deadlines.toml").read_bytes()
)
"""Every row of domain.md 5.1, in its order."""
