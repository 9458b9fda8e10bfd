"""uplink: a hall's backlog from its real store to the real centre over real HTTP, everything on the wire counted."""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import httpx
import msgspec
import zstandard

from central.actions import setup
from central.app import application
from edge.actions.enrol import enrol
from edge.actions.node import close_node, open_node
from edge.settings import load
from edge.store.clock import NodeClock, boot_ms
from edge.store.draft import Draft
from sync.ledger.entry import parse_leaf
from sync.messages.registry import by_number, decode_detail
from tests.bench import store
from tests.bench.accesses import accesses
from tests.bench.figures import Outcome, at_least, at_most, floor, seen
from tests.bench.machine import forget_peak, peak_mib
from tests.bench.peers import replicators
from tests.bench.sizes import Size
from tests.bench.stage import Enrol, Exchanged, Stage
from tests.bench.timing import took
from tests.story.outside import centre_dsn, node_connection
from tests.story.world import BUS_REGION, Place

ENTRIES_A_S = 20_000
FLAT = 1.5
SIDE_MIB = 250
SPAN_MS = 66 * 3_600_000
AT_ONCE = 64
ZSTD_LEVEL = 19
COMPARED = 20_000
"""Events that zstd and the peers get: with all of them the bench takes four minutes."""


class Ticking:
    """A wall clock that moves on whenever it is looked at: a hall's days in seconds. Starts in the past, ends before now."""

    def __init__(self, begin_ms: int, gap_ms: float) -> None:
        self._now_ms = float(begin_ms)
        self._gap_ms = gap_ms
        self._rnd = Random(7)

    def __call__(self) -> int:
        self._now_ms += self._rnd.expovariate(1 / self._gap_ms)
        return int(self._now_ms)


def run(stage: Stage, size: Size) -> Outcome:
    """News on an empty ledger, then three days of accesses at once, then news again: the cost of news must not grow."""
    now_ms = time.time_ns() // 1_000_000
    begin_ms = now_ms - SPAN_MS
    place = stage.place("uplink", BUS_REGION, enrolled_then(stage, begin_ms))
    clock = Ticking(begin_ms, 0.9 * SPAN_MS / (size.backlog + 2 * size.news))
    drafts = list(accesses(3, size.backlog + 2 * size.news))
    stage.exchange(place)
    first = _news(stage, place, clock, drafts[: size.news])
    asyncio.run(_append(place, clock, drafts[size.news : -size.news]))
    both = (os.getpid(), stage.centre.process.pid)
    for pid in both:
        forget_peak(pid)
    whole = stage.exchange(place)
    peaks_mib = tuple(map(peak_mib, both))
    last = _news(stage, place, clock, drafts[-size.news :])
    assert whole.summary.sent >= size.backlog
    assert not whole.summary.alarms
    copied_s = asyncio.run(copy_s(stage, [place.edge("check")["origin"]]))
    lines = _json_lines(place.data)
    peers = replicators.moved(stage.folder / "peers", lines, size.news)
    rounds = Rounds(first=first, whole=whole, last=last, peaks_mib=peaks_mib)
    return _outcome(size, rounds, copied_s, lines, peers)


class Rounds(msgspec.Struct, frozen=True, kw_only=True):
    """The three exchanges; the most memory of node and centre during the large one."""

    first: Exchanged
    whole: Exchanged
    last: Exchanged
    peaks_mib: tuple[float, ...]


def _outcome(
    size: Size, rounds: Rounds, copied_s: float, lines: bytes, peers: list[replicators.Peer]
) -> Outcome:
    whole, sent = rounds.whole, rounds.whole.summary.sent
    entry_bytes = whole.wire_bytes / sent
    squeezed_bytes = len(zstandard.compress(lines, ZSTD_LEVEL)) / lines.count(b"\n")
    ledger = sent + 2 * size.news
    beaten = [peer.beaten(sent / whole.seconds, entry_bytes) for peer in peers]
    return Outcome(
        figures={
            "entries": seen(sent, "entries"),
            "entries a second, both ends, countersigned": at_least(
                sent / whole.seconds, "entries/s", ENTRIES_A_S
            ),
            "bytes an entry on the wire, both ways, HTTP included": seen(entry_bytes, "B"),
            "bytes over zstd -19 of JSON lines": at_most(entry_bytes / squeezed_bytes, "×", 1.0),
            "time over floor": seen(whole.seconds / (copied_s * sent / ledger), "×"),
            f"{size.news} new entries on an empty ledger": seen(rounds.first.seconds, "s"),
            f"{size.news} new entries after {size.backlog:,}": seen(rounds.last.seconds, "s"),
            "news after over before": at_most(rounds.last.seconds / rounds.first.seconds, "×", FLAT),
            f"bytes on the wire for {size.news} new entries": seen(rounds.last.wire_bytes, "B"),
            "peak memory of the node's side, this bench included": at_most(
                rounds.peaks_mib[0], "MiB", SIDE_MIB
            ),
            "peak memory of the centre": at_most(rounds.peaks_mib[1], "MiB", SIDE_MIB),
            "node's processor an entry": seen(1e6 * whole.node_cpu_s / sent, "µs"),
            "centre's processor an entry": seen(1e6 * whole.centre_cpu_s / sent, "µs"),
            **{name: one for peer in beaten for name, one in peer.items()},
        },
        floors={
            "PostgreSQL COPY of the same rows, plain tables": floor(ledger / copied_s, "entries/s"),
            "zstd -19 of the same events as JSON lines": floor(squeezed_bytes, "B"),
        },
        peers={name: one for peer in peers for name, one in peer.measures().items()},
        bound_by=_bound(whole),
    )


