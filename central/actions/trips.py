"""What a bus carries: trips with a box in time, the day's list of one, and subjects who withdrew consent.

A trip is a scope of its own: stops (region codes of the bus's route), first and last day, and whether it
holds all subjects of its stops or only those of a day's list, which has a limit. While its days last it is
published and offered; when they end the node destroys it by itself, and the centre offers the withdrawal
until the node says that it holds nothing.
"""

from collections.abc import Sequence
from datetime import date

import msgspec

from central.actions import mailbox, publish, reconcile
from central.actions.centre import AdminSession, Centre, operator
from central.actions.leases import SCOPE_KEY
from central.actions.own_ledger import drafted, note_missing, record
from central.errors import NotFound
from central.security.permissions import require
from central.store import fleet, records, trips
from central.store.database import Tx
from central.store.records import Scope
from matters.calendar import china_day
from matters.model import Refusal, Words

DAYS_MAX = 14
STOPS_MAX = 64
SUBJECTS_MAX = 2000
"""The most a day's list may hold; a trip says its own limit up to this."""
SUBJECTS = 500
LINES_MAX = 10_000
REJECTS_SHOWN_MAX = 100


class Trip(msgspec.Struct, frozen=True, kw_only=True):
    """A planned trip: first millisecond and the one after its last; `named` on the list, `subjects` out."""

    scope: str
    node: str
    stops: tuple[str, ...]
    from_ms: int
    until_ms: int
    listed: bool
    subjects_max: int
    named: int
    subjects: int
    version: int

    @property
    def days(self) -> tuple[date, date]:
        """First and last day in China; the last is the day it ended for one that was ended."""
        return china_day(self.from_ms), china_day(self.until_ms - 1)

    def state(self, now_ms: int) -> str:
        """planned, open or ended."""
        if now_ms < self.from_ms:
            return "planned"
        return "open" if now_ms < self.until_ms else "ended"


class Bus(msgspec.Struct, frozen=True, kw_only=True):
    """A bus with its route."""

    node: str
    name: str
    route: tuple[str, ...]


class ListTaken(msgspec.Struct, frozen=True, kw_only=True):
    """A day's list as taken: how many subjects; which lines (never their content) were left out, and why."""

    scope: str
    taken: int
    left_out: tuple[tuple[int, str], ...]
    left_out_count: int


async def plan(
    centre: Centre,
    admin: AdminSession,
    node: str,
    stops: Sequence[str],
    days: tuple[date, date],
    *,
    listed: bool = False,
    subjects_max: int = SUBJECTS,
) -> Trip | Refusal:
    """A new trip of a bus, kept with an entry; published at once where its days have begun, else then."""
    require(admin.role, "trips.plan")
    async with centre.store.transaction() as tx:
        bus = await fleet.node(tx, node)
        if bus is None:
            raise NotFound("没有这个节点。", "there is no such node")
        refusal = _objection(bus.route, stops, days, subjects_max)
        if refusal is not None:
            return refusal
        number = len(await trips.trips_of(tx, node)) + 1
        name = f"{node}-t{number}/detail"
        key = centre.keys.seal(SCOPE_KEY, name.encode(), centre.keys.fresh_key())
        scope = Scope(
            scope=name,
            data_class="detail",
            node=node,
            prefixes=tuple(sorted(set(stops))),
            key_sealed=key,
            from_ms=reconcile.bounds(days[0])[0],
            until_ms=reconcile.bounds(days[1])[1],
            listed=listed,
            subjects_max=subjects_max if listed else 0,
        )
        await records.add_scope(tx, scope)
        await record(
            centre, tx, drafted(admin, "admin.changed", f"trip {name} planned", " ".join(scope.prefixes))
        )
    return await _published(centre, name)


