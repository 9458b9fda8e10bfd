"""One story a rule, continued: what both sides compare (protocol 10), and the properties no numbered rule covers."""

from central.actions import reconcile, recount
from central.actions.centre import operator
from edge.actions import exchange, gates, leases, rebuild
from edge.actions import recount as recounting
from edge.actions.status import status
from edge.actions.views import Answer
from edge.errors import EdgeError
from edge.store import cipher, slots
from edge.store.store import FILE
from tests.simulation import clerks
from tests.simulation.coming_down import bring_files
from tests.simulation.levelling import level
from tests.simulation.offence import Offence, demand
from tests.simulation.renewing import ask
from tests.simulation.rule_stories import DAY_MS, in_level
from tests.simulation.side import Side
from tests.simulation.stories import serve, sync_up
from tests.simulation.tearing import PAGE_BYTES
from tests.simulation.world import HOUR_MS, World

ZSTD = b"\x28\xb5\x2f\xfd"


async def an_answer_nobody_countersigned_yet(world: World, side: Side) -> None:
    """Two hours without a line: the age of the oldest entry that waits is shown, and zero when nothing does."""
    await in_level(world, side)
    shown = (await status(side.hall.node)).ledger.oldest_unacknowledged_age_s
    demand(shown == 0, "P2", f"nothing waits, and the screen says since {shown} s")
    world.mood = "down"
    await serve(world, side)
    world.wait(2 * HOUR_MS)
    shown = (await status(side.hall.node)).ledger.oldest_unacknowledged_age_s
    demand(shown >= 2 * HOUR_MS // 1000, "P2", f"an answer waits for two hours, the screen says {shown} s")


async def a_full_disk_in_the_middle_of_an_answer(world: World, side: Side) -> None:
    """What is not written gives its serial back: the next report has the next number."""
    await in_level(world, side)
    await serve(world, side)
    await side.hall.fill_disk(1)
    side.reopened()
    for _ in range(4):
        await serve(world, side)
    await side.hall.fill_disk(0)
    side.reopened()
    await serve(world, side)
    await level(world)


async def an_acknowledged_hour_is_lost(world: World, side: Side) -> None:
    """The disk goes back behind an acknowledgement, without contact: what was acknowledged is anchored."""
    await in_level(world, side)
    image = side.hall.keep_image()
    await serve(world, side, what="own-on-screen")
    await sync_up(world, side)
    side.book.close()
    await side.hall.restore_image(image, with_anchor=False)
    found = await side.hall.node.store.read(lambda db: gates.gates(db, side.hall.node))
    demand(found, "P2", "a node that lost what it was acknowledged goes on answering")


async def another_root_at_the_centre(world: World, side: Side) -> None:
    """An entry of the centre's copy is another one: the centre signs no root that it does not hold."""
    await in_level(world, side)
    assert side.court is not None
    before = side.book.acknowledged
    alter = "UPDATE entry SET leaf_hash = decode(md5('x') || md5('y'), 'hex') WHERE origin = $1 AND idx = 2 RETURNING idx"
    assert await side.court.rows(alter)
    world.mood = "down"
    await serve(world, side)
    world.mood = "up"
    world.wait(HOUR_MS)
    await side.hall.act(exchange.exchange(side.hall.node))
    side.book.look()
    demand(side.book.acknowledged == before, "P2", "the centre countersigned a root that it does not hold")


async def a_report_nobody_printed(world: World, side: Side) -> None:
    """A report was issued and no sheet is on record: the four-way match says so."""
    await in_level(world, side)
    await serve(world, side)
    demand("never-printed" in await _findings(world, side), "P2", "a report without a sheet is no finding")


async def an_answer_on_one_ledger_only(world: World, side: Side) -> None:
    """The hall's ledger has an online answer that the centre's has lost: a pair of one is a finding."""
    await in_level(world, side)
    await serve(world, side)
    assert side.court is not None
    assert await side.court.rows("DELETE FROM disclosure WHERE origin = $1 RETURNING request_id")
    codes = await _findings(world, side)
    demand("shown-not-disclosed" in codes, "P2", "an answer on one ledger only is no finding")


async def _findings(world: World, side: Side) -> set[str]:
    """What the centre's recount of today, closed and arrived, finds at this hall."""
    day = side.hall.node.day_of(side.hall.node.now_ms())
    await side.act("close", clerks.close(side.hall))
    await in_level(world, side)
    told = await reconcile.reconcile(world.place.centre, day)
    return {one.code for node in told.nodes if node.origin == side.hall.origin for one in node.findings}


async def an_altered_body_at_the_centre(world: World, side: Side) -> None:
    """A stored body is another one: the deep check names its entry."""
    await in_level(world, side)
    await serve(world, side)
    await in_level(world, side)
    assert side.court is not None
    alter = "UPDATE entry_body SET leaf = '\\x00' WHERE origin = $1 AND idx = 3 RETURNING idx"
    assert await side.court.rows(alter)
    centre, name = world.place.centre, side.hall.origin.split("/")[2]
    await recount.recount(centre, operator("audit"), name)
    found = await recounting.recount(side.hall.node)
    demand(found.differs_at == 3, "P2", f"the deep check names {found.differs_at}, entry 3 was altered")


async def a_report_file_the_centre_lacks(world: World, side: Side) -> None:
    """A report came out and its entry is at the centre: its file follows, because the centre asks for it."""
    await in_level(world, side)
    await serve(world, side)
    await side.act("print", clerks.all_printed(side.hall))
    await in_level(world, side)
    await bring_files(world, side)


async def a_stick_is_found_in_the_street(world: World, side: Side) -> None:
    """Whoever has the stick can read nothing on it: no frame can be unpacked."""
    await in_level(world, side)
    world.mood = "down"
    await serve(world, side, 2)
    await side.act("export", side.drawer.export())
    (name, batch), *_ = side.drawer.up[-1].files
    demand(ZSTD not in batch, "P4", f"the frames of {name} can be unpacked by whoever finds it")


async def entries_of_a_newer_and_of_a_broken_node(world: World, side: Side) -> None:
    """A kind nobody knows here and a detail that is none: kept as evidence, and the queue goes on."""
    await in_level(world, side)
    await side.act("strange", clerks.strange(side.hall))
    await serve(world, side)
    await level(world)


async def an_alarm_that_is_over(world: World, side: Side) -> None:
    """An alarm stands; the next good exchange clears it, nobody has to."""
    await in_level(world, side)
    await side.hall.node.store.transact(lambda tx: tx.note(gates.ALARM, ["fork", "of yesterday"]))
    told = (await serve(world, side))[0]
    demand(not isinstance(told, Answer), "P2", "a hall with an alarm answers")
    await in_level(world, side)
    found = await side.hall.node.store.read(lambda db: gates.gates(db, side.hall.node))
    demand(not found, "P8", f"an alarm that is over still stops answers: {found}")


async def a_clock_set_back(world: World, side: Side) -> None:
    """Months without contact and a wall clock that says they never passed: what was kept under leases is shredded."""
    await in_level(world, side)
    side.hall.skew_ms = -150 * DAY_MS
    world.wait(150 * DAY_MS)
    await leases.shred_expired(side.hall.node)
    left = side.book.query("SELECT count(*) FROM lease_key")[0][0]
    demand(left == 0, "P7", f"{left} data keys outlive their leases by the wall clock")


async def a_page_of_the_ledger_is_broken(world: World, side: Side) -> None:
    """The page of the newest entry no longer opens: the file is put aside, and the node comes up on what is whole."""
    await in_level(world, side)
    (leaf,) = side.book.query("SELECT leaf FROM entry ORDER BY idx DESC LIMIT 1")[0]
    side.book.close()
    hall = side.hall
    await hall.stop()
    key, path = slots.unlock(hall.data), hall.data / FILE
    content = bytearray(path.read_bytes())
    for at in range(PAGE_BYTES, len(content), PAGE_BYTES):
        if leaf in cipher.plain_page(bytes(content[at : at + PAGE_BYTES]), key, first=False):
            content[at + PAGE_BYTES // 2] ^= 1
    path.write_bytes(content)
    await rebuild.rebuild(hall.data, hall.settings(), hall.clock())
    try:
        await hall.start()
    except EdgeError as error:
        raise Offence("P8", f"a node with a broken page does not come up again: {error}") from error
    await ask(world, side, "disk-lost")
