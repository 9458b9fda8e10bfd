"""Nodes, their identities and enrolment codes, as rows."""

import msgspec

from central.store.database import Tx


class NodeKept(msgspec.Struct, frozen=True, kw_only=True):
    """A node as it was created."""

    node: str
    name: str
    kind: str
    region: str
    route: tuple[str, ...]
    window_ms: int
    created_ms: int


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """One origin: its public keys and certificate. `revoked_ms` None while it is trusted."""

    origin: str
    node: str
    incarnation: int
    signing: bytes
    sealing: bytes
    certificate: bytes
    not_after_ms: int
    enrolled_ms: int
    revoked_ms: int | None = None
    revoked_reason: str = ""


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of an enrolment code.

    The code itself is not. `locator` is its first group, which is no secret.
    """

    node: str
    locator: str
    code_hash: bytes
    expires_ms: int
    attempts: int
    used_ms: int | None


async def add_node(tx: Tx, kept: NodeKept) -> bool:
    """Create a node; False when the id is taken."""
    return (
        await tx.fetchval(
            "INSERT INTO node (node, name, kind, region, route, window_ms, created_ms)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (node) DO NOTHING RETURNING node",
            *msgspec.structs.astuple(kept),
        )
        is not None
    )


async def node(tx: Tx, name: str) -> NodeKept | None:
    """The node of that id."""
    row = await tx.fetchrow("SELECT * FROM node WHERE node = $1", name)
    return _node(dict(row)) if row else None


async def nodes(tx: Tx) -> list[NodeKept]:
    """Every node, by id."""
    return [_node(dict(row)) for row in await tx.fetch("SELECT * FROM node ORDER BY node")]


def _node(row: dict[str, object]) -> NodeKept:
    return msgspec.convert({**row, "route": tuple(row["route"])}, NodeKept)  # type: ignore[arg-type] # text[] comes as a list


async def node_names(tx: Tx, prefix: str) -> list[str]:
    """Ids that begin with `prefix`."""
    rows = await tx.fetch("SELECT node FROM node WHERE starts_with(node, $1)", prefix)
    return [row["node"] for row in rows]


async def add_identity(tx: Tx, kept: Identity) -> None:
    """Keep a new origin."""
    await tx.execute(
        "INSERT INTO identity (origin, node, incarnation, signing, sealing, certificate, not_after_ms,"
        " enrolled_ms)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        *msgspec.structs.astuple(kept)[:8],
    )


async def identity(tx: Tx, origin: str) -> Identity | None:
    """The identity of an origin."""
    row = await tx.fetchrow("SELECT * FROM identity WHERE origin = $1", origin)
    return Identity(**dict(row)) if row else None


async def current(tx: Tx, name: str) -> Identity | None:
    """The newest incarnation of a node."""
    row = await tx.fetchrow("SELECT * FROM identity WHERE node = $1 ORDER BY incarnation DESC LIMIT 1", name)
    return Identity(**dict(row)) if row else None


async def current_identities(tx: Tx) -> list[Identity]:
    """The newest incarnation of every node, by node."""
    rows = await tx.fetch("SELECT DISTINCT ON (node) * FROM identity ORDER BY node, incarnation DESC")
    return [Identity(**dict(row)) for row in rows]


async def identities(tx: Tx) -> list[Identity]:
    """Every origin ever enrolled, oldest first."""
    rows = await tx.fetch("SELECT * FROM identity ORDER BY enrolled_ms, origin")
    return [Identity(**dict(row)) for row in rows]


async def renew(tx: Tx, origin: str, certificate: bytes, not_after_ms: int) -> None:
    """Keep a renewed certificate."""
    await tx.execute(
        "UPDATE identity SET certificate = $2, not_after_ms = $3 WHERE origin = $1",
        origin,
        certificate,
        not_after_ms,
    )


async def revoke(tx: Tx, name: str, reason: str, now_ms: int) -> list[str]:
    """Revoke every trusted origin of a node; the origins revoked now."""
    rows = await tx.fetch(
        "UPDATE identity SET revoked_ms = $3, revoked_reason = $2 WHERE node = $1 AND revoked_ms IS NULL"
        " RETURNING origin",
        name,
        reason,
        now_ms,
    )
    return [row["origin"] for row in rows]


async def add_code(tx: Tx, kept: Code) -> None:
    """Keep a new code; the node's older unused codes end."""
    await tx.execute("DELETE FROM enrolment WHERE node = $1 AND used_ms IS NULL", kept.node)
    await tx.execute(
        "INSERT INTO enrolment (node, locator, code_hash, expires_ms, attempts, used_ms)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        *msgspec.structs.astuple(kept),
    )


async def codes(tx: Tx, locator: str) -> list[Code]:
    """The codes with that locator (one, but for chance), locked until the transaction ends."""
    rows = await tx.fetch("SELECT * FROM enrolment WHERE locator = $1 ORDER BY node FOR UPDATE", locator)
    return [Code(**dict(row)) for row in rows]


async def miss_code(tx: Tx, kept: Code) -> None:
    """Count a wrong attempt at a code."""
    query = "UPDATE enrolment SET attempts = attempts + 1 WHERE locator = $1 AND node = $2"
    await tx.execute(query, kept.locator, kept.node)


async def use_code(tx: Tx, kept: Code, now_ms: int) -> None:
    """Mark a code used."""
    query = "UPDATE enrolment SET used_ms = $3 WHERE locator = $1 AND node = $2"
    await tx.execute(query, kept.locator, kept.node, now_ms)


async def open_code(tx: Tx, name: str, now_ms: int) -> bool:
    """Whether a node has a code that can still be used."""
    query = "SELECT 1 FROM enrolment WHERE node = $1 AND used_ms IS NULL AND expires_ms > $2"
    return await tx.fetchval(query, name, now_ms) is not None


async def fresh_nonce(tx: Tx, origin: str, nonce: str, now_ms: int) -> bool:
    """Whether this nonce is seen for the first time; it is kept."""
    return (
        await tx.fetchval(
            "INSERT INTO request_nonce (origin, nonce, seen_ms) VALUES ($1, $2, $3)"
            " ON CONFLICT (origin, nonce) DO NOTHING RETURNING nonce",
            origin,
            nonce,
            now_ms,
        )
        is not None
    )


async def forget_nonces(tx: Tx, before_ms: int) -> None:
    """Drop nonces older than the clock skew allows to be replayed."""
    await tx.execute("DELETE FROM request_nonce WHERE seen_ms < $1", before_ms)
