"""What the columns of a frame are written to and read from: marks, text, and planes, each in one order.

Marks are small CBOR values (which coding, how many, from where). Text and planes are pools of bytes, so
that each compresses with its own statistics. Numbers are kept as byte planes (all lowest bytes, then the
next …): high planes are nearly constant and cost nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from sync.errors import LimitExceeded, Malformed

COUNT_MAX = 256
"""Values in one column; a code is one byte."""
_WIDTH_MAX = 8
_NESTED_MAX = 8


class ColumnWriter:
    """Collects marks and pools of one frame; `dictionary` is the one it is compressed over.

    Whoever has a dictionary reads every shape that was there when it was made.
    """

    def __init__(self, dictionary: int = 0) -> None:
        self.dictionary = dictionary
        self.marks: list[Any] = []
        self.text: list[bytes] = []
        self.planes: list[bytes] = []

    def mark(self, *values: Any) -> None:
        """Note what the reader needs to know next."""
        self.marks.extend(values)

    def add_text(self, text: str) -> None:
        """Keep text; its length becomes a mark."""
        part = text.encode()
        self.marks.append(len(part))
        self.text.append(part)

    def add_utf8(self, part: bytes) -> None:
        """Keep bytes that are text, whose number the reader knows."""
        self.text.append(part)

    def add_bytes(self, part: bytes) -> None:
        """Keep codes or random bytes, whose number the reader knows."""
        self.planes.append(part)

    def add_numbers(self, values: Sequence[int]) -> None:
        """Keep numbers from 0 to 2^64 - 1 as byte planes; their width becomes a mark."""
        planes = planes_of(values)
        self.marks.append(len(planes))
        self.planes.extend(planes)


class ColumnReader:
    """Gives marks and pools back in order; raises `Malformed` when a column asks for more than there is."""

    def __init__(self, marks: Sequence[Any], text: bytes, planes: bytes) -> None:
        self._marks, self._text, self._planes = marks, text, planes
        self._marks_at = self._text_at = self._planes_at = 0
        self._nested = 0

    def mark(self) -> Any:
        """The next mark, of any type."""
        if self._marks_at == len(self._marks):
            raise Malformed("columns end early")
        self._marks_at += 1
        return self._marks[self._marks_at - 1]

    def number(self, low: int, high: int) -> int:
        """The next mark, an integer from `low` to `high`."""
        value = self.mark()
        if type(value) is not int or not low <= value <= high:
            raise Malformed(f"a column mark that is not between {low} and {high}")
        return value

    def take_text(self) -> str:
        """The next text."""
        try:
            return self.take_utf8(self.number(0, len(self._text) - self._text_at)).decode()
        except UnicodeDecodeError as error:
            raise Malformed("text that is not UTF-8") from error

    def take_utf8(self, length: int) -> bytes:
        """The next bytes that are text."""
        part = self._text[self._text_at : self._text_at + length]
        if len(part) != length:
            raise Malformed("text ends early")
        self._text_at += length
        return part

    def take_bytes(self, length: int) -> bytes:
        """The next codes or random bytes."""
        part = self._planes[self._planes_at : self._planes_at + length]
        if len(part) != length:
            raise Malformed("planes end early")
        self._planes_at += length
        return part

    def take_numbers(self, count: int) -> list[int]:
        """`count` numbers from byte planes."""
        width = self.number(0, _WIDTH_MAX)
        if not width:
            return [0] * count
        planes = self.take_bytes(count * width)
        whole = bytearray(count * _WIDTH_MAX)
        for plane in range(width):
            whole[plane::_WIDTH_MAX] = planes[plane * count : (plane + 1) * count]
        return list(struct.unpack(f"<{count}Q", whole))

    def deeper(self) -> None:
        """Enter a column inside a column; `LimitExceeded` where no writer nests."""
        self._nested += 1
        if self._nested > _NESTED_MAX:
            raise LimitExceeded("columns nested too deep")

    def higher(self) -> None:
        """Leave it again."""
        self._nested -= 1

    def finish(self) -> None:
        """Raise `Malformed` unless everything was taken."""
        ends = (len(self._marks), len(self._text), len(self._planes))
        if (self._marks_at, self._text_at, self._planes_at) != ends:
            raise Malformed("columns with a rest")


def planes_of(values: Sequence[int]) -> list[bytes]:
    """Byte planes of numbers from 0 to 2^64 - 1, the lowest first; none when all are 0."""
    width = (max(values, default=0).bit_length() + 7) // 8
    whole = struct.pack(f"<{len(values)}Q", *values)
    return [whole[plane::_WIDTH_MAX] for plane in range(width)]
