"""What a node demands of an acknowledgement before one bit of it counts (protocol section 4, rule 4.4).

Each check returns None or the reason why not, in the order of `accept`.
"""

from collections.abc import Sequence

import msgspec

from sync.batch.acknowledge import Acknowledgement
from sync.batch.header import Header
from sync.errors import SyncError
from sync.exchange.succession import Succeeded, incarnation_of, same_centre, succeeded
from sync.exchange.view import CentreSeen, NodeView
from sync.ledger.proofs import EMPTY_ROOT, check_consistency
from sync.ledger.tree import root
from sync.signing.notes import Checkpoint, open_note


class NotAccepted(msgspec.Struct, frozen=True):
    """Why an acknowledgement does not count: the alarm's code, a detail for the log.

    `grave` is evidence of a rollback, fork or forgery; otherwise it is the wrong stick, or an old one.
    """

    reason: str
    detail: str
    grave: bool = False


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """What may be stored: the centre's own head, and our countersigned checkpoint when there is a new one.

    `succeeded`: the centre's ledger began anew since we saw it.
    """

    centre: Checkpoint
    countersigned: Checkpoint | None
    succeeded: Succeeded | None = None


class Levelling(msgspec.Struct, frozen=True):
    """A restored centre that signs nothing yet: it wants entries from `next` on, nothing else counts."""

    next: int


def accept(header: Header, ack: Acknowledgement, view: NodeView) -> Accepted | Levelling | NotAccepted:
    """All of rule 4.4 for an acknowledgement whose file is signed by the centre and was sealed to us."""
    doubt = _own(header, ack, view) or _ahead(ack, view)
    if doubt is not None:
        return doubt
    if ack.levelling:
        return Levelling(ack.next)
    centre = _centre_head(ack, view)
    if isinstance(centre, NotAccepted):
        return centre
    countersigned = _countersigned(ack, view)
    if isinstance(countersigned, NotAccepted):
        return countersigned
    # A countersignature at or below the one we hold is valid, but nothing new.
    new = countersigned is not None and countersigned.size > view.acknowledged()[0]
    accepted = Accepted(centre=centre, countersigned=countersigned if new else None)
    last = view.last_centre()
    if last.size and not last.origin:  # noted before incarnations of the centre were
        last = msgspec.structs.replace(last, origin=view.centre.origin)
    return _following(ack, accepted, last)


def _following(ack: Acknowledgement, accepted: Accepted, last: CentreSeen) -> Accepted | NotAccepted:
    """4.4 e: the centre's ledger is the one last seen, grown, or its proven successor (`succession`)."""
    head = accepted.centre
    then, now = incarnation_of(last.origin), incarnation_of(head.origin)
    if not then or then == now:
        return _extends(ack, head, last) or accepted
    if now < then:
        return _went_back(ack, last, f"incarnation {now} of the centre, seen {then}")
    try:
        return msgspec.structs.replace(accepted, succeeded=succeeded(ack, head, last))
    except SyncError as error:
        return NotAccepted("centre-opening", error.detail, grave=True)


def _own(header: Header, ack: Acknowledgement, view: NodeView) -> NotAccepted | None:
    """4.4 a: from our centre, for our own origin in its current incarnation."""
    if header.origin != view.centre.origin:
        return NotAccepted("wrong-centre", f"signed by {header.origin}")
    if ack.origin != view.origin or header.destination != view.origin:
        return NotAccepted("wrong-origin", f"acknowledges {ack.origin}")
    return None


def _ahead(ack: Acknowledgement, view: NodeView) -> NotAccepted | None:
    """4.4 b: size at most our own. The centre holding more proves a rollback here."""
    size = view.checkpoint().size
    if max(ack.size, ack.next) > size:
        return NotAccepted(
            "rolled-back", f"centre holds {max(ack.size, ack.next)}, we hold {size}", grave=True
        )
    return None


def _centre_head(ack: Acknowledgement, view: NodeView) -> Checkpoint | NotAccepted:
    """4.4 c: the centre's own checkpoint, signed by it."""
    centre = view.centre
    try:
        head = open_note(ack.centre_checkpoint, {centre.origin: centre.signing})
    except SyncError as error:
        return NotAccepted("centre-checkpoint", error.detail, grave=True)
    if not same_centre(head.origin, centre.origin):
        return NotAccepted("centre-checkpoint", f"of {head.origin}", grave=True)
    return head


def _countersigned(ack: Acknowledgement, view: NodeView) -> Checkpoint | NotAccepted | None:
    """4.4 d: our own checkpoint, our own root at that size, signed by us and by the centre."""
    if not ack.note:
        return None
    centre, ours = view.centre, view.signing_key.public
    try:
        head = open_note(ack.note, {view.origin: ours, centre.origin: centre.signing})
        own_root = root(view.tiles(), min(head.size, view.checkpoint().size))
    except SyncError as error:
        return NotAccepted("countersignature", error.detail, grave=True)
    both = set(head.signers) == {view.origin, centre.origin}
    same = (head.origin, head.size, head.root) == (view.origin, ack.size, ack.root)
    if not both or not same:
        return NotAccepted(
            "countersignature", "not the note of this acknowledgement, signed by both", grave=True
        )
    fork = NotAccepted("fork", f"our root at {head.size} is another", grave=True)
    return head if own_root == head.root else fork


def _extends(ack: Acknowledgement, head: Checkpoint, last: CentreSeen) -> NotAccepted | None:
    """The centre's ledger extends the one we last saw, so it cannot show two views (property P3)."""
    if head.size < last.size:
        return _went_back(ack, last, f"centre ledger {head.size}, seen {last.size}")
    proof: Sequence[bytes] | None = () if last.size in {0, head.size} else _proof_from(last.size, ack)
    if proof is None:
        return NotAccepted("stale", f"no proof from centre size {last.size}, the one last seen")
    try:
        check_consistency(last.size, last.root or EMPTY_ROOT, head.size, head.root, proof)
    except SyncError as error:
        # A proof that does not say where it begins may begin elsewhere: that is no evidence against the
        # centre.
        said = ack.centre_old_size != 0 or head.size == last.size or not ack.centre_consistency
        return NotAccepted("centre-fork" if said else "stale", error.detail, grave=said)
    return None


def _went_back(ack: Acknowledgement, last: CentreSeen, detail: str) -> NotAccepted:
    """Less of the centre's ledger than we saw: an old stick, or a centre that does not admit its loss."""
    if ack.centre_time_ms < last.time_ms:
        return NotAccepted("stale", f"older than the one of {last.time_ms}")
    return NotAccepted("centre-went-back", detail, grave=True)


def _proof_from(size: int, ack: Acknowledgement) -> Sequence[bytes] | None:
    if ack.successors:  # its own proof is of the ledger that ended
        return next((proof for old, proof in ack.centre_hops if old == size), None)
    unsaid = ack.centre_old_size == 0 and ack.centre_consistency
    if unsaid or ack.centre_old_size == size:
        return ack.centre_consistency
    return next((proof for old, proof in ack.centre_hops if old == size), None)
