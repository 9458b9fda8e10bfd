"""The centre's side judged from outside, over the witness connection: what it holds, acknowledged and caused."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

from central.actions import files as central_files
from central.actions.centre import Centre, operator
from sync.batch.acknowledge import Acknowledgement, decode
from sync.batch.file import open_sealed
from sync.errors import SyncError
from sync.ledger.entry import leaf_hash
from sync.signing.keys import SealingKey
from sync.signing.notes import open_note
from tests.simulation.book import STRANGE, Book, Line
from tests.simulation.offence import Offence, demand

AUDITOR = operator("audit")
ACCESS = ("access.answered", "access.denied", "access.deferred", "access.local")
PAPER = ("report.printed", "report.spoiled", "report.reprinted", "report.handed_over")
CASE = ("case.opened", "case.changed")
EFFECTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("access", ACCESS),
    ("report", ("report.issued",)),
    ("paper", PAPER),
    ("case_event", CASE),
    ("day_total", ("day.closed",)),
    ("quota_spent", ("quota.spent",)),
)
"""Which table holds exactly one row for each entry of which kinds (P5)."""


DUMPED = (
    ("ledger_head", "size, root, countersigned, frozen"),
    ("entry", "idx, kind, arrived_ms, leaf_hash"),
    ("checkpoint", "size, root, signed_ms"),
    ("mailbox", "last_number, seen_number"),
    ("contact", "at_ms, carrier, entries, pending"),
    *((table, "idx") for table, _ in EFFECTS),
)


class Court:
    """The judge of one origin at the centre. `size` is what it held at the last look: it never shrinks."""

    _turn = asyncio.Lock()

    def __init__(self, centre: Centre, witness: Any, origin: str, book: Book) -> None:
        self._centre = centre
        self._witness = witness
        self._origin = origin
        self._book = book
        self.size = 0
        self.unshown_allowed = False
        self._forgotten = 0
        self._disclosures_lost = False
        self._signed: dict[int, bytes] = {}

    async def rows(self, sql: str, *bound: object) -> list[Any]:
        """All rows of a read about this origin (`$1`)."""
        return await self._read(sql, self._origin, *bound)

    async def _read(self, sql: str, *bound: object) -> list[Any]:
        """The judges of several nodes take turns at the one connection."""
        async with self._turn:
            return list(await self._witness.fetch(sql, *bound))

    async def restored(self) -> None:
        """The centre's database is older than it was: the copy may be shorter, until it is level again.

        What it countersigned before may still be on its way to the node, on a stick.
        """
        self.size = 0
        self._forgotten = max(self._signed, default=0)
        self._disclosures_lost = True

    async def unmoved(self) -> None:
        """Whatever a node with another history said, this copy is as it was (P2)."""
        found = await self.rows("SELECT idx, leaf_hash FROM entry WHERE origin = $1 ORDER BY idx")
        mine = [line.hash for line in self._book.lines[: self.size]]
        demand([row["leaf_hash"] for row in found] == mine, "P2", "an old image changed the centre's copy")

    async def look(self) -> None:
        """Nothing missing, doubled, altered or ahead of the node (P2); roots equal."""
        head = (
            await self.rows("SELECT size, root, countersigned, frozen FROM ledger_head WHERE origin = $1")
        )[0]
        found = await self.rows(
            "SELECT idx, leaf_hash FROM entry WHERE origin = $1 AND idx >= $2 ORDER BY idx", self.size
        )
        demand(
            head["size"] >= self.size, "P2", f"the centre's copy shrank from {self.size} to {head['size']}"
        )
        indexes = [row["idx"] for row in found]
        demand(
            indexes == list(range(self.size, head["size"])),
            "P2",
            f"gap or doubling at the centre after {self.size}",
        )
        demand(
            head["size"] <= self._book.size,
            "P2",
            f"the centre holds {head['size']}, the node {self._book.size}",
        )
        for row in found:
            demand(
                row["leaf_hash"] == self._book.lines[row["idx"]].hash,
                "P2",
                f"entry {row['idx']} differs at the centre",
            )
        demand(
            head["root"] == self._book.root(head["size"]),
            "P2",
            f"another root at the centre at {head['size']}",
        )
        demand(head["countersigned"] <= head["size"], "P2", "the centre countersigned more than it holds")
        demand(not head["frozen"], "P2", f"the centre froze an honest ledger: {head['frozen']}")
        demand(
            self._book.acknowledged <= max(head["countersigned"], self._forgotten),
            "P2",
            f"the node believes {self._book.acknowledged}, the centre countersigned {head['countersigned']}",
        )
        self.size = head["size"]

    async def replied(self, reply: bytes, key: SealingKey) -> None:
        """An acknowledgement leaves the centre: what it says is durable there at this moment (rule 4.3)."""
        own = self._centre.keys.signing.public
        try:
            _, payload = open_sealed(
                reply,
                key,
                lambda origin: own if origin == self._centre.origin else None,
                kind="acknowledge",
                destination=self._origin,
            )
        except SyncError as error:
            raise Offence("P2", f"the centre's own reply does not open: {error.detail}") from error
        await self._durable(decode(payload, self._centre.origin))

    async def _durable(self, ack: Acknowledgement) -> None:
        query = "SELECT count(*) AS n FROM entry_body WHERE origin = $1 AND idx < $2"
        held = (await self.rows(query, max(ack.size, ack.next)))[0]["n"]
        demand(
            held >= max(ack.size, ack.next), "P2", f"acknowledged {ack.size}, wants {ack.next}, stored {held}"
        )
        if ack.levelling:
            silent = not (ack.note or ack.centre_checkpoint or ack.directives or ack.releases)
            demand(silent, "signing", "a centre that is not level with itself says more than how far it is")
            return
        if ack.size:
            once = self._signed.setdefault(ack.size, ack.root) == ack.root
            demand(once, "signing", f"two roots countersigned at {ack.size}")
            kept = await self.rows(
                "SELECT root, note FROM checkpoint WHERE origin = $1 AND size = $2", ack.size
            )
            same = bool(kept) and (kept[0]["root"], kept[0]["note"]) == (ack.root, ack.note)
            demand(same, "P2", f"the countersignature of {ack.size} left before it was durable")
        trusted = {self._centre.origin: self._centre.keys.signing.public}
        own = open_note(ack.centre_checkpoint, trusted)
        query = "SELECT root FROM checkpoint WHERE origin = $1 AND size = $2"
        kept = await self._read(query, own.origin, own.size)
        demand(
            kept and kept[0]["root"] == own.root, "signing", f"the centre signed another root at {own.size}"
        )

    async def effects(self) -> None:
        """Every entry the centre holds had its effect exactly once (P5); no effect without its entry."""
        done = await self._done_before()
        held = [line for line in self._book.lines[: self.size] if line.entry.index not in done]
        for table, kinds in EFFECTS:
            wanted = [line.entry.index for line in held if line.kind in kinds]
            found = [
                row["idx"]
                for row in await self.rows(f"SELECT idx FROM {table} WHERE origin = $1 ORDER BY idx")
            ]
            demand(found == wanted, "P5", f"{table}: {_difference(found, wanted)}")
        rejected = await self.rows("SELECT idx, reason FROM effect_rejected WHERE origin = $1 ORDER BY idx")
        strange = [line.entry.index for line in self._book.lines[: self.size] if line.kind == STRANGE]
        same = [row["idx"] for row in rejected] == strange
        demand(same, "P6", f"effects rejected: {[tuple(row) for row in rejected]}, strange are {strange}")
        await self._promises(held)
        await self._verdicts(held)
        await self._disclosures(held)

    async def _done_before(self) -> set[int]:
        """Entries carried over that the centre holds where they stood first: their effect was there (rule 4.6)."""
        query = "SELECT idx FROM entry WHERE $1 <> '' AND origin = $2 AND idx = $3 AND leaf_hash = $4"
        places = [(line.entry.index, line.first_place) for line in self._book.lines[: self.size]]
        return {index for index, place in places if place and await self.rows(query, *place)}

    async def _promises(self, held: Sequence[Line]) -> None:
        wanted = sorted(
            str(line.detail["case"])
            for line in held
            if line.kind in CASE and line.detail["state"] == "deferred"
        )
        found = await self.rows("SELECT case_no FROM deferral WHERE origin = $1 ORDER BY case_no")
        demand([row["case_no"] for row in found] == wanted, "P5", "deferrals and deferred cases differ")

    async def _verdicts(self, held: Sequence[Line]) -> None:
        issued = [line for line in held if line.kind == "report.issued"]
        wanted = sorted(
            str(line.detail["serial"]) for line in issued if line.detail["status"] == "provisional"
        )
        found = await self.rows("SELECT serial FROM settlement WHERE origin = $1 ORDER BY serial")
        demand([row["serial"] for row in found] == wanted, "P5", "verdicts and provisional reports differ")

    async def _disclosures(self, held: Sequence[Line]) -> None:
        """The pair of every online answer; a disclosure nobody was shown is left by a lost reply only.

        That of an answer carried over stands under the incarnation that was asked.
        """
        found = await self.rows("SELECT request_id FROM disclosure WHERE origin = $1")
        given = Counter(row["request_id"] for row in found)
        shown = Counter(
            line.detail["request_id"]
            for line in held
            if line.kind == "access.answered" and line.entry.mode == "online" and not line.first_place
        )
        lost = self._disclosures_lost
        demand(lost or not shown - given, "P5", "an online answer was shown that the centre never disclosed")
        demand(max(given.values(), default=1) == 1, "P5", "one request was disclosed twice")
        if not self.unshown_allowed and self.size == self._book.size:
            demand(
                not given - shown, "P5", "the centre disclosed what was never shown, and no reply was lost"
            )

    async def files(self, centre: Centre, node: str) -> None:
        """No report file the node still has is lacking here, whole (P8)."""
        mine = {row[0] for row in self._book.query("SELECT digest FROM report_file")}
        lacking = await central_files.lacking(centre, AUDITOR, node)
        left = [one.serial for one in lacking if bytes.fromhex(one.digest) in mine]
        demand(not left, "P8", f"report files that never arrived: {left}")

    async def written(self) -> str:
        """What the centre holds of this origin, for a dump: hashes and indexes, nothing about persons."""
        lines: list[str] = []
        for table, columns in DUMPED:
            lines.append(table)
            found = await self.rows(f"SELECT {columns} FROM {table} WHERE origin = $1 ORDER BY 1")
            lines += ["  " + " ".join(_plain(value) for value in row) for row in found]
        return "\n".join(lines) + "\n"

    async def thorough(self) -> None:
        """The stored bodies, hashed again."""
        found = await self.rows("SELECT idx, leaf FROM entry_body WHERE origin = $1 ORDER BY idx")
        demand(
            [row["idx"] for row in found] == list(range(self.size)),
            "P2",
            "a body is missing or doubled at the centre",
        )
        for row in found:
            same = leaf_hash(row["leaf"]) == self._book.lines[row["idx"]].hash
            demand(same, "P2", f"the body of entry {row['idx']} is another at the centre")


def _difference(found: Sequence[int], wanted: Sequence[int]) -> str:
    more, less = Counter(found) - Counter(wanted), Counter(wanted) - Counter(found)
    return f"doubled or without an entry {sorted(more.elements())}, missing {sorted(less.elements())}"


def _plain(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
