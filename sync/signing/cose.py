"""COSE_Sign1 (RFC 9052) with Ed25519: how headers, certificates, releases and leases are signed.

Protected header: algorithm -8 (EdDSA) and the key id; nothing unprotected; payload attached. Exactly one
encoding is accepted, so a signed file cannot be varied without breaking it.
"""

from __future__ import annotations

from collections.abc import Mapping

import cbor2

from sync.errors import BadSignature, LimitExceeded, Malformed
from sync.limits import LIMITS
from sync.signing.keys import SIGNATURE_BYTES, SigningKey, verify

_TAG = b"\xd2\x84"  # tag 18, array of four
_NOTHING_UNPROTECTED = b"\xa0"
_PROTECTED = b"\xa2\x01\x27\x04"  # {1: -8, 4: …
_KID_BYTES_MAX = 255
_OVERHEAD_MAX = 512


def sign1(payload: bytes, key: SigningKey, kid: bytes, aad: bytes = b"") -> bytes:
    """The signed message. `kid` (at most 255 bytes) says which key; `aad` is bound but not carried."""
    if len(payload) > LIMITS.signed_bytes or len(kid) > _KID_BYTES_MAX:
        raise LimitExceeded(f"a payload of {len(payload)} bytes")
    protected = cbor2.dumps({1: -8, 4: kid})
    signature = key.sign(_signed_bytes(protected, aad, payload))
    encoded: bytes = cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature]))
    return encoded


def open1(data: bytes, keys: Mapping[bytes, bytes], aad: bytes = b"") -> tuple[bytes, bytes]:
    """Key id and payload of a message signed by one of `keys` (key id to public key).

    Raises `LimitExceeded`, `Malformed`, or `BadSignature` (also for a key id not among `keys`).
    """
    kid, protected, payload, signature = _split(data)
    public = keys.get(kid)
    if public is None:
        raise BadSignature("signed under a key id that is not trusted here")
    verify(public, _signed_bytes(protected, aad, payload), signature)
    return kid, payload


def claimed(data: bytes) -> bytes:
    """The payload a message carries, unverified: to say what a file is said to be, never to act on."""
    return _split(data)[2]


def key_id(data: bytes) -> bytes:
    """The key id a message claims, before anything is verified: to choose the key to look up."""
    return _split(data)[0]


def _split(data: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    if len(data) > LIMITS.signed_bytes + _OVERHEAD_MAX:
        raise LimitExceeded(f"a signed message of {len(data)} bytes")
    if not data.startswith(_TAG):
        raise Malformed("not COSE_Sign1")
    protected, at = _byte_string(data, len(_TAG))
    if not data.startswith(_NOTHING_UNPROTECTED, at) or not protected.startswith(_PROTECTED):
        raise Malformed("COSE header with other fields")
    kid, protected_end = _byte_string(protected, len(_PROTECTED))
    payload, at = _byte_string(data, at + 1)
    signature, at = _byte_string(data, at)
    if at != len(data) or protected_end != len(protected) or len(signature) != SIGNATURE_BYTES:
        raise Malformed("COSE message with a tail")
    return kid, protected, payload, signature


def _byte_string(data: bytes, at: int) -> tuple[bytes, int]:
    """The CBOR byte string at `at` and the place after it; only the shortest head is accepted."""
    head = data[at : at + 1]
    extra = {b"\x58": 1, b"\x59": 2, b"\x5a": 4}.get(head, 0)
    if not head or (not extra and not 0x40 <= head[0] < 0x58):  # noqa: PLR2004 (RFC 8949 byte string heads)
        raise Malformed("COSE field that is no byte string")
    start = at + 1 + extra
    length = int.from_bytes(data[at + 1 : start], "big") if extra else head[0] - 0x40
    end = start + length
    # The shortest head carries no length a shorter one could.
    if end > len(data) or (extra and length < {1: 24, 2: 2**8, 4: 2**16}[extra]):
        raise Malformed("COSE field cut short")
    return data[start:end], end


def _signed_bytes(protected: bytes, aad: bytes, payload: bytes) -> bytes:
    encoded: bytes = cbor2.dumps(["Signature1", protected, aad, payload])
    return encoded
