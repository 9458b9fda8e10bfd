"""Readers: aiosqlite connections that run a whole read as one function, one hop, beside the writer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from edge.errors import EdgeError, LedgerUnavailable
from edge.store.cipher import TROUBLE, Connection, DatabaseKey, connect, translate

T = TypeVar("T")


class Reading:
    """What a read function gets: queries only."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def query(self, sql: str, bound: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows."""
        return list(self.connection.execute(sql, bound).fetchall())

    def one(self, sql: str, bound: tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
        """The first row, or None."""
        found: tuple[Any, ...] | None = self.connection.execute(sql, bound).fetchone()
        return found


class Reader(aiosqlite.Connection):
    """One reading connection with its own thread. Reads see what was committed before they began."""

    def __init__(self, path: Path, key: DatabaseKey) -> None:
        super().__init__(lambda: connect(path, key), iter_chunk_size=64)
        self._thread.daemon = True  # a process that dies loudly must not wait for a reader

    async def read(self, work: Callable[[Reading], T]) -> T:
        """Run `work` on this connection's thread, as one snapshot. Raises StoreTrouble."""
        try:
            return await self._execute(_snapshot, self._conn, work)  # type: ignore[no-any-return,no-untyped-call]  # the library's own hop, untyped
        except TROUBLE as error:
            raise translate(error) from error
        except ValueError as error:
            if str(error) in {"Connection closed", "no active connection"}:
                raise LedgerUnavailable("store is closed") from error
            raise


def _snapshot(connection: Connection, work: Callable[[Reading], T]) -> T:
    connection.execute("BEGIN")
    try:
        return work(Reading(connection))
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


async def open_reader(path: Path, key: DatabaseKey) -> Reader:
    """A connected reader; raises WrongKey, Damaged or LedgerUnavailable."""
    reader = Reader(path, key)
    try:
        await reader
    except EdgeError:
        raise
    except TROUBLE as error:
        raise translate(error) from error
    return reader
