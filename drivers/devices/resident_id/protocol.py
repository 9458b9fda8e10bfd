"""SDT frames of the police security module (SAM) in a resident ID card reader. Pure.

    AA AA AA 96 69 | LEN_H LEN_L | CMD PARA    | DATA… | CHK      request
    AA AA AA 96 69 | LEN_H LEN_L | SW1 SW2 SW3 | DATA… | CHK      answer

LEN counts from CMD (or SW1) to CHK, big endian; CHK is the XOR of everything from LEN_H to before CHK.
SW1 and SW2 are always 00. Nothing here raises anything but errors of `drivers.errors`, whatever bytes come.
"""

import struct
from functools import reduce
from operator import xor
from typing import Final

import msgspec

from drivers.errors import CardRefused, DriverError, Faulty, Garbled, NoCard
from drivers.wires.listening import Damage, Finder
from matters.model import Words

PREAMBLE: Final = bytes.fromhex("AAAAAA9669")
BODY_BYTES_MAX: Final = 4096  # the longest answer known has 2,314; more is noise that looks like a length
BODY_BYTES_MIN: Final = 3
HEAD_BYTES: Final = len(PREAMBLE) + 2
BAUDS: Final = (115200, 57600, 38400, 19200, 9600)
OK: Final = 0x90
FOUND: Final = 0x9F
NO_ENTRY: Final = 0x91
NO_CARD: Final = 0x80
TEXT_BYTES: Final = 256
PHOTO_BYTES: Final = 1024
ADDRESS_BYTES: Final = 70


class Command(msgspec.Struct, frozen=True):
    """One request and the shapes its good answers may have: (status word, lengths of the data)."""

    name: str
    code: bytes
    good: dict[int, tuple[int, ...]]


RESET: Final = Command("reset", b"\x10\xff", {OK: (0,)})
STATUS: Final = Command("status", b"\x11\xff", {OK: (0,)})
NUMBER: Final = Command("number", b"\x12\xff", {OK: (16,)})
FIND: Final = Command("find", b"\x20\x01", {FOUND: (4,)})
SELECT: Final = Command("select", b"\x20\x02", {OK: (8,)})
READ: Final = Command("read", b"\x30\x01", {OK: (4 + TEXT_BYTES + PHOTO_BYTES,)})
READ_FINGERPRINT: Final = Command(
    "read with fingerprint",
    b"\x30\x10",
    {OK: tuple(6 + TEXT_BYTES + PHOTO_BYTES + n for n in (0, 512, 1024))},
)
NEWEST_ADDRESS: Final = Command(
    "newest address", b"\x30\x03", {OK: tuple(ADDRESS_BYTES * n for n in (1, 2, 3, 4)), NO_ENTRY: (0,)}
)
SET_BAUD: Final = {
    baud: Command(f"set {baud} baud", bytes((0x60, n)), {OK: (0,)}) for n, baud in enumerate(BAUDS)
}
COMMANDS: Final = (RESET, STATUS, NUMBER, FIND, SELECT, READ, READ_FINGERPRINT, NEWEST_ADDRESS)


class Frame(msgspec.Struct, frozen=True):
    """A whole frame whose check byte was right; `body` is CMD PARA DATA or SW1 SW2 SW3 DATA."""

    body: bytes


class Answer(msgspec.Struct, frozen=True):
    """A reader's answer: the result byte SW3 and its data."""

    sw: int
    payload: bytes


def frame(body: bytes) -> bytes:
    """The bytes on the wire for a body of 2 bytes or more."""
    counted = struct.pack(">H", len(body) + 1) + body
    return PREAMBLE + counted + bytes((check_byte(counted),))


def request(command: Command) -> bytes:
    """The request frame of a command."""
    return frame(command.code)


def answer(sw: int, payload: bytes = b"") -> bytes:
    """The answer frame a reader sends (for the twin)."""
    return frame(bytes((0, 0, sw)) + payload)


