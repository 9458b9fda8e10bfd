"""What a job looks like on paper: its bytes interpreted as a plain printer does, dot by dot, for eyes and tests.

The ROM's characters are drawn with the fonts the encoder uses for rare ones. A line that is wider than the paper
is an assertion: a real printer would break it anywhere.
"""

import segno
from PIL import Image, ImageDraw

from drivers.devices.receipt_printer.abilities import COLUMN_DOTS, Columns
from drivers.devices.receipt_printer.commands import CHINESE_ON, Order, Splitter, Text
from drivers.devices.receipt_printer.layout import width
from drivers.devices.receipt_printer.raster import LINE_DOTS, Picture, draw_line

MARGIN = 24
NOT_IN_ROM = "□"


class Plotter:
    """Takes orders one by one; `paper` is the whole strip, cuts as dashed lines."""

    def __init__(self, columns: Columns) -> None:
        self.dots = columns * COLUMN_DOTS
        self.bands: list[Image.Image] = []
        self._line: list[tuple[str, bool]] = []
        self._images: list[tuple[int, Image.Image]] = []
        self._chinese = False
        self._align, self._bold, self._size = 0, False, 1
        self._module, self._content = 4, ""

    def take(self, token: object) -> None:
        """Print one text or order."""
        if isinstance(token, Text):
            self._line.append((token.raw.decode("gb18030" if self._chinese else "latin-1"), self._chinese))
        elif isinstance(token, Order):
            self._obey(token.name, token.rest)

    def paper(self) -> Image.Image:
        """Everything printed so far, with the margins of the roll."""
        height = sum(band.height for band in self.bands)
        strip = Image.new("L", (self.dots + 2 * MARGIN, height + 2 * MARGIN), 255)
        top = MARGIN
        for band in self.bands:
            strip.paste(band, (MARGIN, top))
            top += band.height
        return strip

    def _obey(self, name: bytes, rest: bytes) -> None:
        match name:
            case b"\n":
                self._end_line()
            case b"\x1ba" | b"\x1bE" | b"\x1d!" | b"\x1c&" | b"\x1c.":
                self._switch(name, rest)
            case b"\x1bd":
                self.bands += [self._blank(LINE_DOTS)] * rest[0]
            case b"\x1dv":
                across, down = int.from_bytes(rest[2:4], "little"), int.from_bytes(rest[4:6], "little")
                self._band(_image(Picture(across, down, rest[6:])), 0)
            case b"\x1b*":
                at = COLUMN_DOTS * sum(width(text) for text, _ in self._line)
                self._images.append((at, _columns(rest[3:])))
            case b"\x1d(":
                self._qr(rest[3:])
            case b"\x1dV":
                self.bands.append(self._torn())

    def _switch(self, name: bytes, rest: bytes) -> None:
        """One of the styles that stay until they are changed."""
        match name:
            case b"\x1ba":
                self._align = rest[0]
            case b"\x1bE":
                self._bold = bool(rest[0])
            case b"\x1d!":
                self._size = 1 + (rest[0] & 7)
            case _:
                self._chinese = name == CHINESE_ON

    def _end_line(self) -> None:
        text = "".join(_rom(part) if chinese else part for part, chinese in self._line)
        wide = width(text) * self._size * COLUMN_DOTS
        assert wide <= self.dots, f"wider than the paper: {text}"
        band = self._blank(LINE_DOTS * self._size)
        if text:
            drawn = draw_line(text, 0, bold=self._bold, size=self._size)
            band.paste(_image(drawn), ((self.dots - wide) * self._align // 2, 0))
        for at, held in self._images:
            band.paste(held, (at, 0))
        self.bands.append(band)
        self._line.clear()
        self._images.clear()

    def _qr(self, body: bytes) -> None:
        if body[:2] == b"1C":
            self._module = body[2]
        elif body[:3] == b"1P0":
            self._content = body[3:].decode()
        elif body[:2] == b"1Q":
            made = segno.make(self._content, error="l", micro=False, boost_error=False)
            rows = tuple(made.matrix)
            small = Image.frombytes(
                "L", (len(rows),) * 2, bytes(255 * (1 - bit) for row in rows for bit in row)
            )
            code = small.resize((len(rows) * self._module,) * 2, Image.Resampling.NEAREST)
            self._band(code, (self.dots - code.width) // 2)

    def _band(self, image: Image.Image, left: int) -> None:
        assert left + image.width <= self.dots, "wider than the paper"
        band = self._blank(image.height)
        band.paste(image, (left, 0))
        self.bands.append(band)

    def _blank(self, height: int) -> Image.Image:
        return Image.new("L", (self.dots, height), 255)

    def _torn(self) -> Image.Image:
        band = self._blank(LINE_DOTS)
        pen = ImageDraw.Draw(band)
        for x in range(0, self.dots, 16):
            pen.line((x, LINE_DOTS // 2, x + 8, LINE_DOTS // 2), fill=128)
        return band


def _image(picture: Picture) -> Image.Image:
    return Image.frombytes("1", (picture.across * 8, picture.down), picture.bits, "raw", "1;I").convert("L")


def _columns(bits: bytes) -> Image.Image:
    """An image inside a line: columns of 24 dots, three bytes each."""
    held = Image.new("L", (len(bits) // 3, 24), 255)
    for x in range(held.width):
        column = int.from_bytes(bits[3 * x : 3 * x + 3], "big")
        for y in range(24):
            if column >> (23 - y) & 1:
                held.putpixel((x, y), 0)
    return held


def _rom(text: str) -> str:
    """What a ROM of GBK makes of a text."""
    return "".join(
        mark if mark.encode("gb18030") == mark.encode("gbk", "ignore") else NOT_IN_ROM for mark in text
    )


def plot(job: bytes, columns: Columns) -> Image.Image:
    """The picture of a whole job on paper of that many columns. AssertionError where it does not fit."""
    plotter = Plotter(columns)
    for token in Splitter().feed(job):
        plotter.take(token)
    return plotter.paper()
