"""Steps 1–3: the centre with its data, two places enrolled, a clerk and a card."""

from tests.story import outside
from tests.story.memory import Memory, asking
from tests.story.programs import command
from tests.story.world import BUS_REGION, HALL_REGION, ROUTE, Place, World
from tests.waiting import until

BAD_LINES = 7
WIRE_MS = 112  # 1,295 bytes at 115,200 baud
FILL_MS = 300


async def centre_opens(world: World, memory: Memory) -> str:
    """Step 1: embedded PostgreSQL, three administrators, records of two counties with rejects listed."""
    made = world.central("init", "--passwords-final")
    memory.administrators = {row["name"]: row["password"] for row in made["administrators"]}
    assert set(memory.administrators) == {"system", "security", "audit"}
    read = stored = 0
    for seed, region in ((1, HALL_REGION), (2, BUS_REGION)):
        path = str(world.folder / f"records-{region}.csv")
        sample = ["--people", str(world.people), "--seed", str(seed), "--region", region]
        world.central("records", "sample", *sample, "--out", path, "--bad", str(BAD_LINES))
        done = world.central("records", "import", path)
        assert len(done["rejected"]) == BAD_LINES, (
            f"{len(done['rejected'])} rejects, {BAD_LINES} were planted"
        )
        assert all(reject["line"] and reject["reason"] for reject in done["rejected"])
        read, stored = read + done["read"], stored + done["stored"]
    start_centre(world)
    counted = await outside.centre_rows(
        world,
        "SELECT (SELECT count(*) FROM subject WHERE kind = 'natural') AS people,"
        " (SELECT count(*) FROM subject WHERE kind = 'legal') AS firms, (SELECT count(*) FROM record) AS records",
    )
    people, firms, records = counted[0]
    assert people >= 2 * world.people * 0.99, f"only {people} people arrived"
    assert firms
    assert records > people
    return f"{people} people, {firms} organisations, {records} records; {read} read, {stored} stored, {2 * BAD_LINES} rejected"


def start_centre(world: World) -> None:
    """Start the credit bureau's reference and the centre, wait until it answers."""
    world.start("bureau", ["central", "bureau", "--port", str(world.bureau_port)])
    with (world.centre_data / "settings.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'bureau_url = "http://127.0.0.1:{world.bureau_port}"\n')
    data, port = str(world.centre_data), str(world.centre_port)
    words = ["central", "serve", "--data", data, "--host", "127.0.0.1", "--port", port]
    world.start("centre", words).wait_for(world.centre_url + "/livez")


async def places_enrol(world: World, memory: Memory) -> str:
    """Step 2: a hall and a bus with one-time codes, keys, leases, and their packs in the encrypted cache."""
    bus_route = ["--route", ",".join(ROUTE)]
    held = []
    staff = world.write_staff()
    for place, region, more, file in (
        (world.hall, HALL_REGION, [], staff[0]),
        (world.bus, BUS_REGION, bus_route, staff[1]),
    ):
        words = ["--name", place.name, "--region", region, "--kind", place.kind, *more]
        made = world.central("node", "create", *words)
        place.node = made["node"]
        world.central("staff", "import", "--node", place.node, str(file))
        place.edge("enrol", "--centre", place.centre_url, "--code", made["code"])
        thief = str(world.folder / "thief")
        command(
            "edge", "enrol", "--data", thief, "--centre", place.centre_url, "--code", made["code"], expect=4
        )
    world.central("publish")
    for place in (world.hall, world.bus):
        place.plug_in()
        place.edge("exchange")
        held.append(_held(place))
    assert held[0] > held[1] > 0, f"the hall holds its county, the bus only its route: {held}"
    await _nothing_readable(world, memory)
    return f"hall caches {held[0]} subjects, bus {held[1]}; a second use of a code was refused"


def _held(place: Place) -> int:
    check = place.edge("check")
    assert check["store"] == "ok"
    assert check["broken_at"] is None
    return int(outside.node_rows(place, "SELECT count(*) FROM subject_cache")[0][0])


async def _nothing_readable(world: World, memory: Memory) -> None:
    """Choose the story's citizens, and see that the hall's files show none of them to a thief without a key."""
    citizens = outside.people(world, HALL_REGION)
    route = [row for row in outside.people(world, BUS_REGION) if row["region"].startswith(ROUTE)]
    memory.citizens = dict(
        zip(("online", "cached", "changed", "bureau", "other", "unpermitted"), citizens, strict=False)
    )
    memory.citizens |= dict(zip(("bus", "bus-bureau"), route, strict=False))
    words = [row["number"] for row in memory.citizens.values()]
    found = outside.planted(world.hall.data, words)
    assert not found, f"{len(found)} numbers can be read in the hall's files"


async def clerk_signs_in(world: World, memory: Memory) -> str:
    """Step 3: a clerk signs in, a card is laid on the reader, the page fills by itself."""
    world.hall.serve()
    clerk = world.hall.clerk
    assert clerk.sign_in("li.min", "wrong-password-000").status_code in {401, 403}
    clerk.sign_in("li.min", world.passwords["li.min"]).raise_for_status()
    until(lambda: _reader_open(world.hall), "the reader is open", 15)
    read, took_ms = clerk.lay(outside.card_of(memory.citizens["online"]))
    assert read["name"] == memory.citizens["online"]["name"]
    assert memory.citizens["online"]["number"] not in str(read), "a full number is no use on this page"
    assert took_ms <= FILL_MS + WIRE_MS, f"card to page took {took_ms:.0f} ms"
    memory.reads["online"] = read
    return f"card to filled page in {took_ms:.0f} ms (limit {FILL_MS} + {WIRE_MS} wire)"


def _reader_open(place: Place) -> bool:
    states = {device["kind"]: device["state"] for device in place.clerk.status()["devices"]}
    return states.get("id_reader") == "ok"


async def answered_online(world: World, memory: Memory) -> str:
    """Step 4: own public-credit query with the line up: report, PDF, slip, entry durable before the answer."""
    clerk = world.hall.clerk
    size = clerk.status()["ledger"]["size"]
    answer, took_ms = asking(clerk, memory, "online", "public-credit.self")
    assert answer["mode"] == "online"
    index = answer["entry"]["index"]
    stored = outside.node_rows(world.hall, "SELECT leaf_hash FROM entry WHERE idx = ?", index)
    assert stored, "the entry is not in the database"
    assert bytes(stored[0][0]).hex() == answer["entry"]["leaf_hash"]
    assert clerk.status()["ledger"]["size"] > size
    serial = answer["report"]["serial"]
    assert answer["report"]["status"] == "final"
    disclosed = await outside.centre_rows(world, "SELECT count(*) AS n FROM centre_entry WHERE kind = 200")
    assert disclosed[0]["n"] == 1, "the centre's own ledger must hold the disclosure"
    memory.answers["online"] = answer
    text = memory.keep_report(world, clerk, serial, "final")
    assert memory.citizens["online"]["name"] in text
    until(lambda: any(serial in paper for paper in world.hall.papers()), "the slip is cut", 10)
    return f"online in {took_ms:.0f} ms, report {serial}, slip cut, disclosure on the centre's ledger"
