"""A batch as a file: built as a stream of frames, so a builder holds no more than its budget.

`sync.batch.incoming` reads what this writes. Copying a file anywhere moves no cursor: only a verified
acknowledgement does.
"""

import hashlib
import secrets
from collections.abc import Iterable, Iterator

import msgspec

from sync.batch.frames import Frame, Packed, Place, seal_frame
from sync.batch.header import (
    BLOB_FRAME_BYTES,
    CODEC_COLUMNS,
    CODEC_ZSTD,
    ID_BYTES,
    KEY_BYTES,
    PACKAGE,
    PLAIN,
    SLIM,
    BatchKind,
    Header,
    PublicKeyOf,
    content_of,
    header_length,
    parse_header,
    sealed_for,
    sign_header,
)
from sync.batch.incoming import MESSAGE_BYTES_MAX, Incoming, frame_context, implied_proof
from sync.batch.range_proof import prove
from sync.batch.view import BatchView, Head, SaltEpoch
from sync.codec.columns import pack_frame
from sync.codec.rows import FrameContext, Rows
from sync.codec.squeeze import NEWEST, NONE, squeeze
from sync.errors import Gap, InconsistentProof, LimitExceeded, WrongOrigin
from sync.ledger.entry import leaf_hash, row_leaves
from sync.ledger.tree import Reader, consistency
from sync.limits import LIMITS
from sync.signing.keys import SealingKey, SigningKey

__all__ = [
    "BUDGET_BYTES",
    "Frame",
    "Header",
    "Incoming",
    "Planned",
    "build_sealed",
    "build_up",
    "frames",
    "open_header",
    "open_sealed",
    "plan_up",
    "write_up",
]

BUDGET_BYTES = 8 * 1024 * 1024
"""Packed bytes after which a batch ends early: what a builder holds in memory at most."""
_BLOB_LEVEL = 6


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """The packed frames of [start, end) under one checkpoint, before keys are drawn."""

    version: int
    head: Head
    start: int
    end: int
    epochs: tuple[SaltEpoch, ...]
    frames: tuple[Packed, ...]


