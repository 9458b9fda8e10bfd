"""Where the centre stands with a ledger, told in a few bytes: what a node asks after its line was cut."""

import msgspec

from sync.batch.header import ID_BYTES, claimed_header
from sync.codec import cbor
from sync.errors import Malformed, UnknownVersion

VERSION = 1
BYTES_MAX = 256


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """`next` is the entry the centre wants next: progress, never an acknowledgement (rule 4.3).

    Of the batch `batch_id`, whose body was cut, it keeps the first `held` bytes, so that the rest alone may
    follow; 0 and no id: of none. Nobody signs this and nothing is believed of it: a wrong `next` costs a
    batch, a wrong rest is no batch.
    """

    next: int
    batch_id: bytes = b""
    held: int = 0


def encode(standing: Standing) -> bytes:
    """The standing as a deterministic CBOR array, the version first."""
    return cbor.encode([VERSION, *msgspec.structs.astuple(standing)])


def decode(said: bytes) -> Standing:
    """The standing of these bytes; fields a newer centre appended are ignored.

    Raises Malformed, LimitExceeded or UnknownVersion; nothing else.
    """
    fields = cbor.decode(said, limit=BYTES_MAX)
    if not fields or fields[0] != VERSION:
        raise UnknownVersion("standing of an unknown version")
    try:
        standing = msgspec.convert(dict(zip(Standing.__struct_fields__, fields[1:], strict=False)), Standing)
    except msgspec.ValidationError as error:
        raise Malformed(f"standing: {error}") from error
    if min(standing.next, standing.held) < 0 or len(standing.batch_id) not in {0, ID_BYTES}:
        raise Malformed("standing out of range")
    return standing


def batch_id(data: bytes) -> bytes:
    """The id that a batch, or a part of one with its header, says it has; raises as `claimed_header` does."""
    return claimed_header(data).batch_id
