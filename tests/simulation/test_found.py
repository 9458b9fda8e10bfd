"""What worlds have found, each as one small story that cannot hide behind chance."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from edge.actions import exchange
from edge.actions.views import Answer
from edge.store import anchor
from edge.store.anchor import Anchor
from tests.simulation.hall import Failed
from tests.simulation.levelling import level
from tests.simulation.place import Backup, Place
from tests.simulation.restoring import approved, put_back
from tests.simulation.stories import scripted, serve, sync_up
from tests.simulation.world import HOUR_MS

pytestmark = pytest.mark.simulation
ORIGIN = "qingzhou.example/node/330102/i1"


@pytest.mark.parametrize("sizes", [(1, 3), (1, 2, 4), (2, 4, 6), (1, 2, 3), (5, 5)])
def test_a_power_cut_while_the_anchor_is_written_leaves_the_one_before_it(
    tmp_path: Path, sizes: tuple[int, ...]
):
    for size in sizes[:-1]:
        anchor.write(tmp_path, Anchor(origin=ORIGIN, size=size, root=bytes([size]) * 32))
    path = tmp_path / anchor.FILE
    before, place = path.read_bytes(), path.stat().st_ino
    anchor.write(tmp_path, Anchor(origin=ORIGIN, size=sizes[-1], root=bytes([99]) * 32))
    after = bytearray(path.read_bytes())
    for at in range(len(after)):
        if at >= len(before) or after[at] != before[at]:
            after[at] ^= 0x20  # what was being written is garbled, the rest stands
    # A new file that was renamed into place is not torn: the old one stands until it is whole.
    path.write_bytes(bytes(after) if path.stat().st_ino == place else before)
    kept = anchor.read(tmp_path)
    assert kept is not None
    assert kept.size == sizes[-2]


def test_a_node_whose_clock_ran_ahead_exchanges_again_once_it_is_right(runner: asyncio.Runner, place: Place):
    async def story() -> tuple[object, object]:
        async with scripted(place) as (world, side):
            await sync_up(world, side)
            side.hall.skew_ms = 3 * HOUR_MS
            await serve(world, side)
            await side.hall.restart()
            side.reopened()
            await serve(world, side)
            side.hall.skew_ms = 0
            first = await sync_up(world, side)
            return first, await sync_up(world, side)

    first, second = runner.run(story())
    assert not isinstance(second, Failed), f"{first}; {second}"


@pytest.mark.parametrize("fault", ["request-altered", "gateway", "reply-altered", "reply-lost"])
def test_a_line_that_garbles_a_question_never_turns_a_citizen_away(
    runner: asyncio.Runner, place: Place, fault: str
):
    async def story() -> list[Any]:
        async with scripted(place) as (world, side):
            await sync_up(world, side)
            side.line.plan = [fault]
            return await serve(world, side)

    told = runner.run(story())
    assert isinstance(told[0], Answer), told
    assert told[0].mode == "cached"


def test_an_error_page_of_broken_text_is_a_line_in_trouble(runner: asyncio.Runner, place: Place):
    async def story() -> list[Any]:
        async with scripted(place) as (world, side):
            await sync_up(world, side)
            side.line.pages = (b'{"code": "\xe6\x8f"}',)
            side.line.plan = ["gateway", "gateway"]
            return [*await serve(world, side), await sync_up(world, side)]

    answer, exchanged = runner.run(story())
    assert isinstance(answer, Answer)
    assert isinstance(exchanged, Failed)


class Counting(ThreadPoolExecutor):
    """The loop's threads, counted while they work; the one that runs `slow` waits for `go_on`."""

    def __init__(self, slow: str, begun: Callable[[], object]) -> None:
        super().__init__(max_workers=4)
        self.go_on = Event()
        self.at_work = 0
        self._slow, self._begun = slow, begun

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        wrapped: Any = getattr(fn, "args", (fn,))
        slow = getattr(wrapped[0], "__name__", "") == self._slow
        self.at_work += 1

        def counted() -> Any:
            try:
                if slow:
                    self._begun()
                    self.go_on.wait(10)
                return fn(*args, **kwargs)
            finally:
                self.at_work -= 1

        return super().submit(counted)


@pytest.mark.parametrize("slow", ["begin", "received"])
def test_a_cancelled_exchange_leaves_no_thread_on_a_closed_file(
    runner: asyncio.Runner, place: Place, slow: str
):
    async def story() -> int:
        loop = asyncio.get_running_loop()
        async with scripted(place) as (world, side):
            await serve(world, side)
            begun = asyncio.Event()
            threads = Counting(slow, lambda: loop.call_soon_threadsafe(begun.set))
            loop.set_default_executor(threads)
            task = asyncio.ensure_future(exchange.exchange(side.hall.node))
            async with asyncio.timeout(10):
                await begun.wait()
            task.cancel()
            loop.call_later(0.1, threads.go_on.set)
            await asyncio.wait({task}, timeout=10)
            left = threads.at_work
            threads.go_on.set()
            loop.set_default_executor(ThreadPoolExecutor())
            await asyncio.to_thread(threads.shutdown)
            return left

    assert runner.run(story()) == 0, "a thread goes on reading through a connection that was closed under it"


@pytest.mark.parametrize("with_anchor", [False, True])
def test_a_centre_restored_from_a_backup_becomes_level_again(
    runner: asyncio.Runner, place: Place, with_anchor: bool
):
    async def story() -> None:
        async with scripted(place) as (world, side):
            await sync_up(world, side)
            await sync_up(world, side)
            backup = Backup(place)
            await backup.take()
            await serve(world, side)
            await sync_up(world, side)
            await put_back(world, backup, with_anchor=with_anchor)
            await serve(world, side)
            assert await sync_up(world, side)
            assert side.court is not None
            assert side.court.size == side.book.size > side.book.acknowledged
            await approved(world.place)
            await level(world)

    runner.run(story())
