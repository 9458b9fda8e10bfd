"""Columns of integers: the cheapest of a few shapes, judged by the entropy of their byte planes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from operator import sub
from typing import TypeVar

from sync.codec.stream import COUNT_MAX, ColumnReader, ColumnWriter, planes_of
from sync.errors import Malformed

_STEP, _OFFSETS, _DELTAS, _CODES, _PACKED, _AGAINST = range(6)
_LOW, _HIGH = -(2**63), 2**63 - 1
_BITS_MAX = 63
_MARK_BYTES = 4  # a rough price for one more mark
_SYMBOL_BYTES = 0.3  # and for one more symbol in the table; measured
_REPEATED = 16

_WEIGHT = [0.0, *(count * math.log2(count) for count in range(1, COUNT_MAX + 1))]

Earlier = Sequence[list[int]]
_T = TypeVar("_T")


def write_numbers(writer: ColumnWriter, values: list[int], earlier: Earlier = ()) -> None:
    """Write at most 256 integers of 64 bits.

    `earlier` are whole columns of the same length already written, to count from.
    """
    steps = list(map(sub, values[1:], values))
    if not steps or (steps[0] == steps[-1] and steps.count(steps[0]) == len(steps)):
        writer.mark(_STEP, values[0] if values else 0, steps[0] if steps else 0)
        return
    codes = _codes(values)
    if len(set(values)) * _REPEATED <= len(values):  # cheap enough: looking further costs more than it saves
        codes[0][1](writer)
        return
    shapes = [_offsets(values), _deltas(values[0], steps), *codes, *_packed(values)]
    # From a column of one value it is never cheaper to count than from the lowest of these.
    shapes += [_against(place, values, other) for place, other in enumerate(earlier) if not _even(other)]
    min(shapes, key=lambda shape: shape[0])[1](writer)


def read_numbers(reader: ColumnReader, count: int, earlier: Earlier = ()) -> list[int]:
    """Read `count` integers back; raises `Malformed`."""
    return _READERS[reader.number(0, len(_READERS) - 1)](reader, count, earlier)


_Shape = tuple[float, Callable[[ColumnWriter], None]]
"""What it costs in bytes, roughly, and how to write it."""


def _offsets(values: list[int], *marks: int) -> _Shape:
    low = min(values)
    rest = [value - low for value in values]

    def write(writer: ColumnWriter) -> None:
        writer.mark(*(marks or (_OFFSETS,)), low)
        writer.add_numbers(rest)

    return _cost(rest) + _MARK_BYTES * (1 + len(marks)), write


def _deltas(first: int, steps: list[int]) -> _Shape:
    return _offsets(steps, _DELTAS, first)


def _against(place: int, values: list[int], other: list[int]) -> _Shape:
    return _offsets(list(map(sub, values, other)), _AGAINST, place)


def _codes(values: list[int]) -> list[_Shape]:
    if len(set(values)) * 2 > len(values):
        return []
    table, codes = coded(values)
    low = min(table)

    def write(writer: ColumnWriter) -> None:
        writer.mark(_CODES, len(table))
        write_numbers(writer, table)
        writer.add_bytes(codes)

    return [(_entropy(codes) + _cost([value - low for value in table]) + _MARK_BYTES * 2, write)]


def _packed(values: list[int]) -> list[_Shape]:
    low = min(values)
    bits = (max(values) - low).bit_length()
    if bits > _BITS_MAX:
        return []
    size = (bits * len(values) + 7) // 8

    def write(writer: ColumnWriter) -> None:
        joined = "".join([format(value - low, f"0{bits}b") for value in values])
        writer.mark(_PACKED, low, bits)
        writer.add_bytes(int(joined, 2).to_bytes(size, "big"))

    return [(size + _MARK_BYTES, write)]


def _cost(values: Sequence[int]) -> float:
    return sum(map(_entropy, planes_of(values))) if max(values).bit_length() <= _BITS_MAX else math.inf


def _even(values: Sequence[int]) -> bool:
    """Whether all values are one."""
    return values.count(values[0]) == len(values)


def _entropy(plane: bytes) -> float:
    """Bytes an ideal code of single symbols would take, with its table."""
    if _even(plane):
        return _SYMBOL_BYTES
    counts = Counter(plane)
    spread = sum([_WEIGHT[count] for count in counts.values()])
    return (_WEIGHT[len(plane)] - spread) / 8 + _SYMBOL_BYTES * len(counts)


def _read_step(reader: ColumnReader, count: int, _: Earlier) -> list[int]:
    first, step = reader.number(_LOW, _HIGH), reader.number(2 * _LOW, 2 * _HIGH)
    return [first + place * step for place in range(count)]


def _read_offsets(reader: ColumnReader, count: int, _: Earlier) -> list[int]:
    low = reader.number(2 * _LOW, 2 * _HIGH)
    return [low + rest for rest in reader.take_numbers(count)]


def _read_deltas(reader: ColumnReader, count: int, _: Earlier) -> list[int]:
    value = reader.number(_LOW, _HIGH)
    values = [value]
    for step in _read_offsets(reader, max(count - 1, 0), ()):
        value += step
        values.append(value)
    return values[:count]


def _read_codes(reader: ColumnReader, count: int, _: Earlier) -> list[int]:
    known = reader.number(1, COUNT_MAX)
    reader.deeper()
    table = read_numbers(reader, known)
    reader.higher()
    return look_up(table, reader.take_bytes(count))


def _read_packed(reader: ColumnReader, count: int, _: Earlier) -> list[int]:
    low, bits = reader.number(_LOW, _HIGH), reader.number(1, _BITS_MAX)
    whole = int.from_bytes(reader.take_bytes((bits * count + 7) // 8), "big")
    digits = format(whole, f"0{bits * count}b")
    if len(digits) != bits * count:
        raise Malformed("packed numbers with a rest")
    return [low + int(digits[at : at + bits], 2) for at in range(0, len(digits), bits)]


def _read_against(reader: ColumnReader, count: int, earlier: Earlier) -> list[int]:
    other = earlier[reader.number(0, len(earlier) - 1)]
    return [base + rest for base, rest in zip(other, _read_offsets(reader, count, ()), strict=True)]


def coded(values: list[_T]) -> tuple[list[_T], bytes]:
    """The different values in the order they come, and the place of each value among them.

    Raises ValueError where there are more than a code of one byte can name.
    """
    table = list(dict.fromkeys(values))
    return table, bytes(map(dict(zip(table, range(len(table)), strict=True)).__getitem__, values))


def look_up(table: list[_T], codes: bytes) -> list[_T]:
    """The value behind each code."""
    try:
        return list(map(table.__getitem__, codes))
    except IndexError as error:
        raise Malformed("a code that stands for nothing") from error


_READERS: tuple[Callable[[ColumnReader, int, Earlier], list[int]], ...] = (
    _read_step,
    _read_offsets,
    _read_deltas,
    _read_codes,
    _read_packed,
    _read_against,
)
