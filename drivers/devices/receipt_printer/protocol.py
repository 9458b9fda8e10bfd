"""ESC/POS for slips in Chinese: a builder to bytes, bytes back to text, and real-time status. Pure.

Chinese goes out as GB18030 bytes behind FS & (never trusting the printer's power-on mode). A line that holds
a character outside GBK (䶮 𠮷 㛃) goes out as raster dots, because printer ROMs lack it. No text, whatever it
holds, can become an order: control characters are spaces.
"""

from collections.abc import Callable
from typing import Final, Literal, Self

import msgspec

from drivers.devices.receipt_printer import commands, raster
from drivers.devices.receipt_printer.abilities import Abilities
from drivers.devices.receipt_printer.decoder import INLINE, decode
from drivers.devices.receipt_printer.layout import clean, is_rare, width, wrap
from drivers.devices.receipt_printer.raster import Picture
from drivers.errors import Garbled
from drivers.ports import PaperLevel, PrinterState
from matters.model import Words

Align = Literal["left", "centre", "right"]
Draw = Callable[..., Picture]

__all__ = ["Slip", "decode", "parse_status"]

ALIGN: Final[dict[Align, int]] = {"left": 0, "centre": 1, "right": 2}
QR_MODULE: Final = 4
QR_CAPACITY: Final = (
    *(17, 32, 53, 78, 106, 134, 154, 192, 230, 271, 321, 367, 425, 458, 520, 586),
    *(644, 718, 792, 858, 929, 1003, 1091, 1171, 1273, 1367, 1465, 1528, 1628, 1732, 1840, 1952),
)
"""Bytes a QR code of version 1 … 32 holds at error correction L."""
STATUS_NUMBERS: Final = (1, 2, 3, 4)
SIZE_MAX: Final = 2
ASCII_SIZE_MAX: Final = 4
IMAGE_ROWS: Final = 24
TEAR_LINES: Final = 4
PLAIN: Final = Abilities()


