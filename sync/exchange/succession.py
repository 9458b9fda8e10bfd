"""A new incarnation of the centre's own ledger, judged by a node (rules 4.4 and 8.8, property P3).

A centre restored from a backup lacks what it once signed. It may go on only under a new incarnation whose
first entry, approved by two officers, names the ledger that ended, where it stood, and what is known to be
lost. A node believes the new ledger by the proof of that entry, keeps its last note of the old one for ever,
and says so aloud when it saw more than the entry admits.
"""

import msgspec

from sync.batch.acknowledge import Acknowledgement, Successor
from sync.errors import InconsistentProof, Malformed, SyncError
from sync.exchange.view import CentreSeen
from sync.ids import Origin, parse_origin
from sync.ledger.entry import commit, leaf_hash, parse_leaf
from sync.ledger.proofs import check_consistency, check_inclusion
from sync.messages.incarnation import CentreOpening, centre_opening
from sync.messages.registry import decode_detail, kind
from sync.signing.notes import Checkpoint

KIND = kind("centre.opened").number


class Succeeded(msgspec.Struct, frozen=True, kw_only=True):
    """The centre's ledger began anew since we saw it; `doubt` (or empty): what its opening does not admit."""

    old: CentreSeen
    new_origin: str
    doubt: str


def same_centre(origin: str, name: str) -> bool:
    """Whether `origin` is an incarnation of the ledger of the centre called `name`."""
    try:
        one, other = parse_origin(origin), parse_origin(name)
    except Malformed:
        return False
    return msgspec.structs.replace(one, incarnation=1) == msgspec.structs.replace(other, incarnation=1)


def incarnation_of(origin: str) -> int:
    """The incarnation an origin names; 0 for none (nothing seen yet)."""
    return parse_origin(origin).incarnation if origin else 0


def succeeded(ack: Acknowledgement, head: Checkpoint, last: CentreSeen) -> Succeeded:
    """That the ledger of `head` follows the one of `last` by openings proven one after the other.

    Raises SyncError when it does not: then the acknowledgement counts for nothing.
    """
    if not ack.successors:
        raise InconsistentProof("a new incarnation of the centre's ledger without the proof of its opening")
    openings = [_opening(one) for one in ack.successors]
    ends = [(opening.old_origin, opening.size, opening.root) for opening in openings[1:]]
    ends.append((head.origin, head.size, head.root))
    before = parse_origin(last.origin)
    for one, (origin, size, root) in zip(ack.successors, ends, strict=True):
        check_inclusion(leaf_hash(one.leaf), 0, size, list(one.path), root)
        before = _rises(before, parse_origin(origin))
    if incarnation_of(openings[0].old_origin) > incarnation_of(last.origin):
        raise InconsistentProof(f"the opening ends {openings[0].old_origin}, seen was {last.origin}")
    doubt = _doubt(openings[0], last, ack)
    return Succeeded(old=last, new_origin=head.origin, doubt=doubt)


def _opening(one: Successor) -> CentreOpening:
    """What an opening says, its detail proven by the commitment in its leaf."""
    entry, commitment = parse_leaf(one.leaf)
    if (entry.index, entry.kind) != (0, KIND) or commit(one.salt, one.detail) != commitment:
        raise InconsistentProof("not the opening of a centre's ledger")
    return centre_opening(decode_detail(entry.kind, one.detail))


def _rises(before: Origin, after: Origin) -> Origin:
    if not same_centre(before.text, after.text) or after.incarnation <= before.incarnation:
        raise InconsistentProof(f"{after.text} does not follow {before.text}")
    return after


def _doubt(opening: CentreOpening, last: CentreSeen, ack: Acknowledgement) -> str:
    """What we saw of the old ledger and the opening does not admit; empty when it admits all of it.

    It is admitted where it is named itself, where it is proven to be part of what stood, or where what stood
    is shorter and a longer ledger is named as signed and lost. Of a lost incarnation nothing stood.
    """
    here = incarnation_of(last.origin)
    stood = opening.size if opening.old_origin == last.origin else 0
    named = {stood: opening.root} if stood else {}
    named.update({size: root for number, size, root in opening.witnessed if number == here})
    if last.size in named:
        return "" if named[last.size] == last.root else f"another root is named at {last.size}"
    longest = max(named, default=0)
    if last.size > stood:
        return "" if last.size < longest else f"seen {last.size} entries, {longest} are named"
    try:
        check_consistency(last.size, last.root, stood, opening.root, list(ack.centre_consistency))
    except SyncError:
        return f"seen {last.size} entries that are no part of the {stood} which stood"
    return ""
