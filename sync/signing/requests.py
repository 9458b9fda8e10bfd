"""How a node signs an HTTP request: one `Authorization` value over method, path, body, time and nonce."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable

import msgspec

from sync.errors import BadSignature, ClockApart, Malformed
from sync.limits import LIMITS
from sync.signing.keys import SigningKey, verify

_HEADER = re.compile(
    r"Yizhan origin=([A-Za-z0-9./_-]{1,160}),created=([1-9][0-9]{0,15}),"
    r"nonce=([A-Za-z0-9_-]{16,64}),signature=([A-Za-z0-9_-]{86})"
)


class RequestSignature(msgspec.Struct, frozen=True, kw_only=True):
    """The header taken apart; nothing verified yet. The receiver remembers `nonce` for twice the skew."""

    origin: str
    created_ms: int
    nonce: str
    signature: bytes


def authorise(
    key: SigningKey, origin: str, method: str, path: str, body: bytes, created_ms: int, nonce: str
) -> str:
    """The header value. `path` includes the query string; `nonce` is 16-64 URL-safe characters, never reused.

    Raises `Malformed` for an origin, time or nonce the header cannot carry.
    """
    signature = key.sign(_signed_bytes(origin, method, path, body, created_ms, nonce))
    encoded = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    header = f"Yizhan origin={origin},created={created_ms},nonce={nonce},signature={encoded}"
    read_header(header)
    return header


def read_header(header: str) -> RequestSignature:
    """Take a header value apart; raises `Malformed`."""
    found = _HEADER.fullmatch(header)
    if found is None:
        raise Malformed("not a Yizhan authorisation")
    signature = base64.urlsafe_b64decode(found[4] + "==")
    return RequestSignature(origin=found[1], created_ms=int(found[2]), nonce=found[3], signature=signature)


def check(
    header: str,
    public_of: Callable[[str], bytes | None],
    method: str,
    path: str,
    body: bytes,
    now_ms: int,
) -> str:
    """The origin that signed this request.

    `public_of` gives the key of an origin, or None. Raises `BadSignature` for an unknown origin or a
    signature that does not fit, `ClockApart` (one of them) for a clock more than ten minutes away: the
    receiver then says its own time and the sender signs anew; `Malformed` for another header. A replay
    within the ten minutes passes here: the caller keeps a table of `read_header(header).nonce`.
    """
    claim = read_header(header)
    public = public_of(claim.origin)
    if public is None:
        raise BadSignature("unknown origin")
    if abs(now_ms - claim.created_ms) > LIMITS.request_skew_ms:
        raise ClockApart("signed at another time: compare the clocks")
    signed = _signed_bytes(claim.origin, method, path, body, claim.created_ms, claim.nonce)
    verify(public, signed, claim.signature)
    return claim.origin


def _signed_bytes(origin: str, method: str, path: str, body: bytes, created_ms: int, nonce: str) -> bytes:
    digest = hashlib.sha256(body).hexdigest()
    lines = ("yizhan/request/1", origin, method.upper(), path, digest, str(created_ms), nonce)
    if any("\n" in line for line in lines):
        raise Malformed("a line break in a signed request")
    return "\n".join(lines).encode()
