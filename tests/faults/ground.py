"""Where faults fall: a real centre on its real database, a real hall's folder, a card reader on a real tty."""

import csv
import json
import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg

from edge.__main__ import main as edge_main
from edge.store import anchor, cipher, slots
from tests.contract.interfaces.town import CARD, Done, Town, called
from tests.faults.acting import main as acting_main
from tests.story.outside import centre_dsn
from tests.story.programs import Twin
from tests.waiting import until

LEFT_OUT = ("*.lock", "*-shm", "reserve")
STAFF = ("li.min", "wu.yue")
ON_DUTY = 2
"""The window of the hall's manager, who may ask for an exchange."""
SETTINGS = """
exchange_news_s = 1
exchange_jitter_percent = 50
reserve_mb = 1

[[devices]]
name = "阅读机"
kind = "id_reader"
address = "serial:{tty}?baud=115200"
"""
Entry = tuple[int, bytes]
"""An entry's index and the hash of its leaf."""


class Ground(Town):
    """A town with its reader plugged in, whose hall is started and ended by those who bring the faults."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.reader = Twin(self.reader_port)
        self._tty = folder / "reader.tty"

    def lay_out(self) -> None:
        """Everything up but the hall's own process; its folder holds the county's data and leases."""
        self.found()
        self.open_centre()
        tty = self._tty
        words = [
            "drivers.devices.resident_id.virtual",
            "--link",
            str(tty),
            "--control",
            str(self.reader_port),
        ]
        self.start("reader", words)
        until(tty.exists, "the reader is plugged in", 20)
        until(self._reader_listens, "the reader's control listens", 20)
        self.plug_in(self.hall)

    def plug_in(self, folder: Path) -> None:
        """A node's settings name the one reader and let it exchange often; one node serves at a time."""
        with (folder / "settings.toml").open("a", encoding="utf-8") as settings:
            settings.write(SETTINGS.format(tty=self._tty))
            settings.flush()
            os.fsync(settings.fileno())

    def _reader_listens(self) -> bool:
        try:
            return bool(self.reader.ask(do="lift"))
        except OSError:
            return False

    def second_hall(self, folder: Path, centre: str = "") -> str:
        """One more hall with a folder of its own, enrolled and filled through `centre`; its node id."""
        made = self.central(
            "node create", "--name", "另一处", "--region", "330102", "--kind", "hall"
        ).document
        staff = self.folder / "staff.csv"
        assert self.central("staff import", "--node", made["node"], str(staff)).code == 0
        assert self.central("publish").code == 0
        enrolled = self.edge("enrol", "--centre", centre or self.url, "--code", made["code"], data=folder)
        assert enrolled.code == 0, enrolled.err
        return str(made["node"])

    def kill_centre(self) -> None:
        """SIGKILL the centre's process (its database goes on) and start another at the same address."""
        centre = self.running.pop(0)
        centre.kill()
        centre.wait(20)
        words = ["central", "serve", "--data", str(self.data), "--port", str(self.port)]
        self.start("centre-again", words, self.url + "/readyz")
        self.running.insert(0, self.running.pop())

    def cut_off(self, folder: Path) -> None:
        """A node whose centre is nowhere: its settings name a port nobody listens on."""
        path = folder / "settings.toml"
        path.write_text(path.read_text("utf-8").replace(self.url, "http://127.0.0.1:9"), encoding="utf-8")

    def change_data(self, number: str) -> None:
        """A subject's records change at the centre and are published."""
        changed = self.central("records change", "--number", number)
        assert changed.code == 0, changed.err
        assert self.central("publish").code == 0

    def act(self, words: list[str]) -> Done:
        """One of `acting`'s acts, in this process."""
        return called(acting_main, words[1:])

    def check(self, folder: Path) -> Done:
        """`edge check` as judge over a folder nobody has open. It opens the file as a starting node does."""
        return called(edge_main, ["check", "--data", str(folder), "--json"])

    def copy(self, folder: Path) -> Path:
        """What lies on the disk now, write-ahead log and all, in place of the copy before."""
        copy = self.folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
        return copy

    def centre_rows(self, sql: str, *values: Any) -> list[Any]:
        """Rows of the centre's database by a connection of our own."""
        return list(self.loop.run_until_complete(_rows(centre_dsn(self.data), sql, *values)))


async def _rows(dsn: str, sql: str, *values: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return list(await connection.fetch(sql, *values))
    finally:
        await connection.close()


def node_rows(folder: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows of a node's encrypted file that nobody has open."""
    with closing(cipher.connect(folder / "node.db", slots.unlock(folder))) as opened:
        return [tuple(row) for row in opened.execute(sql, values)]


def entries(folder: Path) -> list[Entry]:
    """Every entry of a node's ledger, in order."""
    return [(row[0], row[1]) for row in node_rows(folder, "SELECT idx, leaf_hash FROM entry ORDER BY idx")]


def anchored_size(folder: Path) -> int:
    """How far the anchor says the ledger had come."""
    kept = anchor.read(folder)
    return kept.size if kept else 0


def citizens(ground: Ground) -> list[dict[str, Any]]:
    """The cards of the county's adults."""
    with (ground.folder / "delivery.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row.get("row") == "subject"]
    found = [CARD | {name: row[name] for name in ("name", "sex", "birth", "address", "number")} for row in rows
             if row.get("kind") == "natural" and "1945" < row["birth"][:4] < "2002"]  # fmt: skip
    assert found
    return found


def own_query(read_id: str, delivery: str) -> bytes:
    """A person asks for their own record; the card was read."""
    materials = [{"kind": "resident-id", "original": True, "copy": True}]
    query = {"matter": "public-credit.self", "presence": {"read_id": read_id}, "delivery": delivery}
    return json.dumps(query | {"materials": materials, "purpose": "self"}).encode()
