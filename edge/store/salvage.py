"""What is whole of a database with broken pages, row by row, into a new one (protocol.md 8, rule 7).

SQLCipher fails a page as a whole, and a connection that met one is of no more use; so every attempt after a
failure has a connection of its own. A table with row numbers is read in ranges around what does not read, one
without from both its ends. Nothing is guessed: a row is copied as it was read, or it is lost.

`DATA/damaged` says that a broken page was met: while it is there the database is opened by nobody but this.
`DATA/page1` is a copy of the first page, taken when the schema changed: without it nothing could be read.
"""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from edge.errors import Damaged, LedgerUnavailable
from edge.store import cipher
from edge.store.cipher import TROUBLE, Connection, DatabaseKey
from edge.store.files import sync_folder, write_durably

MARK = "damaged"
PAGE_1 = "page1"
NEAR = 128
"""Row numbers tried one by one after a failure, about what a page holds; then in doubling steps."""
_LAST_ROW = (1 << 63) - 1
_DOUBLINGS_MAX = 64
_NUMBER_BYTES = 4


class Salvaged(msgspec.Struct, frozen=True, kw_only=True):
    """What came over: rows of each table, and which tables certainly lost some."""

    rows: dict[str, int]
    lost: frozenset[str]


def report(data: Path, why: str) -> None:
    """Note that a broken page was met; durable where the disk still takes it."""
    with contextlib.suppress(LedgerUnavailable):
        write_durably(data / MARK, why.encode())


def reported(data: Path) -> str:
    """What was noted, empty while nothing was."""
    path = data / MARK
    return path.read_text("utf-8") or MARK if path.exists() else ""


def settled(data: Path) -> None:
    """A new database stands in the old one's place; durable when this returns."""
    (data / MARK).unlink(missing_ok=True)
    sync_folder(data)


def keep_page_1(data: Path, path: Path, connection: Connection) -> None:
    """Keep a copy of the first page unless the schema is still the one of the copy.

    `connection` is the writer's. Nobody else may have the file open: the log is folded in first.
    """
    version = int(connection.execute("PRAGMA schema_version").fetchone()[0]).to_bytes(_NUMBER_BYTES, "big")
    kept = data / PAGE_1
    if kept.exists() and kept.read_bytes()[:_NUMBER_BYTES] == version:
        return
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    with path.open("rb") as file:
        write_durably(kept, version + file.read(cipher.PAGE_BYTES))


def put_page_1(data: Path, path: Path, key: DatabaseKey) -> None:
    """Give a copy of the database, whose own first page is broken, the one that was kept. Raises Damaged."""
    kept = data / PAGE_1
    page = kept.read_bytes()[_NUMBER_BYTES:] if kept.exists() else b""
    with path.open("r+b") as file:
        file.write(cipher.without_page_count(page, key))


def salvage(source: Path, target: Path, key: DatabaseKey) -> Salvaged:
    """Copy what reads of `source` into the new file `target`, same key and schema; fsynced on return.

    `source` is changed by this and gets a twin beside it: give it a copy. Raises Damaged where not even the
    schema reads, LedgerUnavailable where the disk takes no more.
    """
    pair = _Pair(source, key)
    with pair.opened() as (connection, _):
        schema = connection.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
            " ORDER BY type DESC"  # tables, then their indexes
        ).fetchall()
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    rows: dict[str, int] = {}
    lost: set[str] = set()
    with contextlib.closing(cipher.connect(target, key, writer=True)) as made:
        try:
            made.execute("BEGIN")
            for kind, name, sql in schema:
                made.execute(sql)
                if kind == "table":
                    rows[name], whole = _Table(pair, made, name, sql).copy()
                    lost |= set() if whole else {name}
            made.execute(f"PRAGMA user_version = {version}")
            made.execute("COMMIT")
            made.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except TROUBLE as error:
            raise cipher.translate(error) from error
    return Salvaged(rows=rows, lost=frozenset(lost))


