"""The end of a world: faults stop and everything comes level."""

from edge.actions import exchange
from tests.simulation import clerks
from tests.simulation.coming_down import bring_files
from tests.simulation.desk import judge_desk
from tests.simulation.granted import judge_rights
from tests.simulation.hall import Failed
from tests.simulation.offence import Offence
from tests.simulation.restoring import approved
from tests.simulation.shelf import judge_shelf
from tests.simulation.side import Side
from tests.simulation.world import HOUR_MS, MINUTE_MS, World

EXCHANGES = 8
"""Exchanges within which both ends must be level once the faults stop (P8)."""
CLOCKS_SET_RIGHT = 0.5
"""Share of the nodes whose wall clock somebody sets right in the end; the others must come level all the same."""


async def level(world: World) -> None:
    """Faults off; a few exchanges later both ends hold the same, every effect was once, every promise is kept."""
    world.mood = "up"
    world.place.bureau.up = True
    await world.put_right()
    for side in world.sides:
        await level_side(world, side)


async def level_side(world: World, side: Side, *, whole: bool = True) -> None:
    """The same for one node; the rows of one that is not `whole` were lost with a part of its disk."""
    side.calm = True
    side.hall.commit_ms = 0
    if world.dice.random() < CLOCKS_SET_RIGHT:
        side.hall.set_right()
    await side.act("jobs", clerks.night(side.hall))
    await _come_level(world, side)
    side.book.thorough()
    court = side.court
    assert court is not None
    await court.thorough()
    await court.effects()
    if whole:
        judge_desk(side.book)
        await bring_files(world, side)
    if side.hall.right:
        await judge_shelf(world.place, side.book, side.hall.origin.split("/")[2])
    if world.catalogue is not None:
        await judge_rights(world, side)


async def _come_level(world: World, side: Side) -> None:
    for number in range(EXCHANGES):
        world.wait(MINUTE_MS if number < 2 else HOUR_MS)
        await approved(world.place)
        await _round(world, side)
        side.touched = True
        await side.look()
        if await _is_level(side):
            world.say(f"{side.name}: level after {number + 1} exchanges")
            return
    raise Offence("P8", f"not level after {EXCHANGES} exchanges: {await _what_waits(side)}")


async def _round(world: World, side: Side) -> None:
    if not side.by_stick:
        results = await side.act("exchange", exchange.exchange(side.hall.node))
        if isinstance(results[0], Failed):
            raise Offence("P8", f"an exchange without faults failed: {results[0].error}")
        return
    await side.act("export", side.drawer.export())
    words = await side.drawer.hand_in(world.place.centre, len(side.drawer.up) - 1, "", world.dice)
    world.say(f"{side.name}: {words}")
    await side.act("bring back", side.drawer.bring_back(side.drawer.back[-1]))


async def _is_level(side: Side) -> bool:
    court, book = side.court, side.book
    assert court is not None
    if side.by_stick:
        # A stick's import is an entry of its own, so a bus is level but for what it wrote since the export.
        return book.acknowledged > 0 and book.size - book.acknowledged <= 3 and not await _owed(side)
    return book.size == book.acknowledged == court.size and not await _owed(side)


async def _owed(side: Side) -> str:
    assert side.court is not None
    waiting = await side.court.rows(
        "SELECT count(*) AS n FROM deferral WHERE origin = $1 AND state = 'waiting'"
    )
    mail = await side.court.rows("SELECT last_number, seen_number FROM mailbox WHERE origin = $1")
    unread = mail[0]["last_number"] - mail[0]["seen_number"]
    return f"{waiting[0]['n']} promises, {unread} letters" if waiting[0]["n"] or unread else ""


async def _what_waits(side: Side) -> str:
    assert side.court is not None
    book = side.book
    return (
        f"node {book.size}, acknowledged {book.acknowledged}, centre {side.court.size}, {await _owed(side)}"
    )
