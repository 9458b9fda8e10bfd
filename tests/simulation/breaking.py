"""The rules, broken one at a time, in the world's own wrappers: what the judge must then find (ablation).

8.1 commit before release     `EarlyStore`     the node says so before COMMIT
4.3 persist before reply      `LateStore`      the centre says so before COMMIT
4.2 overlap is compared       `LenientDoor`    what the centre holds already is skipped unseen
4.6 one effect an entry       `RepeatingDoor`  every arrival has its effect; the keys of the tables are dropped
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from central.actions import ingest
from central.actions.centre import Centre
from central.actions.effects import gather, rules
from central.actions.gathered import Gathered, Source
from central.errors import StoreUnavailable
from central.store import effects, ledger
from central.store.database import Store, Tx
from edge.store.transaction import Transaction
from sync.batch.frames import Frame
from sync.errors import SyncError
from tests.simulation.line import Call, Door, Reply

SLOW_S = 0.02
KEYED = ("access", "paper", "case_event", "day_total", "scope_applied")


class EarlyStore:
    """The node's store that returns what a transaction gave before its commit, which is a little slow."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._slow = threading.Event()
        self._begun: set[asyncio.Task[Any]] = set()

    def __getattr__(self, name: str) -> Any:
        """Everything else is the store's own."""
        return getattr(self._store, name)

    async def transact(self, work: Callable[[Transaction], Any]) -> Any:
        """The result of `work`, too early."""
        loop = asyncio.get_running_loop()
        early: asyncio.Future[Any] = loop.create_future()

        def told(tx: Transaction) -> Any:
            result = work(tx)
            loop.call_soon_threadsafe(early.set_result, result)
            self._slow.wait(SLOW_S)
            return result

        whole = asyncio.ensure_future(self._store.transact(told))
        self._begun.add(whole)
        whole.add_done_callback(self._begun.discard)
        await asyncio.wait({early, whole}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        return early.result() if early.done() else whole.result()


class LateStore(Store):
    """The centre's store whose transactions all end in one that is committed when the next request comes."""

    _held: Any = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """A savepoint: nothing is durable when it ends."""
        if self._held is None:
            connection = await self._pool.acquire()
            whole = connection.transaction()
            await whole.start()
            self._held = connection, whole
        async with self._held[0].transaction():
            yield self._held[0]

    reading = transaction

    async def settle(self) -> None:
        """Make durable what was said before."""
        if self._held is not None:
            (connection, whole), self._held = self._held, None
            await whole.commit()
            await self._pool.release(connection)


class LateDoor(Door):
    """The door of a centre with a LateStore: what the reply before said becomes durable only now."""

    async def knock(self, call: Call, crash_after: int = -1) -> Reply | None:
        store = self.place.centre.store
        if isinstance(store, LateStore):
            await store.settle()
        return await super().knock(call, crash_after)


class BrokenDoor(Door):
    """The door of a centre that takes batches in its own way."""

    async def _serve(self, call: Call) -> Reply:
        if call.path != "/api/exchange":
            return await super()._serve(call)
        try:
            return Reply(status=200, body=await self.take(self.place.centre, call.body))
        except SyncError as error:
            words = b'{"code": "%s", "message": "", "next": ""}' % error.code.encode()
            return Reply(status=409, body=words)
        except StoreUnavailable:  # as in the application: a crash cut the connection to the database
            return Reply(status=503, body=b"{}")

    async def take(self, centre: Centre, batch: bytes) -> bytes:
        """An acknowledgement for a batch."""
        raise NotImplementedError


class LenientDoor(BrokenDoor):
    """Rule 4.2 broken: frames are put behind what is held, equal or not."""

    async def take(self, centre: Centre, batch: bytes) -> bytes:
        identity = await ingest._sender(centre, batch)
        incoming = ingest._open(centre, identity, batch)
        async with centre.store.transaction() as tx:
            head = await ledger.head(tx, identity.origin, lock=True)
            frames = [_behind(frame, head.size) for frame in incoming.frames(centre.keys.subject)]
            fresh = [frame for frame in frames if frame.rows]
            if fresh:
                await ingest._write(centre, tx, identity, head, fresh)
        return await ingest.exchange(centre, batch, "network")


def _behind(frame: Frame, size: int) -> Frame:
    return ingest._tail(frame, min(len(frame.rows), max(0, size - frame.first)))


class RepeatingDoor(BrokenDoor):
    """Rule 4.6 broken: an entry that arrives again has its effect again."""

    async def take(self, centre: Centre, batch: bytes) -> bytes:
        identity = await ingest._sender(centre, batch)
        async with centre.store.reading() as tx:
            size = (await ledger.head(tx, identity.origin)).size
        answer = await ingest.exchange(centre, batch, "network")
        again = Gathered(
            source=Source(origin=identity.origin, node=identity.node, arrived_ms=centre.now_ms())
        )
        by = rules(centre.keys, centre.catalogue)
        for frame in ingest._open(centre, identity, batch).frames(centre.keys.subject):
            for row, hashed in zip(frame.rows, frame.hashes, strict=True):
                if row.entry.index < size:
                    gather(again.source, row.entry, hashed, row.detail, again, by)
        async with centre.store.transaction() as tx:
            for rows in (again.accesses, again.papers, again.cases, again.days):
                await effects.add(tx, rows)
        return answer


async def drop_keys(centre: Centre) -> None:
    """Take the tables of effects their keys, which would refuse a second effect; only in a database of its own."""
    async with centre.store.owner() as connection:
        for table in KEYED:
            await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pk")
