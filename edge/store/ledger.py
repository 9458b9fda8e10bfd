"""Reading the ledger from the database: tiles, rows, heads.

Plain calls on a given connection, off the event loop.
"""

from typing import Any

from edge.store.cipher import Connection
from sync.errors import Malformed
from sync.ledger import tree
from sync.ledger.entry import Row, parse_leaf


class DatabaseTiles:
    """The tile source over the table `tile`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, level: int, index: int) -> bytes:
        row = self._connection.execute(
            "SELECT hashes FROM tile WHERE level = ? AND idx = ?", (level, index)
        ).fetchone()
        return bytes(row[0]) if row else b""


def size_and_root(connection: Connection) -> tuple[int, bytes]:
    """Entries and RFC 6962 root of the ledger as committed."""
    size = int(connection.execute("SELECT size FROM ledger_head").fetchone()[0])
    return size, tree.root(DatabaseTiles(connection), size)


def rows(connection: Connection, start: int, end: int) -> list[Row]:
    """The rows [start, end) in order.

    Raises Malformed when one is missing or its leaf is not what was hashed.
    """
    found = connection.execute(
        "SELECT idx, leaf, salt, detail FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx", (start, end)
    ).fetchall()
    if [row[0] for row in found] != list(range(start, end)):
        raise Malformed(f"entries are missing in {start}..{end}")
    return [_row(row) for row in found]


def _row(row: tuple[Any, ...]) -> Row:
    entry, commitment = parse_leaf(row[1])
    if entry.index != row[0]:
        raise Malformed(f"entry {row[0]} says it is {entry.index}")
    if row[3] is None:
        return Row(entry, b"", row[2], commitment)
    return Row(entry, row[3], row[2])
