"""Synthetic residents, organisations and records: believable, invented, and the same for the same seed.

Check characters are real, so every number passes `matters.ids`; the city and its people are not. Some names
hold rare characters, some records have outlived their keeping time, are under objection or repaired. Fast
enough for a county: the README has the measured rate.
"""

import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date
from importlib import resources
from itertools import accumulate
from random import Random
from typing import Literal, TypeVar

import msgspec

from matters.calendar import china_day
from matters.ids import organisation_check, resident_check, uscc_check
from matters.records import Category, Record, Status, SubjectRecord

DEFAULT_AS_OF_MS = 1_795_225_800_000
"""2026-11-21 09:30 in China; hand in the real moment when the sample is to look reported just now."""

_Thing = TypeVar("_Thing")
_HOUR_MS = 3_600_000
_ADULT_DAYS = 18 * 366
_AGE_DAYS = (_ADULT_DAYS + 60, 92 * 365)
_RECORD_COUNTS = (0, 2, 3, 3, 4, 4, 4, 5, 5, 6, 8)
_HISTORY_DAYS = 8 * 365
_REPORTING_DAYS = 4  # no department of sample.toml reports later than this
_RECENT_SHARE = 0.6
_RARE_SHARE = 0.004
_COMPOUND_SHARE = 0.01
_SHORT_NAME_SHARE = 0.18
_MOVED_SHARE = 0.12
_OBJECTION_SHARE, _REPAIRED_SHARE = 0.05, 0.12
_ORGANISATION_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_POLICE, _MARKET = "省人口库", "县市场监管局"


