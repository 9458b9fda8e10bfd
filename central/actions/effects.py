"""What entries cause at the centre.

One table by kind. Gathering is pure; writing is one transaction with the entries.

A row whose effect cannot be is stored as evidence all the same and its effect rejected with a reason
(property P6).
"""

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from central.actions import held
from central.security.keys import Keyring
from central.store.effects import AccessKept, CaseEvent, DayTotal, Paper, Rejection, ReportKept
from central.store.quota import Spent
from central.store.trips import Applied
from matters.model import Matter
from sync.errors import SyncError
from sync.exchange.centre import FirstPlace, first_place
from sync.ledger.entry import Entry
from sync.messages.registry import DetailValue, by_number, decode_detail, kind, known

DAY_CHARACTERS = 10
UNITS_MAX = 100
TOTALS_CHARACTERS_MAX = 64 * 1024
_RETURNED = kind("quota.returned").number


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


_KEYED = ("accesses", "reports", "provisional", "papers", "cases", "days", "asked", "spent", "applied")
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
    applied: list[Applied] = field(default_factory=list)

    def drop(self, indexes: set[int]) -> None:
        """Forget the effects of these entries: they were done under another key."""
        for name in _KEYED:
            setattr(self, name, [row for row in getattr(self, name) if row.idx not in indexes])

    def reject(self, index: int, reason: str) -> None:
        """Keep the entry, reject its effect."""
        self.rejected.append(
            Rejection(origin=self.source.origin, idx=index, reason=reason, at_ms=self.source.arrived_ms)
        )


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What gathering looks at beside the entry itself."""

    ref: Callable[[str], bytes]
    catalogue: Mapping[str, Matter]


Effect = Callable[[Line, Gathered, Rules], str]
"""Adds to what is gathered; returns why it did not, or empty."""


def rules(keys: Keyring, catalogue: Mapping[str, Matter]) -> Rules:
    """The rules of this centre; they remember the references of the entries they are asked about."""
    return Rules(ref=functools.cache(keys.ref), catalogue=catalogue)


def gather(
    source: Source,
    entry: Entry,
    leaf_hash: bytes,
    detail: bytes,
    into: Gathered,
    by: Rules,
    values: list[Any] | None = None,
) -> None:
    """Gather the effect of one entry; no bytes of a node make it raise.

    `values` is what the detail decodes to, where the caller just encoded it from them.
    """
    if not known(entry.kind):
        into.reject(entry.index, "unknown-kind")
        return
    effect = EFFECTS.get(by_number(entry.kind).name)
    if effect is None:
        return
    try:
        fields = _named(entry.kind, values) or (decode_detail(entry.kind, detail) if detail else {})
    except SyncError as error:
        into.reject(entry.index, f"detail: {error.detail}")
        return
    first = first_place(source.origin, entry)
    if first is not None:
        into.carried.append((first, entry.index))
    reason = effect(Line(entry=entry, leaf_hash=leaf_hash, fields=fields), into, by)
    if reason:
        into.reject(entry.index, reason)


def _named(number: int, values: list[Any] | None) -> dict[str, DetailValue]:
    """The fields of a detail by name; empty where `decode_detail` has to look at it."""
    order = by_number(number).detail
    if values is None or len(values) != len(order) or not set(map(type, values)) <= _PLAIN:
        return {}
    return dict(zip(order, values, strict=True))


_PLAIN = {str, int, bytes, type(None)}


def _access(line: Line, into: Gathered, by: Rules) -> str:
    """access.*: a row of the trail."""
    entry = line.entry
    if by.ref(line.text("subject_number")) != entry.subject_ref:
        return "subject-reference does not fit the number"
    into.accesses.append(
        AccessKept(
            origin=into.source.origin,
            idx=entry.index,
            occurred_ms=entry.hlc_ms,
            arrived_ms=into.source.arrived_ms,
            node=into.source.node,
            kind=entry.kind,
            clock=entry.clock,
            actor=entry.actor,
            role=entry.role,
            desk=entry.window,
            subject_ref=entry.subject_ref,
            presence=entry.presence,
            relationship=entry.relationship,
            purpose=entry.purpose,
            basis=entry.basis,
            mode=entry.mode,
            as_of_ms=entry.as_of,
            outcome=entry.outcome,
            matter=line.text("matter"),
            object=entry.object,
            case_no=line.text("case"),
            request_id=line.text("request_id"),
        )
    )
    return ""


def _issued(line: Line, into: Gathered, by: Rules) -> str:
    """report.issued: a report; a provisional one is judged again."""
    entry, serial = line.entry, line.text("serial")
    status, facts, digest = line.text("status"), line.octets("facts"), line.octets("facts_digest")
    if not serial:
        return "report without a serial"
    if status not in {"final", "provisional"}:
        return "report of an unknown status"
    if facts and hashlib.sha256(facts).digest() != digest:
        return "facts do not fit their digest"
    if by.ref(line.text("subject_number")) != entry.subject_ref:
        return "subject-reference does not fit the number"
    into.reports.append(
        ReportKept(
            origin=into.source.origin,
            serial=serial,
            idx=entry.index,
            node=into.source.node,
            subject_ref=entry.subject_ref,
            matter=line.text("matter"),
            status=status,
            as_of_ms=line.number("as_of"),
            issued_ms=entry.hlc_ms,
            case_no=entry.object if entry.object != serial else "",
            facts_digest=digest,
            leaf_hash=line.leaf_hash,
            delivery="email" if entry.outcome == f"{status}-email" else "print",
        )
    )
    if status == "provisional":
        into.provisional.append(
            Provisional(
                serial=serial,
                idx=entry.index,
                matter=line.text("matter"),
                subject_ref=entry.subject_ref,
                number=line.text("subject_number"),
                issued_ms=entry.hlc_ms,
                facts=facts,
            )
        )
    return ""


def _paper(line: Line, into: Gathered, _: Rules) -> str:
    """report.printed, spoiled, reprinted, handed_over: the life of the paper."""
    serial = line.text("serial")
    if not serial and not line.text("sheet"):
        return "paper of no report and no sheet"
    into.papers.append(
        Paper(
            origin=into.source.origin,
            idx=line.entry.index,
            serial=serial,
            kind=line.entry.kind,
            occurred_ms=line.entry.hlc_ms,
            sheet=line.text("sheet"),
            file_digest=line.octets("file_digest"),
            reason=line.text("reason"),
        )
    )
    return ""


def _case(line: Line, into: Gathered, by: Rules) -> str:
    """case.*: the case's state; a deferred one is queued to be fulfilled."""
    entry, number, code = line.entry, line.text("case"), line.text("matter")
    if not number:
        return "case without a number"
    into.cases.append(
        CaseEvent(
            origin=into.source.origin,
            idx=entry.index,
            case_no=number,
            occurred_ms=entry.hlc_ms,
            kind=entry.kind,
            matter=code,
            state=line.text("state"),
            subject_ref=entry.subject_ref,
        )
    )
    if line.text("state") == "deferred":
        if code not in by.catalogue:
            return "deferred case of an unknown matter"
        into.asked.append(
            Asked(
                case_no=number,
                idx=entry.index,
                matter=code,
                subject_ref=entry.subject_ref,
                number=line.text("subject_number"),
                name=line.text("subject_name"),
                purpose=entry.purpose,
            )
        )
    return ""


