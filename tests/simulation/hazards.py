"""What befalls some worlds between their steps: each hazard is drawn apart from the world's own dice.

So one hazard more, or another share of it, gives no other world another life.
"""

from collections.abc import Awaitable, Callable
from random import Random

import msgspec

from tests.simulation import coming_down, granted, software
from tests.simulation.world import World

Strike = Callable[[World, Random], Awaitable[None]]


class Hazard(msgspec.Struct, frozen=True, kw_only=True):
    """One row: in what share of the worlds, how often in such a world, and what then happens."""

    name: str
    share: float
    times: int
    strike: Strike
    begin: Callable[[World], None] | None = None


# fmt: off
HAZARDS: tuple[Hazard, ...] = (
    Hazard(name="cache", share=0.10, times=2, strike=coming_down.spoil),
    Hazard(name="trip", share=0.6, times=3, strike=coming_down.trip),
    Hazard(name="consent", share=0.10, times=3, strike=coming_down.consent),
    Hazard(name="release", share=0.12, times=2, strike=coming_down.release),
    Hazard(name="files", share=0.10, times=2, strike=coming_down.report_files),
    Hazard(name="rights", share=0.12, times=3, strike=granted.rights, begin=granted.begin),
    Hazard(name="software", share=0.12, times=2, strike=software.mixed),
)
# fmt: on


class Plan:
    """Which hazards befall this world, and after which of its steps. Made before the world has nodes."""

    def __init__(self, world: World) -> None:
        self._due: list[tuple[float, Random, Strike]] = []
        for one in HAZARDS:
            dice = Random(f"{one.name} {world.seed}")
            if dice.random() < one.share:
                self._due += [(dice.random(), dice, one.strike) for _ in range(one.times)]
                if one.begin is not None:
                    one.begin(world)

    async def step(self, world: World, steps: int) -> None:
        """What falls after this one of the world's `steps`; both ends are judged after each."""
        for at, dice, strike in self._due:
            if 1 + int(at * steps) == world.step:
                await strike(world, dice)
                for side in world.sides:
                    await side.look()
