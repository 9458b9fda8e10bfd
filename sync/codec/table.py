"""A frame taken apart: rows grouped by kind, every field a column, what can be derived left out.

Left out: the commitment (from salt and detail), the salt (from its epoch key and the index), the subject
reference (from the field of the detail it was made of). Steps of writing, each mirrored in reading:

1. the groups (kind and number of detail fields), and each row's group;
2. the public columns;
3. the detail columns of each group;
4. subject references, ext, salts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from sync.codec import cbor
from sync.codec.numbers import look_up
from sync.codec.references import read_references, write_references
from sync.codec.rows import Entry, FrameContext, Row, frozen
from sync.codec.series import Column, Columns, read_column, write_column
from sync.codec.stream import ColumnReader, ColumnWriter
from sync.errors import LimitExceeded, Malformed, SyncError
from sync.limits import LIMITS

_HEAD_BYTES = 4
_RAW, _WITHHELD = -1, -2
_INT_MAX = 2**63 - 1
_TYPES = {field.name: field.type for field in msgspec.structs.fields(Entry)}
_COLUMNS = tuple(name for name in Entry.__struct_fields__ if name not in {"kind", "subject_ref", "ext"})

Fields = list[Any] | None
"""The values of a detail; None where they are not known to be its one deterministic reading."""
_Group = tuple[int, int]
"""Kind, and number of detail fields (or _RAW, _WITHHELD)."""


def write_table(rows: Sequence[Row], context: FrameContext) -> tuple[bytes, ...]:
    """The blocks of a frame: marks and text, then planes."""
    writer = ColumnWriter(context.dictionary)
    details = list(map(_split_detail, rows))
    keys = [(row.entry.kind, size) for row, (size, _) in zip(rows, details, strict=True)]
    groups = {key: code for code, key in enumerate(dict.fromkeys(keys))}
    writer.mark(len(rows), len(groups), *(part for key in groups for part in key))
    writer.add_bytes(bytes([groups[key] for key in keys]))
    _write_public(writer, rows)
    fields = [values for _, values in details]
    for group in groups:
        _write_details(writer, [values for key, values in zip(keys, fields, strict=True) if key == group])
    write_references(writer, [row.entry.subject_ref for row in rows], keys, fields, context)
    _write_rest(writer, rows, context)
    marks, text = cbor.encode(writer.marks), b"".join(writer.text)
    head = len(marks).to_bytes(_HEAD_BYTES, "big") + len(text).to_bytes(_HEAD_BYTES, "big")
    return head + marks + text, b"".join(writer.planes)


def read_table(plain: bytes, context: FrameContext) -> list[Row]:
    """The rows back; raises `Malformed` or `LimitExceeded`."""
    return read_opened(plain, context)[0]


def read_opened(plain: bytes, context: FrameContext) -> tuple[list[Row], list[Fields]]:
    """The rows, and of each the values its detail was just encoded from."""
    reader = _open(plain)
    count = reader.number(1, LIMITS.frame_entries)
    keys = _read_groups(reader, count)
    public = _read_public(reader, count)
    groups = {group: _Details(reader, group, keys.count(group)) for group in dict.fromkeys(keys)}
    fields = [next(groups[key].fields) for key in keys]
    references = read_references(reader, keys, fields, context)
    ext = _read_ext(reader, count)
    entries = _entries([kind for kind, _ in keys], public, references, ext)
    salts = _read_salts(reader, [entry.index for entry in entries], context)
    reader.finish()
    opened = [values if size >= 0 else None for (_, size), values in zip(keys, fields, strict=True)]
    return _rows(entries, keys, groups, salts), opened


def _split_detail(row: Row) -> tuple[int, list[Any]]:
    """The fields of a detail, where it is an array; else the bytes as they are.

    That they are the one encoding of those fields shows when the frame is decoded before release: where they
    are not, the frame travels in its plain form.
    """
    if row.withheld:
        return _WITHHELD, [row.withheld]
    try:
        values = cbor.peek(row.detail) if len(row.detail) <= LIMITS.detail_bytes else None
    except SyncError:
        values = None
    if values is None or len(values) > LIMITS.detail_fields:
        return _RAW, [row.detail]
    return len(values), values


def _write_public(writer: ColumnWriter, rows: Sequence[Row]) -> None:
    whole = Columns(len(rows))
    fields = zip(*[msgspec.structs.astuple(row.entry) for row in rows], strict=True)
    for name, column in zip(Entry.__struct_fields__, fields, strict=True):
        if name in _COLUMNS:
            write_column(writer, list(column), whole)


def _write_details(writer: ColumnWriter, rows: list[list[Any]]) -> None:
    group = Columns(len(rows))
    for column in zip(*rows, strict=True):
        write_column(writer, list(column), group)


def _write_rest(writer: ColumnWriter, rows: Sequence[Row], context: FrameContext) -> None:
    ext = [row.entry.ext for row in rows]
    writer.mark(*([1, *ext] if any(ext) else [0]))
    odd = [(place, row.salt) for place, row in enumerate(rows) if row.salt != context.salt(row.entry.index)]
    writer.mark(len(odd))
    for place, salt in odd:
        writer.mark(place, salt)


def _open(plain: bytes) -> ColumnReader:
    marks_end = 2 * _HEAD_BYTES + int.from_bytes(plain[:_HEAD_BYTES], "big")
    text_end = marks_end + int.from_bytes(plain[_HEAD_BYTES : 2 * _HEAD_BYTES], "big")
    if not 2 * _HEAD_BYTES <= marks_end <= text_end <= len(plain):
        raise Malformed("a frame shorter than its head says")
    marks = cbor.decode(plain[2 * _HEAD_BYTES : marks_end])
    return ColumnReader(marks, plain[marks_end:text_end], plain[text_end:])


def _read_groups(reader: ColumnReader, count: int) -> list[_Group]:
    known = reader.number(1, count)
    groups = [
        (reader.number(0, _INT_MAX), reader.number(_WITHHELD, LIMITS.detail_fields)) for _ in range(known)
    ]
    keys = look_up(groups, reader.take_bytes(count))
    if list(dict.fromkeys(keys)) != groups:
        raise Malformed("groups that are not as used")
    return keys


def _read_public(reader: ColumnReader, count: int) -> list[Column]:
    whole = Columns(count)
    for name in _COLUMNS:
        column = read_column(reader, whole)
        if set(map(type, column)) != {_TYPES[name]}:
            raise Malformed(f"column {name} of another type")
        if _TYPES[name] is int and not (min(column) >= 0 and max(column) <= _INT_MAX):
            raise Malformed(f"column {name} out of range")
    return whole.columns


class _Details:
    """The detail columns of one group: its rows' fields in turn, and the bytes they stand for."""

    def __init__(self, reader: ColumnReader, group: _Group, count: int) -> None:
        self._size, self._count = group[1], count
        whole = Columns(count)
        for _ in range(self._size if self._size >= 0 else 1):
            read_column(reader, whole)
        self._columns = whole.columns
        columns = zip(*self._columns, strict=True)
        self.fields: Iterator[list[Any]] = map(list, columns) if self._columns else iter([[]] * count)

    def encoded(self, limit: int) -> list[bytes]:
        """Each row's detail (or its commitment, where withheld); together at most `limit` bytes."""
        if self._size >= 0:
            return cbor.encode_rows(self._columns, self._count, limit=limit)
        found = self._columns[0]
        if set(map(type, found)) != {bytes} or (self._size == _WITHHELD and not all(found)):
            raise Malformed("a detail of another type")
        if sum(map(len, found)) > limit:
            raise LimitExceeded("details larger than one frame")
        return found


