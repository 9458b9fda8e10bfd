"""Worlds from seeds: P1, P2, P5, P8 and the signing rules hold through whatever each of them brings."""

import asyncio

import pytest

from tests.simulation.place import Place
from tests.simulation.play import play
from tests.simulation.stories import scripted, serve, sync_up

pytestmark = pytest.mark.simulation


def test_nothing_is_lost_doubled_altered_or_shown_too_early_whatever_happens(
    seed: int, runner: asyncio.Runner, place: Place, record_property
):
    played = runner.run(play(seed, place))
    record_property("faults", [(*key, count) for key, count in played.coverage.items()])
    if played.offence is not None:
        raise played.offence


def test_a_world_is_the_same_to_the_length_of_each_request_when_it_is_played_again(
    runner: asyncio.Runner, place: Place
):
    async def told() -> list[str]:
        async with scripted(place) as (world, side):
            side.line.plan = ["request-lost", "slow", "reply-cut"]
            for _ in range(4):
                answers = await serve(world, side, 3)
                world.say(f"{answers} {await sync_up(world, side)}")
            return [*world.trace, *(f"{call.path} {len(call.body)}" for call in side.line.sent)]

    first = runner.run(told())
    assert runner.run(told()) == first
    assert len(first) > 10
