"""append: entries into the node's ledger, one by one and in groups, against a bare INSERT of the same bytes."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from edge.actions.node import Node, close_node, open_node
from edge.store.cipher import Connection
from edge.store.draft import Draft
from tests.bench import store
from tests.bench.accesses import accesses
from tests.bench.figures import Figure, Outcome, at_least, at_most, floor, seen
from tests.bench.sizes import Size
from tests.bench.stage import Stage
from tests.bench.timing import percentile, took

GROUPS = (1, 20, 1000)
DRAFTS = 20_000
COMMITS_MIN = 9
SHARE = 0.6
FLAT = 1.3
COLUMNS = "idx, kind, hlc_ms, leaf, leaf_hash, salt, detail"
Rows = list[tuple[Any, ...]]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Median milliseconds of one commit of a group: ours, and beside it the bare one, without and with our index."""

    ours_ms: float
    bare_ms: float
    indexed_ms: float


def run(stage: Stage, size: Size) -> Outcome:
    """Measure on an empty ledger, fill it, measure again; each commit has a bare one beside it, in the same noise."""
    folder = stage.folder / "append"
    folder.mkdir()
    empty, full = asyncio.run(_both(folder, size))
    figures: dict[str, Figure] = {}
    for words, pairs in (("0", empty), (f"{size.ledger:,}", full)):
        for group, pair in pairs.items():
            place = f"by {group:,}, at {words} entries"
            figures[f"entries a second, {place}"] = seen(group * 1000 / pair.ours_ms, "entries/s")
            figures[f"share of the floor, {place}"] = at_least(pair.bare_ms / pair.ours_ms, "×", SHARE)
    grown = (full[1].ours_ms / full[1].bare_ms) / (empty[1].ours_ms / empty[1].bare_ms)
    figures["cost of one over its floor, full against empty"] = at_most(grown, "×", FLAT)
    floors = {
        f"bare INSERT, by {group:,}": floor(group * 1000 / pair.bare_ms, "rows/s")
        for group, pair in full.items()
    } | {
        f"bare INSERT with the ledger's index by time, by {group:,}": floor(
            group * 1000 / pair.indexed_ms, "rows/s"
        )
        for group, pair in full.items()
    }
    return Outcome(figures=figures, floors=floors, bound_by=_bound(full))


def _bound(pairs: dict[int, Pair]) -> str:
    one, many = pairs[1], pairs[1000]
    durable = min(1.0, one.bare_ms / one.ours_ms)
    return (
        f"one by one: {durable:.0%} is the durable commit itself, the rest two more pages (index by time, head) and the hop"
        f" to the writer; by 1,000: {many.ours_ms:.0f} µs an entry, of them {many.bare_ms:.0f} the bare INSERT,"
        f" {max(0.0, many.indexed_ms - many.bare_ms):.0f} the index by time (day close, trail), the rest Python:"
        " encoding, hashes, codes"
    )


async def _both(folder: Path, size: Size) -> tuple[dict[int, Pair], dict[int, Pair]]:
    data, drafts = folder / "node", list(accesses(1, DRAFTS))
    bare, indexed = _bare_table(folder / "bare.db"), _bare_table(folder / "indexed.db")
    indexed.execute("CREATE INDEX entry_when ON entry (hlc_ms, kind)")
    await close_node(await store.enrolled(data))
    try:
        empty = await _measure(data, bare, indexed, drafts, size.commits)
        store.lengthen(data, size.ledger)
        full = await _measure(data, bare, indexed, drafts, size.commits)
    finally:
        bare.close()
        indexed.close()
    return empty, full


def _bare_table(path: Path) -> Connection:
    """The ledger's table alone, in a file of its own."""
    made = store.bare(path)
    made.execute(
        "CREATE TABLE entry (idx INTEGER PRIMARY KEY, kind INTEGER NOT NULL, hlc_ms INTEGER NOT NULL,"
        " leaf BLOB NOT NULL, leaf_hash BLOB NOT NULL, salt BLOB NOT NULL, detail BLOB)"
    )
    return made


async def _measure(
    data: Path, bare: Connection, indexed: Connection, drafts: Sequence[Draft], commits: int
) -> dict[int, Pair]:
    node, found = await open_node(data, store.SETTINGS), {}
    for group in GROUPS:
        ours_ms: list[float] = []
        bare_ms: list[float] = []
        indexed_ms: list[float] = []
        for _ in range(max(COMMITS_MIN, commits // min(group, 20))):
            before = await _size(node)
            ours_ms.append(await _commit_ms(node, drafts, before, group))
            rows = await _rows(node, before)
            bare_ms.append(_bare_ms(bare, rows))
            indexed_ms.append(_bare_ms(indexed, rows))
        found[group] = Pair(
            ours_ms=percentile(ours_ms, 50),
            bare_ms=percentile(bare_ms, 50),
            indexed_ms=percentile(indexed_ms, 50),
        )
    await close_node(node)
    return found


async def _commit_ms(node: Node, drafts: Sequence[Draft], size: int, group: int) -> float:
    at = size % max(1, len(drafts) - group)
    with took() as one:
        await store.append(node, drafts[at : at + group])
    return one.seconds * 1000


async def _size(node: Node) -> int:
    return await node.store.read(lambda db: int(db.query("SELECT size FROM ledger_head")[0][0]))


async def _rows(node: Node, since: int) -> Rows:
    """The rows our own commits have just written."""
    return await node.store.read(lambda db: db.query(f"SELECT {COLUMNS} FROM entry WHERE idx >= ?", (since,)))


def _bare_ms(bare: Connection, rows: Rows) -> float:
    with took() as one:
        bare.execute("BEGIN IMMEDIATE")
        for row in rows:
            bare.execute(f"INSERT INTO entry ({COLUMNS}) VALUES (?,?,?,?,?,?,?)", row)
        bare.execute("COMMIT")
    return one.seconds * 1000
