"""A real node with a real encrypted store in a temporary folder, a told clock, and a small centre on the line."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from pathlib import Path

import pytest

from drivers.ports import CardRecord
from edge.actions import leases, reads, sign_in
from edge.actions.enrol import enrol
from edge.actions.exchange import exchange
from edge.actions.node import Node, Session, close_node, open_node
from edge.actions.views import CardRead
from edge.settings import Settings
from edge.store.clock import NodeClock
from tests.contract.edge.small_centre import PASSWORD, SmallCentre

START_MS = 1_795_000_000_000  # 2026-11-18
URL = "http://centre.test"


class ToldTime:
    """A clock that is told the time: the wall and the boot clock, apart."""

    def __init__(self) -> None:
        self.wall = START_MS
        self.boot = 1_000_000

    def pass_ms(self, ms: int) -> None:
        self.wall += ms
        self.boot += ms

    def clock(self) -> NodeClock:
        return NodeClock(lambda: self.wall, lambda: self.boot)


@pytest.fixture
def told() -> ToldTime:
    return ToldTime()


def settings(**more: object) -> Settings:
    return Settings(centre=URL, hall="清河县市民之家", region="330102", **more)  # type: ignore[arg-type]


Opener = Callable[..., Awaitable[Node]]


@pytest.fixture
async def opener(tmp_path: Path, told: ToldTime, centre: SmallCentre) -> AsyncIterator[Opener]:
    """Opens the node's folder (again); everything is closed at the end."""
    open_nodes: list[Node] = []

    async def open_it(**more: object) -> Node:
        while open_nodes:
            await close_node(open_nodes.pop())
        node = await open_node(
            tmp_path / "node", settings(**more), clock=told.clock(), transport=centre.transport()
        )
        open_nodes.append(node)
        return node

    yield open_it
    while open_nodes:
        await close_node(open_nodes.pop())


class Prepared:
    """A node enrolled and exchanged once, as files, and the centre it belongs to; copied for each test."""

    def __init__(self, folder: Path, centre: SmallCentre) -> None:
        self.folder = folder
        self.centre = centre


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Enrolment and the first exchange, done once."""
    folder, told = tmp_path_factory.mktemp("prepared"), ToldTime()
    small = SmallCentre(lambda: told.wall)
    small.publish()

    async def prepare() -> None:
        await enrol(folder / "node", URL, "GOOD-CODE", clock=told.clock(), transport=small.transport())
        node = await open_node(folder / "node", settings(), clock=told.clock(), transport=small.transport())
        await leases.boot(node)
        await exchange(node)
        await close_node(node)

    asyncio.run(prepare())
    return Prepared(folder / "node", small)


@pytest.fixture
def centre(told: ToldTime, prepared: Prepared) -> SmallCentre:
    """The centre of the prepared node."""
    return prepared.centre.clone(lambda: told.wall)


@pytest.fixture
async def node(tmp_path: Path, prepared: Prepared, opener: Opener) -> Node:
    """Enrolled, exchanged once: staff, people and leases are there."""
    shutil.copytree(prepared.folder, tmp_path / "node")
    return await opener()


@pytest.fixture
def fresh_centre(told: ToldTime) -> SmallCentre:
    """A centre nobody has enrolled with."""
    small = SmallCentre(lambda: told.wall)
    small.publish()
    return small


@pytest.fixture
async def clerk(node: Node) -> Session:
    return await signed_in(node, "li.min")


async def signed_in(node: Node, staff: str, window: str = "1") -> Session:
    session = await sign_in.sign_in(node, staff, PASSWORD, window)
    assert isinstance(session, Session), session
    return session


def card(number: str, name: str, **more: object) -> CardRecord:
    base = {
        "record": "citizen",
        "name": name,
        "number": number,
        "birth": date(1990, 1, 1),
        "sex": "1",
        "nation": "01",
        "address": "清河县某路 1 号",
        "issuer": "清河县公安局",
        "photo": bytes(1024),
        "valid_from": date(2018, 6, 11),
        "valid_to": date(2038, 6, 11),
    }
    return CardRecord(**(base | more))  # type: ignore[arg-type]


async def lay(node: Node, centre: SmallCentre, place: int = 0, **more: object) -> CardRead:
    """Lay the card of the n-th person at the shared reader."""
    held = list(centre.people.values())[place]
    fields = {"number": held.subject.number, "name": held.subject.name} | more
    return await reads.lay(node, "", card(**fields))  # type: ignore[arg-type]
