"""What the entries of a group cause, gathered before it is written: one list a kind of effect.

`effects.py` fills it, entry by entry, without I/O; `ingest.py` writes it in the transaction of the entries.
"""

from dataclasses import dataclass, field

import msgspec

from central.store.corrections import Corrected
from central.store.deep_checks import Said
from central.store.effects import AccessKept, CaseEvent, DayTotal, Paper, Rejection, ReportKept, SheetMove
from central.store.quota import GivenBack, Spent
from central.store.trips import Applied
from sync.exchange.centre import FirstPlace
from sync.ledger.entry import Entry
from sync.messages.registry import DetailValue


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Whose entries these are, and when they arrived."""

    origin: str
    node: str
    arrived_ms: int


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One entry with its opened detail by field name."""

    entry: Entry
    leaf_hash: bytes
    fields: dict[str, DetailValue]

    def text(self, name: str) -> str:
        """A field as text; a field of another type is an empty one."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""

    def octets(self, name: str) -> bytes:
        """A field as bytes; a field of another type is an empty one."""
        value = self.fields.get(name)
        return value if isinstance(value, bytes) else b""

    def number(self, name: str) -> int:
        """A field as a number; a field of another type is 0."""
        value = self.fields.get(name)
        return value if isinstance(value, int) else 0


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A deferred case: what the centre needs to fulfil it."""

    case_no: str
    idx: int
    matter: str
    subject_ref: bytes
    number: str
    name: str
    purpose: str


class Provisional(msgspec.Struct, frozen=True, kw_only=True):
    """A provisional report to be judged again: the facts it printed."""

    serial: str
    idx: int
    matter: str
    subject_ref: bytes
    number: str
    issued_ms: int
    facts: bytes


class HallWord(msgspec.Struct, frozen=True, kw_only=True):
    """What a hall says of a finding: who has it there, its state there, and the explanation."""

    idx: int
    finding: str
    owner: str
    state: str
    note: str
    occurred_ms: int


_KEYED = (
    "accesses",
    "reports",
    "provisional",
    "papers",
    "cases",
    "days",
    "asked",
    "spent",
    "given_back",
    "corrected",
    "sheets",
    "words",
    "said",
    "applied",
)
"""Effects that an entry carried over from an older incarnation has only once."""


@dataclass(kw_only=True)
class Gathered:
    """The effects of some entries, not yet written."""

    source: Source
    accesses: list[AccessKept] = field(default_factory=list)
    reports: list[ReportKept] = field(default_factory=list)
    papers: list[Paper] = field(default_factory=list)
    cases: list[CaseEvent] = field(default_factory=list)
    days: list[DayTotal] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    provisional: list[Provisional] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    carried: list[tuple[FirstPlace, int]] = field(default_factory=list)
    openings: list[Line] = field(default_factory=list)
    spent: list[Spent] = field(default_factory=list)
    given_back: list[GivenBack] = field(default_factory=list)
    corrected: list[Corrected] = field(default_factory=list)
    sheets: list[SheetMove] = field(default_factory=list)
    words: list[HallWord] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    applied: list[Applied] = field(default_factory=list)
    leases: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def drop(self, indexes: set[int]) -> None:
        """Forget the effects of these entries: they were done under another key."""
        for name in _KEYED:
            setattr(self, name, [row for row in getattr(self, name) if row.idx not in indexes])

    def reject(self, index: int, reason: str) -> None:
        """Keep the entry, reject its effect."""
        self.rejected.append(
            Rejection(origin=self.source.origin, idx=index, reason=reason, at_ms=self.source.arrived_ms)
        )