def plan_up(
    view: BatchView,
    start: int,
    end: int,
    budget_bytes: int = BUDGET_BYTES,
    *,
    version: int = PLAIN,
    frame_entries: int = PACKAGE,
) -> Planned:
    """Read and pack entries [start, end) of the ledger, ending early at a frame where the budget is spent.

    A frame ends at each multiple of `frame_entries`, which divides a package: aligned frames need the fewest
    hashes. `version` is that of the header; frames under SLIM are compressed over the newest dictionary.
    Every frame is decoded again before release, and its rows compared with the ledger's own leaf hashes.
    Raises InconsistentProof naming an entry that is not what the ledger hashed, Gap for entries no
    longer held, and LimitExceeded for a single entry too large to travel.
    """
    head = view.checkpoint()
    end = min(end, head.size, start + LIMITS.batch_entries)
    if not 0 <= start <= end:
        raise InconsistentProof(f"entries {start} to {end} of a ledger of {head.size}")
    epochs = tuple(view.salt_epochs(start, end)) if end > start else ()
    context = frame_context(epochs, view.subject_key, NEWEST if version == SLIM else NONE)
    reader = Reader(view.tiles())
    packed: list[Packed] = []
    at, spent = start, 0
    while at < end and spent < budget_bytes and len(packed) + PACKAGE < LIMITS.frames:
        last = min((at // frame_entries + 1) * frame_entries, end)
        rows = Rows.of(view.rows(at, last))
        if len(rows) != last - at:
            raise Gap(at)
        fresh = _pack(reader, rows, context, head.size)
        spent += sum(len(one.packed) + len(one.proof) for one in fresh)
        packed += fresh
        at = last
    return Planned(version=version, head=head, start=start, end=at, epochs=epochs, frames=tuple(packed))


def write_up(
    view: BatchView, planned: Planned, now_ms: int, centre_seen: bytes | None = None
) -> Iterator[bytes]:
    """The file's bytes in order: header, one frame at a time, trailer.

    `centre_seen` stands in for the view's where a newer one will be durable before the file leaves.
    """
    content_key, batch_id = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(ID_BYTES)
    start, head, centre = planned.start, planned.head, view.centre
    path = consistency(view.tiles(), start, head.size)
    content = content_of(content_key, planned.epochs)
    header = Header(
        version=planned.version,
        kind="up",
        batch_id=batch_id,
        origin=view.origin,
        destination=centre.origin,
        created_ms=now_ms,
        checkpoint=head.note,
        # Everything before `start` is covered by this proof, everything after by the frames (rule 4.1).
        old_size=start,
        consistency=tuple(path),
        start=start,
        end=planned.end,
        dictionary=NEWEST if planned.version == SLIM else NONE,
        codec=CODEC_COLUMNS,
        frames=len(planned.frames),
        recipients=sealed_for(
            (centre.sealing, centre.recovery), batch_id, (view.origin, centre.origin), content
        ),
        centre_seen=view.centre_seen() if centre_seen is None else centre_seen,
        needs=tuple(view.wishes()),
        statistics=view.statistics(),
        directive_seen=view.directive_seen(),
        cuts=tuple(one.first for one in planned.frames[1:] if one.first % PACKAGE),
    )
    frames = [_slimmed(header, head.size, one) for one in planned.frames]
    return _write(header, view.signing_key, content_key, frames)


def _slimmed(header: Header, size: int, one: Packed) -> Packed:
    """The frame without its proof where the header's says the same."""
    if one.proof and one.proof == b"".join(implied_proof(header, size)):
        return msgspec.structs.replace(one, proof=b"")
    return one


def build_up(view: BatchView, start: int, end: int, now_ms: int) -> bytes:
    """The batch of entries [start, end) in one piece; see `plan_up` for its errors."""
    return b"".join(write_up(view, plan_up(view, start, end, LIMITS.batch_bytes), now_ms))


def build_sealed(
    kind: BatchKind,
    payload: bytes,
    *,
    origin: str,
    destination: str,
    key: SigningKey,
    recipients: tuple[bytes, ...],
    now_ms: int,
) -> bytes:
    """`payload` signed by `origin` and sealed to the recipients' X25519 public keys, in frames of 256 KiB."""
    if len(payload) > MESSAGE_BYTES_MAX:
        raise LimitExceeded(f"a message of {len(payload)} bytes")
    content_key, batch_id = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(ID_BYTES)
    pieces = [
        Packed(
            first=at,
            count=len(piece := payload[at : at + BLOB_FRAME_BYTES]),
            packed=squeeze(piece, level=_BLOB_LEVEL),
        )
        for at in range(0, len(payload), BLOB_FRAME_BYTES)
    ]
    header = Header(
        version=PLAIN,
        kind=kind,
        batch_id=batch_id,
        origin=origin,
        destination=destination,
        created_ms=now_ms,
        end=len(payload),
        codec=CODEC_ZSTD,
        frames=len(pieces),
        recipients=sealed_for(recipients, batch_id, (origin, destination), content_of(content_key)),
    )
    return b"".join(_write(header, key, content_key, pieces))


def open_sealed(
    data: bytes, key: SealingKey, public_of: PublicKeyOf, *, kind: BatchKind, destination: str
) -> tuple[Header, bytes]:
    """Header and payload of a sealed message for us.

    Raises WrongDestination when it is addressed elsewhere, WrongOrigin for another kind of batch, and what
    `Incoming` raises.
    """
    incoming = Incoming(data, key, public_of, destination=destination)
    if incoming.header.kind != kind:
        raise WrongOrigin(f"a batch of kind {incoming.header.kind}, {kind} expected")
    return incoming.header, incoming.payload()


def open_header(data: bytes, keys: PublicKeyOf) -> Header:
    """The signed header of a file, or of its first 64 KiB, with nothing unsealed: to route it."""
    return parse_header(data[: 8 + header_length(data[:8])], keys).header


def frames(
    data: bytes, header: Header, sealing_key: SealingKey, keys: PublicKeyOf, subject_key: bytes
) -> Iterator[Rows]:
    """The verified rows of a whole file, frame by frame; `Incoming` gives leaves and hashes too."""
    incoming = Incoming(data, sealing_key, keys, destination=header.destination)
    return (frame.rows for frame in incoming.frames(subject_key))


def _pack(reader: Reader, rows: Rows, context: FrameContext, size: int) -> list[Packed]:
    """The frame of these rows, halved as often as it takes to keep each within one frame's limit."""
    first = rows.indexes[0]
    end = first + len(rows)
    try:
        packed = pack_frame(rows, context)
    except LimitExceeded:
        if len(rows) == 1:
            raise
        half = len(rows) // 2
        return _pack(reader, rows[:half], context, size) + _pack(reader, rows[half:], context, size)
    hashes = list(map(leaf_hash, row_leaves(rows)))
    if hashes != (held := reader.leaves(first, end)):
        index = next(
            first + at for at, pair in enumerate(zip(hashes, held, strict=True)) if pair[0] != pair[1]
        )
        raise InconsistentProof(f"entry {index} is not what the ledger hashed")
    proof = b"".join(prove(reader, first, end, size))
    return [Packed(first=first, count=len(rows), packed=packed, proof=proof)]


def _write(header: Header, key: SigningKey, content_key: bytes, packed: Iterable[Packed]) -> Iterator[bytes]:
    """Header, sealed frames, trailer."""
    whole = hashlib.sha256()
    prefix = sign_header(header, key)
    bound = hashlib.sha256(prefix).digest()
    whole.update(prefix)
    yield prefix
    for number, one in enumerate(packed):
        place = Place(
            bound=bound, number=number, first=one.first, count=one.count, last=number == header.frames - 1
        )
        sealed = seal_frame(place, content_key, one)
        whole.update(sealed)
        yield sealed
    yield whole.digest()
