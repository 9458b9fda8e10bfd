import io

import pytest
from PIL import Image

from drivers.devices.receipt_printer import raster
from drivers.devices.receipt_printer.abilities import COLUMN_DOTS
from drivers.devices.receipt_printer.raster import LINE_DOTS, Picture, draw_line


def ink(picture, left, right):
    """Black dots between two columns of dots."""
    image = Image.open(io.BytesIO(picture.png())).convert("L")
    return sum(1 for x in range(left, right) for y in range(picture.down) if not image.getpixel((x, y)))


def test_a_picture_is_black_where_its_bits_are_set():
    image = Image.open(io.BytesIO(Picture(1, 2, b"\x80\x01").png())).convert("L")
    black = {(x, y) for x in range(8) for y in range(2) if image.getpixel((x, y)) == 0}
    assert black == {(0, 0), (7, 1)}


@pytest.mark.parametrize("mark", ["䶮", "𠮷", "㛃", "𪚥"])
def test_g18_rare_characters_are_drawn_each_its_own_way(mark):
    assert raster.missing(mark) == []
    picture = draw_line(mark, 0, bold=False, size=1)
    assert (picture.across * 8, picture.down) == (2 * COLUMN_DOTS, LINE_DOTS)
    assert 60 < ink(picture, 0, 24) < 400
    assert picture != draw_line("王", 0, bold=False, size=1)


def test_each_character_stands_in_its_cell():
    picture = draw_line("A王 𠮷", 2, bold=False, size=1)
    assert picture.across * 8 >= (2 + 1 + 2 + 1 + 2) * COLUMN_DOTS
    blank = [ink(picture, 0, 24), ink(picture, 60, 72)]
    filled = [ink(picture, 24, 36), ink(picture, 36, 60), ink(picture, 72, 96)]
    assert blank == [0, 0]
    assert all(dots > 20 for dots in filled)


def test_bold_is_blacker_and_double_is_larger():
    plain = draw_line("䶮", 0, bold=False, size=1)
    bold = draw_line("䶮", 0, bold=True, size=1)
    double = draw_line("䶮", 0, bold=False, size=2)
    assert ink(bold, 0, 24) > 1.2 * ink(plain, 0, 24)
    assert (double.across, double.down) == (plain.across * 2, plain.down * 2)
    assert ink(double, 0, 48) > 2 * ink(plain, 0, 24)


def test_a_combining_mark_stands_on_the_character_before_it():
    with_mark = draw_line("e\u0301", 0, bold=False, size=1)
    assert with_mark.across == draw_line("e", 0, bold=False, size=1).across
    assert ink(with_mark, 0, 16) > ink(draw_line("e", 0, bold=False, size=1), 0, 16)


def test_a_character_no_font_holds_is_a_box_with_its_code_point():
    unknown = "\U000e0101\U000f1234"
    assert raster.missing(unknown[1]) == [unknown[1]]
    one, two = (draw_line(mark, 0, bold=False, size=1) for mark in ("\U000f1234", "\U000f5678"))
    assert ink(one, 0, 24) > 100
    assert one != two


def test_fontconfig_is_asked_for_exactly_the_family(monkeypatch):
    assert raster._by_fontconfig("No Such Family") is None
    found = raster._by_fontconfig("Noto Sans Mono CJK SC")
    assert found is not None
    assert found[0].endswith(".ttc")
    monkeypatch.setenv("PATH", "/nowhere")
    assert raster._by_fontconfig("Noto Sans Mono CJK SC") is None