def check_byte(counted: bytes) -> int:
    """XOR over LEN_H … the byte before CHK."""
    return reduce(xor, counted, 0)


class Frames(Finder[Frame]):
    """Finds frames in whatever arrives, in pieces of any size, and falls into step again after noise.

    Holds at most one unfinished frame (`pending` bytes, under 4.2 kB beyond what one `feed` brought).
    """

    def _next(self) -> Frame | Damage | None:
        del self._held[: self._start()]
        if len(self._held) < HEAD_BYTES:
            return None
        length = int.from_bytes(self._held[len(PREAMBLE) : HEAD_BYTES], "big")
        if not BODY_BYTES_MIN <= length <= BODY_BYTES_MAX:
            del self._held[:1]
            return Damage(f"length {length}")
        if len(self._held) < HEAD_BYTES + length:
            return None
        counted = bytes(self._held[len(PREAMBLE) : HEAD_BYTES + length])
        if check_byte(counted):
            del self._held[:1]  # the length itself may be the damaged byte: look again one byte on
            return Damage("check byte")
        del self._held[: HEAD_BYTES + length]
        return Frame(counted[2:-1])

    def _start(self) -> int:
        """Where the next frame may begin: a preamble, or the start of one at the very end."""
        at = self._held.find(PREAMBLE)
        if at >= 0:
            return at
        for length in range(min(len(PREAMBLE) - 1, len(self._held)), 0, -1):
            if self._held.endswith(PREAMBLE[:length]):
                return len(self._held) - length
        return len(self._held)


def parse_answer(body: bytes, command: Command) -> Answer:
    """The answer in a frame body, which must have a shape the command allows. Raises Garbled.

    A bad status with no data is an answer too; judge it with `trouble`.
    """
    if len(body) < BODY_BYTES_MIN or body[0] or body[1]:
        raise Garbled(f"{command.name}: no answer frame")
    sw, payload = body[2], body[3:]
    shapes = command.good.get(sw, () if sw in _GOOD else (0,))
    if len(payload) not in shapes:
        raise Garbled(f"{command.name}: status {sw:02X} with {len(payload)} bytes")
    return Answer(sw, payload)


def split_read(command: Command, payload: bytes) -> tuple[bytes, bytes, bytes]:
    """Text, photo and fingerprint blocks of a read answer, by its inner lengths. Raises Garbled."""
    count = 3 if command is READ_FINGERPRINT else 2
    head, blocks = payload[: 2 * count], payload[2 * count :]
    lengths = struct.unpack(f">{count}H", head)
    if lengths[:2] != (TEXT_BYTES, PHOTO_BYTES) or sum(lengths) != len(blocks):
        raise Garbled(f"{command.name}: inner lengths {lengths}")
    text, rest = blocks[:TEXT_BYTES], blocks[TEXT_BYTES:]
    return text, rest[:PHOTO_BYTES], rest[PHOTO_BYTES:]


def sam_number(payload: bytes) -> str:
    """The security module's number as vendors print it, from its 16 bytes."""
    return "{:02d}.{:02d}-{:08d}-{:010d}-{:010d}".format(*struct.unpack("<HHIII", payload))


class StatusWord(msgspec.Struct, frozen=True):
    """What a result byte means, which error it becomes, and what the clerk does now."""

    error: type[DriverError]
    words: Words
    next: Words


_LAY_AGAIN = CardRefused.default_next
_ORIGINAL = Words(
    zh="请核对证件真伪；多次失败请改用手工录入并注明原因。",
    en="Check that the card is genuine; after several failures type it in and state why.",
)
_LINE = Garbled.default_next
_REPAIR = Faulty.default_next
_MODEL = Words(zh="请管理员核对阅读机型号。", en="Ask the manager to check the reader's model.")

