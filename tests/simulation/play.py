"""Playing one seed from its first step to its end, and saying exactly what went wrong where."""

import asyncio
import shutil
import tempfile
import traceback
from pathlib import Path

import msgspec

from tests.simulation import hazards as hazard
from tests.simulation.chance import drawn_from
from tests.simulation.endings import ending
from tests.simulation.faults import Coverage
from tests.simulation.levelling import level
from tests.simulation.offence import Offence, offences_in
from tests.simulation.place import Place
from tests.simulation.restoring import Plan
from tests.simulation.steps import one_step
from tests.simulation.world import REAL, Wiring, World

STEPS = (8, 16)
BUS_SHARE, BUS_STEPS = 0.12, 8
IMAGE_SHARE = 0.15
WORLD_S = 90.0


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a seed: its counters, its trace, and the property it broke, None when every one held."""

    seed: int
    coverage: Coverage
    trace: tuple[str, ...]
    offence: Offence | None


async def play(seed: int, place: Place, wiring: Wiring = REAL) -> Played:
    """One world to its end. What it broke is returned; the world is then dumped into a folder."""
    folder = Path(tempfile.mkdtemp(prefix=f"seed-{seed}-", dir=place.folder))
    await place.anew()
    worlds: list[World] = []
    offence: Offence | None = None
    try:
        with drawn_from(seed):
            async with asyncio.timeout(WORLD_S), asyncio.TaskGroup() as group:
                worlds.append(World(seed, place, group, folder, wiring))
                await _live(worlds[0])
    except (BaseExceptionGroup, TimeoutError) as found:
        offence = _first(found)
        offence.add_note(f"seed {seed}, step {worlds[0].step}, dumped into {await _dump(worlds[0], folder)}")
    _remove(folder)
    world = worlds[0]
    return Played(seed=seed, coverage=world.coverage, trace=tuple(world.trace), offence=offence)


def _first(found: BaseException) -> Offence:
    """The first property broken; an error that is none of the node's or the centre's own is one too."""
    offences = offences_in(found) if isinstance(found, BaseExceptionGroup) else []
    if offences:
        return offences[0]
    bug = Offence("bug", "".join(traceback.format_exception(found)))
    bug.__cause__ = found
    return bug


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


async def _dump(world: World, folder: Path) -> str:
    """Keep the nodes' folders, the centre's rows and the trace where they outlive the run."""
    kept = Path(tempfile.mkdtemp(prefix=f"yizhan-{folder.name}-"))
    shutil.copytree(folder, kept, dirs_exist_ok=True)
    faults = ", ".join(f"{name} ({state}) x{count}" for (name, state), count in world.coverage.items())
    lines = [*world.trace, f"faults: {faults or 'none'}"]
    (kept / "trace.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for side in world.sides:
        if side.court is not None:
            held = await side.court.written()
            (kept / f"centre-{side.name}.txt").write_text(held, encoding="utf-8")
    print("\n".join(["", *lines, f"dumped into {kept}"]))
    return str(kept)


async def _live(world: World) -> None:
    dice = world.dice
    try:
        world.mood = dice.choice(("up", "up", "flaky"))
        hazards = hazard.Plan(world)
        await world.found("hall", "hall")
        if dice.random() < BUS_SHARE:
            await world.found("bus", "bus")
        steps = dice.randint(*STEPS) + (BUS_STEPS if len(world.sides) > 1 else 0)
        image_at = dice.randrange(steps) if dice.random() < IMAGE_SHARE else -1
        plan = Plan(world, steps)
        for world.step in range(1, steps + 1):
            await one_step(world)
            await plan.step(world)
            await hazards.step(world, steps)
            if world.step == image_at:
                world.image = world.side.hall.keep_image()
        await level(world)
        await ending(world)
    finally:
        await world.end()
