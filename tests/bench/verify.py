"""verify: the node's fsck over a ledger from disk, against hashlib over the same bytes."""

import asyncio
import hashlib
from pathlib import Path

import msgspec

from edge.actions import check, checkpoint
from edge.actions.node import close_node
from edge.store import cipher, slots
from edge.store.cipher import Connection
from edge.store.ledger import DatabaseTiles
from edge.store.store import FILE
from sync.ledger.judge import StoredRow, fsck
from sync.ledger.tree import TILE_WIDTH, MemoryTiles
from tests.bench import store
from tests.bench.accesses import accesses
from tests.bench.figures import Outcome, at_least, floor, seen
from tests.bench.sizes import Size
from tests.bench.stage import Stage
from tests.bench.timing import best_of, took
from tests.story.outside import node_connection

ENTRIES_A_S = 150_000
CHECKPOINTS = 10
TIMES = 3


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of the parts of a check, each alone."""

    pages: float
    reading: float
    judging: float
    hashing: float


def run(stage: Stage, size: Size) -> Outcome:
    """The whole check as `edge check` does it, and its parts one by one."""
    data = stage.folder / "verify"
    entries = asyncio.run(_ledger(data, size.ledger))
    whole_s = best_of(TIMES, lambda: _checked(data, entries))
    connection = node_connection(data)
    try:
        parts = _parts(data, connection)
    finally:
        connection.close()
    named = {"the page check": parts.pages, "reading rows": parts.reading, "the judge": parts.judging}
    worst = max(named, key=lambda name: named[name])
    ledger_s = parts.reading + parts.judging
    return Outcome(
        figures={
            "entries": seen(entries, "entries"),
            "entries a second, whole check from disk": at_least(entries / whole_s, "entries/s", ENTRIES_A_S),
            "entries a second, ledger without page check": seen(entries / ledger_s, "entries/s"),
            "entries a second, judge alone": seen(entries / parts.judging, "entries/s"),
            "time over floor": seen(whole_s / parts.hashing, "×"),
            "page check (every page's HMAC, quick_check)": seen(parts.pages, "s"),
        },
        floors={
            "hashlib over the same leaves and details": floor(entries / parts.hashing, "entries/s"),
            "reading the same rows out of SQLCipher": floor(entries / parts.reading, "entries/s"),
        },
        bound_by=f"{worst}, {named[worst] / sum(named.values()):.0%} of the parts' sum",
    )


async def _ledger(data: Path, count: int) -> int:
    """A ledger with its checkpoints; entries in it."""
    node = await store.enrolled(data)
    try:
        drafts = list(accesses(2, count))
        step = count // CHECKPOINTS
        for first in range(0, count, step):
            await store.fill(node, drafts[first : first + step])
            size = await checkpoint.sign(node)
    finally:
        await close_node(node)
    return size


def _checked(data: Path, entries: int) -> None:
    found = asyncio.run(check.check(data, store.SETTINGS))
    assert found.store == "ok", found.reason
    assert found.broken_at is None, found.reason
    assert found.entries == entries


def _parts(data: Path, connection: Connection) -> Parts:
    with took() as pages:
        assert cipher.integrity_faults(data / FILE, slots.unlock(data)) == []
    with took() as reading:
        rows: list[StoredRow] = connection.execute(
            "SELECT idx, CAST(leaf AS BLOB), CAST(leaf_hash AS BLOB), CAST(salt AS BLOB), CAST(detail AS BLOB)"
            " FROM entry ORDER BY idx"
        ).fetchall()
    signed: list[tuple[int, bytes]] = connection.execute(
        "SELECT size, root FROM checkpoint ORDER BY size"
    ).fetchall()
    held = DatabaseTiles(connection)
    tiles = MemoryTiles({(level, at): held.get(level, at) for level, at in _tiles(connection)})
    return Parts(
        pages=pages.seconds,
        reading=reading.seconds,
        judging=best_of(TIMES, lambda: _judged(rows, tiles, signed)),
        hashing=best_of(TIMES, lambda: _hashed(rows)),
    )


def _tiles(connection: Connection) -> list[tuple[int, int]]:
    """Every tile's place; the last of the lowest may have its hashes in the head only."""
    (size,) = connection.execute("SELECT size FROM ledger_head").fetchone()
    return [*connection.execute("SELECT level, idx FROM tile").fetchall(), (0, size // TILE_WIDTH)]


def _judged(rows: list[StoredRow], tiles: MemoryTiles, signed: list[tuple[int, bytes]]) -> None:
    assert fsck(rows, tiles, signed).broken_at is None


def _hashed(rows: list[StoredRow]) -> None:
    """SHA-256 of every leaf, and of every detail with its salt: what nobody can leave out."""
    for _, leaf, _, salt, detail in rows:
        hashlib.sha256(b"\x00" + leaf).digest()
        hashlib.sha256(salt + (detail or b"")).digest()