async def take_list(
    centre: Centre, admin: AdminSession, scope: str, numbers: Sequence[str]
) -> ListTaken | Refusal:
    """The day's list of a trip from now on: identity numbers, one a line, kept as references only.

    Numbers the centre holds nothing about, or that belong to no stop of the trip, are left out and named by
    their line. A list over the trip's limit changes nothing. Published at once while the trip is open.
    Raises NotFound.
    """
    require(admin.role, "trips.plan")
    async with centre.store.transaction() as tx:
        trip = await _listed_trip(tx, scope)
        refs, left_out = await _known(centre, tx, trip, numbers[:LINES_MAX])
        if len(refs) > trip.subjects_max or len(numbers) > LINES_MAX:
            return _too_many(len(refs), trip.subjects_max)
        await trips.replace_list(tx, scope, refs)
        await record(
            centre, tx, drafted(admin, "admin.changed", f"trip {scope} list", f"{len(refs)} subjects")
        )
    await _published(centre, scope)
    return ListTaken(
        scope=scope,
        taken=len(refs),
        left_out=tuple(left_out[:REJECTS_SHOWN_MAX]),
        left_out_count=len(left_out),
    )


async def _listed_trip(tx: Tx, scope: str) -> Scope:
    found = await records.scopes(tx, [scope])
    if not found or not found[0].listed:
        raise NotFound("没有这个按名单装载的车次。", "there is no such trip with a day's list")
    return found[0]


async def _known(
    centre: Centre, tx: Tx, trip: Scope, numbers: Sequence[str]
) -> tuple[list[bytes], list[tuple[int, str]]]:
    """References of the lines that name a subject of the trip's stops, and the lines that do not."""
    lines = {at: centre.keys.ref(text.strip()) for at, text in enumerate(numbers, 1) if text.strip()}
    held = await records.held(tx, list(set(lines.values())))
    left_out = []
    for at, ref in lines.items():
        if ref not in held or held[ref].subject_sealed is None:
            left_out.append((at, "中心没有该主体 / not held by the centre"))
        elif not held[ref].region.startswith(trip.prefixes):
            left_out.append((at, "不在本车次停靠点 / of no stop of this trip"))
    bad = {at for at, _ in left_out}
    return sorted({ref for at, ref in lines.items() if at not in bad}), left_out


async def end(centre: Centre, admin: AdminSession, scope: str) -> Trip:
    """End a trip now: withdrawn from the bus at its next contact. Raises NotFound."""
    require(admin.role, "trips.plan")
    async with centre.store.transaction() as tx:
        found = await records.scopes(tx, [scope])
        if not found or not found[0].until_ms:
            raise NotFound("没有这个车次。", "there is no such trip")
        if found[0].until_ms > centre.now_ms():
            await trips.end_trip(tx, scope, centre.now_ms())
            await record(centre, tx, drafted(admin, "admin.changed", f"trip {scope} ended"))
    return await trip(centre, scope)


async def of_node(centre: Centre, node: str) -> tuple[Trip, ...]:
    """Every trip of a bus, the latest first."""
    async with centre.store.reading() as tx:
        return tuple([await _trip(tx, one) for one in await trips.trips_of(tx, node)])


async def everything(centre: Centre) -> tuple[tuple[Bus, ...], tuple[Trip, ...]]:
    """Every bus, and the trips of all of them, the latest first."""
    async with centre.store.reading() as tx:
        known = [one for one in await fleet.nodes(tx) if one.route]
        buses = tuple(Bus(node=one.node, name=one.name, route=tuple(one.route)) for one in known)
        planned = [await _trip(tx, one) for bus in buses for one in await trips.trips_of(tx, bus.node)]
    return buses, tuple(sorted(planned, key=lambda one: one.from_ms, reverse=True))


async def without_consent(centre: Centre) -> int:
    """How many subjects withdrew consent to offline answers."""
    async with centre.store.reading() as tx:
        return len(await trips.withdrawn(tx))


async def trip(centre: Centre, scope: str) -> Trip:
    """One trip. Raises NotFound."""
    async with centre.store.reading() as tx:
        found = await records.scopes(tx, [scope])
        if not found or not found[0].until_ms:
            raise NotFound("没有这个车次。", "there is no such trip")
        return await _trip(tx, found[0])


