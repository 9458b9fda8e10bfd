"""What goes into the ledger, and what comes back once it is there."""

import msgspec

from sync.messages.registry import DetailValue


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An entry before it has its place.

    `kind` is a name of the registry; `detail` holds that row's fields by name.

    `subject` is a plain identity number: only its keyed reference enters the leaf. The other fields go
    into the leaf as they are and must never hold names, numbers or search text.
    """

    kind: str
    detail: dict[str, DetailValue] = {}
    subject: str = ""
    actor: str = ""
    role: str = ""
    window: str = ""
    session: str = ""
    presence: str = ""
    relationship: str = ""
    purpose: str = ""
    basis: str = ""
    mode: str = ""
    as_of: int = 0
    policy: int = 0
    outcome: str = ""
    object: str = ""


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """Where an entry stands.

    Valid once the transaction that appended it has returned (then it is durable).
    """

    origin: str
    index: int
    leaf_hash: bytes