def _read_ext(reader: ColumnReader, count: int) -> list[Any]:
    if not reader.number(0, 1):
        return [()] * count
    ext = [frozen(reader.mark()) for _ in range(count)]
    if set(map(type, ext)) != {tuple}:
        raise Malformed("column ext of another type")
    return ext


def _read_salts(reader: ColumnReader, indexes: list[int], context: FrameContext) -> list[bytes]:
    salts = [context.salt(index) for index in indexes]
    for _ in range(reader.number(0, len(indexes))):
        place, salt = reader.number(0, len(indexes) - 1), reader.mark()
        if type(salt) is not bytes:
            raise Malformed("a salt of another type")
        salts[place] = salt
    return salts


def _entries(kinds: list[int], public: list[Column], references: list[bytes], ext: list[Any]) -> list[Entry]:
    columns = {"kind": kinds, "subject_ref": references, "ext": ext}
    columns |= zip(_COLUMNS, public, strict=True)
    fields = zip(*[columns[name] for name in Entry.__struct_fields__], strict=True)
    try:
        return msgspec.convert(list(fields), list[Entry])
    except msgspec.ValidationError as error:
        raise Malformed("a field of another type") from error


def _rows(
    entries: list[Entry], keys: list[_Group], groups: dict[_Group, _Details], salts: list[bytes]
) -> list[Row]:
    details: dict[_Group, Iterator[bytes]] = {}
    left = LIMITS.frame_output_bytes
    for group, held in groups.items():
        encoded = held.encoded(left)
        left -= sum(map(len, encoded))
        details[group] = iter(encoded)
    rows = []
    for entry, key, salt in zip(entries, keys, salts, strict=True):
        detail = next(details[key])
        rows.append(Row(entry, b"", salt, detail) if key[1] == _WITHHELD else Row(entry, detail, salt))
    return rows
