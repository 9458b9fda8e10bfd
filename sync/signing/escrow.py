"""A node's database key in the centre's keeping: what its slot and its release are bound to.

Slot: the key sealed to the centre's sealing key, in the node's own slot file. Release: the centre opens the
slot of a backup and seals the same key to a key that the new machine made, for the officer who asked.
"""

from sync.signing.keys import SealingKey
from sync.signing.sealing import seal, unseal

_SLOT = b"yizhan/slot/1/"
_RELEASE = b"yizhan/escrow-release/1/"


def seal_slot(public: bytes, slot: str, key: bytes) -> bytes:
    """A database key sealed for a slot of that name."""
    return seal(public, key, _SLOT + slot.encode())


def open_slot(key: SealingKey, slot: str, sealed: bytes) -> bytes:
    """The database key of a slot. Raises SyncError where key, name or bytes differ."""
    return unseal(key, sealed, _SLOT + slot.encode())


def release(public: bytes, node: str, key: bytes) -> bytes:
    """A database key of `node` sealed to a new machine."""
    return seal(public, key, _RELEASE + node.encode())


def open_release(key: SealingKey, node: str, sealed: bytes) -> bytes:
    """The database key released for `node`. Raises SyncError."""
    return unseal(key, sealed, _RELEASE + node.encode())