async def publish_open(centre: Centre) -> int:
    """The chore: publish every open trip that changed or has just begun; how many were."""
    async with centre.store.reading() as tx:
        names = await trips.open_trips(tx, centre.now_ms())
    done = await publish.publish(centre, operator("system"), names)
    return sum(bool(one.kind) for one in done)


async def consent(
    centre: Centre, admin: AdminSession, number: str, *, withdrawn: bool, note: str
) -> Refusal | None:
    """A subject withdrew consent to offline answers, or gave it again (lane 0).

    A letter to every node and an entry, in one transaction; then every scope that holds them is published
    without them. Raises NotFound for a subject the centre does not hold; saying the same twice changes
    nothing.
    """
    require(admin.role, "consent.change")
    missing = note_missing(note, Words(zh="依据", en="what it rests on"), "授权登记")
    if missing is not None:
        return missing
    ref = centre.keys.ref(number)
    async with centre.store.transaction() as tx:
        await records.lock_publishing(tx, importing=True)
        if ref not in await records.held(tx, [ref]):
            raise NotFound("中心没有该主体。", "the centre holds no such subject")
        done = await (trips.withdraw(tx, ref, centre.now_ms()) if withdrawn else trips.give_again(tx, ref))
        if not done:
            return None
        await records.touch(tx, [ref])
        for identity in await fleet.identities(tx):
            if identity.revoked_ms is None:
                body = {"ref": ref.hex(), "withdrawn": withdrawn}
                await mailbox.post(centre, tx, identity.origin, [("consent", body)])
        what = "consent withdrawn" if withdrawn else "consent given again"
        await record(centre, tx, drafted(admin, "admin.changed", what, note, ref=ref))
    await publish.publish(centre, operator("system"))
    return None


async def _published(centre: Centre, name: str) -> Trip:
    await publish.publish(centre, operator("system"), [name])
    return await trip(centre, name)


async def _trip(tx: Tx, scope: Scope) -> Trip:
    newest = await records.releases(tx, [scope.scope])
    return Trip(
        scope=scope.scope,
        node=scope.node,
        stops=scope.prefixes,
        from_ms=scope.from_ms,
        until_ms=scope.until_ms,
        listed=scope.listed,
        subjects_max=scope.subjects_max,
        named=len(await trips.listed(tx, scope.scope)) if scope.listed else 0,
        subjects=newest[0].rows if newest else 0,
        version=scope.version,
    )


def _objection(
    route: Sequence[str], stops: Sequence[str], days: tuple[date, date], subjects_max: int
) -> Refusal | None:
    if not route:
        return _refusal("not-a-bus", "只有流动服务车才有车次。", "only a bus has trips")
    strange = [stop for stop in stops if not stop.isdecimal() or not stop.startswith(tuple(route))]
    if strange or not 0 < len(stops) <= STOPS_MAX:
        return _refusal(
            "stops",
            f"停靠点须在本车线路内（{'、'.join(route)}），1 至 {STOPS_MAX} 个。",
            f"1 to {STOPS_MAX} stops within the route of the bus ({', '.join(route)})",
        )
    if not 0 <= (days[1] - days[0]).days < DAYS_MAX:
        return _refusal("days", f"车次为 1 至 {DAYS_MAX} 天。", f"a trip lasts 1 to {DAYS_MAX} days")
    if not 0 < subjects_max <= SUBJECTS_MAX:
        return _refusal(
            "limit", f"名单上限为 1 至 {SUBJECTS_MAX} 人。", f"a list holds 1 to {SUBJECTS_MAX} subjects"
        )
    return None


def _too_many(many: int, most: int) -> Refusal:
    return _refusal(
        "list-too-long",
        f"名单有 {many} 人，本车次最多 {most} 人，未作改动。",
        f"{many} subjects on the list, at most {most} on this trip; nothing was changed",
    )


def _refusal(code: str, zh: str, en: str) -> Refusal:
    return Refusal(
        code=code,
        message=Words(zh=zh, en=en),
        rule="车次数据",
        next=Words(zh="改正后重新提交。", en="Correct it and submit again."),
    )
