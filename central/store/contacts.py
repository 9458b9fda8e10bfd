"""What passes between the centre and one node: contacts, leases, the ordered mailbox."""

from typing import Any

import msgspec

from central.store.database import Tx


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange. `pending`: what the node said still waited after it; `needs`: version held by scope.

    `told_ms`: up to when it tells of the node's work; 0 where the node's own clock was not to be trusted.
    `centre_seen`: our own checkpoint with the node's signature under it: what the node can hold us to.
    `centre_sent`: the size of our ledger in the reply.
    """

    origin: str
    at_ms: int
    batch_id: bytes
    carrier: str
    entries: int
    bytes_up: int
    pending: int | None
    statistics: dict[str, int]
    needs: dict[str, int]
    told_ms: int = 0
    centre_seen: bytes = b""
    centre_sent: int = 0


class LeaseKept(msgspec.Struct, frozen=True, kw_only=True):
    """A lease given to a node, with its signed bytes; `opened` and `ended` once the node's ledger says so."""

    origin: str
    lease_id: str
    capability: str
    scope: str
    not_before_ms: int
    not_after_ms: int
    signed: bytes
    opened: bool = False
    ended: bool = False


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A letter in a node's mailbox; `body_sealed` opens with the centre's storage key."""

    number: int
    kind: str
    body_sealed: bytes
    created_ms: int


async def add_contact(tx: Tx, contact: Contact) -> None:
    """Note an exchange; a batch seen before is no new contact."""
    await tx.execute(
        "INSERT INTO contact (origin, at_ms, batch_id, carrier, entries, bytes_up, pending, statistics,"
        " needs, centre_seen, centre_sent, told_ms)"
        " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 WHERE NOT EXISTS"
        " (SELECT 1 FROM contact WHERE origin = $1 AND batch_id = $3)",
        contact.origin,
        contact.at_ms,
        contact.batch_id,
        contact.carrier,
        contact.entries,
        contact.bytes_up,
        contact.pending,
        msgspec.json.encode(contact.statistics).decode(),
        msgspec.json.encode(contact.needs).decode(),
        contact.centre_seen,
        contact.centre_sent,
        contact.told_ms,
    )
    query = "UPDATE contact SET centre_sent = $3 WHERE origin = $1 AND batch_id = $2 AND centre_sent < $3"
    await tx.execute(query, contact.origin, contact.batch_id, contact.centre_sent)


async def contacts(tx: Tx, origin: str, since_ms: int, limit: int = 2000) -> list[Contact]:
    """Exchanges of one origin since then, newest first."""
    rows = await tx.fetch(
        "SELECT * FROM contact WHERE origin = $1 AND at_ms >= $2 ORDER BY at_ms DESC LIMIT $3",
        origin,
        since_ms,
        limit,
    )
    return [_contact(dict(row)) for row in rows]


async def centre_sizes(tx: Tx, origin: str, limit: int) -> list[int]:
    """The sizes of our own ledger this origin was told lately, newest first."""
    rows = await tx.fetch(
        "SELECT centre_sent FROM contact WHERE origin = $1 ORDER BY at_ms DESC LIMIT $2", origin, limit
    )
    return [row["centre_sent"] for row in rows]


async def last_contacts(tx: Tx) -> dict[str, Contact]:
    """The newest exchange of every origin."""
    rows = await tx.fetch(
        "SELECT c.* FROM identity i CROSS JOIN LATERAL (SELECT * FROM contact WHERE contact.origin = i.origin"
        " ORDER BY at_ms DESC, centre_sent DESC, length(centre_seen) DESC LIMIT 1) AS c"
    )
    return {row["origin"]: _contact(dict(row)) for row in rows}


async def hourly(tx: Tx, since_ms: int, hour_ms: int, origin: str = "") -> dict[str, dict[int, int]]:
    """What waited or came at most, by origin ("" means all) and hour counted from `since_ms`."""
    rows = await tx.fetch(
        "SELECT origin, (at_ms - $1) / $2 AS hour, max(greatest(entries, coalesce(pending, 0))) AS most"
        " FROM contact WHERE at_ms >= $1 AND ($3 = '' OR origin = $3) GROUP BY 1, 2",
        since_ms,
        hour_ms,
        origin,
    )
    found: dict[str, dict[int, int]] = {}
    for row in rows:
        found.setdefault(row["origin"], {})[row["hour"]] = row["most"]
    return found


async def forget_contacts(tx: Tx, before_ms: int) -> None:
    """Drop old contacts; the newest of each origin stays: it holds what that node signed back of us."""
    await tx.execute(
        "DELETE FROM contact AS old WHERE at_ms < $1 AND EXISTS"
        " (SELECT 1 FROM contact AS later WHERE later.origin = old.origin AND later.at_ms > old.at_ms)",
        before_ms,
    )


def _contact(row: dict[str, Any]) -> Contact:
    row["statistics"] = msgspec.json.decode(row["statistics"], type=dict[str, int])
    row["needs"] = msgspec.json.decode(row["needs"], type=dict[str, int])
    return Contact(**row)


async def add_leases(tx: Tx, leases: list[LeaseKept]) -> None:
    """Keep leases before they leave."""
    if leases:
        await tx.executemany(
            "INSERT INTO lease"
            " (origin, lease_id, capability, scope, not_before_ms, not_after_ms, signed, opened, ended)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            [msgspec.structs.astuple(lease) for lease in leases],
        )


async def leases_said(tx: Tx, origin: str, opened: list[str], ended: list[str]) -> None:
    """The node's ledger says that it opened these leases and ended those; of others' nothing is kept."""
    if opened or ended:
        await tx.execute(
            "UPDATE lease SET opened = opened OR lease_id = ANY ($2), ended = ended OR lease_id = ANY ($3)"
            " WHERE origin = $1 AND lease_id = ANY ($2::text[] || $3::text[])",
            origin,
            opened,
            ended,
        )


async def leases(tx: Tx, origin: str) -> list[LeaseKept]:
    """The newest lease of every capability and scope of an origin."""
    rows = await tx.fetch(
        "SELECT DISTINCT ON (capability, scope) * FROM lease WHERE origin = $1"
        " ORDER BY capability, scope, not_after_ms DESC",
        origin,
    )
    return [LeaseKept(**dict(row)) for row in rows]


async def spoken_before(tx: Tx, origin: str) -> int:
    """The counter of the last lease that was read over the phone to this origin, 0 before the first."""
    found = await tx.fetchval(
        "SELECT max(split_part(lease_id, '-', 2)::int) FROM lease"
        " WHERE origin = $1 AND lease_id LIKE 'spoken-%'",
        origin,
    )
    return int(found or 0)


async def lease_ends(tx: Tx, capability: str) -> dict[str, int]:
    """When the newest lease of a capability ends, by origin; the earliest where there are several scopes."""
    rows = await tx.fetch(
        "SELECT origin, min(not_after_ms) AS ends FROM (SELECT DISTINCT ON (origin, scope) origin,"
        " not_after_ms"
        " FROM lease WHERE capability = $1 ORDER BY origin, scope, not_after_ms DESC) AS newest GROUP BY"
        " origin",
        capability,
    )
    return {row["origin"]: row["ends"] for row in rows}


async def open_mailbox(tx: Tx, origin: str) -> None:
    """Make the mailbox of a new origin."""
    await tx.execute(
        "INSERT INTO mailbox (origin, last_number, seen_number) VALUES ($1, 0, 0)"
        " ON CONFLICT (origin) DO NOTHING",
        origin,
    )


async def newest_incarnation(tx: Tx, origin: str) -> str:
    """The newest origin of the node of `origin` (itself where it is unknown)."""
    newest = await tx.fetchval(
        "SELECT newer.origin FROM identity AS one JOIN identity AS newer ON newer.node = one.node"
        " WHERE one.origin = $1 ORDER BY newer.incarnation DESC LIMIT 1",
        origin,
    )
    return str(newest or origin)


async def reserve(tx: Tx, origin: str, many: int) -> int:
    """The first of `many` new letter numbers; the mailbox is locked until the transaction ends."""
    query = "UPDATE mailbox SET last_number = last_number + $2 WHERE origin = $1 RETURNING last_number"
    last: int = await tx.fetchval(query, origin, many)
    return last - many + 1


async def post(tx: Tx, origin: str, letters: list[Letter]) -> None:
    """Put letters into the mailbox; durable with the transaction."""
    await tx.executemany(
        "INSERT INTO directive (origin, number, kind, body_sealed, created_ms) VALUES ($1, $2, $3, $4, $5)",
        [(origin, *msgspec.structs.astuple(letter)) for letter in letters],
    )


async def renumber(tx: Tx, origin: str, floor: int) -> None:
    """The letters nobody said they obeyed are gone, and the next is numbered above `floor`."""
    await tx.execute(
        "DELETE FROM directive WHERE origin = $1"
        " AND number > (SELECT seen_number FROM mailbox WHERE origin = $1)",
        origin,
    )
    query = "UPDATE mailbox SET last_number = $2, seen_number = $2 WHERE origin = $1"
    await tx.execute(query, origin, floor)


async def seen(tx: Tx, origin: str, number: int) -> None:
    """The node has durably obeyed everything up to `number` (never lowered)."""
    await tx.execute(
        "UPDATE mailbox SET seen_number = $2 WHERE origin = $1 AND seen_number < $2 AND last_number >= $2",
        origin,
        number,
    )


async def letters(tx: Tx, origin: str, above: int, limit: int = 500) -> list[Letter]:
    """Letters with a higher number than `above`, in order."""
    rows = await tx.fetch(
        "SELECT number, kind, body_sealed, created_ms FROM directive WHERE origin = $1 AND number > $2"
        " ORDER BY number LIMIT $3",
        origin,
        above,
        limit,
    )
    return [Letter(**dict(row)) for row in rows]


class LetterPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a letter lies and since when."""

    origin: str
    node: str
    number: int
    created_ms: int


async def letters_of_kind(tx: Tx, kind: str) -> list[LetterPlace]:
    """The newest letter of a kind in every mailbox that holds one, newest first."""
    rows = await tx.fetch(
        "SELECT DISTINCT ON (d.origin) d.origin, i.node, d.number, d.created_ms FROM directive AS d"
        " JOIN identity AS i ON i.origin = d.origin WHERE d.kind = $1 ORDER BY d.origin, d.number DESC",
        kind,
    )
    return sorted((LetterPlace(**dict(row)) for row in rows), key=lambda one: -one.created_ms)


async def unseen(tx: Tx, origin: str, limit: int = 500) -> list[Letter]:
    """Letters the node has not said it obeyed, in order."""
    number = await tx.fetchval("SELECT seen_number FROM mailbox WHERE origin = $1", origin)
    return await letters(tx, origin, number or 0, limit)
