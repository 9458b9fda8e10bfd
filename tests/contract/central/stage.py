"""A centre with a clock that is told the time, on a database of its own.

And halls with real ledgers in memory.
"""

import asyncio
import base64
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from httpx import ASGITransport, AsyncClient

from central import app
from central.actions import enrol, incarnations, nodes, setup
from central.actions.centre import Centre, operator
from central.actions.enrol import Application, Enrolled
from central.actions.views import NodeCreated
from central.security import keys, passwords
from central.settings import read
from central.store import embedded, ledger, migrate, people
from central.store.database import Dsn, Store
from central.store.people import Administrator
from central.store.tables import APP, OWNER
from central.upstream.bureau import Bureau
from matters.catalogue.load import builtin
from matters.model import Matter, Refusal
from matters.records import SubjectRecord
from sync.messages.incarnation import fingerprint
from sync.signing.keys import SealingKey, SigningKey
from tests.contract.central.clock import NOW_MS, Clock
from tests.contract.central.halls import Hall

AUTHORITY = "qingzhou.example"
DSN = "YIZHAN_TEST_POSTGRES"
"""Another PostgreSQL than the embedded one: a superuser's DSN, or `debian` for Debian's binaries."""
DEBIAN = Path("/usr/lib/postgresql/15/bin")


class Server:
    """A PostgreSQL with a migrated template database; each test gets a copy."""

    def __init__(self, superuser: str, *, lasting: bool) -> None:
        self.superuser, self.lasting = superuser, lasting

    def dsn(self, role: str, database: str) -> str:
        head, _, options = self.superuser.partition("?")
        host = head.split("@", 1)[1].split("/", 1)[0]
        return f"postgresql://{role}@{host}/{database}" + (f"?{options}" if options else "")

    async def prepare(self) -> None:
        connection = await asyncpg.connect(self.superuser)
        try:
            for role in (OWNER, APP):
                if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                    await connection.execute(f"CREATE ROLE {role} LOGIN")
            if not self.lasting:  # these databases end with the session: their disk may lie
                await connection.execute("ALTER SYSTEM SET fsync = off")
                await connection.execute("SELECT pg_reload_conf()")
            self.template = f"yizhan_t_{secrets.token_hex(4)}"
            await connection.execute(f"CREATE DATABASE {self.template} OWNER {OWNER}")
        finally:
            await connection.close()
        store = await Store.open(self.both(self.template))
        try:
            await migrate.migrate(store, NOW_MS)
        finally:
            await store.close()

    def both(self, database: str) -> Dsn:
        return Dsn(app=self.dsn(APP, database), owner=self.dsn(OWNER, database))

    async def fresh(self) -> str:
        name = f"yizhan_{secrets.token_hex(6)}"
        await self._run(f"CREATE DATABASE {name} TEMPLATE {self.template} OWNER {OWNER}")
        return name

    async def drop(self, name: str) -> None:
        await self._run(f"DROP DATABASE {name} WITH (FORCE)")

    async def _run(self, statement: str) -> None:
        connection = await asyncpg.connect(self.superuser)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def served(folder: Path) -> Iterator[Server]:
    """The server of this test session.

    What `YIZHAN_TEST_POSTGRES` says, or the embedded one; a server we started ends with the session.
    """
    loop = asyncio.new_event_loop()
    given = os.environ.get(DSN, "")
    ours = given in {"", "debian"}
    cluster = embedded.running(folder, DEBIAN if given else None) if ours else None
    try:
        address = loop.run_until_complete(cluster.__aenter__()) if cluster else None
        server = Server(address.dsn("postgres", "postgres") if address else given, lasting=not ours)
        loop.run_until_complete(server.prepare())
        yield server
        loop.run_until_complete(server.drop(server.template))
    finally:
        if cluster:
            loop.run_until_complete(cluster.__aexit__(None, None, None))
        loop.close()


@asynccontextmanager
async def founded(
    server: Server,
    data: Path,
    *,
    bureau_url: str = "",
    catalogue: Mapping[str, Matter] | None = None,
    **settings: Any,
):
    """A new centre on a database of its own.

    Keys, its own ledger, three administrators with known passwords.
    """
    database = await server.fresh()
    clock = Clock()
    setup.prepare(data, AUTHORITY)
    store = await Store.open(server.both(database))
    wanted = msgspec.structs.replace(read(data), bureau_url=bureau_url, **settings)
    bureau = Bureau(bureau_url, wanted.bureau_deadline_ms) if bureau_url else None
    centre = Centre(
        data=data,
        settings=wanted,
        store=store,
        keys=keys.load(data),
        now_ms=clock,
        bureau=bureau,
        catalogue=catalogue or builtin(),
    )
    await _found(centre)
    try:
        yield Stage(centre, clock, server, database)
    finally:
        if bureau:
            await bureau.close()
        await store.close()
        await server.drop(database)


