"""What worlds have found, each as one small story that cannot hide behind chance."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from central.actions import publish
from central.actions import quota as levels
from edge.actions import exchange
from edge.actions.views import Answer, Deferral
from edge.store import anchor
from edge.store.anchor import Anchor
from tests.simulation import clerks, granted
from tests.simulation.coming_down import frozen, in_the_dark, newer_release
from tests.simulation.hall import Failed
from tests.simulation.levelling import level
from tests.simulation.place import Backup, Place
from tests.simulation.renewing import renewed
from tests.simulation.restoring import approved, promoted, put_back
from tests.simulation.side import Side
from tests.simulation.software import newer_letter
from tests.simulation.stories import scripted, serve, sync_up
from tests.simulation.world import HOUR_MS, OPERATOR, World

pytestmark = pytest.mark.simulation
DAYS_USABLE = 3
"""For so long the oldest of a subject's records may be answered from (the catalogue's `usable_s`)."""
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
        wrapped: Any = getattr(fn, "args", (fn,))[0]
        slow = getattr(getattr(wrapped, "func", wrapped), "__name__", "") == self._slow
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


@pytest.mark.parametrize("with_anchor", [False, True])
def test_a_standby_that_lags_takes_over_while_a_stick_of_the_dead_centre_is_on_its_way(
    runner: asyncio.Runner, place: Place, with_anchor: bool
):
    async def story() -> None:
        async with scripted(place) as (world, side):
            await sync_up(world, side)
            await sync_up(world, side)
            await promoted(world, with_anchor=with_anchor)
            await side.look()
            before = side.book.acknowledged
            await serve(world, side)
            await sync_up(world, side)
            assert side.court is not None
            assert side.court.size == side.book.size > side.book.acknowledged == before
            await approved(world.place)
            await level(world)

    runner.run(story())


def test_a_frozen_release_grows_old_in_sight_until_nothing_is_answered_from_it(
    runner: asyncio.Runner, place: Place
):
    """Leases are renewed by the very replies that hide the newer releases: the age of the data alone must end it."""

    async def told(world: World, side: Side) -> Any:
        return await in_the_dark(world, side, place.people[0])

    async def story() -> None:
        async with scripted(place) as (world, side):
            await sync_up(world, side)
            held = (await told(world, side)).as_of_ms
            await newer_release(world, place.people[0])
            await frozen(world)
            await sync_up(world, side)
            first = await told(world, side)
            assert (first.as_of_ms, first.band) == (held, "fresh"), "its age is what it says"
            for _ in range(DAYS_USABLE + 1):
                world.wait(24 * HOUR_MS)
                assert (await sync_up(world, side)).alarms == ()
                last = await told(world, side)
                assert isinstance(last, Deferral) or last.as_of_ms == held
            assert isinstance(last, Deferral), "too old to be answered from, though every exchange went well"
            await world.put_right()
            await newer_release(world, place.people[0])
            await sync_up(world, side)
            assert (await told(world, side)).as_of_ms > held
            await level(world)

    runner.run(story())


@pytest.mark.parametrize(
    "with_anchor", [False, True], ids=["found by the anchor", "only the hall can show it"]
)
@pytest.mark.parametrize("fault", ["", "request-cut"])
def test_a_right_granted_in_the_hours_a_centre_lost_is_no_offence_of_the_hall(
    runner: asyncio.Runner, place: Place, with_anchor: bool, fault: str
):
    async def story() -> list[str]:
        async with scripted(place) as (world, side):
            granted.begin(world)
            side.hall.node.catalogue = place.centre.catalogue
            await sync_up(world, side)
            backup = Backup(place)
            await backup.take()
            name = side.hall.origin.split("/")[2]
            await levels.set_level(place.centre, OPERATOR, name, granted.MATTER, 3, 30)
            await sync_up(world, side)
            await in_the_dark(world, side, place.people[1])
            await put_back(world, backup, with_anchor=with_anchor)
            if fault:
                side.line.plan = [fault]
                await sync_up(world, side)
            await level(world)
            assert side.court is not None
            query = (
                "SELECT code || ' ' || owner AS said FROM finding WHERE origin = $1 AND code LIKE 'grant%'"
            )
            return [row["said"] for row in await side.court.rows(query)]

    assert runner.run(story()) == ["grant-forgotten centre"]


def test_what_a_newer_program_wrote_to_a_node_survives_the_centres_restore(
    runner: asyncio.Runner, place: Place
):
    async def story() -> None:
        async with scripted(place) as (world, side):
            await sync_up(world, side)
            await newer_letter(world, side.hall.origin)
            backup = Backup(place)
            await backup.take()
            await serve(world, side)
            await sync_up(world, side)
            await put_back(world, backup, with_anchor=False)
            await level(world)

    runner.run(story())


def test_a_verdict_about_a_lost_report_is_not_given_to_another_of_the_same_number(
    runner: asyncio.Runner, place: Place
):
    async def story() -> None:
        async with scripted(place) as (world, side):
            await sync_up(world, side)
            await sync_up(world, side)
            image = side.hall.keep_image()
            lost = await in_the_dark(world, side, place.people[0])
            side.line.plan.append("reply-lost")  # the verdict waits in the mailbox
            await sync_up(world, side)
            side.book.close()
            await side.hall.restore_image(image, with_anchor=True)
            visit = clerks.Visit(world.dice, place.people[1], side.hall, "own")
            (again,) = await side.hall.act(visit.run())
            assert (again.report.serial, again.mode) == (lost.report.serial, "online")
            await side.hall.act(exchange.exchange(side.hall.node))
            await renewed(world, side, "rollback")
            await level(world)

    runner.run(story())


def test_a_bus_whose_clock_ran_thirty_hours_ahead_answers_again_with_the_stick_after_it_is_right(
    runner: asyncio.Runner, place: Place
):
    """What entries say of the time is no evidence beyond the centre's, which signed having them before it."""

    async def story() -> list[Any]:
        async with scripted(place) as (world, _):
            side = await world.found("bus", "bus")
            await publish.publish(place.centre, OPERATOR)
            world.wait(HOUR_MS)
            side.hall.skew_ms = 30 * HOUR_MS
            await serve(world, side)
            await side.hall.restart()
            side.reopened()
            await serve(world, side)
            side.hall.set_right()
            await level(world)
            side.line.plan = ["line-down"]
            return await serve(world, side)

    told = runner.run(story())
    assert [getattr(one, "mode", one) for one in told] == ["cached"], told
