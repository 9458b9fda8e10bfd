"""Frames of Onbon (仰邦) LED controllers, K series: real-time text, ping, delete; both ways. Pure.

    A5 × 8 | header 14 | command | CRC16 lo hi | 5A

CRC16 (polynomial A001 reflected, start 0) runs over header and command before escaping: A5 → A6 02,
A6 → A6 01, 5A → 5B 02, 5B → 5B 01. Numbers are little endian. Other series have other headers: each is a
driver of its own. Sources: domain.md, section 4.3; the fields of A3 06 as several public programs send them.
"""

import struct
from typing import Final

import msgspec

from drivers.errors import DriverError, Faulty, Garbled
from drivers.wires.listening import Damage
from matters.model import Words

START: Final = b"\xa5" * 8
START_MIN: Final = 1  # a controller may lose some of the eight
END: Final = 0x5A
FRAME_BYTES_MAX: Final = 4096
TEXT_BYTES_MAX: Final = 1024
HEADER: Final = struct.Struct("<HH5xBBBH")
AREA: Final = struct.Struct("<BHHHHBBBHBBBBBBBBBI")
HOST: Final = 0x8000
ANY_SCREEN: Final = 0xFFFE
ANY_DEVICE: Final = 0xFE
VERSION: Final = 0x02
ANSWER_WANTED: Final = 0x01
PING: Final = b"\xa2\x00"
SHOW: Final = b"\xa3\x06"
ACK: Final = b"\xa0\x00"
NACK: Final = b"\xa0\x01"
STATIC: Final = 1
SCROLL_LEFT: Final = 3
PIXELS: Final = 0x8000  # x and width count pixels; without it, bytes of eight
ONE_LINE: Final = 1
WRAP: Final = 2
_ESCAPES: Final = {0xA5: b"\xa6\x02", 0xA6: b"\xa6\x01", 0x5A: b"\x5b\x02", 0x5B: b"\x5b\x01"}
_PLAIN: Final = {escaped: byte for byte, escaped in _ESCAPES.items()}
_CRC_BYTES: Final = 2
_CODE_BYTES: Final = 2
_REQUEST_BYTES: Final = 7
_SIZE_BYTES: Final = 2

ERRORS: Final[dict[int, tuple[str, str]]] = {
    1: ("命令组不对", "unknown group of commands"),
    2: ("没有这个命令", "unknown command"),
    3: ("控制器忙", "the controller is busy"),
    4: ("存储空间不足", "its memory is full"),
    5: ("校验不对", "wrong check sum"),
    7: ("控制器没有字库", "it has no fonts"),
    11: ("区域超出屏幕", "the area is larger than the screen"),
}


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """One area of a screen and the text in it, in pixels."""

    width: int
    height: int
    text: str
    number: int = 0
    x: int = 0
    y: int = 0
    display: int = STATIC
    speed: int = 4
    stay_s: int = 0


class Packet(msgspec.Struct, frozen=True):
    """A whole frame whose check sum was right: to whom, from whom, and the command with what follows it."""

    to: int
    sender: int
    command: bytes


def crc16(raw: bytes) -> int:
    """CRC-16 with polynomial A001, reflected, start 0."""
    crc = 0
    for byte in raw:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def frame(command: bytes, *, to: int = ANY_SCREEN, sender: int = HOST) -> bytes:
    """The bytes on the wire for a command."""
    inner = HEADER.pack(to, sender, 0, ANY_DEVICE, VERSION, len(command)) + command
    inner += crc16(inner).to_bytes(_CRC_BYTES, "little")
    return START + b"".join(_ESCAPES.get(byte, bytes((byte,))) for byte in inner) + bytes((END,))


def ping() -> bytes:
    """Is a controller there?"""
    return PING + bytes((ANSWER_WANTED, 0, 0))


def show(*areas: Area, clear: bool = False) -> bytes:
    """Show areas at once; with `clear` the areas before are deleted. What GBK lacks is shown as `?`."""
    parts = [SHOW + bytes((ANSWER_WANTED, 0, 0, 0xFF if clear else 0, len(areas)))]
    for area in areas:
        text = area.text.encode("gbk", "replace")[:TEXT_BYTES_MAX]
        fixed = AREA.pack(
            *(0, area.x | PIXELS, area.y, area.width | PIXELS, area.height, area.number, 0, 0, 0),
            *(0, 0, 0, ONE_LINE, WRAP, area.display, 0, area.speed, area.stay_s, len(text)),
        )
        parts.append((len(fixed) + len(text)).to_bytes(_SIZE_BYTES, "little") + fixed + text)
    return b"".join(parts)


