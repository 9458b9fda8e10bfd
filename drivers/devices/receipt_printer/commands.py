"""ESC/POS orders by name, and a splitter that finds them in a stream. Pure.

The tables serve both ways: the encoder takes its bytes from here, the decoder its lengths.
"""

import re
from collections.abc import Callable
from typing import Final

import msgspec

INITIALISE: Final = b"\x1b@"
CHINESE_ON: Final = b"\x1c&"
CHINESE_OFF: Final = b"\x1c."
CUT_FEED: Final = b"\x1dVB\x00"
PAPER_STATUS: Final = b"\x1dr\x01"
RECOVER: Final = b"\x10\x05\x02"  # and forget what waits; 01 would go on with a job nobody trusts any more
PAYLOAD_BYTES_MAX: Final = 256 * 1024
RASTER_HEAD: Final = 8
QR_HEAD: Final = 5

_FIXED: Final[dict[bytes, int]] = {
    **dict.fromkeys((b"\x1b@", b"\x1b2", b"\x1bi", b"\x1bm", b"\x1bL", b"\x1bS", b"\x1c&", b"\x1c."), 0),
    **{
        b"\x1b" + mark: 1 for mark in (b"a", b"E", b"!", b"d", b"J", b"3", b"t", b"R", b"M", b"G", b"-", b" ")
    },
    **{b"\x1b" + mark: 1 for mark in (b"V", b"{", b"=", b"r", b"e", b"K")},
    **{b"\x1b" + mark: 2 for mark in (b"$", b"\\", b"c")},
    b"\x1bp": 3,
    **{b"\x1c" + mark: 1 for mark in (b"!", b"W", b"-", b"C")},
    b"\x1cS": 2,
    b"\x1c2": 74,
    **{b"\x1d" + mark: 1 for mark in (b"!", b"a", b"r", b"B", b"h", b"w", b"H", b"f", b"I", b"b")},
    **{b"\x1d" + mark: 2 for mark in (b"L", b"W", b"P", b"$", b"\\")},
    b"\x10\x04": 1,
    b"\x10\x05": 1,
    b"\x10\x14": 3,
}
_COLUMN_BYTES: Final = {0: 1, 1: 1, 32: 3, 33: 3}
_CUT_WITH_FEED: Final = frozenset((65, 66, 97, 98, 103, 104))
_LEADS: Final = frozenset(b"\x10\x1b\x1c\x1d")
_SPACE: Final = 0x20
_CONTROL: Final = re.compile(rb"[\x00-\x1f]")


class Text(msgspec.Struct, frozen=True):
    """Bytes to print: a part of a line, perhaps ending in half a character."""

    raw: bytes


class Order(msgspec.Struct, frozen=True):
    """One whole order: its two bytes and what follows them; a lone control byte is an order of one byte."""

    name: bytes
    rest: bytes = b""


class Strange(msgspec.Struct, frozen=True):
    """Bytes that are no order this printer knows; they print nothing."""

    raw: bytes


Token = Text | Order | Strange


def _column_image(held: bytes) -> int | None:
    if len(held) < 5:  # noqa: PLR2004 - ESC * m nL nH
        return None
    return 3 + int.from_bytes(held[3:5], "little") * _COLUMN_BYTES.get(held[2], 1)


def _raster(held: bytes) -> int | None:
    if len(held) < RASTER_HEAD:
        return None
    across, down = int.from_bytes(held[4:6], "little"), int.from_bytes(held[6:8], "little")
    return RASTER_HEAD - 2 + across * down


def _counted(held: bytes) -> int | None:
    return None if len(held) < QR_HEAD else 3 + int.from_bytes(held[3:5], "little")


def _cut(held: bytes) -> int | None:
    if len(held) < 3:  # noqa: PLR2004 - GS V m
        return None
    return 2 if held[2] in _CUT_WITH_FEED else 1


def _barcode(held: bytes) -> int | None:
    if len(held) < 4:  # noqa: PLR2004 - GS k m n
        return None
    if held[2] > 6:  # noqa: PLR2004 - forms A end in NUL, forms B carry their length
        return 2 + held[3]
    end = held.find(b"\0", 3)
    return end - 1 if end > 0 else None


_SIZED: Final[dict[bytes, Callable[[bytes], int | None]]] = {
    b"\x1b*": _column_image,
    b"\x1dv": _raster,
    b"\x1d(": _counted,
    b"\x1c(": _counted,
    b"\x1dV": _cut,
    b"\x1dk": _barcode,
}


class Splitter:
    """Splits a stream into tokens, in pieces of any size.

    Holds one unfinished order at most: under `PAYLOAD_BYTES_MAX` and a few bytes. A longer one is Strange.
    """

    def __init__(self) -> None:
        self._held = bytearray()

    @property
    def pending(self) -> int:
        """Bytes of an order that is not complete yet."""
        return len(self._held)

    def reset(self) -> None:
        """Forget a half order, as a printer does when its power goes."""
        self._held.clear()

    def feed(self, chunk: bytes) -> list[Token]:
        """The tokens that are complete now."""
        self._held += chunk
        tokens: list[Token] = []
        while self._held and (token := self._next()) is not None:
            tokens.append(token)
        return tokens

    def _next(self) -> Token | None:
        first = self._held[0]
        if first >= _SPACE:
            return self._text()
        if first not in _LEADS:
            return Order(self._take(1))
        if len(self._held) < 2:  # noqa: PLR2004 - an order has two bytes
            return None
        return self._order(bytes(self._held[:2]))

    def _text(self) -> Text:
        control = _CONTROL.search(self._held)
        return Text(self._take(control.start() if control else len(self._held)))

    def _order(self, name: bytes) -> Token | None:
        length = _FIXED.get(name)
        if length is None:
            if name not in _SIZED:
                return Strange(self._take(2))
            length = _SIZED[name](bytes(self._held[:PAYLOAD_BYTES_MAX]))
            if length is None:
                return Strange(self._take(2)) if len(self._held) >= PAYLOAD_BYTES_MAX else None
        if length > PAYLOAD_BYTES_MAX:
            return Strange(self._take(2))
        if len(self._held) < 2 + length:
            return None
        return Order(name, self._take(2 + length)[2:])

    def _take(self, count: int) -> bytes:
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken
