"""Frames of caller and four-key rating pads (21键点阵液晶呼叫器通讯协议). Pure.

    FF 68 L L 68 ADDR CMD DATA… SUM 16        L counts ADDR, CMD, DATA; SUM is their sum modulo 256

One source for the meanings; the sum is checked here although the host known to use it does not.
"""

from typing import Final

import msgspec

from drivers.errors import Garbled
from drivers.ports import KeyAction, KeyPress
from drivers.wires.listening import Damage, Finder
from matters.model import Words

HEAD: Final = b"\xff\x68"
HEAD_BYTES: Final = 5
TAIL: Final = 0x16
LENGTHS: Final = range(2, 33)
CMD_KEY: Final = 0x01
CMD_SHOW: Final = 0x02
CMD_BEEP: Final = 0x03
CMD_RATED: Final = 0x11
BLANK: Final = b"\x0a\x0a\x0a"
NUMBER_MAX: Final = 999


class Message(msgspec.Struct, frozen=True):
    """One whole frame with a right sum."""

    pad: int
    command: int
    data: bytes


KEYS: Final[dict[bytes, tuple[KeyAction, Words]]] = {
    b"\x0c": ("call", Words(zh="呼叫下一位", en="call next")),
    b"\x0d": ("recall", Words(zh="重呼", en="recall")),
    b"\x0b": ("rate", Words(zh="请评价", en="ask for a rating")),
    b"\x0f": ("confirm", Words(zh="确认", en="confirm")),
    b"\x06\x0f": ("give-up", Words(zh="弃号", en="give up the ticket")),
    b"\x00\x0f": ("hold", Words(zh="挂起", en="hold")),
    b"\x03\x0f": ("call-back", Words(zh="回呼", en="call back")),
    b"\x11": ("line", Words(zh="一米线提醒", en="one-metre line")),
    b"\x12": ("pause", Words(zh="暂停", en="pause")),
    b"\x13": ("transfer", Words(zh="转移", en="transfer")),
}
GRADES: Final[dict[int, Words]] = {
    0: Words(zh="不满意", en="not satisfied"),
    1: Words(zh="默认", en="default"),
    2: Words(zh="满意", en="satisfied"),
    3: Words(zh="非常满意", en="very satisfied"),
}


def frame(message: Message) -> bytes:
    """The bytes on the bus."""
    body = bytes((message.pad, message.command)) + message.data
    return HEAD + bytes((len(body), len(body), 0x68)) + body + bytes((sum(body) % 256, TAIL))


class Messages(Finder[Message]):
    """Finds frames in whatever arrives, drops noise between them; holds one unfinished (under 40 bytes)."""

    def _next(self) -> Message | Damage | None:
        start = self._held.find(HEAD)
        if start < 0:
            start = len(self._held) - self._held.endswith(HEAD[:1])
        del self._held[:start]
        if len(self._held) < HEAD_BYTES:
            return None
        length, again, mark = self._held[2:5]
        if length != again or mark != HEAD[1] or length not in LENGTHS:
            del self._held[:1]
            return Damage(f"lengths {length} and {again}")
        if len(self._held) < HEAD_BYTES + length + 2:
            return None
        body = bytes(self._held[HEAD_BYTES : HEAD_BYTES + length])
        total, tail = self._held[HEAD_BYTES + length : HEAD_BYTES + length + 2]
        if total != sum(body) % 256 or tail != TAIL:
            del self._held[:1]
            return Damage("sum")
        del self._held[: HEAD_BYTES + length + 2]
        return Message(body[0], body[1], body[2:])


def parse_key(message: Message) -> KeyPress:
    """The key a pad's message means. Raises Garbled for a command or key nobody knows."""
    if message.command == CMD_RATED and len(message.data) == 1 and message.data[0] in GRADES:
        grade = message.data[0]
        return KeyPress(pad=message.pad, action="rated", grade=grade, words=GRADES[grade])
    if message.command == CMD_KEY and message.data in KEYS:
        action, words = KEYS[message.data]
        return KeyPress(pad=message.pad, action=action, words=words)
    raise Garbled(f"command {message.command:02X} with {message.data.hex(' ')}")


def acknowledgement(message: Message) -> bytes:
    """What the pad waits for: a key is echoed, a rating answered."""
    if message.command == CMD_RATED:
        return frame(Message(message.pad, CMD_KEY, b"\x03"))
    return frame(message)


def show_ticket(pad: int, number: int) -> bytes:
    """Show a ticket's number, right-aligned in three places."""
    return frame(Message(pad, CMD_SHOW, BLANK + _digits(number)))


def show_waiting(pad: int, count: int) -> bytes:
    """Show how many wait; more than 999 shows as 999."""
    return frame(Message(pad, CMD_SHOW, _digits(min(count, NUMBER_MAX)) + BLANK))


def ask_rating(pad: int) -> bytes:
    """Light up the rating keys."""
    return frame(Message(pad, CMD_KEY, b"\x0b"))


def beep(pad: int) -> bytes:
    """Sound."""
    return frame(Message(pad, CMD_BEEP, b""))


def _digits(number: int) -> bytes:
    assert 0 <= number <= NUMBER_MAX
    return bytes(0x0A if mark == " " else int(mark) for mark in f"{number:3d}")
