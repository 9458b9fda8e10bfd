"""Rights as rows: what nodes spent and what was due, what was granted ahead, each node's level."""

from collections.abc import Sequence

import msgspec

from central.store.database import Tx
from matters.quota import UnitsSpent


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one person spent (negative: given back) by one entry, in the order of the table's columns.

    `said_free`: the node took no fee. `fee_cents`: what was due, as settled here. `grant_id`: under which.
    """

    origin: str
    idx: int
    node: str
    subject_ref: bytes
    matter: str
    year: int
    units: int
    said_free: bool
    fee_cents: int
    occurred_ms: int
    settled_ms: int
    grant_id: str = ""


class GivenBack(msgspec.Struct, frozen=True, kw_only=True):
    """What was left of a grant goes back: the grant ended at its node."""

    idx: int
    grant_id: str


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """One grant, in the order of the table's columns.

    `ended`: "", "returned" by the node, or "assumed" to be spent after a rollback.
    """

    origin: str
    grant_id: str
    node: str
    matter: str
    units: int
    granted_ms: int
    expires_ms: int
    ended: str = ""


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """A node is kept at `units` of a matter, each grant good for `days`."""

    node: str
    matter: str
    units: int
    days: int


async def lock(tx: Tx, subject_ref: bytes, matter: str, year: int) -> None:
    """Nobody else settles this person's rights until the transaction ends; take several in sorted order."""
    query = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
    await tx.execute(query, f"quota {subject_ref.hex()} {matter} {year}")


async def used(tx: Tx, subject_ref: bytes, matter: str, year: int) -> int:
    """Units of that year that arrived before."""
    query = "SELECT sum(units) FROM quota_spent WHERE subject_ref = $1 AND matter = $2 AND year = $3"
    return int(await tx.fetchval(query, subject_ref, matter, year) or 0)


async def known(tx: Tx, refs: Sequence[bytes]) -> dict[bytes, tuple[UnitsSpent, ...]]:
    """What each node spent of these people's rights, by year and matter; nobody who spent none."""
    rows = await tx.fetch(
        "SELECT subject_ref, node, matter, year, sum(units)::integer AS units FROM quota_spent"
        " WHERE subject_ref = ANY ($1) GROUP BY 1, 2, 3, 4 HAVING sum(units) > 0 ORDER BY 1, 4, 3, 2",
        refs,
    )
    found: dict[bytes, list[UnitsSpent]] = {}
    for row in rows:
        ref, *rest = row.values()
        one = UnitsSpent(**dict(zip(UnitsSpent.__struct_fields__, rest, strict=True)))
        found.setdefault(ref, []).append(one)
    return {ref: tuple(many) for ref, many in found.items()}


async def add(tx: Tx, row: Spent) -> None:
    """Keep a settled spending."""
    await tx.execute(
        "INSERT INTO quota_spent (origin, idx, node, subject_ref, matter, year, units, said_free, fee_cents,"
        " occurred_ms, settled_ms, grant_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        *msgspec.structs.astuple(row),
    )


async def set_level(tx: Tx, level: Level) -> None:
    """Keep a node at this level from its next exchange on; 0 units: no more grants."""
    await tx.execute(
        "INSERT INTO quota_level (node, matter, units, days) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (node, matter) DO UPDATE SET units = excluded.units, days = excluded.days",
        *msgspec.structs.astuple(level),
    )


async def levels(tx: Tx, node: str = "") -> list[Level]:
    """The levels of a node, "" of all."""
    query = "SELECT * FROM quota_level WHERE $1 IN ('', node) ORDER BY node, matter"
    return [Level(**dict(row)) for row in await tx.fetch(query, node)]


async def grant(tx: Tx, row: Granted) -> None:
    """Keep a grant before its letter leaves."""
    await tx.execute(
        "INSERT INTO quota_grant (origin, grant_id, node, matter, units, granted_ms, expires_ms, ended)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        *msgspec.structs.astuple(row),
    )


async def granted(tx: Tx, grant_id: str) -> Granted | None:
    """The grant of that id."""
    row = await tx.fetchrow("SELECT * FROM quota_grant WHERE grant_id = $1", grant_id)
    return Granted(**dict(row)) if row else None


async def spent_under(tx: Tx, grant_id: str) -> int:
    """Units spent under a grant, less those given back."""
    query = "SELECT sum(units) FROM quota_spent WHERE grant_id = $1"
    return int(await tx.fetchval(query, grant_id) or 0)


async def end(tx: Tx, grant_id: str, word: str) -> None:
    """A grant ended before its time."""
    await tx.execute("UPDATE quota_grant SET ended = $2 WHERE grant_id = $1 AND ended = ''", grant_id, word)


async def assume_spent(tx: Tx, node: str, origin: str) -> int:
    """Whatever earlier incarnations of the node hold counts as spent; how many grants."""
    query = "UPDATE quota_grant SET ended = 'assumed' WHERE node = $1 AND origin <> $2 AND ended = ''"
    return int((await tx.execute(query, node, origin)).rsplit(" ", 1)[-1])


class Outstanding(msgspec.Struct, frozen=True, kw_only=True):
    """Units of a matter a node may still give away, and how many of them last beyond a time."""

    node: str
    matter: str
    units: int
    lasting: int
    next_end_ms: int


async def outstanding(tx: Tx, now_ms: int, lasting_ms: int, node: str = "") -> list[Outstanding]:
    """What is left of living grants as far as entries arrived, by node ("" all) and matter."""
    rows = await tx.fetch(
        "SELECT g.node, g.matter, sum(g.units - s.n)::integer AS units,"
        " coalesce(sum(g.units - s.n) FILTER (WHERE g.expires_ms > $2), 0)::integer AS lasting,"
        " min(g.expires_ms) AS next_end_ms FROM quota_grant g"
        " CROSS JOIN LATERAL (SELECT coalesce(sum(units), 0) AS n FROM quota_spent"
        " WHERE grant_id = g.grant_id) AS s"
        " WHERE g.ended = '' AND g.expires_ms > $1 AND $3 IN ('', g.node) GROUP BY 1, 2",
        now_ms,
        lasting_ms,
        node,
    )
    return [Outstanding(**dict(row)) for row in rows]
