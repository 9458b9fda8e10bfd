"""Where worlds are played: one real centre over its own embedded PostgreSQL, kept for many seeds of one process.

Seeds do not disturb each other: each begins with the same database, files and keys.
"""

import asyncio
import dataclasses
import io
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import structlog
from litestar import Litestar

from central.actions import nodes, own_ledger, publish, records, setup
from central.actions.centre import Centre, operator
from central.app import application
from central.errors import UpstreamFailed
from central.store import embedded
from central.store.database import Dsn, Store
from central.store.tables import APP, OWNER
from central.upstream.bureau import Bureau, BureauReport
from central.upstream.reference import Question, synthetic
from edge import settings as settings_file
from edge.store.store import open_store
from matters.catalogue.load import builtin
from matters.model import Refusal
from matters.records import SubjectRecord
from matters.sample import people
from tests.simulation.chance import drawn_from

AUTHORITY = "qingzhou.example"
REGION = "330102"
START_MS = 1_795_136_400_000
"""2026-11-20 09:00 in China, when every world begins."""
PEOPLE = 24
SAMPLE_SEED = 7
LASTING = ("pg", "keys")
"""Folders of the centre that no world leaves otherwise than it found them."""
MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 2 << 30


class WorldTime:
    """The true time of a world, in Unix milliseconds; it stands still until it is told to go on."""

    def __init__(self) -> None:
        self.true_ms = START_MS

    def now_ms(self) -> int:
        """The true time: the centre's clock."""
        return self.true_ms


class TwinBureau(Bureau):
    """The credit bureau's virtual twin: the reference bureau's answers without a wire, and a switch."""

    def __init__(self) -> None:
        self.up = True

    async def report(self, number: str, name: str, purpose: str, reference: str) -> BureauReport | None:
        if not self.up:
            raise UpstreamFailed("征信机构没有应答。", "the bureau did not answer")
        return synthetic(Question(number=number, name=name, purpose=purpose, reference=reference))

    async def close(self) -> None:
        """Nothing is open."""


@dataclasses.dataclass(kw_only=True)
class Place:
    """A running centre with published subjects, and a witness: a connection to its database that is not its own."""

    folder: Path
    blank: Path
    """A node's folder before its enrolment, schema and all: what most worlds begin with a copy of."""
    centre: Centre
    time: WorldTime
    bureau: TwinBureau
    people: tuple[SubjectRecord, ...]
    witness: Any
    dsn: Dsn
    superuser: str
    app: Litestar
    kept: Path
    """Where the centre's files are as they were when it was opened."""
    begun: "Backup" = dataclasses.field(init=False)
    """The centre's database as it was then."""

    async def keep(self) -> None:
        """This is how every world begins; nothing but the worlds' own work moves a row in the database from now on."""
        async with _connected(self.superuser) as superuser:
            await superuser.execute("ALTER SYSTEM SET autovacuum = off")
            await superuser.execute("SELECT pg_reload_conf()")
        for path in _folders(self.centre.data):
            shutil.copytree(path, self.kept / path.name)
        self.begun = Backup(self)
        await self.begun.take()

    async def anew(self) -> None:
        """The centre is as it was when it was opened; it is nine o'clock, and the bureau answers."""
        self.time.true_ms = START_MS
        self.bureau.up = True
        self.centre = dataclasses.replace(self.centre, catalogue=builtin())
        for path in _folders(self.centre.data):
            shutil.rmtree(path)
        shutil.copytree(self.kept, self.centre.data, dirs_exist_ok=True)
        await self.begun.put_back(with_anchor=True)

    async def reopen(self) -> None:
        """The centre's process ends, another one begins on the same database."""
        was = self.centre
        self.put(
            Centre(
                data=was.data,
                settings=was.settings,
                store=await Store.open(self.dsn),
                keys=was.keys,
                now_ms=was.now_ms,
                bureau=was.bureau,
                catalogue=was.catalogue,
            )
        )
        await was.store.close()

    def swap(self, store: Store) -> None:
        """The centre works on another store from now on."""
        self.put(dataclasses.replace(self.centre, store=store))

    def put(self, centre: Centre) -> None:
        """This is the centre behind the door from now on."""
        self.centre = centre
        self.app.state.centre = centre


