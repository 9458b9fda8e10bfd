"""What goes wrong on the way down: a cache spoilt on its disk, trips that end, consent withdrawn, releases that lie, files."""

from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from central.actions import publish, records, trips
from central.actions.centre import operator
from central.actions.trips import Trip
from edge.actions import downlink, exchange, files, leases
from edge.actions.views import Answer
from matters.calendar import china_day
from matters.records import SubjectRecord
from sync.ids import subject_ref
from sync.packs.release import open_release
from tests.simulation import clerks
from tests.simulation.hall import Cut, Failed, Lost
from tests.simulation.offence import demand
from tests.simulation.place import REGION
from tests.simulation.side import Side
from tests.simulation.world import MINUTE_MS, OPERATOR, World

SECURITY = operator("security")
DETAIL = f"{REGION}/detail"
DAYS = 2
LISTED_SHARE, JOB_SHARE, CUT_SHARE = 0.5, 0.5, 0.7
WAITS_FILES = 8
GONE = "DELETE FROM subject_cache WHERE shelf = ? AND ref = ?"
OTHER = "UPDATE subject_cache SET digest = randomblob(32) WHERE shelf = ? AND ref = ?"
TORN = "UPDATE subject_cache SET sealed = randomblob(200), open_part = randomblob(200) WHERE shelf = ? AND ref = ?"


async def in_the_dark(world: World, side: Side, person: SubjectRecord) -> Any:
    """This person asks for their own report while the line is down: what they are told."""
    mood, world.mood = world.mood, "down"
    visit = clerks.Visit(world.dice, person, side.hall, "own")
    told = await side.act("visit in the dark", visit.run())
    world.mood = mood
    return told[0]


async def contact(world: World, side: Side, *, by_stick: bool = False) -> None:
    """One exchange, or one journey of a stick there and back."""
    world.wait(MINUTE_MS)
    side.touched = True
    if not (side.by_stick or by_stick):
        await side.act("exchange", exchange.exchange(side.hall.node))
        return
    await side.act("export", side.drawer.export())
    if side.drawer.up[-1].with_files:
        world.count("stick-with-files")
    world.say(await side.drawer.hand_in(world.place.centre, len(side.drawer.up) - 1, "", world.dice))
    if side.drawer.back:
        await side.act("bring back", side.drawer.bring_back(side.drawer.back[-1]))


async def spoil(world: World, dice: Random) -> None:
    """A row of the cache is gone, another, or unreadable: nothing is answered from what is doubted."""
    side = dice.choice(world.sides)
    held = side.book.query("SELECT shelf, ref FROM subject_cache ORDER BY shelf, ref")
    if not held:
        return
    (shelf, ref), sql, node = dice.choice(held), dice.choice((GONE, OTHER, TORN)), side.hall.node
    world.count("cache-spoilt")
    await node.store.transact(lambda tx: tx.execute(sql, (shelf, ref)))
    key = node.identity.subject_key
    person = next((one for one in world.place.people if subject_ref(key, one.number) == ref), None)
    if person is not None and sql != OTHER:
        told = await in_the_dark(world, side, person)
        demand(not isinstance(told, Answer), "P2", "a cached row that is gone or torn was answered from")
    if dice.random() < JOB_SHARE:
        found = await downlink.settle_doubts(side.hall.node) + await downlink.look_over(side.hall.node)
        world.say(f"{side.name}: {found} buckets set aside")


async def trip(world: World, dice: Random) -> None:
    """A bus's trip: planned, given another list, ended before its time, or over while the bus is out."""
    bus = next((side for side in world.sides if side.by_stick), None)
    if bus is None:
        return
    centre, name = world.place.centre, bus.hall.origin.split("/")[2]
    now_ms = centre.now_ms()
    running = [one for one in await trips.of_node(centre, name) if one.state(now_ms) == "open"]
    if not running:
        await _planned(world, bus, dice)
    elif dice.random() < 0.4:
        world.count("trip-ended")
        await trips.end(centre, OPERATOR, running[0].scope)
    elif running[0].listed and dice.random() < 0.5:
        await trips.take_list(centre, OPERATOR, running[0].scope, _some(world, dice))
    else:
        await _over(world, bus, running[0])


def _some(world: World, dice: Random) -> list[str]:
    return [one.number for one in dice.sample(world.place.people, 3)]


async def _planned(world: World, bus: Side, dice: Random) -> None:
    centre, name = world.place.centre, bus.hall.origin.split("/")[2]
    today = china_day(centre.now_ms())
    span = (today, today + timedelta(days=DAYS - 1))
    listed = dice.random() < LISTED_SHARE
    made = await trips.plan(centre, OPERATOR, name, [REGION], span, listed=listed)
    assert isinstance(made, Trip)
    if listed:
        await trips.take_list(centre, OPERATOR, made.scope, _some(world, dice))
    world.say(f"{bus.name}: trip {made.scope} planned")
    for _ in range(2):
        await contact(world, bus)


