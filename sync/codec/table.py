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
from sync.codec.rows import INDEX, Column, Entry, FrameContext, Row, Rows, frozen
from sync.codec.series import Columns, read_column, write_column
from sync.codec.stream import ColumnReader, ColumnWriter
from sync.errors import LimitExceeded, Malformed, SyncError
from sync.limits import LIMITS

_HEAD_BYTES = 4
_RAW, _WITHHELD = -1, -2
_INT_MAX = 2**63 - 1
_TYPES = [field.type for field in msgspec.structs.fields(Entry)]
_KIND, _REFERENCE, _EXT = map(Entry.__struct_fields__.index, ("kind", "subject_ref", "ext"))
_COLUMNS = [place for place in range(len(_TYPES)) if place not in {_KIND, _REFERENCE, _EXT}]

_Group = tuple[int, int]
"""Kind, and number of detail fields (or _RAW, _WITHHELD)."""


def write_table(rows: Sequence[Row], context: FrameContext) -> tuple[bytes, ...]:
    """The blocks of a frame: marks and text, then planes."""
    table = Rows.of(rows)
    writer = ColumnWriter(context.dictionary)
    sizes, fields = zip(*map(_split_detail, table.details, table.withheld), strict=True)
    keys = list(zip(table.public[_KIND], sizes, strict=True))
    groups = {key: code for code, key in enumerate(dict.fromkeys(keys))}
    writer.mark(len(keys), len(groups), *(part for key in groups for part in key))
    writer.add_bytes(bytes(map(groups.__getitem__, keys)))
    whole = Columns(len(keys))
    for place in _COLUMNS:
        write_column(writer, table.public[place], whole)
    for group in groups:
        _write_details(writer, [values for key, values in zip(keys, fields, strict=True) if key == group])
    write_references(writer, table.public[_REFERENCE], keys, fields, context)
    _write_rest(writer, table, context)
    marks, text = cbor.encode(writer.marks), b"".join(writer.text)
    head = len(marks).to_bytes(_HEAD_BYTES, "big") + len(text).to_bytes(_HEAD_BYTES, "big")
    return head + marks + text, b"".join(writer.planes)


def read_table(plain: bytes, context: FrameContext) -> Rows:
    """The rows back, each with the values its detail was just encoded from.

    Raises `Malformed` or `LimitExceeded`.
    """
    reader = _open(plain)
    count = reader.number(1, LIMITS.frame_entries)
    keys = _read_groups(reader, count)
    columns = _read_public(reader, count)
    groups = {group: _Details(reader, group, keys.count(group)) for group in dict.fromkeys(keys)}
    fields = [next(groups[key].fields) for key in keys]
    references = read_references(reader, keys, fields, context)
    public = dict(zip(_COLUMNS, columns, strict=True))
    public |= {_KIND: [kind for kind, _ in keys], _REFERENCE: references, _EXT: _read_ext(reader, count)}
    salts = _read_salts(reader, public[INDEX], context)
    reader.finish()
    bodies = _bodies(keys, groups)
    withheld = [size == _WITHHELD for _, size in keys]
    return Rows(
        [public[place] for place in range(len(_TYPES))],
        [b"" if gone else body for body, gone in zip(bodies, withheld, strict=True)],
        salts,
        [body if gone else b"" for body, gone in zip(bodies, withheld, strict=True)],
        [values if size >= 0 else None for (_, size), values in zip(keys, fields, strict=True)],
    )


def _split_detail(detail: bytes, withheld: bytes) -> tuple[int, list[Any]]:
    """The fields of a detail, where it is an array; else the bytes as they are.

    That they are the one encoding of those fields shows when the frame is decoded before release: where they
    are not, the frame travels in its plain form.
    """
    if withheld:
        return _WITHHELD, [withheld]
    try:
        values = cbor.peek(detail) if len(detail) <= LIMITS.detail_bytes else None
    except SyncError:
        values = None
    if values is None or len(values) > LIMITS.detail_fields:
        return _RAW, [detail]
    return len(values), values


def _write_details(writer: ColumnWriter, rows: list[list[Any]]) -> None:
    group = Columns(len(rows))
    for column in zip(*rows, strict=True):
        write_column(writer, list(column), group)


def _write_rest(writer: ColumnWriter, rows: Rows, context: FrameContext) -> None:
    ext = rows.public[_EXT]
    writer.mark(*([1, *ext] if any(ext) else [0]))
    derived = context.salts(rows.indexes)
    odd = [
        (place, own) for place, (own, salt) in enumerate(zip(rows.salts, derived, strict=True)) if own != salt
    ]
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
    for place in _COLUMNS:
        column = read_column(reader, whole)
        kind = whole.kinds[-1]
        if kind is not _TYPES[place]:
            raise Malformed(f"column {Entry.__struct_fields__[place]} of another type")
        if kind is int and not (min(column) >= 0 and max(column) <= _INT_MAX):
            raise Malformed(f"column {Entry.__struct_fields__[place]} out of range")
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
    salts = context.salts(indexes)
    for _ in range(reader.number(0, len(indexes))):
        place, salt = reader.number(0, len(indexes) - 1), reader.mark()
        if type(salt) is not bytes:
            raise Malformed("a salt of another type")
        salts[place] = salt
    return salts


def _bodies(keys: list[_Group], groups: dict[_Group, _Details]) -> list[bytes]:
    """The detail of each row (or its commitment, where withheld)."""
    encoded: dict[_Group, Iterator[bytes]] = {}
    left = LIMITS.frame_output_bytes
    for group, held in groups.items():
        found = held.encoded(left)
        left -= sum(map(len, found))
        encoded[group] = iter(found)
    return [next(encoded[key]) for key in keys]
