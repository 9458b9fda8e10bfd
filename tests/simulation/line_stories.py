"""Stories of a line that carries a part of what it should, told with the rule that a part counts (`rules.py`)."""

import msgspec

from tests.simulation.line import Call, Door, Reply
from tests.simulation.offence import demand
from tests.simulation.side import REST, Side
from tests.simulation.stories import serve, sync_up
from tests.simulation.world import World

LOST = 20
"""Bytes of a batch that never arrive: of its trailer, behind the last frame."""


class _Short(Door):
    """A line on which the end of every batch is lost; who sends it hears nothing."""

    async def knock(self, call: Call, crash_after: int = -1) -> Reply | None:
        """Most of it arrives, then the connection is gone."""
        if not f"{call.path}/".startswith(REST):
            return await super().knock(call, crash_after)
        await super().knock(msgspec.structs.replace(call, body=call.body[:-LOST], cut=True), crash_after)
        return None


async def no_batch_arrives_whole(world: World, side: Side) -> None:
    """A body that is cut again and again: its frames count, nothing is countersigned before the line holds."""
    await sync_up(world, side)
    good = side.line.door
    side.line.door = _Short(world.place, world.group)
    await serve(world, side, 2)
    owed = side.book.size
    for _ in range(2):
        await sync_up(world, side)
        held = await _held(side)
        demand(
            held >= owed, "P8", f"all but {LOST} bytes arrived, and the centre has {held} of {owed} entries"
        )
    demand(side.book.acknowledged < owed, "P2", "something was countersigned that nobody heard of")
    side.line.door = good
    await sync_up(world, side)
    demand(side.book.acknowledged >= owed, "P8", "the rest of a batch did not complete it")


async def _held(side: Side) -> int:
    assert side.court is not None
    return int((await side.court.rows("SELECT size FROM ledger_head WHERE origin = $1"))[0]["size"])
