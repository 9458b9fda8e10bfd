"""What a use case may do inside one transaction: append entries, change rows, count serials.

Everything done through one `Transaction` becomes durable together, or not at all (P1, P5).
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from edge.errors import NotEnrolled
from edge.store import bulk
from edge.store.cipher import Connection
from edge.store.clock import JUMP_MS
from edge.store.draft import Draft, Placed
from edge.store.identity import Identity
from sync.clock import ClockState, Hlc, tick
from sync.codec.rows import commit
from sync.ids import subject_ref
from sync.ledger.entry import Entry, leaf, leaf_hash, salt
from sync.messages import registry

Bound = str | int | bytes | float | None
Table = list[tuple[Any, ...]]
_INTO = "INSERT INTO entry (idx, kind, hlc_ms, leaf, leaf_hash, salt, detail)"


class Head:
    """The growing end of the ledger inside one group of requests; written back once a group."""

    def __init__(self, size: int, last: Hlc, boot: int, edge: bytes) -> None:
        self.start = self.size = size
        self.edge = edge
        self.last = last
        self.boot = boot
        self.hashes: list[bytes] = []
        self.waiting: Table = []
        """Rows of `entry` that are not in the table yet."""
        self.anchored = False
        self.settled = False
        self.read_ms = 0

    def mark(self) -> tuple[int, Hlc, int, bool, bool]:
        """Where a savepoint stands."""
        return self.size, self.last, len(self.hashes), self.anchored, self.settled

    def back(self, mark: tuple[int, Hlc, int, bool, bool]) -> None:
        """Forget what was appended since `mark`."""
        self.size, self.last, count, self.anchored, self.settled = mark
        del self.hashes[count:]
        self.waiting.clear()


class Transaction:
    """One request's view of the database, on the writer's thread.

    Never keep it after the function returned.
    """

    def __init__(
        self, connection: Connection, head: Head, identity: Identity | None, now_ms: int, clock: ClockState
    ) -> None:
        self._connection = connection
        self._head = head
        self._identity = identity
        self._clock = clock
        self.now_ms = now_ms

    def append(self, draft: Draft) -> Placed:
        """Place an entry at the end of the ledger; durable when the transaction's `transact` call returns.

        Raises NotEnrolled before there is a ledger. A draft with unknown detail fields is a bug (KeyError).
        """
        entry = self._entry(draft, self._head.size, self.identity)
        return self._place(entry, registry.encode_detail(draft.kind, draft.detail))

    def carry(self, entry: Entry, detail: bytes) -> Placed:
        """Place an entry of an older incarnation at the end of this ledger: a new index, all else its own."""
        return self._place(msgspec.structs.replace(entry, index=self._head.size), detail)

    def _place(self, entry: Entry, detail: bytes) -> Placed:
        identity, index = self.identity, entry.index
        salted = salt(identity.salt_key, index)
        encoded = leaf(entry, commit(salted, detail))
        hashed = leaf_hash(encoded)
        head = self._head
        head.waiting.append((index, entry.kind, entry.hlc_ms, encoded, hashed, salted, detail))
        head.size += 1
        head.last = max(head.last, Hlc(entry.hlc_ms, entry.hlc_n))
        head.hashes.append(hashed)
        return Placed(origin=identity.origin, index=index, leaf_hash=hashed)

    def write_entries(self) -> None:
        """Put what was appended into its table: before any other statement, and when the request is done.

        Together they take less time than one by one between hashes and encodings.
        """
        if self._head.waiting:
            bulk.insert(self._connection, _INTO, self._head.waiting)
            self._head.waiting.clear()

    @property
    def connection(self) -> Connection:
        """The writer's connection, for pure readers of the ledger such as `DatabaseTiles`.

        What was appended before it is asked for is in its table: ask anew after an append.
        """
        self.write_entries()
        return self._connection

    @property
    def identity(self) -> Identity:
        """Whose ledger this is; raises NotEnrolled."""
        if self._identity is None:
            raise NotEnrolled("no identity")
        return self._identity

    def ref(self, number: str) -> bytes:
        """The keyed reference of an identity number, 16 bytes; empty for an empty number."""
        return subject_ref(self.identity.subject_key, number)

    def anchor(self) -> None:
        """Ask that the anchor be fsynced before this transaction is released (a report number is in it)."""
        self._head.anchored = True

    def settle_time(self, size: int) -> None:
        """The centre countersigned the first `size` entries: they were there by the time of its word.

        Entries behind them that moved the logical time on are evidence of their own; then the mark stands.
        """
        newest = self.one("SELECT hlc_ms FROM entry WHERE idx = ?", (size - 1,))
        self._head.settled = newest is not None and newest[0] >= self._head.last.ms

    def execute(self, sql: str, bound: Sequence[Bound] = ()) -> int:
        """Run one statement; the number of rows changed."""
        return int(self.connection.execute(sql, bound).rowcount)

    def execute_many(self, sql: str, rows: Iterable[Sequence[Bound]]) -> None:
        """Run one statement for each row."""
        self.connection.executemany(sql, rows)

    def insert(self, into: str, rows: Sequence[Sequence[bulk.Cell]]) -> None:
        """Put rows of numbers and bytes, in their order, where `into` says (`edge.store.bulk`)."""
        bulk.insert(self.connection, into, rows)

    def query(self, sql: str, bound: Sequence[Bound] = ()) -> Table:
        """All rows of a read inside this transaction."""
        return list(self.connection.execute(sql, bound).fetchall())

    def one(self, sql: str, bound: Sequence[Bound] = ()) -> tuple[Any, ...] | None:
        """The first row, or None."""
        found: tuple[Any, ...] | None = self.connection.execute(sql, bound).fetchone()
        return found

    def count_up(self, name: str, year: int) -> int:
        """The next number of a yearly counter, from 1; a rolled-back transaction gives its number back."""
        where = (name, year)
        if not self.execute("UPDATE counter SET value = value + 1 WHERE name = ? AND year = ?", where):
            self.execute("INSERT INTO counter (name, year, value) VALUES (?,?,1)", where)
        row = self.one("SELECT value FROM counter WHERE name = ? AND year = ?", where)
        assert row is not None
        return int(row[0])

    def note(self, name: str, value: Any) -> None:
        """Store a small named fact (JSON)."""
        self.execute("INSERT OR REPLACE INTO fact VALUES (?,?)", (name, msgspec.json.encode(value)))

    def noted(self, name: str) -> Any:
        """A small named fact, None when absent."""
        row = self.one("SELECT value FROM fact WHERE name = ?", (name,))
        return msgspec.json.decode(row[0]) if row else None

    def _entry(self, draft: Draft, index: int, identity: Identity) -> Entry:
        when = tick(self._head.last, self.now_ms)
        ahead = when.ms - self.now_ms > JUMP_MS  # the order goes on, the time of day does not
        return Entry(
            kind=registry.kind(draft.kind).number,
            index=index,
            hlc_ms=when.ms,
            hlc_n=when.n,
            clock=int(ClockState.UNTRUSTED if ahead else self._clock),
            boot=self._head.boot,
            actor=draft.actor,
            role=draft.role,
            window=draft.window,
            session=draft.session,
            subject_ref=subject_ref(identity.subject_key, draft.subject),
            presence=draft.presence,
            relationship=draft.relationship,
            purpose=draft.purpose,
            basis=draft.basis,
            mode=draft.mode,
            as_of=draft.as_of,
            policy=draft.policy,
            outcome=draft.outcome,
            object=draft.object,
        )
