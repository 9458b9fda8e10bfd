"""The right edge of the stored tree: tiles 64 hashes at a time, the newest in the head's row, one tree for every reader."""

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge.actions.check import check
from edge.actions.node import Node
from edge.errors import Damaged, RolledBack
from edge.store import anchor, cipher, past
from edge.store.cipher import Connection, DatabaseKey
from edge.store.draft import Draft
from edge.store.ledger import EDGE, DatabaseTiles, Roots, StoredTiles, grow, size_and_root
from edge.store.migrate import migrate, steps
from edge.store.reader import Reading
from edge.store.transaction import Transaction
from sync.ledger import tree
from sync.ledger.proofs import EMPTY_ROOT, root_of
from tests.contract.edge.conftest import Opener, settings

MARK = Draft(kind="mark", outcome="test")
KEY = DatabaseKey(key=bytes(32), salt=bytes(range(16)))


def hashes(first: int, end: int) -> list[bytes]:
    return [hashlib.sha256(str(number).encode()).digest() for number in range(first, end)]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Connection]:
    with closing(cipher.connect(tmp_path / "edge.db", KEY, writer=True)) as connection:
        yield connection


def put(connection: Connection, first: int, end: int) -> None:
    """The rows of these entries, as far as a tree knows them."""
    rows = ((first + place, hashed) for place, hashed in enumerate(hashes(first, end)))
    connection.executemany("INSERT INTO entry VALUES (?1, 110, ?1, x'', ?2, x'', x'')", rows)


def keep(connection: Connection, first: int, end: int) -> None:
    """What a commit of the writer does to rows, tiles and head."""
    size, edge = connection.execute("SELECT size, edge FROM ledger_head").fetchone()
    assert size == first
    put(connection, first, end)
    left = grow(connection, first, edge, hashes(first, end))
    connection.execute("UPDATE ledger_head SET size = ?, edge = ?", (end, left))


def whole_tree_holds(connection: Connection, size: int) -> None:
    assert size_and_root(connection) == (size, root_of(hashes(0, size)))
    lowest = b"".join(DatabaseTiles(connection).get(0, index) for index in range(size // 256 + 1))
    assert lowest == b"".join(hashes(0, size)), "each tile is whole, and nothing stands twice"


@pytest.mark.parametrize("step", [1, 7, 63, 64, 65, 255, 256, 257, 700])
def test_the_tree_is_the_same_whatever_the_groups_were(database: Connection, step: int) -> None:
    migrate(database)
    roots = Roots()
    assert roots.at(database, 0, b"") == EMPTY_ROOT
    for first in range(0, 700, step):
        keep(database, first, min(700, first + step))
        if step > 1 or first % 31 == 0:
            whole_tree_holds(database, min(700, first + step))
        whole, edge = database.execute("SELECT size, edge FROM ledger_head").fetchone()
        assert roots.at(database, whole, edge) == root_of(hashes(0, whole)), "with what is kept in memory"
    assert Roots().at(database, whole, edge) == root_of(hashes(0, 700)), "and without"
    stored = [len(StoredTiles(database).get(0, index)) for index in range(3)]
    assert stored == [256 * 32, 256 * 32, (700 - 512) // EDGE * EDGE * 32]


@pytest.mark.parametrize("size", [0, 1, 63, 64, 100, 255, 256, 257, 320, 700])
def test_a_database_of_the_first_schema_is_brought_over_and_grows_on(database: Connection, size: int) -> None:
    database.executescript(f"{steps()[0][1]}\nPRAGMA user_version = 1;")
    _, tiles = tree.append(StoredTiles(database), 0, hashes(0, size))
    rows = [(level, index, tile) for (level, index), tile in tiles.items()]
    database.executemany("INSERT INTO tile VALUES (?,?,?)", rows)
    put(database, 0, size)
    database.execute("UPDATE ledger_head SET size = ?", (size,))
    assert migrate(database) == len(steps())
    whole_tree_holds(database, size)
    keep(database, size, size + 90)
    whole_tree_holds(database, size + 90)


async def test_what_is_undone_leaves_the_edge_as_it_was(node: Node) -> None:
    def fails(tx: Transaction) -> None:
        for _ in range(EDGE + 1):
            tx.append(MARK)
        raise RolledBack("on purpose")

    before = await node.store.read(_edge)
    with pytest.raises(RolledBack):
        await node.store.transact(fails)
    assert await node.store.read(_edge) == before, "alone in its group"
    done = await asyncio.gather(
        *(node.store.transact(work) for work in (_one, fails, _one)), return_exceptions=True
    )
    assert isinstance(done[1], RolledBack)
    size, root = await node.store.read(lambda db: size_and_root(db.connection))
    assert size == before[0] + 2
    assert root == await node.store.read(_root_of_rows), "the tree holds what stands in the rows, no more"


async def test_the_edge_is_whole_after_a_power_cut(node: Node, opener: Opener, tmp_path: Path) -> None:
    """The files as they are while the node lives are what a cut leaves: nothing is written at closing."""
    await asyncio.gather(*(node.store.transact(_one) for _ in range(EDGE + 3)))
    size, root = await node.store.read(lambda db: size_and_root(db.connection))
    kept = {path.name: path.read_bytes() for path in (tmp_path / "node").glob("node.db*")}
    await node.store.close()
    for name, content in kept.items():
        (tmp_path / "node" / name).write_bytes(content)
    again = await opener()
    assert await again.store.read(lambda db: size_and_root(db.connection)) == (size, root)
    await again.store.transact(_one)
    found = await check(tmp_path / "node", settings())
    assert (found.broken_at, found.entries) == (None, size + 1)


async def test_an_edge_that_is_not_the_rows_is_found_at_opening_and_by_check(
    node: Node, opener: Opener, tmp_path: Path
) -> None:
    size, edge = await node.store.read(_edge)
    assert size % EDGE, "some hashes wait in the head"
    altered = bytes(32) + edge[32:]
    await node.store.transact(lambda tx: tx.execute("UPDATE ledger_head SET edge = ?", (altered,)))
    first = size // EDGE * EDGE
    found = await check(tmp_path / "node", settings())
    assert found.broken_at == first
    with pytest.raises(Damaged) as caught:
        await opener()
    assert f"entry {first} " in caught.value.detail


def _one(tx: Transaction) -> None:
    tx.append(MARK)


def _edge(db: Reading) -> tuple[int, bytes]:
    row = db.one("SELECT size, edge FROM ledger_head")
    assert row is not None
    return int(row[0]), bytes(row[1])


def _root_of_rows(db: Reading) -> bytes:
    return root_of([row[0] for row in db.query("SELECT leaf_hash FROM entry ORDER BY idx")])


async def test_the_first_anchor_of_a_new_ledger_is_of_its_own_tree_at_a_size_the_old_one_had_too(
    node: Node,
) -> None:
    def fill(tx: Transaction) -> None:
        for _ in range(2 * EDGE + 5 - tx.query("SELECT size FROM ledger_head")[0][0]):
            tx.append(MARK)
        tx.anchor()

    await node.store.transact(fill)
    before = anchor.read(node.data)
    (node.data / anchor.FILE).unlink()  # it would still name the old tree: the origin here stays the same
    await node.store.transact(lambda tx: past.retire(tx, 1))
    await node.store.reload_identity()
    await node.store.transact(fill)
    kept = anchor.read(node.data)
    size, root = await node.store.read(lambda db: size_and_root(db.connection))
    assert before is not None
    assert kept is not None
    assert (kept.size, kept.root) == (size, root)
    assert kept.size == before.size
    assert kept.root != before.root
