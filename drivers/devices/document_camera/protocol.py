"""JPEG pictures in a stream, and the kernel's video requests (V4L2) as bytes. Pure.

A picture begins FF D8 FF, then come segments (FF, mark, 2 bytes of length big endian), and after the segment
FF DA the scan, in which FF is followed by 00 or a restart mark, until FF D9. Requests as in linux/videodev2.h
on 64 bits.
"""

import struct
from io import BytesIO
from typing import Final

import msgspec
from PIL import Image, UnidentifiedImageError

from drivers.errors import Garbled
from drivers.wires.listening import Damage, Finder

START: Final = b"\xff\xd8\xff"
PICTURE_BYTES_MAX: Final = 16 * 1024 * 1024
SHOOT: Final = b"\x05"  # ENQ: what a camera that knows no V4L2 is asked for a picture with
_SCAN: Final = 0xDA
_END: Final = 0xD9
_LEAD: Final = 0xFF
_ALONE: Final = frozenset((0x01, *range(0xD0, 0xD8)))
_IN_SCAN: Final = frozenset((0x00, 0xFF, *range(0xD0, 0xD8)))
_LENGTH_BYTES: Final = 2
_MARKS: Final = frozenset(range(0xC0, 0xFF)) - {0xD8}

QUERYCAP: Final = 0x80685600
S_FMT: Final = 0xC0D05605
REQBUFS: Final = 0xC0145608
QUERYBUF: Final = 0xC0585609
QBUF: Final = 0xC058560F
DQBUF: Final = 0xC0585611
STREAMON: Final = 0x40045612
STREAMOFF: Final = 0x40045613
CAPTURE: Final = 1
BY_MAP: Final = 1
CAN_CAPTURE: Final = 0x00000001
CAN_STREAM: Final = 0x04000000
HAS_OWN: Final = 0x80000000
MJPG: Final = 0x47504A4D
JPEG: Final = 0x4745504A
_CAPABILITY: Final = struct.Struct("<16s32s32sIII12x")
_FORMAT: Final = struct.Struct("<I4xIII188x")
_BUFFERS: Final = struct.Struct("<III8x")
_BUFFER: Final = struct.Struct("<IIIII4x16s16sIIQI12x")


class Ability(msgspec.Struct, frozen=True):
    """What a video device says it is."""

    card: str
    pictures: bool


def query_ability() -> bytes:
    """The block for QUERYCAP, to be filled by the kernel."""
    return bytes(_CAPABILITY.size)


def parse_ability(block: bytes) -> Ability:
    """What the kernel said: the device's name, and whether it gives pictures by streaming."""
    _, card, _, _, whole, own = _CAPABILITY.unpack(block)
    able = own if whole & HAS_OWN else whole
    wanted = CAN_CAPTURE | CAN_STREAM
    return Ability(card.split(b"\0")[0].decode("utf-8", "replace"), able & wanted == wanted)


def set_format(width: int, height: int) -> bytes:
    """The block for S_FMT: motion JPEG in this size; the kernel answers with what it took."""
    return _FORMAT.pack(CAPTURE, width, height, MJPG)


def parse_format(block: bytes) -> tuple[int, int, bool]:
    """Width, height, and whether it is JPEG."""
    _, width, height, pixels = _FORMAT.unpack(block)
    return width, height, pixels in {MJPG, JPEG}


def ask_buffers(count: int) -> bytes:
    """The block for REQBUFS."""
    return _BUFFERS.pack(count, CAPTURE, BY_MAP)


def buffer(index: int) -> bytes:
    """The block for QUERYBUF, QBUF and DQBUF."""
    return _BUFFER.pack(index, CAPTURE, 0, 0, 0, bytes(16), bytes(16), 0, BY_MAP, 0, 0)


def parse_buffer(block: bytes) -> tuple[int, int, int, int]:
    """Index, bytes used, offset for mmap, length."""
    found = _BUFFER.unpack(block)
    return found[0], found[2], found[9] & 0xFFFFFFFF, found[10]


class Pictures(Finder[bytes]):
    """Finds pictures in whatever arrives, in pieces of any size; holds at most one unfinished of 16 MiB."""

    def __init__(self) -> None:
        super().__init__()
        self._at = 0
        self._scanning = False

    def reset(self) -> None:
        """Forget everything held."""
        super().reset()
        self._begin()

    def feed(self, chunk: bytes) -> list[bytes | Damage]:
        """What the bytes so far amount to, in order; bytes before a picture are passed over."""
        found = super().feed(chunk)
        if len(self._held) > PICTURE_BYTES_MAX:
            self.reset()
            found.append(Damage("a picture without an end"))
        return found

    def _next(self) -> bytes | Damage | None:
        if not self._at:
            self._seek()
        if not self._held.startswith(START):
            return None
        while (end := self._step()) == 0:
            continue
        if end is None:
            return None
        picture = bytes(self._held[: max(end, 0)])
        del self._held[: end if end > 0 else 1]
        self._begin()
        return picture if end > 0 else Damage("no picture after its start")

    def _step(self) -> int | None:
        """One segment on: 0 to go on, the end of the picture, -1 for damage, None for more bytes wanted."""
        return self._in_scan() if self._scanning else self._segment()

    def _segment(self) -> int | None:
        held, at = self._held, self._at
        if len(held) < at + _LENGTH_BYTES:
            return None
        lead, mark = held[at], held[at + 1]
        if lead != _LEAD or mark == _END:
            return at + 2 if lead == _LEAD else -1
        if mark == _LEAD or mark in _ALONE:
            self._at += 1 if mark == _LEAD else 2
            return 0
        return self._jump(mark) if mark in _MARKS else -1

    def _jump(self, mark: int) -> int | None:
        """Over a segment with a length."""
        at = self._at + 2
        if len(self._held) < at + _LENGTH_BYTES:
            return None
        length = int.from_bytes(self._held[at : at + _LENGTH_BYTES], "big")
        if length < _LENGTH_BYTES:
            return -1
        self._scanning = mark == _SCAN
        self._at = at + length
        return 0

    def _in_scan(self) -> int | None:
        at = self._held.find(_LEAD, self._at)
        if at < 0:
            self._at = max(self._at, len(self._held))
            return None
        if at + 1 >= len(self._held):
            self._at = at
            return None
        self._scanning = self._held[at + 1] in _IN_SCAN
        self._at = at + (1 if self._held[at + 1] == _LEAD else 2) if self._scanning else at
        return 0

    def _seek(self) -> None:
        """Drop what cannot be the start of a picture."""
        at = self._held.find(START)
        if at < 0:
            kept = next((size for size in (2, 1) if self._held.endswith(START[:size])), 0)
            at = len(self._held) - kept
        del self._held[:at]
        self._begin()
        if self._held.startswith(START):
            self._at = 2

    def _begin(self) -> None:
        self._at = 0
        self._scanning = False


def check_picture(picture: bytes) -> tuple[int, int]:
    """Width and height of a picture that can be drawn whole. Raises Garbled for anything else."""
    try:
        with Image.open(BytesIO(picture), formats=("JPEG",)) as image:
            image.load()
            return image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, UnidentifiedImageError) as wrong:
        raise Garbled(f"picture of {len(picture)} bytes: {type(wrong).__name__}") from None
