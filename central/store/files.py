"""Report files in chunks, as rows; the sealed chunks themselves lie in DATA/files."""

import msgspec

from central.store.database import Tx


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was whole once; `lost` when it was not what it was at the last look."""

    origin: str
    digest: bytes
    size: int
    lost: bool


class Lacking(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a paper's entry names and we do not hold whole; `have` are the chunks we hold."""

    origin: str
    digest: bytes
    serial: str
    have: tuple[int, ...]


async def lacking(tx: Tx, node: str, kinds: list[int], limit: int, skip: int = 0) -> list[Lacking]:
    """The files of a node's printed sheets ("" of all nodes) we lack, oldest first."""
    rows = await tx.fetch(
        "SELECT p.origin, p.file_digest AS digest, min(p.serial) AS serial, min(p.occurred_ms) AS at,"
        " ARRAY(SELECT number FROM file_chunk AS c WHERE c.origin = p.origin AND c.digest = p.file_digest"
        " ORDER BY number) AS have"
        " FROM paper AS p JOIN identity AS i ON i.origin = p.origin"
        " WHERE ($1 = '' OR i.node = $1) AND p.kind = ANY ($2::int[]) AND length(p.file_digest) = 32"
        " AND NOT EXISTS (SELECT 1 FROM file_whole AS w"
        " WHERE w.digest = p.file_digest AND w.origin = p.origin AND NOT EXISTS"
        " (SELECT 1 FROM file_lost AS l WHERE l.digest = w.digest AND l.origin = w.origin))"
        " GROUP BY p.origin, p.file_digest ORDER BY at, digest LIMIT $3 OFFSET $4",
        node,
        kinds,
        limit,
        skip,
    )
    return [
        Lacking(origin=row["origin"], digest=row["digest"], serial=row["serial"], have=tuple(row["have"]))
        for row in rows
    ]


async def place(tx: Tx, node: str, digest: bytes) -> str | None:
    """The origin whose paper names this digest, of any incarnation of the node; None when none does."""
    origin: str | None = await tx.fetchval(
        "SELECT p.origin FROM paper AS p JOIN identity AS i ON i.origin = p.origin"
        " WHERE i.node = $1 AND p.file_digest = $2 ORDER BY i.incarnation DESC LIMIT 1",
        node,
        digest,
    )
    return origin


async def add_chunk(tx: Tx, origin: str, digest: bytes, number: int, size: int, now_ms: int) -> None:
    """Note a chunk that is durable on disk."""
    await tx.execute(
        "INSERT INTO file_chunk (origin, digest, number, size, stored_ms) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (origin, digest, number) DO NOTHING",
        origin,
        digest,
        number,
        size,
        now_ms,
    )


async def chunks(tx: Tx, origin: str, digest: bytes) -> list[int]:
    """The numbers of the chunks we hold."""
    query = "SELECT number FROM file_chunk WHERE origin = $1 AND digest = $2 ORDER BY number"
    return [row["number"] for row in await tx.fetch(query, origin, digest)]


async def forget_chunks(tx: Tx, origin: str, digest: bytes) -> None:
    """Begin a file again from nothing."""
    await tx.execute("DELETE FROM file_chunk WHERE origin = $1 AND digest = $2", origin, digest)


async def add_whole(tx: Tx, origin: str, digest: bytes, serial: str, size: int, now_ms: int) -> None:
    """Note that a file is whole and has the digest its entry names, now or again."""
    await regain(tx, origin, digest)
    await tx.execute(
        "INSERT INTO file_whole (origin, digest, serial, size, whole_ms) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (origin, digest) DO NOTHING",
        origin,
        digest,
        serial,
        size,
        now_ms,
    )


_WHOLE = (
    "SELECT origin, digest, size, EXISTS (SELECT 1 FROM file_lost AS l WHERE l.origin = w.origin"
    " AND l.digest = w.digest) AS lost FROM file_whole AS w"
)


async def whole(tx: Tx, origin: str, digest: bytes) -> Whole | None:
    """A file that was whole once, None while it was not."""
    row = await tx.fetchrow(f"{_WHOLE} WHERE origin = $1 AND digest = $2", origin, digest)
    return Whole(**dict(row)) if row else None


async def wholes(tx: Tx, part: int, parts: int, after: tuple[str, bytes], limit: int) -> list[Whole]:
    """Files that were whole once behind `after`, by origin and digest; one of `parts` by the digest."""
    rows = await tx.fetch(
        f"{_WHOLE} WHERE (origin, digest) > ($1, $2) AND get_byte(digest, 0) % $4 = $3"
        " ORDER BY origin, digest LIMIT $5",
        *after,
        part,
        parts,
        limit,
    )
    return [Whole(**dict(row)) for row in rows]


async def lose(tx: Tx, origin: str, digest: bytes, now_ms: int) -> None:
    """Note that a whole file is not what it was, and begin it again from nothing."""
    await tx.execute(
        "INSERT INTO file_lost (origin, digest, noticed_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        origin,
        digest,
        now_ms,
    )
    await forget_chunks(tx, origin, digest)


async def regain(tx: Tx, origin: str, digest: bytes) -> None:
    """Note that a lost file is what it was again."""
    await tx.execute("DELETE FROM file_lost WHERE origin = $1 AND digest = $2", origin, digest)
