"""An answer as groups of records, each with source, age, band and rule of use.

One function for screen and paper, online and cached. A group whose data has expired carries no lines; a group
without records says so with its age, because "none" is also a statement that grows old.
"""

from collections.abc import Iterable

import msgspec

from matters.calendar import china_day
from matters.freshness import Band, band, limits, use_words
from matters.model import Matter, Words
from matters.records import CATEGORY_WORDS, STATUS_WORDS, Record, SubjectRecord, usable

_SOURCES_SHOWN = 2
NOBODY_REPORTED = "公共信用信息平台（没有部门报送此类记录）"
"""Who says that a category is empty: no department does, the platform that gathers them does."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """One category of an answer.

    `lines` are the records, newest first; empty when `band` is expired (then `count` is 0 too). `source`
    names who reported them; of a category without records it is the platform, which says so. `as_of_ms` is
    the oldest report in the group (Unix milliseconds), `age_s` its age in seconds, never negative.
    """

    category: str
    title: Words
    lines: tuple[str, ...]
    count: int
    source: str
    as_of_ms: int
    age_s: int
    band: Band
    rule: Words


def groups(
    matter: Matter, subject: SubjectRecord, records: Iterable[Record], now_ms: int
) -> tuple[Group, ...]:
    """The groups of `matter` in its order of categories, one for each, from what may be shown now."""
    shown = shown_records(matter, records, now_ms)
    return tuple(
        _group(matter, subject, category, [r for r in shown if r.category == category], now_ms)
        for category in matter.categories
    )


def shown_records(matter: Matter, records: Iterable[Record], now_ms: int) -> tuple[Record, ...]:
    """The records a matter may show today: its categories, its openness, still usable; newest first."""
    today = china_day(now_ms)
    shown = [
        record
        for record in records
        if record.category in matter.categories
        and usable(record, today)
        and (matter.openness == "authorised" or record.openness == "public")
    ]
    return tuple(sorted(shown, key=lambda r: (-r.decided_on.toordinal(), r.id)))


def record_line(record: Record) -> str:
    """One record as a line: day, title, fields, deciding department; 异议处理中 marks an objection."""
    parts = [record.decided_on.isoformat(), record.title]
    parts += [f"{name}：{value}" for name, value in record.fields.items()]
    parts.append(record.source)
    if record.status != "valid":
        parts.append(f"【{STATUS_WORDS[record.status].zh}】")
    return " · ".join(parts)


def _group(
    matter: Matter, subject: SubjectRecord, category: str, records: list[Record], now_ms: int
) -> Group:
    fresh_s, usable_s = limits(matter, category)
    as_of_ms = min((record.as_of_ms for record in records), default=subject.as_of_ms)
    value = band(as_of_ms, now_ms, fresh_s, usable_s)
    lines = () if value == "expired" else tuple(record_line(record) for record in records)
    return Group(
        category=category,
        title=CATEGORY_WORDS[category],
        lines=lines,
        count=len(lines),
        source=_sources(records),
        as_of_ms=as_of_ms,
        age_s=max(0, (now_ms - as_of_ms) // 1000),
        band=value,
        rule=use_words(value, usable_s),
    )


def _sources(records: list[Record]) -> str:
    names = list(dict.fromkeys(record.source for record in records)) or [NOBODY_REPORTED]
    more = f"等{len(names)}个部门" if len(names) > _SOURCES_SHOWN else ""
    return "、".join(names[:_SOURCES_SHOWN]) + more
