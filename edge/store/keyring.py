"""The data keys of the cache.

Wrapped under one wrapping key that is destroyed when a lease dies (protocol.md 6).

    DATA/keys/lease.key   wrapping key: 16-byte name || 32-byte key, replaced whole on every shredding
    table lease_key       (scope, tier) → data key, wrapped; `wrapping` names the key that opens it

Shredding: (1) a new wrapping key beside the old, (2) ONE transaction re-wraps what lives and forgets what
does not, (3) the old key file is replaced and overwritten, (4) `lease.shredded` is logged. After (3)
nothing opens
the dead scope's rows, not even from an old page of the flash. A crash between (2) and (3) is finished at
the next
start.
"""

import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.errors import Damaged
from edge.store.files import destroy, sync_folder, write_durably

_NAME, _KEY, _NONCE = 16, 32, 12
_DRAWN = 1000
_WRAP_AAD = b"yizhan/lease-key/1/"

Tier = Literal["closed", "open"]
TIERS: dict[Tier, frozenset[str]] = {
    "closed": frozenset({"summary", "detail"}),
    "open": frozenset({"public", "points", "summary", "detail"}),
}
"""Which leases keep a tier's data key alive: whole records die with the last summary or detail lease,
what is public by law lives as long as any lease."""


class WrappingKey(msgspec.Struct, frozen=True, kw_only=True):
    """A wrapping key and its name."""

    name: bytes
    key: bytes

    def __repr__(self) -> str:
        """Shows the name only."""
        return f"WrappingKey({self.name.hex()})"

    def wrap(self, scope: str, tier: str, data_key: bytes) -> bytes:
        """The data key of one tier of `scope`, sealed."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self.key).encrypt(nonce, data_key, _aad(scope, tier))

    def unwrap(self, scope: str, tier: str, wrapped: bytes) -> bytes:
        """The data key; raises Damaged when this key does not open it."""
        try:
            return AESGCM(self.key).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], _aad(scope, tier))
        except InvalidTag as error:
            raise Damaged(f"data key of {scope} does not open") from error


def _aad(scope: str, tier: str) -> bytes:
    return _WRAP_AAD + f"{scope}#{tier}".encode()


class RowCipher:
    """Seals and opens the cached rows of one tier of a scope."""

    def __init__(self, scope: str, tier: Tier, data_key: bytes) -> None:
        self._cipher = AESGCM(data_key)
        self._scope = f"{scope}#{tier}".encode()
        self._nonces = _nonces()

    def seal(self, ref: bytes, blob: bytes) -> bytes:
        """Nonce || AES-256-GCM, bound to scope, tier and `ref`: whatever names this very row.

        Two threads in it at once are a ValueError, never one nonce twice.
        """
        nonce = next(self._nonces)
        return nonce + self._cipher.encrypt(nonce, blob, self._scope + ref)

    def open(self, ref: bytes, sealed: bytes) -> bytes:
        """The blob; raises Damaged when it was altered or belongs to another subject."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], self._scope + ref)
        except InvalidTag as error:
            raise Damaged("a cached row does not open") from error


def _nonces() -> Iterator[bytes]:
    """Random nonces, drawn by the thousand: a county is a hundred thousand of them."""
    while True:
        drawn = secrets.token_bytes(_NONCE * _DRAWN)
        for at in range(0, len(drawn), _NONCE):
            yield drawn[at : at + _NONCE]


class Keyring:
    """The wrapping key on disk.

    Data keys are unwrapped when used and never kept in memory longer than one use.
    """

    def __init__(self, data: Path) -> None:
        self._path = data / "keys" / "lease.key"
        self._next = data / "keys" / "lease.key.next"

    def current(self) -> WrappingKey:
        """The wrapping key in force, made (durably) on first use."""
        if not self._path.exists() and self._next.exists():
            self._next.replace(self._path)  # the crash fell between overwriting the old and renaming the new
            sync_folder(self._path.parent)
        if not self._path.exists():
            write_durably(self._path, secrets.token_bytes(_NAME + _KEY))
        return _parse(self._path.read_bytes())

    def prepare(self) -> WrappingKey:
        """Step 1: a new wrapping key beside the old one; durable on return."""
        write_durably(self._next, secrets.token_bytes(_NAME + _KEY))
        return _parse(self._next.read_bytes())

    def promote(self, used: Iterable[str]) -> bool:
        """Step 3: make the prepared key the one in force if `used` (names found in the table) says it is.

        The old key is overwritten first. Whether anything was done. A prepared key nobody used is destroyed.
        """
        if not self._next.exists():
            return False
        new = _parse(self._next.read_bytes())
        names = set(used)
        if names and new.name.hex() not in names:
            destroy(self._next)
            return False
        destroy(self._path)
        self._next.replace(self._path)
        sync_folder(self._path.parent)
        return True


def _parse(raw: bytes) -> WrappingKey:
    if len(raw) != _NAME + _KEY:
        raise Damaged("the lease wrapping key is cut")
    return WrappingKey(name=raw[:_NAME], key=raw[_NAME:])
