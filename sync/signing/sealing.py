"""Sealing: HPKE to a public key (X25519, HKDF-SHA256, AES-256-GCM), AES-256-GCM under a shared one."""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sync.errors import BadSignature, Malformed, NotForUs
from sync.signing.keys import KEY_BYTES, SealingKey

OVERHEAD_BYTES = 48
TAG_BYTES = 16
_NONCE_BYTES = 12
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def seal(public: bytes, plaintext: bytes, info: bytes, aad: bytes = b"") -> bytes:
    """Only the holder of the key behind `public` can read it; 48 bytes longer than `plaintext`.

    `info` and `aad` are bound: both must be the same at opening. Raises `Malformed` for a key that is none.
    """
    try:
        return _SUITE.encrypt(plaintext, X25519PublicKey.from_public_bytes(public), info=_bound(info, aad))
    except ValueError as error:
        raise Malformed("not a sealing key") from error


def unseal(key: SealingKey, sealed: bytes, info: bytes, aad: bytes = b"") -> bytes:
    """The plaintext; raises `NotForUs` when sealed to another key, bound to something else, or altered."""
    try:
        return _SUITE.decrypt(sealed, key.private, info=_bound(info, aad))
    except (InvalidTag, ValueError) as error:
        raise NotForUs("does not open with this key") from error


def agreed_key(own: SealingKey, other: bytes, label: bytes) -> bytes:
    """The 32 bytes `own` and the holder of the key behind `other` both come to, for one `label` (X25519).

    Always the same between these two: for authentication, never to seal with. Raises `Malformed`.
    """
    try:
        shared = own.private.exchange(X25519PublicKey.from_public_bytes(other))
    except ValueError as error:
        raise Malformed("not a sealing key") from error
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=label).derive(shared)


def aead_seal(key32: bytes, nonce_counter: int, plaintext: bytes, aad: bytes) -> bytes:
    """AES-256-GCM, 16 bytes longer. A counter must never repeat under one key."""
    return _cipher(key32).encrypt(_nonce(nonce_counter), plaintext, aad)


def aead_open(key32: bytes, nonce_counter: int, sealed: bytes, aad: bytes) -> bytes:
    """The plaintext; raises `BadSignature` when key, counter, aad or bytes differ."""
    try:
        return _cipher(key32).decrypt(_nonce(nonce_counter), sealed, aad)
    except InvalidTag as error:
        raise BadSignature("sealed bytes do not open") from error


def _bound(info: bytes, aad: bytes) -> bytes:
    # The library binds only `info`; in one-shot HPKE binding `aad` there is as strong. Hashed: info is short.
    return len(info).to_bytes(2, "big") + info + hashlib.sha256(aad).digest()


def _cipher(key32: bytes) -> AESGCM:
    if len(key32) != KEY_BYTES:
        raise Malformed(f"a content key has {KEY_BYTES} bytes")
    return AESGCM(key32)


def _nonce(counter: int) -> bytes:
    if not 0 <= counter < 2**64:
        raise Malformed("a nonce counter beyond 64 bits")
    return counter.to_bytes(_NONCE_BYTES, "big")
