"""Requests for a new incarnation and what officers said of them, as rows."""

import msgspec

from central.store.database import Tx

CENTRE = "centre"
"""The name under which the centre's own ledger stands among the nodes' requests."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request. `asked` is the fingerprint of the new keys; `origin` the incarnation that is to end.

    `state`: waiting, refused, begun. `claim` and `opening` are JSON of `sync.messages.incarnation`.
    """

    origin: str
    asked: str
    node: str
    reason: str
    signing: bytes
    sealing: bytes
    claim: str
    asked_ms: int
    state: str
    new_origin: str = ""
    opening: str = ""
    settled_ms: int | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one officer said, once, in one role."""

    origin: str
    asked: str
    role: str
    officer: str
    approves: bool
    note: str
    at_ms: int


async def add(tx: Tx, row: Asked) -> None:
    """Keep a request; one that is known stays as it is."""
    await tx.execute(
        "INSERT INTO incarnation (origin, asked, node, reason, signing, sealing, claim, asked_ms, state,"
        " new_origin, opening, settled_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        " ON CONFLICT (origin, asked) DO NOTHING",
        *msgspec.structs.astuple(row),
    )


async def one(tx: Tx, origin: str, asked: str) -> Asked | None:
    """A request, locked until the transaction ends."""
    query = "SELECT * FROM incarnation WHERE origin = $1 AND asked = $2 FOR UPDATE"
    row = await tx.fetchrow(query, origin, asked)
    return Asked(**dict(row)) if row else None


async def of_node(tx: Tx, node: str, limit: int = 50) -> list[Asked]:
    """The requests of a node ("" of all): those that wait, then the others, newest first."""
    query = (
        "SELECT * FROM incarnation WHERE $1 = '' OR node = $1"
        " ORDER BY state <> 'waiting', asked_ms DESC, asked LIMIT $2"
    )
    return [Asked(**dict(row)) for row in await tx.fetch(query, node, limit)]


async def named(tx: Tx, node: str, asked: str) -> Asked | None:
    """The newest request of a node with this fingerprint."""
    query = "SELECT * FROM incarnation WHERE node = $1 AND asked = $2 ORDER BY asked_ms DESC LIMIT 1"
    row = await tx.fetchrow(query, node, asked)
    return Asked(**dict(row)) if row else None


async def made(tx: Tx, node: str) -> int:
    """How many requests a node ever made."""
    return int(await tx.fetchval("SELECT count(*) FROM incarnation WHERE node = $1", node))


async def waiting(tx: Tx, origin: str) -> int:
    """How many requests of an origin wait."""
    query = "SELECT count(*) FROM incarnation WHERE origin = $1 AND state = 'waiting'"
    return int(await tx.fetchval(query, origin))


async def open_requests(tx: Tx, origin: str) -> int:
    """How many requests of an origin were made and did not begin anything (yet)."""
    query = "SELECT count(*) FROM incarnation WHERE origin = $1 AND state <> 'begun'"
    return int(await tx.fetchval(query, origin))


async def begun(tx: Tx, node: str) -> list[Asked]:
    """The requests of this node that began an origin, oldest first."""
    query = (
        "SELECT * FROM incarnation WHERE node = $1 AND state = 'begun'"
        " ORDER BY length(new_origin), new_origin"
    )
    return [Asked(**dict(row)) for row in await tx.fetch(query, node)]


async def begun_as(tx: Tx, new_origin: str) -> Asked | None:
    """The request a new origin began with."""
    row = await tx.fetchrow("SELECT * FROM incarnation WHERE new_origin = $1", new_origin)
    return Asked(**dict(row)) if row else None


async def settle(
    tx: Tx, row: Asked, state: str, now_ms: int, new_origin: str = "", opening: str = ""
) -> None:
    """Move a request to `state`."""
    await tx.execute(
        "UPDATE incarnation SET state = $3, settled_ms = $4, new_origin = $5, opening = $6"
        " WHERE origin = $1 AND asked = $2",
        row.origin,
        row.asked,
        state,
        now_ms,
        new_origin,
        opening,
    )


async def end_waiting(tx: Tx, origin: str, now_ms: int) -> None:
    """No other request of an ended incarnation waits any more."""
    await tx.execute(
        "UPDATE incarnation SET state = 'refused', settled_ms = $2 WHERE origin = $1 AND state = 'waiting'",
        origin,
        now_ms,
    )


async def add_verdict(tx: Tx, row: Verdict) -> bool:
    """Keep what an officer said; False when this role has spoken."""
    return (
        await tx.fetchval(
            "INSERT INTO incarnation_verdict (origin, asked, role, officer, approves, note, at_ms)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (origin, asked, role) DO NOTHING"
            " RETURNING role",
            *msgspec.structs.astuple(row),
        )
        is not None
    )


async def verdicts(tx: Tx, origin: str, asked: str) -> list[Verdict]:
    """What officers said, first first."""
    query = "SELECT * FROM incarnation_verdict WHERE origin = $1 AND asked = $2 ORDER BY at_ms, role"
    return [Verdict(**dict(row)) for row in await tx.fetch(query, origin, asked)]


async def told_size(tx: Tx, origin: str) -> int:
    """The size of its ledger a node told last: what we store and what it said still waited."""
    stored = await tx.fetchval("SELECT size FROM ledger_head WHERE origin = $1", origin)
    pending = await tx.fetchval(
        "SELECT pending FROM contact WHERE origin = $1 ORDER BY at_ms DESC LIMIT 1", origin
    )
    return int(stored or 0) + int(pending or 0)


async def serial_elsewhere(tx: Tx, node: str, origin: str, serials: list[str]) -> list[str]:
    """Which of these serials another incarnation of the node issued too."""
    rows = await tx.fetch(
        "SELECT DISTINCT serial FROM report WHERE node = $1 AND origin <> $2 AND serial = ANY ($3::text[])"
        " ORDER BY serial",
        node,
        origin,
        serials,
    )
    return [row["serial"] for row in rows]
