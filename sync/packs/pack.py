"""A pack: an immutable, sealed, content-addressed file of rows for one scope.

    file   = "YZP1" || u32 header length || header || chunk*
    header = deterministic CBOR array [version, scope, kind, rows, chunks, pack salt (, buckets of a repair)]
    chunk k = u32 length || AES-256-GCM(pack key, nonce k, aad = SHA-256(header) || u32 k)( zstd(row*) )
    row    = u8 length || ref || u32 (0 removed, else 1 + length) || blob
    pack key = HMAC-SHA256(scope content key, "yizhan/pack/1" || pack salt)

The pack salt is an HMAC over the compressed chunks, so equal rows give the equal pack and a key never
meets two plaintexts. Rows ascend by ref without repeats. Whoever carries it can read nothing and change
nothing.

A base replaces a scope, a delta changes it, a repair replaces some buckets of it: all refs whose first byte
is one of `buckets`. The state file holds the hashes of a scope's 256 buckets; its address, like a pack's, is
its SHA-256, and that is the state root a release signs.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from sync.codec import cbor
from sync.codec.squeeze import bounded, squeeze
from sync.errors import LimitExceeded, Malformed, PackRefused, SyncError
from sync.limits import LIMITS
from sync.signing.sealing import aead_open, aead_seal

PackKind = Literal["base", "delta", "repair"]

MAGIC = b"YZP1"
STATE_MAGIC = b"yizhan/state/1"
VERSION = 1
CHUNK_BYTES = 256 * 1024
"""Rows are gathered to about this many bytes before compression: the working memory of both ends."""
CHUNK_BYTES_MAX = 4 * 1024 * 1024
CHUNKS_MAX = 65_536
ROWS_MAX = 20_000_000
BLOB_BYTES_MAX = 1024 * 1024
REF_BYTES_MAX = 64
BUCKETS = 256
_HASH_BYTES = 32
STATE_BYTES = len(STATE_MAGIC) + BUCKETS * _HASH_BYTES
_LEVEL = 6


class PackRow(msgspec.Struct, frozen=True, kw_only=True):
    """One subject's record under its opaque reference; `blob` None means removed since the version before."""

    ref: bytes
    blob: bytes | None


class SealedPack(msgspec.Struct, frozen=True, kw_only=True):
    """The file and its address: SHA-256 of the sealed bytes."""

    digest: bytes
    data: bytes
    rows: int


class _Header(msgspec.Struct, frozen=True, array_like=True):
    version: int
    scope: str
    kind: PackKind
    rows: int
    chunks: int
    salt: bytes
    buckets: bytes = b""


def build(
    scope: str, kind: PackKind, rows: Iterable[PackRow], content_key: bytes, buckets: bytes = b""
) -> SealedPack:
    """Seal `rows` (ascending by ref, no repeats; a ValueError names the first that is not) for the scope.

    A repair holds every row of `buckets` (one byte each). Streams: holds one chunk of rows and the compressed
    result, never all rows.
    """
    count = 0
    chunks: list[bytes] = []
    mac = hmac.new(content_key, f"yizhan/pack-salt/1/{scope}/{kind}".encode() + buckets, hashlib.sha256)
    for chunk_rows, raw in _gather(rows, allow_removed=kind == "delta"):
        count += chunk_rows
        chunks.append(squeeze(raw, level=_LEVEL))
        mac.update(len(chunks[-1]).to_bytes(4, "big") + chunks[-1])
    salt = mac.digest()[:16]
    header = cbor.encode([VERSION, scope, kind, count, len(chunks), salt, *([buckets] if buckets else ())])
    key = _pack_key(content_key, salt)
    bound = hashlib.sha256(header).digest()
    parts = [MAGIC, len(header).to_bytes(4, "big"), header]
    for number, chunk in enumerate(chunks):
        sealed = aead_seal(key, number, chunk, bound + number.to_bytes(4, "big"))
        parts += (len(sealed).to_bytes(4, "big"), sealed)
    data = b"".join(parts)
    return SealedPack(digest=hashlib.sha256(data).digest(), data=data, rows=count)


