"""append: entries into the node's ledger, one by one and in groups, against a bare INSERT of the same bytes."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from edge.actions.node import Node, close_node, open_node
from edge.store.cipher import Connection
from edge.store.draft import Draft
from edge.store.ledger import DatabaseTiles, size_and_root
from edge.store.store import FILE
from sync.ledger import tree
from tests.bench import store
from tests.bench.accesses import accesses
from tests.bench.figures import Figure, Outcome, at_least, at_most, floor, seen
from tests.bench.sizes import Size
from tests.bench.stage import Stage
from tests.bench.timing import forget_pages, percentile, took
from tests.story.outside import node_connection

GROUPS = (1, 20, 1000)
DRAFTS = 20_000
COMMITS_MIN = 9
SHARE = 0.6
FLAT = 1.3
COLD = 15
COLUMNS = "idx, kind, hlc_ms, leaf, leaf_hash, salt, detail"
Rows = list[tuple[Any, ...]]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Median milliseconds of one commit of a group: ours, and beside it the bare one."""

    ours_ms: float
    bare_ms: float


class Stand(msgspec.Struct, frozen=True, kw_only=True):
    """One size of the ledger: commits by group, and what a reader with nothing in memory takes."""

    entries: int
    pairs: dict[int, Pair]
    root_ms: float
    proof_ms: float


def run(stage: Stage, size: Size) -> Outcome:
    """Measure on an empty ledger, lengthen it, measure again; each commit has a bare one beside it, in the same noise."""
    folder = stage.folder / "append"
    folder.mkdir()
    stands = asyncio.run(_stands(folder, [0, size.ledger, *([size.far] if size.far else [])], size.commits))
    figures: dict[str, Figure] = {}
    for stand in stands:
        for group, pair in stand.pairs.items():
            place = f"by {group:,}, at {stand.entries:,} entries"
            figures[f"entries a second, {place}"] = seen(group * 1000 / pair.ours_ms, "entries/s")
            figures[f"share of the floor, {place}"] = at_least(pair.bare_ms / pair.ours_ms, "×", SHARE)
    full = stands[-1]
    grown = _over_floor(full) / _over_floor(stands[0])
    figures["cost of one over its floor, full against empty"] = at_most(grown, "×", FLAT)
    place = f"of {full.entries:,} entries, file not in memory"
    figures[f"root {place}"] = seen(full.root_ms, "ms")
    figures[f"inclusion proof of any entry {place}, p50"] = seen(full.proof_ms, "ms")
    floors = {
        f"bare INSERT, by {group:,}": floor(group * 1000 / pair.bare_ms, "rows/s")
        for group, pair in full.pairs.items()
    }
    return Outcome(figures=figures, floors=floors, bound_by=_bound(full.pairs))


def _over_floor(stand: Stand) -> float:
    return stand.pairs[1].ours_ms / stand.pairs[1].bare_ms


def _bound(pairs: dict[int, Pair]) -> str:
    one, many = pairs[1], pairs[1000]
    durable = min(1.0, one.bare_ms / one.ours_ms)
    return (
        f"one by one: {durable:.0%} is the durable commit itself, the rest a second page (head) and the hop"
        f" to the writer; by 1,000: {many.ours_ms:.0f} µs an entry, of them {many.bare_ms:.0f} the bare INSERT,"
        " the rest Python: encoding, hashes, codes"
    )


async def _stands(folder: Path, counts: Sequence[int], commits: int) -> list[Stand]:
    """The ledger of one node at these sizes, ascending."""
    data, drafts, found = folder / "node", list(accesses(1, DRAFTS)), []
    await close_node(await store.enrolled(data))
    with contextlib.closing(_bare_table(folder / "bare.db")) as bare:
        for count in counts:
            if count:
                store.lengthen(data, count)
            root_ms, proof_ms = _cold_ms(data)
            pairs = await _measure(data, bare, drafts, commits)
            found.append(Stand(entries=count, pairs=pairs, root_ms=root_ms, proof_ms=proof_ms))
    return found


def _cold_ms(data: Path) -> tuple[float, float]:
    """Medians of the root, and of an inclusion proof of any entry, nothing of the file in memory."""
    chance = random.Random(1)

    def proof(connection: Connection) -> None:
        (size,) = connection.execute("SELECT size FROM ledger_head").fetchone()
        tree.inclusion(DatabaseTiles(connection), chance.randrange(size), size)

    roots = [_alone_ms(data, size_and_root) for _ in range(COLD)]
    return percentile(roots, 50), percentile([_alone_ms(data, proof) for _ in range(COLD)], 50)


def _alone_ms(data: Path, work: Callable[[Connection], object]) -> float:
    """How long it takes on a connection of its own; opening that is not counted."""
    forget_pages(data / FILE)
    with contextlib.closing(node_connection(data)) as connection, took() as one:
        work(connection)
    return one.seconds * 1000


def _bare_table(path: Path) -> Connection:
    """The ledger's table alone, in a file of its own."""
    made = store.bare(path)
    made.execute(
        "CREATE TABLE entry (idx INTEGER PRIMARY KEY, kind INTEGER NOT NULL, hlc_ms INTEGER NOT NULL,"
        " leaf BLOB NOT NULL, leaf_hash BLOB NOT NULL, salt BLOB NOT NULL, detail BLOB)"
    )
    return made


async def _measure(data: Path, bare: Connection, drafts: Sequence[Draft], commits: int) -> dict[int, Pair]:
    node, found = await open_node(data, store.SETTINGS), {}
    for group in GROUPS:
        ours_ms: list[float] = []
        bare_ms: list[float] = []
        for _ in range(max(COMMITS_MIN, commits // min(group, 20))):
            before = await _size(node)
            ours_ms.append(await _commit_ms(node, drafts, before, group))
            bare_ms.append(_bare_ms(bare, await _rows(node, before)))
        found[group] = Pair(ours_ms=percentile(ours_ms, 50), bare_ms=percentile(bare_ms, 50))
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
