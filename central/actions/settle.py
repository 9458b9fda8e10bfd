"""A provisional report judged again with the centre's data: same facts, confirmed; changed, superseded."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from central.actions import dossier
from central.actions.centre import Centre
from central.actions.gathered import Provisional
from central.actions.mailbox import Draft
from central.store import effects, records
from central.store.database import Tx
from central.store.effects import Settlement
from matters.groups import shown_records
from matters.model import Words
from matters.records import Facts, SubjectRecord, compare, facts, facts_bytes, parse_facts
from sync.errors import UNREADABLE
from sync.messages.directives import whose

PURPOSE = "settlement"
Verdict = Literal["", "confirmed", "superseded"]


async def settle(centre: Centre, tx: Tx, origin: str, reports: Sequence[Provisional]) -> list[Draft]:
    """Judge these reports and keep the verdicts.

    Returns the letters that tell the node. A verdict is given once a report.
    """
    if not reports:
        return []
    held = await records.held(tx, sorted({report.subject_ref for report in reports}))
    letters: list[Draft] = []
    for report in reports:
        kept = held.get(report.subject_ref)
        subject_file = dossier.opened(centre.keys, kept) if kept else None
        changes = _changes(centre, report, subject_file)
        verdict = "superseded" if changes else "confirmed"
        place = f"{origin}/{report.serial}".encode()
        row = Settlement(
            origin=origin,
            serial=report.serial,
            verdict=verdict,
            changes_sealed=centre.keys.seal(PURPOSE, place, msgspec.json.encode(changes)),
            settled_ms=centre.now_ms(),
        )
        if await effects.add_settlement(tx, row):
            letters.append(_letter(report, changes))
    return letters


def changes_of(centre: Centre, origin: str, serial: str, sealed: bytes) -> tuple[Words, ...]:
    """What had changed, as kept with the verdict."""
    if not sealed:
        return ()
    plain = centre.keys.unseal(PURPOSE, f"{origin}/{serial}".encode(), sealed)
    return msgspec.json.decode(plain, type=tuple[Words, ...])


def _letter(report: Provisional, changes: tuple[Words, ...]) -> Draft:
    body: dict[str, Any] = {"serial": report.serial, "whose": whose(report.subject_ref)}
    if not changes:
        return "report.confirmed", body
    return "report.superseded", {**body, "changes": [[words.zh, words.en] for words in changes]}


def _changes(centre: Centre, report: Provisional, held: "dossier.Dossier | None") -> tuple[Words, ...]:
    """What differs between the facts printed and the centre's; empty when nothing does."""
    if held is None or held.subject is None:
        return (Words(zh="中心已无该主体的数据", en="the centre holds nothing about this subject any more"),)
    now = facts_now(centre, report.matter, held.subject, held, report.issued_ms)
    if facts_bytes(now) == report.facts:
        return ()
    try:
        printed = parse_facts(report.facts)
    except UNREADABLE:
        return (Words(zh="报告所载内容无法核对", en="what the report printed cannot be compared"),)
    return compare(printed, now) or (Words(zh="报告内容有变化", en="the report's content changed"),)


def facts_now(
    centre: Centre, matter: str, subject: SubjectRecord, held: "dossier.Dossier", at_ms: int
) -> Facts:
    """The facts a report of that matter would print with the centre's data, as of the day it was issued."""
    found = centre.catalogue.get(matter)
    if found is None:
        return facts(subject, held.records)
    return facts(dossier.stated(found, subject), shown_records(found, held.records, at_ms))