def open_pack(
    data: bytes, content_key: bytes, digest: bytes, *, scope: str = "", kind: PackKind | None = None
) -> Iterator[PackRow]:
    """The rows of a pack, one chunk in memory at a time.

    Address and header are checked before this returns, each chunk before its first row is given, order
    and counts as they come: let no row be read before the last one came without an error. With `scope`
    and `kind` the pack must be of these. Raises PackRefused (altered, wrong key, other scope),
    Malformed, LimitExceeded, UnknownVersion.
    """
    if not hmac.compare_digest(hashlib.sha256(data).digest(), digest):
        raise PackRefused("pack does not match its address")
    header, body = _header(data)
    if (scope and header.scope != scope) or (kind and header.kind != kind):
        raise PackRefused(
            f"pack is {header.kind} of {header.scope}, wanted {kind or 'any'} of {scope or 'any'}"
        )
    return _rows(data, header, body, _pack_key(content_key, header.salt))


def static(data: bytes) -> bool:
    """Whether these bytes are a pack or a state file: what a stick carries beside batches."""
    return data.startswith((MAGIC, STATE_MAGIC))


def repaired(data: bytes) -> bytes:
    """The buckets a repair replaces, one byte each; none for other packs. Raises Malformed, LimitExceeded."""
    return _header(data)[0].buckets


def row_digest(ref: bytes, blob: bytes) -> bytes:
    """What the state root counts for one row."""
    return hashlib.sha256(b"yizhan/row/1" + bytes([len(ref)]) + ref + blob).digest()


