"""Where worlds are played: one real centre over its own embedded PostgreSQL, kept for many seeds of one process.

Seeds do not disturb each other: each has nodes, and so origins, of its own. The subjects are shared and are the
same for every place.
"""

import dataclasses
import io
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
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

AUTHORITY = "qingzhou.example"
REGION = "330102"
START_MS = 1_795_136_400_000
"""2026-11-20 09:00 in China, when every world begins."""
PEOPLE = 24
SAMPLE_SEED = 7
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

    async def swept(self) -> None:
        """Nobody writes to the nodes of a world that ended or publishes for them; its people are as before it."""
        self.put(dataclasses.replace(self.centre, catalogue=builtin()))
        touched = await self.witness.fetch(_TOUCHED)
        await self.witness.execute(_SWEEP)
        if touched:
            await publish.publish(self.centre, operator("system"))

    async def reopen(self) -> None:
        """The centre's process ends, another one begins on the same database."""
        before = self.centre.store
        self.swap(await Store.open(self.dsn))
        await before.close()

    def swap(self, store: Store) -> None:
        """The centre works on another store from now on."""
        self.put(dataclasses.replace(self.centre, store=store))

    def put(self, centre: Centre) -> None:
        """This is the centre behind the door from now on."""
        self.centre = centre
        self.app.state.centre = centre


_TOUCHED = """
    UPDATE subject SET changed = nextval('change_number') WHERE ref IN (
        SELECT ref FROM consent_withdrawn UNION SELECT subject_ref FROM quota_spent WHERE matter = 'public-credit.self')
    RETURNING ref
"""
_SWEEP = """
    UPDATE identity SET revoked_ms = 0 WHERE revoked_ms IS NULL;
    DELETE FROM pack WHERE scope IN (SELECT scope FROM scope WHERE node <> '');
    DELETE FROM release WHERE scope IN (SELECT scope FROM scope WHERE node <> '');
    DELETE FROM scope_row WHERE scope IN (SELECT scope FROM scope WHERE node <> '');
    DELETE FROM scope WHERE node <> '';
    DELETE FROM consent_withdrawn;
    DELETE FROM quota_spent WHERE matter = 'public-credit.self'
"""


class Backup:
    """Every row of the centre's database at one moment, as a restore puts it back, and the anchor beside it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._tables: dict[str, bytes] = {}
        self._anchor = own_ledger.anchored(place.centre.data)

    async def take(self) -> None:
        """Copy every table out."""
        named = await self._place.witness.fetch(_TABLES)
        for table in (row["tablename"] for row in named):
            held = io.BytesIO()
            await self._place.witness.copy_from_table(table, output=held, format="binary")
            self._tables[table] = held.getvalue()

    async def put_back(self, *, with_anchor: bool = False) -> None:
        """The database as it was then; the centre's process is started anew on it.

        `with_anchor`: the whole machine is as it was then, so that only nodes can know.
        """
        if with_anchor and self._anchor:
            (self._place.centre.data / own_ledger.ANCHOR).write_bytes(self._anchor)
        restorer = await asyncpg.connect(self._place.superuser)
        try:
            await restorer.execute("SET session_replication_role = replica")
            await restorer.execute(f"TRUNCATE {', '.join(self._tables)}")
            for table, held in self._tables.items():
                await restorer.copy_to_table(table, source=io.BytesIO(held), format="binary")
        finally:
            await restorer.close()
        await self._place.reopen()


_TABLES = (
    "SELECT relname AS tablename FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    " AND relname !~ 'migration' ORDER BY 1"
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
    """A new centre in `folder` with its subjects imported and published; an empty node beside it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    time, bureau, data = WorldTime(), TwinBureau(), folder / "centre"
    if not data.exists():
        setup.prepare(data, AUTHORITY)
    blank = folder / "blank"
    blank.mkdir(mode=0o700, exist_ok=True)
    await (await open_store(blank, settings_file.load(blank), create=True)).close()
    async with AsyncExitStack() as stack:
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
                dsn=Dsn(app=address.dsn(APP, database), owner=address.dsn(OWNER, database)),
            )
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
