"""How far each ledger was reconciled, and up to when a node's own work is known here."""

from datetime import date

import msgspec

from central.store.database import Tx
from matters.calendar import china_day, china_ms

DAY_MS = 86_400_000
CHINA_AHEAD_MS = -china_ms("1970-01-01")
CLOCK_MS_MAX = 4_102_444_800_000
"""Year 2100: no day is judged for what a clock beyond it wrote."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """The schedule reconciled a ledger's entries below `size` and its days before `day` (ISO)."""

    origin: str
    size: int
    day: str


async def judged(tx: Tx, origin: str) -> Judged | None:
    """How far a ledger was reconciled; None: never."""
    row = await tx.fetchrow("SELECT * FROM ledger_judged WHERE origin = $1", origin)
    return Judged(**dict(row)) if row else None


async def keep(tx: Tx, row: Judged) -> None:
    """Keep how far a ledger is reconciled now."""
    await tx.execute(
        "INSERT INTO ledger_judged (origin, size, day) VALUES ($1, $2, $3)"
        " ON CONFLICT (origin) DO UPDATE SET size = excluded.size, day = excluded.day",
        *msgspec.structs.astuple(row),
    )


async def judge(tx: Tx, origin: str, day: str, size: int) -> None:
    """Keep that a day was reconciled with so many entries of its ledger here."""
    await tx.execute(
        "INSERT INTO day_judged (origin, day, size) VALUES ($1, $2, $3)"
        " ON CONFLICT (origin, day) DO UPDATE SET size = excluded.size",
        origin,
        day,
        size,
    )


async def days_from(tx: Tx, origin: str, first: int) -> set[date]:
    """The days (China) of entries from index `first` on."""
    rows = await tx.fetch(
        "SELECT min(occurred_ms) AS at_ms FROM entry WHERE origin = $1 AND idx >= $2 AND occurred_ms"
        " BETWEEN 0 AND $3 GROUP BY (occurred_ms + $4) / $5",
        origin,
        first,
        CLOCK_MS_MAX,
        CHINA_AHEAD_MS,
        DAY_MS,
    )
    return {china_day(row["at_ms"]) for row in rows}


async def unjudged(tx: Tx, low_ms: int, high_ms: int) -> set[tuple[str, str]]:
    """(origin, day) of every day between with entries that came since it was reconciled."""
    rows = await tx.fetch(
        "SELECT e.origin, max(e.idx) AS newest, min(e.occurred_ms) AS at_ms FROM entry e"
        " LEFT JOIN ledger_judged j ON j.origin = e.origin WHERE e.idx >= coalesce(j.size, 0)"
        " AND e.occurred_ms >= $1 AND e.occurred_ms < $2 GROUP BY e.origin, (e.occurred_ms - $1) / $3",
        low_ms,
        high_ms,
        DAY_MS,
    )
    query = "SELECT * FROM day_judged WHERE day >= $1"
    done = await tx.fetch(query, china_day(low_ms).isoformat())
    sizes = {(row["origin"], row["day"]): row["size"] for row in done}
    newest = {(row["origin"], china_day(row["at_ms"]).isoformat()): row["newest"] for row in rows}
    return {place for place, index in newest.items() if index >= sizes.get(place, 0)}


async def heard(tx: Tx) -> dict[str, int]:
    """Up to when each ledger's work is known here: its newest entry, or when a batch that left none was made.

    A batch or entry that says a later time than that of its arrival says nothing of what came after. Ledgers
    nothing came of are absent.
    """
    rows = await tx.fetch(
        "SELECT i.origin, greatest((SELECT nullif(max(c.told_ms), 0) FROM contact c WHERE c.origin = i.origin"
        " AND coalesce(c.pending, 0) = 0),"
        " (SELECT least(e.occurred_ms, e.arrived_ms) FROM entry e"
        " WHERE e.origin = i.origin ORDER BY e.idx DESC LIMIT 1)) AS heard_ms FROM identity i"
    )
    return {row["origin"]: row["heard_ms"] for row in rows if row["heard_ms"] is not None}
