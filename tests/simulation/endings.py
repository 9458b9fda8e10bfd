"""What ends the history of a node that was level: a disk that went back, a clone, a disk that is gone, a revocation.

Each is found and stops the node; where it may live on, officers approve the next incarnation (`renewing`), people
come again, and everything comes level a second time.
"""

import shutil
from collections.abc import Awaitable, Callable

from central.actions import nodes
from central.actions.centre import operator
from edge.actions import checkpoint, exchange, rebuild
from edge.actions.gates import gates
from edge.errors import BeyondRepair
from edge.store.store import FILE
from tests.simulation import clerks
from tests.simulation.book import Book, size_of
from tests.simulation.granted import spend
from tests.simulation.hall import Work
from tests.simulation.levelling import level_side
from tests.simulation.offence import demand
from tests.simulation.renewing import ask, ended, renewed, replaced
from tests.simulation.shelf import Shelf
from tests.simulation.side import Side
from tests.simulation.sticks import Stick
from tests.simulation.tearing import flip
from tests.simulation.world import MINUTE_MS, World

SECURITY = operator("security")
VISITS = 3
ALL_IN_ONE = 0.5
"""Share of the disks that take their anchor along when they go back."""
Ending = Callable[[World, Side], Awaitable[None]]


async def ending(world: World) -> None:
    """Draw an ending; most worlds simply end level, and those that kept an image get it back."""
    side = world.side
    if world.catalogue is not None and world.dice.random() < ALL_IN_ONE:
        await lying_disk(world, side)
        return
    if world.image is not None and size_of(world.image) < side.book.size:
        await old_image(world, side)
        return
    drawn = world.dice.choices(ENDINGS, WEIGHTS)[0]
    if drawn is not None:
        await drawn(world, side)


async def _visits(world: World, side: Side, count: int) -> None:
    """People come; nobody keeps a book of it, because the node has forgotten a part of its life."""
    for _ in range(count):
        visit = clerks.Visit(world.dice, world.dice.choice(world.place.people), side.hall)
        await side.hall.act(visit.run())


async def _stopped(side: Side) -> set[str]:
    found = await side.hall.node.store.read(lambda db: gates(db, side.hall.node))
    return {gate.code for gate in found}


async def _contact(world: World, side: Side, work: Work | None = None) -> None:
    world.wait(MINUTE_MS)
    results = await side.hall.act(work or exchange.exchange(side.hall.node))
    world.say(f"{side.name}: contact: {results[0]}")


async def old_image(world: World, side: Side) -> None:
    """An image of hours or days ago is put back: the node stops, the centre's copy stays as it was."""
    assert world.image is not None
    with_anchor = world.dice.random() < ALL_IN_ONE
    world.count("image-with-anchor" if with_anchor else "image-of-database")
    await _gone_back(world, side, with_anchor=with_anchor)


async def lying_disk(world: World, side: Side) -> None:
    """A power cut loses the last visits, which the disk had promised; the anchor or the centre knows of them."""
    world.count("lying-fsync")
    world.image = side.hall.keep_image()
    if world.catalogue is not None:
        world.count("grant-rolled-back")
        side.calm = False
        await spend(world, side, VISITS)
    for _ in range(world.dice.randint(1, VISITS)):
        visit = clerks.Visit(world.dice, world.dice.choice(world.place.people), side.hall)
        await side.act(f"visit {visit.what}", visit.run())
    with_anchor = world.dice.random() < ALL_IN_ONE
    if with_anchor:
        await side.act("exchange", exchange.exchange(side.hall.node))
        await side.look()
    else:
        await side.act("checkpoint", checkpoint.sign(side.hall.node))
    await _gone_back(world, side, with_anchor=with_anchor)


async def _gone_back(world: World, side: Side, *, with_anchor: bool) -> None:
    """The disk is as it was then: found by the anchor or at the next contact, carried into a new incarnation."""
    assert world.image is not None
    assert side.court is not None
    back = await _stick(world, side)
    side.book.close()
    await side.hall.restore_image(world.image, with_anchor=with_anchor)
    if with_anchor:
        await _visits(world, side, world.dice.randint(0, VISITS))
        await _contact(world, side)
    demand(await _stopped(side), "P2", "a node whose disk went back goes on answering")
    await side.court.unmoved()
    await _lives_on(world, side, "rollback", back)


async def _stick(world: World, side: Side) -> Stick | None:
    """A stick of this life with an acknowledgement on it, which will come back in the next one."""
    if world.dice.random() < ALL_IN_ONE:
        return None
    await side.act("export", side.drawer.export())
    words = await side.drawer.hand_in(world.place.centre, len(side.drawer.up) - 1, "", world.dice)
    world.say(f"{side.name}: {words}")
    side.touched = True
    await side.look()
    return side.drawer.back[-1]


