"""The node's store: one encrypted database, one writer with group commit, two readers."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from edge.errors import BeyondRepair, BrokenPage, Damaged, LedgerUnavailable, NotEnrolled, StoreTrouble
from edge.settings import Settings
from edge.store import anchor, cipher, disk, salvage, slots
from edge.store.cipher import TROUBLE, Connection, DatabaseKey
from edge.store.clock import NodeClock
from edge.store.identity import Identity, identity, read_secrets
from edge.store.keyring import Keyring
from edge.store.ledger import DatabaseTiles, size_and_root
from edge.store.migrate import migrate
from edge.store.reader import Reader, Reading, open_reader
from edge.store.transaction import Transaction
from edge.store.writer import Writer
from sync.ledger import tree
from sync.ledger.entry import leaf_hash

T = TypeVar("T")
FILE = "node.db"
TAIL = 256


class OldestAccess(msgspec.Struct, frozen=True, kw_only=True):
    """The first access entry from `searched` on, in the ledger of `origin`."""

    origin: str
    searched: int
    index: int
    at_ms: int


class Store:
    """Opened by `open_store`; everything durable goes through `transact`, everything else through `read`."""

    def __init__(
        self,
        data: Path,
        settings: Settings,
        key: DatabaseKey,
        clock: NodeClock,
        writer: Writer,
        readers: list[Reader],
    ) -> None:
        self.data = data
        self.clock = clock
        self.keyring = Keyring(data)
        self.rolled_back = False
        self.jump_ms = 0
        self.oldest_access: OldestAccess | None = None
        self._settings = settings
        self._key = key
        self._writer = writer
        self._fast, self._long = readers

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in the writer; returns after its commit is fsynced (and the anchor, where it asked).

        Raises what `work` raised (it alone is undone), or LedgerUnavailable when the commit is not durable.
        A cancelled caller does not undo a transaction that already runs.
        """
        future = self._writer.submit(work)
        try:
            result: T = await asyncio.wrap_future(future)
        except LedgerUnavailable:
            disk.give_reserve(self.data)
            raise
        return result

    async def read(self, work: Callable[[Reading], T]) -> T:
        """Run a short read on the fast reader; sees everything committed before."""
        return await self._read(self._fast, work)

    async def read_long(self, work: Callable[[Reading], T]) -> T:
        """Run a long read (reports, day close, trail) on its own reader, so that answers do not wait."""
        return await self._read(self._long, work)

    async def _read(self, reader: Reader, work: Callable[[Reading], T]) -> T:
        try:
            return await reader.read(work)
        except BrokenPage as error:
            self._writer.broken(error)
            raise

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection]:
        """A reading connection of its own, for code that runs off the event loop.

        Closed when the block ends.
        """
        with contextlib.closing(cipher.connect(self.data / FILE, self._key)) as opened:
            yield opened

    @property
    def identity(self) -> Identity:
        """Who this node is; raises NotEnrolled."""
        if self._writer.identity is None:
            raise NotEnrolled("no certificate")
        return self._writer.identity

    @property
    def failed(self) -> str:
        """Why nothing is written any more (the process must end, and look at its file when it starts again).

        Empty while all is well. `edge check` beside this process may be the one that met a broken page.
        """
        return self._writer.failed.detail if self._writer.failed else salvage.reported(self.data)

    def on_commit(self, call: Callable[[], None]) -> None:
        """`call` runs on the writer's thread after each commit that appended entries; it must be quick."""
        self._writer.on_commit = call

    async def reload_identity(self) -> None:
        """Take over secrets that a transaction changed (enrolment, a renewed certificate)."""
        self._writer.take_identity(await self.read(lambda db: identity(read_secrets(db.connection))))

    def free_percent(self) -> float:
        """Room left, in percent of the disk."""
        return disk.free_percent(self.data)

    async def room_bytes(self) -> int:
        """Bytes that rows may still take.

        The free pages of the file, and what the disk has above the mark below which sensitive answers stop.
        """
        free, pages = await self.read(
            lambda db: [db.query(f"PRAGMA {name}")[0][0] for name in ("freelist_count", "page_count")]
        )
        growth = disk.spare_bytes(self.data, self._settings.disk_free_min_percent)
        if self._settings.store_bytes_max:
            growth = min(growth, self._settings.store_bytes_max - pages * cipher.PAGE_BYTES)
        return int(free * cipher.PAGE_BYTES + max(0, growth))

    def database_path(self) -> Path:
        """The file itself, for backups and doctor."""
        return self.data / FILE

    def backup(self, path: Path) -> list[str]:
        """SQLite's online backup into `path` under the same key, fsynced; what the copy's own checks find.

        Blocks: run it off the event loop.
        """
        with contextlib.closing(cipher.connect(self.data / FILE, self._key)) as connection:
            cipher.copy(connection, path, self._key)
        with path.open("rb") as file:
            os.fsync(file.fileno())
        return cipher.integrity_faults(path, self._key)

    def abandon(self) -> None:
        """Write nothing any more: the keys were destroyed, and the process must end."""
        self._writer.failed = self._writer.failed or StoreTrouble("abandoned: the keys were destroyed")

    async def close(self) -> None:
        """Finish queued transactions, end all threads."""
        await asyncio.to_thread(self._writer.stop)
        for reader in (self._fast, self._long):
            await reader.close()


