"""Playing one seed from its first step to its end, and saying exactly what went wrong where."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.simulation.faults import Coverage
from tests.simulation.levelling import level, old_image
from tests.simulation.offence import Offence, offences_in
from tests.simulation.place import START_MS, Place
from tests.simulation.steps import one_step
from tests.simulation.world import REAL, Wiring, World

STEPS = (10, 22)
BUS_SHARE = 0.15
IMAGE_SHARE = 0.15
WORLD_S = 90.0


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a seed: its counters, its trace, and the property it broke, None when every one held."""

    seed: int
    coverage: Coverage
    trace: tuple[str, ...]
    offence: Offence | None


async def play(seed: int, place: Place, wiring: Wiring = REAL) -> Played:
    """One world to its end. An offence is returned; a bug raises; either way the world is dumped into a folder."""
    folder = Path(tempfile.mkdtemp(prefix=f"seed-{seed}-", dir=place.folder))
    place.time.true_ms = START_MS
    place.bureau.up = True
    worlds: list[World] = []
    try:
        found = await _offence(worlds, lambda group: World(seed, place, group, folder, wiring))
    except BaseException:
        print(f"seed {seed}: a bug; dumped into {_dump(worlds, folder)}")
        raise
    finally:
        _remove(folder)
    world = worlds[0]
    return Played(seed=seed, coverage=world.coverage, trace=tuple(world.trace), offence=found)


async def _offence(worlds: list[World], made: Callable[[asyncio.TaskGroup], World]) -> Offence | None:
    """The first offence of the world, dumped; None when it came to its end."""
    try:
        async with asyncio.timeout(WORLD_S), asyncio.TaskGroup() as group:
            worlds.append(made(group))
            await _live(worlds[0])
    except BaseExceptionGroup as found:
        offences = offences_in(found)
        if not offences:
            raise
        world = worlds[0]
        offences[0].add_note(
            f"seed {world.seed}, step {world.step}, dumped into {_dump(worlds, world.folder)}"
        )
        return offences[0]
    return None


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _dump(worlds: list[World], folder: Path) -> str:
    """Keep the folders of the world and its trace where they outlive the run."""
    kept = Path(tempfile.mkdtemp(prefix=f"yizhan-{folder.name}-"))
    shutil.copytree(folder, kept, dirs_exist_ok=True)
    for world in worlds:
        (kept / "trace.txt").write_text("\n".join(world.trace) + "\n", encoding="utf-8")
        print("\n".join(["", *world.trace, f"dumped into {kept}"]))
    return str(kept)


async def _live(world: World) -> None:
    dice = world.dice
    try:
        world.mood = dice.choice(("up", "up", "flaky"))
        await world.found("hall", "hall")
        if dice.random() < BUS_SHARE:
            await world.found("bus", "bus")
        steps = dice.randint(*STEPS)
        image_at = dice.randrange(steps) if dice.random() < IMAGE_SHARE else -1
        for world.step in range(1, steps + 1):
            await one_step(world)
            if world.step == image_at:
                world.image = world.side.hall.keep_image()
        await level(world)
        await old_image(world)
    finally:
        await world.end()
