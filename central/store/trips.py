"""Trips of buses, day's lists, withdrawn consent, and who held which subjects when."""

from collections.abc import Sequence

import msgspec

from central.store.database import Tx
from central.store.records import Scope, scopes


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """A node's own word (`pack.applied`) that it holds a version of a scope from then on; 0: nothing."""

    origin: str
    idx: int
    node: str
    scope: str
    version: int
    occurred_ms: int


async def trips_of(tx: Tx, node: str) -> list[Scope]:
    """Every trip ever planned for a bus, the latest first."""
    rows = await tx.fetch(
        "SELECT scope FROM scope WHERE node = $1 AND until_ms > 0 ORDER BY from_ms DESC, scope DESC", node
    )
    found = {one.scope: one for one in await scopes(tx, [row["scope"] for row in rows])}
    return [found[row["scope"]] for row in rows]


async def open_trips(tx: Tx, now_ms: int) -> list[str]:
    """The scopes of all trips in force."""
    rows = await tx.fetch(
        "SELECT scope FROM scope WHERE from_ms <= $1 AND until_ms > $1 ORDER BY scope", now_ms
    )
    return [row["scope"] for row in rows]


async def end_trip(tx: Tx, scope: str, now_ms: int) -> None:
    """A trip ends now."""
    await tx.execute(
        "UPDATE scope SET from_ms = least(from_ms, $2::bigint - 1), until_ms = $2::bigint WHERE scope = $1",
        scope,
        now_ms,
    )


async def listed(tx: Tx, scope: str) -> list[bytes]:
    """The subjects of a trip's day's list, by ref."""
    rows = await tx.fetch("SELECT ref FROM trip_subject WHERE scope = $1 ORDER BY ref", scope)
    return [row["ref"] for row in rows]


async def replace_list(tx: Tx, scope: str, refs: Sequence[bytes]) -> None:
    """The day's list is these subjects from now on."""
    await tx.execute("DELETE FROM trip_subject WHERE scope = $1", scope)
    await tx.executemany(
        "INSERT INTO trip_subject (ref, scope) VALUES ($1, $2)", [(ref, scope) for ref in refs]
    )


async def add_members(tx: Tx, scope: str, version: int, came: Sequence[bytes], went: Sequence[bytes]) -> None:
    """Keep for ever which subjects a version of a scope took in and let go."""
    await tx.execute(
        "INSERT INTO scope_member (ref, scope, version, present)"
        " SELECT r, $1::text, $2::bigint, true FROM unnest($3::bytea[]) AS r"
        " UNION ALL SELECT r, $1::text, $2::bigint, false FROM unnest($4::bytea[]) AS r",
        scope,
        version,
        list(came),
        list(went),
    )


async def members(tx: Tx, scope: str, version: int) -> list[bytes]:
    """The subjects a version of a scope held, by ref."""
    rows = await tx.fetch(
        "SELECT ref FROM (SELECT DISTINCT ON (ref) ref, present FROM scope_member WHERE scope = $1"
        " AND version <= $2 ORDER BY ref, version DESC) AS newest WHERE present ORDER BY ref",
        scope,
        version,
    )
    return [row["ref"] for row in rows]


async def applied(tx: Tx, node: str, at_ms: int) -> list[Applied]:
    """What a node said it held at a moment, scope by scope; scopes it held nothing of are absent."""
    rows = await tx.fetch(
        "SELECT * FROM (SELECT DISTINCT ON (scope) * FROM scope_applied WHERE node = $1 AND occurred_ms <= $2"
        " ORDER BY scope, occurred_ms DESC, origin DESC, idx DESC) AS newest WHERE version > 0"
        " ORDER BY scope",
        node,
        at_ms,
    )
    return [Applied(**dict(row)) for row in rows]


async def withdrawn(tx: Tx) -> frozenset[bytes]:
    """All subjects without consent to offline answers."""
    return frozenset(row["ref"] for row in await tx.fetch("SELECT ref FROM consent_withdrawn"))


async def withdraw(tx: Tx, ref: bytes, since_ms: int) -> bool:
    """Keep that a subject withdrew consent; False when it had already."""
    done = await tx.fetch(
        "INSERT INTO consent_withdrawn (ref, since_ms) VALUES ($1, $2) ON CONFLICT (ref) DO NOTHING"
        " RETURNING ref",
        ref,
        since_ms,
    )
    return bool(done)


async def give_again(tx: Tx, ref: bytes) -> bool:
    """Keep that a subject gave consent again; False when it had not withdrawn it."""
    return bool(await tx.fetch("DELETE FROM consent_withdrawn WHERE ref = $1 RETURNING ref", ref))
