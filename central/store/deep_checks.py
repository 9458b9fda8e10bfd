"""Deep checks as rows: what was asked of which ledger, and what its node said it found."""

import msgspec

from central.store.database import Tx
from central.store.fleet import Identity


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a node's entry says of a recount: `about` is `entry-<n>` where the copies differ."""

    idx: int
    outcome: str
    about: str
    occurred_ms: int


class DeepCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One deep check, in the order of the table's columns; `outcome` is empty until the node spoke."""

    origin: str
    asked_ms: int
    size: int
    reason: str
    outcome: str = ""
    said_ms: int | None = None


async def add(tx: Tx, row: DeepCheck) -> None:
    """Keep what is asked, with the letter that asks."""
    await tx.execute(
        "INSERT INTO deep_check (origin, asked_ms, size, reason, outcome, said_ms)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (origin, asked_ms) DO NOTHING",
        *msgspec.structs.astuple(row),
    )


async def hear(tx: Tx, origin: str, said: Said) -> None:
    """The node spoke: every check of its ledger that waits is answered by it."""
    await tx.execute(
        "UPDATE deep_check SET outcome = $2, said_ms = $3 WHERE origin = $1 AND outcome = ''",
        origin,
        said.outcome,
        said.occurred_ms,
    )


async def of(tx: Tx, origin: str) -> list[DeepCheck]:
    """The checks of a ledger, newest first."""
    rows = await tx.fetch("SELECT * FROM deep_check WHERE origin = $1 ORDER BY asked_ms DESC", origin)
    return [DeepCheck(**dict(row)) for row in rows]


async def due(tx: Tx, before_ms: int, limit: int) -> list[tuple[Identity, str]]:
    """Newest incarnations that were never checked since they began (when not the first), or not since then.

    With the reason, those that waited longest first. A new ledger counts as checked on the day it began.
    """
    rows = await tx.fetch(
        "SELECT i.*, coalesce(c.asked_ms, i.enrolled_ms) AS checked_ms, c.asked_ms IS NULL AS never"
        " FROM identity i LEFT JOIN LATERAL (SELECT max(asked_ms) AS asked_ms FROM deep_check"
        " WHERE origin = i.origin) AS c ON true WHERE i.revoked_ms IS NULL AND NOT EXISTS"
        " (SELECT 1 FROM identity n WHERE n.node = i.node AND n.incarnation > i.incarnation)"
        " AND (coalesce(c.asked_ms, i.enrolled_ms) < $1 OR (c.asked_ms IS NULL AND i.incarnation > 1))"
        " ORDER BY checked_ms LIMIT $2",
        before_ms,
        limit,
    )
    found: list[tuple[Identity, str]] = []
    for row in rows:
        fields = dict(row)
        never, _ = fields.pop("never"), fields.pop("checked_ms")
        one = Identity(**fields)
        found.append((one, "restore" if never and one.incarnation > 1 else "monthly"))
    return found
