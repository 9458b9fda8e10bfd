"""Corrections: the centre asks a hall to correct a case, the hall answers by an entry, and that closes it.

ask         row, letter `case.correction` and an entry on our own ledger, one transaction
answered    with the transaction of the hall's case.changed entry that names the correction
"""

import secrets
from collections.abc import Sequence

import msgspec

from central.actions import mailbox
from central.actions.centre import AdminSession, Centre
from central.actions.own_ledger import drafted, record
from central.security.permissions import require
from central.store import corrections
from central.store import fleet as nodes
from central.store.corrections import Corrected, CorrectionKept
from central.store.database import Tx
from matters.model import Refusal, Words

PURPOSE = "correction"
SHOWN_MAX = 500
TEXT_MIN = 2
TEXT_MAX = 300
DAYS_MAX = 366
DAY_MS = 86_400_000


class CorrectionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One correction as the console shows it; `answered_ms` None while the hall owes the answer."""

    id: str
    node: str
    node_name: str
    case: str
    what: str
    why: str
    until_ms: int
    asked_by: str
    asked_ms: int
    answer: str
    answered_by: str
    answered_ms: int | None


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    what: str
    why: str


async def ask(
    centre: Centre, admin: AdminSession, *, node: str, case: str, what: str, why: str, days: int
) -> CorrectionRow | Refusal:
    """Ask a hall to correct one of its cases within `days`; durable with its letter when this returns."""
    require(admin.role, "corrections.ask")
    what, why = what.strip(), why.strip()
    if not all(TEXT_MIN <= len(text) <= TEXT_MAX for text in (what, why)) or not 1 <= days <= DAYS_MAX:
        zh = f"须写明补正什么、为什么（各 {TEXT_MIN} 至 {TEXT_MAX} 字），期限 1 至 {DAYS_MAX} 天。"
        return _no(zh, f"say what and why ({TEXT_MIN} to {TEXT_MAX} characters each), 1 to {DAYS_MAX} days")
    now_ms = centre.now_ms()
    async with centre.store.transaction() as tx:
        origin = await corrections.case_origin(tx, node, case)
        if origin is None:
            return _no("该节点没有报来这个办件。", "no such case arrived from this node")
        name = f"{case}-b-{secrets.token_hex(3)}"
        row = CorrectionKept(
            origin=origin,
            correction=name,
            node=node,
            case_no=case,
            asked_sealed=_seal(centre, name, _Asked(what=what, why=why)),
            until_ms=now_ms + days * DAY_MS,
            asked_by=admin.admin,
            asked_ms=now_ms,
        )
        await corrections.add(tx, row)
        body = {"correction": name, "case": case, "what": what, "why": why, "until_ms": row.until_ms}
        await mailbox.post(centre, tx, origin, [("case.correction", body)])
        draft = drafted(admin, "admin.changed", f"correction {name}")
        await record(centre, tx, draft)
        found = await nodes.node(tx, node)
    return _row(centre, row, found.name if found else node)


async def answered(centre: Centre, tx: Tx, node: str, answers: Sequence[Corrected]) -> None:
    """Close what these entries answer, in their transaction; what answers nothing of this node is passed."""
    for one in answers:
        row = await corrections.find(tx, one.correction)
        if row is None or row.node != node:
            continue
        sealed = _seal(centre, one.correction, one.answer)
        done = msgspec.structs.replace(
            row, answer_sealed=sealed, answered_by=one.actor, answered_ms=one.occurred_ms
        )
        await corrections.answer(tx, done)


async def listed(centre: Centre, admin: AdminSession) -> tuple[CorrectionRow, ...]:
    """Every correction, those the halls still owe first."""
    require(admin.role, "corrections.ask")
    async with centre.store.reading() as tx:
        names = {one.node: one.name for one in await nodes.nodes(tx)}
        rows = await corrections.newest(tx, SHOWN_MAX)
    return tuple(_row(centre, row, names.get(row.node, row.node)) for row in rows)


def _row(centre: Centre, row: CorrectionKept, name: str) -> CorrectionRow:
    place = row.correction.encode()
    asked = msgspec.json.decode(centre.keys.unseal(PURPOSE, place, row.asked_sealed), type=_Asked)
    answer = centre.keys.unseal(PURPOSE, place, row.answer_sealed) if row.answer_sealed else b'""'
    return CorrectionRow(
        id=row.correction,
        node=row.node,
        node_name=name,
        case=row.case_no,
        what=asked.what,
        why=asked.why,
        until_ms=row.until_ms,
        asked_by=row.asked_by,
        asked_ms=row.asked_ms,
        answer=msgspec.json.decode(answer, type=str),
        answered_by=row.answered_by,
        answered_ms=row.answered_ms,
    )


def _seal(centre: Centre, name: str, value: _Asked | str) -> bytes:
    return centre.keys.seal(PURPOSE, name.encode(), msgspec.json.encode(value))


def _no(zh: str, en: str) -> Refusal:
    return Refusal(
        code="correction",
        message=Words(zh=zh, en=en),
        rule="要求补正（protocol.md 5）",
        next=Words(zh="请更正后重新提交，未作改动。", en="Correct it and submit again; nothing was changed."),
    )
