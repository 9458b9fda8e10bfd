"""The reply to one batch.

How far we are, our countersignature, our own checkpoint, letters, releases, leases.
"""

from functools import partial

import msgspec

from central.actions import leases, mailbox
from central.actions.centre import Centre
from central.store import contacts, effects, fleet, ledger, records
from central.store.database import Tx
from central.store.fleet import Identity
from central.store.ledger import CheckpointKept
from sync.batch.acknowledge import Acknowledgement, encode
from sync.batch.file import build_sealed
from sync.batch.header import Header
from sync.exchange.centre import reply as replied
from sync.ledger.tree import consistency
from sync.signing.notes import Checkpoint, open_note

SCOPE_KEY = "scope-key"
HOPS_MAX = 16
"""Earlier sizes of our ledger from which a stick carries proofs."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch: the index wanted next, and how many entries were new."""

    next: int
    stored: int


class Ours(msgspec.Struct, frozen=True, kw_only=True):
    """What we sign: our own ledger's head, and the node's note with our line under it (empty: none).

    `hops`: proofs from other sizes go along, for sticks that overtake each other.
    """

    own: CheckpointKept
    note: bytes
    hops: bool


async def reply(
    centre: Centre,
    identity: Identity,
    header: Header,
    checkpoint: Checkpoint,
    outcome: Outcome,
    ours: Ours,
) -> bytes:
    """The acknowledgement as a sealed batch to the node.

    All it carries is durable here before it is built.
    """
    acknowledgement = await _whole(centre, identity, header, outcome, ours)
    if ours.note:
        acknowledgement = replied(acknowledgement, checkpoint, ours.note)
    return build_sealed(
        "acknowledge",
        encode(acknowledgement),
        origin=centre.origin,
        destination=identity.origin,
        key=centre.keys.signing,
        recipients=(identity.sealing,),
        now_ms=centre.now_ms(),
    )


async def _whole(
    centre: Centre, identity: Identity, header: Header, outcome: Outcome, ours: Ours
) -> Acknowledgement:
    certificate = await leases.renewed_certificate(centre, identity)
    given = await leases.due(centre, identity, header.statistics.get("lease_used_percent", 0))
    own = ours.own
    async with centre.store.reading() as tx:
        node = await fleet.node(tx, identity.node)
        seen = _seen(centre, header)
        sizes = await contacts.centre_sizes(tx, identity.origin, HOPS_MAX) if ours.hops else []
        proofs = await _proofs(centre, tx, {seen, *sizes}, own.size)
        wanted = {wish.scope: wish.version for wish in header.needs}
        scopes = await records.scopes(tx, leases.scopes_of(node) if node else ())
        fresh = await records.releases(tx, [scope.scope for scope in scopes])
        news = [one for one in fresh if one.version > wanted.get(one.scope, 0)]
        keys = {scope.scope: scope.key_sealed for scope in scopes}
        rejected = await effects.rejections(tx, identity.origin, header.start)
        letters = await mailbox.waiting(centre, tx, identity.origin, header.directive_seen)
    return Acknowledgement(
        origin=identity.origin,
        next=outcome.next,
        centre_checkpoint=own.note,
        centre_old_size=seen,
        centre_consistency=proofs.get(seen, ()),
        centre_hops=tuple((size, proof) for size, proof in sorted(proofs.items()) if size != seen),
        centre_time_ms=centre.now_ms(),
        directives=letters,
        releases=tuple(one.signed for one in news),
        scope_keys={
            one.scope: centre.keys.unseal(SCOPE_KEY, one.scope.encode(), keys[one.scope]) for one in news
        },
        leases=given,
        rejected=tuple((one.idx, one.reason) for one in rejected),
        window_ms=node.window_ms if node else 0,
        certificate=certificate,
    )


def _seen(centre: Centre, header: Header) -> int:
    """The size of our own ledger the node last saw; 0 before the first contact."""
    if not header.centre_seen:
        return 0
    return open_note(header.centre_seen, {centre.origin: centre.keys.signing.public}).size


async def _proofs(centre: Centre, tx: Tx, sizes: set[int], size: int) -> dict[int, tuple[bytes, ...]]:
    """Proofs that our ledger of `size` only grew from each of these sizes."""
    head = await ledger.head(tx, centre.origin)
    found: dict[int, tuple[bytes, ...]] = {}
    for old in sorted(one for one in sizes if 0 < one < size):
        question = partial(consistency, old=old, new=size)
        found[old] = tuple(await ledger.over_tiles(tx, centre.origin, head.size, question))
    return found
