"""A node's database key in the centre's keeping: what its slot and its release are bound to.

Slot: the key sealed to the centre's sealing key, in the node's own slot file. Release: the centre opens the
slot of a backup and seals the same key to a key that the new machine made, for the officer who asked.

A slot is bound to its name and, since 2026-11-22, to the node it is of (`stem`, the origin without its
incarnation), so that nobody can put one node's slot into another's file. An older slot has no stem.
"""

from sync.signing.keys import SealingKey
from sync.signing.sealing import seal, unseal

_UNBOUND = b"yizhan/slot/1/"
_SLOT = b"yizhan/slot/2/"
_RELEASE = b"yizhan/escrow-release/1/"


def seal_slot(public: bytes, stem: str, slot: str, key: bytes) -> bytes:
    """A database key of the node `stem`, sealed for its slot of that name."""
    return seal(public, key, _bound_to(stem, slot))


def open_slot(key: SealingKey, stem: str, slot: str, sealed: bytes) -> bytes:
    """The database key of a slot; `stem` is empty for one made before slots were bound to their node.

    Raises SyncError where key, node, name or bytes differ.
    """
    return unseal(key, sealed, _bound_to(stem, slot))


def _bound_to(stem: str, slot: str) -> bytes:
    return _SLOT + f"{stem}#{slot}".encode() if stem else _UNBOUND + slot.encode()


def release(public: bytes, node: str, key: bytes) -> bytes:
    """A database key of `node` sealed to a new machine."""
    return seal(public, key, _RELEASE + node.encode())


def open_release(key: SealingKey, node: str, sealed: bytes) -> bytes:
    """The database key released for `node`. Raises SyncError."""
    return unseal(key, sealed, _RELEASE + node.encode())