class Slip:
    """Builds one job for a printer that can do `able`. Methods return the builder.

    `bytes(slip)` is the job, `slip.lines` what a person will read. Long lines wrap by display width; what the
    printer cannot do by itself is done another way, or said.
    """

    def __init__(self, able: Abilities = PLAIN, *, draw: Draw = raster.draw_line) -> None:
        assert able.legible, "a printer without Chinese and without dots prints no slips"
        self.able = able
        self.columns = able.columns
        self.lines: list[str] = []
        self._draw = draw
        self._out = bytearray(commands.INITIALISE)
        self._chinese = False
        self._style: tuple[Align, bool, int] = ("left", False, 1)

    def text(self, text: str, *, align: Align = "left", bold: bool = False, size: int = 1) -> Self:
        """One or more lines of text; a newline begins a new one. `size` 2 doubles width and height.

        Sizes above 2 are for ASCII: a ROM doubles Chinese at most.
        """
        assert 1 <= size <= (ASCII_SIZE_MAX if text.isascii() else SIZE_MAX)
        for paragraph in text.split("\n"):
            for line in wrap(self._spelled(paragraph), self.columns // size):
                self._line(line, align, bold=bold, size=size)
        return self

    def pair(self, left: str, right: str, *, bold: bool = False) -> Self:
        """A name left and its value right, on one line if they fit, else the value indented below."""
        left, right = self._spelled(left), self._spelled(right)
        gap = self.columns - width(left) - width(right)
        if gap >= 1:
            return self.text(left + " " * gap + right, bold=bold)
        return self.text(left, bold=bold).hanging("  ", right, bold=bold)

    def hanging(self, head: str, text: str, *, bold: bool = False) -> Self:
        """A text behind a head (`1. `, blanks); its further lines stand under its first."""
        for line in wrap(self._spelled(text), self.columns - width(head)):
            self.text(head + line, bold=bold)
            head = " " * width(head)
        return self

    def rule(self, mark: str = "-") -> Self:
        """A line across the paper."""
        return self.text(mark * (self.columns // width(mark)))

    def feed(self, lines: int = 1) -> Self:
        """Blank lines."""
        assert 0 <= lines <= 255  # noqa: PLR2004 - one byte
        self._out += b"\x1bd" + bytes((lines,))
        self.lines += [""] * lines
        return self

    def qr(self, content: str, *, module: int = QR_MODULE) -> Self:
        """A QR code in the middle; `module` is the side of one square in dots, less if the paper is narrow.

        At most 1,952 bytes: more would be unreadable on 80 mm. Asserts `able.codes`.
        """
        assert self.able.codes
        stored = content.encode()
        version = 1 + next(at for at, most in enumerate(QR_CAPACITY) if len(stored) <= most)
        module = min(module, self.able.dots // (17 + 4 * version))
        if not self.able.qr:
            return self.picture(raster.draw_qr(content, module, self.able.dots))
        self._set("centre", bold=False, size=1)
        for body in (b"1A2\x00", b"1C" + bytes((module,)), b"1E0", b"1P0" + stored, b"1Q0"):
            self._out += b"\x1d(k" + len(body).to_bytes(2, "little") + body
        self.lines.append(f"[qr:{content}]")
        return self

    def picture(self, picture: Picture) -> Self:
        """Raster dots, left-aligned."""
        self._set("left", bold=False, size=1)
        self._out += _raster(picture)
        self.lines.append(f"[raster:{picture.across * 8}x{picture.down}]")
        return self

    def compare(self, mark: str) -> Self:
        """One line of the test page: a code point, the character as the ROM prints it, and as dots."""
        self._set("left", bold=False, size=1)
        self._chinese_on()
        label = f"U+{ord(mark):05X}".ljust(12)
        rom = mark.encode("gb18030")
        gap = " " * (12 - width(mark))
        dots = _column_image(
            self._draw(mark, 0, bold=False, size=1)
        )  # inside a line, so that the two stand together
        self._out += label.encode() + rom + gap.encode() + dots + b"\n"
        self.lines.append(f"{label}{mark}{gap}{INLINE}")
        return self

    def cut(self) -> Self:
        """Feed to the knife and cut; without a knife far enough to be torn off."""
        if self._chinese:
            self._out += commands.CHINESE_OFF
            self._chinese = False
        if not self.able.cut:
            return self.feed(TEAR_LINES)
        self._out += commands.CUT_FEED
        self.lines.append("[cut]")
        return self

    def __bytes__(self) -> bytes:
        return bytes(self._out)

    def _line(self, line: str, align: Align, *, bold: bool, size: int) -> None:
        self.lines.append(line)
        if any(map(is_rare, line)) or not (self.able.chinese or line.isascii()):
            self._set("left", bold=False, size=1)
            room = self.columns - size * width(line)
            offset = {"left": 0, "centre": room // 2, "right": room}[align]
            self._out += _raster(self._draw(line, offset, bold=bold, size=size))
            return
        self._set(align, bold=bold, size=size)
        if not line.isascii():
            self._chinese_on()
        self._out += line.encode("gb18030") + b"\n"

    def _spelled(self, text: str) -> str:
        """One line without control characters; where nothing can be drawn, rare characters as code points."""
        text = clean(text)
        if self.able.raster:
            return text
        return "".join(f"〔{ord(mark):04X}〕" if is_rare(mark) else mark for mark in text)

    def _chinese_on(self) -> None:
        if not self._chinese:
            self._out += commands.CHINESE_ON
            self._chinese = True

    def _set(self, align: Align, *, bold: bool, size: int) -> None:
        """Send only what changes."""
        was_align, was_bold, was_size = self._style
        if align != was_align:
            self._out += b"\x1ba" + bytes((ALIGN[align],))
        if bold != was_bold:
            self._out += b"\x1bE" + bytes((bold,))
        if size != was_size:
            self._out += b"\x1d!" + bytes(((size - 1) * 0x11,)) + b"\x1cW" + bytes((size > 1,))
        self._style = (align, bold, size)


def _raster(picture: Picture) -> bytes:
    head = b"\x1dv0\x00" + picture.across.to_bytes(2, "little") + picture.down.to_bytes(2, "little")
    return head + _harmless(picture.bits)


def _column_image(picture: Picture) -> bytes:
    """The first 24 rows as an image inside a line of text: column by column, three bytes each."""
    columns = []
    for at in range(picture.across * 8):
        bits = [picture.bits[row * picture.across + at // 8] >> (7 - at % 8) & 1 for row in range(IMAGE_ROWS)]
        columns.append(int("".join(map(str, bits)), 2).to_bytes(3, "big"))
    return b"\x1b*\x21" + len(columns).to_bytes(2, "little") + _harmless(b"".join(columns))


def _harmless(bits: bytes) -> bytes:
    """Dots without the byte pairs a printer would take for real-time orders in mid-picture."""
    for mark in (b"\x10\x04", b"\x10\x05", b"\x10\x14"):
        bits = bits.replace(mark, bytes((0x10, mark[1] | 0x08)))  # one dot more, seen by nobody
    return bits


def status_request(number: int) -> bytes:
    """DLE EOT n: answered at once, in the middle of a job too. n = 1 printer, 2 cause, 3 error, 4 paper."""
    assert number in STATUS_NUMBERS
    return bytes((0x10, 0x04, number))


def is_status(byte: int) -> bool:
    """Whether a byte can be an answer to DLE EOT (bits 1 and 4 set, 0 and 7 clear)."""
    return byte & 0x93 == 0x12  # noqa: PLR2004 - the mask of every manual


def is_order_status(byte: int) -> bool:
    """Whether a byte can be an answer to GS r (bits 4 and 7 clear)."""
    return byte & 0x90 == 0


class Shown(msgspec.Struct, frozen=True):
    """What the clerk is told about one state."""

    words: Words
    next: Words


_NOTHING = Words(zh="无需操作。", en="Nothing to do.")
_POWER = Words(zh="请关机 5 秒后重开。", en="Switch the printer off for 5 seconds.")
SHOWN: Final[dict[str, Shown]] = {
    "ok": Shown(Words(zh="打印机就绪。", en="The printer is ready."), _NOTHING),
    "near-end": Shown(
        Words(zh="纸将用尽。", en="Paper is nearly out."),
        Words(zh="请备好新纸卷。", en="Have a new roll at hand."),
    ),
    "out": Shown(
        Words(zh="打印机缺纸。", en="The printer is out of paper."),
        Words(zh="请装入新纸卷并合上机盖。", en="Put in a new roll and close the cover."),
    ),
    "cover": Shown(
        Words(zh="打印机机盖未合上。", en="The printer's cover is open."),
        Words(zh="请合上机盖。", en="Close the cover."),
    ),
    "cutter": Shown(
        Words(zh="切刀卡住。", en="The cutter is jammed."),
        Words(zh="请关机，取出卡纸后重开。", en="Switch off, remove the jammed paper, switch on."),
    ),
    "recoverable": Shown(
        Words(zh="打印头过热或暂时故障。", en="The print head is hot or in a passing fault."), _POWER
    ),
    "unrecoverable": Shown(
        Words(zh="打印机故障。", en="The printer is broken."),
        Words(zh="请关机并报修，暂用其他打印机。", en="Switch it off, call for repair, use another printer."),
    ),
    "offline": Shown(
        Words(zh="打印机脱机。", en="The printer is offline."),
        Words(zh="请按打印机上的联机键。", en="Press the online key on the printer."),
    ),
    "line": Shown(
        Words(zh="打印机失去联系。", en="The printer cannot be reached."),
        Words(zh="请检查电源和连接线。", en="Check power and cable."),
    ),
}


_FAULTS: Final[tuple[tuple[int, Literal["cutter", "recoverable", "unrecoverable"]], ...]] = (
    (0x20, "unrecoverable"),
    (0x08, "cutter"),
    (0x40, "recoverable"),
)


def parse_status(answers: bytes) -> PrinterState:
    """The state from the four answers to DLE EOT 1 … 4. Raises Garbled when one cannot be such an answer."""
    if len(answers) != len(STATUS_NUMBERS) or not all(map(is_status, answers)):
        raise Garbled(f"status answers {answers.hex(' ')}")
    printer, cause, error, sensor = answers
    paper: PaperLevel = "out" if sensor & 0x60 or cause & 0x20 else "near-end" if sensor & 0x0C else "ok"
    fault: Literal["none", "cutter", "recoverable", "unrecoverable"] = "none"
    for bit, name in _FAULTS:
        if error & bit:
            fault = name
            break
    cover_open = bool(cause & 0x04)
    online = not printer & 0x08
    key = "cover" if cover_open else "out" if paper == "out" else fault if fault != "none" else ""
    shown = SHOWN[key or ("offline" if not online else paper)]
    return PrinterState(
        online=online, paper=paper, cover_open=cover_open, fault=fault, words=shown.words, next=shown.next
    )


def unreachable() -> PrinterState:
    """The state when nothing more is heard."""
    shown = SHOWN["line"]
    return PrinterState(online=False, paper="unknown", fault="line", words=shown.words, next=shown.next)


def status_answers(state: PrinterState) -> bytes:
    """The four bytes a printer in this state answers (for the twin)."""
    stopped = state.paper == "out"
    printer = 0x12 | (0 if state.online else 0x08)
    cause = 0x12 | (0x04 if state.cover_open else 0) | (0x20 if stopped else 0)
    error = 0x12 | next((bit for bit, name in _FAULTS if name == state.fault), 0)
    sensor = {"ok": 0x12, "near-end": 0x1E, "out": 0x7E, "unknown": 0x12}[state.paper]
    return bytes((printer, cause, error, sensor))