class Backup:
    """The centre's database at one moment, as a restore puts it back, and the anchor beside it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._tables: dict[str, bytes] = {}
        self._sequences: list[tuple[str, int, bool]] = []
        self._anchor = own_ledger.anchored(place.centre.data)

    async def take(self) -> None:
        """Copy every row out, and where the sequences stand."""
        witness = self._place.witness
        self._sequences = [tuple(row) for row in await witness.fetch(_SEQUENCES)]
        for table in await _names(witness, _TABLES):
            held = io.BytesIO()
            await witness.copy_from_table(table, output=held, format="binary")
            self._tables[table] = held.getvalue()

    async def put_back(self, *, with_anchor: bool = False) -> None:
        """The database is as it was then, also its next numbers; the centre's process is started anew on it.

        `with_anchor`: the whole machine is as it was then, so that only nodes can know.
        """
        anchor = self._place.centre.data / own_ledger.ANCHOR
        if with_anchor and self._anchor:
            anchor.write_bytes(self._anchor)
        elif with_anchor:
            anchor.unlink(missing_ok=True)
        async with _connected(self._place.superuser) as restorer:
            await restorer.execute("SET session_replication_role = replica")
            filled = " UNION ALL ".join(_FILLED.format(name) for name in await _names(restorer, _TABLES))
            await restorer.execute(f"TRUNCATE {', '.join(await _names(restorer, filled))}")
            for table, held in self._tables.items():
                await restorer.copy_to_table(table, source=io.BytesIO(held), format="binary")
            await restorer.executemany("SELECT setval($1::text::regclass, $2, $3)", self._sequences)
        await self._place.reopen()


def _folders(data: Path) -> list[Path]:
    return [path for path in data.iterdir() if path.is_dir() and path.name not in LASTING]


@asynccontextmanager
async def _connected(address: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(address)
    try:
        yield connection
    finally:
        await connection.close()


async def _names(connection: Any, query: str) -> list[str]:
    return [row[0] for row in await connection.fetch(query)]


_TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    " AND relname !~ 'migration' ORDER BY 1"
)
_FILLED = "SELECT '{0}' WHERE EXISTS (SELECT FROM {0})"
_SEQUENCES = (
    "SELECT sequencename::text, coalesce(last_value, start_value), last_value IS NOT NULL FROM pg_sequences"
    " WHERE schemaname = 'public'"
)


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A temporary folder in memory where there is room, else on disk."""
    room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES_MIN
    with tempfile.TemporaryDirectory(prefix="yz-sim-", dir=MEMORY if room else None) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@asynccontextmanager
async def open_place(folder: Path, database: str = "yizhan") -> AsyncIterator[Place]:
    """A new centre in `folder`, always the same, with its subjects imported and published; an empty node beside it."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))  # threads there go in order
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    time, bureau, data, blank = WorldTime(), TwinBureau(), folder / "centre", folder / "blank"
    async with AsyncExitStack() as stack:
        with drawn_from(database):
            if not data.exists():
                setup.prepare(data, AUTHORITY)
                blank.mkdir(mode=0o700)
                await (await open_store(blank, settings_file.load(blank), create=True)).close()
            opening = setup.opened(data, now_ms=time.now_ms, database=database)
            centre = dataclasses.replace(await stack.enter_async_context(opening), bureau=bureau)
            await setup.found(centre, passwords_final=True)
            await _publish(centre, folder)
        async with centre.store.owner() as witness:
            address = await stack.enter_async_context(embedded.running(data))
            place = Place(
                folder=folder,
                blank=blank,
                centre=centre,
                time=time,
                bureau=bureau,
                people=tuple(people(SAMPLE_SEED, PEOPLE, REGION, as_of_ms=START_MS)),
                witness=witness,
                superuser=address.dsn("postgres", database),
                app=application(centre, background=False),
                kept=folder / f"{database}-kept",
                dsn=Dsn(app=address.dsn(APP, database), owner=address.dsn(OWNER, database)),
            )
            await place.keep()
            yield place
            await place.centre.store.close()


async def _publish(centre: Centre, folder: Path) -> None:
    """Import the subjects as a file; a first hall opens the region's scope, then everything is published once."""
    path = folder / "subjects.csv"
    rows = records.sample_rows(PEOPLE, SAMPLE_SEED, REGION, START_MS)
    records.sample_file(path, rows, 0)
    system = operator("system")
    await records.import_file(centre, system, path)
    made = await nodes.create(centre, system, name="first hall", region=REGION, kind="hall")
    assert not isinstance(made, Refusal)
    await publish.publish(centre, system)
