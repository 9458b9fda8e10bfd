"""One node of the world: its folder, its clock, its life and its sudden ends.

The node's code runs unchanged. What a power cut leaves is the folder as it was at the cut, with every transaction that
had returned; the one in flight is in it or not, as the kind of cut says (README, "What a power cut is here").
"""

import asyncio
import functools
import shutil
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from drivers.errors import DriverError
from edge import settings as settings_file
from edge.actions import clockwork
from edge.actions.examiner import Examiner, Job, examine
from edge.actions.node import Node, close_node, open_node
from edge.errors import EdgeError, LedgerUnavailable
from edge.settings import Settings
from edge.store import anchor
from edge.store.clock import NodeClock
from edge.store.store import FILE
from edge.store.transaction import Transaction
from edge.typeset.sheets import ReportSheet
from edge.typeset.typesetter import Typesetter
from matters.model import Matter
from sync.errors import SyncError
from sync.messages.token import FILE_PLACEHOLDER
from tests.simulation.line import Line
from tests.simulation.place import WorldTime
from tests.simulation.tearing import PAGE_BYTES, half, tear_page
from tests.simulation.walking import Power, Turns, Walk

WAIT_S = 30.0
URL = "http://centre"
SLICE_ROWS = 1
"""Rows of a data set in one transaction: the few people here come in more than one."""
LEFT_OUT = ("exchange.lock", "node.db-shm", "reserve")
TORN_LOGS, TORN_PAGES, TORN_ANCHORS = 0.3, 0.3, 0.5
"""Shares of the cuts after which the log has a torn tail, or a page of the database is torn, and of those that fell
into the anchor's write."""
Work = Coroutine[Any, Any, Any]


class Lost(msgspec.Struct, frozen=True):
    """The power went before the action came to its end: nothing of it was seen by anybody."""


class Failed(msgspec.Struct, frozen=True):
    """The action ended with trouble of the node's tree; the clerk sees the error's words."""

    error: Exception


class NearExaminer(Examiner):
    """Looks at sticks in this process: what another process costs is other rings' matter."""

    async def told(self, job: bytes) -> tuple[int, bytes]:
        """What the process would say."""
        found = examine(msgspec.json.decode(job, type=Job), is_apart=True)
        return 0, b"".join(msgspec.json.encode(one) + b"\n" for one in found)


class PlainTypesetter(Typesetter):
    """Sets a report as one line of text: what is on paper is other rings' matter."""

    async def start(self) -> None:
        """Nothing to start."""

    async def close(self) -> None:
        """Nothing to end."""

    async def report(self, sheet: ReportSheet) -> bytes:
        return b"%plain " + msgspec.json.encode(sheet) + b" " + FILE_PLACEHOLDER.encode() + b"\n"


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """When the power goes: at the `waits`th wait of the action, or right after its `commits`th commit of entries."""

    waits: int = -1
    early: bool = False
    commits: int = -1

    @property
    def name(self) -> str:
        """The fault this is."""
        if self.commits > 0:
            return "power-at-commit"
        return "power-early" if self.early else "power-at-wait"


