"""Commands to chip cards and their answers (ISO 7816-4), with every status word in words. Pure.

    CLA INS P1 P2 [Lc data] [Le]   →   data SW1 SW2

SW 61 xx: xx more bytes wait for GET RESPONSE. SW 6C xx: the command asked for a wrong length, xx is right.
"""

from typing import Final

import msgspec

from drivers.errors import CardRefused, DriverError, Faulty, Garbled, PinNeeded, PinRefused
from matters.model import Words

OK: Final = 0x9000
MORE: Final = 0x61
WRONG_LENGTH: Final = 0x6C
TRIES: Final = 0x63C0
BLOCKED: Final = (0x6983, 0x6984)
NOT_ALLOWED: Final = 0x6982
MEMORY_FAULT: Final = 0x6581
NOT_FOUND: Final = (0x6A82, 0x6A83, 0x6A88)
WRONG_PARAMETERS: Final = (0x6A86, 0x6B00)
REPLY_BYTES_MAX: Final = 64 * 1024
SHORT_MAX: Final = 255
_HEAD: Final = 4
_SW: Final = 2
_LONG: Final = 0x80
_NAMED_LATER: Final = 0x1F
_LENGTH_BYTES: Final = (1, 2)

_LAY_AGAIN: Final = Words(
    zh="请拿起卡片重新放好再试；仍不行请改用其他证件。",
    en="Lift the card and lay it again; if it fails again, use another document.",
)
_OTHER_CARD: Final = Words(
    zh="请核对卡片种类，换用正确的卡片。", en="Check what card this is; use the right one."
)
_ISSUER: Final = Words(
    zh="请持卡人到发卡机构换卡，现在改用其他证件。", en="The issuer replaces it; use another document."
)
_ADMIN: Final = Words(zh="请改用其他证件，并告知管理员。", en="Use another document and tell the manager.")

STATUS: Final[dict[int, tuple[Words, Words]]] = {
    0x6281: (Words(zh="卡片返回的内容可能有误。", en="Part of the card's answer may be wrong."), _LAY_AGAIN),
    0x6282: (Words(zh="卡片文件不完整。", en="A file on the card ends early."), _ISSUER),
    0x6283: (Words(zh="卡片应用已停用。", en="This card's application is switched off."), _ISSUER),
    0x6285: (Words(zh="卡片已终止使用。", en="This card is terminated."), _ISSUER),
    0x6300: (Words(zh="卡片验证未通过。", en="The card refused the proof."), _OTHER_CARD),
    0x6400: (Words(zh="卡片执行出错。", en="The card failed to carry this out."), _LAY_AGAIN),
    0x6581: (Words(zh="卡片存储器故障。", en="The card's memory is faulty."), _ISSUER),
    0x6700: (Words(zh="卡片不接受该长度。", en="The card refuses this length."), _ADMIN),
    0x6881: (Words(zh="卡片不支持逻辑通道。", en="The card knows no such channel."), _ADMIN),
    0x6882: (Words(zh="卡片不支持安全报文。", en="The card knows no secure messages."), _ADMIN),
    0x6981: (Words(zh="卡片文件结构不符。", en="The card's file has another structure."), _OTHER_CARD),
    0x6982: (Words(zh="卡片要求先验证密码。", en="The card wants its PIN first."), PinNeeded.default_next),
    0x6983: (Words(zh="卡片密码已锁定。", en="The card's PIN is blocked."), _ISSUER),
    0x6984: (Words(zh="卡片验证数据已失效。", en="The card's reference data is unusable."), _ISSUER),
    0x6985: (Words(zh="卡片不满足使用条件。", en="The card's conditions are not met."), _LAY_AGAIN),
    0x6986: (Words(zh="卡片没有选中文件。", en="The card has no file selected."), _LAY_AGAIN),
    0x6A80: (Words(zh="卡片不接受该数据。", en="The card refuses this data."), _ADMIN),
    0x6A81: (
        Words(zh="卡片没有此功能，或已锁定。", en="The card lacks this function, or is locked."),
        _ISSUER,
    ),
    0x6A82: (
        Words(zh="卡片上没有所需的应用或文件。", en="The card has no such application or file."),
        _OTHER_CARD,
    ),
    0x6A83: (Words(zh="卡片上没有所需的记录。", en="The card has no such record."), _OTHER_CARD),
    0x6A86: (Words(zh="卡片不接受该参数。", en="The card refuses these parameters."), _OTHER_CARD),
    0x6A88: (Words(zh="卡片上没有所需的数据。", en="The card has no such object."), _OTHER_CARD),
    0x6B00: (Words(zh="卡片不接受该位置。", en="The card refuses this place."), _OTHER_CARD),
    0x6D00: (Words(zh="卡片不认识该指令。", en="The card does not know this command."), _OTHER_CARD),
    0x6E00: (
        Words(zh="卡片不认识该类指令。", en="The card does not know this class of command."),
        _OTHER_CARD,
    ),
    0x6F00: (Words(zh="卡片内部错误。", en="The card has an error of its own."), _LAY_AGAIN),
}
_UNKNOWN: Final = Words(zh="卡片返回未知状态。", en="The card answered with an unknown status.")