async def _over(world: World, bus: Side, trip: Trip) -> None:
    """The days end without contact: no answer out of them, and the bus destroys them by itself."""
    world.count("trip-over")
    world.wait(max(0, trip.until_ms - world.place.time.true_ms) + MINUTE_MS)
    told = await in_the_dark(world, bus, world.dice.choice(world.place.people))
    demand(
        not (isinstance(told, Answer) and trip.scope in told.source),
        "P7",
        "answered from a trip that is over",
    )
    if bus.hall.right:
        await leases.shred_expired(bus.hall.node)
        left = bus.book.query("SELECT rows FROM release_held WHERE scope = ? AND version > 0", trip.scope)
        left += bus.book.query("SELECT 1 FROM lease_key WHERE scope = ?", trip.scope)
        demand(not left, "P7", "a trip that is over can still be opened")


async def consent(world: World, dice: Random) -> None:
    """A subject withdraws consent to offline answers, or gives it again."""
    centre, person = world.place.centre, dice.choice(world.place.people[:2])
    ref = centre.keys.ref(person.number)
    withdrawn = not await world.place.witness.fetch("SELECT 1 FROM consent_withdrawn WHERE ref = $1", ref)
    world.count("consent-withdrawn" if withdrawn else "consent-given")
    await trips.consent(centre, SECURITY, person.number, withdrawn=withdrawn, note="本人书面申请")
    for side in world.sides:
        if dice.random() < JOB_SHARE:
            await contact(world, side)
        await in_the_dark(world, side, person)


async def release(world: World, dice: Random) -> None:
    """The centre's static files or its table give an older release, none of the newer ones, or another's pack."""
    side, lie = dice.choice(world.sides), dice.choice((_rolled_back, frozen, _mixed))
    for _ in range(2):
        await contact(world, side)
        await newer_release(world, dice.choice(world.place.people))
    await lie(world)
    await contact(world, side)
    await side.look()
    await in_the_dark(world, side, dice.choice(world.place.people))
    if lie is not frozen:
        await world.put_right()


async def newer_release(world: World, person: SubjectRecord) -> None:
    """This subject's records change, and every scope that holds them is published anew."""
    await records.change(world.place.centre, OPERATOR, person.number)
    await publish.publish(world.place.centre, OPERATOR)


async def _rolled_back(world: World) -> None:
    world.count("release-rolled-back")
    await _shown_again(world, 2)


async def frozen(world: World) -> None:
    """The newest release of the county's set is hidden behind the one before it, until the world is put right."""
    world.count("release-frozen")
    await _shown_again(world, 1)


async def _shown_again(world: World, back: int) -> None:
    """The newest release of the county's set is the one `back` before it, until the world is put right."""
    put = "UPDATE release SET signed = $1 WHERE scope = $2 AND version = $3"
    query = "SELECT version, signed FROM release WHERE scope = $1 ORDER BY version DESC LIMIT $2"
    found = await world.place.witness.fetch(query, DETAIL, back + 1)
    newest, older = found[0], found[-1]
    await world.place.witness.execute(put, older["signed"], DETAIL, newest["version"])

    async def undo() -> None:
        await world.place.witness.execute(put, newest["signed"], DETAIL, newest["version"])

    world.undo.append(undo)


async def _mixed(world: World) -> None:
    """The file of the newest pack is another pack of the same release."""
    world.count("release-mixed")
    centre = world.place.centre
    query = "SELECT signed FROM release WHERE scope = $1 ORDER BY version DESC LIMIT 1"
    signed = (await world.place.witness.fetch(query, DETAIL))[0]["signed"]
    packs = open_release(signed, centre.keys.signing.public).packs
    last, other = (_file(world, pack.digest) for pack in (packs[-1], packs[0]))
    kept = last.read_bytes()

    async def undo() -> None:
        last.write_bytes(kept)

    world.undo.append(undo)
    last.write_bytes(other.read_bytes() if other != last else kept[::-1])


def _file(world: World, digest: bytes) -> Path:
    return world.place.centre.data / "packs" / digest.hex()


async def report_files(world: World, dice: Random) -> None:
    """Papers come out and their files follow, over the line or on a stick, until the power goes in the middle."""
    side = dice.choice(world.sides)
    for _ in range(2):
        visit = clerks.Visit(world.dice, world.dice.choice(world.place.people), side.hall, "own")
        await side.act("visit own", visit.run())
    await side.act("print", clerks.all_printed(side.hall))
    if side.by_stick or dice.random() < JOB_SHARE:
        await contact(world, side, by_stick=True)
        return
    await contact(world, side)
    cut = Cut(waits=world.dice.randint(2, WAITS_FILES)) if dice.random() < CUT_SHARE else None
    told = await side.act("files", clerks.bring_files(side.hall), cut=cut)
    if any(isinstance(one, Failed | Lost) for one in told):
        world.count("files-broken-off")


async def bring_files(world: World, side: Side) -> None:
    """Over a good line every report file this node has reaches the centre, none holding back an entry (P8)."""
    assert side.court is not None
    name = side.hall.origin.split("/")[2]
    if not side.by_stick:
        done = await files.send(side.hall.node)
        world.say(f"{side.name}: {done.files} report files")
        await side.court.files(world.place.centre, name)
