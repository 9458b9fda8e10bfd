"""A rule that is broken must be found: each of these worlds fails, and only because of the rule it breaks."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from edge.actions import exchange
from tests.simulation import clerks
from tests.simulation.breaking import (
    EarlyStore,
    LateDoor,
    LateStore,
    LenientDoor,
    RepeatingDoor,
    drop_keys,
)
from tests.simulation.hall import Failed
from tests.simulation.levelling import level
from tests.simulation.line import WAIT_S
from tests.simulation.place import Place, open_place
from tests.simulation.play import play
from tests.simulation.side import Side
from tests.simulation.stories import Story, broken_by, serve, sync_up
from tests.simulation.world import MINUTE_MS, Wiring, World

pytestmark = pytest.mark.simulation
EARLY = Wiring(store=EarlyStore)
LATE = Wiring(door=LateDoor)
LENIENT = Wiring(door=LenientDoor)
REPEATING = Wiring(door=RepeatingDoor)
WORLDS_MAX = 200
"""One world in fourteen has what shows a broken effect key: the first that has it ends the search."""


async def visits_and_exchanges(world: World, side: Side) -> None:
    await serve(world, side, 2)
    await sync_up(world, side)
    await level(world)


async def a_late_commit(world: World, side: Side) -> None:
    store = await LateStore.open(world.place.dsn)
    assert isinstance(store, LateStore)
    kept = world.place.centre
    world.place.swap(store)
    try:
        await visits_and_exchanges(world, side)
    finally:
        await store.settle()
        world.place.put(kept)
        await store.close()


async def two_histories(world: World, side: Side) -> None:
    """A node is put back to an image that was acknowledged, lives on otherwise, and comes with more than before."""
    await sync_up(world, side)
    await sync_up(world, side)
    image = side.hall.keep_image()
    await serve(world, side, 1)
    await sync_up(world, side)
    side.book.close()
    await side.hall.restore_image(image, with_anchor=True)
    for _ in range(4):
        visit = clerks.Visit(world.dice, world.place.people[5], side.hall)
        await side.hall.act(visit.run())
    world.wait(MINUTE_MS)
    results = await side.hall.act(exchange.exchange(side.hall.node))
    assert isinstance(results[0], Failed)
    assert side.court is not None
    await side.court.unmoved()


async def the_same_batch_again(world: World, side: Side) -> None:
    """The same entries arrive twice, in two requests the centre accepts: the second is signed anew."""
    await serve(world, side, 2)
    await sync_up(world, side)
    batch = next(call.body for call in side.line.sent if call.path == "/api/exchange")
    node = side.hall.node
    (reply,) = await side.hall.act(node.uplink.exchange(node.identity, batch, WAIT_S))
    assert isinstance(reply, bytes), reply
    await level(world)


@pytest.mark.parametrize("story", [visits_and_exchanges, two_histories, the_same_batch_again])
def test_a_world_that_keeps_every_rule_is_found_to_keep_them(
    runner: asyncio.Runner, place: Place, story: Story
):
    assert runner.run(broken_by(place, story)) == ""


def test_rule_8_1_ablation_of_commit_before_release_breaks_p1(runner: asyncio.Runner, place: Place):
    assert runner.run(broken_by(place, visits_and_exchanges, EARLY)) == "P1"


def test_rule_4_3_ablation_of_persist_before_reply_breaks_p2(runner: asyncio.Runner, place: Place):
    assert runner.run(broken_by(place, a_late_commit, LATE)) == "P2"


def test_rule_4_2_ablation_of_the_overlap_comparison_breaks_p2(runner: asyncio.Runner, place: Place):
    assert runner.run(broken_by(place, two_histories, LENIENT)) == "P2"


@pytest.fixture(scope="module")
def keyless(runner: asyncio.Runner, folder: Path) -> Iterator[Place]:
    """A place with a database of its own, whose tables of effects have no keys."""

    stack = AsyncExitStack()
    made = runner.run(stack.enter_async_context(open_place(folder, "keyless")))
    runner.run(drop_keys(made.centre))
    yield made
    runner.run(stack.aclose())


def test_rule_4_6_ablation_of_the_effect_key_breaks_p5(runner: asyncio.Runner, keyless: Place):
    assert runner.run(broken_by(keyless, the_same_batch_again)) == ""
    assert runner.run(broken_by(keyless, the_same_batch_again, REPEATING)) == "P5"


@pytest.mark.parametrize(
    ("wiring", "rule"), [(EARLY, "P1"), (REPEATING, "P5")], ids=["commit-before-release", "effect-key"]
)
def test_ablation_is_found_by_random_worlds_too(
    runner: asyncio.Runner, keyless: Place, wiring: Wiring, rule: str
):
    async def found() -> bool:
        for seed in range(WORLDS_MAX):
            played = await play(seed, keyless, wiring)
            if played.offence is not None and played.offence.rule == rule:
                return True
        return False

    assert runner.run(found())