async def open_store(
    data: Path, settings: Settings, *, clock: NodeClock | None = None, create: bool = False
) -> Store:
    """Open the node's database, migrate it, check its tail and its anchor.

    Raises NotEnrolled when there is none and `create` is False, WrongKey, Damaged; BrokenPage also while one
    that was met before waits for `edge.actions.rebuild`. A database behind its anchor opens with
    `rolled_back` set: the ledger can be read and checked, sensitive answers stay stopped.
    """
    if why := salvage.reported(data):
        raise BrokenPage(why) if (data / FILE).exists() else BeyondRepair(why)
    if not create and not (data / FILE).exists():
        raise NotEnrolled(f"no {FILE}")
    own_clock = clock or NodeClock()
    key = slots.create(data, own_clock.now_ms()) if create else slots.unlock(data)
    writing = cipher.connect(data / FILE, key, writer=True, bytes_max=settings.store_bytes_max)
    try:
        migrate(writing)
        salvage.keep_page_1(data, data / FILE, writing)
        high, trusted = writing.execute("SELECT mark_ms, trusted_ms FROM ledger_head").fetchone()
        jump_ms = own_clock.start(high, trusted)
        check_tail(writing)
        behind = _behind_anchor(writing, data)
        writer = Writer(writing, data, own_clock)
        readers = [await open_reader(data / FILE, key) for _ in range(2)]
    except TROUBLE as error:
        writing.close()
        raise cipher.translate(error) from error
    except BaseException:
        writing.close()
        raise
    writer.start()
    store = Store(data, settings, key, own_clock, writer, readers)
    store.rolled_back, store.jump_ms = behind, jump_ms
    return store


def check_tail(connection: Connection) -> None:
    """Re-hash the last entries and compare them with their tile.

    Raises Damaged naming the first that differs.
    """
    size = int(connection.execute("SELECT size FROM ledger_head").fetchone()[0])
    start = max(0, (size - 1) // TAIL * TAIL)
    tile = DatabaseTiles(connection).get(0, start // TAIL)
    found = connection.execute(
        "SELECT idx, CAST(leaf AS BLOB) FROM entry WHERE idx >= ? ORDER BY idx", (start,)
    ).fetchall()
    if len(found) != size - start:
        raise Damaged(f"the ledger says {size} entries, {start + len(found)} are there")
    for position, (index, leaf) in enumerate(found):
        if index != start + position or leaf_hash(leaf) != tile[32 * position : 32 * position + 32]:
            raise Damaged(f"entry {start + position} is not the one that was hashed")


def _behind_anchor(connection: Connection, data: Path) -> bool:
    kept = anchor.read(data)
    own = identity(read_secrets(connection))
    if kept is None or own is None:
        return False
    size, _ = size_and_root(connection)
    if kept.origin != own.origin or kept.size > size:
        return True
    return tree.root(DatabaseTiles(connection), kept.size) != kept.root