PASSWORD = "a sentence of some length 7"
_SEALED = passwords.seal_small(PASSWORD)  # quick to check: tests sign in often


async def _found(centre: Centre) -> None:
    from central.actions.own_ledger import Draft, record

    async with centre.store.transaction() as tx:
        await ledger.open_head(tx, centre.origin)
        await record(centre, tx, Draft(kind="ledger.opened", actor="centre", object=centre.origin))
        for role in ("system", "security", "audit"):
            await people.add_administrator(
                tx, Administrator(name=role, role=role, password=_SEALED, must_change=False)
            )


class Stage:
    """A centre under test."""

    def __init__(self, centre: Centre, clock: Clock, server: Server, database: str) -> None:
        self.centre, self.clock, self.server, self.database = centre, clock, server, database

    async def rows(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        """Rows as the database's superuser reads them: from outside."""
        connection = await asyncpg.connect(self.server.dsn("postgres", self.database))
        try:
            return list(await connection.fetch(sql, *values))
        finally:
            await connection.close()

    async def thief(self, sql: str, *values: Any) -> str:
        """Change rows as the database's superuser can."""
        connection = await asyncpg.connect(self.server.dsn("postgres", self.database))
        try:
            return str(await connection.execute(sql, *values))
        finally:
            await connection.close()

    async def node(
        self,
        name: str = "清河县市民之家",
        region: str = "330102",
        kind: str = "hall",
        route: Sequence[str] = (),
    ) -> NodeCreated:
        made = await nodes.create(
            self.centre, operator("system"), name=name, region=region, kind=kind, route=route
        )
        assert isinstance(made, NodeCreated), made
        return made

    async def hall(self, **how: Any) -> Hall:
        """A created and enrolled node with an empty ledger."""
        return await self._enrolled(await self.node(**how))

    async def again(self, hall: Hall) -> Hall:
        """The same node enrolled again with an officer's approval: a new incarnation with an empty ledger."""
        made = await nodes.new_code(self.centre, operator("system"), hall.node)
        assert isinstance(made, NodeCreated), made
        signing, sealing = SigningKey.generate(), SealingKey.generate()
        await enrol.enrol(self.centre, application(made.code, signing, sealing))
        await self.approved(hall.node, signing, sealing)
        given = await enrol.enrol(self.centre, application(made.code, signing, sealing))
        assert isinstance(given, Enrolled), given
        return Hall(made.node, given, signing, sealing, self.clock)

    async def approved(
        self, node: str, signing: SigningKey, sealing: SealingKey, roles: Sequence[Any] = ("security",)
    ) -> None:
        """Officers of these roles approve the new keys."""
        asked = fingerprint(signing.public, sealing.public)
        for role in roles:
            said = await incarnations.decide(
                self.centre, operator(role), node, asked, approves=True, note="已电话核对指纹"
            )
            assert not isinstance(said, Refusal), said

    async def _enrolled(self, made: NodeCreated) -> Hall:
        signing, sealing = SigningKey.generate(), SealingKey.generate()
        given = await enrol.enrol(self.centre, application(made.code, signing, sealing))
        assert isinstance(given, Enrolled), given
        return Hall(made.node, given, signing, sealing, self.clock)

    def client(self) -> AsyncClient:
        """HTTP to the whole application, in process."""
        program: Any = app.application(self.centre, background=False)
        transport = ASGITransport(app=program, raise_app_exceptions=False)
        return AsyncClient(transport=transport, base_url="http://127.0.0.1")


def application(code: str, signing: SigningKey, sealing: SealingKey) -> Application:
    return Application(
        code=code,
        signing=base64.b64encode(signing.public).decode(),
        sealing=base64.b64encode(sealing.public).decode(),
    )


def person(number: str = "330102199001011234", **other: Any) -> SubjectRecord:
    """A synthetic resident."""
    made = SubjectRecord(
        kind="natural",
        number=number,
        name="王䶮",
        sex="1",
        birth=None,
        region="330102001001",
        address="清河路 1 号",
        as_of_ms=NOW_MS - 86_400_000,
        source="省人口库",
    )
    return msgspec.structs.replace(made, **other)
