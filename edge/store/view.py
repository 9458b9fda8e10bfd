"""The ledger as an exchange reads it (`sync.exchange.view.NodeView`).

Over one reading connection, off the event loop.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from edge.store import ledger
from edge.store.cipher import Connection
from edge.store.identity import Identity
from sync.batch.view import CentreKeys, Head, SaltEpoch, Wish
from sync.codec.rows import Row
from sync.exchange.view import CentreSeen
from sync.ledger.proofs import EMPTY_ROOT
from sync.signing.keys import SealingKey, SigningKey

CENTRE_FACT = "centre_seen"
DIRECTIVE_FACT = "directive_seen"


class CentreNoted(msgspec.Struct, frozen=True, kw_only=True):
    """What the last NoteCentre step stored, with the centre's checkpoint cosigned by us."""

    seen: CentreSeen
    checkpoint: bytes


class LedgerView:
    """Every call answers from what is durable now; entries below the checkpoint never change."""

    def __init__(
        self, connection: Connection, identity: Identity, statistics: Callable[[], dict[str, int]]
    ) -> None:
        self._connection = connection
        self._identity = identity
        self._statistics = statistics

    @property
    def origin(self) -> str:
        return self._identity.origin

    @property
    def signing_key(self) -> SigningKey:
        return self._identity.signing

    @property
    def sealing_key(self) -> SealingKey:
        return self._identity.sealing

    @property
    def centre(self) -> CentreKeys:
        return self._identity.centre

    @property
    def subject_key(self) -> bytes:
        return self._identity.subject_key

    def checkpoint(self) -> Head:
        row = self._one("SELECT size, root, note FROM checkpoint ORDER BY size DESC LIMIT 1")
        if row is None:
            return Head(size=0, root=EMPTY_ROOT, note=b"")
        return Head(size=row[0], root=row[1], note=row[2])

    def acknowledged(self) -> tuple[int, bytes]:
        row = self._one(
            "SELECT size, root FROM checkpoint WHERE counter IS NOT NULL ORDER BY size DESC LIMIT 1"
        )
        return (row[0], row[1]) if row else (0, EMPTY_ROOT)

    def rows(self, start: int, end: int) -> Sequence[Row]:
        return ledger.rows(self._connection, start, end)

    def tiles(self) -> ledger.DatabaseTiles:
        return ledger.DatabaseTiles(self._connection)

    def salt_epochs(self, start: int, end: int) -> Sequence[SaltEpoch]:
        assert 0 <= start <= end
        return (SaltEpoch(first=0, key=self._identity.salt_key),)

    def centre_seen(self) -> bytes:
        noted = self._noted()
        return noted.checkpoint if noted else b""

    def last_centre(self) -> CentreSeen:
        noted = self._noted()
        return noted.seen if noted else CentreSeen()

    def wishes(self) -> Sequence[Wish]:
        """The certificate's scopes and whatever else is held: the version applied, and the parts it lacks."""
        found = self._connection.execute("SELECT scope, version, lacking FROM release_held").fetchall()
        held = {row[0]: Wish(*row) for row in found}
        scopes = dict.fromkeys((*self._identity.certificate.scopes, *held))
        return tuple(held.get(scope, Wish(scope=scope, version=0)) for scope in scopes)

    def directive_seen(self) -> int:
        row = self._one("SELECT value FROM fact WHERE name = ?", (DIRECTIVE_FACT,))
        return int(msgspec.json.decode(row[0])) if row else 0

    def statistics(self) -> dict[str, int]:
        return self._statistics()

    def _noted(self) -> CentreNoted | None:
        row = self._one("SELECT value FROM fact WHERE name = ?", (CENTRE_FACT,))
        return msgspec.json.decode(row[0], type=CentreNoted) if row else None

    def _one(self, sql: str, bound: tuple[object, ...] = ()) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = self._connection.execute(sql, bound).fetchone()
        return found
