"""Entries by time: a row for each full block of 256, every search finds what a walk through all rows finds."""

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge.actions import close_day
from edge.actions.node import Node
from edge.errors import RolledBack
from edge.store import cipher, past
from edge.store.cipher import Connection, DatabaseKey
from edge.store.draft import Draft
from edge.store.ledger import BLOCK, during, grow
from edge.store.migrate import migrate, steps
from edge.store.reader import Reading
from edge.store.transaction import Transaction
from sync.ledger.entry import parse_leaf

KEY = DatabaseKey(key=bytes(32), salt=bytes(range(16)))
MARK = Draft(kind="mark", outcome="test")
BLOCKS_OF_ROWS = (
    "SELECT idx / 256, min(hlc_ms), max(hlc_ms) FROM entry GROUP BY idx / 256 HAVING count(*) = 256"
)
DAY_MS = 86_400_000


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Connection]:
    with closing(cipher.connect(tmp_path / "edge.db", KEY, writer=True)) as connection:
        yield connection


def put(connection: Connection, first: int, times: list[int]) -> None:
    """Rows with these times, as far as the search looks at them."""
    rows = ((first + place, first % 3, at, b"", b"", b"", b"") for place, at in enumerate(times))
    connection.executemany("INSERT INTO entry VALUES (?,?,?,?,?,?,?)", rows)


def keep(connection: Connection, first: int, times: list[int]) -> None:
    """What a commit of the writer does to rows, tiles and head."""
    put(connection, first, times)
    edge = connection.execute("SELECT edge FROM ledger_head").fetchone()[0]
    left = grow(connection, first, edge, [bytes(32)] * len(times))
    connection.execute("UPDATE ledger_head SET size = ?, edge = ?", (first + len(times), left))


def found(connection: Connection, start: int, end: int) -> list[int]:
    rows = connection.execute(during("SELECT idx FROM during ORDER BY idx"), (start, end))
    return [row[0] for row in rows]


def walked(connection: Connection, start: int, end: int) -> list[int]:
    rows = connection.execute("SELECT idx, hlc_ms FROM entry ORDER BY idx")
    return [index for index, at in rows if start <= at < end]


def blocks_hold(connection: Connection) -> None:
    kept = connection.execute("SELECT * FROM time_block ORDER BY idx").fetchall()
    assert kept == connection.execute(BLOCKS_OF_ROWS).fetchall()


@pytest.mark.parametrize("step", [1, 100, 255, 256, 257, 1000])
def test_a_search_by_time_finds_what_a_walk_finds_whatever_the_groups_were(
    database: Connection, step: int
) -> None:
    """An opening in the present, 400 carried entries with their old times, then the present again."""
    migrate(database)
    chance = random.Random(step)
    now = 100_000
    times = [now, *range(20_000, 60_000, 100), *(now + 37 * number for number in range(900))]
    for first in range(0, len(times), step):
        keep(database, first, times[first : first + step])
    blocks_hold(database)
    assert database.execute("SELECT count(*) FROM time_block").fetchone()[0] == len(times) // BLOCK
    for _ in range(60):
        start = chance.choice([*times, 0, now - 1, 10**9])
        end = start + chance.choice([0, 1, 38, 5_000, 10**6])
        assert found(database, start, end) == walked(database, start, end)


@pytest.mark.parametrize("size", [0, 255, 256, 700])
def test_the_blocks_of_a_ledger_of_the_schema_before_are_filled(database: Connection, size: int) -> None:
    for number, sql in steps():
        if "time_block" in sql:
            break
        database.executescript(f"{sql}\nPRAGMA user_version = {number};")
    times = [1000 * place % 77_777 for place in range(size)]
    put(database, 0, times)
    assert migrate(database) == len(steps())
    blocks_hold(database)
    assert found(database, 3_000, 50_000) == walked(database, 3_000, 50_000)
    assert not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'entry_when'").fetchall()


async def test_a_transaction_finds_what_it_appended_itself_and_what_was_undone_is_in_no_block(
    node: Node,
) -> None:
    span = (node.now_ms() - DAY_MS, node.now_ms() + DAY_MS)

    def here(tx: Transaction | Reading) -> int:
        return len(tx.query(during("SELECT idx FROM during"), span))

    def fails(tx: Transaction) -> None:
        for _ in range(2 * BLOCK):
            tx.append(MARK)
        assert here(tx) == before + 2 * BLOCK, "not in a block yet, and found all the same"
        raise RolledBack("on purpose")

    before = await node.store.read(here)
    with pytest.raises(RolledBack):
        await node.store.transact(fails)
    assert await node.store.read(here) == before
    await node.store.transact(_marks)
    assert await node.store.read(here) == before + BLOCK
    await node.store.read(lambda db: blocks_hold(db.connection))
    day = await close_day.preview(node, node.day_of(node.now_ms()))
    assert day.kinds["mark"] >= BLOCK


async def test_a_new_incarnation_begins_without_blocks_and_finds_carried_entries_by_their_old_times(
    node: Node,
) -> None:
    await node.store.transact(_marks)
    old = await node.store.read(lambda db: db.query("SELECT CAST(leaf AS BLOB), detail FROM entry"))
    at = parse_leaf(old[0][0])[0].hlc_ms

    def again(tx: Transaction) -> None:
        tx.append(MARK)
        for leaf, detail in old:
            tx.carry(parse_leaf(leaf)[0], detail)

    await node.store.transact(lambda tx: past.retire(tx, 1))
    assert await node.store.read(lambda db: db.query("SELECT * FROM time_block")) == []
    await node.store.reload_identity()
    await node.store.transact(again)
    await node.store.read(lambda db: blocks_hold(db.connection))
    seen = await node.store.read(lambda db: found(db.connection, at, at + 1))
    assert 1 in seen, "the first entry of the old ledger stands second in this one"


def _marks(tx: Transaction) -> None:
    for _ in range(BLOCK):
        tx.append(MARK)
