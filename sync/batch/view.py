"""What a batch needs of the ledger it is made from."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from sync.codec.rows import Row
from sync.ledger.tree import TileSource
from sync.signing.keys import SigningKey


class CentreKeys(msgspec.Struct, frozen=True, kw_only=True):
    """The centre as a node knows it from enrolment.

    `origin` is the name of the centre's own ledger ("<authority>/centre/<id>/i1") and signs as that name;
    `signing` is its Ed25519, `sealing` and `recovery` (kept offline) its X25519 public keys, 32 bytes each.
    """

    origin: str
    signing: bytes
    sealing: bytes
    recovery: bytes


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """A signed head of a ledger: entries, root, and the signed note that says so (empty: none yet)."""

    size: int
    root: bytes
    note: bytes


class Wish(msgspec.Struct, frozen=True, array_like=True):
    """What a node holds of a scope: the release version applied, 0 for nothing.

    `lacking` are the buckets (one byte each) it emptied because they were not what the release signs.
    """

    scope: str
    version: int
    lacking: bytes = b""


class SaltEpoch(msgspec.Struct, frozen=True, array_like=True):
    """From entry `first` on, salts derive from `key` (until the next epoch)."""

    first: int
    key: bytes


class BatchView(Protocol):
    """Reads of one consistent state of a node's ledger; all plain calls, run them off the event loop."""

    @property
    def origin(self) -> str:
        """This ledger's own origin, current incarnation."""

    @property
    def signing_key(self) -> SigningKey:
        """The key the ledger signs with."""

    @property
    def centre(self) -> CentreKeys:
        """Whom batches are addressed and sealed to."""

    @property
    def subject_key(self) -> bytes:
        """The jurisdiction's HMAC key of subject references."""

    def checkpoint(self) -> Head:
        """The newest signed checkpoint, durable before this returns it; before the first: size 0, no note."""

    def acknowledged(self) -> tuple[int, bytes]:
        """Size and root of the newest checkpoint the centre countersigned; (0, SHA-256 of nothing) before."""

    def rows(self, start: int, end: int) -> Sequence[Row]:
        """The rows [start, end), at most 256, in order."""

    def tiles(self) -> TileSource:
        """The hash tiles of the ledger, at least up to the checkpoint."""

    def salt_epochs(self, start: int, end: int) -> Sequence[SaltEpoch]:
        """The salt epochs that [start, end) touches, ascending; the first may begin before `start`."""

    def centre_seen(self) -> bytes:
        """The newest centre checkpoint seen, with our cosignature; empty before the first."""

    def wishes(self) -> Sequence[Wish]:
        """Every scope this node should hold, with the version it holds."""

    def directive_seen(self) -> int:
        """Number of the last directive durably obeyed."""

    def statistics(self) -> dict[str, int]:
        """Small numbers for the fleet page, never about persons: clock state, free disk, open cases."""
