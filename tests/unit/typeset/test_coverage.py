"""Coverage of fonts, read from fonts that are made up byte by byte."""

import struct
from pathlib import Path

import pytest

from edge.typeset.coverage import Coverage, of_fonts


def font(path: Path, *subtables: bytes, tag: bytes = b"cmap") -> Path:
    """A file with a table directory and one table, which is enough to read a cmap."""
    head = 4 + 8 * len(subtables)
    rows, at = b"", head
    for subtable in subtables:
        rows += struct.pack(">HHI", 3, 10, at)
        at += len(subtable)
    table = struct.pack(">HH", 0, len(subtables)) + rows + b"".join(subtables)
    offset = 12 + 16
    path.write_bytes(
        struct.pack(">IHHHH", 0x00010000, 1, 0, 0, 0)
        + struct.pack(">4sIII", tag, 0, offset, len(table))
        + table
    )
    return path


def format_12(*groups: tuple[int, int]) -> bytes:
    body = b"".join(struct.pack(">III", first, last, 1) for first, last in groups)
    return struct.pack(">HHIII", 12, 0, 16 + len(body), 0, len(groups)) + body


def format_4(first: int, last: int, glyphs: list[int] | None = None) -> bytes:
    twice = 4
    reach = 4 if glyphs else 0
    body = struct.pack(">HHH", 4, 0, 0) + struct.pack(">HHHH", twice, 0, 0, 0)
    body += struct.pack(">HH", last, 0xFFFF) + struct.pack(">H", 0) + struct.pack(">HH", first, 0xFFFF)
    body += struct.pack(">HH", 0, 1) + struct.pack(">HH", reach, 0)
    return body + b"".join(struct.pack(">H", glyph) for glyph in glyphs or [])


def test_spans_of_several_fonts_are_one_coverage(tmp_path):
    held = of_fonts(
        [font(tmp_path / "a", format_12((0x4E00, 0x4E10))), font(tmp_path / "b", format_4(0x41, 0x5A))]
    )
    assert "一" in held
    assert "A" in held
    assert "B" in held
    assert "a" not in held
    assert "䶮" not in held


def test_a_hole_in_a_segment_is_not_covered(tmp_path):
    held = of_fonts([font(tmp_path / "a", format_4(0x41, 0x43, [7, 0, 9]))])
    assert ["A" in held, "B" in held, "C" in held] == [True, False, True]


def test_a_file_that_is_no_font_is_refused(tmp_path):
    with pytest.raises(ValueError, match="cmap"):
        of_fonts([font(tmp_path / "a", tag=b"glyf")])


def test_missing_characters_are_replaced_and_named_while_format_marks_vanish():
    held = Coverage([(ord("一"), ord("一")), (ord(" "), ord("~"))])
    assert held.legible("一x𠮷\u200b\t一") == ("一x〓 一", {"𠮷"})
    assert held.legible("一\n一") == ("一\n一", set())


def test_touching_spans_are_merged():
    held = Coverage([(5, 9), (0, 4), (7, 20)])
    assert [chr(point) in held for point in (0, 4, 5, 20, 21)] == [True, True, True, True, False]
