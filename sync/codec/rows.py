"""The shape of one ledger row, and the two derived values that cost no bytes on the wire.

These structs stand here, below the ledger, because the columnar codec takes them apart; the rest of the
house imports them from `sync.ledger.entry`.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from sync.ids import mac, subject_ref

_REMEMBERED = 4096
_SALT_LABEL = b"yizhan/salt"
_DETAIL_LABEL = b"yizhan/detail/1"


class Entry(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The public part of a row, in the order of the leaf (protocol.md section 2); no personal data.

    Times are Unix ms. `clock` is a `ClockState`; `subject_ref` 16 bytes, or empty where nobody is
    concerned; `ext` holds what later versions add: any deterministic CBOR values, arrays as tuples.
    """

    kind: int
    index: int
    hlc_ms: int
    hlc_n: int = 0
    clock: int = 0
    boot: int = 0
    actor: str = ""
    role: str = ""
    window: str = ""
    session: str = ""
    subject_ref: bytes = b""
    presence: str = ""
    relationship: str = ""
    purpose: str = ""
    basis: str = ""
    mode: str = ""
    as_of: int = 0
    policy: int = 0
    outcome: str = ""
    object: str = ""
    ext: tuple[Any, ...] = ()


class Row(msgspec.Struct, frozen=True):
    """One ledger row: the entry, its sensitive detail (deterministic CBOR array), and its salt.

    Where the law had the detail deleted, `detail` is empty and `withheld` carries the commitment (32
    bytes), so that the leaf can still be rebuilt.
    """

    entry: Entry
    detail: bytes
    salt: bytes
    withheld: bytes = b""

    @property
    def commitment(self) -> bytes:
        """What the leaf carries for the detail."""
        return self.withheld or commit(self.salt, self.detail)


class FrameContext(msgspec.Struct, frozen=True, kw_only=True):
    """What both ends know and no frame carries.

    `subject_key` is the jurisdiction's key of `ids.subject_ref`; `salt_keys` are (first index, K_salt) of the
    salt epochs, ascending, the first at or below every row's index. `dictionary` is the number of the one
    frames are compressed over (`squeeze`), 0 for none. Remembers what it derived lately, so
    that a frame's own verification and the next frame derive nothing twice.
    """

    subject_key: bytes
    salt_keys: tuple[tuple[int, bytes], ...]
    dictionary: int = 0
    _salts: dict[int, bytes] = msgspec.field(default_factory=dict)
    _references: dict[str, bytes] = msgspec.field(default_factory=dict)

    def salt(self, index: int) -> bytes:
        """The salt of entry `index` under its epoch; empty where no epoch covers it."""
        found = self._salts.get(index)
        if found is None:
            if len(self._salts) >= _REMEMBERED:
                self._salts.clear()
            found = self._salts[index] = self._derive(index)
        return found

    def reference(self, number: str) -> bytes:
        """`ids.subject_ref` of a number under this jurisdiction's key."""
        found = self._references.get(number)
        if found is None:
            if len(self._references) >= _REMEMBERED:
                self._references.clear()
            found = self._references[number] = subject_ref(self.subject_key, number)
        return found

    def _derive(self, index: int) -> bytes:
        for first, key in reversed(self.salt_keys):
            if first <= index:
                return salt(key, index)
        return b""

    def __repr__(self) -> str:
        """Shows no key and no number."""
        return "FrameContext()"


def salt(key: bytes, index: int) -> bytes:
    """The 16 bytes that keep the detail of entry `index` from being guessed; `key` is K_salt of its epoch."""
    return mac(key, _SALT_LABEL).digest(index.to_bytes(8, "big"))[:16]


def commit(salt_: bytes, detail: bytes) -> bytes:
    """SHA-256 commitment to a detail; without the salt it says nothing about it."""
    return hashlib.sha256(_DETAIL_LABEL + salt_ + detail).digest()


def frozen(value: Any) -> Any:
    """Decoded CBOR with its arrays as tuples, so that it may stand in an `Entry`."""
    return tuple(frozen(element) for element in value) if type(value) is list else value
