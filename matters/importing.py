"""Rows of the centre's import files (CSV, JSONL, Parquet): parsed once, refused with a reason to act on.

Subjects and records may stand in one file; the column `row` says which. Days are written 2026-11-21, moments
with their offset (2026-11-21T09:30:00+08:00), `fields` as JSON text of names and values. What a kind of row
does not have is empty.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NoReturn, TypeVar, get_args

import msgspec

from matters.calendar import CHINA, china_day
from matters.errors import RowRefused
from matters.ids import ResidentNumber, Uscc, resident_number, uscc
from matters.model import Refusal, Words
from matters.records import Category, Record, Status, SubjectRecord

SUBJECT_COLUMNS = ("kind", "number", "name", "sex", "birth", "region", "address", "as_of", "source")
RECORD_COLUMNS = (
    "id",
    "number",
    "category",
    "title",
    "fields",
    "source",
    "decided_on",
    "as_of",
    "openness",
    "kept_until",
    "status",
)
HEADER: tuple[str, ...] = ("row", *dict.fromkeys((*SUBJECT_COLUMNS, *RECORD_COLUMNS)))
"""The columns of a file with both kinds of rows, in the order they are written."""

Kind = Literal["natural", "legal"]
Openness = Literal["public", "authorised"]
_KINDS: dict[str, Kind] = {value: value for value in get_args(Kind)}
_CATEGORIES: dict[str, Category] = {value: value for value in get_args(Category)}
_OPENNESS: dict[str, Openness] = {value: value for value in get_args(Openness)}
_STATUSES: dict[str, Status] = {value: value for value in get_args(Status)}
_SEXES: dict[str, str] = {value: value for value in ("0", "1", "2", "9")}

_MAY_BE_EMPTY = frozenset({"sex", "birth", "address", "fields", "kept_until"})
_CELL_CHARACTERS_MAX = 4_096
_REGION_DIGITS = 12
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST_MS = 0
_LATEST_MS = 4_102_444_800_000  # 2100-01-01
_Chosen = TypeVar("_Chosen")
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f]")
_FIELDS = msgspec.json.Decoder(dict[str, str])


class Reject(msgspec.Struct, frozen=True, kw_only=True):
    """A row or header that cannot be taken: stable code, the column, and the reason in words."""

    code: str
    column: str
    reason: Words


def check_header(columns: Iterable[str]) -> Reject | None:
    """Why a CSV or Parquet header cannot be imported (missing or unknown columns), or None when it can."""
    given = list(columns)
    missing = [name for name in HEADER if name not in given]
    unknown = [name for name in given if name not in HEADER]
    if missing:
        names = ", ".join(missing)
        return _reject("missing-column", missing[0], f"缺少列：{names}", f"missing columns: {names}")
    if unknown:
        names = ", ".join(unknown)
        return _reject("unknown-column", unknown[0], f"多余的列：{names}", f"unknown columns: {names}")
    return None


def parse_row(row: Mapping[str, str]) -> SubjectRecord | Record | Reject:
    """One row as a subject or a record, or the first reason why it is neither; no input raises."""
    try:
        kind = _cell(row, "row")
        if kind == "subject":
            return _subject({name: _cell(row, name) for name in SUBJECT_COLUMNS})
        if kind == "record":
            return _record({name: _cell(row, name) for name in RECORD_COLUMNS})
        return _reject("row-kind", "row", "行类型应为 subject 或 record", "row must be subject or record")
    except RowRefused as refused:
        return _reject(refused.code, refused.column, refused.zh, refused.en)


def write_row(value: SubjectRecord | Record) -> dict[str, str]:
    """The row, with all columns of HEADER, that `parse_row` reads back to an equal value."""
    row = dict.fromkeys(HEADER, "")
    row["as_of"] = _moment_text(value.as_of_ms)
    row["source"] = value.source
    if isinstance(value, SubjectRecord):
        same: tuple[str, ...] = ("kind", "number", "name", "sex", "region", "address")
        row |= {"row": "subject", "birth": _day_text(value.birth)}
    else:
        same = ("id", "category", "title", "openness", "status")
        row |= {"row": "record", "number": value.subject, "decided_on": value.decided_on.isoformat()}
        row |= {
            "fields": msgspec.json.encode(value.fields).decode(),
            "kept_until": _day_text(value.kept_until),
        }
    return row | {name: getattr(value, name) for name in same}


def _subject(cells: dict[str, str]) -> SubjectRecord:
    as_of_ms = _moment(cells["as_of"])
    kind = _choice(cells, "kind", _KINDS)
    number = _number(cells["number"], kind, china_day(as_of_ms))
    region = cells["region"]
    if not (len(region) == _REGION_DIGITS and region.isascii() and region.isdecimal()):
        _fail("bad-region", "region", "区划代码应为12位数字", "the region code must have 12 digits")
    return SubjectRecord(
        kind=kind,
        number=number.text,
        name=cells["name"],
        sex=_sex(cells, number),
        birth=_birth(cells["birth"], number),
        region=region,
        address=cells["address"],
        as_of_ms=as_of_ms,
        source=cells["source"],
    )


def _record(cells: dict[str, str]) -> Record:
    as_of_ms = _moment(cells["as_of"])
    decided_on = _day(cells, "decided_on")
    if decided_on > china_day(as_of_ms):
        _fail("bad-date", "decided_on", "决定日期晚于报送时间", "decided after the record was reported")
    return Record(
        id=cells["id"],
        subject=_number(cells["number"], None, china_day(as_of_ms)).text,
        category=_choice(cells, "category", _CATEGORIES),
        title=cells["title"],
        fields=_fields(cells["fields"]),
        source=cells["source"],
        decided_on=decided_on,
        as_of_ms=as_of_ms,
        openness=_choice(cells, "openness", _OPENNESS),
        kept_until=_day(cells, "kept_until") if cells["kept_until"] else None,
        status=_choice(cells, "status", _STATUSES),
    )


def _cell(row: Mapping[str, str], name: str) -> str:
    value: object = row.get(name)
    if value is None:
        if name in row and name in _MAY_BE_EMPTY:
            return ""
        _fail("missing-column", name, f"缺少列：{name}", f"missing column: {name}")
    if not isinstance(value, str):
        _fail("not-text", name, f"{name} 应为文本", f"{name} must be text")
    text = value.strip()
    if not text and name not in _MAY_BE_EMPTY:
        _fail("empty", name, f"{name} 不能为空", f"{name} must not be empty")
    if len(text) > _CELL_CHARACTERS_MAX:
        _fail("too-long", name, f"{name} 过长", f"{name} is longer than {_CELL_CHARACTERS_MAX} characters")
    if _CONTROL.search(text):
        _fail("control-character", name, f"{name} 含有控制字符", f"{name} holds control characters")
    return text


def _choice(cells: dict[str, str], name: str, allowed: Mapping[str, _Chosen]) -> _Chosen:
    try:
        return allowed[cells[name]]
    except KeyError:
        names = ", ".join(allowed)
        _fail(f"unknown-{name}", name, f"{name} 只能是：{names}", f"{name} must be one of: {names}")


def _number(text: str, kind: Kind | None, today: date) -> ResidentNumber | Uscc:
    """A checked number of the kind of subject; for records (kind None) either kind will do."""
    checked = uscc(text) if kind == "legal" else resident_number(text, today)
    if kind is None and isinstance(checked, Refusal):
        code = uscc(text)
        checked = checked if isinstance(code, Refusal) and text[:17].isdecimal() else code
    if isinstance(checked, Refusal):
        _fail(checked.code, "number", checked.message.zh, checked.message.en)
    return checked


def _sex(cells: dict[str, str], number: ResidentNumber | Uscc) -> str:
    if isinstance(number, Uscc):
        return ""
    return _choice(cells, "sex", _SEXES) if cells["sex"] else number.sex


def _birth(text: str, number: ResidentNumber | Uscc) -> date | None:
    if isinstance(number, Uscc):
        return None
    if text and text != number.birth.isoformat():
        _fail("bad-date", "birth", "出生日期与证件号码不符", "the birth date does not agree with the number")
    return number.birth


def _day(cells: dict[str, str], name: str) -> date:
    try:
        return date.fromisoformat(cells[name])
    except ValueError:
        _fail("bad-date", name, f"{name} 不是有效日期（如2026-11-21）", f"{name} is no date like 2026-11-21")


def _moment(text: str) -> int:
    try:
        ms = (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, TypeError):  # no moment at all, or one without offset
        _fail("bad-date", "as_of", "报送时间应含日期、时间和时区", "as_of needs date, time and offset")
    if not _EARLIEST_MS <= ms < _LATEST_MS:
        _fail("bad-date", "as_of", "报送时间超出范围", "as_of is out of range")
    return ms


def _fields(text: str) -> dict[str, str]:
    try:
        return _FIELDS.decode(text) if text else {}
    except msgspec.DecodeError:
        _fail(
            "bad-fields", "fields", "fields 应为名称到文本的JSON对象", "fields must be a JSON object of texts"
        )


def _day_text(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _moment_text(ms: int) -> str:
    moment = (_EPOCH + timedelta(milliseconds=ms)).astimezone(CHINA)
    return moment.isoformat(timespec="milliseconds" if ms % 1000 else "seconds")


def _fail(code: str, column: str, zh: str, en: str) -> NoReturn:
    raise RowRefused(code, column, zh, en)


def _reject(code: str, column: str, zh: str, en: str) -> Reject:
    return Reject(code=code, column=column, reason=Words(zh=f"{zh.rstrip('。')}。", en=f"{en.rstrip('.')}."))
