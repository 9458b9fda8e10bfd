"""A real centre in a temporary folder, and browsers of its three administrators as HTTP clients."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from httpx import ASGITransport, AsyncClient, Response
from litestar import Litestar
from litestar.datastructures import State

from central.actions import setup
from central.actions.centre import Centre
from central.pages import table

AUTHORITY = "qingzhou.example"
PASSWORD = "correct horse battery staple"  # a test's own
MARK = re.compile(r'name="csrf" value="([^"]+)"')


@dataclass
class Clock:
    """A clock that is told the time."""

    now_ms: int = 1_795_235_170_000

    def __call__(self) -> int:
        return self.now_ms


@dataclass
class Stage:
    """The centre, its clock, the application with the console's routes, and the one-time passwords."""

    centre: Centre
    clock: Clock
    app: Litestar
    passwords: dict[str, str]
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass
class Visitor:
    """One browser: it keeps cookies and the mark of the last page's forms."""

    client: AsyncClient
    mark: str = field(default="")

    async def get(self, address: str) -> Response:
        reply = await self.client.get(address, follow_redirects=False)
        found = MARK.search(reply.text)
        self.mark = found[1] if found else self.mark
        return reply

    async def post(self, address: str, form: dict[str, str] | None = None, **more: Any) -> Response:
        reply = await self.client.post(
            address, data={"csrf": self.mark, **(form or {})}, follow_redirects=False, **more
        )
        found = MARK.search(reply.text)
        self.mark = found[1] if found else self.mark
        return reply

    async def follow(self, reply: Response) -> Response:
        assert reply.status_code == 303, reply.text
        return await self.get(reply.headers["location"])


@asynccontextmanager
async def staged(data: Path) -> AsyncIterator[Stage]:
    """A new centre with its three administrators, whose one-time passwords stand."""
    clock = Clock()
    setup.prepare(data, AUTHORITY)
    async with setup.opened(data, now_ms=clock) as centre:
        made = await setup.found(centre)
        app = Litestar(route_handlers=table.ROUTES, state=State({"centre": centre}))
        yield Stage(centre, clock, app, {one.name: one.password for one in made})


@asynccontextmanager
async def browser(stage: Stage) -> AsyncIterator[Visitor]:
    """A browser nobody has signed in with."""
    transport = ASGITransport(app=stage.app)  # type: ignore[arg-type]  # litestar's scope types are its own
    async with AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield Visitor(client)


async def signed_in(visitor: Visitor, stage: Stage, name: str, *, afresh: bool = False) -> None:
    """Signs in as an administrator; a session opened before is used again unless `afresh`.

    Argon2id is slow on purpose, so that most tests share one session a role.
    """
    if not afresh and name in stage.cookies:
        visitor.client.cookies.update(stage.cookies[name])
        if (await visitor.get("/password")).status_code == 200:
            return
        visitor.client.cookies.clear()
    await visitor.get("/signin")
    reply = await visitor.post("/signin", {"name": name, "password": stage.passwords[name]})
    page = await visitor.follow(reply)
    if reply.headers["location"] == "/password":
        fresh = f"{PASSWORD} {len(name)}"
        reply = await visitor.post("/password", {"password": fresh, "again": fresh})
        stage.passwords[name] = fresh
        page = await visitor.follow(reply)
    assert page.status_code == 200, page.text
    if not afresh:
        stage.cookies[name] = dict(visitor.client.cookies)
