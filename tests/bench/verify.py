"""verify: the node's fsck over a ledger from disk, against hashlib over the same bytes."""

import asyncio
import hashlib
from pathlib import Path

import msgspec

from edge.actions import check, checkpoint
from edge.actions.node import close_node, open_node
from edge.store import cipher, slots
from edge.store.cipher import Connection
from edge.store.store import FILE
from sync.ledger.judge import StoredRow, fsck
from sync.ledger.tree import MemoryTiles, append
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
PART = 100_000


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of the parts of a check, each alone: `pages` of the whole file, the others of so many entries."""

    entries: int
    pages: float
    reading: float
    judging: float
    hashing: float


def run(stage: Stage, size: Size) -> Outcome:
    """The whole check as `edge check` does it, and its parts one by one."""
    data = stage.folder / "verify"
    entries = _ledger(data, size.ledger)
    whole_s = best_of(TIMES, lambda: _checked(data, entries))
    connection = node_connection(data)
    try:
        parts = _parts(data, connection)
    finally:
        connection.close()
    each_us = {
        "page check": 1e6 * parts.pages / entries,
        "reading": 1e6 * parts.reading / parts.entries,
        "judge": 1e6 * parts.judging / parts.entries,
    }
    ledger_s = parts.reading + parts.judging
    return Outcome(
        figures={
            "entries": seen(entries, "entries"),
            "entries a second, whole check from disk": at_least(entries / whole_s, "entries/s", ENTRIES_A_S),
            "entries a second, ledger without page check": seen(parts.entries / ledger_s, "entries/s"),
            "entries a second, judge alone": seen(parts.entries / parts.judging, "entries/s"),
            "time over floor": seen(whole_s / entries / (parts.hashing / parts.entries), "×"),
            "page check (every page's HMAC, quick_check)": seen(parts.pages, "s"),
        },
        floors={
            "hashlib over the same leaves and details": floor(parts.entries / parts.hashing, "entries/s"),
            "reading the same rows out of SQLCipher": floor(parts.entries / parts.reading, "entries/s"),
        },
        bound_by=(
            "reading and judging, one thread, beside the page check on the other core; processor time an entry: "
            + ", ".join(f"{name} {one:.1f} µs" for name, one in each_us.items())
        ),
    )


def _ledger(data: Path, count: int) -> int:
    """A ledger with its checkpoints; entries in it."""
    asyncio.run(_begun(data, min(count // CHECKPOINTS, store.ACTS)))
    for checkpoint_at in range(count // CHECKPOINTS, count + 1, count // CHECKPOINTS):
        store.lengthen(data, checkpoint_at)
        size = asyncio.run(_signed(data))
    return size


async def _begun(data: Path, count: int) -> None:
    node = await store.enrolled(data)
    try:
        await store.fill(node, list(accesses(2, count)))
    finally:
        await close_node(node)


async def _signed(data: Path) -> int:
    node = await open_node(data, store.SETTINGS)
    try:
        return await checkpoint.sign(node)
    finally:
        await close_node(node)


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
            " FROM entry ORDER BY idx LIMIT ?",
            (PART,),
        ).fetchall()
    signed: list[tuple[int, bytes]] = connection.execute(
        "SELECT size, root FROM checkpoint WHERE size <= ? ORDER BY size", (len(rows),)
    ).fetchall()
    tiles = MemoryTiles()
    tiles.update(append(tiles, 0, [leaf_hash for _, _, leaf_hash, _, _ in rows])[1])
    return Parts(
        entries=len(rows),
        pages=pages.seconds,
        reading=reading.seconds,
        judging=best_of(TIMES, lambda: _judged(rows, tiles, signed)),
        hashing=best_of(TIMES, lambda: _hashed(rows)),
    )


def _judged(rows: list[StoredRow], tiles: MemoryTiles, signed: list[tuple[int, bytes]]) -> None:
    assert fsck(rows, tiles, signed).broken_at is None


def _hashed(rows: list[StoredRow]) -> None:
    """SHA-256 of every leaf, and of every detail with its salt: what nobody can leave out."""
    for _, leaf, _, salt, detail in rows:
        hashlib.sha256(b"\x00" + leaf).digest()
        hashlib.sha256(salt + (detail or b"")).digest()
