"""One frame: 256 entries or fewer as sealed bytes, proven against the signed root on their own.

    frame k   = u32 length || AES-256-GCM(content key, nonce k, aad)( plaintext )
    aad       = SHA-256(file up to the header's end) || u32 k || u64 first || u32 count || u8 last?
    plaintext = u8 codec || u32 length || packed || hashes of the range proof (entries only)
"""

import struct
from collections.abc import Sequence

import msgspec

from sync.batch.range_proof import check_range
from sync.codec.columns import pack_frame, unpack_frame
from sync.codec.rows import Row, salt
from sync.codec.squeeze import bounded, squeeze
from sync.errors import InconsistentProof, LimitExceeded, Malformed, SyncError, UnknownVersion
from sync.ledger.entry import leaf_hash, parse_leaf, row_leaf
from sync.ledger.proofs import HASH_BYTES
from sync.limits import LIMITS
from sync.signing.notes import Checkpoint
from sync.signing.sealing import aead_open, aead_seal

COLUMNS = 1
PLAIN = 2
BLOB = 3
LENGTH = struct.Struct(">I")
_HEAD = struct.Struct(">BI")
_AAD = struct.Struct(">IQIB")
_PLAIN_LEVEL = 3


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """What both ends derive columns from: the salt key of the frame's epoch, and the subject reference key."""

    salt: bytes
    subject: bytes


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """Verified entries from index `first` on: rows, and their leaf bytes and leaf hashes as the ledger has them."""

    first: int
    rows: list[Row]
    leaves: list[bytes]
    hashes: list[bytes]


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """A frame before sealing."""

    first: int
    count: int
    codec: int
    packed: bytes
    proof: bytes


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a frame stands: bound into its seal, so frames cannot be moved, dropped at the end or mixed."""

    bound: bytes
    number: int
    first: int
    count: int
    last: bool

    def aad(self) -> bytes:
        """The bytes that are authenticated with the frame."""
        return self.bound + _AAD.pack(self.number, self.first, self.count, self.last)


def pack_rows(rows: Sequence[Row], keys: Keys, wanted: Sequence[bytes]) -> tuple[int, bytes]:
    """Codec and bytes of these rows; `wanted` are the ledger's own leaf hashes.

    The columns are decoded again and hashed before release; where they fail, plain rows go instead, so a codec bug
    costs bytes, never evidence. Raises InconsistentProof naming the row that is not what the ledger hashed, and
    LimitExceeded when the rows are too large for one frame.
    """
    packed = _columns(rows, keys, wanted)
    if packed is not None:
        return COLUMNS, packed
    for row, hashed in zip(rows, wanted, strict=True):
        if leaf_hash(row_leaf(row)) != hashed:
            raise InconsistentProof(f"entry {row.entry.index} is not what the ledger hashed")
    return PLAIN, _plain(rows)


def unpack_rows(codec: int, packed: bytes, keys: Keys) -> list[Row]:
    """The rows of `pack_rows`. Raises Malformed, LimitExceeded, UnknownVersion."""
    if codec == COLUMNS:
        return unpack_frame(packed, _context(keys))
    if codec == PLAIN:
        return _from_plain(bounded(packed, LIMITS.frame_output_bytes), keys)
    raise UnknownVersion(f"frame codec {codec}")


def seal_frame(place: Place, content_key: bytes, codec: int, packed: bytes, proof: bytes = b"") -> bytes:
    """The frame as it travels, length first."""
    plain = _HEAD.pack(codec, len(packed)) + packed + proof
    sealed = aead_seal(content_key, place.number, plain, place.aad())
    if len(sealed) > LIMITS.frame_bytes:
        raise LimitExceeded(f"frame of {len(sealed)} bytes")
    return LENGTH.pack(len(sealed)) + sealed


def open_frame(place: Place, content_key: bytes, sealed: bytes) -> tuple[int, bytes, bytes]:
    """Codec, packed bytes and proof bytes of a frame. Raises BadSignature when it is not the one sent here."""
    plain = aead_open(content_key, place.number, sealed, place.aad())
    if len(plain) < _HEAD.size:
        raise Malformed(f"frame {place.number} is short")
    codec, size = _HEAD.unpack_from(plain)
    end = _HEAD.size + size
    if end > len(plain):
        raise Malformed(f"frame {place.number} is short")
    return codec, plain[_HEAD.size : end], plain[end:]


def proven(place: Place, rows: list[Row], proof: bytes, checkpoint: Checkpoint) -> Frame:
    """The frame whose leaves lead to the signed root.

    Raises Malformed for rows that are not the entries announced, InconsistentProof for any that was not signed.
    """
    indexes = [row.entry.index for row in rows]
    if indexes != list(range(place.first, place.first + place.count)):
        raise Malformed(f"frame {place.number} holds other entries than announced")
    if len(proof) % HASH_BYTES:
        raise Malformed(f"frame {place.number} has a cut proof")
    leaves = [row_leaf(row) for row in rows]
    hashes = [leaf_hash(one) for one in leaves]
    path = [proof[at : at + HASH_BYTES] for at in range(0, len(proof), HASH_BYTES)]
    check_range(hashes, place.first, checkpoint.size, path, checkpoint.root)
    return Frame(first=place.first, rows=rows, leaves=leaves, hashes=hashes)


def _columns(rows: Sequence[Row], keys: Keys, wanted: Sequence[bytes]) -> bytes | None:
    """The columns when they decode to exactly the ledger's leaves and these details, else None."""
    try:
        packed = pack_frame(rows, _context(keys))
        again = unpack_frame(packed, _context(keys))
    except LimitExceeded:
        raise
    except SyncError:
        return None
    same = [leaf_hash(row_leaf(row)) for row in again] == list(wanted)
    return packed if same and [row.detail for row in again] == [row.detail for row in rows] else None


def _plain(rows: Sequence[Row]) -> bytes:
    parts: list[bytes] = []
    for row in rows:
        leaf = row_leaf(row)
        parts += (LENGTH.pack(len(leaf)), leaf, LENGTH.pack(len(row.detail)), row.detail)
    if sum(map(len, parts)) > LIMITS.frame_output_bytes:
        raise LimitExceeded(f"{len(rows)} entries are too large for one frame")
    return squeeze(*parts, level=_PLAIN_LEVEL)


def _from_plain(plain: bytes, keys: Keys) -> list[Row]:
    rows: list[Row] = []
    at = 0
    while at < len(plain):
        leaf, at = _run(plain, at)
        detail, at = _run(plain, at)
        entry, commitment = parse_leaf(leaf)
        row = Row(entry, detail, salt(keys.salt, entry.index))
        rows.append(row if row.commitment == commitment else Row(entry, detail, row.salt, commitment))
        if len(rows) > LIMITS.frame_entries:
            raise LimitExceeded("frame with too many entries")
    return rows


def _run(plain: bytes, at: int) -> tuple[bytes, int]:
    start = at + LENGTH.size
    end = start + int.from_bytes(plain[at:start], "big")
    if end > len(plain) or start > len(plain):
        raise Malformed("plain rows are cut")
    return plain[start:end], end