async def _lives_on(world: World, side: Side, why: str, back: Stick | None = None) -> None:
    """The next incarnation, at work: what belongs to the one before changes nothing in it."""
    world.mood = world.dice.choice(("up", "flaky"))
    if why == "disk-lost":
        await replaced(world, side)
    else:
        await renewed(world, side, why)
    world.mood = "up"
    if back is not None:
        world.count("stick-of-older-life")
        await side.act("bring back an older life's", side.drawer.bring_back(back))
        demand(side.book.acknowledged == 0, "P2", "an older incarnation's acknowledgement counts")
    await _older_batch(world, side)
    for _ in range(world.dice.randint(1, VISITS)):
        visit = clerks.Visit(world.dice, world.dice.choice(world.place.people), side.hall)
        await side.act(f"visit {visit.what}", visit.run())
    await level_side(world, side)


async def _older_batch(world: World, side: Side) -> None:
    """A batch of the ended incarnation arrives now: kept as evidence, nothing of it taken."""
    old = [call for call in side.line.sent if call.path == "/api/exchange"]
    if old:
        world.count("batch-of-older-life")
        reply = await side.line.hand_in(old[0])
        demand(reply is not None and reply.status != 200, "P2", "a batch of an ended incarnation was taken")


async def clone(world: World, side: Side) -> None:
    """Two machines with one disk: whoever comes second is another history, and officers choose who lives on."""
    world.count("two-clones")
    twin = Side(world, "twin", by_stick=False)
    shutil.copytree(side.hall.keep_image(), twin.hall.data)
    await twin.hall.start()
    try:
        await _visits(world, twin, world.dice.randint(1, VISITS))
        await _visits(world, side, world.dice.randint(1, VISITS))
        side.book.look()
        for one in world.dice.sample((side, twin, side, twin), 4):
            await _contact(world, one)
        demand(await _stopped(twin) or await _stopped(side), "P2", "two clones go on answering")
        await _lives_on(world, side, "clone")
        await _contact(world, twin)
        demand(await _stopped(twin), "P2", "a clone goes on answering after the other was renewed")
    finally:
        await twin.hall.stop()


async def lost_disk(world: World, side: Side) -> None:
    """The disk burns, with what had not been sent; an empty machine takes its place."""
    world.count("disk-lost")
    world.mood = "down"
    await _visits(world, side, world.dice.randint(0, VISITS))
    world.mood = "up"
    side.book.look()
    await _lives_on(world, side, "disk-lost", await _stick(world, side))


async def bit_flip(world: World, side: Side) -> None:
    """A bit of the database flips at rest: its page is found, and what is whole goes on (crash rule 7)."""
    world.count("bit-flip")
    old, hall = await ended(side), side.hall
    side.book.close()
    await hall.stop()
    flip(hall.data / FILE, world.dice)
    try:
        done = await rebuild.rebuild(hall.data, hall.settings(), hall.clock())
    except BeyondRepair as error:
        world.say(f"{side.name}: beyond repair: {error}")
        await replaced(world, side, old)
        await level_side(world, side)
        return
    world.say(f"{side.name}: rebuilt: {done}")
    await hall.start()
    if done is not None and done.incarnation:
        demand("restored" in await _stopped(side), "P2", "a node that lost a part of its ledger goes on")
        await ask(world, side, "disk-lost")
        side.reborn(Book())
        gone = [index for index, hashed in old.book.released.items() if old.held.get(index) != hashed]
        demand(not gone, "P2", f"entries shown before the flip are nowhere: {gone}")
    else:
        side.reopened()
    side.shelf = Shelf(side.book)  # the cache may have begun anew
    visit = clerks.Visit(world.dice, world.dice.choice(world.place.people), side.hall)
    await side.act(f"visit {visit.what}", visit.run())
    await level_side(world, side, whole=done is None or not done.incarnation)


async def revoked(world: World, side: Side) -> None:
    """The centre revokes the node, before, while or after data of it arrives: told at its next contact it answers
    no more, and nothing that comes later is taken as good.
    """
    when = world.dice.choice(("before", "with", "after"))
    world.count(f"revoked-{when}-data")
    if when != "after":
        await _visits(world, side, 2)
    if when == "with":
        await side.hall.act(exchange.exchange(side.hall.node), _revoke(world, side))
    else:
        await _revoke(world, side)
    held = await _held(side)
    await _visits(world, side, 1)
    for _ in range(2):
        await _contact(world, side)
    demand("node-revoked" in await _stopped(side), "P3", "a revoked node goes on answering")
    demand(await _held(side) == held, "P3", "entries of a revoked node were taken")
    side.book.look()
    side.book.thorough()


async def _revoke(world: World, side: Side) -> None:
    name = side.hall.origin.split("/")[2]
    gone = await nodes.revoke(world.place.centre, SECURITY, name, "遗失")
    assert gone is None


async def _held(side: Side) -> int:
    assert side.court is not None
    return len(await side.court.rows("SELECT 1 FROM entry WHERE origin = $1"))


ENDINGS: tuple[Ending | None, ...] = (None, revoked, lying_disk, clone, lost_disk, bit_flip)
WEIGHTS = (66, 5, 5, 4, 4, 4)
