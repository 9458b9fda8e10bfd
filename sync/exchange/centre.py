"""The centre's side of one uplink as pure rules (protocol section 4); the caller reads and commits.

1  judge_offer      the checkpoint is consistent with what we hold, or it is evidence
2  judge_frame      equal overlap is skipped, new entries follow without a gap, a difference is evidence
3  judge_root       only a root equal to the signed one may be countersigned
   countersign      after the commit: persist the result, then reply
4  reply            the acknowledgement a node can hold us to
6  effect_key       one effect per (origin, index), also for entries carried over after a fork
"""

from collections.abc import Mapping, Sequence

import msgspec

from sync.batch.acknowledge import Acknowledgement
from sync.batch.file import Frame
from sync.batch.header import Header
from sync.errors import InconsistentProof, Malformed, WrongDestination, WrongOrigin
from sync.ids import parse_origin
from sync.ledger.entry import Entry
from sync.ledger.proofs import EMPTY_ROOT, check_consistency
from sync.signing.keys import SigningKey
from sync.signing.notes import Checkpoint, cosign

CARRIED = "carried"
"""First word of the `ext` element (CARRIED, origin, index, leaf hash) of an entry carried over."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the centre durably holds of one origin.

    `size` entries are stored (countersigned or not); `roots` are our own roots at the sizes
    `sizes_needed` named.
    """

    origin: str
    size: int
    roots: Mapping[int, bytes]


class Accept(msgspec.Struct, frozen=True, kw_only=True):
    """The offer is consistent; read frames from `start`, the first `overlap` entries are already held."""

    start: int
    overlap: int


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """Entries are missing in between: tell the node to send from `next`. Nothing is stored."""

    next: int


class ForkEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """Two histories: keep both, refuse, alarm.

    `size` is where they differ, `ours` and `theirs` the two hashes; `index` is the first differing entry
    where it is known, else -1.
    """

    origin: str
    size: int
    ours: bytes
    theirs: bytes
    index: int = -1


class NewRows(msgspec.Struct, frozen=True, kw_only=True):
    """`skip` entries of the frame are already held and equal; the others are new, from index `first` on."""

    skip: int
    first: int


def sizes_needed(header: Header, checkpoint: Checkpoint, size: int) -> tuple[int, ...]:
    """The sizes at which `judge_offer` wants our own roots, given that we hold `size` entries."""
    wanted = {header.old_size, min(checkpoint.size, size), size}
    return tuple(sorted(one for one in wanted if 0 < one <= size))


def judge_offer(
    header: Header, checkpoint: Checkpoint, known: Known, destination: str
) -> Accept | Need | ForkEvidence:
    """Rule 4.1, and the gap of rule 4.2. The signatures of header and note are already verified.

    Raises WrongDestination or WrongOrigin for a batch that is not ours to judge, InconsistentProof for a
    proof that does not lead from our own root to the signed one.
    """
    if header.destination != destination:
        raise WrongDestination(f"batch for {header.destination}")
    if not header.origin == checkpoint.origin == known.origin:
        raise WrongOrigin(f"batch of {header.origin}, checkpoint of {checkpoint.origin}")
    if header.end > checkpoint.size or not header.start <= header.old_size <= checkpoint.size:
        # Overlap is compared from `start` on, what lies before must be covered by the consistency proof.
        raise InconsistentProof(
            f"entries {header.start}..{header.end} from {header.old_size} to {checkpoint.size}"
        )
    # An offer no larger than what we hold must be a prefix of it: same size, same root.
    if checkpoint.size <= known.size:
        ours = _root(known, checkpoint.size)
        if ours != checkpoint.root:
            return ForkEvidence(origin=known.origin, size=checkpoint.size, ours=ours, theirs=checkpoint.root)
        return _from_start(header, known)
    # The node starts from more than we hold (we were restored): it must begin again where we are.
    if header.old_size > known.size:
        return Need(next=known.size)
    old_root = _root(known, header.old_size)
    check_consistency(header.old_size, old_root, checkpoint.size, checkpoint.root, list(header.consistency))
    return _from_start(header, known)


def _from_start(header: Header, known: Known) -> Accept:
    # `start` is at most `old_size`, and that at most what we hold.
    return Accept(start=header.start, overlap=min(known.size, header.end) - header.start)


