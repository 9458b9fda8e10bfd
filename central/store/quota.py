"""Rights that were spent, as rows: what nodes said and what was due."""

import msgspec

from central.store.database import Tx


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one person spent (or, negative, given back) by one entry, in the order of the table's columns.

    `said_free`: the node took no fee. `fee_cents`: what was due, as settled here.
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


async def lock(tx: Tx, subject_ref: bytes, matter: str, year: int) -> None:
    """Nobody else settles this person's rights until the transaction ends; take several in sorted order."""
    query = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
    await tx.execute(query, f"quota {subject_ref.hex()} {matter} {year}")


async def used(tx: Tx, subject_ref: bytes, matter: str, year: int) -> int:
    """Units of that year that arrived before."""
    query = "SELECT sum(units) FROM quota_spent WHERE subject_ref = $1 AND matter = $2 AND year = $3"
    return int(await tx.fetchval(query, subject_ref, matter, year) or 0)


async def add(tx: Tx, row: Spent) -> None:
    """Keep a settled spending."""
    await tx.execute(
        "INSERT INTO quota_spent (origin, idx, node, subject_ref, matter, year, units, said_free, fee_cents,"
        " occurred_ms, settled_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        *msgspec.structs.astuple(row),
    )
