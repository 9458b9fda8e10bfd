"""The signed head of a batch: what it is, from whom to whom, and which entries it holds (protocol section 3).

file = "YZB1" || u32 header length || header || frame* || trailer
header = COSE_Sign1 by the sender (key id: its origin) over a deterministic CBOR array, Header's fields
in order
"""

import hashlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Literal

import msgspec

from sync.batch.view import SaltEpoch, Wish
from sync.codec import cbor
from sync.errors import BadSignature, LimitExceeded, Malformed, NotForUs, UnknownVersion
from sync.limits import LIMITS
from sync.signing import cose
from sync.signing.keys import SealingKey, SigningKey
from sync.signing.notes import slim, whole
from sync.signing.sealing import seal, unseal

MAGIC = b"YZB1"
PLAIN = 1
"""Header version every reader ever released knows."""
SLIM = 2
"""Fewer bytes for what both ends know: notes without names and base64, statistics by their place, frames over
a dictionary, no range proof where the consistency proof holds it. Only over a line: a refusal is heard."""
STATISTICS = (
    "clock",
    "disk_free_percent",
    "open_cases",
    "open_tasks",
    "subjects_held",
    "oldest_waiting_s",
    "devices_at_fault",
    "lease_used_percent",
)
"""Names that travel as their place here, for ever; others travel as they are."""
SCHEMA = 1
AAD = b"yizhan/batch/1"
INFO = b"yizhan/batch/1"
CODEC_COLUMNS = 1
"""Frames of entries, `sync.codec.columns`."""
CODEC_ZSTD = 2
"""Frames of a message."""
LENGTH_BYTES = 4
KEY_BYTES = 32
ID_BYTES = 16
PACKAGE = 256
"""Entries between the boundaries at which frames are cut."""
BLOB_FRAME_BYTES = 256 * 1024
"""Bytes of a sealed message in one frame."""

BatchKind = Literal["up", "down", "acknowledge", "reconcile", "blob"]
_NOTES = ("checkpoint", "centre_seen")
PublicKeyOf = Callable[[str], bytes | None]
"""The signing key (32 bytes) of an origin we trust, or None."""


class Recipient(msgspec.Struct, frozen=True, array_like=True):
    """The content key and the salt epochs, sealed to one key named by `key_id`."""

    key_id: bytes
    sealed: bytes


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The header's fields in the order they are signed; later versions append, further fields are ignored.

    Entry batches: `start`..`end` are entry indexes, frames are cut at multiples of 256 and at `cuts`. Sealed
    messages: bytes 0..`end`, frames of 256 KiB.
    """

    version: int
    kind: BatchKind
    batch_id: bytes
    origin: str
    destination: str
    created_ms: int
    checkpoint: bytes = b""
    old_size: int = 0
    consistency: tuple[bytes, ...] = ()
    start: int = 0
    end: int
    schema: int = SCHEMA
    dictionary: int = 0
    codec: int
    frames: int
    recipients: tuple[Recipient, ...]
    centre_seen: bytes = b""
    needs: tuple[Wish, ...] = ()
    statistics: dict[str, int] = {}
    directive_seen: int = 0
    cuts: tuple[int, ...] = ()

    @property
    def holds_entries(self) -> bool:
        """Whether the frames are ledger entries rather than a message."""
        return self.kind in {"up", "reconcile"}

    def pieces(self) -> Iterator[tuple[int, int]]:
        """(first, count) of every frame in order."""
        bounds = [self.start, *self.boundaries(), self.end]
        return ((low, high - low) for low, high in pairwise(bounds) if high > low)

    def boundaries(self) -> list[int]:
        """Where frames are cut between start and end."""
        step = PACKAGE if self.holds_entries else BLOB_FRAME_BYTES
        first = (self.start // step + 1) * step
        return sorted({*range(first, self.end, step), *self.cuts})


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A header whose signature held: its value, and the digest every frame is bound to."""

    header: Header
    bound: bytes


def key_id(public: bytes) -> bytes:
    """The 8 bytes that name a sealing key in a header."""
    return hashlib.sha256(b"yizhan/key-id/1" + public).digest()[:8]


def sealed_for(
    publics: tuple[bytes, ...], batch_id: bytes, path: tuple[str, str], content: bytes
) -> tuple[Recipient, ...]:
    """`content` sealed to each public key, bound to the batch id and to `path` (origin, destination)."""
    binding = _binding(batch_id, *path)
    return tuple(Recipient(key_id(public), seal(public, content, binding)) for public in publics)


def content_of(content_key: bytes, epochs: tuple[SaltEpoch, ...] = ()) -> bytes:
    """What is sealed to each recipient."""
    return cbor.encode([content_key, [[epoch.first, epoch.key] for epoch in epochs]])


def open_content(header: Header, key: SealingKey) -> tuple[bytes, tuple[SaltEpoch, ...]]:
    """Content key and salt epochs of a batch sealed to `key`. Raises NotForUs or Malformed."""
    mine = key_id(key.public)
    sealed = next((one.sealed for one in header.recipients if one.key_id == mine), None)
    if sealed is None:
        raise NotForUs(f"batch {header.batch_id.hex()} is not sealed to this key")
    opened = cbor.decode(unseal(key, sealed, _binding(header.batch_id, header.origin, header.destination)))
    try:
        content_key, epochs = msgspec.convert(opened, tuple[bytes, tuple[SaltEpoch, ...]])
    except msgspec.ValidationError as error:
        raise Malformed(f"batch keys: {error}") from error
    if len(content_key) != KEY_BYTES:
        raise Malformed("content key of another length")
    return content_key, epochs


