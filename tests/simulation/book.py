"""What the world knows of one node's ledger from outside: read by a connection of its own, kept across power cuts.

Nothing here asks the node's code what it did; leaves are hashed again, roots are computed again.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from edge.store import anchor, cipher, slots
from edge.store.ledger import DatabaseTiles
from edge.store.store import FILE
from sync.errors import SyncError
from sync.ledger import tree
from sync.ledger.entry import Entry, leaf_hash, parse_leaf
from sync.ledger.judge import fsck
from sync.messages import registry
from sync.messages.registry import DetailValue
from tests.simulation.offence import Offence, demand

STRANGE = "strange"
"""What an entry of an unknown kind, or with a detail that is none, is called here: it has no effect (P6)."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as read from the node's file: name of its kind, leaf, opened detail."""

    kind: str
    entry: Entry
    detail: dict[str, DetailValue]
    hash: bytes

    @property
    def first_place(self) -> tuple[str, int, bytes] | None:
        """Origin, index and hash it had on an ended ledger; None for an entry that was written here."""
        found = (one for one in self.entry.ext if one[0] == "carried")
        return next(((one[1], one[2], one[3]) for one in found), None)


class Book:
    """Everything ever seen durable, released or signed of one origin.

    `before` are the entries of ended ledgers which this one does not carry: the centre countersigned them.
    """

    def __init__(self, before: Sequence[Line] = ()) -> None:
        self.before = tuple(before)
        self.lines: list[Line] = []
        self.tiles = tree.MemoryTiles()
        self.size = 0
        self.signed: dict[int, bytes] = {}
        self.acknowledged = 0
        self.released: dict[int, bytes] = {}
        self.serials: dict[str, int] = {}
        self.refused = 0
        self._witness: Any = None
        self._data = Path()

    def open(self, data: Path) -> None:
        """Read from this folder from now on, on a connection of the world's own."""
        self.close()
        self._witness = cipher.connect(data / FILE, slots.unlock(data))
        self._data = data

    @property
    def history(self) -> list[Line]:
        """Every entry this node's rows come from, of all its ledgers, each once."""
        return [*self.before, *self.lines]

    @property
    def is_open(self) -> bool:
        """Whether the node's file is looked at."""
        return self._witness is not None

    def close(self) -> None:
        """Let go of the file."""
        if self._witness is not None:
            self._witness.close()
            self._witness = None

    def query(self, sql: str, *bound: object) -> list[Any]:
        """All rows of a read in the node's file as it is now."""
        return list(self._witness.execute(sql, bound).fetchall())

    def root(self, size: int) -> bytes:
        """The root over the first `size` entries, computed here."""
        return tree.root(self.tiles, size)

    def look(self) -> None:
        """Take in what became durable since the last look; every entry must follow the one before it (P2)."""
        with self._one_view():
            self._look()

    @contextmanager
    def _one_view(self) -> Iterator[None]:
        """Several reads of one moment: the node may be writing."""
        self._witness.execute("BEGIN")
        try:
            yield
        finally:
            self._witness.execute("COMMIT")

    def _look(self) -> None:
        size = int(self.query("SELECT size FROM ledger_head")[0][0])
        demand(size >= self.size, "P2", f"the node's ledger shrank from {self.size} to {size}")
        rows = self.query(
            "SELECT idx, leaf, leaf_hash, detail, kind FROM entry WHERE idx >= ? ORDER BY idx", self.size
        )
        demand(
            len(rows) == size - self.size,
            "P2",
            f"head says {size}, {self.size + len(rows)} entries are there",
        )
        for row in rows:
            self._take(read_line(*row))
        if rows:
            _, changed = tree.append(self.tiles, self.size, [line.hash for line in self.lines[self.size :]])
            self.tiles.update(changed)
            self.size = size
        self._look_at_signatures()

    def _take(self, line: Line) -> None:
        at = len(self.lines)
        demand(line.entry.index == at, "P2", f"entry {line.entry.index} is there, {at} follows")
        last = next((one for one in reversed(self.lines) if one.first_place is None), None)
        if last is not None and line.first_place is None:
            now, before = ((one.entry.hlc_ms, one.entry.hlc_n) for one in (line, last))
            demand(now > before, "P2", f"entry {at} is not later than the one before it")
        self.lines.append(line)

    def _look_at_signatures(self) -> None:
        for size, root in self.query(
            "SELECT size, root FROM checkpoint WHERE size > ?", max(self.signed, default=0)
        ):
            self.sign(size, root)
        held = self.query("SELECT max(size) FROM checkpoint WHERE counter IS NOT NULL")[0][0] or 0
        demand(
            held >= self.acknowledged, "P2", f"acknowledged size went back from {self.acknowledged} to {held}"
        )
        self.acknowledged = held

    def sign(self, size: int, root: bytes) -> None:
        """A checkpoint was signed: never two roots at one size, and only over what is there."""
        demand(self.signed.setdefault(size, root) == root, "signing", f"two roots signed at size {size}")
        demand(size <= self.size, "signing", f"size {size} signed, {self.size} entries are durable")
        demand(self.root(size) == root, "signing", f"the root signed at {size} is not the ledger's")

    def leaving(self, size: int, root: bytes) -> None:
        """A checkpoint leaves the node: it must be durable there already."""
        self.look()
        found = self.query("SELECT root FROM checkpoint WHERE size = ?", size)
        demand(
            found and found[0][0] == root, "signing", f"the checkpoint of {size} left before it was durable"
        )
        self.sign(size, root)

    def release(self, index: int, hashed: bytes, what: str) -> None:
        """Something is shown: its entry is durable at this moment (P1)."""
        rows = self.query("SELECT leaf, leaf_hash FROM entry WHERE idx = ?", index)
        size = int(self.query("SELECT size FROM ledger_head")[0][0])
        demand(rows and index < size, "P1", f"{what} was shown, its entry {index} is not in the file")
        same = rows[0][1] == hashed == leaf_hash(rows[0][0])
        demand(same, "P1", f"{what} was shown with another hash than entry {index} has")
        demand(
            index not in self.released, "P2", f"{what} and something before were shown under entry {index}"
        )
        self.released[index] = hashed

    def release_refusal(self, code: str) -> None:
        """A no is shown: there is a durable denial for it that no other no was shown with (P1)."""
        self.look()
        denials = sum(line.kind == "access.denied" and line.entry.outcome == code for line in self.lines)
        self.refused += 1
        demand(denials > 0, "P1", f"a refusal {code} was shown without an entry")
        total = sum(line.kind == "access.denied" for line in self.lines)
        demand(total >= self.refused, "P1", f"{self.refused} refusals were shown, {total} are on the ledger")

    def release_serial(self, serial: str, index: int) -> None:
        """A report number is shown: once for ever, and never before the anchor holds its entry (crash rule 2)."""
        known = self.serials.setdefault(serial, index)
        demand(known == index, "P2", f"serial {serial} was shown for entries {known} and {index}")
        kept = anchor.read(self._data)
        demand(kept and kept.size > index, "P1", f"serial {serial} was shown before it was anchored")

    def survived(self) -> None:
        """After any restart: nothing that was durable is missing or altered (P2)."""
        found = self.query("SELECT leaf_hash FROM entry WHERE idx < ? ORDER BY idx", self.size)
        same = [row[0] for row in found] == [line.hash for line in self.lines]
        demand(same, "P2", "entries that were durable are missing or altered after the restart")
        self.look()

    def thorough(self) -> None:
        """The judge over everything the node holds."""
        rows = self.query("SELECT idx, leaf, leaf_hash, salt, detail FROM entry ORDER BY idx")
        signed = self.query("SELECT size, root FROM checkpoint ORDER BY size")
        try:
            verdict = fsck(rows, DatabaseTiles(self._witness), signed)
        except SyncError as error:
            raise Offence("P2", f"the node's ledger cannot be judged: {error.detail}") from error
        demand(verdict.broken_at is None, "P2", f"the node's ledger: {verdict.reason} at {verdict.broken_at}")
        for index, hashed in self.released.items():
            demand(
                index < len(rows) and rows[index][2] == hashed,
                "P2",
                f"released entry {index} is gone or altered",
            )


def read_line(index: int, leaf: bytes, stored: bytes, detail: bytes, kind: int) -> Line:
    """An entry as its row says; Offence where leaf, hash, place and kind do not agree (P2)."""
    entry, _ = parse_leaf(leaf)
    demand(index == entry.index, "P2", f"entry {entry.index} stands at {index}")
    same = leaf_hash(leaf) == stored and kind == entry.kind
    demand(same, "P2", f"entry {index} is stored with another hash or kind")
    name = registry.by_number(entry.kind).name if registry.known(entry.kind) else STRANGE
    try:
        fields = registry.decode_detail(entry.kind, detail)
    except SyncError:
        name, fields = STRANGE, {}
    return Line(kind=name, entry=entry, detail=fields, hash=stored)


def size_of(data: Path) -> int:
    """Entries in the database of a folder nobody has open."""
    with closing(cipher.connect(data / FILE, slots.unlock(data))) as opened:
        return int(opened.execute("SELECT size FROM ledger_head").fetchone()[0])