class Hall:
    """A hall or bus. `origin` is empty until it is enrolled; `node` is the running process."""

    def __init__(
        self, name: str, folder: Path, line: Line, time: WorldTime, group: asyncio.TaskGroup, dice: Random
    ) -> None:
        self.name = name
        self.folder = folder
        self.line = line
        self.time = time
        self.dice = dice
        self.data = folder / "life-0"
        self.life = 0
        self.skew_ms = 0
        self.drift = (0.0, 0)
        self.commit_ms = 0
        self.bytes_max = 0
        self.catalogue: Mapping[str, Matter] | None = None
        self.running: Node | None = None
        self.torn: list[str] = []
        self.wrap: Callable[[Any], Any] = lambda store: store
        self._group = group
        self._power: Power | None = None
        self._commits_left = -1
        self._kept: Path | None = None
        self._on_since = 0
        self._anchor_place = 0

    @property
    def node(self) -> Node:
        """The running process."""
        assert self.running is not None
        return self.running

    @property
    def origin(self) -> str:
        """The origin of this node."""
        return self.node.identity.origin

    def clock(self) -> NodeClock:
        """A clock of this machine as it boots now: its wall clock may be wrong, its boot clock is not."""
        self._on_since = self.time.true_ms
        return NodeClock(wall=self._wall, boot=lambda: self.time.true_ms - self._on_since)

    def _wall(self) -> int:
        """The wall clock: set wrong by `skew_ms`, and wrong by a rate since some true time."""
        rate, since = self.drift
        return self.time.true_ms + self.skew_ms + int(rate * (self.time.true_ms - since))

    @property
    def right(self) -> bool:
        """Whether the wall clock is right."""
        return not self.skew_ms and not self.drift[0]

    def set_right(self) -> None:
        """Somebody sets the wall clock."""
        self.skew_ms, self.drift = 0, (0.0, 0)

    async def start(self) -> None:
        """Open the node as its program does, without devices, pages and timetable."""
        node = await open_node(self.data, self.settings(), clock=self.clock(), transport=self.line)
        node.typesetter = PlainTypesetter()
        node.catalogue = self.catalogue or node.catalogue
        node.examiner = NearExaminer()
        node.store.on_commit(self._committed)
        node.store = self.wrap(node.store)
        self.running = node
        await clockwork.boot(node)

    def settings(self) -> Settings:
        """The settings of this folder, as the world limits them."""
        found = settings_file.load(self.data)
        limits = {"reserve_mb": 0, "store_bytes_max": self.bytes_max, "pack_slice_rows": SLICE_ROWS}
        return msgspec.structs.replace(found, **limits)

    async def stop(self) -> None:
        """An orderly end."""
        if self.running is not None:
            node, self.running = self.running, None
            await close_node(node)

    async def restart(self) -> None:
        """Stop and start."""
        await self.stop()
        await self.start()

    async def fill_disk(self, pages: int) -> None:
        """From now on the database may grow by `pages` pages only; 0 lifts the limit."""
        await self.stop()
        size = (self.data / FILE).stat().st_size
        self.bytes_max = size + pages * PAGE_BYTES if pages else 0
        await self.start()

    async def act(self, *works: Work, cut: Cut | None = None) -> list[Any]:
        """Run actions side by side, in turns that are drawn: their results, Failed where they ended with trouble.

        Lost where the power went first; the node is then up again.
        """
        power = Power(cut.waits if cut else -1, early=bool(cut and cut.early))
        self._power, self._commits_left = power, cut.commits if cut else -1
        walks = [Walk(_told(work), power) for work in works]
        tasks = [self._group.create_task(walk) for walk in walks]
        drawing = self._in_turns(walks, tasks) if len(walks) > 1 else None
        ended = self._group.create_task(asyncio.wait(tasks))
        await _first(ended, power.early_reached, power.stopped)
        if power.early_reached.done() and not ended.done():
            self._kept = await self.keep_disk()
            power.go_on.set_result(None)
            await _first(ended, power.stopped)
        self._power, self._commits_left = None, -1
        results = [task.result() if task.done() else Lost() for task in tasks]
        if power.off:
            kept = self._kept or await self.keep_disk()
            for walk in walks:
                await walk.quiet(WAIT_S)
            await self._lose_power(kept, tasks)
        await ended
        if drawing is not None:
            drawing.cancel()
        self._kept = None
        return results

    def _in_turns(self, walks: list[Walk], tasks: list[asyncio.Task[Any]]) -> asyncio.Task[None]:
        turns = Turns(walks, self.dice)
        for walk, task in zip(walks, tasks, strict=True):
            task.add_done_callback(functools.partial(turns.ended, walk))
        return self._group.create_task(turns.draw())

    async def cut_at_rest(self) -> None:
        """The power goes while nothing runs."""
        await self._lose_power(await self.keep_disk(), [])

    async def keep_disk(self) -> Path:
        """The disk as it is once every transaction that was begun has ended."""
        with suppress(LedgerUnavailable):  # nothing was being written, or it failed: the disk is as it is
            await self.node.store.transact(_nothing)
        return self._copy()

    def _copy(self) -> Path:
        self.life += 1
        kept = self.folder / f"life-{self.life}"
        held = self.data / anchor.FILE
        self._anchor_place = held.stat().st_ino if held.exists() else 0
        shutil.copytree(self.data, kept, ignore=shutil.ignore_patterns(*LEFT_OUT))
        return kept

    def _committed(self) -> None:
        """On the writer's thread, after COMMIT: nothing else writes now."""
        self.time.true_ms += self.commit_ms
        node = self.running
        if node is not None:
            node.events.publish_from_thread("entry")
        if self._commits_left > 0 and self._power is not None:
            self._commits_left -= 1
            if self._commits_left == 0:
                self._kept = self._copy()
                self._power.switch_off()

    async def _lose_power(self, kept: Path, tasks: list[asyncio.Task[Any]]) -> None:
        """The old process unwinds where nobody looks any more; the next one finds what was kept."""
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=WAIT_S)
        if self.line.door is not None:
            await self.line.door.idle()
        await self.stop()
        before, self.data = self.data, kept
        self._tear(before)
        shutil.rmtree(before)
        await self.start()

    def _tear(self, before: Path) -> None:
        """What a cut may leave behind what was durable: half-written frames, the anchor line being written."""
        log = self.data / f"{FILE}-wal"
        if self.dice.random() < TORN_LOGS:
            with log.open("ab") as file:
                file.write(self.dice.randbytes(self.dice.randint(1, 3 * PAGE_BYTES)))
            self.torn.append("torn-log")
        if self.dice.random() < TORN_PAGES and tear_page(self.data / FILE, self.dice):
            self.torn.append("torn-page")
        was, soon = self.data / anchor.FILE, before / anchor.FILE
        in_place = was.exists() and soon.stat().st_ino == self._anchor_place
        if in_place and was.read_bytes() != soon.read_bytes() and self.dice.random() < TORN_ANCHORS:
            was.write_bytes(half(was.read_bytes(), soon.read_bytes(), self.dice))
            self.torn.append("torn-anchor")

    async def lose_anchor(self) -> None:
        """The file beside the database is gone when the node starts again."""
        await self.stop()
        (self.data / anchor.FILE).unlink(missing_ok=True)
        await self.start()

    def keep_image(self) -> Path:
        """A whole image of the folder as it is now, for a later restore."""
        image = self.folder / "image"
        shutil.rmtree(image, ignore_errors=True)
        shutil.copytree(self.data, image, ignore=shutil.ignore_patterns(*LEFT_OUT))
        return image

    async def restore_image(self, image: Path, *, with_anchor: bool) -> None:
        """Replace the folder by an older image; without its anchor, the newest anchor stays."""
        await self.stop()
        before, self.data = self.data, self.folder / f"life-{self.life + 1}"
        self.life += 1
        shutil.copytree(image, self.data)
        if not with_anchor:
            shutil.copy(before / anchor.FILE, self.data / anchor.FILE)
        shutil.rmtree(before)
        await self.start()


def _nothing(_: Transaction) -> None:
    """An empty transaction: returns when everything before it has ended."""


async def _told(work: Work) -> Any:
    try:
        return await work
    except (EdgeError, SyncError, DriverError, AssertionError) as error:
        return Failed(error)


async def _first(*waits: asyncio.Future[Any]) -> None:
    """Wait for the first of these; AssertionError when none came (the world hangs)."""
    done, _ = await asyncio.wait(set(waits), timeout=WAIT_S, return_when=asyncio.FIRST_COMPLETED)
    assert done, "nothing ended in time: the world hangs"