def sign_header(header: Header, key: SigningKey) -> bytes:
    """Magic, length and signed header: the first bytes of the file. Raises LimitExceeded beyond 64 KiB."""
    signed = cose.sign1(cbor.encode(_fields(header)), key, header.origin.encode(), AAD)
    if len(signed) > LIMITS.header_bytes:
        raise LimitExceeded(f"batch header of {len(signed)} bytes")
    return MAGIC + len(signed).to_bytes(LENGTH_BYTES, "big") + signed


def header_length(prefix: bytes) -> int:
    """Length of the signed header from the first 8 bytes of a file; checked before anything is parsed."""
    if len(prefix) < len(MAGIC) + LENGTH_BYTES or prefix[:4] != MAGIC:
        raise Malformed("not a batch")
    size = int.from_bytes(prefix[4:8], "big")
    if size > LIMITS.header_bytes:
        raise LimitExceeded(f"batch header of {size} bytes")
    return size


def parse_header(prefix: bytes, public_of: PublicKeyOf) -> Opened:
    """The header of a file's first bytes (magic, length, signed header) by a sender `public_of` knows.

    Raises BadSignature, Malformed, LimitExceeded, UnknownVersion. Destination and kind are the caller's
    to check.
    """
    signed = prefix[len(MAGIC) + LENGTH_BYTES :]
    kid = cose.key_id(signed)
    public = public_of(kid.decode("utf-8", "replace"))
    _, payload = cose.open1(signed, {kid: public} if public else {}, AAD)
    header = _header(cbor.decode(payload, limit=LIMITS.header_bytes))
    if header.origin.encode() != kid:
        raise BadSignature("batch is signed by another origin than it names")
    return Opened(header=header, bound=hashlib.sha256(prefix).digest())


def claimed_header(data: bytes) -> Header:
    """The header a file carries, unverified: to say what it is said to be. Raises as `parse_header` does."""
    signed = data[len(MAGIC) + LENGTH_BYTES : len(MAGIC) + LENGTH_BYTES + header_length(data[:8])]
    return _header(cbor.decode(cose.claimed(signed), limit=LIMITS.header_bytes))


def _header(fields: list[object]) -> Header:
    if not fields or type(fields[0]) is not int:
        raise Malformed("batch header without a version")
    if fields[0] not in {PLAIN, SLIM}:
        raise UnknownVersion(f"batch version {fields[0]}")
    names = Header.__struct_fields__
    if len(fields) < len(names):
        raise Malformed("batch header is too short")
    named = dict(zip(names, fields, strict=False))
    try:
        counted = msgspec.convert(named["statistics"], tuple[tuple[str | int, int], ...])
        named["statistics"] = {_statistic(name): value for name, value in counted}
        for name in _NOTES if fields[0] == SLIM else ():
            named[name] = whole(named[name], (str(named["origin"]), str(named["destination"])))
        header = msgspec.convert(named, Header)
    except msgspec.ValidationError as error:
        raise Malformed(f"batch header: {error}") from error
    _bounds(header)
    return header


def _fields(header: Header) -> list[object]:
    named = msgspec.structs.asdict(header)
    named["recipients"] = [[one.key_id, one.sealed] for one in header.recipients]
    named["needs"] = [
        [wish.scope, wish.version, *([wish.lacking] if wish.lacking else ())] for wish in header.needs
    ]
    named["statistics"] = [list(one) for one in sorted(header.statistics.items())]
    if header.version == SLIM:
        named["statistics"] = [
            [STATISTICS.index(name) if name in STATISTICS else name, value]
            for name, value in named["statistics"]
        ]
        named |= {name: slim(named[name], (header.origin, header.destination)) for name in _NOTES}
    return [named[name] for name in Header.__struct_fields__]


def _statistic(name: str | int) -> str:
    if type(name) is str:
        return name
    if not 0 <= int(name) < len(STATISTICS):
        raise Malformed(f"statistic {name} has no name")
    return STATISTICS[int(name)]


def _bounds(header: Header) -> None:
    """Counts and ranges, before anything is allocated by them."""
    most = LIMITS.batch_entries if header.holds_entries else LIMITS.batch_bytes
    if not 0 <= header.start <= header.end <= LIMITS.ledger_entries or len(header.batch_id) != ID_BYTES:
        raise Malformed("batch header out of range")
    if header.end - header.start > most or len(header.cuts) > LIMITS.frames:
        raise LimitExceeded(f"batch of {header.end - header.start}")
    if len(header.recipients) > LIMITS.recipients or len(header.consistency) > LIMITS.proof_hashes:
        raise LimitExceeded("batch header with too many recipients or proof hashes")
    if any(not header.start < cut < header.end for cut in header.cuts):
        raise Malformed("batch is cut outside its range")
    if header.frames > LIMITS.frames or sum(1 for _ in header.pieces()) != header.frames:
        raise Malformed(f"batch of {header.frames} frames")


def _binding(batch_id: bytes, origin: str, destination: str) -> bytes:
    return INFO + cbor.encode([batch_id, origin, destination])
