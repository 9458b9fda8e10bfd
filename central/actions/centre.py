"""What every action of the centre gets as its first argument, and who is asking."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from central.actions.arrivals import Arrivals
from central.actions.shared import SharedWork
from central.security.keys import Keyring
from central.security.permissions import Role
from central.settings import Settings
from central.store.database import Store
from central.store.ledger import CheckpointKept
from central.upstream.bureau import Bureau
from matters.model import Matter

INGESTING_MAX = 4
"""Batches taken apart at a time: memory stays flat and the database has room, however many come at once."""


class AdminSession(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in administrator.

    `must_change`: the one-time password must be replaced before anything else.
    """

    id: str
    admin: str
    role: Role
    csrf: str
    opened_ms: int
    must_change: bool = False
    place: str = "console"


@dataclass(frozen=True, kw_only=True)
class Centre:
    """The running centre.

    Data folder, settings, store, keys, the time, the bureau it may ask, the catalogue of matters.

    `now_ms` is the only clock of the actions (Unix milliseconds); tests hand in one that is told the time.
    `ingesting`: whose entries are opened and stored just now; the others wait in the order they came.
    `arrivals`: whose batches are on their way in.
    `signing`: our own ledger's next checkpoint, one for all who wait for it.
    """

    data: Path
    settings: Settings
    store: Store
    keys: Keyring
    now_ms: Callable[[], int]
    bureau: Bureau | None
    catalogue: Mapping[str, Matter]
    ingesting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(INGESTING_MAX))
    arrivals: Arrivals = field(default_factory=Arrivals)
    signing: SharedWork[CheckpointKept] = field(default_factory=SharedWork)

    @property
    def origin(self) -> str:
        """The origin of the centre's own ledger."""
        return f"{self.settings.authority}/centre/main/i1"


def operator(role: Role) -> AdminSession:
    """The person at the machine's own command line, acting in one of the three roles."""
    return AdminSession(id="command-line", admin=role, role=role, csrf="", opened_ms=0, place="command-line")