def parse_areas(command: bytes) -> tuple[list[Area], bool]:
    """What a `show` command shows and whether it clears (for the twin). Raises Garbled."""
    if len(command) < _REQUEST_BYTES or command[:_CODE_BYTES] != SHOW:
        raise Garbled("no text to show")
    areas = []
    at = _REQUEST_BYTES
    for _ in range(command[6]):
        size = int.from_bytes(command[at : at + _SIZE_BYTES], "little")
        block = command[at + _SIZE_BYTES : at + _SIZE_BYTES + size]
        if len(block) != size or size < AREA.size:
            raise Garbled("an area ends early")
        areas.append(_area(block))
        at += _SIZE_BYTES + size
    return areas, command[5] != 0


def _area(block: bytes) -> Area:
    found = AREA.unpack_from(block)
    text = block[AREA.size :]
    if len(text) != found[-1]:
        raise Garbled("an area's text ends early")
    return Area(
        x=found[1] & ~PIXELS,
        y=found[2],
        width=found[3] & ~PIXELS,
        height=found[4],
        number=found[5],
        display=found[14],
        speed=found[16],
        stay_s=found[17],
        text=text.decode("gbk", "replace"),
    )


def answer(code: bytes, error: int = 0) -> bytes:
    """A controller's answer (for the twin)."""
    return code + bytes((error, 0, 0))


def check_answer(packet: Packet, asked: str, screen: int = ANY_SCREEN) -> None:
    """Accept this screen's acknowledgement. Raises Faulty for a refusal, in words, Garbled for the rest."""
    if screen not in {ANY_SCREEN, packet.sender}:
        raise Garbled(f"{asked}: answer of screen {packet.sender}")
    command = packet.command
    code = command[:_CODE_BYTES]
    if code == ACK:
        return
    if code == NACK and len(command) > _CODE_BYTES:
        raise refusal(command[_CODE_BYTES], asked)
    raise Garbled(f"{asked}: answer {code.hex()}")


def refusal(error: int, asked: str) -> DriverError:
    """The error a refusal stands for."""
    zh, en = ERRORS.get(error, ("原因未知", "reason unknown"))
    return Faulty(
        f"{asked}: refused {error}",
        words=Words(zh=f"显示屏拒绝显示：{zh}。", en=f"The screen refused: {en}."),
        next_step=Words(
            zh="请口头叫号；管理员核对屏幕型号与尺寸设置。",
            en="Call by voice; the manager checks the screen's model and size.",
        ),
    )


class Packets:
    """Finds frames in whatever arrives, in pieces of any size, and falls into step again after noise.

    Holds at most one unfinished frame of 4 kB. Bytes before a frame are passed over.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._inside = False

    @property
    def pending(self) -> int:
        """Bytes held because they may become a frame."""
        return len(self._held) + self._inside

    def reset(self) -> None:
        """Forget everything held."""
        self._held.clear()
        self._inside = False

    def feed(self, chunk: bytes) -> list[Packet | Damage]:
        """What the bytes so far amount to, in order."""
        found: list[Packet | Damage] = []
        for byte in chunk:
            event = self._take(byte)
            if event is not None:
                found.append(event)
        return found

    def _take(self, byte: int) -> Packet | Damage | None:
        if byte == START[0]:  # never inside a frame: it is escaped there
            cut = bool(self._held)
            self._held.clear()
            self._inside = True
            return Damage("a frame without an end") if cut else None
        if not self._inside:
            return None
        if byte == END:
            inner = bytes(self._held)
            self.reset()
            return _packet(inner)
        self._held.append(byte)
        if len(self._held) > FRAME_BYTES_MAX:
            self.reset()
            return Damage("a frame without an end")
        return None


def _packet(escaped: bytes) -> Packet | Damage:
    inner = _unescaped(escaped)
    if inner is None or len(inner) < HEADER.size + _CODE_BYTES + _CRC_BYTES:
        return Damage("short frame or wrong escape")
    if crc16(inner[:-_CRC_BYTES]) != int.from_bytes(inner[-_CRC_BYTES:], "little"):
        return Damage("check sum")
    to, sender, _, _, _, size = HEADER.unpack_from(inner)
    command = inner[HEADER.size : -_CRC_BYTES]
    if len(command) != size:
        return Damage("length")
    return Packet(to, sender, command)


def _unescaped(escaped: bytes) -> bytes | None:
    """The bytes meant; None when an escape is none."""
    out = bytearray()
    rest = iter(escaped)
    for byte in rest:
        if byte not in _LEADS:
            out.append(byte)
            continue
        meant = _PLAIN.get(bytes((byte, next(rest, 0))))
        if meant is None:
            return None
        out.append(meant)
    return bytes(out)


_LEADS: Final = frozenset(escaped[0] for escaped in _PLAIN)
