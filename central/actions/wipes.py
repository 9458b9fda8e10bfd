"""Seal and wipe at the centre, in three words: asked, acknowledged, assumed by expiry (protocol 6)."""

from typing import Literal

import msgspec

from central.actions import mailbox
from central.actions.centre import AdminSession, Centre
from central.actions.own_ledger import drafted, note_missing, record
from central.errors import NotFound
from central.security.permissions import require
from central.store import contacts, fleet, trail
from matters.model import Refusal, Words
from sync.messages.registry import kind

KIND = "seal-and-wipe"
CLOSED = kind("ledger.closed").number
State = Literal["asked", "acknowledged", "assumed-by-expiry"]
STATE_WORDS: dict[State, Words] = {
    "asked": Words(zh="已下令", en="asked"),
    "acknowledged": Words(zh="节点已确认", en="acknowledged by the node"),
    "assumed-by-expiry": Words(zh="离线授权已全部到期，视为已清除", en="assumed: every lease has expired"),
}


class WipeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One order. Acknowledged: the node's closing entry arrived. Assumed: no lease of it lives any more."""

    node: str
    origin: str
    asked_ms: int
    state: State
    words: Words
    leases_end_ms: int


async def wipe(centre: Centre, admin: AdminSession, node: str, note: str) -> WipeRow | Refusal:
    """Order it; the letter is durable and on our ledger when this returns. Raises NotFound."""
    require(admin.role, "nodes.wipe")
    refusal = note_missing(note, _WHY, "离线数据清除（protocol.md 6）")
    if refusal is not None:
        return refusal
    async with centre.store.transaction() as tx:
        identity = await fleet.current(tx, node)
        if identity is None:
            raise NotFound("没有这个节点，或它从未登记。", "there is no such node, or it never enrolled")
        await mailbox.post(centre, tx, identity.origin, [(KIND, {"note": note.strip()})])
        draft = drafted(admin, "admin.changed", f"wipe {identity.origin}", note.strip())
        await record(centre, tx, draft)
    return next(row for row in await wipes(centre) if row.origin == identity.origin)


async def wipes(centre: Centre) -> tuple[WipeRow, ...]:
    """Every order, newest first."""
    async with centre.store.reading() as tx:
        found: list[WipeRow] = []
        for asked in await contacts.letters_of_kind(tx, KIND):
            ends = max((lease.not_after_ms for lease in await contacts.leases(tx, asked.origin)), default=0)
            closed = await trail.newest_of_kinds(tx, asked.origin, [CLOSED], 1)
            state: State = "acknowledged" if closed else "asked"
            if not closed and ends < centre.now_ms():
                state = "assumed-by-expiry"
            found.append(
                WipeRow(
                    node=asked.node,
                    origin=asked.origin,
                    asked_ms=asked.created_ms,
                    state=state,
                    words=STATE_WORDS[state],
                    leases_end_ms=ends,
                )
            )
    return tuple(found)


_WHY = Words(zh="清除的原因", en="why it is wiped")
