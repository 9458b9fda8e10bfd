"""Worlds without chance, for tests that tell one story: a hall, enrolled, over a line that does as it is told."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from edge.actions import exchange
from tests.simulation import clerks
from tests.simulation.chance import drawn_from
from tests.simulation.offence import offences_in
from tests.simulation.place import Place
from tests.simulation.side import Side
from tests.simulation.world import MINUTE_MS, REAL, Wiring, World

SEED = 1_000_003
Story = Callable[[World, Side], Awaitable[None]]


@asynccontextmanager
async def scripted(place: Place, wiring: Wiring = REAL) -> AsyncIterator[tuple[World, Side]]:
    """A world with one enrolled hall."""
    await place.anew()
    folder = Path(tempfile.mkdtemp(dir=place.folder))
    with drawn_from(SEED):
        async with asyncio.TaskGroup() as group:
            world = World(SEED, place, group, folder, wiring)
            try:
                yield world, await world.found("hall", "hall")
            finally:
                await world.end()


async def broken_by(place: Place, story: Story, wiring: Wiring = REAL) -> str:
    """The rule a story broke, empty when it kept them all."""
    try:
        async with scripted(place, wiring) as (world, side):
            await story(world, side)
    except BaseExceptionGroup as found:
        offences = offences_in(found)
        if not offences:
            raise
        return offences[0].rule
    return ""


async def serve(world: World, side: Side, count: int = 1, what: str = "own") -> list[Any]:
    """Citizens come one after another; what they were told."""
    told: list[Any] = []
    for _ in range(count):
        visit = clerks.Visit(world.dice, world.dice.choice(world.place.people), side.hall)
        visit.what = what
        told += await side.act(f"visit {what}", visit.run())
    return told


async def sync_up(world: World, side: Side) -> Any:
    """One exchange; what came of it."""
    world.wait(MINUTE_MS)
    results = await side.act("exchange", exchange.exchange(side.hall.node))
    side.touched = True
    await side.look()
    return results[0]
