"""Browsers of the three administrators as HTTP clients of a real centre, and a hall with a day's work behind it."""

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from httpx import AsyncClient, Response

from central.actions import ingest
from matters import ids
from tests.contract.central.halls import Hall
from tests.contract.central.stage import PASSWORD, Stage

MARK = re.compile(r'name="csrf" value="([^"]+)"')
NUMBER = "11010119900307123" + ids.resident_check("11010119900307123")
OTHER = "33010219880229002" + ids.resident_check("33010219880229002")
PURPOSE = "信访核查 XF-2026-118"
HOUR_MS = 3_600_000


@dataclass
class Visitor:
    """One browser: it keeps cookies and the mark of the last page's forms."""

    client: AsyncClient
    mark: str = field(default="")

    async def get(self, address: str) -> Response:
        return self.remember(await self.client.get(address, follow_redirects=False))

    async def post(self, address: str, form: dict[str, str] | None = None, **more: Any) -> Response:
        sent = {"csrf": self.mark, **(form or {})}
        return self.remember(await self.client.post(address, data=sent, follow_redirects=False, **more))

    async def follow(self, reply: Response) -> Response:
        assert reply.status_code == 303, reply.text
        return await self.get(reply.headers["location"])

    def remember(self, reply: Response) -> Response:
        found = MARK.search(reply.text)
        self.mark = found[1] if found else self.mark
        return reply


@asynccontextmanager
async def browser(stage: Stage) -> AsyncIterator[Visitor]:
    """A browser nobody has signed in with."""
    async with stage.client() as client:
        yield Visitor(client)


@asynccontextmanager
async def desk(stage: Stage, name: str) -> AsyncIterator[Visitor]:
    """The browser of a signed-in administrator."""
    async with browser(stage) as visitor:
        await signed_in(visitor, name)
        yield visitor


async def signed_in(visitor: Visitor, name: str) -> None:
    await visitor.get("/signin")
    reply = await visitor.post("/signin", {"name": name, "password": PASSWORD})
    assert (await visitor.follow(reply)).status_code == 200


async def handed_in(stage: Stage, hall: Hall) -> None:
    """Everything the hall wrote reaches the centre and is countersigned."""

    async def in_process(data: bytes) -> bytes:
        return await ingest.exchange(stage.centre, data, "network")

    await hall.exchange(in_process)


async def worked(stage: Stage) -> Hall:
    """A hall that answered one person twice offline, refused once, issued one report, and reported all of it."""
    hall = await stage.hall()
    hall.access(NUMBER, case="330102-2026-C-00001", relationship="self-natural")
    hall.write("report.issued", issued("330102-2026-L-00001"), object="330102-2026-C-00001")
    hall.access(NUMBER, actor="sun.tao", presence="none", basis="", purpose="stated")
    hall.access(OTHER, kind="access.denied", mode="", outcome="letter-expired", basis="")
    stage.clock.pass_ms(HOUR_MS)
    await handed_in(stage, hall)
    return hall


def issued(serial: str) -> dict[str, Any]:
    return {
        "serial": serial,
        "subject_number": NUMBER,
        "subject_name": "某人",
        "matter": "public-credit.self",
        "facts_digest": hashlib.sha256(b"{}").digest(),
        "facts": b"{}",
        "status": "provisional",
        "as_of": 1_795_230_000_000,
    }