class Template(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sort of record as sample.toml states it."""

    subject: Literal["natural", "legal"] = msgspec.field(name="for")
    weight: int
    category: Category
    title: str
    source: str
    openness: Literal["public", "authorised"]
    kept_years: int
    fields: dict[str, tuple[str, ...]]
    adverse: bool = False


class Material(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of sample.toml."""

    city: str
    townships: tuple[str, ...]
    roads: tuple[str, ...]
    villages: tuple[str, ...]
    surnames: str
    compound_surnames: tuple[str, ...]
    male: str
    female: str
    rare: str
    trades: tuple[str, ...]
    brands: tuple[str, ...]
    other_prefixes: tuple[str, ...]
    counties: dict[str, str]
    sources: dict[str, int]
    record: tuple[Template, ...]


_SAMPLE = msgspec.convert(
    tomllib.loads(resources.files("matters").joinpath("sample.toml").read_text("utf-8")), Material
)


class _Choice(msgspec.Struct, frozen=True):
    """Templates of one kind of subject with running weights, for a draw by one random number."""

    templates: tuple[Template, ...]
    running: tuple[int, ...]


def _choice(kind: str) -> _Choice:
    templates = tuple(template for template in _SAMPLE.record if template.subject == kind)
    return _Choice(templates, tuple(accumulate(template.weight for template in templates)))


_CHOICES = {"natural": _choice("natural"), "legal": _choice("legal")}


def people(
    seed: int, count: int, region: str, *, as_of_ms: int = DEFAULT_AS_OF_MS
) -> Iterator[SubjectRecord]:
    """`count` residents of a region prefix of 6, 9 or 12 digits; no number twice, same seed same people."""
    dice = _dice(seed, f"people {region}")
    today = china_day(as_of_ms)
    born: dict[str, int] = {}
    for _ in range(count):
        number, birth = _new_number(dice, region[:6], today, born)
        sex = "1" if int(number[16]) % 2 else "2"
        code, address = _residence(dice, region)
        yield SubjectRecord(
            kind="natural",
            number=number,
            name=_name(dice, sex),
            sex=sex,
            birth=birth,
            region=code,
            address=address,
            as_of_ms=as_of_ms - int(dice.random() * 3 * _HOUR_MS),
            source=_POLICE,
        )


def organisations(
    seed: int, count: int, region: str, *, as_of_ms: int = DEFAULT_AS_OF_MS
) -> Iterator[SubjectRecord]:
    """`count` organisations of a region prefix, with unified codes whose inner and outer checks hold."""
    dice = _dice(seed, f"organisations {region}")
    county = _SAMPLE.counties.get(region[:6], "青川县")
    codes: dict[str, None] = {}
    while len(codes) < count:
        codes[_unified_code(dice, region[:6])] = None
    for code in codes:
        residence, address = _residence(dice, region)
        yield SubjectRecord(
            kind="legal",
            number=code,
            name=f"{county}{_pick(dice, _SAMPLE.brands)}{_pick(dice, _SAMPLE.trades)}有限公司",
            sex="",
            birth=None,
            region=residence,
            address=address,
            as_of_ms=as_of_ms - int(dice.random() * 3 * _HOUR_MS),
            source=_MARKET,
        )


def records_for(seed: int, subject: SubjectRecord) -> list[Record]:
    """The records of one subject, four on average; they depend on the seed and the subject's number only.

    Their ages are those of their departments, counted back from the subject's own as-of.
    """
    dice = _dice(seed, subject.number)
    today = china_day(subject.as_of_ms)
    choice = _CHOICES[subject.kind]
    return [_record(dice, choice, subject, today) for _ in range(_pick(dice, _RECORD_COUNTS))]


def _record(dice: Random, choice: _Choice, subject: SubjectRecord, today: date) -> Record:
    roll = dice.random
    template = choice.templates[bisect_right(choice.running, int(roll() * choice.running[-1]))]
    span = 365 if roll() < _RECENT_SHARE else _HISTORY_DAYS
    if subject.birth is not None:
        span = min(span, today.toordinal() - subject.birth.toordinal() - _ADULT_DAYS)
    decided = today.toordinal() - _REPORTING_DAYS - int(roll() * span)
    kept = date.fromordinal(decided + 365 * template.kept_years) if template.kept_years else None
    return Record(
        id=f"R{dice.getrandbits(60):015X}",
        subject=subject.number,
        category=template.category,
        title=template.title,
        fields={name: values[int(roll() * len(values))] for name, values in template.fields.items()},
        source=template.source,
        decided_on=date.fromordinal(decided),
        as_of_ms=subject.as_of_ms - _SAMPLE.sources[template.source] * _HOUR_MS,
        openness=template.openness,
        kept_until=kept,
        status=_status(roll()) if template.adverse else "valid",
    )


def _status(share: float) -> Status:
    if share < _OBJECTION_SHARE:
        return "objection"
    return "repaired" if share < _REPAIRED_SHARE else "valid"


def _new_number(dice: Random, county: str, today: date, born: dict[str, int]) -> tuple[str, date]:
    """A number nobody has yet: the order code runs on within one place and birthday (998 of them)."""
    youngest, oldest = _AGE_DAYS
    prefix = _pick(dice, _SAMPLE.other_prefixes) if dice.random() < _MOVED_SHARE else county
    birth = date.fromordinal(today.toordinal() - youngest - int(dice.random() * (oldest - youngest)))
    place = f"{prefix}{birth:%Y%m%d}"
    nth = born[place] = born.get(place, -1) + 1
    first17 = f"{place}{1 + (int(place) * 37 + nth) % 998:03d}"
    return first17 + resident_check(first17), birth


def _unified_code(dice: Random, county: str) -> str:
    body = "MA" + "".join(_pick(dice, _ORGANISATION_CHARACTERS) for _ in range(6))
    first17 = f"91{county}{body}{organisation_check(body)}"
    return first17 + uscc_check(first17)


def _name(dice: Random, sex: str) -> str:
    compound = dice.random() < _COMPOUND_SHARE
    family = _pick(dice, _SAMPLE.compound_surnames if compound else _SAMPLE.surnames)
    letters = _SAMPLE.male if sex == "1" else _SAMPLE.female
    last = _pick(dice, _SAMPLE.rare if dice.random() < _RARE_SHARE else letters)
    if dice.random() < _SHORT_NAME_SHARE:
        return family + last
    return family + _pick(dice, letters) + last


def _residence(dice: Random, region: str) -> tuple[str, str]:
    """A 12-digit residence code under the prefix, and an address that fits it."""
    township = int(region[6:9] or 1 + int(dice.random() * len(_SAMPLE.townships)))
    village = int(region[9:12] or 1 + int(dice.random() * 9))
    place = _SAMPLE.townships[(township - 1) % len(_SAMPLE.townships)]
    county = _SAMPLE.counties.get(region[:6], "青川县")
    road = _pick(dice, _SAMPLE.roads)
    estate = _pick(dice, _SAMPLE.villages)
    house = 1 + int(dice.random() * 180)
    room = f"{1 + int(dice.random() * 6)}单元{1 + int(dice.random() * 18)}{1 + int(dice.random() * 4):02d}室"
    return (
        f"{region[:6]}{township:03d}{village:03d}",
        f"{_SAMPLE.city}{county}{place}{road}{house}号{road[:2]}{estate}{room}",
    )


def _pick(dice: Random, things: Sequence[_Thing]) -> _Thing:
    return things[int(dice.random() * len(things))]


def _dice(seed: int, purpose: str) -> Random:
    """A generator of its own for each purpose, so that adding records changes no person."""
    return Random((seed << 512) ^ int.from_bytes(purpose.encode()))  # noqa: S311 - invented people, no secrets
