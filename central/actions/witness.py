"""The log of logs from outside: proofs for anybody, and what nodes hold of us compared with what we have."""

from collections.abc import Iterable
from functools import partial

import msgspec

from central.actions.centre import AdminSession, Centre
from central.actions.own_ledger import DETAIL, origin_of, origins, place_bytes
from central.errors import NotFound
from central.security.permissions import require
from central.store import contacts, fleet, incarnations, ledger, trail
from central.store.database import Tx
from central.store.incarnations import CENTRE
from central.store.ledger import CheckpointKept, Head
from matters.model import Words
from sync.batch.acknowledge import Successor
from sync.errors import SyncError
from sync.exchange.succession import incarnation_of
from sync.ledger.tree import consistency, inclusion
from sync.messages.incarnation import CentreOpening
from sync.signing.notes import Checkpoint, open_note


class WitnessRow(msgspec.Struct, frozen=True, kw_only=True):
    """Our own checkpoint as one node signed it back; `reason` is None where it is part of our ledger."""

    origin: str
    node: str
    size: int
    at_ms: int
    reason: Words | None = None


class Grown(msgspec.Struct, frozen=True, kw_only=True):
    """What shows a node that our ledger only grew since it saw it, as an acknowledgement carries it."""

    old_size: int = 0
    consistency: tuple[bytes, ...] = ()
    hops: tuple[tuple[int, tuple[bytes, ...]], ...] = ()
    successors: tuple[Successor, ...] = ()


async def grown(centre: Centre, tx: Tx, seen_note: bytes, own: CheckpointKept, told: Iterable[int]) -> Grown:
    """From what the node saw (`seen_note`, empty: nothing) and from the sizes it was told since, to `own`."""
    origin = origin_of(own)
    hops = {old: await _proof(tx, origin, old, own.size) for old in set(told) if 0 < old < own.size}
    if not seen_note:
        return Grown(hops=tuple(sorted(hops.items())))
    seen = open_note(seen_note, {centre.origin: centre.keys.signing.public})
    if seen.origin != origin:
        return Grown(
            old_size=seen.size,
            consistency=await _of_the_old(centre, tx, seen),
            hops=tuple(sorted(hops.items())),
            successors=await _successors(centre, tx, seen, own),
        )
    hops.pop(seen.size, None)
    consistent = await _proof(tx, origin, seen.size, own.size)
    return Grown(old_size=seen.size, consistency=consistent, hops=tuple(sorted(hops.items())))


async def _of_the_old(centre: Centre, tx: Tx, seen: Checkpoint) -> tuple[bytes, ...]:
    """That what was seen of an ended ledger is part of what stood of it; nothing where it is not there."""
    if seen.origin not in await origins(centre, tx):
        return ()
    return await _proof(tx, seen.origin, seen.size, (await ledger.head(tx, seen.origin)).size)


async def _proof(tx: Tx, origin: str, old: int, new: int) -> tuple[bytes, ...]:
    """From `old` to `new`; nothing where we have less than `old`."""
    size = (await ledger.head(tx, origin)).size
    if old > new:
        return ()
    return tuple(await ledger.over_tiles(tx, origin, size, partial(consistency, old=old, new=new)))


async def _successors(centre: Centre, tx: Tx, seen: Checkpoint, own: CheckpointKept) -> tuple[Successor, ...]:
    """The openings of every incarnation since the one that was seen, each proven to be its first."""
    since = [one for one in await origins(centre, tx) if incarnation_of(one) > incarnation_of(seen.origin)]
    sizes = {one: (await ledger.head(tx, one)).size for one in since}
    sizes[origin_of(own)] = own.size
    return tuple([await _successor(centre, tx, one, sizes[one]) for one in since])


async def _successor(centre: Centre, tx: Tx, origin: str, size: int) -> Successor:
    first = await trail.entry(tx, origin, 0)
    if first is None:
        raise NotFound("没有这条台账条目。", "there is no such entry")
    whole = (await ledger.head(tx, origin)).size
    return Successor(
        leaf=first.leaf,
        salt=first.salt,
        detail=centre.keys.unseal(DETAIL, place_bytes(origin, 0), first.detail_sealed),
        path=tuple(await ledger.over_tiles(tx, origin, whole, partial(inclusion, index=0, size=size))),
    )


async def proof(centre: Centre, old: int, new: int, incarnation: int = 0) -> tuple[bytes, ...]:
    """That our ledger of `new` entries extends the one of `old`. Raises NotFound beyond what we have.

    `incarnation` 0 is the one now written.
    """
    async with centre.store.reading() as tx:
        ours = await origins(centre, tx)
        origin = next(
            (one for one in ours if incarnation_of(one) == incarnation), "" if incarnation else ours[-1]
        )
        size = (await ledger.head(tx, origin)).size if origin else 0
        if not 0 < old <= new <= size:
            raise NotFound("没有这么大的台账。", "our ledger has no such sizes")
        return await _proof(tx, origin, old, new)


async def witnesses(centre: Centre, admin: AdminSession) -> tuple[WitnessRow, ...]:
    """What every node last signed back of our ledger, compared with it; changes nothing.

    A row with a reason is evidence: this centre was restored, or showed that node another history.
    """
    require(admin.role, "check.run")
    async with centre.store.reading() as tx:
        heads = await ledger.heads(tx)
        admitted = await _admitted(tx)
        last = await contacts.last_contacts(tx)
        found: list[WitnessRow] = []
        for one in await fleet.identities(tx):
            contact = last.get(one.origin)
            if contact is None or not contact.centre_seen:
                continue
            row = WitnessRow(origin=one.origin, node=one.node, size=0, at_ms=contact.at_ms)
            trusted = {centre.origin: centre.keys.signing.public, one.origin: one.signing}
            try:
                seen = open_note(contact.centre_seen, trusted)
            except SyncError as error:
                why = Words(
                    zh=f"节点签回的检查点不成立（{error.code}）",
                    en=f"what the node signed back does not hold ({error.code})",
                )
                found.append(msgspec.structs.replace(row, reason=why))
                continue
            named = (incarnation_of(seen.origin), seen.size, seen.root) in admitted
            reason = None if named else await _differs(tx, heads.get(seen.origin), seen)
            found.append(msgspec.structs.replace(row, size=seen.size, reason=reason))
    return tuple(found)


async def _admitted(tx: Tx) -> set[tuple[int, int, bytes]]:
    """The checkpoints our openings name as signed and lost: incarnation, size and root."""
    openings = [
        msgspec.json.decode(one.opening, type=CentreOpening) for one in await incarnations.begun(tx, CENTRE)
    ]
    return {named for opening in openings for named in opening.witnessed}


async def _differs(tx: Tx, head: Head | None, seen: Checkpoint) -> Words | None:
    """Why what was seen is no part of our ledger of that incarnation; None when it is."""
    if head is None:
        return Words(
            zh=f"节点见过 {seen.origin}，中心没有这本台账",
            en=f"the node saw {seen.origin}, which we do not have",
        )
    if seen.size > head.size:
        return Words(
            zh=f"节点见过 {seen.size} 条，中心只有 {head.size} 条",
            en=f"the node saw {seen.size} entries, we have {head.size}",
        )
    ours = await ledger.roots(tx, head.origin, head.size, [seen.size]) if seen.size else {0: seen.root}
    if ours[seen.size] == seen.root:
        return None
    return Words(zh=f"第 {seen.size} 条处的根不同", en=f"another root at {seen.size}")
