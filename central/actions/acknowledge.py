"""The reply to one batch.

How far we are, our countersignature, our own checkpoint, letters, releases, leases.
"""

import msgspec

from central.actions import leases, mailbox, offers, witness
from central.actions.centre import Centre
from central.store import contacts, effects, fleet
from central.store.fleet import Identity
from central.store.ledger import CheckpointKept
from sync.batch.acknowledge import Acknowledgement, encode
from sync.batch.file import build_sealed
from sync.batch.header import SLIM, Header
from sync.exchange.centre import reply as replied
from sync.signing.notes import Checkpoint

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
    return _sealed(centre, identity, acknowledgement, slim=header.version == SLIM)


async def levelling(centre: Centre, identity: Identity, header: Header, outcome: Outcome) -> bytes:
    """What a restored centre says until officers approve its new incarnation (rule 8.8).

    How far it is, and what lets a hall go on meanwhile; nothing of it is numbered, nothing countersigned.
    """
    acknowledgement = Acknowledgement(
        origin=identity.origin,
        next=outcome.next,
        centre_time_ms=centre.now_ms(),
        leases=await leases.due(centre, identity, header.statistics.get("lease_used_percent", 0)),
        certificate=await leases.renewed_certificate(centre, identity),
        levelling=True,
    )
    return _sealed(centre, identity, acknowledgement)


def _sealed(
    centre: Centre, identity: Identity, acknowledgement: Acknowledgement, *, slim: bool = False
) -> bytes:
    return build_sealed(
        "acknowledge",
        encode(acknowledgement, centre.origin if slim else ""),
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
    async with centre.store.reading() as tx:
        node = await fleet.node(tx, identity.node)
        sizes = await contacts.centre_sizes(tx, identity.origin, HOPS_MAX) if ours.hops else []
        grown = await witness.grown(centre, tx, header.centre_seen, ours.own, sizes)
        news = await offers.offers(centre, tx, node, header.needs) if node else ()
        rejected = await effects.rejections(tx, identity.origin, header.start)
        letters = await mailbox.waiting(centre, tx, identity.origin, header.directive_seen)
    return Acknowledgement(
        origin=identity.origin,
        next=outcome.next,
        centre_checkpoint=ours.own.note,
        centre_old_size=grown.old_size,
        centre_consistency=grown.consistency,
        centre_hops=grown.hops,
        successors=grown.successors,
        centre_time_ms=centre.now_ms(),
        directives=letters,
        releases=tuple(one.signed for one in news),
        scope_keys={one.release.scope: one.key for one in news if one.key},
        leases=given,
        rejected=tuple((one.idx, one.reason) for one in rejected),
        window_ms=node.window_ms if node else 0,
        certificate=certificate,
    )
