"""IPP messages (RFC 8010, 8011) as far as one printer's jobs need them, both ways. Pure.

version 2 | operation or status 2 | request id 4 | groups | 03 | document
group = tag 1, attributes;  attribute = value tag 1, name length 2, name, value length 2, value
an attribute without a name is a further value of the one before
"""

import struct
from typing import Final

import msgspec

from drivers import a4
from drivers.errors import Busy, DriverError, Faulty, Garbled, NotThisDevice, Offline
from drivers.ports import JobStage, PaperLevel, PrinterState

VERSION: Final = b"\x02\x00"
PRINT_JOB: Final = 0x0002
JOB_ATTRIBUTES: Final = 0x0009
JOBS: Final = 0x000A
PRINTER_ATTRIBUTES: Final = 0x000B
OK_MOST: Final = 0x00FF
NOT_FOUND: Final = 0x0406
GROUP_OPERATION, GROUP_JOB, GROUP_END, GROUP_PRINTER = 0x01, 0x02, 0x03, 0x04
GROUP_TAGS_MOST: Final = 0x0F
INTEGER, BOOLEAN, ENUM, NAME, KEYWORD, URI, CHARSET, LANGUAGE, MIME = (
    *(0x21, 0x22, 0x23, 0x42, 0x44, 0x45, 0x47, 0x48),
    0x49,
)
TEXT: Final = 0x41
NUMBER_BYTES: Final = 4
HEAD_BYTES: Final = 8
ATTRIBUTES_MAX: Final = 4096

Value = int | bool | str | bytes


class Attribute(msgspec.Struct, frozen=True):
    """One attribute to send: tag, name and values."""

    tag: int
    name: str
    values: tuple[Value, ...]


class Group(msgspec.Struct, frozen=True):
    """One group as received: names with all their values, in order."""

    tag: int
    attributes: dict[str, list[Value]]

    def number(self, name: str) -> int | None:
        """The first value, if it is a number."""
        value = self.attributes.get(name, [None])[0]
        return value if isinstance(value, int) else None

    def texts(self, name: str) -> list[str]:
        """All values that are text."""
        return [value for value in self.attributes.get(name, []) if isinstance(value, str)]


class Message(msgspec.Struct, frozen=True):
    """A request (`code` is the operation) or an answer (`code` is the status)."""

    code: int
    request_id: int
    groups: tuple[Group, ...]
    document: bytes = b""

    def group(self, tag: int) -> Group:
        """The first group of a tag, or an empty one."""
        return next((group for group in self.groups if group.tag == tag), Group(tag, {}))


def encode(code: int, request_id: int, groups: dict[int, list[Attribute]], document: bytes = b"") -> bytes:
    """A message with one group of each tag."""
    out = bytearray(VERSION + struct.pack(">HI", code, request_id))
    for tag, attributes in groups.items():
        out.append(tag)
        for attribute in attributes:
            out += _attribute(attribute)
    out.append(GROUP_END)
    return bytes(out) + document


def request(
    operation: int, request_id: int, printer: str, more: list[Attribute], document: bytes = b""
) -> bytes:
    """A request about the printer at the URI `printer`."""
    first = [
        Attribute(CHARSET, "attributes-charset", ("utf-8",)),
        Attribute(LANGUAGE, "attributes-natural-language", ("zh-cn",)),
        Attribute(URI, "printer-uri", (printer,)),
    ]
    return encode(operation, request_id, {GROUP_OPERATION: first + more}, document)


def print_job(request_id: int, printer: str, user: str, name: str, pdf: bytes) -> bytes:
    """Print-Job with a PDF."""
    more = [
        Attribute(NAME, "requesting-user-name", (user,)),
        Attribute(NAME, "job-name", (name,)),
        Attribute(MIME, "document-format", ("application/pdf",)),
    ]
    return request(PRINT_JOB, request_id, printer, more, pdf)


def decode(data: bytes) -> Message:
    """A message from its bytes. Raises Garbled."""
    if len(data) < HEAD_BYTES or data[0] not in {1, 2}:
        raise Garbled("no IPP message")
    code, request_id = struct.unpack(">HI", data[2:HEAD_BYTES])
    groups: list[Group] = []
    name, at, count = "", HEAD_BYTES, 0
    while at < len(data) and data[at] != GROUP_END:
        if data[at] <= GROUP_TAGS_MOST:
            groups.append(Group(data[at], {}))
            at, name = at + 1, ""
            continue
        tag, named, value, at = _field(data, at)
        name, count = named or name, count + 1
        if not groups or not name or count > ATTRIBUTES_MAX:
            raise Garbled("attribute outside a group")
        groups[-1].attributes.setdefault(name, []).append(_value(tag, value))
    if at >= len(data):
        raise Garbled("IPP message without end")
    return Message(code, request_id, tuple(groups), data[at + 1 :])


