"""Which characters the installed fonts can draw, read from their `cmap` tables.

PDF/A refuses a character no font has, and a rare name must not stop a report: such a character is printed as
〓 and named by its code point in a note. Rules of the tables: ISO/IEC 14496-22, `cmap` formats 4 and 12.
"""

import struct
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

STAND_IN = "〓"
"""Printed in place of a character that no font has (geta mark U+3013)."""

Span = tuple[int, int]


class Coverage:
    """The characters of some fonts as merged spans of code points, both ends included."""

    def __init__(self, spans: Iterable[Span]) -> None:
        merged: list[Span] = []
        for first, last in sorted(spans):
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        self._firsts = [first for first, _ in merged]
        self._lasts = [last for _, last in merged]

    def __contains__(self, character: str) -> bool:
        point = ord(character)
        at = bisect_right(self._firsts, point) - 1
        return at >= 0 and point <= self._lasts[at]

    def legible(self, text: str) -> tuple[str, set[str]]:
        """`text` with every undrawable character replaced, and the characters that were.

        Control and format characters are no writing: they become a space (control) or vanish (format).
        """
        missing = {c for c in text if c not in self and unicodedata.category(c) not in {"Cc", "Cf"}}
        return "".join(self._drawn(c, missing) for c in text), missing

    def _drawn(self, character: str, missing: set[str]) -> str:
        if character in missing:
            return STAND_IN
        category = unicodedata.category(character)
        if category == "Cf":
            return ""
        return " " if category == "Cc" and character != "\n" else character


def of_fonts(paths: Iterable[Path]) -> Coverage:
    """The coverage of font files (TTF, OTF, TTC). Raises OSError, or ValueError for what is no font."""
    spans: list[Span] = []
    for path in paths:
        with path.open("rb") as file:
            spans.extend(_spans(file))
    return Coverage(spans)


def _spans(file: BinaryIO) -> Iterator[Span]:
    """Spans of the first face; the faces of a CJK collection differ in shape, not in characters."""
    start = 0
    if file.read(4) == b"ttcf":
        file.seek(12)
        (start,) = struct.unpack(">I", file.read(4))
    file.seek(start + 4)
    (tables,) = struct.unpack(">H", file.read(2))
    file.seek(start + 12)
    for _ in range(tables):
        tag, _, offset, length = struct.unpack(">4sIII", file.read(16))
        if tag == b"cmap":
            file.seek(offset)
            yield from _cmap(file.read(length))
            return
    raise ValueError("a font without a cmap table")


def _cmap(table: bytes) -> Iterator[Span]:
    (count,) = struct.unpack_from(">H", table, 2)
    for row in range(count):
        _, _, offset = struct.unpack_from(">HHI", table, 4 + 8 * row)
        (layout,) = struct.unpack_from(">H", table, offset)
        if layout == 12:  # noqa: PLR2004 the format's own number
            yield from _segmented(table, offset)
        elif layout == 4:  # noqa: PLR2004 the format's own number
            yield from _basic_plane(table, offset)


def _segmented(table: bytes, offset: int) -> Iterator[Span]:
    (groups,) = struct.unpack_from(">I", table, offset + 12)
    for row in range(groups):
        first, last, _ = struct.unpack_from(">III", table, offset + 16 + 12 * row)
        yield first, last


def _basic_plane(table: bytes, offset: int) -> Iterator[Span]:
    """Format 4. A segment with a glyph table may hold holes; those glyphs are looked up one by one."""
    (twice,) = struct.unpack_from(">H", table, offset + 6)
    ends, starts = offset + 14, offset + 16 + twice
    for row in range(0, twice, 2):
        (last,) = struct.unpack_from(">H", table, ends + row)
        (first,) = struct.unpack_from(">H", table, starts + row)
        (reach,) = struct.unpack_from(">H", table, starts + 2 * twice + row)
        if not reach:
            yield first, min(last, 0xFFFE)
            continue
        glyphs = starts + 2 * twice + row + reach
        for point in range(first, min(last, 0xFFFE) + 1):
            if struct.unpack_from(">H", table, glyphs + 2 * (point - first))[0]:
                yield point, point
