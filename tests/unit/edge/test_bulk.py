"""Rows put by one statement are the rows that one statement each would put."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from edge.store import bulk, cipher

INTO = "INSERT INTO t (number, cell, other)"
CELLS = [
    b"",
    b"\0",
    b" 12  7",
    b"0" * 20,
    bytes(range(256)) * 300,
    None,
    "清河县".encode(),
    b"'); DROP TABLE t",
]
NUMBERS = [0, -1, 2**63 - 1, -(2**63), 1_795_000_000_000]


def table(connection: Any) -> Any:
    connection.execute("CREATE TABLE t (number INTEGER NOT NULL, cell BLOB, other BLOB UNIQUE)")
    return connection


def some_rows(count: int) -> list[tuple[int, bytes | None, bytes | None]]:
    """Numbers, cells and what else stands beside them in changing company; the first row has NULL in both."""
    cells = [None, *CELLS]
    return [
        (NUMBERS[n % len(NUMBERS)], cells[n % len(cells)], None if n % 3 == 0 else n.to_bytes(2, "big"))
        for n in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, bulk.FEW, bulk.FEW + 1, 500])
def test_rows_stand_as_they_came_and_in_their_order(count: int, tmp_path: Path) -> None:
    key = cipher.DatabaseKey(key=bytes(32), salt=bytes(16))
    connection = table(cipher.connect(tmp_path / "t.db", key, writer=True))
    rows = some_rows(count)
    bulk.insert(connection, INTO, rows)
    assert connection.execute("SELECT number, cell, other FROM t ORDER BY rowid").fetchall() == rows
    connection.close()


@pytest.mark.parametrize("count", [bulk.FEW, bulk.FEW + 1])
def test_a_row_the_table_refuses_is_an_error(count: int) -> None:
    connection = table(sqlite3.connect(":memory:"))
    with pytest.raises(sqlite3.IntegrityError):
        bulk.insert(connection, INTO, [*some_rows(count - 1), (1, b"", (1).to_bytes(2, "big"))])


def test_a_row_replaces_the_one_before_it_in_the_same_statement() -> None:
    connection = table(sqlite3.connect(":memory:"))
    rows = [(n, bytes([n]), bytes([n % 7])) for n in range(2 * bulk.FEW)]
    bulk.insert(connection, INTO.replace("INSERT", "INSERT OR REPLACE"), rows)
    kept = {other: (number, cell, other) for number, cell, other in rows}
    assert sorted(connection.execute("SELECT * FROM t").fetchall()) == sorted(kept.values())
