"""Two views shown to two nodes are found: notes of one centre's ledger, held by several nodes, compared.

Every node holds the newest checkpoint of the centre's own ledger that it saw, with its own signature under
it. Two notes of one size must have one root; of two sizes the larger must extend the smaller, which a proof
shows that anybody may ask the centre for. A centre that keeps two histories has no such proof. Each
incarnation of its ledger is a history of its own; how one follows the other every node judges (`succession`).
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec

from sync.errors import SyncError
from sync.exchange.succession import incarnation_of, same_centre
from sync.ledger.proofs import check_consistency
from sync.signing.notes import Checkpoint, open_note

Pair = tuple[int, int, int]
"""An incarnation of the centre's ledger, and two sizes of it."""
Proofs = Mapping[Pair, Sequence[bytes]]


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A note as one holder (a node's origin) has it."""

    holder: str
    note: bytes


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """Two holders who cannot both be right, or a note that is none: evidence, with the reason for the log."""

    holders: tuple[str, ...]
    sizes: tuple[int, ...]
    reason: str


def steps(heads: Sequence[Checkpoint]) -> list[Pair]:
    """The proofs `compare` needs: in each incarnation from each size to the next larger one."""
    places = sorted({_place(head) for head in heads if head.size})
    return [(number, old, new) for (number, old), (same, new) in pairwise(places) if number == same]


def _place(head: Checkpoint) -> tuple[int, int]:
    return incarnation_of(head.origin), head.size


def opened(
    held: Sequence[Held], centre: str, public: bytes
) -> tuple[list[tuple[str, Checkpoint]], list[Split]]:
    """The heads that this centre signed, and the notes it did not."""
    good: list[tuple[str, Checkpoint]] = []
    bad: list[Split] = []
    for one in held:
        try:
            head = open_note(one.note, {centre: public})
        except SyncError as error:
            bad.append(Split(holders=(one.holder,), sizes=(), reason=error.detail))
            continue
        if same_centre(head.origin, centre):
            good.append((one.holder, head))
        else:
            bad.append(Split(holders=(one.holder,), sizes=(head.size,), reason=f"a note of {head.origin}"))
    return good, bad


def compare(heads: Sequence[tuple[str, Checkpoint]], proofs: Proofs) -> list[Split]:
    """Every contradiction between holders; empty when all saw one history.

    `proofs` holds what `steps` named; a step without a proof counts as a contradiction: who keeps one history
    can always show it.
    """
    found: list[Split] = []
    first: dict[tuple[int, int], tuple[str, Checkpoint]] = {}
    for holder, head in heads:
        known = first.setdefault(_place(head), (holder, head))
        if known[1].root != head.root:
            reason = f"two roots at size {head.size}"
            found.append(Split(holders=(known[0], holder), sizes=(head.size,), reason=reason))
    for number, old, new in steps([head for _, head in heads]):
        (left, before), (right, after) = first[number, old], first[number, new]
        try:
            check_consistency(old, before.root, new, after.root, list(proofs[number, old, new]))
        except (SyncError, KeyError) as error:
            reason = error.detail if isinstance(error, SyncError) else "the centre gives no proof"
            found.append(Split(holders=(left, right), sizes=(old, new), reason=reason))
    return found
