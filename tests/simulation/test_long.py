"""What lasts: sessions broken off by the hundred, and a log somebody deleted by hand."""

import asyncio

import pytest

from edge.actions import checkpoint, exchange
from edge.actions.gates import gates
from edge.store.store import FILE
from tests.simulation.hall import Failed
from tests.simulation.levelling import level
from tests.simulation.place import Place
from tests.simulation.rule_stories import DAY_MS
from tests.simulation.stories import scripted, serve, sync_up
from tests.simulation.world import MINUTE_MS

pytestmark = pytest.mark.simulation
MANY = 8
ABORTS = ("request-cut", "reply-lost", "reply-cut", "request-lost", "centre-crash", "request-altered")


def test_sessions_broken_off_by_the_hundred_leave_no_residue(
    runner: asyncio.Runner, place: Place, pytestconfig: pytest.Config
):
    aborted = pytestconfig.getoption("--aborted")

    async def story() -> tuple[set[str], set[str], int]:
        async with scripted(place) as (world, side):
            await sync_up(world, side)
            await sync_up(world, side)
            before = {path.name for path in side.hall.data.rglob("*")}
            failed = 0
            for number in range(aborted):
                if number % 50 == 0:
                    await serve(world, side)
                world.wait(MINUTE_MS)
                side.line.plan = [ABORTS[number % len(ABORTS)]]
                results = await side.hall.act(exchange.exchange(side.hall.node))
                failed += isinstance(results[0], Failed)
                side.line.plan.clear()
            await level(world)
            return before, {path.name for path in side.hall.data.rglob("*")}, failed

    before, after, failed = runner.run(story())
    assert failed > aborted // 2
    assert after == before, "files of broken sessions are left"


def test_many_nodes_that_come_back_at_once_all_become_level(runner: asyncio.Runner, place: Place):
    async def story() -> set[str]:
        async with scripted(place) as (world, first):
            sides = [first, *[await world.found(f"hall-{number}", "hall") for number in range(2, MANY + 1)]]
            for side in sides:
                await sync_up(world, side)
                world.mood = "down"
                await serve(world, side, 2)
                world.mood = "up"
            world.wait(90 * DAY_MS)
            rounds = [side.act("exchange", exchange.exchange(side.hall.node)) for side in sides]
            told = [one for results in await asyncio.gather(*rounds) for one in results]
            assert not [one for one in told if isinstance(one, Failed)], told
            await level(world)
            return {side.hall.origin for side in sides}

    assert len(runner.run(story())) == MANY


def test_rule_8_4_a_log_deleted_by_hand_is_found_by_the_anchor_and_stops_the_node(
    runner: asyncio.Runner, place: Place
):
    async def story() -> list[str]:
        async with scripted(place) as (world, side):
            await sync_up(world, side)
            await side.hall.restart()
            side.reopened()
            await serve(world, side, what="own-on-screen")
            await checkpoint.sign(side.hall.node)
            side.book.close()
            kept = await side.hall.keep_disk()
            await side.hall.stop()
            (kept / f"{FILE}-wal").unlink()
            side.hall.data = kept
            await side.hall.start()
            found = await side.hall.node.store.read(lambda db: gates(db, side.hall.node))
            return [gate.code for gate in found]

    assert "rolled-back" in runner.run(story())
