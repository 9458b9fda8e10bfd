"""The end of a world: faults stop and everything comes level; and the old image that is put back on some."""

from central.actions import nodes
from central.actions.centre import operator
from edge.actions import exchange
from edge.actions.gates import gates
from tests.simulation import clerks
from tests.simulation.book import size_of
from tests.simulation.desk import judge_desk
from tests.simulation.hall import Failed
from tests.simulation.offence import Offence, demand
from tests.simulation.side import Side
from tests.simulation.world import HOUR_MS, MINUTE_MS, World

SECURITY = operator("security")
EXCHANGES = 8
"""Exchanges within which both ends must be level once the faults stop (P8)."""
FORKED_VISITS = 3
CLOCKS_SET_RIGHT = 0.5
"""Share of the nodes whose wall clock somebody sets right in the end; the others must come level all the same."""


async def level(world: World) -> None:
    """Faults off; a few exchanges later both ends hold the same, every effect was once, every promise is kept."""
    world.mood = "up"
    world.place.bureau.up = True
    for side in world.sides:
        side.calm = True
        if world.dice.random() < CLOCKS_SET_RIGHT:
            side.hall.skew_ms = 0
        await _come_level(world, side)
        side.book.thorough()
        court = side.court
        assert court is not None
        await court.thorough()
        await court.effects()
        judge_desk(side.book)


async def _come_level(world: World, side: Side) -> None:
    for number in range(EXCHANGES):
        world.wait(MINUTE_MS if number < 2 else HOUR_MS)
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


async def old_image(world: World) -> None:
    """An older image of the disk is put back on a node that was level: the node stops, the centre's copy stays as it was."""
    side, image = world.side, world.image
    if image is None or size_of(image) >= side.book.size:
        return
    with_anchor = world.dice.random() < 0.5
    world.count("image-with-anchor" if with_anchor else "image-of-database")
    side.book.close()
    await side.hall.restore_image(image, with_anchor=with_anchor)
    if with_anchor:
        await _unnoticed(world, side)
    found = await side.hall.node.store.read(lambda db: gates(db, side.hall.node))
    world.say(f"gates: {[gate.code for gate in found]}")
    demand(found, "P2", "a node with an old image goes on answering")
    assert side.court is not None
    await side.court.unmoved()


async def revoked(world: World) -> None:
    """The centre revokes the node: told at its next contact it answers no more, and nothing of it is taken as good."""
    side = world.side
    world.count("node-revoked")
    name = side.hall.origin.split("/")[2]
    gone = await nodes.revoke(world.place.centre, SECURITY, name, "遗失")
    assert gone is None
    visit = clerks.Visit(world.dice, world.dice.choice(world.place.people), side.hall)
    await side.hall.act(visit.run())
    for _ in range(2):
        world.wait(MINUTE_MS)
        results = await side.hall.act(exchange.exchange(side.hall.node))
        world.say(f"contact after the revocation: {results[0]}")
    found = await side.hall.node.store.read(lambda db: gates(db, side.hall.node))
    demand("node-revoked" in {gate.code for gate in found}, "P3", "a revoked node goes on answering")
    side.book.look()
    side.book.thorough()


async def _unnoticed(world: World, side: Side) -> None:
    """With its own old anchor the node cannot know; its next contact tells it."""
    for _ in range(world.dice.randint(0, FORKED_VISITS)):
        visit = clerks.Visit(world.dice, world.dice.choice(world.place.people), side.hall)
        await side.hall.act(visit.run())
    world.wait(MINUTE_MS)
    results = await side.hall.act(exchange.exchange(side.hall.node))
    world.say(f"contact after the old image: {results[0]}")