def buckets(digests: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """The 256 bucket hashes of (ref, row digest) pairs in any order, by the first byte of ref."""
    parts: list[list[tuple[bytes, bytes]]] = [[] for _ in range(BUCKETS)]
    for pair in digests:
        parts[pair[0][0]].append(pair)
    return [bucket_hash(part) for part in parts]


def bucket_hash(digests: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The hash of one bucket's (ref, row digest) pairs, in any order."""
    return hashlib.sha256(
        b"".join(sorted(bytes([len(ref)]) + ref + digest for ref, digest in digests))
    ).digest()


def state_root(digests: Iterable[tuple[bytes, bytes]]) -> bytes:
    """One hash of everything a scope holds: SHA-256 over its 256 bucket hashes."""
    return root_of_buckets(buckets(digests))


def state_file(hashes: list[bytes]) -> bytes:
    """The 256 bucket hashes as a file whose SHA-256 is the state root; ValueError for another count."""
    if len(hashes) != BUCKETS:
        raise ValueError(f"{len(hashes)} buckets")
    return STATE_MAGIC + b"".join(hashes)


def open_state(data: bytes, root: bytes) -> list[bytes]:
    """The bucket hashes of a state file. Raises PackRefused where `root` is not its address."""
    if len(data) != STATE_BYTES or not hmac.compare_digest(hashlib.sha256(data).digest(), root):
        raise PackRefused("state file does not match its address")
    return [data[at : at + _HASH_BYTES] for at in range(len(STATE_MAGIC), STATE_BYTES, _HASH_BYTES)]


def root_of_buckets(hashes: list[bytes]) -> bytes:
    """The state root of 256 bucket hashes; ValueError for another count."""
    return hashlib.sha256(state_file(hashes)).digest()


def differing(mine: list[bytes], theirs: list[bytes]) -> list[int]:
    """The buckets (first byte of ref) that differ: only these key ranges need fetching again."""
    return [number for number, (one, other) in enumerate(zip(mine, theirs, strict=True)) if one != other]


def _pack_key(content_key: bytes, salt: bytes) -> bytes:
    return hmac.new(content_key, b"yizhan/pack/1" + salt, hashlib.sha256).digest()


def _gather(rows: Iterable[PackRow], *, allow_removed: bool) -> Iterator[tuple[int, bytes]]:
    """Rows as bytes in chunks of about CHUNK_BYTES: (rows in the chunk, bytes)."""
    last = b""
    parts: list[bytes] = []
    size = count = 0
    for row in rows:
        if row.ref <= last or len(row.ref) > REF_BYTES_MAX:
            raise ValueError(f"pack rows must ascend by ref: {row.ref.hex()} after {last.hex()}")
        if row.blob is None and not allow_removed:
            raise ValueError(f"a base pack removes nothing: {row.ref.hex()}")
        last = row.ref
        one = _row_bytes(row)
        parts.append(one)
        size += len(one)
        count += 1
        if size >= CHUNK_BYTES:
            yield count, b"".join(parts)
            parts, size, count = [], 0, 0
    if parts:
        yield count, b"".join(parts)


def _row_bytes(row: PackRow) -> bytes:
    head = bytes([len(row.ref)]) + row.ref
    if row.blob is None:
        return head + bytes(4)
    if len(row.blob) > BLOB_BYTES_MAX:
        raise ValueError(f"row {row.ref.hex()} has {len(row.blob)} bytes, at most {BLOB_BYTES_MAX}")
    return head + (len(row.blob) + 1).to_bytes(4, "big") + row.blob


def _header(data: bytes) -> tuple[_Header, int]:
    """The header and where the chunks begin."""
    size = int.from_bytes(data[4:8], "big")
    if data[:4] != MAGIC:
        raise Malformed("not a pack")
    fields = cbor.decode(data[8 : 8 + size], limit=LIMITS.header_bytes)
    if fields[:1] != [VERSION]:
        raise PackRefused("pack of an unknown version")
    try:
        header = msgspec.convert(fields, _Header)
    except msgspec.ValidationError as error:
        raise Malformed(f"pack header: {error}") from error
    if (header.kind == "repair") != bool(header.buckets):
        raise Malformed(f"a {header.kind} of {len(header.buckets)} buckets")
    if not (0 <= header.rows <= ROWS_MAX and 0 <= header.chunks <= CHUNKS_MAX):
        raise LimitExceeded(f"pack of {header.rows} rows in {header.chunks} chunks")
    return header, 8 + size


def _rows(data: bytes, header: _Header, at: int, key: bytes) -> Iterator[PackRow]:
    bound = hashlib.sha256(data[8:at]).digest()
    last, count = b"", 0
    for number in range(header.chunks):
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data) or end - at > CHUNK_BYTES_MAX:
            raise Malformed(f"pack chunk {number} is cut")
        for row in _split(
            _open_chunk(key, number, data[at + 4 : end], bound), removed=header.kind == "delta"
        ):
            if row.ref <= last:
                raise Malformed("pack rows do not ascend")
            if header.buckets and row.ref[0] not in header.buckets:
                raise Malformed("repair of another bucket")
            last = row.ref
            count += 1
            yield row
        at = end
    if at != len(data) or count != header.rows:
        raise Malformed(f"pack holds {count} rows, its header says {header.rows}")


def _open_chunk(key: bytes, number: int, sealed: bytes, bound: bytes) -> bytes:
    try:
        squeezed = aead_open(key, number, sealed, bound + number.to_bytes(4, "big"))
    except SyncError as error:
        raise PackRefused(f"pack chunk {number} does not open with this scope's key") from error
    return bounded(squeezed, CHUNK_BYTES_MAX)


def _split(raw: bytes, *, removed: bool) -> Iterator[PackRow]:
    """The rows of one opened chunk."""
    at = 0
    while at < len(raw):
        head = at + 1 + raw[at]
        size = int.from_bytes(raw[head : head + 4], "big")
        end = head + 4 + max(0, size - 1)
        if end > len(raw) or (size == 0 and not removed):
            raise Malformed("pack row is cut")
        yield PackRow(ref=raw[at + 1 : head], blob=raw[head + 4 : end] if size else None)
        at = end
