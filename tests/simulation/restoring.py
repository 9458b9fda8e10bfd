"""The centre restored from a backup, or a lagging standby in its place: what it forgets, who approves its new
incarnation, and how it is judged then.
"""

from random import Random

from central.actions import incarnations, publish, restored
from central.actions.centre import operator
from central.security.permissions import Role
from central.store.incarnations import CENTRE
from matters.model import Refusal
from tests.simulation import clerks
from tests.simulation.offence import demand
from tests.simulation.place import Backup, Place
from tests.simulation.world import World

OFFICERS: tuple[Role, ...] = ("security", "system")
SHARE, ALL_IN_ONE, STANDBY = 0.08, 0.5, 0.35
"""Shares of the worlds whose centre goes back, and of those in which its anchor goes back with it, and in which it is
a standby that takes over.
"""


class Plan:
    """When this world's centre is backed up, put back and approved anew: drawn apart, so other draws stay."""

    def __init__(self, world: World, steps: int) -> None:
        dice = Random(f"restored {world.seed}")
        drawn = sorted(dice.randint(1, steps) for _ in range(3)) if dice.random() < SHARE else [-1, -1, -1]
        self._backup_at, self._back_at, self._approved_at = drawn
        self._with_anchor = dice.random() < ALL_IN_ONE
        if dice.random() < STANDBY:
            self._backup_at, self._promoted_at, self._back_at = -1, drawn[0], -1
        else:
            self._promoted_at = -1
        self._backup = Backup(world.place)

    async def step(self, world: World) -> None:
        """What falls after this step of the world."""
        if world.step == self._backup_at:
            await world.put_right()  # a lie in a backup could never be taken back
            await world.door.idle()
            await self._backup.take()
        if world.step == self._promoted_at:
            await promoted(world, with_anchor=self._with_anchor)
        if world.step == self._back_at:
            world.count("centre-restored-all" if self._with_anchor else "centre-restored")
            await put_back(world, self._backup, with_anchor=self._with_anchor)
        if world.step == self._approved_at:
            await approved(world.place)


async def put_back(world: World, backup: Backup, *, with_anchor: bool) -> None:
    """The centre's database is that of the backup; with the anchor of then only a node can tell."""
    await world.put_right()  # of this database, not of the other
    await world.door.idle()
    await backup.put_back(with_anchor=with_anchor)
    for side in world.sides:
        assert side.court is not None
        await side.court.restored()


async def promoted(world: World, *, with_anchor: bool) -> None:
    """The standby has all but the last minutes; what the centre signed in them comes to the node on a stick."""
    side, standby = world.side, Backup(world.place)
    await world.put_right()
    await world.door.idle()
    await standby.take()
    visit = clerks.Visit(world.dice, world.dice.choice(world.place.people), side.hall, "own")
    await side.act("visit own", visit.run())
    await side.act("export", side.drawer.export())
    said = await side.drawer.hand_in(world.place.centre, len(side.drawer.up) - 1, "", world.dice)
    world.say(f"{side.name}: {said}")
    side.touched = True
    await side.look()
    world.count("standby-promoted")
    await put_back(world, standby, with_anchor=with_anchor)
    if side.drawer.back:
        await side.act("bring back what the dead centre signed", side.drawer.bring_back(side.drawer.back[-1]))


async def approved(place: Place) -> None:
    """Two officers approve what waits; then the scopes are published under new numbers."""
    centre = place.centre
    await restored.levelling(centre)
    for row in await incarnations.requests(centre, CENTRE):
        demand(set(row.wanted) == set(OFFICERS), "P3", f"a restored centre needs {row.wanted} only")
        for role in OFFICERS if row.state == "waiting" else ():
            done = await incarnations.decide(
                centre, operator(role), CENTRE, row.fingerprint, approves=True, note="已核对备份时间"
            )
            demand(not isinstance(done, Refusal), "P8", f"not approved: {done}")
    await publish.renumbered(centre)
