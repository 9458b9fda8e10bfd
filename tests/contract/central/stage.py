"""A centre with a clock that is told the time, on a database of its own.

And halls with real ledgers in memory.
"""

import asyncio
import base64
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from httpx import ASGITransport, AsyncClient

from central import app
from central.actions import enrol, nodes, setup
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
from matters.records import SubjectRecord
from sync.batch.acknowledge import Acknowledgement, decode
from sync.batch.file import build_up, open_sealed
from sync.batch.view import CentreKeys, Head, SaltEpoch, Wish
from sync.exchange.node import NodeExchange
from sync.exchange.steps import NoteCentre, SendBatch, StoreAcknowledgement
from sync.exchange.view import CentreSeen
from sync.ids import subject_ref
from sync.ledger.entry import Entry, Row, salt
from sync.ledger.proofs import EMPTY_ROOT
from sync.messages import registry
from sync.signing.keys import SealingKey, SigningKey
from sync.signing.notes import parse_vkey
from sync.signing.requests import authorise
from sync.signing.sealing import unseal
from tests.unit.sync_exchange.world import Ledger

AUTHORITY = "qingzhou.example"
NOW_MS = 1_795_235_170_000  # 2026-11-21 12:06 in China
DSN = "YIZHAN_TEST_POSTGRES"
"""A superuser's DSN of a PostgreSQL to test on instead of the embedded one."""


class Clock:
    """A clock that is told the time."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms

    def pass_ms(self, ms: int) -> None:
        self.now_ms += ms


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

    `YIZHAN_TEST_POSTGRES`, or an embedded one that ends with the session.
    """
    loop = asyncio.new_event_loop()
    given = os.environ.get(DSN)
    cluster = None if given else embedded.running(folder)
    try:
        address = loop.run_until_complete(cluster.__aenter__()) if cluster else None
        server = Server(address.dsn("postgres", "postgres") if address else str(given), lasting=bool(given))
        loop.run_until_complete(server.prepare())
        yield server
        loop.run_until_complete(server.drop(server.template))
    finally:
        if cluster:
            loop.run_until_complete(cluster.__aexit__(None, None, None))
        loop.close()


@asynccontextmanager
async def founded(server: Server, data: Path, *, bureau_url: str = "", **settings: Any):
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
        catalogue=builtin(),
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

    async def hall(self, **how: Any) -> "Hall":
        """A created and enrolled node with an empty ledger."""
        made = await self.node(**how)
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