def _day(line: Line, into: Gathered, _: Rules) -> str:
    """day.closed: the node's own totals."""
    day, totals = line.text("day"), line.text("totals")
    if len(day) != DAY_CHARACTERS or len(totals) > TOTALS_CHARACTERS_MAX:
        return "day or totals out of shape"
    try:
        msgspec.json.decode(totals, type=dict[str, object])
    except msgspec.MsgspecError:
        return "totals are no JSON object"
    into.days.append(
        DayTotal(
            origin=into.source.origin,
            day=day,
            idx=line.entry.index,
            totals=totals,
            closed_ms=line.entry.hlc_ms,
        )
    )
    return ""


def _spent(line: Line, into: Gathered, by: Rules) -> str:
    """quota.spent, quota.returned: rights of a person, settled when they arrive (`quota.settle`)."""
    entry, matter = line.entry, line.text("matter")
    if by.ref(line.text("subject_number")) != entry.subject_ref or not entry.subject_ref:
        return "subject-reference does not fit the number"
    found = by.catalogue.get(matter)
    if found is None or found.quota is None:
        return "quota of a matter that has none"
    units = line.number("units")
    if not 0 < units <= UNITS_MAX:
        return "units out of range"
    into.spent.append(
        Spent(
            origin=into.source.origin,
            idx=entry.index,
            node=into.source.node,
            subject_ref=entry.subject_ref,
            matter=matter,
            year=line.number("year"),
            units=-units if entry.kind == _RETURNED else units,
            said_free=entry.outcome != "fee",
            fee_cents=0,
            occurred_ms=entry.hlc_ms,
            settled_ms=into.source.arrived_ms,
        )
    )
    return ""


def _data_applied(line: Line, into: Gathered, _: Rules) -> str:
    """pack.applied: which version of a scope the node holds from then on (`held`)."""
    into.applied += held.said(into.source.origin, into.source.node, line.entry)
    return ""


def _opened_anew(line: Line, into: Gathered, _: Rules) -> str:
    """incarnation.opened, centre.succeeded: histories that ended, compared by `incarnations.opened`."""
    into.openings.append(line)
    return ""


EFFECTS: dict[str, Effect] = {
    "centre.succeeded": _opened_anew,
    "incarnation.opened": _opened_anew,
    "quota.spent": _spent,
    "quota.returned": _spent,
    "access.answered": _access,
    "access.denied": _access,
    "access.deferred": _access,
    "access.local": _access,
    "report.issued": _issued,
    "report.printed": _paper,
    "report.spoiled": _paper,
    "report.reprinted": _paper,
    "report.handed_over": _paper,
    "case.opened": _case,
    "case.changed": _case,
    "day.closed": _day,
    "pack.applied": _data_applied,
}
"""Kinds without a row are evidence only: stored, proven, counted."""