class _Pair:
    """The broken database twice, its broken pages full of As in one and of Bs in the other.

    SQLCipher gives zeros, and no error, for a broken page that ends a long value. Full of letters it is no
    page of a tree and leads to no further page, which SQLite refuses; where it ends a value, the two differ.
    """

    def __init__(self, source: Path, key: DatabaseKey) -> None:
        self._key = key
        self._paths = (source, source.with_name(f"{source.name}.twin"))
        for end in ("", "-wal"):
            if source.with_name(f"{source.name}{end}").exists():
                names = (path.with_name(f"{path.name}{end}") for path in self._paths)
                shutil.copyfile(*names)
        broken = cipher.broken_pages(source, key)
        for path, letter in zip(self._paths, b"AB", strict=True):
            cipher.fill_pages(path, key, broken, letter)

    @contextlib.contextmanager
    def opened(self) -> Iterator[tuple[Connection, Connection]]:
        """Both, open; what does not read raises Damaged, here or inside the block."""
        try:
            with contextlib.ExitStack() as stack:
                one, other = (
                    stack.enter_context(contextlib.closing(cipher.connect(path, self._key)))
                    for path in self._paths
                )
                one.text_factory = other.text_factory = _text
                yield one, other
        except TROUBLE as error:
            raise cipher.translate(error) from error

    def rows(self, query: str) -> Iterator[Sequence[Any]]:
        """The rows as both have them; raises Damaged at the first that does not read or is not the same."""
        with self.opened() as (one, other):
            for row, again in zip(one.execute(query), other.execute(query), strict=True):
                if row != again:
                    raise Damaged("a broken page ends a value")
                yield row


def _text(stored: bytes) -> str:
    """Text also where a page's end cut a character in two: such a row is not the same twice."""
    return stored.decode("utf-8", "surrogateescape")


class _Table:
    """One table on its way from the broken database to the new one."""

    def __init__(self, pair: _Pair, made: Connection, name: str, sql: str) -> None:
        self._pair, self._made, self._name = pair, made, name
        self._numbered = "WITHOUT ROWID" not in sql

    def copy(self) -> tuple[int, bool]:
        """Copy what reads; rows, and whether that was all."""
        last, whole = self._forward(None)
        ended, start = whole, 0
        while self._numbered and not ended:
            after = start if last is None else last + 1
            # The library reads one row ahead: the last whole row before a failure is asked for by itself.
            single, _ = self._forward(after, "LIMIT 1")
            found = self._resumes(after + 1 if single is None else single + 1)
            if found is None:
                break
            start = found
            last, ended = self._forward(start)
        if not whole and not self._numbered:
            self._backward()
        count = self._made.execute(f"SELECT count(*) FROM {self._name}").fetchone()[0]  # noqa: S608 -- of the schema
        return int(count), whole

    def _forward(self, start: int | None, limit: str = "") -> tuple[int | None, bool]:
        """Copy upwards from row number `start` (None: all); the last one, and whether the end was reached."""
        number = "rowid" if self._numbered else "0"
        where = "" if start is None else f"WHERE rowid >= {start}"
        order = "ORDER BY rowid" if self._numbered else ""
        return self._range(f"SELECT {number}, * FROM {self._name} {where} {order} {limit}")  # noqa: S608 -- as above

    def _backward(self) -> None:
        """Copy downwards from the end of a table without row numbers, as far as it reads."""
        columns = self._made.execute(f"PRAGMA table_info({self._name})").fetchall()
        order = ", ".join(f"{row[1]} DESC" for row in sorted(columns, key=lambda row: row[5]) if row[5])
        self._range(f"SELECT 0, * FROM {self._name} ORDER BY {order}")  # noqa: S608 -- as above

    def _range(self, query: str) -> tuple[int | None, bool]:
        last: int | None = None
        try:
            for row in self._pair.rows(query):
                marks = ",".join("?" * (len(row) - 1))
                self._made.execute(f"INSERT OR IGNORE INTO {self._name} VALUES ({marks})", row[1:])  # noqa: S608 -- as above
                last = row[0]
        except Damaged:
            return last, False
        return last, True

    def _resumes(self, number: int) -> int | None:
        """The first row number from `number` on that reads again; None where nothing follows any more."""
        broken, step = number - 1, 1
        for tried in range(NEAR + _DOUBLINGS_MAX):
            if self._reads(number):
                break
            broken, step = number, 1 if tried < NEAR else 2 * step
            number += step
            if number >= _LAST_ROW:
                return None
        while number - broken > 1:
            middle = (number + broken) // 2
            broken, number = (broken, middle) if self._reads(middle) else (middle, number)
        return number

    def _reads(self, number: int) -> bool:
        """Whether the first row from `number` on reads; also where there is none."""
        query = f"SELECT * FROM {self._name} WHERE rowid >= {number} ORDER BY rowid LIMIT 1"  # noqa: S608 -- as above
        with contextlib.suppress(Damaged):
            list(self._pair.rows(query))
            return True
        return False