class Hall(Ledger):
    """A node in memory: its own ledger, keys and everything an exchange asks of it (NodeView)."""

    def __init__(
        self, node: str, given: Enrolled, signing: SigningKey, sealing: SealingKey, clock: Clock
    ) -> None:
        super().__init__(given.origin)
        self.node, self.signing_key, self.sealing_key, self.clock = node, signing, sealing, clock
        name, public = parse_vkey(given.centre.vkey)
        self.centre = CentreKeys(
            origin=name,
            signing=public,
            sealing=base64.b64decode(given.centre.sealing),
            recovery=base64.b64decode(given.centre.recovery),
        )
        sealed = base64.b64decode(given.subject_key)
        self.subject_key = unseal(sealing, sealed, enrol.SUBJECT_KEY_INFO)
        self.salt_key = secrets.token_bytes(32)
        self.countersigned: tuple[int, bytes] = (0, EMPTY_ROOT)
        self.countersignature = b""
        self.seen, self.seen_note = CentreSeen(), b""
        self.wanted: list[Wish] = []
        self.obeyed = 0
        self.replies: list[Acknowledgement] = []

    def checkpoint(self) -> Head:
        if not self.size:
            return Head(size=0, root=EMPTY_ROOT, note=b"")
        return Head(size=self.size, root=self.root_at(self.size), note=self.note_at(self.size))

    def acknowledged(self) -> tuple[int, bytes]:
        return self.countersigned

    def rows(self, start: int, end: int) -> list[Row]:
        return self.kept[start:end]

    def tiles(self) -> Any:
        return self.leaves

    def salt_epochs(self, start: int, end: int) -> list[SaltEpoch]:
        del start, end  # one epoch covers all
        return [SaltEpoch(0, self.salt_key)]

    def centre_seen(self) -> bytes:
        return self.seen_note

    def last_centre(self) -> CentreSeen:
        return self.seen

    def wishes(self) -> list[Wish]:
        return self.wanted

    def directive_seen(self) -> int:
        return self.obeyed

    def statistics(self) -> dict[str, int]:
        return {"clock": 0, "open_cases": 2}

    def write(self, kind: str, detail: dict[str, Any] | None = None, **leaf: Any) -> int:
        """One more entry; its index."""
        fields = detail or {}
        number = str(fields.get("subject_number", ""))
        known = {"actor": "li.min", "role": "clerk", "window": "A03", "hlc_ms": self.clock.now_ms + self.size}
        entry = Entry(
            kind=registry.kind(kind).number,
            index=self.size,
            **{**known, "subject_ref": subject_ref(self.subject_key, number), **leaf},
        )
        self.add([Row(entry, registry.encode_detail(kind, fields), salt(self.salt_key, self.size))])
        return self.size - 1

    def access(
        self, number: str, *, mode: str = "cached", case: str = "", kind: str = "access.answered", **leaf: Any
    ) -> int:
        """An access as a hall writes it."""
        detail = {
            "subject_number": number,
            "subject_name": "某人",
            "requester_number": number,
            "requester_name": "某人",
            "matter": leaf.pop("matter", "public-credit.self"),
            "case": case,
            "request_id": leaf.pop("request_id", ""),
            "shown": "licence,penalty",
            "note": "",
        }
        known = {
            "mode": mode,
            "basis": "SELF",
            "purpose": "own-use",
            "outcome": "answered",
            "presence": "resident-id",
        }
        return self.write(kind, detail, as_of=self.clock.now_ms - 3_600_000, **{**known, **leaf})

    def batch(self, start: int | None = None, end: int | None = None) -> bytes:
        """A batch of entries [start, end), from the last countersigned one by default."""
        begin = self.countersigned[0] if start is None else start
        return build_up(self, begin, self.size if end is None else end, self.clock.now_ms)

    def opened(self, reply: bytes) -> Acknowledgement:
        """What a reply says, as sealed to this node."""
        _, payload = open_sealed(
            reply,
            self.sealing_key,
            lambda origin: self.centre.signing if origin == self.centre.origin else None,
            kind="acknowledge",
            destination=self.origin,
        )
        return decode(payload)

    async def exchange(self, hand_in) -> list[Any]:
        """One whole exchange through the real state machine; `hand_in(batch)` gives the reply. The steps."""
        machine = NodeExchange(self)
        steps, done = list(machine.begin(self.clock.now_ms)), []
        while steps:
            following: list[Any] = []
            for step in steps:
                done.append(step)
                if isinstance(step, SendBatch):
                    reply = await hand_in(step.data)
                    self.replies.append(self.opened(reply))
                    following = list(machine.received(reply))
                self.keep(step)
            steps = following
        return done

    def keep(self, step: Any) -> None:
        """Make durable what a step asks for."""
        if isinstance(step, NoteCentre):
            self.seen_note = step.checkpoint
            self.seen = CentreSeen(
                size=step.size, root=step.root, time_ms=step.centre_time_ms, next=step.next
            )
        if isinstance(step, StoreAcknowledgement):
            self.countersigned = (step.size, step.root)
            self.countersignature = step.verified_note

    def signed(self, method: str, path: str, body: bytes, nonce: str = "") -> dict[str, str]:
        """The headers of a request this node signs."""
        header = authorise(
            self.signing_key,
            self.origin,
            method,
            path,
            body,
            self.clock.now_ms,
            nonce or secrets.token_urlsafe(18),
        )
        return {"authorization": header, "content-type": "application/octet-stream"}


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
