"""One frame: 256 entries or fewer as sealed bytes, proven against the signed root on their own.

frame k   = u32 length || AES-256-GCM(content key, nonce k, aad)( plaintext )
aad       = SHA-256(file up to the header's end) || u32 k || u64 first || u32 count || u8 last?
plaintext = u32 length || packed columns (or zstd of a message) || hashes of the range proof
"""

import struct

import msgspec

from sync.batch.range_proof import check_range
from sync.codec.rows import Rows
from sync.errors import LimitExceeded, Malformed
from sync.ledger.entry import leaf_hash, row_leaves
from sync.ledger.proofs import HASH_BYTES
from sync.limits import LIMITS
from sync.signing.notes import Checkpoint
from sync.signing.sealing import aead_open, aead_seal

LENGTH = struct.Struct(">I")
_AAD = struct.Struct(">IQIB")


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """Verified entries from index `first` on: rows, leaf bytes and leaf hashes as the ledger has them."""

    first: int
    rows: Rows
    leaves: list[bytes]
    hashes: list[bytes]


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """A frame before sealing: `count` entries (or bytes of a message) from `first` on."""

    first: int
    count: int
    packed: bytes
    proof: bytes = b""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a frame stands: bound into its seal, so that none can be moved, mixed in or dropped."""

    bound: bytes
    number: int
    first: int
    count: int
    last: bool

    def aad(self) -> bytes:
        """The bytes that are authenticated with the frame."""
        return self.bound + _AAD.pack(self.number, self.first, self.count, self.last)


def seal_frame(place: Place, content_key: bytes, one: Packed) -> bytes:
    """The frame as it travels, length first."""
    plain = LENGTH.pack(len(one.packed)) + one.packed + one.proof
    sealed = aead_seal(content_key, place.number, plain, place.aad())
    if len(sealed) > LIMITS.frame_bytes:
        raise LimitExceeded(f"frame of {len(sealed)} bytes")
    return LENGTH.pack(len(sealed)) + sealed


def open_frame(place: Place, content_key: bytes, sealed: bytes) -> tuple[bytes, bytes]:
    """Packed bytes and proof bytes of a frame. Raises BadSignature when it is not the one of this place."""
    plain = aead_open(content_key, place.number, sealed, place.aad())
    end = LENGTH.size + int.from_bytes(plain[: LENGTH.size], "big")
    if not LENGTH.size <= end <= len(plain):
        raise Malformed(f"frame {place.number} is short")
    return plain[LENGTH.size : end], plain[end:]


def proven(place: Place, rows: Rows, proof: bytes, checkpoint: Checkpoint) -> Frame:
    """The frame whose leaves lead to the signed root.

    Raises Malformed for rows that are not the entries announced, InconsistentProof for any that was not
    signed.
    """
    if rows.indexes != list(range(place.first, place.first + place.count)):
        raise Malformed(f"frame {place.number} holds other entries than announced")
    if len(proof) % HASH_BYTES:
        raise Malformed(f"frame {place.number} has a cut proof")
    leaves = row_leaves(rows)
    hashes = [leaf_hash(one) for one in leaves]
    path = [proof[at : at + HASH_BYTES] for at in range(0, len(proof), HASH_BYTES)]
    check_range(hashes, place.first, checkpoint.size, path, checkpoint.root)
    return Frame(first=place.first, rows=rows, leaves=leaves, hashes=hashes)
