"""What the hall may ask of a device, whatever its make: the ports.

A port is a Protocol. The edge names ports only; `drivers.registry` finds the driver behind an address.
All methods raise errors of `drivers.errors` and nothing else, all waits are limited.
"""

import datetime as dt
from typing import Literal, Protocol

import msgspec

from drivers.chips import CarrierCards, SocialCards, StaffCards
from matters.model import Words

CardKind = Literal["citizen", "J", "I", "Y"]
PaperLevel = Literal["ok", "near-end", "out", "unknown"]


class CardRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What one identity card says, whole or not at all.

    `record` is the layout: citizen, J (Hong Kong, Macao, Taiwan residence permit), I and Y (foreigner's
    permanent residence card of 2017 and 2023). `sex` is the GB/T 2261.1 digit, `nation` the raw GB 3304 code
    (codes 57 and 81-99 differ by vendor). `valid_to` None means 长期. `photo` is the 1,024-byte WLT block,
    opaque. `newest_address` is empty when the card holds none.
    """

    record: CardKind
    name: str
    number: str
    birth: dt.date
    sex: str = "0"
    nation: str = ""
    address: str = ""
    issuer: str = ""
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    newest_address: str = ""
    photo: bytes = b""
    fingerprint: bytes = b""
    english_name: str = ""
    pass_number: str = ""
    issue_count: str = ""
    nationality: str = ""
    version: str = ""
    former_number: str = ""

    def __repr__(self) -> str:
        """Names the kind of card only: a card must not reach a log by accident."""
        return f"CardRecord(record={self.record!r})"


class IdReader(Protocol):
    """A reader for resident identity cards. One owner; calls do not overlap (Busy)."""

    async def open(self) -> None:
        """Open the line and make sure a reader answers. Raises Absent, Busy, TimedOut, NotThisDevice."""

    async def close(self) -> None:
        """Let go of the line. Closing twice is no error."""

    async def find(self) -> bool:
        """Whether a card lies on the reader now; a card already read counts again once lifted and laid."""

    async def read_card(self, timeout_s: float) -> CardRecord:
        """Wait up to `timeout_s` for a card and read it whole.

        Raises NoCard (a TimedOut) when none came, CardRefused when it could not be read, Garbled, TimedOut
        or Unplugged for trouble on the line. Never returns a part of a card.
        """

    async def describe(self) -> Words:
        """One line for the device page: the security module's number and the line's speed."""


class PrinterState(msgspec.Struct, frozen=True, kw_only=True):
    """What the printer said of itself, in full. `words` and `next` are for the clerk."""

    online: bool
    paper: PaperLevel
    cover_open: bool = False
    fault: Literal["none", "cutter", "recoverable", "unrecoverable", "line"] = "none"
    words: Words
    next: Words

    @property
    def ready(self) -> bool:
        """Whether a job may start. Paper near its end is still ready."""
        return self.online and not self.cover_open and self.paper != "out" and self.fault == "none"


class PrintOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one job that was (at least partly) sent.

    `confirmed`: the printer itself said, after the last byte, that the job is done and all is well. If False
    the paper may or may not have come out: ask the clerk, never print again by yourself. `reason` is then the
    code of the error that stood in the way, and `state` the last state known.
    """

    confirmed: bool
    state: PrinterState
    reason: str = ""
    sent_bytes: int = 0


class ReceiptPrinter(Protocol):
    """A printer for slips. One owner; calls do not overlap."""

    async def open(self) -> None:
        """Open the line and make sure a printer answers. Raises Absent, Busy, TimedOut, NotThisDevice."""

    async def close(self) -> None:
        """Let go of the line. Closing twice is no error."""

    async def status(self) -> PrinterState:
        """Ask the printer now. Raises TimedOut, Unplugged, Garbled."""

    async def print(self, job: bytes) -> PrintOutcome:
        """Print one job, once.

        An exception (PaperOut, CoverOpen, Offline, TimedOut, Unplugged, Garbled, Busy) means that no byte of
        the job was sent: it may be queued again. Once a byte was sent the return is a PrintOutcome, whatever
        happens.
        """

    async def recover(self) -> PrinterState:
        """Let the printer forget its job and clear an error it can recover from; what it says then.

        Part of the job may have come out: it is spoiled, and only a person has it printed again. Raises what
        `status` raises.
        """

    async def describe(self) -> Words:
        """One line for the device page."""


JobStage = Literal["queued", "printing", "held", "done", "failed", "cancelled", "unknown"]