def _root(known: Known, size: int) -> bytes:
    return known.roots[size] if size else EMPTY_ROOT


def judge_frame(
    origin: str, frame: Frame, known_hashes: Sequence[bytes], size: int
) -> NewRows | Need | ForkEvidence:
    """Rule 4.2 for one frame, already proven against the signed root.

    `size` is how many entries we hold now, `known_hashes` our leaf hashes of the frame's overlap with
    them. Commit new entries, tiles, effects and next in ONE transaction per frame.
    """
    if frame.first > size:
        return Need(next=size)
    overlap = min(size - frame.first, len(frame.rows))
    if len(known_hashes) != overlap:
        raise ValueError(f"{overlap} known leaf hashes wanted, {len(known_hashes)} given")
    for place, (ours, theirs) in enumerate(zip(known_hashes, frame.hashes, strict=False)):
        if ours != theirs:
            index = frame.first + place
            return ForkEvidence(origin=origin, size=index + 1, ours=ours, theirs=theirs, index=index)
    return NewRows(skip=overlap, first=frame.first + overlap)


def judge_root(origin: str, our_root: bytes, size: int, checkpoint: Checkpoint) -> bool | ForkEvidence:
    """Rule 4.3: True when we hold the checkpoint's size and root and may countersign; False when not yet.

    `our_root` is the root of our own tiles at min(size, checkpoint.size).
    """
    if size < checkpoint.size:
        return False
    if our_root != checkpoint.root:
        return ForkEvidence(origin=origin, size=checkpoint.size, ours=our_root, theirs=checkpoint.root)
    return True


def countersign(note: bytes, name: str, key: SigningKey) -> bytes:
    """The node's note with the centre's line under it. Persist it before it leaves (crash rule 8)."""
    return cosign(note, name, key)


def witnessed(seen: Checkpoint, our_root_there: bytes | None) -> bool:
    """Whether a centre checkpoint that a node signed back is part of our own ledger.

    `our_root_there` is our root at `seen.size`, None when we are smaller: this centre was restored from
    a backup and must countersign nothing until it is level again (crash rule 8).
    """
    return our_root_there == seen.root


class FirstPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where an entry stood first. `leaf_hash` tells two entries apart that a fork put at one place."""

    origin: str
    index: int
    leaf_hash: bytes = b""


def effect_key(origin: str, entry: Entry) -> tuple[str, int]:
    """Rule 4.6: the key under which an entry has at most one effect; a carried-over entry keeps its own."""
    first = first_place(origin, entry)
    return (first.origin, first.index) if first else (origin, entry.index)


def first_place(origin: str, entry: Entry) -> FirstPlace | None:
    """Where a carried-over entry stood first; None for one that was written here.

    Only an older incarnation of the same node can be carried over: no node can claim another's key. Anything
    else under that word has no meaning.
    """
    for element in entry.ext:
        match element:
            case (word, str(old), int(index), *rest) if (
                word == CARRIED and index >= 0 and _older(old, origin)
            ):
                leaf_hash = rest[0] if len(rest) == 1 and isinstance(rest[0], bytes) else b""
                return FirstPlace(origin=old, index=index, leaf_hash=leaf_hash)
    return None


def _older(old: str, origin: str) -> bool:
    """Whether `old` is an earlier incarnation of the node of `origin`."""
    try:
        before, now = parse_origin(old), parse_origin(origin)
    except Malformed:
        return False
    same = (before.authority, before.role, before.name) == (now.authority, now.role, now.name)
    return same and before.incarnation < now.incarnation


def carried(origin: str, index: int, leaf_hash: bytes = b"") -> tuple[str | int | bytes, ...]:
    """The `ext` element that keeps the effect key of an entry carried over from an older incarnation."""
    return (CARRIED, origin, index, leaf_hash) if leaf_hash else (CARRIED, origin, index)


def reply(base: Acknowledgement, checkpoint: Checkpoint, note: bytes) -> Acknowledgement:
    """Rule 4.4 from our side: the acknowledgement that carries a persisted countersignature."""
    return msgspec.structs.replace(base, size=checkpoint.size, root=checkpoint.root, note=note)
