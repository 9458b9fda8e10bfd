"""A report's file on its way to the centre: content-addressed chunks of 256 KiB, each sealed on its own.

The address is the SHA-256 in the detail of the paper's entry, so a file can be asked for by it, resumed chunk
by chunk, brought twice or out of order, by line or by stick; nothing waits for it.
"""

import hashlib

import msgspec

from sync.codec import cbor
from sync.errors import LimitExceeded, Malformed

CHUNK_BYTES = 256 * 1024
FILE_BYTES_MAX = 16 * 1024 * 1024
DIGEST_BYTES = 32


class Chunk(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Chunk `number` (from 0) of the file of that digest; `size` is the whole file's."""

    digest: bytes
    serial: str
    size: int
    number: int
    body: bytes


def count(size: int) -> int:
    """Chunks of a file. Raises LimitExceeded beyond 16 MiB, Malformed for an empty file."""
    if size > FILE_BYTES_MAX:
        raise LimitExceeded(f"a file of {size} bytes")
    if size <= 0:
        raise Malformed("a file without bytes")
    return -(-size // CHUNK_BYTES)


def chunk(file: bytes, serial: str, number: int) -> Chunk:
    """One chunk of a file."""
    body = file[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES]
    return Chunk(
        digest=hashlib.sha256(file).digest(), serial=serial, size=len(file), number=number, body=body
    )


def encode(one: Chunk) -> bytes:
    """A deterministic CBOR array."""
    return cbor.encode([one.digest, one.serial, one.size, one.number, one.body])


def decode(data: bytes) -> Chunk:
    """The chunk of these bytes; its place and length fit the file it says it is of.

    Raises Malformed or LimitExceeded. Whether the whole file has that digest shows when all chunks are there.
    """
    try:
        one = msgspec.convert(cbor.decode(data, limit=CHUNK_BYTES + 4096), Chunk)
    except msgspec.ValidationError as error:
        raise Malformed(f"a chunk of a file: {error}") from error
    if len(one.digest) != DIGEST_BYTES or not 0 <= one.number < count(one.size):
        raise Malformed("a chunk outside its file")
    if len(one.body) != min(CHUNK_BYTES, one.size - one.number * CHUNK_BYTES):
        raise Malformed("a chunk of another length than its place has")
    return one
