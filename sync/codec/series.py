"""One column of any values: constant, equal to an earlier column, or by its type."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from operator import eq
from typing import Any

from sync.codec.numbers import coded, look_up, read_numbers, write_numbers
from sync.codec.stream import COUNT_MAX, ColumnReader, ColumnWriter
from sync.codec.texts import read_texts, write_texts
from sync.errors import Malformed

_CONSTANT, _PLAIN, _SAME, _MOSTLY, _DIGEST, _TEXT, _INTEGERS, _BYTES, _BYTE_CODES, _UTF8 = range(10)
_BYTES_MAX = 2**20
_REPEATED = 8  # a column this repetitive is cheap as codes; comparing it with others costs more than it saves
_INT_MAX = 2**63 - 1

Column = list[Any]


class Columns:
    """The columns of one group of rows, all of `count` values; later ones may refer to earlier ones."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.columns: list[Column] = []
        self.kinds: list[type | None] = []
        """The one type of all values of each, or None."""

    def keep(self, column: Column, kind: type | None) -> None:
        """Let later columns refer to this one, of which every value has that type."""
        self.columns.append(column)
        self.kinds.append(kind)

    def of(self, kind: type) -> list[tuple[int, Column]]:
        """Places and columns that hold only this type."""
        return [(place, self.columns[place]) for place, held in enumerate(self.kinds) if held is kind]

    def at(self, reader: ColumnReader, kind: type | None = None) -> Column:
        """The earlier column a reader's mark points to."""
        place = reader.number(0, len(self.columns) - 1)
        if kind is not None and self.kinds[place] is not kind:
            raise Malformed("a reference to a column of another type")
        return self.columns[place]

    def integers(self) -> list[Column]:
        """Every earlier column of integers, in order."""
        return [column for _, column in self.of(int)]


def write_column(writer: ColumnWriter, values: Column, group: Columns) -> None:
    """Write one column and let later ones of the group refer to it."""
    kind = _kind(values)
    _write(writer, values, kind, group)
    group.keep(values, kind)


def read_column(reader: ColumnReader, group: Columns) -> Column:
    """Read the next column of the group back; raises `Malformed` or `LimitExceeded`."""
    values = _read(reader, group.count, group)
    group.keep(values, _kind(values))
    return values


def _kind(values: Column) -> type | None:
    """The one type of all values, or None."""
    kinds = set(map(type, values))
    return kinds.pop() if len(kinds) == 1 else None


def _write(writer: ColumnWriter, values: Column, kind: type | None, group: Columns) -> None:
    if kind is not None and kind in _SIMPLE and values.count(values[0]) == len(values):
        writer.mark(_CONSTANT, values[0])
    elif kind is str or kind is bytes:
        _write_strings(writer, kind, values, group)
    elif kind is int and min(values) >= -_INT_MAX and max(values) <= _INT_MAX:
        writer.mark(_INTEGERS)
        write_numbers(writer, values, group.integers() if len(values) == group.count else ())
    else:
        writer.mark(_PLAIN, *values)


_SIMPLE = frozenset({str, bytes, int, bool, type(None)})


def _write_strings(writer: ColumnWriter, kind: type, values: Column, group: Columns) -> None:
    whole = len(values) == group.count and len(set(values)) * _REPEATED > len(values)
    place, equal = _closest(values, group.of(kind)) if whole else (0, 0)
    if equal == len(values):
        writer.mark(_SAME, place)
    elif equal * 2 >= len(values):
        flags = bytes(map(eq, values, group.columns[place]))
        writer.mark(_MOSTLY, place)
        writer.add_bytes(flags)
        _write(writer, [value for value, same in zip(values, flags, strict=True) if not same], kind, group)
    elif kind is str:
        writer.mark(_TEXT)
        write_texts(writer, values)
    else:
        _write_bytes(writer, values, group)


def _closest(values: Column, candidates: list[tuple[int, Column]]) -> tuple[int, int]:
    """Place of the earlier column with the most equal values, and how many."""
    equal, place = max(((sum(map(eq, values, other)), -place) for place, other in candidates), default=(0, 0))
    return -place, equal


def _write_bytes(writer: ColumnWriter, values: Column, group: Columns) -> None:
    for place, other in group.of(bytes) if len(values) == group.count else ():
        if values == [hashlib.sha256(value).digest() for value in other]:
            writer.mark(_DIGEST, place)
            return
    table, codes = coded(values)
    if len(table) < len(values):
        writer.mark(_BYTE_CODES, len(table))
        writer.add_bytes(codes)
    elif writer.dictionary and _is_text(joined := b"".join(values)):
        writer.mark(_UTF8)  # beside the other text, not among random bytes: a third less
        write_numbers(writer, [len(value) for value in values])
        writer.add_utf8(joined)
        return
    else:
        writer.mark(_BYTES)
    write_numbers(writer, [len(value) for value in table])
    writer.add_bytes(b"".join(table))


def _is_text(joined: bytes) -> bool:
    try:
        return bool(joined.decode())
    except UnicodeDecodeError:
        return False


def _read(reader: ColumnReader, count: int, group: Columns) -> Column:
    return _READERS[reader.number(0, len(_READERS) - 1)](reader, count, group)


def _read_constant(reader: ColumnReader, count: int, _: Columns) -> Column:
    return [reader.mark()] * count


def _read_plain(reader: ColumnReader, count: int, _: Columns) -> Column:
    return [reader.mark() for _ in range(count)]


def _read_same(reader: ColumnReader, count: int, group: Columns) -> Column:
    return _whole(group.at(reader), count)


def _read_mostly(reader: ColumnReader, count: int, group: Columns) -> Column:
    other = _whole(group.at(reader), count)
    flags = reader.take_bytes(count)
    reader.deeper()
    rest = iter(_read(reader, flags.count(0), group))
    reader.higher()
    return [value if same else next(rest) for value, same in zip(other, flags, strict=True)]


def _read_digest(reader: ColumnReader, count: int, group: Columns) -> Column:
    return [hashlib.sha256(value).digest() for value in _whole(group.at(reader, bytes), count)]


def _read_text(reader: ColumnReader, count: int, _: Columns) -> Column:
    return list(read_texts(reader, count))


def _read_integers(reader: ColumnReader, count: int, group: Columns) -> Column:
    return list(read_numbers(reader, count, group.integers() if count == group.count else ()))


def _read_bytes(reader: ColumnReader, count: int, _: Columns) -> Column:
    return [reader.take_bytes(size) for size in _sizes(reader, count)]


def _read_utf8(reader: ColumnReader, count: int, _: Columns) -> Column:
    return [reader.take_utf8(size) for size in _sizes(reader, count)]


def _sizes(reader: ColumnReader, count: int) -> list[int]:
    sizes = read_numbers(reader, count)
    if not 0 <= min(sizes, default=0) <= max(sizes, default=0) <= _BYTES_MAX:
        raise Malformed("byte sizes that do not fit")
    return sizes


def _read_byte_codes(reader: ColumnReader, count: int, group: Columns) -> Column:
    known = reader.number(1, COUNT_MAX)
    codes = reader.take_bytes(count)
    return look_up(_read_bytes(reader, known, group), codes)


def _whole(column: Column, count: int) -> Column:
    if len(column) != count:
        raise Malformed("a reference to a column of another length")
    return column


_READERS: tuple[Callable[[ColumnReader, int, Columns], Column], ...] = (
    _read_constant,
    _read_plain,
    _read_same,
    _read_mostly,
    _read_digest,
    _read_text,
    _read_integers,
    _read_bytes,
    _read_byte_codes,
    _read_utf8,
)