def _field(data: bytes, at: int) -> tuple[int, str, bytes, int]:
    """Tag, name and raw value at a place, and the place behind. Raises Garbled when the bytes end before."""
    tag = data[at]
    name, at = _counted(data, at + 1)
    value, at = _counted(data, at)
    return tag, name.decode("latin-1"), value, at


def _counted(data: bytes, at: int) -> tuple[bytes, int]:
    end = at + 2 + int.from_bytes(data[at : at + 2], "big")
    if end > len(data) or at + 2 > len(data):
        raise Garbled("IPP message broken off")
    return data[at + 2 : end], end


def _value(tag: int, raw: bytes) -> Value:
    if tag in {INTEGER, ENUM} and len(raw) == NUMBER_BYTES:
        return int.from_bytes(raw, "big", signed=True)
    if tag == BOOLEAN and len(raw) == 1:
        return bool(raw[0])
    if tag in {TEXT, NAME, KEYWORD, URI, CHARSET, LANGUAGE, MIME}:
        return raw.decode(errors="replace")
    return raw


def _attribute(attribute: Attribute) -> bytes:
    out = bytearray()
    name = attribute.name.encode("ascii")
    for value in attribute.values:
        raw = _raw(value)
        out += (
            bytes((attribute.tag,)) + struct.pack(">H", len(name)) + name + struct.pack(">H", len(raw)) + raw
        )
        name = b""
    return bytes(out)


def _raw(value: Value) -> bytes:
    if isinstance(value, bool):
        return bytes((value,))
    if isinstance(value, int):
        return value.to_bytes(NUMBER_BYTES, "big", signed=True)
    return value.encode() if isinstance(value, str) else value


_AUTH: Final = frozenset((0x0401, 0x0402, 0x0403))
_OFFLINE: Final = frozenset((0x0503, 0x0506))
_BUSY: Final = 0x0507
_FORMAT: Final = 0x040A
JOB_STAGES: Final[dict[int, JobStage]] = {
    3: "queued",
    4: "held",
    5: "printing",
    6: "held",
    7: "cancelled",
    8: "failed",
    9: "done",
}
STOPPED: Final = 5
_PAPER_OUT: Final = ("media-empty", "media-needed", "input-tray-missing")
_COVER: Final = ("cover-open", "door-open", "interlock-open")
_JAM: Final = ("media-jam",)
_TONER: Final = ("toner-empty", "marker-supply-empty", "marker-waste-full")


def refusal(message: Message, name: str) -> DriverError | None:
    """The error an answer's status stands for, or None when it is good."""
    code = message.code
    if code <= OK_MOST:
        return None
    detail = f"IPP status {code:04X}"
    if code in _AUTH:
        return NotThisDevice(f"{detail}: the queue asks for a password", device=name)
    if code == _FORMAT:
        return NotThisDevice(f"{detail}: the queue takes no PDF", device=name)
    if code == _BUSY:
        return Busy(detail, device=name)
    return (Offline if code in _OFFLINE else Faulty)(detail, device=name)


def printer_state(group: Group) -> PrinterState:
    """The state in an answer to Get-Printer-Attributes. Raises Garbled without one."""
    state = group.number("printer-state")
    if state is None:
        raise Garbled("no printer-state")
    reasons = group.texts("printer-state-reasons")
    paper: PaperLevel = (
        "out" if _any(reasons, _PAPER_OUT) else "near-end" if _any(reasons, ("media-low",)) else "ok"
    )
    cover, jam, toner = _any(reasons, _COVER), _any(reasons, _JAM), _any(reasons, _TONER)
    online = state != STOPPED and not _any(reasons, ("offline",))
    key = "cover" if cover else "jam" if jam else "out" if paper == "out" else "toner" if toner else ""
    words, step = a4.PRINTER[key or (paper if online else "stopped")]
    return PrinterState(
        online=online,
        paper=paper,
        cover_open=cover,
        fault="recoverable" if jam or toner else "none",
        words=words,
        next=step,
    )


def _any(reasons: list[str], keys: tuple[str, ...]) -> bool:
    """Whether a reason is one of the keys, with or without its -report, -warning or -error."""
    return any(reason == key or reason.startswith(key + "-") for reason in reasons for key in keys)
