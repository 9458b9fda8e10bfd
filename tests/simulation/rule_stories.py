"""One story a rule: it passes with the product as it is, and names what is broken once the rule is out (`rules.py`)."""

from contextlib import closing

import msgspec

from central.actions import reconcile
from edge.actions import checkpoint, clockwork, gates, prune
from edge.actions.views import Answer
from edge.errors import EdgeError
from edge.store import cipher, slots
from edge.store.store import FILE
from matters.model import Refusal
from tests.simulation import clerks
from tests.simulation.levelling import level
from tests.simulation.offence import Offence, demand
from tests.simulation.place import Backup
from tests.simulation.side import Side
from tests.simulation.stories import serve, sync_up
from tests.simulation.world import HOUR_MS, World

DAY_MS = 24 * HOUR_MS


def _in_file(side: Side, sql: str) -> None:
    """Bits change behind the node's back: the disk, or somebody with its key."""
    with closing(cipher.connect(side.hall.data / FILE, slots.unlock(side.hall.data), writer=True)) as thief:
        assert thief.execute(sql).rowcount


async def a_flipped_bit_before_signing(world: World, side: Side) -> None:
    """A leaf is no longer what was hashed: no checkpoint over it may be signed."""
    await serve(world, side)
    _in_file(side, "UPDATE entry SET leaf = zeroblob(40) WHERE idx = (SELECT max(idx) FROM entry)")
    try:
        await checkpoint.sign(side.hall.node)
    except EdgeError:
        return
    raise Offence("signing", "a checkpoint was signed over a leaf that is not the one that was hashed")


async def in_level(world: World, side: Side) -> None:
    await sync_up(world, side)
    await sync_up(world, side)


async def _other_life(world: World, side: Side, visits: int) -> None:
    """What a node does that has forgotten a part of its life."""
    for number in range(visits):
        visit = clerks.Visit(world.dice, world.place.people[number % len(world.place.people)], side.hall)
        await side.hall.act(visit.run())


async def another_history(world: World, side: Side) -> None:
    """An old image lives on otherwise and comes with more than before: the centre's copy stays as it was."""
    await in_level(world, side)
    image = side.hall.keep_image()
    await serve(world, side)
    await sync_up(world, side)
    side.book.close()
    await side.hall.restore_image(image, with_anchor=True)
    await _other_life(world, side, 4)
    world.wait(HOUR_MS)
    await side.hall.act(clerks.exchange_now(side.hall))
    assert side.court is not None
    await side.court.unmoved()


async def an_acknowledgement_of_another_history(world: World, side: Side) -> None:
    """A stick with an acknowledgement of what this node forgot comes back to an old image that lived on otherwise."""
    await in_level(world, side)
    image = side.hall.keep_image()
    await serve(world, side)
    await side.act("export", side.drawer.export())
    await side.drawer.hand_in(world.place.centre, 0, "", world.dice)
    back = side.drawer.back[-1]
    side.book.close()
    await side.hall.restore_image(image, with_anchor=True)
    await _other_life(world, side, 4)
    before = await side.hall.node.store.read(gates.countersigned_size)
    await side.hall.act(side.drawer.bring_back(back))
    after = await side.hall.node.store.read(gates.countersigned_size)
    demand(
        after == before, "P2", f"the node believes {after} of its entries to be countersigned, not {before}"
    )


async def ninety_days_without_contact(world: World, side: Side) -> None:
    """Three months later nothing the centre has not got was dropped, and all of it arrives."""
    await in_level(world, side)
    for _ in range(3):
        await serve(world, side)
        await side.act("close", clerks.close(side.hall))
        world.wait(31 * DAY_MS)
        await prune.prune(side.hall.node)
    held = side.book.query(
        "SELECT count(*) FROM entry WHERE detail IS NULL AND idx >= ?", side.book.acknowledged
    )
    demand(held[0][0] == 0, "P2", f"{held[0][0]} details are gone that the centre never had")
    await level(world)


async def four_days_without_contact(world: World, side: Side) -> None:
    """An access nobody countersigned for longer than the window: no answers, until the next acknowledgement."""
    await in_level(world, side)
    await serve(world, side)
    world.wait(4 * DAY_MS)
    told = (await serve(world, side))[0]
    stopped = isinstance(told, Refusal) and told.code == "upload-overdue"
    demand(stopped, "P8", f"an access waits four days and the hall answers: {type(told).__name__}")
    await in_level(world, side)
    told = (await serve(world, side))[0]
    demand(isinstance(told, Answer), "P8", "the hall does not resume by itself")


