"""thin: a bus's day over a line of 9.6 kbit/s that is far and cut again and again, to the real centre."""

import asyncio
import time
from pathlib import Path
from random import Random

import msgspec

from edge.actions import gates
from edge.actions.exchange import exchange
from edge.actions.node import Node, close_node, open_node
from edge.errors import CentreUnreachable
from edge.settings import load
from edge.store.clock import NodeClock, boot_ms
from sync.codec.squeeze import squeeze
from tests.bench import store
from tests.bench.day import Day, drafts
from tests.bench.figures import Outcome, at_most, floor, seen
from tests.bench.sizes import Size
from tests.bench.stage import Stage
from tests.bench.timing import took
from tests.bench.uplink import Ticking, enrolled_then
from tests.faults.relay import FAR, Fate, Relay
from tests.story.world import BUS_REGION

RATE_BYTES_S = 1_200
ONE_WAY_S = 0.75
CUT_SHARE = 0.05
DAY_MS = 8 * 3_600_000
SECONDS, BYTES = 60.0, 30_000
CONTACTS_MAX = 20
SEED = 5


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """One try to exchange: whether the line was cut in it, and how many entries the centre countersigned since."""

    cut: bool
    moved: int


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """The whole day over the line, to the last entry countersigned."""

    contacts: tuple[Contact, ...]
    entries: int
    seconds: float
    bytes_up: int
    bytes_down: int


def run(stage: Stage, size: Size) -> Outcome:
    """The first contact is cut on purpose; of all requests after it one in twenty is, somewhere in its body."""
    begin_ms = time.time_ns() // 1_000_000 - DAY_MS - 60_000
    place = stage.place("thin", BUS_REGION, enrolled_then(stage, begin_ms))
    asyncio.run(_worked(place.data, begin_ms, size.day))
    found, squeezed_bytes = asyncio.run(_over_the_line(stage, place.data))
    floor_s = squeezed_bytes / RATE_BYTES_S
    whole = [one for one in found.contacts if not one.cut]
    return Outcome(
        figures={
            "entries of the day": seen(found.entries, "entries"),
            "day carried, countersigned": at_most(found.seconds, "s", SECONDS),
            "bytes both ways, HTTP included": at_most(found.bytes_up + found.bytes_down, "B", BYTES),
            "of them up": seen(found.bytes_up, "B"),
            "contacts": seen(len(found.contacts), "contacts"),
            "contacts that were cut": seen(sum(one.cut for one in found.contacts), "contacts"),
            "contacts that were whole and moved nothing": at_most(
                sum(not one.moved for one in whole), "contacts", 0
            ),
            "time over floor": seen(found.seconds / floor_s, "×"),
        },
        floors={
            "compressed size of the details and leaves over the line's rate": floor(floor_s, "s"),
            "compressed size": floor(squeezed_bytes, "B"),
        },
        bound_by=(
            f"the line: {(found.bytes_up + found.bytes_down) / RATE_BYTES_S:.0f} s for its bytes alone, and 1.5 s a request;"
            " what is beside the entries: HTTP 1 kB, header 1 kB, acknowledgement 1 kB a batch, and what was under way when"
            " the line was cut"
        ),
    )


async def _over_the_line(stage: Stage, data: Path) -> tuple[Carried, int]:
    relay = Relay(stage.world.centre_port)
    try:
        _settle(data, relay.url)
        node = await open_node(data, load(data))
        try:
            return await _carried(node, relay)
        finally:
            await close_node(node)
    finally:
        relay.close()


async def _worked(data: Path, begin_ms: int, day: Day) -> None:
    """Yesterday is with the centre; today's entries wait, each at its time."""
    node = await open_node(data, load(data))
    try:
        await exchange(node)
    finally:
        await close_node(node)
    clock = Ticking(begin_ms, DAY_MS / (10 * sum(msgspec.structs.astuple(day))))
    node = await open_node(data, load(data), clock=NodeClock(clock, boot_ms))
    try:
        for draft in drafts(SEED, BUS_REGION, day):
            await store.append(node, [draft])
    finally:
        await close_node(node)


def _settle(data: Path, url: str) -> None:
    """The node finds its centre behind the relay."""
    settings = data / "settings.toml"
    lines = [line for line in settings.read_text("utf-8").splitlines() if not line.startswith("centre")]
    settings.write_text("\n".join([f'centre = "{url}"', *lines, ""]), "utf-8")


async def _carried(node: Node, relay: Relay) -> tuple[Carried, int]:
    """Contact after contact until the centre countersigned everything of the day."""
    relay.fate = _Fates(Random(SEED)).next
    contacts: list[Contact] = []
    start, end = await node.store.read(gates.countersigned_size), await _size(node)
    at = start
    with took() as whole:
        while at < end and len(contacts) < CONTACTS_MAX:
            cuts = relay.cuts
            try:
                reached = (await exchange(node)).acknowledged
            except CentreUnreachable:
                reached = await node.store.read(gates.countersigned_size)
            contacts.append(Contact(cut=relay.cuts > cuts, moved=reached - at))
            at = reached
    assert at >= end, "the day did not arrive"
    carried = Carried(
        contacts=tuple(contacts),
        entries=end - start,
        seconds=whole.seconds,
        bytes_up=relay.bytes_up,
        bytes_down=relay.bytes_down,
    )
    return carried, await _squeezed_bytes(node, start, end)


class _Fates:
    """What becomes of each connection: the first is cut half-way, one in twenty after it."""

    def __init__(self, rnd: Random) -> None:
        self._rnd = rnd
        self._first = True

    def next(self) -> Fate:
        cut, self._first = self._first or self._rnd.random() < CUT_SHARE, False
        up_bytes = self._rnd.randrange(2_000, 8_000) if cut else FAR
        return Fate(bytes_per_s=RATE_BYTES_S, delay_s=ONE_WAY_S, up_bytes=up_bytes)


async def _size(node: Node) -> int:
    return await node.store.read(lambda db: int(db.query("SELECT size FROM ledger_head")[0][0]))


async def _squeezed_bytes(node: Node, start: int, end: int) -> int:
    """What zstd makes of the day's leaves and details, each after the other, without any proof or seal."""
    query = "SELECT leaf, detail FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx"
    rows = await node.store.read(lambda db: db.query(query, (start, end)))
    return len(squeeze(b"".join(leaf + (detail or b"") for leaf, detail in rows), level=19))
