"""The two doors to PostgreSQL: the application's pool, and the owner's single connection for the schema.

Foreign exceptions stop here: whatever asyncpg or the socket raises leaves as StoreUnavailable (try again) or
StoreRefused (a bug or damage; carries the SQLSTATE).
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

from central.errors import StoreRefused, StoreUnavailable

# A connection inside a transaction; every store function takes one.
if TYPE_CHECKING:
    Tx = PoolConnectionProxy[asyncpg.Record]
else:
    Tx = PoolConnectionProxy  # generic in the stubs only

POOL_MAX = 12
ACQUIRE_TIMEOUT_S = 20
COMMAND_TIMEOUT_S = 120
LOCK_PUBLISH = 7_301
LOCK_MIGRATE = 7_302
_RETRY_CLASSES = ("08", "53", "57")
_RETRY_STATES = {"40001", "40P01", "55P03"}


class Dsn(msgspec.Struct, frozen=True, kw_only=True):
    """Connection strings of the two roles. `repr` may hold a password: never log it."""

    app: str
    owner: str


class Store:
    """The centre's database. Open with `Store.open`; close with `close`."""

    def __init__(self, pool: asyncpg.Pool, dsn: Dsn) -> None:
        self._pool = pool
        self._dsn = dsn

    @classmethod
    async def open(cls, dsn: Dsn) -> "Store":
        """Connect the application's pool (at most 12 connections); raises StoreUnavailable."""
        with _translated():
            pool = await asyncpg.create_pool(
                dsn.app,
                min_size=1,
                max_size=POOL_MAX,
                command_timeout=COMMAND_TIMEOUT_S,
                timeout=ACQUIRE_TIMEOUT_S,
                reset=_as_it_is,
            )
        return cls(pool, dsn)

    async def close(self) -> None:
        """Give the connections back; waits for running statements, at most 10 s."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """One transaction.

        Durable (synchronous commit) when the block ends without an exception, else undone.
        """
        with _translated():
            async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as connection, connection.transaction():
                yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        """One consistent, read-only view over several statements."""
        with _translated():
            async with (
                self._pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield connection

    @asynccontextmanager
    async def owner(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """The schema owner's connection, for migrations and partitions only."""
        with _translated():
            connection = await asyncpg.connect(self._dsn.owner, command_timeout=COMMAND_TIMEOUT_S)
            try:
                yield connection
            finally:
                await connection.close()


async def _as_it_is(_: object) -> None:
    """Nothing here outlives its transaction (locks, cursors, settings): a session is given back uncleared."""


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except asyncpg.PostgresError as error:
        state = str(error.sqlstate or "")
        # The message of a constraint may quote a row: only the state and the constraint's name leave.
        place = str(getattr(error, "constraint_name", "") or getattr(error, "table_name", "") or "")
        if state.startswith(_RETRY_CLASSES) or state in _RETRY_STATES:
            raise StoreUnavailable(
                f"数据库暂不可用（{state}）。", f"the database is not available ({state})"
            ) from error
        raise StoreRefused(
            f"数据库拒绝了操作（{state} {place}）。", f"the database refused ({state} {place})", state
        ) from error
    except (asyncpg.InterfaceError, OSError, TimeoutError) as error:
        raise StoreUnavailable(
            "连不上数据库。", f"cannot reach the database ({type(error).__name__})"
        ) from error