def _bound(done: Exchanged) -> str:
    node, centre = done.node_cpu_s / done.seconds, done.centre_cpu_s / done.seconds
    larger = "node's" if node > centre else "centre's"
    return (
        f"the {larger} processor: node {node:.0%}, centre {centre:.0%} of the elapsed time on one core each, side by side"
        " (the node packs a batch while the centre takes in the one before); PostgreSQL and whoever else is on this machine"
        " have the rest"
    )


def enrolled_then(stage: Stage, then_ms: int) -> Enrol:
    """Enrol when a backlog begins: the centre's own action, told that time, so that its first entry is not of today."""
    return lambda place, code: asyncio.run(_enrol(stage, place, code, then_ms))


async def _enrol(stage: Stage, place: Place, code: str, then_ms: int) -> None:
    async with setup.opened(stage.world.centre_data, now_ms=lambda: then_ms) as centre:
        transport = httpx.ASGITransport(app=application(centre, background=False))  # type: ignore[arg-type]
        await enrol(
            place.data, place.centre_url, code, clock=NodeClock(lambda: then_ms, boot_ms), transport=transport
        )


async def _append(place: Place, clock: Ticking, drafts: Sequence[Draft]) -> None:
    """Each draft in a transaction of its own, many windows at once, at the clock's times."""
    node = await open_node(place.data, load(place.data), clock=NodeClock(clock, boot_ms))
    try:
        for first in range(0, len(drafts), AT_ONCE):
            await asyncio.gather(*(store.append(node, [draft]) for draft in drafts[first : first + AT_ONCE]))
    finally:
        await close_node(node)


def _news(stage: Stage, place: Place, clock: Ticking, drafts: Sequence[Draft]) -> Exchanged:
    asyncio.run(_append(place, clock, drafts))
    done = stage.exchange(place)
    assert done.summary.sent >= len(drafts)
    return done


async def copy_s(stage: Stage, origins: Sequence[str]) -> float:
    """Seconds to COPY what the centre stores of these ledgers into plain tables without index, committed."""
    connection = await asyncpg.connect(centre_dsn(stage.world.centre_data))
    try:
        seconds = 0.0
        for table in ("entry", "entry_body"):
            rows = await connection.fetch(f"SELECT * FROM {table} WHERE origin = ANY($1)", list(origins))
            await connection.execute(f"CREATE TABLE bench_{table} AS SELECT * FROM {table} WITH NO DATA")
            records = [tuple(row) for row in rows]
            with took() as one:
                await connection.copy_records_to_table(f"bench_{table}", records=records)
            seconds += one.seconds
            await connection.execute(f"DROP TABLE bench_{table}")
    finally:
        await connection.close()
    return seconds


def _json_lines(data: Path) -> bytes:
    """The first events as anyone would log them: one JSON object a line, without hashes, salts and references."""
    connection = node_connection(data)
    try:
        query = "SELECT leaf, detail FROM entry ORDER BY idx LIMIT ?"
        rows = connection.execute(query, (COMPARED,)).fetchall()
    finally:
        connection.close()
    return b"".join(msgspec.json.encode(_event(leaf, detail)) + b"\n" for leaf, detail in rows)


def _event(leaf: bytes, detail: bytes) -> dict[str, Any]:
    entry, _ = parse_leaf(leaf)
    told = msgspec.structs.asdict(entry)
    del told["subject_ref"], told["ext"]
    fields = {
        name: value
        for name, value in decode_detail(entry.kind, detail).items()
        if isinstance(value, str | int)
    }
    return told | {"kind": by_number(entry.kind).name} | fields
