"""The log of logs from outside: proofs for anybody, and what nodes hold of us compared with what we have."""

from functools import partial

import msgspec

from central.actions.centre import AdminSession, Centre
from central.errors import NotFound
from central.security.permissions import require
from central.store import contacts, fleet, ledger
from sync.errors import SyncError
from sync.ledger.tree import consistency
from sync.signing.notes import open_note


class WitnessRow(msgspec.Struct, frozen=True, kw_only=True):
    """Our own checkpoint as one node signed it back; `reason` is empty where it is part of our ledger."""

    origin: str
    node: str
    size: int
    at_ms: int
    reason: str


async def proof(centre: Centre, old: int, new: int) -> tuple[bytes, ...]:
    """That our ledger of `new` entries extends the one of `old`. Raises NotFound beyond what we have."""
    async with centre.store.reading() as tx:
        head = await ledger.head(tx, centre.origin)
        if not 0 < old <= new <= head.size:
            raise NotFound("没有这么大的台账。", "our ledger has no such sizes")
        question = partial(consistency, old=old, new=new)
        return tuple(await ledger.over_tiles(tx, centre.origin, head.size, question))


async def witnesses(centre: Centre, admin: AdminSession) -> tuple[WitnessRow, ...]:
    """What every node last signed back of our ledger, compared with it; changes nothing.

    A row with a reason is evidence: this centre was restored, or showed that node another history.
    """
    require(admin.role, "check.run")
    async with centre.store.reading() as tx:
        head = await ledger.head(tx, centre.origin)
        last = await contacts.last_contacts(tx)
        found: list[WitnessRow] = []
        for one in await fleet.identities(tx):
            contact = last.get(one.origin)
            if contact is None or not contact.centre_seen:
                continue
            row = WitnessRow(origin=one.origin, node=one.node, size=0, at_ms=contact.at_ms, reason="")
            trusted = {centre.origin: centre.keys.signing.public, one.origin: one.signing}
            try:
                seen = open_note(contact.centre_seen, trusted)
            except SyncError as error:
                found.append(msgspec.structs.replace(row, reason=error.detail))
                continue
            reason = ""
            if seen.size > head.size:
                reason = f"the node saw {seen.size} entries, we have {head.size}"
            elif seen.size:
                ours = await ledger.roots(tx, centre.origin, head.size, [seen.size])
                reason = "" if ours[seen.size] == seen.root else f"another root at {seen.size}"
            found.append(msgspec.structs.replace(row, size=seen.size, reason=reason))
    return tuple(found)
