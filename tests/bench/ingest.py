"""ingest: many nodes come back at once; their batches lie ready, so that the centre alone is measured."""

import asyncio
import base64
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from statistics import median

import httpx
import msgspec

from central.actions import nodes, setup
from central.actions.centre import Centre, operator
from central.actions.enrol import Application, enrol
from matters.model import Refusal
from sync.batch.file import plan_up, write_up
from sync.batch.header import SLIM
from sync.batch.view import CentreKeys, Head, SaltEpoch, Wish
from sync.codec.rows import FrameContext, Rows
from sync.ledger.entry import leaf_hash, row_leaves, salt
from sync.ledger.tree import MemoryTiles, append, root
from sync.signing.keys import SealingKey, SigningKey
from sync.signing.notes import checkpoint_text, sign_note
from sync.signing.requests import authorise
from tests.bench.accesses import REGION, accesses
from tests.bench.dictionary import rows
from tests.bench.figures import Outcome, at_least, at_most, floor, seen
from tests.bench.machine import forget_peak, peak_mib, resident_mib, using
from tests.bench.sizes import Size
from tests.bench.stage import Stage
from tests.bench.timing import took
from tests.bench.uplink import copy_s

ENTRIES_A_S = 20_000
FAIR = 2.0
CENTRE_MIB = 250
BATCH = 4096
LEDGERS = 8
"""Different ledgers; a node beyond them brings the same acts under its own keys."""
PATH = "/api/exchange"
WAIT_S = 120.0
BUSY = 503


class Backlog:
    """What a batch needs of a node that was long away (`sync.batch.view.BatchView`), in memory."""

    def __init__(
        self, origin: str, keys: tuple[SigningKey, SealingKey], centre: CentreKeys, subject_key: bytes
    ) -> None:
        self.origin, self.signing_key, self.centre, self.subject_key = origin, keys[0], centre, subject_key
        self._salt_key = secrets.token_bytes(32)
        self._rows = Rows.of([])
        self._tiles = MemoryTiles()

    def fill(self, acts: Rows) -> None:
        """The node's days: these acts under its own salts."""
        salts = [salt(self._salt_key, index) for index in acts.indexes]
        self._rows = Rows(acts.public, acts.details, salts, acts.withheld)
        for first in range(0, len(self._rows), 256):
            hashes = list(map(leaf_hash, row_leaves(self._rows[first : first + 256])))
            self._tiles.update(append(self._tiles, first, hashes)[1])

    def batches(self, now_ms: int) -> list[bytes]:
        """Everything, as it would be sent over a line."""
        end, found = len(self._rows), []
        for start in range(0, end, BATCH):
            planned = plan_up(self, start, min(end, start + BATCH), version=SLIM)
            found.append(b"".join(write_up(self, planned, now_ms)))
        return found

    def checkpoint(self) -> Head:
        size = len(self._rows)
        found = root(self._tiles, size)
        text = checkpoint_text(self.origin, size, found)
        return Head(size=size, root=found, note=sign_note(text, self.origin, self.signing_key))

    def acknowledged(self) -> tuple[int, bytes]:
        return 0, root(self._tiles, 0)

    def rows(self, start: int, end: int) -> Rows:
        return self._rows[start:end]

    def tiles(self) -> MemoryTiles:
        return self._tiles

    def salt_epochs(self, start: int, end: int) -> tuple[SaltEpoch, ...]:
        assert start <= end
        return (SaltEpoch(first=0, key=self._salt_key),)

    def centre_seen(self) -> bytes:
        return b""

    def wishes(self) -> tuple[Wish, ...]:
        return ()

    def directive_seen(self) -> int:
        return 0

    def statistics(self) -> dict[str, int]:
        return {}


class Returning(msgspec.Struct, frozen=True, kw_only=True):
    """A node with its batches, ready to be sent."""

    origin: str
    key: SigningKey
    batches: tuple[bytes, ...]


class Took(msgspec.Struct, frozen=True, kw_only=True):
    """How it went: when each node was done, how often one was sent away."""

    seconds: float
    done_s: tuple[float, ...]
    busy: int
    centre_cpu_s: float
    centre_mib: float


