"""Characters a printer's ROM does not hold, drawn as dots with the fonts of the system.

Each character stands in its cell, 12 dots to the column, so that a drawn line sits under its printed
neighbours. Fonts: Noto Sans Mono CJK SC (Debian fonts-noto-cjk), then Hanazono (fonts-hanazono) for what it
lacks. What no font holds is drawn as a box with its code point, which a person can still look up.
"""

import io
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from drivers.devices.receipt_printer.abilities import COLUMN_DOTS
from drivers.devices.receipt_printer.layout import cell_width

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

LINE_DOTS: Final = 30
GLYPH_DOTS: Final = 24
BASELINE: Final = 21
INK: Final = 110
FONTS: Final = (
    ("Noto Sans Mono CJK SC", "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 7),
    ("HanaMinB", "/usr/share/fonts/truetype/hanazono/HanaMinB.ttf", 0),
    ("HanaMinA", "/usr/share/fonts/truetype/hanazono/HanaMinA.ttf", 0),
)
QR_MASK: Final = 3
NO_CHARACTER: Final = "\U0010fffe"
FC_MATCH_S: Final = 5


class Picture(msgspec.Struct, frozen=True):
    """Black dots on paper: `across` bytes a row, most significant bit left, 1 = black."""

    across: int
    down: int
    bits: bytes

    def png(self) -> bytes:
        """The picture as a PNG file, black on white."""
        from PIL import Image

        held = Image.frombytes("1", (self.across * 8, self.down), self.bits, "raw", "1;I")
        out = io.BytesIO()
        held.save(out, "PNG")
        return out.getvalue()


def draw_line(text: str, offset: int, *, bold: bool, size: int) -> Picture:
    """One line of text as dots, beginning `offset` columns in, at `size` times the size."""
    from PIL import Image, ImageDraw

    columns = offset + size * sum(map(cell_width, text))
    across = -(-columns * COLUMN_DOTS // 8)
    canvas = Image.new("L", (across * 8, LINE_DOTS * size), 0)
    pen = ImageDraw.Draw(canvas)
    column = last = offset
    for mark in text:
        at = column if cell_width(mark) else last  # a combining mark stands on the character before it
        _draw(pen, mark, at * COLUMN_DOTS, bold=bold, size=size)
        column, last = column + size * cell_width(mark), at
    return _picture(canvas)


def draw_qr(content: str, module: int, across_dots: int) -> Picture:
    """A QR code of error correction L in the middle of `across_dots`, each module `module` dots wide."""
    import segno
    from PIL import Image

    # A fixed mask: trying all eight takes most of the time, and any mask decodes.
    made = segno.make(
        content, error="l", micro=False, boost_error=False, mode="byte", encoding="utf-8", mask=QR_MASK
    )
    rows = tuple(made.matrix)
    small = Image.frombytes("L", (len(rows), len(rows)), bytes(255 * bit for row in rows for bit in row))
    side = len(rows) * module
    canvas = Image.new("L", (across_dots, side), 0)
    canvas.paste(small.resize((side, side), Image.Resampling.NEAREST), ((across_dots - side) // 2, 0))
    return _picture(canvas)


def missing(text: str) -> list[str]:
    """The characters of a text that no font here holds."""
    return [mark for mark in text if _font_for(mark) is None]


def _draw(pen: "ImageDraw", mark: str, left: int, *, bold: bool, size: int) -> None:
    if mark == " ":
        return
    which = _font_for(mark)
    if which is None:
        _draw_code(pen, mark, left, size)
        return
    face = _face(which, GLYPH_DOTS * size)
    for shift in range(1 + bold * size):
        pen.text((left + shift, BASELINE * size), mark, fill=255, font=face, anchor="ls")


def _draw_code(pen: "ImageDraw", mark: str, left: int, size: int) -> None:
    """A box holding the code point in hexadecimal, in two rows."""
    from PIL import ImageFont

    code = f"{ord(mark):06X}"
    small = ImageFont.load_default(9 * size)
    pen.rectangle((left, 0, left + (GLYPH_DOTS - 2) * size, GLYPH_DOTS * size - 1), outline=255)
    for row, part in enumerate((code[:3], code[3:])):
        pen.text((left + 2 * size, (1 + 11 * row) * size), part, fill=255, font=small)


def _picture(canvas: "Image") -> Picture:
    dots = canvas.point(lambda ink: 255 if ink >= INK else 0).convert("1")
    return Picture(canvas.width // 8, canvas.height, dots.tobytes())


@lru_cache(maxsize=4096)
def _font_for(mark: str) -> int | None:
    """Which of the fonts found holds the character, or None."""
    for which in range(len(font_files())):
        face = _face(which, GLYPH_DOTS)
        if _dots(face, mark) != _dots(face, NO_CHARACTER):
            return which
    return None


def _dots(face: "FreeTypeFont", mark: str) -> tuple[tuple[int, int], bytes]:
    mask = face.getmask(mark)
    return mask.size, bytes(mask)


@lru_cache(maxsize=16)
def _face(which: int, dots: int) -> "FreeTypeFont":
    from PIL import ImageFont

    path, index = font_files()[which]
    return ImageFont.truetype(path, dots, index=index)


@lru_cache(maxsize=1)
def font_files() -> tuple[tuple[str, int], ...]:
    """The fonts that are there, as (file, face): Debian's places first, then whatever fontconfig names."""
    found = [(path, index) if Path(path).is_file() else _by_fontconfig(name) for name, path, index in FONTS]
    return tuple(font for font in found if font is not None)


def _by_fontconfig(name: str) -> tuple[str, int] | None:
    """Ask fc-match; its nearest guess counts only when it is the family asked for."""
    program = shutil.which("fc-match")
    if program is None:
        return None
    asked = [program, "-f", "%{file}\n%{index}\n%{family}", name]
    answer = subprocess.run(  # noqa: S603 - a fixed program with a fixed name, no shell
        asked, capture_output=True, text=True, timeout=FC_MATCH_S, check=False
    )
    lines = answer.stdout.splitlines()
    if len(lines) < 3 or name not in lines[2] or not lines[1].isdigit():  # noqa: PLR2004 - as asked for above
        return None
    return lines[0], int(lines[1])
