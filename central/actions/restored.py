"""A centre restored from a backup (rule 8.8): found, said aloud, ended by a new incarnation of its ledger.

1  find      the database is behind what was signed: by the anchor outside of it, by a node that shows more of
             our own ledger than we have, or by the operator's word
2  level     from then on nothing is signed; entries are taken, so that our copies of nodes come level
3  approve   two officers, as for any incarnation (`incarnations.decide`)
4  begin     the first entry of the new ledger names the old one, where it stood and what is known to be lost;
             all we number for nodes begins above a floor that no earlier life ever reached
"""

import asyncio
import hashlib

import msgspec

from central.actions import mailbox
from central.actions.centre import AdminSession, Centre
from central.actions.own_ledger import Draft, anchored, head, note_missing, record
from central.security.permissions import require
from central.store import effects, fleet, incarnations, ledger, reconciling, records
from central.store.database import Tx
from central.store.fleet import Identity
from central.store.incarnations import CENTRE, Asked
from central.store.ledger import Head
from central.store.reconciling import Finding
from matters.calendar import china_day
from matters.model import Refusal, Words
from sync.batch.header import Header
from sync.errors import BadSignature, SyncError
from sync.exchange.centre import witnessed
from sync.exchange.succession import incarnation_of, same_centre
from sync.messages.incarnation import RESTORED, CentreOpening, Claim, fingerprint, floor
from sync.signing.notes import Checkpoint, only_signed_by, open_note

WITNESS = "centre-restored"
"""Evidence of this kind is a checkpoint of ours that is no part of what the database holds."""
NAMED_MAX = 16
NAMES_A_LIFE = 1000
"""Nodes of a county, or incarnations of a node, that one incarnation of our ledger may name."""
_RULE = "中心从备份恢复（protocol.md 8.8）"
_WHY = Words(zh="恢复经过", en="what was restored from what")


async def levelling(centre: Centre) -> bool:
    """Step 1 by the anchor, and step 2: whether nothing may be signed now."""
    async with centre.store.reading() as tx:
        if await waits(centre, tx):
            return True
    note = await asyncio.to_thread(anchored, centre.data)
    return bool(note) and await _behind(centre, note, "anchor")


async def level(centre: Centre, identity: Identity, header: Header) -> bool:
    """Whether we may sign: our ledger holds all that was ever signed of it, as far as anybody showed.

    What this node shows is compared also while officers wait: the opening must name it. Raises BadSignature
    when it is not our checkpoint with this node's signature.
    """
    seen = seen_of(centre, identity, header)
    if seen is None:
        return not await levelling(centre)
    note = only_signed_by(header.centre_seen, centre.origin)
    return not await _behind(centre, note, identity.origin) and not await levelling(centre)


def seen_of(centre: Centre, identity: Identity, header: Header) -> Checkpoint | None:
    """Our own checkpoint as the node last saw it, signed by both; None when it never saw one.

    Raises BadSignature when the node's signature is not under it, or ours is not.
    """
    if not header.centre_seen:
        return None
    trusted = {centre.origin: centre.keys.signing.public, identity.origin: identity.signing}
    seen = open_note(header.centre_seen, trusted)
    if set(seen.signers) != set(trusted) or not same_centre(seen.origin, centre.origin):
        raise BadSignature("the centre's checkpoint comes back without both signatures")
    return seen if seen.size else None


async def _behind(centre: Centre, note: bytes, holder: str) -> bool:
    """Whether `note`, signed by us, is no part of our ledger; what is found is durable, and said."""
    try:
        seen = open_note(note, {centre.origin: centre.keys.signing.public})
    except SyncError:
        return False  # an anchor that cannot be read proves nothing; nodes do
    async with centre.store.reading() as tx:
        own = await head(centre, tx)
        newest = await ledger.checkpoints(tx, own.origin, 1)
        if newest and newest[0].note == note:
            return False
        if incarnation_of(seen.origin) < incarnation_of(own.origin) or await _holds(tx, own, seen):
            return False
    await _found(centre, note, f"{holder}: {seen.origin} {seen.size}")
    return True


async def _holds(tx: Tx, own: Head, seen: Checkpoint) -> bool:
    if seen.origin != own.origin or seen.size > own.size:
        return False
    ours = await ledger.roots(tx, own.origin, own.size, [seen.size])
    return witnessed(seen, ours[seen.size])


async def declare(centre: Centre, admin: AdminSession, note: str) -> Refusal | None:
    """Step 1 by the operator, right after the restore: also where neither anchor nor node can show it yet."""
    require(admin.role, "centre.restored")
    unsaid = note_missing(note, _WHY, _RULE)
    if unsaid is None:
        await _found(centre, b"", f"{admin.admin}: {note.strip()}")
    return unsaid


async def _found(centre: Centre, note: bytes, what: str) -> None:
    """Keep the evidence; the first time, ask officers for a new incarnation and say so. Durable on return."""
    async with centre.store.transaction() as tx:
        own = await head(centre, tx, lock=True)
        if note:
            digest = hashlib.sha256(note).digest()
            await effects.add_evidence(tx, own.origin, digest, WITNESS, centre.now_ms(), what, note)
        if await incarnations.waiting(tx, own.origin):
            return
        asked = await _ask(centre, tx, own)
        if await reconciling.raise_finding(tx, _finding(centre, own)):
            draft = Draft(
                kind="finding.raised", actor="centre", object=asked.asked, outcome=WITNESS, note=what
            )
            await record(centre, tx, draft)