def run(stage: Stage, size: Size) -> Outcome:
    """All nodes at once, each its batches one after the other, until the centre countersigned them all."""
    process = stage.centre.process
    returning = asyncio.run(_prepare(stage, size))
    before_mib = resident_mib(process.pid)
    forget_peak(process.pid)
    found = asyncio.run(_all_at_once(stage, returning))
    entries = size.nodes * size.entries_a_node
    copied_s = asyncio.run(copy_s(stage, [one.origin for one in returning]))
    bodies = sum(len(batch) for one in returning for batch in one.batches)
    return Outcome(
        figures={
            "nodes at once": seen(size.nodes, "nodes"),
            "entries a node": seen(size.entries_a_node, "entries"),
            "entries a second, sustained": at_least(entries / found.seconds, "entries/s", ENTRIES_A_S),
            "slowest node over the median": at_most(max(found.done_s) / median(found.done_s), "×", FAIR),
            "peak memory of the centre": at_most(found.centre_mib, "MiB", CENTRE_MIB),
            "memory of the centre before": seen(before_mib, "MiB"),
            "sent away as busy": seen(found.busy, "times"),
            "centre's processor an entry": seen(1e6 * found.centre_cpu_s / entries, "µs"),
            "bytes an entry": seen(bodies / entries, "B"),
            "time over floor": seen(found.seconds / copied_s, "×"),
        },
        floors={"PostgreSQL COPY of the same rows, plain tables": floor(entries / copied_s, "entries/s")},
        bound_by=(
            f"the centre's processor: {found.centre_cpu_s / found.seconds:.0%} of one core (one process, its interpreter runs"
            " one thread at a time), PostgreSQL has the rest of the other core beside whoever sends"
        ),
    )


async def _prepare(stage: Stage, size: Size) -> list[Returning]:
    """Create, enrol and fill the nodes: the centre's own actions beside the running process."""
    returning = []
    async with setup.opened(stage.world.centre_data) as centre:
        days = [_acts(day, size.entries_a_node, centre.keys.subject) for day in range(LEDGERS)]
        for number in range(size.nodes):
            keys = SigningKey.generate(), SealingKey.generate()
            origin = await _enrol(centre, number, keys)
            backlog = Backlog(origin, keys, _keys_of(centre), centre.keys.subject)
            backlog.fill(days[number % LEDGERS])
            batches = await asyncio.to_thread(backlog.batches, centre.now_ms())
            returning.append(Returning(origin=origin, key=keys[0], batches=tuple(batches)))
    return returning


def _acts(day: int, count: int, subject_key: bytes) -> Rows:
    context = FrameContext(subject_key=subject_key, salt_keys=())
    return Rows.of(rows(accesses(50 + day, count), Random(day), context=context, first=0))


async def _enrol(centre: Centre, number: int, keys: tuple[SigningKey, SealingKey]) -> str:
    made = await nodes.create(centre, operator("system"), name=f"大厅 {number}", region=REGION, kind="hall")
    assert not isinstance(made, Refusal)
    signing, sealing = (base64.b64encode(key.public).decode() for key in keys)
    given = await enrol(centre, Application(code=made.code, signing=signing, sealing=sealing))
    assert not isinstance(given, Refusal)
    return given.origin


def _keys_of(centre: Centre) -> CentreKeys:
    keys = centre.keys
    return CentreKeys(
        origin=centre.origin, signing=keys.signing.public, sealing=keys.sealing.public, recovery=keys.recovery
    )


async def _all_at_once(stage: Stage, returning: Sequence[Returning]) -> Took:
    pid = stage.centre.process.pid
    async with _client(stage.world.centre_url) as client:
        with took() as whole, using(pid) as centre:
            done = await asyncio.gather(*(_one(client, one) for one in returning))
    return Took(
        seconds=whole.seconds,
        done_s=tuple(seconds for seconds, _ in done),
        busy=sum(busy for _, busy in done),
        centre_cpu_s=centre.seconds,
        centre_mib=peak_mib(pid),
    )


@asynccontextmanager
async def _client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=WAIT_S, limits=limits, trust_env=False) as client:
        yield client


async def _one(client: httpx.AsyncClient, node: Returning) -> tuple[float, int]:
    """Seconds until the last batch was acknowledged, and how often the centre had no room."""
    busy = 0
    with took() as whole:
        for batch in node.batches:
            while (reply := await _handed_in(client, node, batch)).status_code == BUSY:
                busy += 1
            assert reply.is_success, reply.text
    return whole.seconds, busy


async def _handed_in(client: httpx.AsyncClient, node: Returning, batch: bytes) -> httpx.Response:
    now_ms = time.time_ns() // 1_000_000
    signed = authorise(node.key, node.origin, "POST", PATH, batch, now_ms, secrets.token_urlsafe(16))
    return await client.post(PATH, content=batch, headers={"Authorization": signed})
