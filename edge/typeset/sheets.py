"""What is put on paper: values only, ready to be read by a person."""

from typing import Literal

import msgspec

from matters.groups import Group
from matters.model import Words

Mark = Literal["", "test", "training"]
SlipKind = Literal["ticket", "report", "deferral", "refusal", "summary"]
MARK_WORDS: dict[Mark, Words] = {
    "": Words(zh="", en=""),
    "test": Words(zh="测试", en="TEST"),
    "training": Words(zh="练习", en="TRAINING"),
}


class ReportSheet(msgspec.Struct, frozen=True, kw_only=True):
    """One A4 report. The same sheet gives the same bytes, on any machine with the same fonts.

    `subject` are (label, value) rows in Chinese. `groups` are the very groups shown on the screen. `token` is
    the text of the QR code (`YZ1.…`). `copy_no` 1 is the first print; 2 is printed as 补打 第 1 次.
    A `mark` says all over the paper that it is worth nothing: a test of the printer, or training.
    """

    serial: str
    status: Literal["final", "provisional"]
    title: Words
    subject: tuple[tuple[str, str], ...]
    groups: tuple[Group, ...]
    as_of_ms: int
    issued_ms: int
    hall: str
    window: str
    clerk: str
    basis: str
    purpose: str
    token: str
    copy_no: int = 1
    notes: tuple[Words, ...] = ()
    mark: Mark = ""


class SlipSheet(msgspec.Struct, frozen=True, kw_only=True):
    """One slip of 80 or 58 mm paper.

    `number` is the case, serial or ticket (ASCII); `status_words` says what is not yet final. A line of
    `lines` may be `标签：值`, `1. …`, or `-` for a rule; lines are wrapped, never cut. `qr` empty means no
    code. A `mark` stands at the head and the foot.
    """

    kind: SlipKind
    title: Words
    lines: tuple[str, ...]
    qr: str = ""
    status_words: Words
    number: str
    hall: str
    at_ms: int
    mark: Mark = ""