STATUS_WORDS: Final[dict[int, StatusWord]] = {
    0x01: StatusWord(Garbled, Words(zh="阅读机端口出错。", en="The reader reports a port error."), _LINE),
    0x02: StatusWord(
        Garbled, Words(zh="阅读机接收超时。", en="The reader waited for our bytes in vain."), _LINE
    ),
    0x03: StatusWord(
        Garbled, Words(zh="阅读机传输出错。", en="The reader reports a transmission error."), _LINE
    ),
    0x05: StatusWord(
        Faulty, Words(zh="安全模块串口不可用。", en="The security module's port is unusable."), _REPAIR
    ),
    0x09: StatusWord(Faulty, Words(zh="阅读机文件出错。", en="The reader reports a file error."), _REPAIR),
    0x10: StatusWord(
        Garbled, Words(zh="阅读机收到的数据校验错误。", en="The reader got a wrong check byte."), _LINE
    ),
    0x11: StatusWord(
        Garbled, Words(zh="阅读机收到的数据长度错误。", en="The reader got a wrong length."), _LINE
    ),
    0x21: StatusWord(Faulty, Words(zh="阅读机不接受该命令。", en="The reader rejects the command."), _MODEL),
    0x23: StatusWord(Faulty, Words(zh="阅读机无权执行该操作。", en="The reader may not do this."), _MODEL),
    0x24: StatusWord(
        Faulty, Words(zh="阅读机不认识该命令。", en="The reader does not know the command."), _MODEL
    ),
    0x31: StatusWord(
        CardRefused, Words(zh="证件认证安全模块失败。", en="The card did not accept the reader."), _ORIGINAL
    ),
    0x32: StatusWord(
        CardRefused, Words(zh="安全模块认证证件失败。", en="The reader did not accept the card."), _ORIGINAL
    ),
    0x33: StatusWord(
        CardRefused, Words(zh="证件信息验证失败。", en="The card's contents failed verification."), _ORIGINAL
    ),
    0x37: StatusWord(
        CardRefused,
        Words(zh="指纹信息验证失败。", en="The fingerprint block failed verification."),
        _ORIGINAL,
    ),
    0x3F: StatusWord(
        CardRefused, Words(zh="证件信息长度错误。", en="The card's contents have a wrong length."), _LAY_AGAIN
    ),
    0x40: StatusWord(
        CardRefused,
        Words(zh="无法识别的卡类型。", en="This is no identity card the reader knows."),
        Words(
            zh="请放居民身份证或居住证，不要放银行卡等其他卡。",
            en="Lay an identity card, not a bank or other card.",
        ),
    ),
    0x41: StatusWord(
        CardRefused,
        Words(zh="读证件失败，可能过早拿起。", en="Reading failed; the card may have been lifted early."),
        _LAY_AGAIN,
    ),
    0x47: StatusWord(
        Faulty, Words(zh="安全模块取随机数失败。", en="The security module gave no random number."), _REPAIR
    ),
    0x60: StatusWord(
        Faulty, Words(zh="安全模块自检失败。", en="The security module failed its self-test."), _REPAIR
    ),
    0x66: StatusWord(
        Faulty, Words(zh="安全模块未经授权。", en="The security module is not authorised."), _REPAIR
    ),
    NO_CARD: StatusWord(NoCard, NoCard.default_words, NoCard.default_next),
    0x81: StatusWord(
        CardRefused, Words(zh="选取证件失败。", en="The card could not be selected."), _LAY_AGAIN
    ),
    NO_ENTRY: StatusWord(
        CardRefused, Words(zh="证件中没有此项内容。", en="The card holds no such entry."), _ORIGINAL
    ),
}
_GOOD: Final = frozenset((OK, FOUND))


def trouble(command: Command, sw: int) -> DriverError:
    """The error a status word stands for, with words and next step; unknown words are Faulty."""
    detail = f"{command.name}: status {sw:02X}"
    row = STATUS_WORDS.get(sw)
    if row is None:
        return Faulty(f"{detail} (unknown)")
    return row.error(detail, words=row.words, next_step=row.next)
