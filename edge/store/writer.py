"""The one writer: a thread that runs whole transactions as functions and commits many of them with one fsync.

Life of a request: queued with its future → BEGIN (a group of up to GROUP_MAX) → SAVEPOINT, run, RELEASE or
roll back → tiles and head written once → COMMIT (fsync) → anchor, where asked → futures resolved. A
request that
fails undoes itself only; a commit that fails fails the whole group, and nothing of it was released.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from edge.errors import BrokenPage, EdgeError, LedgerUnavailable, NotEnrolled, StoreTrouble
from edge.store import anchor, salvage
from edge.store.cipher import TROUBLE, Connection, is_bug, is_busy, is_full, translate
from edge.store.clock import NodeClock
from edge.store.identity import Identity, identity, read_secrets
from edge.store.ledger import Roots, grow
from edge.store.transaction import Head, Transaction
from sync.clock import Hlc

T = TypeVar("T")
Work = Callable[[Transaction], Any]
GROUP_MAX = 64
QUEUE_MAX = 1024


class _Request:
    """One function and where its result goes: to the coroutine that waits on the loop it came from."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        """Tell the waiting coroutine, on its loop.

        One that was cancelled is told nothing (its entry stands all the same).
        """
        if self.future.cancelled():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Writer:
    """Owns the writing connection and its thread.

    `failed` holds the error after which nothing is written any more.
    """

    def __init__(self, connection: Connection, data: Path, clock: NodeClock) -> None:
        self._connection = connection
        self._data = data
        self._clock = clock
        self._queue: queue.Queue[_Request | None] = queue.Queue(QUEUE_MAX)
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._roots = Roots()
        self.failed: StoreTrouble | None = None
        self.on_commit: Callable[[], None] = lambda: None
        self.identity: Identity | None = identity(read_secrets(connection))

    def take_identity(self, found: Identity | None) -> None:
        """Sign and anchor as `found` from the next group on; the ledger may be another one from here."""
        self.identity, self._roots = found, Roots()

    def broken(self, met: BrokenPage) -> None:
        """A broken page was met, here or by a reader: nothing is written any more, the next start knows."""
        salvage.report(self._data, met.detail)
        self.failed = self.failed or met

    def start(self) -> None:
        """Begin to serve requests."""
        self._thread.start()

    def submit(self, work: Work) -> asyncio.Future[Any]:
        """Queue a transaction of the running loop.

        Its future resolves after the commit is fsynced; a full queue raises LedgerUnavailable.
        """
        if self.failed is not None:
            raise LedgerUnavailable(f"store stopped: {self.failed.detail}")
        request = _Request(work)
        try:
            self._queue.put_nowait(request)
        except queue.Full as error:
            raise LedgerUnavailable("writer queue is full") from error
        return request.future

    def stop(self) -> None:
        """Finish what is queued, then end the thread and close the connection."""
        self.failed = self.failed or StoreTrouble("closed")
        self._queue.put(None)
        self._thread.join(timeout=30)
        self._connection.close()

    def _run(self) -> None:
        last = False
        while not last:
            group, last = self._gather()
            if group:
                self._serve(group)

    def _gather(self) -> tuple[list[_Request], bool]:
        """The next group, and whether it is the last before the writer stops (then it may be empty)."""
        group: list[_Request] = []
        request = self._queue.get()
        while request is not None:
            group.append(request)
            if len(group) >= GROUP_MAX or self._queue.empty():
                return group, False
            request = self._queue.get()  # nobody else takes from it
        return group, True

    def _serve(self, group: list[_Request]) -> None:
        try:
            self._commit(group)
        except TROUBLE as error:
            self._fail(group, error)
        except EdgeError as error:
            self._undo()
            for request in group:
                request.error = error
        except Exception as error:  # noqa: BLE001 -- supervisor: a bug must not leave callers waiting for ever
            self._break(group, error)
        for loop in {request.loop for request in group}:
            waiting = [request for request in group if request.loop is loop]
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits
                loop.call_soon_threadsafe(_settle, waiting)

    def _break(self, group: list[_Request], error: Exception) -> None:
        """Something nobody foresaw: every caller is told, and nothing is written any more."""
        self._undo()
        self.failed = StoreTrouble(f"writer: {type(error).__name__}")
        for request in group:
            request.error = self.failed

    def _commit(self, group: list[_Request]) -> None:
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        head = self._head()
        for request in group:
            self._one(request, head, alone=len(group) == 1)
        if not self._connection.in_transaction:  # the only request undid itself
            return
        if head.settled:
            self._clock.settle()
            head.read_ms = self._clock.now_ms()
        if head.hashes or head.settled:
            self._write_head(head)
        run("COMMIT")
        if head.hashes:
            self._clock.persisted(head.read_ms)
            self.on_commit()
        if head.anchored:
            self._anchor(head)

    def _one(self, request: _Request, head: Head, *, alone: bool) -> None:
        """Run one request inside its savepoint; its own error undoes it alone.

        A request that is `alone` in its group is undone with the whole transaction instead: a savepoint
        copies and encrypts each page a second time.
        """
        run = self._connection.execute
        mark = head.mark()
        if not alone:
            run("SAVEPOINT request")
        head.read_ms = max(head.read_ms, self._clock.now_ms())
        transaction = Transaction(self._connection, head, self.identity, head.read_ms, self._clock.state)
        try:
            request.result = request.work(transaction)
            transaction.write_entries()
        except TROUBLE as error:
            if not self._connection.in_transaction:
                raise  # the library rolled everything back (disk full): the group fails as one
            request.error = AssertionError(str(error)) if is_bug(error) else translate(error)
            if isinstance(request.error, BrokenPage):
                self.broken(request.error)
        except BaseException as error:  # noqa: BLE001 -- supervisor: whatever it was belongs to the waiting caller
            request.error = error
        if alone:
            if request.error is not None:
                run("ROLLBACK")
            return
        if request.error is not None:
            run("ROLLBACK TO request")
            head.back(mark)
        run("RELEASE request")

    def _head(self) -> Head:
        row = self._connection.execute(
            "SELECT size, hlc_ms, hlc_n, boot, CAST(edge AS BLOB), mark_ms FROM ledger_head"
        ).fetchone()
        self._clock.persisted(int(row[5]))
        return Head(int(row[0]), Hlc(int(row[1]), int(row[2])), int(row[3]), bytes(row[4]))

    def _write_head(self, head: Head) -> None:
        head.edge = grow(self._connection, head.start, head.edge, head.hashes)
        times = (head.read_ms, self._clock.trusted_ms, int(self._clock.state))
        self._connection.execute(
            "UPDATE ledger_head SET size = ?, hlc_ms = ?, hlc_n = ?, mark_ms = ?,"
            " trusted_ms = max(trusted_ms, ?), clock = ?, edge = ? WHERE one = 1",
            (head.size, head.last.ms, head.last.n, *times, head.edge),
        )

    def _anchor(self, head: Head) -> None:
        """Crash rule 2: the anchor is fsynced before what is in the group is released."""
        if self.identity is None:
            raise NotEnrolled("no ledger to anchor")
        root = self._roots.at(self._connection, head.size, head.edge)
        try:
            anchor.write(self._data, anchor.Anchor(origin=self.identity.origin, size=head.size, root=root))
        except OSError as error:
            raise LedgerUnavailable(f"anchor: {error.strerror}") from error

    def _undo(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _fail(self, group: list[_Request], error: Exception) -> None:
        """The group did not become durable.

        Out of room or a busy lock passes; anything else stops the store.
        """
        trouble = translate(error)
        if isinstance(trouble, BrokenPage):
            self.broken(trouble)
        try:
            self._undo()
        except TROUBLE:
            self.failed = trouble
        if not (is_full(error) or is_busy(error)):
            self.failed = (
                trouble  # crash rule 5: after an fsync or commit error the process ends and checks its tail
            )
        for request in group:
            if request.error is None:
                request.error = LedgerUnavailable(trouble.detail)


def _settle(group: list[_Request]) -> None:
    """Tell all that wait on this loop, which is woken once."""
    for request in group:
        request.settle()
