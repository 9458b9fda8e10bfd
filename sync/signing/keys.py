"""Key pairs as values: Ed25519 to sign, X25519 to open what is sealed. Raw bytes stay inside the holder."""

from __future__ import annotations

import functools
import secrets

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from sync.errors import BadSignature, Malformed

KEY_BYTES = 32
SIGNATURE_BYTES = 64


class SigningKey:
    """An Ed25519 private key; `repr` shows nothing of it."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self._public = private.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key from the operating system's randomness."""
        return cls.from_bytes(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def from_bytes(cls, seed: bytes) -> SigningKey:
        """The key of a 32-byte seed; raises `Malformed`."""
        if len(seed) != KEY_BYTES:
            raise Malformed(f"a signing key has {KEY_BYTES} bytes")
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def public(self) -> bytes:
        """The 32 bytes others verify with."""
        return self._public

    def seed(self) -> bytes:
        """The 32 secret bytes, for the key store only."""
        return self._private.private_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """A 64-byte signature."""
        return self._private.sign(message)


class SealingKey:
    """An X25519 private key; `repr` shows nothing of it."""

    def __init__(self, private: X25519PrivateKey) -> None:
        self._private = private
        self._public = private.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> SealingKey:
        """A new key from the operating system's randomness."""
        return cls.from_bytes(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def from_bytes(cls, seed: bytes) -> SealingKey:
        """The key of 32 secret bytes; raises `Malformed`."""
        if len(seed) != KEY_BYTES:
            raise Malformed(f"a sealing key has {KEY_BYTES} bytes")
        return cls(X25519PrivateKey.from_private_bytes(seed))

    @property
    def public(self) -> bytes:
        """The 32 bytes others seal to."""
        return self._public

    @property
    def private(self) -> X25519PrivateKey:
        """The library's key object, for `sealing` only."""
        return self._private

    def seed(self) -> bytes:
        """The 32 secret bytes, for the key store only."""
        return self._private.private_bytes_raw()


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Return when `signature` is that of `public` over `message`; else raise `BadSignature`."""
    try:
        _public_key(public).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise BadSignature("signature does not fit") from error


@functools.lru_cache(maxsize=256)
def _public_key(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)
