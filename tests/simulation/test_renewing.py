"""From one incarnation to the next, in small stories: what worlds with rollbacks and lost disks have found."""

import asyncio
from typing import Any

import pytest

from central.actions import reconcile
from edge.actions.views import Deferral
from tests.simulation.levelling import level_side
from tests.simulation.place import Place
from tests.simulation.renewing import renewed, replaced
from tests.simulation.side import Side
from tests.simulation.stories import scripted, serve, sync_up
from tests.simulation.world import HOUR_MS, World

pytestmark = pytest.mark.simulation


async def went_back(world: World, side: Side) -> None:
    """An image from the start of the day is put back, its anchor is not: found at the start."""
    assert world.image is not None
    side.book.close()
    await side.hall.restore_image(world.image, with_anchor=False)


def test_an_empty_machine_takes_the_place_of_a_lost_disk(runner: asyncio.Runner, place: Place):
    async def story() -> tuple[str, int]:
        async with scripted(place) as (world, side):
            await sync_up(world, side)
            await serve(world, side, 2)
            await sync_up(world, side)
            await replaced(world, side)
            await serve(world, side)
            await level_side(world, side)
            return side.hall.origin, side.book.acknowledged

    origin, acknowledged = runner.run(story())
    assert not origin.endswith("/i1")
    assert acknowledged > 0


def test_an_online_answer_that_was_carried_over_keeps_its_pair_at_the_centre(
    runner: asyncio.Runner, place: Place
):
    async def story() -> list[Any]:
        async with scripted(place) as (world, side):
            await sync_up(world, side)
            await sync_up(world, side)
            await serve(world, side, what="own-on-screen")
            node, day = side.hall.node, side.hall.node.day_of(side.hall.node.now_ms())
            await renewed(world, side, "planned")
            await level_side(world, side)
            told = await reconcile.reconcile(world.place.centre, day)
            name = node.identity.origin.split("/")[2]
            return [one.code for node in told.nodes if node.node == name for one in node.findings]

    codes = runner.run(story())
    assert not {"shown-not-disclosed", "disclosed-not-shown"} & set(codes), codes


def test_a_promise_kept_in_a_forgotten_life_is_kept_in_the_next_one(runner: asyncio.Runner, place: Place):
    async def story() -> str:
        async with scripted(place) as (world, side):
            await sync_up(world, side)
            world.place.bureau.up = False
            told = (await serve(world, side, what="bureau"))[0]
            assert isinstance(told, Deferral)
            await sync_up(world, side)
            world.image = side.hall.keep_image()
            world.place.bureau.up = True
            world.wait(HOUR_MS)
            await sync_up(world, side)  # the letter comes
            await sync_up(world, side)  # and the centre hears that it was read
            await went_back(world, side)
            await renewed(world, side, "rollback")
            await level_side(world, side)
            return str(side.book.query("SELECT state FROM office_case WHERE number = ?", told.case)[0][0])

    assert runner.run(story()) == "fulfilled"
