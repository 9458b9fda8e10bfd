"""Questions about accesses.

The trail's search, entries and their neighbours, pairs of disclosure and access.
"""

from collections.abc import Sequence

import msgspec

from central.store.database import Tx
from central.store.effects import AccessKept, Disclosure, same_act, same_node
from sync.messages.registry import kind

_KINDS = {
    "answered": kind("access.answered").number,
    "denied": kind("access.denied").number,
    "deferred": kind("access.deferred").number,
    "disclosed": kind("centre.disclosed").number,
}
"""Outcome as people ask for it → the kind of entry that says so; any other word is an entry's own code."""


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """A search of the trail.

    None or "" means any. `before` is (occurred_ms, origin, idx) of the last row seen.
    """

    subject_ref: bytes | None = None
    actor: str = ""
    node: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    mode: str = ""
    outcome: str = ""
    before: tuple[int, str, int] | None = None
    limit: int = 200


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An access with what stands beside it."""

    access: AccessKept
    leaf_hash: bytes
    disclosed: bool
    serial: str


class EntryKept(msgspec.Struct, frozen=True, kw_only=True):
    """One stored entry with its body."""

    idx: int
    kind: int
    occurred_ms: int
    arrived_ms: int
    leaf_hash: bytes
    leaf: bytes
    salt: bytes
    detail_sealed: bytes


_ENTRY = (
    "SELECT e.idx, e.kind, e.occurred_ms, e.arrived_ms, e.leaf_hash, b.leaf, b.salt, b.detail_sealed FROM"
    " entry e"
    " LEFT JOIN entry_body b ON b.origin = e.origin AND b.idx = e.idx AND b.occurred_ms = e.occurred_ms"
    " WHERE e.origin = $1"
)


async def search(tx: Tx, asked: Search) -> list[Found]:
    """Accesses that fit, newest first, at most `limit`."""
    conditions, arguments = _conditions(asked)
    arguments.append(asked.limit)
    rows = await tx.fetch(
        "SELECT a.*, e.leaf_hash,"  # noqa: S608 -- the conditions are literals of _conditions, values are arguments
        f" EXISTS (SELECT 1 FROM disclosure d WHERE {same_act('d', 'a')}) AS disclosed,"
        f" COALESCE((SELECT min(r.serial) FROM report r WHERE {same_node('r', 'a')} AND r.case_no = a.case_no"
        " AND a.case_no <> ''), '') AS serial"
        f" FROM access a JOIN entry e ON e.origin = a.origin AND e.idx = a.idx {conditions}"
        f" ORDER BY a.occurred_ms DESC, a.origin DESC, a.idx DESC LIMIT ${len(arguments)}",
        *arguments,
    )
    return [_found(dict(row)) for row in rows]


def _conditions(asked: Search) -> tuple[str, list[object]]:
    """The WHERE clause and its arguments."""
    asked_kind = _KINDS.get(asked.outcome)
    wanted: list[tuple[str, object]] = [
        ("a.subject_ref = {}", asked.subject_ref),
        ("a.actor = {}", asked.actor or None),
        ("a.node = {}", asked.node or None),
        ("a.occurred_ms >= {}", asked.since_ms),
        ("a.occurred_ms <= {}", asked.until_ms),
        ("a.mode = {}", asked.mode or None),
        ("a.kind = {}", asked_kind),
        ("a.outcome = {}", (asked.outcome or None) if asked_kind is None else None),
    ]
    arguments: list[object] = []
    clauses: list[str] = []
    for clause, value in wanted:
        if value is not None:
            arguments.append(value)
            clauses.append(clause.format(f"${len(arguments)}"))
    if asked.before is not None:
        first = len(arguments) + 1
        arguments.extend(asked.before)
        clauses.append(f"(a.occurred_ms, a.origin, a.idx) < (${first}, ${first + 1}, ${first + 2})")
    return (f"WHERE {' AND '.join(clauses)}" if clauses else ""), arguments


def _found(row: dict[str, object]) -> Found:
    access = AccessKept(**{name: row[name] for name in AccessKept.__struct_fields__})  # type: ignore[arg-type] # a row
    return msgspec.convert(
        {
            "access": access,
            "leaf_hash": row["leaf_hash"],
            "disclosed": row["disclosed"],
            "serial": row["serial"],
        },
        Found,
    )


async def lonely_disclosures(tx: Tx, asked: Search, ours: Sequence[str]) -> list[tuple[Disclosure, str]]:
    """What the centre disclosed and the node's ledger (as far as it came) does not show.

    Each with the incarnation of `ours`, the centre's own ledgers, on which it stands.
    """
    rows = await tx.fetch(
        "SELECT d.* FROM disclosure d WHERE ($1::bytea IS NULL OR d.subject_ref = $1)"  # noqa: S608 -- names of tables
        " AND ($2 = '' OR d.actor = $2) AND ($3 = '' OR d.node = $3)"
        " AND ($4::bigint IS NULL OR d.occurred_ms >= $4) AND ($5::bigint IS NULL OR d.occurred_ms <= $5)"
        f" AND NOT EXISTS (SELECT 1 FROM access a WHERE {same_act('a', 'd')})"
        " ORDER BY d.occurred_ms DESC LIMIT $6",
        asked.subject_ref,
        asked.actor,
        asked.node,
        asked.since_ms,
        asked.until_ms,
        asked.limit,
    )
    query = "SELECT origin, leaf_hash FROM entry WHERE origin = ANY ($1) AND idx = ANY ($2)"
    placed = await tx.fetch(query, list(ours), [row["centre_idx"] for row in rows])
    stands = {row["leaf_hash"]: row["origin"] for row in placed}
    return [(Disclosure(**dict(row)), stands.get(row["leaf_hash"], ours[0])) for row in rows]


async def entry(tx: Tx, origin: str, index: int) -> EntryKept | None:
    """One entry with its body."""
    row = await tx.fetchrow(f"{_ENTRY} AND e.idx = $2", origin, index)
    return _entry(dict(row)) if row else None


async def entries(tx: Tx, origin: str, first: int, end: int) -> list[EntryKept]:
    """Entries from `first` to `end` (exclusive), in order; a body that is gone comes empty."""
    rows = await tx.fetch(f"{_ENTRY} AND e.idx >= $2 AND e.idx < $3 ORDER BY e.idx", origin, first, end)
    return [_entry(dict(row)) for row in rows]


def _entry(row: dict[str, object]) -> EntryKept:
    return msgspec.convert({name: b"" if value is None else value for name, value in row.items()}, EntryKept)


async def newest_of_kinds(tx: Tx, origin: str, kinds: Sequence[int], limit: int) -> list[EntryKept]:
    """The newest entries of these kinds, newest first."""
    rows = await tx.fetch(
        f"{_ENTRY} AND e.kind = ANY ($2) ORDER BY e.idx DESC LIMIT $3", origin, list(kinds), limit
    )
    return [_entry(dict(row)) for row in rows]


async def counts(tx: Tx, origin: str) -> dict[int, int]:
    """How many entries of each kind an origin has here."""
    rows = await tx.fetch("SELECT kind, count(*) AS n FROM entry WHERE origin = $1 GROUP BY kind", origin)
    return {row["kind"]: row["n"] for row in rows}


async def bodies(tx: Tx, places: Sequence[tuple[str, int, int]]) -> dict[tuple[str, int], bytes]:
    """Leaf bytes of entries at (origin, idx, occurred_ms)."""
    rows = await tx.fetch(
        "SELECT b.origin, b.idx, b.leaf FROM entry_body b JOIN unnest($1::text[], $2::bigint[], $3::bigint[])"
        " AS u (origin, idx, occurred_ms) ON b.origin = u.origin AND b.idx = u.idx"
        " AND b.occurred_ms = u.occurred_ms",
        [place[0] for place in places],
        [place[1] for place in places],
        [place[2] for place in places],
    )
    return {(row["origin"], row["idx"]): row["leaf"] for row in rows}
