"""Reading the ledger from the database: tiles, rows, heads.

Plain calls on a given connection, off the event loop.
"""

from collections.abc import Sequence

from edge.store.cipher import Connection
from sync.codec.rows import INDEX, Rows
from sync.errors import Malformed
from sync.ledger import tree
from sync.ledger.entry import read_leaves
from sync.ledger.proofs import EMPTY_ROOT, node_hash, root_of

EDGE = 64
"""Leaf hashes go into the table `tile` this many at a time; the newest ones wait in the head's row.

A tile of up to 8 kB is several pages of the file, the head is one that every commit writes anyway.
"""
_WHOLE = 32 * EDGE
_STORED = "SELECT hashes FROM tile WHERE level = ? AND idx = ?"
_WITH_EDGE = f"SELECT ({_STORED}), size, CAST(edge AS BLOB) FROM ledger_head"  # noqa: S608 -- constant; one statement sees one state


BLOCK = 256
"""Entries a row of `time_block` speaks for: its first and last time, written once, when they are there.

An index by time would cost each commit a page; these cost one row in 256 entries. Entries carried over keep
their old times, so blocks overlap: a search looks into every block whose times meet the asked ones.
"""
_BLOCK = f"""
INSERT INTO time_block
SELECT ?1, min(hlc_ms), max(hlc_ms) FROM entry WHERE idx >= ?1 * {BLOCK} AND idx < (?1 + 1) * {BLOCK}
"""  # noqa: S608 -- numbers of this file
_DURING = f"""
WITH part (first, last) AS (
  SELECT idx * {BLOCK}, idx * {BLOCK} + {BLOCK - 1} FROM time_block WHERE last_ms >= ?1 AND first_ms < ?2
  UNION ALL SELECT coalesce(max(idx) + 1, 0) * {BLOCK}, {2**63 - 1} FROM time_block  -- in no block yet
), during AS (
  SELECT entry.* FROM part CROSS JOIN entry NOT INDEXED  -- by row number alone
  ON entry.idx >= first AND entry.idx <= last AND hlc_ms >= ?1 AND hlc_ms < ?2
) """  # noqa: S608 -- numbers of this file


class StoredTiles:
    """The table `tile` alone: what a writer extends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, level: int, index: int) -> bytes:
        row = self._connection.execute(_STORED, (level, index)).fetchone()
        return bytes(row[0]) if row else b""


class DatabaseTiles:
    """The tile source: the table `tile`, and at the right edge the hashes that wait in the head's row.

    Each tile is read by one statement, so a commit between two of them tears none.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, level: int, index: int) -> bytes:
        stored, size, edge = self._connection.execute(_WITH_EDGE, (level, index)).fetchone()
        tile = bytes(stored or b"")
        last, used = divmod(int(size) // EDGE * EDGE, tree.TILE_WIDTH)
        return tile[: 32 * used] + bytes(edge) if level == 0 and index == last else tile


def grow(connection: Connection, size: int, edge: bytes, hashes: Sequence[bytes]) -> bytes:
    """Add leaf hashes to a tree of `size` whose last ones are `edge`; the new edge, for the head's row.

    The rows of these entries are there. Writes the tiles that became fuller by a whole 64, and the times of
    the blocks that became full; part of the caller's transaction, durable with it.
    """
    assert len(edge) == size % EDGE * 32, "the head holds its own edge"
    waiting = edge + b"".join(hashes)
    whole = len(waiting) // _WHOLE * _WHOLE
    if whole:
        done = [waiting[at : at + 32] for at in range(0, whole, 32)]
        _, changed = tree.append(StoredTiles(connection), size // EDGE * EDGE, done)
        connection.executemany(
            "INSERT OR REPLACE INTO tile (level, idx, hashes) VALUES (?,?,?)",
            [(level, index, tile) for (level, index), tile in changed.items()],
        )
    full = range(size // BLOCK, (size + len(hashes)) // BLOCK)
    connection.executemany(_BLOCK, ((block,) for block in full))
    return waiting[whole:]


def during(query: str) -> str:
    """SQL of a query of the table `during`: the rows of `entry` from time ?1 until before ?2 (ms).

    Inside a transaction with what it appended itself.
    """
    return _DURING + query


class Roots:
    """The root at the right edge without reading a tile: what lies left of the edge is kept in memory.

    The edge moves once in 64 entries; the tree left of it never changes, whoever else appends.
    """

    def __init__(self) -> None:
        self._left = 0
        self._peaks: list[bytes] = []

    def at(self, connection: Connection, size: int, edge: bytes) -> bytes:
        """Root of the ledger of `size` whose last hashes are `edge`."""
        left = size // EDGE * EDGE
        if left != self._left:
            self._peaks, self._left = tree.peaks(StoredTiles(connection), left), left
        nodes = self._peaks + (
            [root_of([edge[at : at + 32] for at in range(0, len(edge), 32)])] if edge else []
        )
        root = nodes[-1] if nodes else EMPTY_ROOT
        for peak in reversed(nodes[:-1]):
            root = node_hash(peak, root)
        return root


def size_and_root(connection: Connection) -> tuple[int, bytes]:
    """Entries and RFC 6962 root of the ledger as committed."""
    size = int(connection.execute("SELECT size FROM ledger_head").fetchone()[0])
    return size, tree.root(DatabaseTiles(connection), size)


def rows(connection: Connection, start: int, end: int) -> Rows:
    """The rows [start, end) in order.

    Raises Malformed when one is missing or its leaf cannot be read. That it is what was hashed shows when it
    is encoded again: whoever releases rows compares that with the tree (`sync.batch.file.plan_up`).
    """
    found = connection.execute(
        "SELECT idx, leaf, salt, detail FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx", (start, end)
    ).fetchall()
    public, commitments = read_leaves([leaf for _, leaf, _, _ in found])
    if not [row[0] for row in found] == public[INDEX] == list(range(start, end)):
        raise Malformed(f"entries are missing in {start}..{end}, or say another index")
    dropped = [detail is None for _, _, _, detail in found]
    return Rows(
        public,
        [detail or b"" for _, _, _, detail in found],
        [salt for _, _, salt, _ in found],
        [commitment if gone else b"" for commitment, gone in zip(commitments, dropped, strict=True)],
    )
