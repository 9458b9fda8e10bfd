"""A real hall on a real centre, in process: the whole application on the line, SQLCipher in a folder."""

import csv
import shutil
from pathlib import Path
from typing import Any

import httpx

from central import app
from central.actions import incarnations, publish, records
from central.actions.centre import operator
from central.actions.views import NodeCreated
from central.store import people
from central.store.people import StaffKept
from edge import settings as settings_file
from edge.actions import clockwork, reads, sign_in
from edge.actions.answer import answer
from edge.actions.enrol import enrol
from edge.actions.exchange import exchange
from edge.actions.node import Node, Session, close_node, open_node
from edge.actions.views import Answer, ExchangeSummary
from edge.security.passwords import hash_password
from edge.store.clock import NodeClock
from matters.ids import resident_check
from matters.importing import HEADER, write_row
from matters.model import Refusal
from tests.contract.central.stage import Stage, person
from tests.contract.edge.conftest import card
from tests.contract.edge.test_answers import own

URL = "http://centre.test"
NUMBER = "33010219900101007" + resident_check("33010219900101007")
PASSWORD = "correct-horse-battery"
_PHC = hash_password(PASSWORD)


class Line(httpx.AsyncBaseTransport):
    """The centre's whole application; `down` cuts the line, the next `lost_replies` answers are lost on the way."""

    def __init__(self, stage: Stage) -> None:
        program: Any = app.application(stage.centre, background=False)
        self._inner = httpx.ASGITransport(app=program, raise_app_exceptions=False)
        self.down = False
        self.paths: list[str] = []
        self.lost_replies = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            raise httpx.ConnectError("the line is cut")
        self.paths.append(request.url.path)
        reply = await self._inner.handle_async_request(request)
        if self.lost_replies:
            self.lost_replies -= 1
            raise httpx.ReadError("the reply is lost")
        return reply


class Place:
    """One centre with one hall; `node` is the hall's running program."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage, self.folder = stage, folder
        self.data = folder / "hall"
        self.line = Line(stage)
        self.name = ""
        self.running: Node | None = None
        self.boot_ms = 1_000_000

    @property
    def node(self) -> Node:
        assert self.running is not None
        return self.running

    async def open(self) -> None:
        """People, clerks, a node with its code, enrolled and exchanged once."""
        made = await self.created()
        self.name = made.node
        await self._fill()
        await enrol(self.data, URL, made.code, clock=self.clock(), transport=self.line)
        await self.start()
        await exchange(self.node)

    async def created(self) -> NodeCreated:
        """The node at the centre, with its code."""
        return await self.stage.node()

    async def _fill(self) -> None:
        centre = self.stage.centre
        delivery = self.folder / "delivery.csv"
        with delivery.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, HEADER)
            writer.writeheader()
            writer.writerow(write_row(person(NUMBER)))
        taken = await records.import_file(centre, operator("system"), delivery)
        assert taken.stored, taken
        async with centre.store.transaction() as tx:
            clerk = StaffKept(
                node=self.name,
                staff="li.min",
                name="李敏",
                role="clerk",
                permits=("public-credit", "credit-bureau"),
                windows=(),
                password=_PHC,
                valid=True,
            )
            await people.put_staff(tx, [clerk])
        await publish.publish(centre, operator("system"))

    def clock(self) -> NodeClock:
        return NodeClock(self.stage.clock, lambda: self.boot_ms)

    async def start(self, data: Path | None = None) -> Node:
        """Open the hall's folder (or another) as its program does."""
        await self.close()
        self.data = data or self.data
        node = await open_node(
            self.data, settings_file.load(self.data), clock=self.clock(), transport=self.line
        )
        self.running = node
        await clockwork.boot(node)
        return node

    async def close(self) -> None:
        if self.running is not None:
            node, self.running = self.running, None
            await close_node(node)

    def image(self, name: str) -> Path:
        """A copy of the hall's folder as it lies on the disk now; the program must be closed."""
        assert self.running is None
        kept = self.folder / name
        shutil.copytree(self.data, kept)
        return kept

    async def clerk(self) -> Session:
        session = await sign_in.sign_in(self.node, "li.min", PASSWORD, "1")
        assert isinstance(session, Session), session
        return session

    async def asked(self, clerk: Session) -> Any:
        """The resident asks for their own report."""
        read = await reads.lay(self.node, "", card(NUMBER, "王䶮"))
        return await answer(self.node, clerk, own(read.read_id))

    async def offline(self, clerk: Session, times: int = 1) -> list[Answer]:
        """Answers from the cache, with their reports."""
        self.line.down = True
        given = [await self.asked(clerk) for _ in range(times)]
        self.line.down = False
        assert all(isinstance(one, Answer) for one in given), given
        return given

    async def exchange(self) -> ExchangeSummary:
        return await exchange(self.node)

    async def approve(self, *roles: Any) -> None:
        """Officers of these roles approve whatever waits."""
        for row in await incarnations.requests(self.stage.centre, self.name):
            for role in roles if row.state == "waiting" else ():
                said = await incarnations.decide(
                    self.stage.centre,
                    operator(role),
                    self.name,
                    row.fingerprint,
                    approves=True,
                    note="已电话核对指纹",
                )
                assert not isinstance(said, Refusal), said
