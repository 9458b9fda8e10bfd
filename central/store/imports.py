"""Import runs: how far a file has come, and the lines that were not taken."""

from collections.abc import Sequence

import msgspec

from central.store.database import Tx


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A file's import by its digest; `lines_done` is the last line committed."""

    file_digest: bytes
    file_name: str
    lines_done: int
    stored: int
    rejected: int
    started_ms: int
    finished_ms: int | None
    read: int


async def begin(tx: Tx, digest: bytes, name: str, now_ms: int) -> Run:
    """The run of that file, new or as far as it came before."""
    await tx.execute(
        "INSERT INTO import_run (file_digest, file_name, lines_done, stored, rejected, started_ms, read)"
        " VALUES ($1, $2, 0, 0, 0, $3, 0) ON CONFLICT (file_digest) DO NOTHING",
        digest,
        name,
        now_ms,
    )
    row = await tx.fetchrow("SELECT * FROM import_run WHERE file_digest = $1", digest)
    assert row is not None
    return Run(**dict(row))


async def advance(tx: Tx, run: Run, rejects: Sequence[tuple[int, str]]) -> None:
    """Note how far the run came and which lines were not taken; commits with the rows themselves."""
    await tx.execute(
        "UPDATE import_run SET lines_done = $2, stored = $3, rejected = $4, read = $5 WHERE file_digest = $1",
        run.file_digest,
        run.lines_done,
        run.stored,
        run.rejected,
        run.read,
    )
    await tx.executemany(
        "INSERT INTO import_reject (file_digest, line, reason) VALUES ($1, $2, $3)"
        " ON CONFLICT (file_digest, line) DO NOTHING",
        [(run.file_digest, line, reason) for line, reason in rejects],
    )


async def finish(tx: Tx, digest: bytes, now_ms: int) -> None:
    """The whole file was read."""
    await tx.execute(
        "UPDATE import_run SET finished_ms = $2 WHERE file_digest = $1 AND finished_ms IS NULL",
        digest,
        now_ms,
    )


async def rejects(tx: Tx, digest: bytes, limit: int) -> list[tuple[int, str]]:
    """Lines not taken and why, in order."""
    query = "SELECT line, reason FROM import_reject WHERE file_digest = $1 ORDER BY line LIMIT $2"
    return [(row["line"], row["reason"]) for row in await tx.fetch(query, digest, limit)]
