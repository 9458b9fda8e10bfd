"""The 256-byte text record of a card, in its four layouts, both ways. Pure.

UTF-16LE padded with spaces; the character at byte 248 names the layout. A parser that ignores it reads
nonsense from foreigner cards. Offsets and widths are bytes.
"""

import datetime as dt
import unicodedata
from typing import Final

import msgspec

from drivers.errors import CardRefused
from drivers.ports import CardKind, CardRecord
from matters.model import Words

RECORD_BYTES: Final = 256
KIND_AT: Final = 248
KIND_OF: Final[dict[bytes, CardKind]] = {b" \0": "citizen", b"J\0": "J", b"I\0": "I", b"Y\0": "Y"}
ADDRESS_BYTES: Final = 70
LONG_TERM: Final = "长期"

Spans = tuple[tuple[int, int], ...]

_TAIL: Final[dict[str, Spans]] = {"valid_from": ((188, 16),), "valid_to": ((204, 16),)}
_CITIZEN: Final[dict[str, Spans]] = {
    "name": ((0, 30),),
    "sex": ((30, 2),),
    "nation": ((32, 4),),
    "birth": ((36, 16),),
    "address": ((52, 70),),
    "number": ((122, 36),),
    "issuer": ((158, 30),),
    **_TAIL,
}
_FOREIGNER_2023: Final[dict[str, Spans]] = {
    "name": ((0, 30),),
    "sex": ((30, 2),),
    "issue_count": ((32, 4),),
    "birth": ((36, 16),),
    "english_name": ((52, 70), (220, 22)),
    "number": ((122, 36),),
    **_TAIL,
    "nationality": ((242, 6),),
    "link": ((250, 6),),
}
_FOREIGNER_2017: Final[dict[str, Spans]] = {
    "english_name": ((0, 120),),
    "sex": ((120, 2),),
    "number": ((122, 30),),
    "nationality": ((152, 6),),
    "name": ((158, 30),),
    **_TAIL,
    "birth": ((220, 16),),
    "version": ((236, 4),),
    "issuer": ((240, 8),),
}
_PERMIT: Final[dict[str, Spans]] = {**_CITIZEN, "pass_number": ((220, 18),), "issue_count": ((238, 4),)}
LAYOUTS: Final[dict[CardKind, dict[str, Spans]]] = {
    "citizen": _CITIZEN,
    "J": {field: at for field, at in _PERMIT.items() if field != "nation"},
    "I": _FOREIGNER_2017,
    "Y": _FOREIGNER_2023,
}
_DATES: Final = ("birth", "valid_from", "valid_to")
_BIRTH_IN_NUMBER: Final = slice(6, 14)
_FORMER_BODY: Final = 14
_DATE_DIGITS: Final = 8
_SPACE: Final = b" \0"
_UNKNOWN: Final = Words(zh="无法识别的证件类型。", en="This kind of card is not known.")
_CONTRADICTS: Final = Words(
    zh="证件内容不完整或自相矛盾。", en="The card's contents are incomplete or contradict each other."
)
_ORIGINAL: Final = Words(
    zh="请核对证件真伪；属实请改用手工录入并注明原因。",
    en="Check that the card is genuine; if it is, type it in and state why.",
)


def read_card_text(
    record: bytes, photo: bytes = b"", fingerprint: bytes = b"", newest_address: str = ""
) -> CardRecord:
    """The card a 256-byte record describes. Raises CardRefused for an unknown layout or an impossible field.

    Checked: every field is text, every date is one, name and number are there, and the birth date agrees with
    the one inside the number. The number's check character is the matter's business, not the reader's.
    """
    if len(record) != RECORD_BYTES:
        raise _unreadable(f"{len(record)} bytes of text")
    kind = KIND_OF.get(record[KIND_AT : KIND_AT + 2])
    if kind is None:
        raise CardRefused("unknown kind of record", words=_UNKNOWN, next_step=_ORIGINAL)
    found = {field: _text(field, _cut(record, spans)) for field, spans in LAYOUTS[kind].items()}
    dates = {field: _date(field, found.pop(field)) for field in _DATES}
    link = found.pop("link", "")
    _agree(kind, found, dates["birth"])
    if link:
        found["former_number"] = former_number(found["nationality"], found["number"], link)
    blocks = {"photo": photo, "fingerprint": fingerprint, "newest_address": newest_address}
    return msgspec.convert({"record": kind, **found, **dates, **blocks}, CardRecord)


