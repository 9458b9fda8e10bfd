"""The centre's word for a node: its keys, what it may do, for how long (protocol.md section 1)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from sync.errors import UNREADABLE, BadSignature, Malformed
from sync.ids import parse_origin
from sync.signing import cose
from sync.signing.keys import KEY_BYTES, SigningKey, verify

_AAD = b"yizhan/certificate/1"
_KID = b"centre"
_VOUCH_LABEL = b"yizhan/token-key/1\n"
_Key = Annotated[bytes, msgspec.Meta(min_length=KEY_BYTES, max_length=KEY_BYTES)]
_Ms = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """What the centre certifies of one origin.

    `signing` and `sealing` are 32-byte public keys; `scopes` the region prefixes and data classes it may
    hold; `kinds` the ledger types it may write; `name` the hall's name; `window_ms` the fail-closed window.
    `vouch` is the centre's short signature over (origin, signing key, validity) that every printed QR
    carries; `issue` fills it in.
    """

    origin: str
    signing: _Key
    sealing: _Key
    not_before_ms: _Ms
    not_after_ms: _Ms
    scopes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    name: str = ""
    window_ms: _Ms = 0
    vouch: bytes = b""


def vouch_text(origin: str, signing: bytes, not_after_ms: int) -> bytes:
    """The bytes the centre signs as `vouch`; `yizhan_verify.py` holds the same rule."""
    return _VOUCH_LABEL + origin.encode() + b"\n" + signing + not_after_ms.to_bytes(8, "big")


def issue(cert: Certificate, centre_key: SigningKey) -> bytes:
    """The signed certificate (COSE over deterministic JSON), `vouch` filled in; raises `Malformed`."""
    vouch = centre_key.sign(vouch_text(cert.origin, cert.signing, cert.not_after_ms))
    payload = msgspec.json.encode(msgspec.structs.replace(cert, vouch=vouch), order="deterministic")
    _parse(payload)  # never sign what would not be read back
    return cose.sign1(payload, centre_key, _KID, _AAD)


def open_certificate(data: bytes, centre_public: bytes) -> Certificate:
    """The certificate, signed by this centre; validity in time is the caller's to judge.

    Raises `BadSignature`, `Malformed` or `LimitExceeded`. Fields added by later versions are passed over.
    """
    _, payload = cose.open1(data, {_KID: centre_public}, _AAD)
    cert = _parse(payload)
    verify(centre_public, vouch_text(cert.origin, cert.signing, cert.not_after_ms), cert.vouch)
    return cert


def check_valid(cert: Certificate, now_ms: int) -> None:
    """Return while the certificate is in force at `now_ms`; else raise `BadSignature`."""
    if not cert.not_before_ms <= now_ms <= cert.not_after_ms:
        raise BadSignature(f"certificate valid {cert.not_before_ms} to {cert.not_after_ms}")


def _parse(payload: bytes) -> Certificate:
    try:
        cert = msgspec.json.decode(payload, type=Certificate)
    except UNREADABLE as error:
        raise Malformed("not a certificate") from error
    parse_origin(cert.origin)
    if cert.not_after_ms < cert.not_before_ms:
        raise Malformed("a certificate that ends before it begins")
    return cert
