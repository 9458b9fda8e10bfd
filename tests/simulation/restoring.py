"""The centre restored from a backup: what it forgets, who approves its new incarnation, and how it is judged then."""

from central.actions import incarnations, publish
from central.actions.centre import operator
from central.security.permissions import Role
from central.store.incarnations import CENTRE
from matters.model import Refusal
from tests.simulation.offence import demand
from tests.simulation.place import Backup
from tests.simulation.world import World

OFFICERS: tuple[Role, ...] = ("security", "system")


async def put_back(world: World, backup: Backup, *, with_anchor: bool) -> None:
    """The centre's database is that of the backup; with the anchor of then only a node can tell."""
    await world.door.idle()
    await backup.put_back(with_anchor=with_anchor)
    for side in world.sides:
        assert side.court is not None
        await side.court.restored()


async def approved(world: World) -> None:
    """Two officers approve what waits; then the scopes are published under new numbers."""
    centre = world.place.centre
    for row in await incarnations.requests(centre, CENTRE):
        demand(set(row.wanted) == set(OFFICERS), "P3", f"a restored centre needs {row.wanted} only")
        for role in OFFICERS if row.state == "waiting" else ():
            done = await incarnations.decide(
                centre, operator(role), CENTRE, row.fingerprint, approves=True, note="已核对备份时间"
            )
            demand(not isinstance(done, Refusal), "P8", f"not approved: {done}")
    await publish.renumbered(centre)
