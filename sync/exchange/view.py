"""What an exchange needs of a node beyond the ledger itself."""

from typing import Protocol

import msgspec

from sync.batch.view import BatchView
from sync.signing.keys import SealingKey


class CentreSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The centre as the last NoteCentre step left it; zeros and an empty root before the first contact.

    `origin` is the incarnation of its own ledger. `next` may lie below what it countersigned once: restored
    from a backup, it wants that again.
    """

    size: int = 0
    root: bytes = b""
    time_ms: int = 0
    next: int = 0
    origin: str = ""


class NodeView(BatchView, Protocol):
    """A node's durable state as the exchange reads it; every call answers from what is durable now."""

    @property
    def sealing_key(self) -> SealingKey:
        """The key acknowledgements are sealed to."""

    def last_centre(self) -> CentreSeen:
        """What the last NoteCentre step stored."""
