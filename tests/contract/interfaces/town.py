"""A small town by the promised commands only: a centre on its embedded database, a hall enrolled over a real line."""

import asyncio
import contextlib
import io
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from central.__main__ import main as central_main
from central.store import embedded
from edge.__main__ import main as edge_main
from edge.store import cipher, slots
from matters.ids import resident_check
from matters.importing import HEADER, write_row
from matters.records import SubjectRecord
from tests.story.programs import free_port
from tests.waiting import until

REGION = "330102"
PEOPLE = 20
PLANTED_NUMBER = "33010219770305418" + resident_check("33010219770305418")
PLANTED_NAME = "欧阳植字"
PLANTED_PHONE = "13957104826"
CARD = {
    "record": "citizen",
    "name": PLANTED_NAME,
    "sex": "1",
    "nation": "01",
    "birth": "1977-03-05",
    "address": "清河县某路 1 号",
    "number": PLANTED_NUMBER,
    "issuer": "清河县公安局",
    "valid_from": "2018-06-11",
    "valid_to": "2038-06-11",
}


class Done:
    """How a command ended: exit code, what it printed, what it said on standard error."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def document(self) -> Any:
        """The one JSON document on standard output; anything else there is a failure."""
        assert self.out.strip(), f"exit {self.code} without a document; standard error: {self.err[-400:]}"
        return json.loads(self.out)


def called(program: Any, words: Sequence[str]) -> Done:
    """Run a command's `main` in this process, its two streams caught."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = program(list(words))
        except SystemExit as stopped:
            code = int(stopped.code or 0)
    return Done(int(code), out.getvalue(), err.getvalue())


class Town:
    """One centre and one hall in a folder. `close()` ends every process it started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data, self.hall, self.scratch = folder / "centre", folder / "hall", folder / "scratch"
        self.scratch.mkdir()
        self.port, self.hall_port, self.reader_port = free_port(), free_port(), free_port()
        self.url, self.hall_url = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.hall_port}"
        self.password = "yizhan-" + secrets.token_hex(8)
        self.loop = asyncio.new_event_loop()
        self.cluster: Any = None
        self.running: list[subprocess.Popen[bytes]] = []
        self.administrators: dict[str, str] = {}
        self.node = self.code = ""

    def central(self, verb: str, *words: str) -> Done:
        """`python -m central <verb> --data … <words> --json`, in this process."""
        return called(central_main, [*verb.split(), "--data", str(self.data), *words, "--json"])

    def edge(self, verb: str, *words: str, data: Path | None = None) -> Done:
        """`python -m edge <verb> --data … <words> --json`, in this process."""
        return called(edge_main, [verb, "--data", str(data or self.hall), *words, "--json"])

    def found(self) -> None:
        """Step 1: the centre with twenty residents, one of them planted, and a hall's one-time code."""
        made = self.central("init", "--passwords-final").document
        self.administrators = {one["name"]: one["password"] for one in made["administrators"]}
        self.cluster = embedded.running(self.data)  # held, so that no command has to start it again
        self.loop.run_until_complete(self.cluster.__aenter__())
        sample = self.folder / "delivery.csv"
        numbers = ["--people", str(PEOPLE), "--seed", "7", "--region", REGION, "--out", str(sample)]
        assert self.central("records sample", *numbers).code == 0
        with sample.open("a", encoding="utf-8", newline="") as file:
            row = write_row(planted())
            file.write(",".join(f'"{row.get(name, "")}"' for name in HEADER) + "\r\n")
        imported = self.central("records import", str(sample))
        assert imported.document["rejected"] == [], imported.out
        made = self.central(
            "node create", "--name", "清河县市民之家", "--region", REGION, "--kind", "hall"
        ).document
        self.node, self.code = made["node"], made["code"]
        staff = self.folder / "staff.csv"
        row_of = f'{{}},{{}},{{}},"public-credit,credit-bureau,duty",{self.password}\n'
        staff.write_text(
            "staff,name,role,permits,password\n"
            + row_of.format("li.min", "李敏", "clerk")
            + row_of.format("wu.yue", "吴越", "hall-manager"),
            encoding="utf-8",
        )
        assert self.central("staff import", "--node", self.node, str(staff)).code == 0
        assert self.central("publish").code == 0

    def open_centre(self) -> None:
        """Step 2: the centre serves; the hall enrols over the line and fetches its packs."""
        words = ["central", "serve", "--data", str(self.data), "--port", str(self.port)]
        self.start("centre", words, self.url + "/readyz")
        enrolled = self.edge("enrol", "--centre", self.url, "--code", self.code)
        assert enrolled.code == 0, enrolled.err
        assert self.edge("exchange").code == 0

    def open_hall(self) -> None:
        """Step 3: the hall serves, with a reader on a real tty."""
        tty = self.folder / "reader.tty"
        control = ["--link", str(tty), "--control", str(self.reader_port)]
        self.start("reader", ["drivers.devices.resident_id.virtual", *control])
        until(tty.exists, "the reader is plugged in", 20)
        device = f'\n[[devices]]\nname = "阅读机"\nkind = "id_reader"\naddress = "serial:{tty}?baud=115200"\n'
        with (self.hall / "settings.toml").open("a", encoding="utf-8") as settings:
            settings.write(device)
        words = ["edge", "serve", "--data", str(self.hall), "--port", str(self.hall_port)]
        self.start("hall", words, self.hall_url + "/livez")

    def start(self, name: str, words: list[str], url: str = "") -> None:
        """Start a program with a log and a folder for temporary files of its own; wait until `url` answers."""
        place = dict(os.environ) | {"TMPDIR": str(self.scratch)}
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", *words], stdout=log, stderr=log, env=place)
        self.running.append(process)
        if url:
            until(lambda: self._answers(process, name, url), f"{name} answers", 40)

    def _answers(self, process: subprocess.Popen[bytes], name: str, url: str) -> bool:
        assert process.poll() is None, (self.folder / f"{name}.log").read_text()[-1500:]
        try:
            return httpx.get(url, timeout=2).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def log(self, name: str) -> str:
        """Everything a program has said so far."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def altered(self, sql: str) -> None:
        """One statement on the hall's database with the machine's key: a thief with root."""
        connection = cipher.connect(self.hall / "node.db", slots.unlock(self.hall), writer=True)
        try:
            connection.execute(sql)
        finally:
            connection.close()

    def close(self) -> None:
        """End every process, newest first, and the database."""
        for process in reversed(self.running):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
        if self.cluster is not None:
            self.loop.run_until_complete(self.cluster.__aexit__(None, None, None))
        self.loop.close()


def planted() -> SubjectRecord:
    """The resident whose number, name and phone are looked for everywhere they must not be."""
    return SubjectRecord(
        kind="natural",
        number=PLANTED_NUMBER,
        name=PLANTED_NAME,
        sex="1",
        birth=date(1977, 3, 5),
        region="330102001001",
        address="清河县某路 1 号",
        as_of_ms=1_794_000_000_000,
        source="省人口库",
    )