async def leases_long_over(world: World, side: Side) -> None:
    """A node that was off for months starts: before it serves nothing it kept under a lease can be opened."""
    await in_level(world, side)
    demand(side.book.query("SELECT 1 FROM lease_key"), "bug", "there is something to shred")
    world.wait(150 * DAY_MS)
    await side.hall.restart()
    side.reopened()
    left = side.book.query("SELECT count(*) FROM lease_key")[0][0]
    demand(left == 0, "P7", f"{left} data keys outlive every lease")


async def a_report(world: World, side: Side) -> None:
    """A report number is shown; the judge asks the anchor at that moment."""
    await in_level(world, side)
    await serve(world, side)


async def an_old_database(world: World, side: Side) -> None:
    """The database is of an older image, the anchor is not: the node stops, also without contact."""
    await in_level(world, side)
    image = side.hall.keep_image()
    await serve(world, side)
    side.book.close()
    await side.hall.restore_image(image, with_anchor=False)
    found = await side.hall.node.store.read(lambda db: gates.gates(db, side.hall.node))
    demand(found, "P2", "a node with an old database goes on answering")


async def a_spoilt_tail(world: World, side: Side) -> None:
    """The last entry was altered while the node was off: it does not start as if nothing were wrong."""
    await serve(world, side)
    side.book.close()
    await side.hall.stop()
    _in_file(side, "UPDATE entry SET leaf = zeroblob(40) WHERE idx = (SELECT max(idx) FROM entry)")
    try:
        await side.hall.start()
    except EdgeError:
        return
    raise Offence("P2", "the node starts on a ledger whose last entry is not the one that was hashed")


async def a_disk_that_runs_short(world: World, side: Side) -> None:
    """Less is free than there must be: sensitive answers stop, days are closed all the same."""
    await in_level(world, side)
    node = side.hall.node
    node.settings = msgspec.structs.replace(node.settings, disk_free_min_percent=99)
    if node.store.free_percent() > 99:
        node.settings = msgspec.structs.replace(node.settings, disk_free_min_percent=100)
    told = (await serve(world, side))[0]
    stopped = isinstance(told, Refusal) and told.code == "disk-low"
    demand(stopped, "P1", f"the disk is short and the hall answers: {type(told).__name__}")
    await side.act("close", clerks.close(side.hall))
    await clockwork.keep_reserve(node)


async def a_day_that_lost_an_access(world: World, side: Side) -> None:
    """The centre's copy of a closed day lacks what the hall's total counts: the recount says so."""
    await in_level(world, side)
    await serve(world, side, 2)
    day = side.hall.node.day_of(side.hall.node.now_ms())
    await side.act("close", clerks.close(side.hall))
    await in_level(world, side)
    assert side.court is not None
    lost = "DELETE FROM report WHERE origin = $1 AND idx = (SELECT max(idx) FROM report WHERE origin = $1) RETURNING idx"
    assert await side.court.rows(lost)
    told = await reconcile.reconcile(world.place.centre, day)
    found = [one for node in told.nodes if node.origin == side.hall.origin for one in node.findings]
    demand(found, "P2", "the recount of a day that lost a report finds nothing")


async def a_provisional_report(world: World, side: Side) -> None:
    """An answer from the cache; once it arrived, both ends have its verdict."""
    await in_level(world, side)
    world.mood = "down"
    await serve(world, side)
    world.mood = "up"
    await level(world)


async def a_centre_restored_from_a_backup(world: World, side: Side) -> None:
    """The centre forgets an afternoon: until it is level with what the node saw of it, it countersigns nothing."""
    place = world.place
    await in_level(world, side)
    backup = Backup(place)
    await backup.take()
    await _cached_days(world, side)
    await backup.put_back()
    signed = await _signed_by_centre(side)
    await _cached_days(world, side)
    more = await _signed_by_centre(side) - signed
    demand(not more, "signing", f"a restored centre signed once more what it had signed: {more}")


async def _cached_days(world: World, side: Side) -> None:
    """Answers from the cache, each followed by an exchange."""
    for _ in range(4):
        world.mood = "down"
        await serve(world, side)
        world.mood = "up"
        world.wait(HOUR_MS)
        await side.hall.act(clerks.exchange_now(side.hall))


async def _signed_by_centre(side: Side) -> set[tuple[str, int]]:
    """The centre's own checkpoints: incarnation and size."""
    assert side.court is not None
    query = "SELECT origin, size FROM checkpoint WHERE origin LIKE '%/centre/main/%' AND $1 <> ''"
    return {(row["origin"], row["size"]) for row in await side.court.rows(query)}
