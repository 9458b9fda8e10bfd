"""The reply to one batch.

How far we are, our countersignature, our own checkpoint, letters, releases, leases.
"""

import msgspec

from central.actions import leases, mailbox, own_ledger
from central.actions.centre import Centre
from central.store import effects, fleet, ledger, records
from central.store.fleet import Identity
from sync.batch.acknowledge import Acknowledgement, encode
from sync.batch.file import build_sealed
from sync.batch.header import Header
from sync.exchange.centre import reply as replied
from sync.ledger.tree import TileSource, consistency
from sync.signing.notes import Checkpoint, open_note

SCOPE_KEY = "scope-key"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch: the index wanted next, and how many entries were new."""

    next: int
    stored: int


async def reply(
    centre: Centre,
    identity: Identity,
    header: Header,
    checkpoint: Checkpoint,
    outcome: Outcome,
    note: bytes,
) -> bytes:
    """The acknowledgement as a sealed batch to the node.

    All it carries is durable here before it is built.
    """
    acknowledgement = await _whole(centre, identity, header, outcome)
    if note:
        acknowledgement = replied(acknowledgement, checkpoint, note)
    return build_sealed(
        "acknowledge",
        encode(acknowledgement),
        origin=centre.origin,
        destination=identity.origin,
        key=centre.keys.signing,
        recipients=(identity.sealing,),
        now_ms=centre.now_ms(),
    )


async def _whole(centre: Centre, identity: Identity, header: Header, outcome: Outcome) -> Acknowledgement:
    certificate = await leases.renewed_certificate(centre, identity)
    given = await leases.due(centre, identity)
    own = await own_ledger.signed_checkpoint(centre)
    async with centre.store.reading() as tx:
        node = await fleet.node(tx, identity.node)
        proof = await _consistency(centre, header, own.size)
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
        centre_consistency=tuple(proof),
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


async def _consistency(centre: Centre, header: Header, size: int) -> list[bytes]:
    """The proof that our ledger only grew since the node last saw it; empty when it never did."""
    if not header.centre_seen:
        return []
    seen = open_note(header.centre_seen, {centre.origin: centre.keys.signing.public}).size
    if not 0 < seen < size:
        return []

    def question(tiles: TileSource) -> list[bytes]:
        return consistency(tiles, seen, size)

    async with centre.store.reading() as tx:
        head = await ledger.head(tx, centre.origin)
        return await ledger.over_tiles(tx, centre.origin, head.size, question)
