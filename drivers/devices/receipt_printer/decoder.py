"""Bytes of a job back to what a person sees on the paper. Pure; used by the twin and by tests.

It prints as a plain printer does: Chinese only in Chinese mode, only characters of GBK. What a ROM lacks
shows as □, Chinese sent in Latin mode as the garbage it would be.
"""

from typing import Final

import msgspec

from drivers.devices.receipt_printer import commands
from drivers.devices.receipt_printer.commands import Order, Splitter, Text, Token
from drivers.devices.receipt_printer.raster import Picture

NOT_IN_ROM: Final = "□"
INLINE: Final = "▦"
LINE_BYTES_MAX: Final = 4096
LINES_MAX: Final = 2000


class Paper(msgspec.Struct, frozen=True):
    """One piece of paper between two cuts: what is read on it, its pictures, what its QR codes hold."""

    lines: tuple[str, ...]
    pictures: tuple[Picture, ...] = ()
    qr: tuple[str, ...] = ()
    cut: bool = True

    @property
    def text(self) -> str:
        """All lines in one string; pictures and QR codes stand as marks in brackets."""
        return "\n".join(self.lines)


class Typesetter:
    """Takes tokens one by one and gives back each paper when it is cut."""

    def __init__(self) -> None:
        self._chinese = False
        self._line = bytearray()
        self._marks: list[str] = []
        self._lines: list[str] = []
        self._pictures: list[Picture] = []
        self._qr: list[str] = []
        self._stored = ""

    @property
    def lines_printed(self) -> int:
        """Lines on the paper that is not cut yet."""
        return len(self._lines)

    def take(self, token: Token) -> Paper | None:
        """Print one token; the paper, if this cut it."""
        if isinstance(token, Text):
            self._line += token.raw
            if len(self._line) > LINE_BYTES_MAX:
                self._end_line()
        elif isinstance(token, Order):
            paper = self._obey(token)
            if paper is not None:
                return paper
        return self._finish(cut=False) if len(self._lines) > LINES_MAX else None

    def torn_off(self) -> Paper | None:
        """What is on the paper without a cut, taken away; None when it is blank."""
        if self._line:
            self._end_line()
        if not self._lines:
            return None
        return self._finish(cut=False)

    def _obey(self, order: Order) -> Paper | None:
        name, rest = order.name, order.rest
        if name in {commands.CHINESE_ON, commands.CHINESE_OFF, commands.INITIALISE}:
            self._spell()
            self._chinese = name == commands.CHINESE_ON
        elif name == b"\n":
            self._end_line()
        elif name == b"\x1bd":
            self._lines += [""] * rest[0]
        elif name == b"\x1b*":
            self._spell()
            self._marks.append(INLINE)
        elif name == b"\x1dv":
            self._raster(rest)
        elif name == b"\x1d(" and rest[:1] == b"k":
            self._qr_order(rest[3:])
        elif name in {b"\x1dV", b"\x1bi", b"\x1bm"}:
            return self._cut()
        return None

    def _cut(self) -> Paper:
        if self._line or self._marks:
            self._end_line()
        return self._finish(cut=True)

    def _raster(self, rest: bytes) -> None:
        across, down = int.from_bytes(rest[2:4], "little"), int.from_bytes(rest[4:6], "little")
        self._pictures.append(Picture(across, down, rest[6:]))
        self._lines.append(f"[raster:{across * 8}x{down}]")

    def _qr_order(self, body: bytes) -> None:
        if body[:3] == b"1P0":
            self._stored = body[3:].decode(errors="replace")
        elif body[:2] == b"1Q":
            self._qr.append(self._stored)
            self._lines.append(f"[qr:{self._stored}]")

    def _spell(self) -> None:
        """Read the bytes so far in the mode they were sent in."""
        if not self._line:
            return
        if self._chinese:
            self._marks.append(_from_rom(bytes(self._line)))
        else:
            self._marks.append(self._line.decode("latin-1"))
        self._line.clear()
        if len(self._marks) > LINE_BYTES_MAX:
            self._marks.clear()

    def _end_line(self) -> None:
        self._spell()
        self._lines.append("".join(self._marks))
        self._marks.clear()

    def _finish(self, *, cut: bool) -> Paper:
        paper = Paper(tuple(self._lines), tuple(self._pictures), tuple(self._qr), cut)
        self._lines.clear()
        self._pictures.clear()
        self._qr.clear()
        return paper


def _from_rom(raw: bytes) -> str:
    try:
        return raw.decode("gbk")
    except UnicodeDecodeError:
        return "".join(mark if _in_gbk(mark) else NOT_IN_ROM for mark in raw.decode("gb18030", "replace"))


def _in_gbk(mark: str) -> bool:
    try:
        mark.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True


def papers(job: bytes) -> list[Paper]:
    """The papers a job makes, the last perhaps uncut."""
    splitter, typesetter = Splitter(), Typesetter()
    found = [paper for token in splitter.feed(job) if (paper := typesetter.take(token)) is not None]
    rest = typesetter.torn_off()
    return found if rest is None else [*found, rest]


def decode(job: bytes) -> list[str]:
    """The lines of a job as a person reads them; pictures, QR codes and cuts as marks in brackets."""
    lines: list[str] = []
    for paper in papers(job):
        lines += [*paper.lines, *(["[cut]"] if paper.cut else [])]
    return lines
