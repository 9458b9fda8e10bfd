"""What a bus carries: for its days and stops only, by the day's list, and never those who withdrew consent."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from central.actions import held, publish, records, trips
from central.actions.centre import operator
from central.actions.trips import ListTaken, Trip
from central.actions.views import NodeCreated
from central.errors import NotFound, NotPermitted
from edge.actions import leases
from edge.actions.node import Node
from edge.actions.views import Answer, Deferral
from edge.errors import CentreUnreachable
from edge.store.cache import withdraw
from matters.calendar import china_day
from matters.model import Refusal
from tests.contract.central.stage import Server, founded
from tests.contract.central.test_records import sample
from tests.contract.renewal.place import NUMBER, Line, Place
from tests.contract.renewal.test_repair import offline, ref_of

SYSTEM, SECURITY, AUDIT = operator("system"), operator("security"), operator("audit")
DAY_MS = 86_400_000
STOP = "330102001"


class Bus(Place):
    """A bus whose route is one township."""

    async def created(self) -> NodeCreated:
        return await self.stage.node(name="青州流动服务车", kind="bus", route=(STOP, "330102002"))


@pytest_asyncio.fixture
async def bus(server: Server, tmp_path: Path) -> AsyncIterator[Bus]:
    async with founded(server, tmp_path / "centre") as stage:
        made = Bus(stage, tmp_path)
        await made.open()
        try:
            yield made
        finally:
            await made.close()


async def planned(bus: Bus, *, first: int = 0, days: int = 1, listed: bool = False, most: int = 500) -> Trip:
    """A trip from `first` days from now on."""
    today = china_day(bus.stage.clock())
    span = (today + timedelta(days=first), today + timedelta(days=first + days - 1))
    made = await trips.plan(
        bus.stage.centre, SYSTEM, bus.name, [STOP], span, listed=listed, subjects_max=most
    )
    assert isinstance(made, Trip), made
    return made


async def scopes(bus: Bus) -> dict[str, int]:
    """What the bus holds: rows of each data set of records."""
    rows = await bus.node.store.read(
        lambda db: db.query(
            "SELECT scope, rows FROM release_held WHERE data_class = 'detail' AND version > 0"
        )
    )
    return dict(rows)


async def cached(bus: Bus) -> list[bytes]:
    rows = await bus.node.store.read(lambda db: db.query("SELECT ref FROM subject_cache ORDER BY ref"))
    return [row[0] for row in rows]


async def test_rule_5_a_trip_is_held_for_its_days_and_destroyed_by_the_bus_alone_when_they_end(
    bus: Bus,
) -> None:
    assert list(await scopes(bus)) == [f"{bus.name}/detail"], "no trip was ever planned: the whole route"
    trip = await planned(bus, days=2)
    assert (trip.subjects, trip.state(bus.stage.clock())) == (1, "open")
    await bus.exchange()
    assert await scopes(bus) == {trip.scope: 1}, "the whole route is withdrawn with the first trip"
    assert isinstance(await offline(bus), Answer)
    key = (bus.data / "keys/lease.key").read_bytes()
    bus.line.down = True
    bus.stage.clock.pass_ms(2 * DAY_MS)
    bus.boot_ms += 2 * DAY_MS
    later = await offline(bus)
    assert not isinstance(later, Answer), "even before the job ran"
    await leases.shred_expired(bus.node)
    assert (await scopes(bus), await cached(bus)) == ({}, [])
    assert (bus.data / "keys/lease.key").read_bytes() != key
    keys = await bus.node.store.read(
        lambda db: db.query(
            "SELECT scope FROM lease_key UNION SELECT scope FROM scope_key WHERE scope = ?", (trip.scope,)
        )
    )
    assert trip.scope not in {row[0] for row in keys}
    bus.line.down = False
    done = await bus.exchange()
    assert done.alarms == ()
    assert await scopes(bus) == {}


async def test_rule_5_a_bus_whose_new_leases_were_lost_on_the_way_gets_its_trip_with_the_next_contact(
    bus: Bus,
) -> None:
    bus.stage.clock.pass_ms(2 * DAY_MS)
    bus.boot_ms += 2 * DAY_MS
    await leases.shred_expired(bus.node)
    bus.line.lost_replies = 1
    with pytest.raises(CentreUnreachable):
        await bus.exchange()
    trip = await planned(bus)
    bus.stage.clock.pass_ms(DAY_MS // 24)
    bus.boot_ms += DAY_MS // 24
    await bus.exchange()
    assert await scopes(bus) == {trip.scope: 1}, "an hour later no lease is due, but none was opened"
    assert isinstance(await offline(bus), Answer)


async def test_a_trip_that_has_not_begun_is_not_offered_and_the_chore_publishes_it_on_its_day(
    bus: Bus,
) -> None:
    trip = await planned(bus, first=1)
    assert (trip.version, trip.state(bus.stage.clock())) == (0, "planned")
    await bus.exchange()
    assert await scopes(bus) == {}
    bus.stage.clock.pass_ms(DAY_MS)
    bus.boot_ms += DAY_MS
    assert await trips.publish_open(bus.stage.centre) == 1
    assert await trips.publish_open(bus.stage.centre) == 0
    await bus.exchange()
    assert list(await scopes(bus)) == [trip.scope]


async def test_a_scope_withdrawn_while_cached_is_destroyed_at_the_next_contact_and_stays_refused(
    bus: Bus,
) -> None:
    trip = await planned(bus, days=3)
    await bus.exchange()
    key = (bus.data / "keys/lease.key").read_bytes()
    ended = await trips.end(bus.stage.centre, SYSTEM, trip.scope)
    assert ended.state(bus.stage.clock()) == "ended"
    await bus.exchange()
    assert (await scopes(bus), await cached(bus)) == ({}, [])
    assert (bus.data / "keys/lease.key").read_bytes() != key
    assert not isinstance(await offline(bus), Answer)
    done = await bus.exchange()
    assert done.alarms == ()


async def test_a_days_list_brings_only_its_subjects_and_has_a_limit(bus: Bus) -> None:
    centre = bus.stage.centre
    await records.import_file(centre, SYSTEM, sample(bus.folder, people=30, seed=5))
    trip = await planned(bus, listed=True, most=1)
    assert (trip.subjects, trip.named) == (0, 0)
    await bus.exchange()
    assert await scopes(bus) == {trip.scope: 0}, "nobody is on the list yet"
    done = await trips.take_list(centre, SYSTEM, trip.scope, [NUMBER, "", "330102199001019999", NUMBER])
    assert isinstance(done, ListTaken)
    assert (done.taken, [line for line, _ in done.left_out]) == (1, [3])
    await bus.exchange()
    assert await cached(bus) == [ref_of(bus)]
    other = await trips.plan(
        centre, SYSTEM, bus.name, [STOP], (china_day(bus.stage.clock()),) * 2, listed=True, subjects_max=0
    )
    assert isinstance(other, Refusal)
    emptied = await trips.take_list(centre, SYSTEM, trip.scope, [])
    assert isinstance(emptied, ListTaken)
    await bus.exchange()
    assert await cached(bus) == []
    kept = await bus.stage.rows("SELECT * FROM trip_subject")
    assert not kept


async def test_a_list_over_the_limit_or_a_stop_off_the_route_changes_nothing(bus: Bus) -> None:
    centre, today = bus.stage.centre, china_day(bus.stage.clock())
    far = await trips.plan(centre, SYSTEM, bus.name, ["330104001"], (today, today))
    assert isinstance(far, Refusal)
    assert far.code == "stops"
    long = await trips.plan(centre, SYSTEM, bus.name, [STOP], (today, today + timedelta(days=30)))
    assert isinstance(long, Refusal)
    assert long.code == "days"
    with pytest.raises(NotPermitted):
        await trips.plan(centre, AUDIT, bus.name, [STOP], (today, today))
    with pytest.raises(NotFound):
        await trips.take_list(centre, SYSTEM, "nowhere/detail", [NUMBER])
    assert await trips.of_node(centre, bus.name) == ()


@pytest.mark.parametrize("when", ["before", "with", "after"])
async def test_withdrawn_consent_is_in_force_before_with_and_after_the_data(place: Place, when: str) -> None:
    centre, node = place.stage.centre, place.node
    if when == "before":  # the letter is there, the data set that still names the subject comes again
        await trips.consent(centre, SECURITY, NUMBER, withdrawn=True, note="本人书面撤回")
        await place.exchange()
        await node.store.transact(
            lambda tx: tx.execute("UPDATE release_held SET version = 0 WHERE data_class = 'detail'")
        )
        await place.exchange()
    elif when == "with":
        await records.change(centre, SYSTEM, NUMBER)
        await publish.publish(centre, SYSTEM)
        await trips.consent(centre, SECURITY, NUMBER, withdrawn=True, note="本人书面撤回")
        await place.exchange()
    else:
        assert isinstance(await offline(place), Answer)
        await trips.consent(centre, SECURITY, NUMBER, withdrawn=True, note="本人书面撤回")
        await place.exchange()
    assert isinstance(await offline(place), Deferral)
    gone = await node.store.read(
        lambda db: db.query("SELECT count(*) FROM subject_cache WHERE ref = ?", (ref_of(place),))
    )
    assert gone == [(0,)], "the next data set is without them"
    await trips.consent(centre, SECURITY, NUMBER, withdrawn=False, note="本人重新授权")
    await place.exchange()
    assert isinstance(await offline(place), Answer)


class LetterFirst(Line):
    """While the centre is asked, the letter of a withdrawn consent comes in; then the line is cut."""

    node: Node
    ref: bytes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/answers":
            await self.node.store.transact(lambda tx: withdraw(tx, self.ref, withdrawn=True))
            raise httpx.ReadError("the line is cut")
        return await super().handle_async_request(request)


async def test_consent_withdrawn_while_the_line_is_waited_for_is_in_force_in_the_answer(place: Place) -> None:
    line = LetterFirst(place.stage)
    place.line = line
    line.node, line.ref = await place.start(), ref_of(place)
    clerk = await place.clerk()
    assert isinstance(await place.asked(clerk), Deferral)


async def test_the_centre_lists_exactly_which_subjects_a_node_held_at_a_moment_and_that_is_on_its_ledger(
    bus: Bus,
) -> None:
    centre, clock = bus.stage.centre, bus.stage.clock
    before_ms = clock() - 1
    trip = await planned(bus, days=2)
    await bus.exchange()
    clock.pass_ms(60_000)
    await bus.exchange()  # the entry of the applied set arrives
    with_trip_ms = clock()
    clock.pass_ms(60_000)
    await trips.end(centre, SYSTEM, trip.scope)
    await bus.exchange()
    clock.pass_ms(60_000)
    await bus.exchange()
    acts = len(await bus.stage.rows("SELECT 1 FROM centre_entry"))

    async def at(at_ms: int, **more: str) -> held.HeldAt:
        found = await held.held_at(centre, AUDIT, bus.name, at_ms, **more)
        assert isinstance(found, held.HeldAt), found
        return found

    assert (await at(before_ms)).scopes == ()
    (one,) = (await at(with_trip_ms)).scopes
    assert (one.scope, one.version, one.refs) == (trip.scope, 1, (ref_of(bus).hex(),))
    assert (await at(clock())).scopes == ()
    asked = await at(with_trip_ms, number=NUMBER, purpose="核查一起群众投诉的经过")
    assert asked.asked is True
    assert (
        await at(with_trip_ms, number="330102199001011111", purpose="核查一起群众投诉的经过")
    ).asked is False
    refused = await held.held_at(centre, AUDIT, bus.name, with_trip_ms, number=NUMBER)
    assert isinstance(refused, Refusal)
    with pytest.raises(NotPermitted):
        await held.held_at(centre, SYSTEM, bus.name, with_trip_ms)
    assert len(await bus.stage.rows("SELECT 1 FROM centre_entry")) == acts + 5
