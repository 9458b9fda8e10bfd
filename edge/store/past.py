"""The ledgers of ended incarnations: kept beside the new one, table by table, and read to carry entries over.

A ledger that ended is renamed as it stands (`entry_i1`, `tile_i1`, `checkpoint_i1`): nothing of it is copied,
changed or dropped. Rows of the office that named an entry by its index name it by a negative number from then
on, so that no index of the new ledger can be taken for one of the old.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from edge.store.cipher import Connection
from edge.store.reader import Reading
from edge.store.transaction import Transaction
from sync.errors import Malformed
from sync.ledger.entry import Entry, parse_leaf

LEDGER = ("entry", "tile", "checkpoint")
SALVAGED = "salvaged"
"""Entries behind a gap, as rows of `entry`: what a broken page left of a ledger that has to end."""
_NUMBERED = (
    ("report", "entry"),
    ("office_case", "entry"),
    ("quota_spent", "entry"),
    ("day_closed", "entry"),
    ("photo", "entry"),
    ("rejection", "idx"),
    ("directive", "number"),
)
_OF_ENTRIES = _NUMBERED[:-1]
"""Those that name entries; letters have numbers of their own."""
_AGE = 1 << 40
"""Numbers of one incarnation lie below this."""
_COLUMNS = "idx, CAST(leaf AS BLOB), CAST(leaf_hash AS BLOB), CAST(detail AS BLOB)"
Old = tuple[int, Entry, bytes, bytes]
"""Index, entry, leaf hash and detail of an entry of an ended ledger."""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger that lost entries to a broken page.

    `whole` entries stand before the first gap, `size` is how far it had come, `countersigned` how far the
    centre had signed. What is appended until the new incarnation begins counts on from `whole`, and takes its
    place behind `size` when the ledger is put aside.
    """

    whole: int
    size: int
    countersigned: int


def ended(db: Reading | Transaction) -> Ended | None:
    """What is noted of such a ledger while it waits for a new incarnation."""
    row = db.one("SELECT value FROM fact WHERE name = ?", (SALVAGED,))
    return msgspec.json.decode(row[0], type=Ended) if row else None


def break_off(connection: Connection, ended: Ended, incarnation: int) -> None:
    """What stands behind the first gap waits aside; part of the caller's transaction."""
    behind = (ended.whole,)
    connection.execute(f"CREATE TABLE {SALVAGED} AS SELECT * FROM entry WHERE idx >= ?", behind)  # noqa: S608 -- one name
    connection.execute("DELETE FROM entry WHERE idx >= ?", behind)
    connection.execute("DELETE FROM checkpoint WHERE size > ?", behind)
    for table, column in _OF_ENTRIES:
        shifted = f"UPDATE {table} SET {column} = ? - {column} WHERE {column} >= ?"  # noqa: S608 -- names of this file
        connection.execute(shifted, (_shift(incarnation), ended.whole))
    connection.execute("INSERT OR REPLACE INTO fact VALUES (?,?)", (SALVAGED, msgspec.json.encode(ended)))


def _joined(tx: Transaction, found: Ended, incarnation: int) -> None:
    """What waited aside stands in the ended ledger again, and what was appended since behind it."""
    entry, later = past("entry", incarnation), found.size - found.whole
    for table, column in (
        (entry, "idx"),
        *_OF_ENTRIES,
    ):  # in two steps: no number may meet another on the way
        up = f"UPDATE {table} SET {column} = -1 - {column} - ? WHERE {column} >= ?"  # noqa: S608 -- as above
        back = f"UPDATE {table} SET {column} = -1 - {column} WHERE {column} < 0 AND {column} > ?"  # noqa: S608 -- as above
        tx.execute(up, (later, found.whole))
        tx.execute(back, (-_AGE,))
    tx.execute(f"INSERT INTO {entry} SELECT * FROM {SALVAGED}")  # noqa: S608 -- as above
    tx.execute(f"DROP TABLE {SALVAGED}")
    tx.execute("DELETE FROM fact WHERE name = ?", (SALVAGED,))


def retire(tx: Transaction, incarnation: int) -> None:
    """Put the ledger aside as that of `incarnation` and begin an empty one; part of the caller's transaction.

    Must be the only work of its transaction: the writer's view of the head is not told.
    """
    for table in LEDGER:
        wanted = tx.query(
            "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL", (table,)
        )
        for kind, name, _ in wanted:
            if kind == "index":
                tx.execute(f"DROP INDEX {name}")
        tx.execute(f"ALTER TABLE {table} RENAME TO {past(table, incarnation)}")
        for _, _, sql in sorted(wanted, key=lambda row: row[0] != "table"):
            tx.execute(sql)
    tx.execute("DELETE FROM time_block")
    found = ended(tx)
    if found is not None:
        _joined(tx, found, incarnation)
    tx.execute("UPDATE ledger_head SET size = 0, edge = x''")
    for table, column in _NUMBERED:
        tx.execute(
            f"UPDATE {table} SET {column} = ? - {column} WHERE {column} >= 0",  # noqa: S608 -- names of this file
            (_shift(incarnation),),
        )


def past(table: str, incarnation: int) -> str:
    """The name of a table of an ended incarnation."""
    return f"{table}_i{int(incarnation)}"


def number_of(index: int, incarnation: int) -> int:
    """How the office's rows name entry `index` of an ended incarnation."""
    return _shift(incarnation) - index


def place_of(number: int) -> tuple[int, int]:
    """Incarnation and index that such a negative number names."""
    return divmod(-1 - number, _AGE)


def _shift(incarnation: int) -> int:
    return -1 - incarnation * _AGE


def entries(tx: Transaction, incarnation: int, start: int, end: int, *, gaps: bool = False) -> Sequence[Old]:
    """Entries [start, end) of an ended ledger, in order, each with its whole detail.

    Nothing of an empty range: on an empty machine in a lost one's place there is no ended ledger. Raises
    Malformed where one is missing (unless `gaps` are known) or its detail was dropped: what was never
    countersigned keeps it.
    """
    if start >= end:
        return []
    rows = tx.query(
        f"SELECT {_COLUMNS} FROM {past('entry', incarnation)} WHERE idx >= ? AND idx < ? ORDER BY idx",  # noqa: S608 -- a number
        (start, end),
    )
    if not gaps and [row[0] for row in rows] != list(range(start, end)):
        raise Malformed(f"entries are missing in {start}..{end} of the ended ledger")
    return [_old(row) for row in rows]


def count(tx: Transaction, incarnation: int, start: int, end: int) -> int:
    """How many of the entries [start, end) of an ended ledger are there."""
    table = past("entry", incarnation)
    row = tx.one(f"SELECT count(*) FROM {table} WHERE idx >= ? AND idx < ?", (start, end))  # noqa: S608 -- a number
    return int(row[0]) if row else 0


def _old(row: tuple[Any, ...]) -> Old:
    if row[3] is None:
        raise Malformed(f"entry {row[0]} of the ended ledger has no detail")
    return row[0], parse_leaf(row[1])[0], row[2], row[3]


def move(tx: Transaction, incarnation: int, old: int, new: int, leaf_hash: bytes) -> None:
    """The office's rows that named entry `old` of the ended ledger name entry `new` of this one."""
    before = number_of(old, incarnation)
    for table, column in _OF_ENTRIES[:-1]:
        tx.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (new, before))  # noqa: S608 -- as above
    tx.execute("UPDATE report SET leaf_hash = ? WHERE entry = ?", (leaf_hash, new))
