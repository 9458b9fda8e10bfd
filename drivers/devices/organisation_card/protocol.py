"""How an organisation's chip card is read: by a map of where its code and its name stand. Pure.

No file map of the old 法人组织机构代码IC卡 was ever published (domain.md, D4), so none
is built in as true. A hall that has one writes it into a TOML file; what is built in is the layout that the
twin uses.

    name = "…"            the application: `aid` in hex, or `directory` in text (GBK)
    file = 0xEF01         elementary file
    code = 1              record number of the code
    organisation = 2      record number of the name
    tagged = true         records are tag-length-value; otherwise the value alone
"""

import re
import tomllib
import unicodedata
from typing import Final

import msgspec

from drivers.chips import CarrierCard
from drivers.errors import CardRefused, NotThisDevice
from matters.model import Words

ATR: Final = bytes.fromhex("3B6800000073C84010009000")
CODE: Final = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}|[0-9A-Z]{8}-?[0-9X]")
MAP_BYTES_MAX: Final = 16 * 1024
_HEAD: Final = 2
_APPLICATION_BYTES: Final = range(5, 17)
_FILES: Final = range(1, 0x10000)
_RECORDS: Final = range(1, 0xFF)
_CONTRADICTS: Final = Words(zh="单位证件卡内容无法识别。", en="The organisation's card cannot be understood.")
_LICENCE: Final = Words(
    zh="请改用营业执照副本或电子营业执照，手工录入统一社会信用代码。",
    en="Use the licence or its electronic form, and type the unified social credit code in.",
)


class CarrierMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where code and name stand on one kind of card."""

    aid: str = ""
    directory: str = ""
    file: int
    code: int
    organisation: int
    tagged: bool = True

    @property
    def application(self) -> bytes:
        """The name to select."""
        return bytes.fromhex(self.aid) if self.aid else self.directory.encode("gbk")


BUILT_IN: Final = CarrierMap(directory="yz1.org.单位证件", file=0xEF01, code=1, organisation=2)


def parse_map(text: str) -> CarrierMap:
    """A map from TOML. Raises NotThisDevice naming what is wrong."""
    try:
        found = msgspec.convert(tomllib.loads(text), CarrierMap)
        application = found.application
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, ValueError) as wrong:
        raise NotThisDevice(f"map: {wrong}") from None
    if len(application) not in _APPLICATION_BYTES or found.file not in _FILES:
        raise NotThisDevice("map: the application has 5 to 16 bytes, the file a number up to 0xFFFF")
    if found.code not in _RECORDS or found.organisation not in _RECORDS:
        raise NotThisDevice("map: records are numbered 1 to 254")
    return found


def parse_card(where: CarrierMap, code: bytes, organisation: bytes) -> CarrierCard:
    """The card that two raw records make. Raises CardRefused; check characters are the matter's business."""
    number = _text(_value(where, code)).replace("-", "")
    name = _text(_value(where, organisation))
    if not CODE.fullmatch(number) or not name:
        raise _unreadable("code or name")
    return CarrierCard(code=number, name=name)


def write_record(where: CarrierMap, number: int, text: str) -> bytes:
    """One raw record (for the twin)."""
    value = text.encode("gb18030")
    return bytes((number, len(value))) + value if where.tagged else value


def _value(where: CarrierMap, raw: bytes) -> bytes:
    if not where.tagged:
        return raw
    if len(raw) < _HEAD or len(raw) < _HEAD + raw[1]:
        raise _unreadable("a record ends early")
    return raw[_HEAD : _HEAD + raw[1]]


def _text(value: bytes) -> str:
    try:
        text = value.rstrip(b"\0 \xff").decode("gb18030").strip()
    except UnicodeDecodeError:
        raise _unreadable("no text") from None
    if any(unicodedata.category(mark) in {"Cc", "Co", "Cn"} for mark in text):
        raise _unreadable("control characters")
    return text


def _unreadable(detail: str) -> CardRefused:
    return CardRefused(detail, words=_CONTRADICTS, next_step=_LICENCE)