class JobState(msgspec.Struct, frozen=True, kw_only=True):
    """What the queue says of one job. `words` and `next` are for the clerk."""

    job: str
    stage: JobStage
    words: Words
    next: Words

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.stage in {"done", "failed", "cancelled"}


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a submission once its first byte was sent.

    `confirmed`: the queue holds the job, under `job`. If False it may or may not: look with `find` before
    anything is submitted again. `reason` is then the code of the error that stood in the way.
    """

    confirmed: bool
    job: str = ""
    reason: str = ""


class SheetPrinter(Protocol):
    """A printer for A4 sheets with a queue of its own."""

    async def open(self) -> None:
        """Make sure the queue is there. Raises Absent, Busy, TimedOut, NotThisDevice."""

    async def close(self) -> None:
        """Let go. Closing twice is no error; jobs go on."""

    async def status(self) -> PrinterState:
        """What the printer says now. Raises TimedOut, Unplugged, Garbled."""

    async def submit(self, pdf: bytes, name: str) -> Submitted:
        """Hand a job over, once. `name` is unique and says nothing about a person (a serial).

        An exception means the queue does not hold it. When confirmed, the job is durable in the queue as far
        as the queue itself is.
        """

    async def find(self, name: str) -> str:
        """The job of that name, or "" when the queue never got it."""

    async def job(self, job: str) -> JobState:
        """How far a job is; `unknown` when the queue has forgotten it."""

    async def finished(self, job: str, timeout_s: float) -> JobState:
        """Wait for a job to end. Raises TimedOut when it has not."""

    async def describe(self) -> Words:
        """One line for the device page."""


KeyAction = Literal[
    "call", "recall", "rate", "confirm", "give-up", "hold", "call-back", "line", "pause", "transfer", "rated"
]


class KeyPress(msgspec.Struct, frozen=True, kw_only=True):
    """One key on a caller or rating pad. `pad` is its address on the bus (one a window).

    `rated` carries `grade`, the citizen's key 0 … 3 as pressed, in words in `words`: a four-key pad cannot
    give the five grades of the rule.
    """

    pad: int
    action: KeyAction
    grade: int | None = None
    words: Words


class CallerKeys(Protocol):
    """Caller and rating pads, many on one bus."""

    async def open(self) -> None:
        """Take the line. Raises Absent, Busy, NotThisDevice."""

    async def close(self) -> None:
        """Let go of the line. Closing twice is no error."""

    async def next_key(self, timeout_s: float) -> KeyPress:
        """The next key, already acknowledged to the pad. Raises NothingCame, Garbled, Unplugged."""

    async def show_ticket(self, pad: int, number: int) -> None:
        """Show a ticket's number, 0 … 999."""

    async def show_waiting(self, pad: int, count: int) -> None:
        """Show how many wait, at most 999."""

    async def ask_rating(self, pad: int) -> None:
        """Light up the rating keys."""

    async def beep(self, pad: int) -> None:
        """Sound."""

    async def describe(self) -> Words:
        """One line for the device page."""


class WindowScreen(Protocol):
    """An LED screen over a window: a few lines of text, replaced as a whole."""

    async def open(self) -> None:
        """Take the line and make sure a screen answers. Raises Absent, Busy, TimedOut, NotThisDevice."""

    async def close(self) -> None:
        """Let go of the line; the screen goes on showing. Closing twice is no error."""

    async def show(self, *lines: str) -> None:
        """Show these lines instead of all before; acknowledged when it returns.

        A line too long for the screen scrolls. Raises Faulty (the screen refused, nothing changed), TimedOut,
        Garbled (it may show either), Unplugged, Busy.
        """

    async def clear(self) -> None:
        """Show nothing."""

    async def describe(self) -> Words:
        """One line for the device page."""


class DocumentCamera(Protocol):
    """A camera over a table, for papers."""

    async def open(self) -> None:
        """Take the camera. Raises Absent, Busy, NotThisDevice."""

    async def close(self) -> None:
        """Let go of it. Closing twice is no error."""

    async def picture(self, timeout_s: float) -> bytes:
        """One picture, JPEG, whole. Raises NothingCame, Garbled, Faulty, Unplugged, Busy."""

    async def describe(self) -> Words:
        """One line for the device page."""


class QrScanner(Protocol):
    """A scanner for QR codes and bar codes."""

    async def open(self) -> None:
        """Take the line. Raises Absent, Busy, NotThisDevice."""

    async def close(self) -> None:
        """Let go of the line. Closing twice is no error."""

    async def next_code(self, timeout_s: float) -> str:
        """The next code read, whole. Raises NothingCame, Garbled, Unplugged."""

    async def describe(self) -> Words:
        """One line for the device page."""


class Fix(msgspec.Struct, frozen=True, kw_only=True):
    """Where a bus is. `state` none means the receiver sees too few satellites: there is no position then.

    `latitude`, `longitude` in degrees (WGS 84, north and east positive); `at_ms` Unix ms by the satellites.
    """

    state: Literal["none", "fix", "differential"]
    latitude: float | None = None
    longitude: float | None = None
    at_ms: int | None = None
    satellites: int | None = None
    speed_kmh: float | None = None


class PositionSource(Protocol):
    """A receiver for satellite positions."""

    async def open(self) -> None:
        """Take the line. Raises Absent, Busy, NotThisDevice."""

    async def close(self) -> None:
        """Let go of the line. Closing twice is no error."""

    async def next_fix(self, timeout_s: float) -> Fix:
        """The next report. Raises Garbled, Unplugged, NothingCame (a fault: one comes every second)."""

    async def describe(self) -> Words:
        """One line for the device page."""


Device = (
    IdReader
    | SocialCards
    | CarrierCards
    | StaffCards
    | ReceiptPrinter
    | SheetPrinter
    | CallerKeys
    | WindowScreen
    | DocumentCamera
    | QrScanner
    | PositionSource
)