class Reply(msgspec.Struct, frozen=True):
    """A card's answer: what it sent and its status word."""

    payload: bytes
    sw: int


def parse_reply(raw: bytes) -> Reply:
    """The answer in raw bytes. Raises Garbled for less than a status word or more than 64 KiB."""
    if not _SW <= len(raw) <= REPLY_BYTES_MAX:
        raise Garbled(f"card answer of {len(raw)} bytes")
    return Reply(raw[:-_SW], int.from_bytes(raw[-_SW:], "big"))


def follow_up(command: bytes, reply: Reply) -> bytes:
    """The command that brings what is still missing; empty when the answer is complete."""
    low = reply.sw & 0xFF
    if reply.sw >> 8 == WRONG_LENGTH:
        return with_length(command, low)
    if reply.sw >> 8 == MORE:
        return bytes((command[0] & 0x03, 0xC0, 0, 0, low))
    return b""


def with_length(command: bytes, length: int) -> bytes:
    """The same command asking for `length` bytes, whatever it asked before."""
    body = 0 if len(command) <= _HEAD + 1 else 1 + command[_HEAD]
    return command[: _HEAD + body] + bytes((length,))


def select_name(aid: bytes) -> bytes:
    """SELECT an application or directory by its name."""
    return _with_body(b"\x00\xa4\x04\x00", aid)


def select_file(file: int) -> bytes:
    """SELECT an elementary file below the current directory."""
    return _with_body(b"\x00\xa4\x02\x00", file.to_bytes(2, "big"))


def read_record(number: int, reference: int, length: int = 0) -> bytes:
    """READ RECORD; length 0 asks for all (the card corrects it with 6C)."""
    return bytes((0x00, 0xB2, number, reference, length))


def verify(reference: int, pin: bytes) -> bytes:
    """VERIFY a PIN; with an empty one the card only says how many tries are left."""
    head = bytes((0x00, 0x20, 0x00, reference))
    return _with_body(head, pin) if pin else head


def get_response(length: int) -> bytes:
    """GET RESPONSE."""
    return bytes((0x00, 0xC0, 0, 0, length))


def _with_body(head: bytes, body: bytes) -> bytes:
    assert 0 < len(body) <= SHORT_MAX
    return head + bytes((len(body),)) + body


def tries_left(sw: int) -> int | None:
    """How many PIN tries a status word says are left; None when it says nothing of that."""
    if sw in BLOCKED:
        return 0
    return sw & 0x0F if sw & 0xFFF0 == TRIES else None


def trouble(sw: int, what: str) -> DriverError:
    """The error a bad status word stands for, in words with the next step."""
    detail = f"{what}: status {sw:04X}"
    tries = tries_left(sw)
    if tries is not None:
        return PinRefused(detail, tries_left=tries)
    if sw == NOT_ALLOWED:
        return PinNeeded(detail)
    words, step = STATUS.get(sw, (_UNKNOWN, _LAY_AGAIN))
    kind = Faulty if sw == MEMORY_FAULT else CardRefused
    return kind(detail, words=words, next_step=step)


def split_tlv(raw: bytes) -> list[tuple[int, bytes]]:
    """The objects in BER-TLV bytes, in order. Raises Garbled when a length does not fit.

    Padding of 00 and FF between objects is passed over.
    """
    found: list[tuple[int, bytes]] = []
    at = 0
    while at < len(raw):
        if raw[at] in {0x00, 0xFF}:
            at += 1
            continue
        tag, at = _tag(raw, at)
        length, at = _length(raw, at)
        if at + length > len(raw):
            raise Garbled(f"object {tag:X} ends early")
        found.append((tag, raw[at : at + length]))
        at += length
    return found


def tlv(tag: int, value: bytes) -> bytes:
    """One object."""
    name = tag.to_bytes((tag.bit_length() + 7) // 8, "big")
    size = len(value)
    head = (
        bytes((size,))
        if size < _LONG
        else bytes((0x81, size))
        if size <= SHORT_MAX
        else b"\x82" + size.to_bytes(2, "big")
    )
    return name + head + value


def _tag(raw: bytes, at: int) -> tuple[int, int]:
    tag = raw[at]
    at += 1
    if tag & _NAMED_LATER == _NAMED_LATER:
        for _ in range(2):
            if at >= len(raw):
                raise Garbled("object without a name")
            tag = tag << 8 | raw[at]
            at += 1
            if not tag & 0x80:
                return tag, at
        raise Garbled("object with a long name")
    return tag, at


def _length(raw: bytes, at: int) -> tuple[int, int]:
    if at >= len(raw):
        raise Garbled("object without a length")
    first = raw[at]
    at += 1
    if first < _LONG:
        return first, at
    count = first & 0x7F
    if count not in _LENGTH_BYTES or at + count > len(raw):
        raise Garbled("object with a wrong length")
    return int.from_bytes(raw[at : at + count], "big"), at + count