def _agree(kind: CardKind, found: dict[str, str], birth: dt.date | None) -> None:
    """A card that contradicts itself is refused whole."""
    if not found["number"] or not (found["name"] or found.get("english_name")):
        raise _unreadable("name or number is empty")
    assert birth is not None  # only the days of validity may be absent
    if kind != "I" and found["number"][_BIRTH_IN_NUMBER] != f"{birth:%Y%m%d}":
        raise _unreadable("birth contradicts number")


def read_addresses(payload: bytes) -> str:
    """The newest of one to four 70-byte address records (the last that is filled). Raises CardRefused."""
    starts = range(0, len(payload), ADDRESS_BYTES)
    texts = [_text("newest_address", payload[at : at + ADDRESS_BYTES]) for at in starts]
    return next((text for text in reversed(texts) if text), "")


def write_card_text(card: CardRecord) -> bytes:
    """The 256 bytes of a card (for twins and tests). Raises CardRefused when a field does not fit."""
    values = {field: str(value) for field, value in msgspec.structs.asdict(card).items()}
    values["birth"] = f"{card.birth:%Y%m%d}"
    values["valid_from"] = f"{card.valid_from:%Y%m%d}" if card.valid_from else ""
    values["valid_to"] = f"{card.valid_to:%Y%m%d}" if card.valid_to else LONG_TERM
    values["link"] = card.former_number[5:7] + card.former_number[13:14]
    record = bytearray(_SPACE * (RECORD_BYTES // 2))
    for field, spans in LAYOUTS[card.record].items():
        encoded = _padded(field, values[field], sum(width for _, width in spans))
        for at, width in spans:
            record[at : at + width], encoded = encoded[:width], encoded[width:]
    mark = next(mark for mark, kind in KIND_OF.items() if kind == card.record)
    record[KIND_AT : KIND_AT + 2] = mark
    return bytes(record)


def write_address(text: str) -> bytes:
    """One 70-byte newest-address record. Raises CardRefused when the text does not fit."""
    return _padded("newest_address", text, ADDRESS_BYTES)


def former_number(nationality: str, number: str, link: str) -> str:
    """The 15-character number of 2017 that belongs to a 2023 card (one source; ICAO check digit)."""
    body = nationality + number[1:3] + link[0:2] + number[8:14] + link[2:3]
    if len(body) != _FORMER_BODY or not (body.isascii() and body.isalnum()):
        raise _unreadable("link to the former number")
    weighed = sum(int(character, 36) * (7, 3, 1)[at % 3] for at, character in enumerate(body))
    return f"{body}{weighed % 10}"


def _cut(record: bytes, spans: Spans) -> bytes:
    return b"".join(record[at : at + width] for at, width in spans)


def _text(field: str, encoded: bytes) -> str:
    """A field without its padding. Raises CardRefused for half characters and control characters."""
    try:
        text = encoded.decode("utf-16-le").strip(" \0")
    except UnicodeDecodeError:
        raise _unreadable(f"{field} is no text") from None
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise _unreadable(f"{field} holds control characters")
    return text


def _date(field: str, text: str) -> dt.date | None:
    """The day a field names; None for 长期 and for an empty `valid_from`. Raises CardRefused."""
    if (field, text) in {("valid_to", LONG_TERM), ("valid_from", "")}:
        return None
    if len(text) != _DATE_DIGITS or not (text.isascii() and text.isdigit()):
        raise _unreadable(f"{field} is not a day")
    try:
        return dt.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise _unreadable(f"{field} is not a day") from None


def _padded(field: str, text: str, width: int) -> bytes:
    encoded = text.encode("utf-16-le")
    if len(encoded) > width:
        raise _unreadable(f"{field} is too long")
    return encoded + _SPACE * ((width - len(encoded)) // 2)


def _unreadable(detail: str) -> CardRefused:
    return CardRefused(detail, words=_CONTRADICTS, next_step=_ORIGINAL)
