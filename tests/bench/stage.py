"""What several benches stand on: one centre with one county imported, one hall enrolled at it; made when asked for."""

import asyncio
import contextlib
import json
import os
import resource
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Self

import msgspec

from edge.actions.exchange import exchange
from edge.actions.node import Node, close_node, open_node
from edge.actions.views import ExchangeSummary
from edge.settings import load
from tests.bench.machine import using
from tests.bench.sizes import Size
from tests.bench.timing import took
from tests.story.opening import start_centre
from tests.story.programs import Program
from tests.story.world import HALL_REGION, Place, World
from tests.waiting import until

IMPORT_S = 300.0
PAUSE_S = 0.02
CLERKS = 50
Enrol = Callable[[Place, str], None]


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What the importer did with the county's file."""

    rows: int
    seconds: float
    cpu_s: float
    peak_mib: float


class Exchanged(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange of a node: what it moved, how long it took, who worked."""

    summary: ExchangeSummary
    wire_bytes: int
    seconds: float
    node_cpu_s: float
    centre_cpu_s: float
    longest_wait_ms: float = 0.0
    """Of an empty transaction asked for every PAUSE_S meanwhile: an answer waits at least as long."""


class Stage:
    """Owns the folder and every process of a run; leaving the block ends and removes them."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.folder = Path(tempfile.mkdtemp(prefix="yizhan-bench-"))
        self._worlds: list[World] = []
        self._places: list[Place] = []
        self.password = "yizhan-" + secrets.token_hex(8)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for world in self._worlds:
            world.close()
        for place in self._places:
            place.line.close()
        shutil.rmtree(self.folder)

    @cached_property
    def world(self) -> World:
        """An initialised centre, not yet serving."""
        world = World(self.folder / "world", self.size.people)
        self._worlds.append(world)
        world.central("init", "--passwords-final")
        return world

    @cached_property
    def file(self) -> Path:
        """The county's file, as a department would send it."""
        path = self.world.folder / f"records-{HALL_REGION}.csv"
        sample = ["--people", str(self.size.people), "--seed", "1", "--region", HALL_REGION]
        self.world.central("records", "sample", *sample, "--out", str(path))
        return path

    @cached_property
    def imported(self) -> Imported:
        """The county is in the centre's database, through the importer's own command."""
        data, file = str(self.world.centre_data), str(self.file)
        words = [sys.executable, "-m", "central", "records", "import", "--data", data, file, "--json"]
        said = self.folder / "imported.json"
        with said.open("wb") as sink, took() as whole:
            importer = subprocess.Popen(words, stdout=sink, stderr=subprocess.DEVNULL)
            used = until(lambda: _ended(importer), "the import ends", IMPORT_S, every_s=0.02)
        return Imported(
            rows=json.loads(said.read_bytes())["stored"],
            seconds=whole.seconds,
            cpu_s=used.ru_utime + used.ru_stime,
            peak_mib=used.ru_maxrss / 1024,
        )

    @cached_property
    def centre(self) -> Program:
        """The centre serves."""
        start_centre(self.world)
        return self.world.programs[-1]

    @cached_property
    def hall(self) -> Place:
        """The county's hall: enrolled, its clerks and scopes published, nothing fetched yet."""
        assert self.imported.rows
        place = self.place("hall", HALL_REGION)
        self.world.central("publish")
        return place

    @cached_property
    def filled(self) -> Exchanged:
        """The hall's first exchange: leases, staff, and its whole county in the encrypted cache."""
        return self.exchange(self.hall)

    @cached_property
    def equipped(self) -> Place:
        """The hall with its county in the cache and its devices plugged in, not serving."""
        assert self.filled.summary.received, "the first exchange brought nothing"
        self.hall.plug_in()
        return self.hall

    def place(self, key: str, region: str, enrol: Enrol | None = None) -> Place:
        """A hall with a window and a clerk for everybody of the bench, enrolled through its own line (or by `enrol`)."""
        assert self.centre.process.poll() is None
        place = Place(self.world, key, f"大厅 {key}", "hall")
        self._places.append(place)
        made = self.world.central(
            "node", "create", "--name", place.name, "--region", region, "--kind", "hall"
        )
        place.node = made["node"]
        self.world.central("staff", "import", "--node", place.node, str(self._staff(key)))
        place.data.mkdir(parents=True)
        windows = json.dumps([str(number + 1) for number in range(CLERKS)])
        lines = [f'centre = "{place.centre_url}"', f'hall = "{place.name}"', f'region = "{region}"']
        (place.data / "settings.toml").write_text("\n".join([*lines, f"windows = {windows}", ""]), "utf-8")
        if enrol is None:
            place.edge("enrol", "--centre", place.centre_url, "--code", made["code"])
        else:
            enrol(place, made["code"])
        return place

    def _staff(self, key: str) -> Path:
        rows = ["staff,name,role,permits,password"]
        rows += [f"clerk.{n + 1},柜员{n + 1},clerk,public-credit,{self.password}" for n in range(CLERKS)]
        path = self.world.folder / f"staff-{key}.csv"
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return path

    def exchange(self, place: Place) -> Exchanged:
        """One exchange of a node that does not serve, by the real action in this process, over its line."""
        return asyncio.run(self._exchanged(place))

    async def _exchanged(self, place: Place) -> Exchanged:
        node = await open_node(place.data, load(place.data))
        before, ended = place.line.carried_bytes, asyncio.Event()
        waiting = asyncio.create_task(_longest_wait_s(node, ended))
        try:
            with took() as whole, using(os.getpid()) as own, using(self.centre.process.pid) as centre:
                summary = await exchange(node)
            ended.set()
            longest_s = await waiting
        finally:
            waiting.cancel()
            await close_node(node)
        return Exchanged(
            summary=summary,
            wire_bytes=place.line.carried_bytes - before,
            seconds=whole.seconds,
            node_cpu_s=own.seconds,
            centre_cpu_s=centre.seconds,
            longest_wait_ms=1000 * longest_s,
        )


async def _longest_wait_s(node: Node, ended: asyncio.Event) -> float:
    """Until `ended`, the longest that a transaction which does nothing waited for its turn."""
    longest = 0.0
    while not ended.is_set():
        with took() as one:
            await node.store.transact(lambda _: None)
        longest = max(longest, one.seconds)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PAUSE_S):
                await ended.wait()
    return longest


def _ended(process: subprocess.Popen[bytes]) -> resource.struct_rusage | None:
    """What a process used, once it has ended well; None while it runs."""
    pid, status, used = os.wait4(process.pid, os.WNOHANG)
    if not pid:
        return None
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"exit {process.returncode}"
    return used
