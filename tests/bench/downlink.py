"""downlink: a county's pack fetched, opened, sealed again and applied; then a delta of changed rows."""

import asyncio
import csv
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from edge.actions.node import close_node, open_node
from edge.settings import load
from edge.store.cache import look_up
from edge.store.reader import Reading
from sync.ids import subject_ref
from tests.bench import store
from tests.bench.figures import Outcome, at_least, at_most, floor, seen
from tests.bench.sizes import Size
from tests.bench.stage import Exchanged, Stage
from tests.bench.timing import took
from tests.story.outside import node_connection
from tests.story.world import Place

RECORDS_A_S = 60_000
DELTA_S = 1.0
LONGEST_WAIT_MS = 100.0
DELTA_SHARE = 2.0
LEVEL = 12
CHINA = timezone(timedelta(hours=8))
CACHE = "SELECT shelf, ref, digest, sealed, open_part FROM subject_cache"
ORDINARY = """
CREATE TABLE subject_cache (
  shelf INTEGER NOT NULL, ref BLOB NOT NULL, digest BLOB NOT NULL, sealed BLOB, open_part BLOB, PRIMARY KEY (shelf, ref)
)
"""
Rows = list[tuple[Any, ...]]


def run(stage: Stage, size: Size) -> Outcome:
    """The hall's first exchange brings its county; a file of changed records brings the delta."""
    place = stage.hall
    first = stage.filled
    rows = _cached(place.data)
    held_bytes = (place.data / "node.db").stat().st_size
    bare_s = _upsert_s(stage.folder / "bare-cache.db", rows, ORDINARY)
    shaped_s = _upsert_s(stage.folder / "shaped-cache.db", rows, _shape(place.data))
    numbers = _change(stage, size.changed_rows)
    stage.world.central("publish")
    second = stage.exchange(place)
    changed_bytes = _compressed(place, numbers)
    return Outcome(
        figures={
            "subjects": seen(len(rows), "subjects"),
            "records": seen(_records(stage.file), "records"),
            "fetched, checked and applied": seen(first.seconds, "s"),
            "records a second, fetching included": at_least(
                _records(stage.file) / first.seconds, "records/s", RECORDS_A_S
            ),
            "bytes a subject on the wire": seen(first.wire_bytes / len(rows), "B"),
            "bytes a subject in the node's file": seen(held_bytes / len(rows), "B"),
            f"longest wait of an answer while {len(rows):,} subjects arrive": at_most(
                first.longest_wait_ms, "ms", LONGEST_WAIT_MS
            ),
            "time over floor": seen(first.seconds / bare_s, "×"),
            f"delta of {len(numbers):,} changed subjects": at_most(second.seconds, "s", DELTA_S),
            "delta on the wire over the changed rows compressed": at_most(
                second.wire_bytes / changed_bytes, "×", DELTA_SHARE
            ),
        },
        floors={
            "executemany upsert of the same sealed rows, ordinary table": floor(len(rows) / bare_s, "rows/s"),
            "the same rows without their database": floor(sum(map(_row_bytes, rows)) / len(rows), "B"),
        },
        bound_by=_bound(first, shaped_s, bare_s),
    )


def _records(file: Path) -> int:
    with file.open(encoding="utf-8", newline="") as lines:
        return sum(row["row"] == "record" for row in csv.DictReader(lines))


def _bound(done: Exchanged, shaped_s: float, bare_s: float) -> str:
    """Two threads share the work; what the writing of the rows takes alone is measured apart."""
    return (
        "opening, pressing, two seals a subject and digests in one thread, writing the rows beside it in another: the node"
        f" keeps {done.node_cpu_s / done.seconds:.1f} of the two cores busy; the same rows alone, one by one into the node's"
        f" table, take {shaped_s:.1f} s ({bare_s:.1f} s into an ordinary one)"
    )


def _shape(data: Path) -> str:
    """The table and its indexes as the node's own migration makes them."""
    connection = node_connection(data)
    try:
        found = connection.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'subject_cache' AND sql IS NOT NULL"
        )
        return ";".join(row[0] for row in found.fetchall())
    finally:
        connection.close()


def _row_bytes(row: tuple[Any, ...]) -> int:
    return sum(len(part) for part in row if isinstance(part, bytes))


def _cached(data: Path) -> Rows:
    connection = node_connection(data)
    try:
        return list(connection.execute(CACHE).fetchall())
    finally:
        connection.close()


def _upsert_s(path: Path, rows: Rows, tables: str) -> float:
    """Seconds to put the same rows into an empty SQLCipher database, one commit."""
    bare = store.bare(path)
    try:
        bare.executescript(tables)
        with took() as whole:
            bare.execute("BEGIN IMMEDIATE")
            bare.executemany("INSERT OR REPLACE INTO subject_cache VALUES (?,?,?,?,?)", rows)
            bare.execute("COMMIT")
    finally:
        bare.close()
    return whole.seconds


def _change(stage: Stage, count: int) -> list[str]:
    """Import `count` records that came under objection just now, each of another subject; the subjects' numbers."""
    now = datetime.now(CHINA).isoformat(timespec="seconds")
    changed: dict[str, dict[str, str]] = {}
    with stage.file.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines)
        for row in rows:
            if row["row"] == "record" and row["status"] == "valid" and len(changed) < count:
                changed.setdefault(row["number"], row | {"status": "objection", "as_of": now})
        header = list(rows.fieldnames or ())
    path = stage.world.folder / "changed.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(changed.values())
    done = stage.world.central("records", "import", str(path))
    assert done["stored"] == len(changed), done
    return list(changed)


def _compressed(place: Place, numbers: list[str]) -> int:
    """Bytes of the changed subjects as the node now holds them, opened, as one zstd stream."""
    return asyncio.run(_opened(place, numbers))


async def _opened(place: Place, numbers: list[str]) -> int:
    node = await open_node(place.data, load(place.data))

    def blobs(db: Reading) -> bytes:
        refs = [subject_ref(node.identity.subject_key, number) for number in numbers]
        found = [look_up(db, node.store.keyring, ref, public_only=False) for ref in refs]
        assert all(found), "a changed subject is not in the cache"
        return b"".join(msgspec.json.encode(one[0]) for one in found if one)

    try:
        return len(zstandard.compress(await node.store.read(blobs), LEVEL))
    finally:
        await close_node(node)