async def _ask(centre: Centre, tx: Tx, own: Head) -> Asked:
    """A request as a node's, without new keys: what officers compare is the root at which we stand."""
    number = await incarnations.made(tx, CENTRE)
    claim = Claim(size=own.size, root=own.root.hex(), countersigned=own.countersigned)
    asked = Asked(
        origin=own.origin,
        asked=fingerprint(own.root, number.to_bytes(4, "big")),
        node=CENTRE,
        reason=RESTORED.code,
        signing=centre.keys.signing.public,
        sealing=centre.keys.sealing.public,
        claim=msgspec.json.encode(claim).decode(),
        asked_ms=centre.now_ms(),
        state="waiting",
    )
    await incarnations.add(tx, asked)
    return asked


def _finding(centre: Centre, own: Head) -> Finding:
    return Finding(
        origin=own.origin,
        finding=f"{CENTRE}-{own.origin.rpartition('/')[2]}-restored",
        node=CENTRE,
        day=china_day(centre.now_ms()).isoformat(),
        code=WITNESS,
        object=own.origin,
        words_zh="中心从备份恢复，台账少于各节点所见：只收不签，须两名负责人批准换代",
        words_en="the centre was restored and has less than nodes saw: it signs nothing before officers do",
        owner="centre",
        state="open",
        opened_ms=centre.now_ms(),
    )


async def begin(centre: Centre, tx: Tx, asked: Asked, officers: tuple[str, ...]) -> None:
    """Step 4, in the transaction of the last officer's word."""
    old = await head(centre, tx, lock=True)
    opening, number = await _opening(centre, tx, old, asked, officers)
    new = f"{centre.origin.rpartition('/')[0]}/i{number}"
    said = msgspec.json.encode(opening).decode()
    await incarnations.settle(tx, asked, "begun", centre.now_ms(), new, said)
    await ledger.freeze(tx, old.origin, f"ended by {new}")
    await ledger.open_head(tx, new)
    await record(centre, tx, Draft(kind="centre.opened", actor="centre", object=new, fields=opening.detail()))
    await records.renumber(tx, floor(number))
    for identity in await fleet.current_identities(tx):
        await mailbox.renumber(centre, tx, identity.origin, floor(number))


async def _opening(
    centre: Centre, tx: Tx, old: Head, asked: Asked, officers: tuple[str, ...]
) -> tuple[CentreOpening, int]:
    """What the first entry says, and the number of the new incarnation: above every one ever shown."""
    trusted = {centre.origin: centre.keys.signing.public}
    notes = await effects.evidence(tx, old.origin, WITNESS)
    seen = {
        (incarnation_of(one.origin), one.size): one.root for one in (open_note(n, trusted) for n in notes)
    }
    longest = sorted(seen, reverse=True)[:NAMED_MAX]
    here = incarnation_of(old.origin)
    stood = {here: msgspec.json.decode(asked.claim, type=Claim).size}
    lost = {number: max(0, size - stood.get(number, 0)) for number, size in reversed(longest)}
    opening = CentreOpening(
        old_origin=old.origin,
        size=old.size,
        root=old.root,
        witnessed=tuple((number, size, seen[number, size]) for number, size in longest),
        reason=asked.reason,
        approved_by=officers,
        lost=sum(lost.values()),
    )
    return opening, max([here, *(number for number, _ in seen)]) + 1


async def names_floor(tx: Tx) -> int:
    """Above this are numbers of new nodes, and of their new incarnations, that no earlier life has used."""
    begun = await incarnations.begun(tx, CENTRE)
    return (incarnation_of(begun[-1].new_origin) - 1) * NAMES_A_LIFE if begun else 0


async def numbers_floor(tx: Tx) -> int:
    """Above this letters and releases of what is made now are numbered."""
    begun = await incarnations.begun(tx, CENTRE)
    return floor(incarnation_of(begun[-1].new_origin)) if begun else 0


async def began_ms(tx: Tx) -> int:
    """When the incarnation of our ledger that is now written began; 0 for the first."""
    begun = await incarnations.begun(tx, CENTRE)
    return (begun[-1].settled_ms or 0) if begun else 0


async def waits(centre: Centre, tx: Tx) -> bool:
    """Whether officers have to speak first, so that nothing may be numbered for nodes now (`WAIT`)."""
    return bool(await incarnations.open_requests(tx, (await head(centre, tx)).origin))


WAIT = Refusal(
    code="centre-levelling",
    message=Words(
        zh="中心从备份恢复，批准换代前不能新建节点、换代或发布。",
        en="the centre was restored: no new nodes, incarnations or releases before its own new incarnation",
    ),
    rule=_RULE,
    next=Words(
        zh="请两名负责人在“节点换代”页或用 central incarnation approve --node centre 批准。",
        en="Have two officers approve in the console, or with central incarnation approve --node centre.",
    ),
)
