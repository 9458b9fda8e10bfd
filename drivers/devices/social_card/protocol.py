"""The files of a social security card, both ways. Pure.

DDF `sx1.sh.社会保障`, in it EF05 (public: what card this is) and EF06 (who its holder is). Each record is one
object tag-length-value. Generations 1 and 2 address a record of EF06 by its tag (P2 = 00), generation 3 by
its number (P2 = 04) after the PIN. The generation stands in EF05, record 03. Sources: domain.md, section 2.4.
"""

import datetime as dt
import unicodedata
from typing import Final

from drivers.chips import CardGeneration, SocialCard
from drivers.errors import CardRefused
from matters.model import Words

DDF: Final = b"sx1.sh." + "社会保障".encode("gbk")
ATR: Final = bytes.fromhex("3B6D000000814D1D8693020054494D43")
EF_PUBLIC: Final = 0xEF05
EF_HOLDER: Final = 0xEF06
PIN_REFERENCE: Final = 0x00
BY_NUMBER: Final = 0x04
BY_TAG: Final = 0x00
PIN_BYTES: Final = range(2, 7)
RECORD_BYTES_MAX: Final = 255

PUBLIC: Final = {
    "identifier": 1,
    "kind": 2,
    "version": 3,
    "issuer": 4,
    "issued": 5,
    "expires": 6,
    "card_number": 7,
}
HOLDER_BY_TAG: Final = {"number": 8, "name": 9, "sex": 10, "nation": 11, "birthplace": 12, "birth": 13}
HOLDER_BY_NUMBER: Final = {
    "number": 1,
    "name": 2,
    "name_extension": 3,
    "sex": 4,
    "nation": 5,
    "birthplace": 6,
    "birth": 7,
}
TAG_OF: Final = {
    "number": 8,
    "name": 9,
    "name_extension": 0x4E,
    "sex": 10,
    "nation": 11,
    "birthplace": 12,
    "birth": 13,
}
GENERATIONS: Final[dict[bytes, CardGeneration]] = {b"1": 1, b"2": 2, b"3": 3}
OPTIONAL: Final = frozenset(("name_extension", "birthplace", "nation", "expires"))
_BCD_DAY: Final = 4
_DAY_DIGITS: Final = 8
_NUMBER_BYTES: Final = 18
_HEAD: Final = 2

_CONTRADICTS: Final = Words(
    zh="社保卡内容不完整或自相矛盾。", en="The card's contents are incomplete or contradict each other."
)
_OTHER: Final = Words(zh="请改用身份证办理。", en="Use the identity card instead.")


def generation(version: bytes) -> CardGeneration:
    """The generation named by EF05 record 03 (`3.00`). Raises CardRefused for another."""
    found = GENERATIONS.get(version[:1])
    if found is None:
        raise _unreadable("version of the card")
    return found


def record_value(raw: bytes, field: str) -> bytes:
    """The value of one record, tag length value. Raises CardRefused when it is another or ends early.

    What follows the value is padding.
    """
    tags = {PUBLIC.get(field), TAG_OF.get(field), HOLDER_BY_NUMBER.get(field)}
    if len(raw) < _HEAD or raw[0] not in tags or len(raw) < _HEAD + raw[1]:
        raise _unreadable(f"record {field}")
    return raw[_HEAD : _HEAD + raw[1]]


def parse_card(kind: CardGeneration, values: dict[str, bytes]) -> SocialCard:
    """The card that these values of records make. Raises CardRefused, naming the field, never its content."""
    birth = _day("birth", values["birth"])
    number = _ascii("number", values["number"])
    if birth is None or (len(number) == _NUMBER_BYTES and number[6:14] != f"{birth:%Y%m%d}"):
        raise _unreadable("birth contradicts number")
    name = _gbk("name", values["name"]) + _gbk("name_extension", values.get("name_extension", b""))
    if not name or not number:
        raise _unreadable("name or number is empty")
    return SocialCard(
        generation=kind,
        name=name,
        number=number,
        birth=birth,
        sex=_digits("sex", values["sex"]).lstrip("0") or "0",
        nation=_digits("nation", values.get("nation", b"")).zfill(2),
        card_number=_ascii("card_number", values["card_number"]),
        issuer=values["issuer"].hex().upper(),
        issued=_day("issued", values["issued"]),
        expires=_day("expires", values.get("expires", b"")),
    )


def write_records(card: SocialCard) -> dict[str, bytes]:
    """The values of all records of a card (for twins and tests)."""
    day = "" if card.expires is None else f"{card.expires:%Y%m%d}"
    issued = "" if card.issued is None else f"{card.issued:%Y%m%d}"
    name = card.name.encode("gbk")
    return {
        "identifier": bytes.fromhex("330300D1560000059911014500000000"),
        "kind": b"1",
        "version": f"{card.generation}.00".encode(),
        "issuer": bytes.fromhex(card.issuer),
        "issued": bytes.fromhex(issued or "00000000"),
        "expires": bytes.fromhex(day or "00000000"),
        "card_number": card.card_number.encode(),
        "number": card.number.encode().ljust(_NUMBER_BYTES, b"\0"),
        "name": name[:30].ljust(30, b"\0"),
        "name_extension": name[30:].ljust(20, b"\0"),
        "sex": card.sex.encode(),
        "nation": bytes.fromhex(card.nation.zfill(2)),
        "birthplace": bytes.fromhex("330100"),
        "birth": bytes.fromhex(f"{card.birth:%Y%m%d}"),
    }


def pin_bytes(pin: str) -> bytes:
    """The PIN as the card wants it, two digits a byte. Raises ValueError for what is no PIN."""
    if not (pin.isascii() and pin.isdigit()) or len(pin) % 2 or len(pin) // 2 not in PIN_BYTES:
        raise ValueError("a PIN has 4 to 12 digits, an even number")
    return bytes.fromhex(pin)


def _ascii(field: str, value: bytes) -> str:
    try:
        text = value.decode("ascii").strip("\0 ")
    except UnicodeDecodeError:
        raise _unreadable(f"{field} is no text") from None
    if not text.isalnum():
        raise _unreadable(f"{field} is no number")
    return text


def _gbk(field: str, value: bytes) -> str:
    try:
        text = value.rstrip(b"\0 \xff").decode("gb18030").strip()
    except UnicodeDecodeError:
        raise _unreadable(f"{field} is no text") from None
    if any(unicodedata.category(mark) in {"Cc", "Co", "Cn"} for mark in text):
        raise _unreadable(f"{field} holds control characters")
    return text


def _digits(field: str, value: bytes) -> str:
    """A code of one or two digits, written as ASCII or as BCD: cards differ."""
    text = value.decode("ascii") if value.isdigit() else value.hex()
    if not (text or "0").isdigit() or len(text) > _HEAD:
        raise _unreadable(f"{field} is no code")
    return text


def _day(field: str, value: bytes) -> dt.date | None:
    """A day in BCD (4 bytes) or digits (8); None for zeros, FF or nothing."""
    text = value.decode("ascii", "replace") if len(value) == _DAY_DIGITS else value.hex()
    if not text.strip("0f"):
        return None
    if len(text) != _DAY_DIGITS or not (text.isascii() and text.isdigit()):
        raise _unreadable(f"{field} is not a day")
    try:
        return dt.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise _unreadable(f"{field} is not a day") from None


def _unreadable(detail: str) -> CardRefused:
    return CardRefused(detail, words=_CONTRADICTS, next_step=_OTHER)
