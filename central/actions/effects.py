"""What entries cause at the centre.

One table by kind. Gathering is pure; writing is one transaction with the entries.

A row whose effect cannot be is stored as evidence all the same and its effect rejected with a reason
(property P6).
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from central.actions import held
from central.actions.gathered import Asked, Gathered, HallWord, Line, Provisional, Source
from central.security.keys import Keyring
from central.store.corrections import Corrected
from central.store.deep_checks import Said
from central.store.effects import AccessKept, CaseEvent, DayTotal, Paper, ReportKept, SheetMove
from central.store.quota import GivenBack, Spent
from matters.model import Matter
from sync.errors import SyncError
from sync.exchange.centre import first_place
from sync.ledger.entry import Entry
from sync.messages.registry import DetailValue, by_number, decode_detail, kind, known

DAY_CHARACTERS = 10
UNITS_MAX = 100
FINDING_CHARACTERS_MAX = 600
TOTALS_CHARACTERS_MAX = 64 * 1024
RECOUNTED = {"recount-same", "recount-differs"}
_RETURNED = kind("quota.returned").number


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What gathering looks at beside the entry itself."""

    ref: Callable[[str], bytes]
    catalogue: Mapping[str, Matter]


Effect = Callable[[Line, Gathered, Rules], str]
"""Adds to what is gathered; returns why it did not, or empty."""


def rules(keys: Keyring, catalogue: Mapping[str, Matter]) -> Rules:
    """The rules of this centre."""
    return Rules(ref=keys.ref, catalogue=catalogue)


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
    effect = _BY_NUMBER.get(entry.kind)
    if effect is None:
        if not known(entry.kind):
            into.reject(entry.index, "unknown-kind")
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
    if values is None or len(values) != len(order) or not _PLAIN.issuperset(map(type, values)):
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


def _sheets(line: Line, into: Gathered, _: Rules) -> str:
    """sheets.moved: a block of numbered sheets was issued or returned, or a sheet is void."""
    into.sheets.append(
        SheetMove(
            origin=into.source.origin,
            idx=line.entry.index,
            occurred_ms=line.entry.hlc_ms,
            block=line.entry.object,
            outcome=line.entry.outcome,
            first=line.text("first"),
            last=line.text("last"),
            count=line.number("count"),
        )
    )
    return ""


def _mark(line: Line, into: Gathered, _: Rules) -> str:
    """mark: what a recount found."""
    entry = line.entry
    if entry.outcome in RECOUNTED:
        into.said.append(
            Said(idx=entry.index, outcome=entry.outcome, about=entry.object, occurred_ms=entry.hlc_ms)
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
    if line.text("correction"):
        into.corrected.append(
            Corrected(
                idx=entry.index,
                correction=line.text("correction"),
                answer=line.text("note"),
                actor=entry.actor,
                occurred_ms=entry.hlc_ms,
            )
        )
    elif line.text("state") == "deferred":
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


def _finding(line: Line, into: Gathered, _: Rules) -> str:
    """finding.changed: what the hall says of a finding."""
    word = HallWord(
        idx=line.entry.index,
        finding=line.text("finding"),
        owner=line.text("owner"),
        state=line.text("state"),
        note=line.text("note"),
        occurred_ms=line.entry.hlc_ms,
    )
    known = word.finding and word.state in {"open", "explained"}
    if not known or len(word.finding + word.owner + word.note) > FINDING_CHARACTERS_MAX:
        return "finding out of shape"
    into.words.append(word)
    return ""


def _spent(line: Line, into: Gathered, by: Rules) -> str:
    """quota.spent, quota.returned: rights of a person, settled when they arrive (`quota.settle`)."""
    entry, matter = line.entry, line.text("matter")
    if entry.kind == _RETURNED and not line.text("subject_number"):
        into.given_back.append(GivenBack(idx=entry.index, grant_id=line.text("grant")))
        return ""
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
            grant_id=line.text("grant"),
        )
    )
    return ""


def _data_applied(line: Line, into: Gathered, _: Rules) -> str:
    """pack.applied: which version of a scope the node holds from then on (`held`)."""
    into.applied += held.said(into.source.origin, into.source.node, line.entry)
    return ""


def _lease_opened(line: Line, into: Gathered, _: Rules) -> str:
    """lease.opened: this lease arrived (`leases.due`)."""
    into.leases.append(line.entry.object)
    return ""


def _lease_expired(line: Line, into: Gathered, _: Rules) -> str:
    """lease.expired: it is no longer there, whatever our clock says (`leases.due`)."""
    into.ended.append(line.entry.object)
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
    "lease.opened": _lease_opened,
    "lease.expired": _lease_expired,
    "pack.applied": _data_applied,
    "sheets.moved": _sheets,
    "finding.changed": _finding,
    "mark": _mark,
}
"""Kinds without a row are evidence only: stored, proven, counted."""
_BY_NUMBER = {kind(name).number: effect for name, effect in EFFECTS.items()}
