"""Columns of text: repeated values as codes, and the shapes hall work is full of.

Resident numbers lose their check digit and become a region code and 27 bits; hexadecimal becomes bytes;
serial numbers become a head and a counter; Chinese names become codes into their own small alphabet.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sync.codec import residents
from sync.codec.numbers import coded, look_up, read_numbers, write_numbers
from sync.codec.stream import COUNT_MAX, ColumnReader, ColumnWriter
from sync.errors import Malformed

_CODES, _JOINED, _SIZED, _HEX, _COUNTED, _RESIDENT, _PARTED, _ALPHABET = range(8)
_BREAK = "\n"
_HEXADECIMAL = re.compile(r"(?:[0-9a-f]{2})+")
_TAIL_MAX = 15
_DIGITS = "0123456789"
_PARTED_SHARE = 4  # worth two columns from a quarter on
_REPEATED_SHARE = 0.75
_UNICODE_END = 0x10FFFF


def write_texts(writer: ColumnWriter, values: list[str]) -> None:
    """Write at most 256 texts."""
    table, codes = coded(values)
    if len(table) <= len(values) * _REPEATED_SHARE:
        writer.mark(_CODES, len(table))
        _write_distinct(writer, table)
        writer.add_bytes(codes)
    else:
        _write_distinct(writer, values)


def read_texts(reader: ColumnReader, count: int) -> list[str]:
    """Read `count` texts back; raises `Malformed` or `LimitExceeded`."""
    shape = reader.number(0, len(_READERS) - 1)
    reader.deeper()
    values = _READERS[shape](reader, count)
    reader.higher()
    return values


def _write_distinct(writer: ColumnWriter, values: list[str]) -> None:
    numbers = residents.CHARACTERS in map(len, values)
    parts = residents.take_apart(values) if numbers else [None] * len(values)
    found = [part for part in parts if part is not None]
    if values and len(found) == len(values):
        _write_residents(writer, found)
    elif len(found) * _PARTED_SHARE >= len(values) > 0:
        writer.mark(_PARTED)
        writer.add_bytes(bytes([part is None for part in parts]))
        _write_residents(writer, found)
        write_texts(writer, [text for text, part in zip(values, parts, strict=True) if part is None])
    else:
        _write_plain(writer, values)


def _write_plain(writer: ColumnWriter, values: list[str]) -> None:
    if _write_hexadecimal(writer, values) or _write_counted(writer, values):
        return
    joined = _BREAK.join(values)
    if joined.count(_BREAK) != len(values) - 1:  # a value holds the separator, or there is no value
        writer.mark(_SIZED)
        write_numbers(writer, [len(value) for value in values])
        writer.add_text("".join(values))
        return
    alphabet = sorted(set(joined))
    if joined.isascii() or len(alphabet) > COUNT_MAX:
        writer.mark(_JOINED)
        writer.add_text(joined)
        return
    codes = {letter: code for code, letter in enumerate(alphabet)}
    writer.mark(_ALPHABET, len(alphabet), len(joined))
    write_numbers(writer, [ord(letter) for letter in alphabet])
    writer.add_bytes(bytes([codes[letter] for letter in joined]))


def _write_hexadecimal(writer: ColumnWriter, values: list[str]) -> bool:
    width = len(values[0]) if values else 1
    if width % 2 or any(len(value) != width for value in values):
        return False
    joined = "".join(values)
    if not _HEXADECIMAL.fullmatch(joined):
        return False
    writer.mark(_HEX, width // 2)
    writer.add_bytes(bytes.fromhex(joined))
    return True


def _write_counted(writer: ColumnWriter, values: list[str]) -> bool:
    """Serial numbers: few heads, digits at the end."""
    if not all(value and value[-1] in _DIGITS for value in values):
        return False
    cuts = [max(len(value.rstrip(_DIGITS)), len(value) - _TAIL_MAX) for value in values]
    heads = [value[:cut] for value, cut in zip(values, cuts, strict=True)]
    if len(set(heads)) * _PARTED_SHARE > len(values):
        return False
    writer.mark(_COUNTED)
    write_texts(writer, heads)
    write_numbers(writer, [len(value) - cut for value, cut in zip(values, cuts, strict=True)])
    write_numbers(writer, [int(value[cut:]) for value, cut in zip(values, cuts, strict=True)])
    return True


def _write_residents(writer: ColumnWriter, parts: list[residents.Resident]) -> None:
    writer.mark(_RESIDENT)
    write_texts(writer, [region for region, _ in parts])
    write_numbers(writer, [rest for _, rest in parts])


def _read_codes(reader: ColumnReader, count: int) -> list[str]:
    table = read_texts(reader, reader.number(1, COUNT_MAX))
    return look_up(table, reader.take_bytes(count))


def _read_joined(reader: ColumnReader, count: int) -> list[str]:
    return _parted_text(reader.take_text(), count)


def _read_sized(reader: ColumnReader, count: int) -> list[str]:
    sizes, text = read_numbers(reader, count), reader.take_text()
    if sum(sizes) != len(text) or min(sizes, default=0) < 0:
        raise Malformed("text sizes that do not fit")
    values, at = [], 0
    for size in sizes:
        values.append(text[at : at + size])
        at += size
    return values


def _read_hexadecimal(reader: ColumnReader, count: int) -> list[str]:
    width = reader.number(1, 2**20)
    digits = reader.take_bytes(width * count).hex()
    return [digits[at : at + 2 * width] for at in range(0, len(digits), 2 * width)]


def _read_counted(reader: ColumnReader, count: int) -> list[str]:
    heads, widths, tails = read_texts(reader, count), read_numbers(reader, count), read_numbers(reader, count)
    if widths and not (
        0 < min(widths) <= max(widths) <= _TAIL_MAX and 0 <= min(tails) <= max(tails) < 10**_TAIL_MAX
    ):
        raise Malformed("a counter that is none")
    return [f"{head}{tail:0{width}}" for head, width, tail in zip(heads, widths, tails, strict=True)]


def _read_residents(reader: ColumnReader, count: int) -> list[str]:
    regions = read_texts(reader, count)
    return residents.put_together(list(zip(regions, read_numbers(reader, count), strict=True)))


def _read_parted(reader: ColumnReader, count: int) -> list[str]:
    flags = reader.take_bytes(count)
    others = flags.count(1)
    if others + flags.count(0) != count:
        raise Malformed("a flag that is none")
    first, second = iter(read_texts(reader, count - others)), iter(read_texts(reader, others))
    return [next(second if flag else first) for flag in flags]


def _read_alphabet(reader: ColumnReader, count: int) -> list[str]:
    known, length = reader.number(1, COUNT_MAX), reader.number(0, 2**20)
    points = read_numbers(reader, known)
    if not all(0 <= point <= _UNICODE_END for point in points):
        raise Malformed("a letter outside Unicode")
    letters = look_up([chr(point) for point in points], reader.take_bytes(length))
    return _parted_text("".join(letters), count)


def _parted_text(joined: str, count: int) -> list[str]:
    values = joined.split(_BREAK)
    if len(values) != count:
        raise Malformed("another number of texts")
    return values


_READERS: tuple[Callable[[ColumnReader, int], list[str]], ...] = (
    _read_codes,
    _read_joined,
    _read_sized,
    _read_hexadecimal,
    _read_counted,
    _read_residents,
    _read_parted,
    _read_alphabet,
)
