"""The line between one node and the centre: the node's real client on one end, the centre's real application on the other.

What the line does to a request is drawn when the request comes; whatever arrives, arrives at the whole application,
signature check and all.
"""

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

import httpx
import msgspec

from sync.batch.header import PLAIN, claimed_header
from sync.errors import SyncError
from tests.gone import gone_early
from tests.simulation.place import Place
from tests.simulation.walking import Power, Walk

CENTRE_WAITS = (1, 90)
SLOW_MS = (30_000, 20 * 60_000)
SUSPENDED_MS = (5 * 3_600_000, 100 * 3_600_000)
WAIT_S = 30.0
LATE_MAX = 8
OLD_MAX = 16
NEAR_END, NEAR_END_BYTES = 0.7, 200
PAGES = (b"<html>502 Bad Gateway</html>", b'{"code": "\xe6\x8f"}', b"")
"""What may come from something in between: a page, text cut inside a character, nothing."""


STANDING = "/api/standing"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request as bytes."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    cut: bool = False
    """The connection ends where `body` does, before the request is whole."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One reply as bytes."""

    status: int
    body: bytes


class Door:
    """The centre's application without a socket. Work goes on here when the node at the other end dies."""

    def __init__(self, place: Place, group: asyncio.TaskGroup) -> None:
        self.place = place
        self._app = httpx.ASGITransport(place.app, raise_app_exceptions=False)  # type: ignore[arg-type]  # two spellings of ASGI
        self._parted = gone_early(place.app)  # type: ignore[arg-type]  # two spellings of ASGI
        self._group = group
        self.at_work: set[asyncio.Task[Any]] = set()
        self.older = False
        """Whether the centre's program knows neither slim headers nor the dictionary."""

    async def knock(self, call: Call, crash_after: int = -1) -> Reply | None:
        """The centre's reply; None when it crashed at its `crash_after`th wait."""
        power = Power(crash_after)
        task = self._group.create_task(Walk(self._serve(call), power))
        self.at_work.add(task)
        task.add_done_callback(self.at_work.discard)
        # the crash ends the work by itself: the node that asked may be cut off and wait for nothing any more
        power.stopped.add_done_callback(lambda _: task.cancel())
        await asyncio.wait({task}, timeout=WAIT_S)
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=WAIT_S)
        if not task.done() or task.cancelled():
            return None
        reply: Reply = task.result()
        return reply

    async def idle(self) -> None:
        """Wait until nothing is at work."""
        if self.at_work:
            await asyncio.wait(set(self.at_work), timeout=WAIT_S)

    async def _serve(self, call: Call) -> Reply:
        if self.older and call.path == "/api/exchange" and _version(call.body) != PLAIN:
            return Reply(status=400, body=b'{"code": "unknown-version"}')
        request = httpx.Request(
            call.method, "http://centre" + call.path, headers=list(call.headers), content=call.body
        )
        response = await (self._parted if call.cut else self._app).handle_async_request(request)
        return Reply(status=response.status_code, body=await response.aread())


def _version(batch: bytes) -> int:
    """The version a batch says it has; that of the oldest where it cannot be read."""
    try:
        return claimed_header(batch).version
    except SyncError:
        return PLAIN


class Line(httpx.AsyncBaseTransport):
    """One node's line. `draw` names the fault of each request ("" for none); `leaving` and `replying` look on."""

    def __init__(
        self,
        dice: Random,
        draw: Callable[[Call], str],
        later: Callable[[int], None],
        leaving: Callable[[Call], None],
        replying: Callable[[Call, Reply], Coroutine[Any, Any, None]],
    ) -> None:
        self._dice = dice
        self._draw, self._later = draw, later
        self._leaving, self._replying = leaving, replying
        self.door: Door | None = None
        self.late: list[Call] = []
        self.sent: list[Call] = []
        self.plan: list[str] = []
        self.pages: tuple[bytes, ...] = PAGES
        self._old: list[tuple[str, Reply]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry one request of the node's client."""
        headers = tuple((name, value) for name, value in request.headers.items() if name != "content-length")
        call = Call(
            method=request.method,
            path=request.url.raw_path.decode(),
            headers=headers,
            body=await request.aread(),
        )
        self._leaving(call)
        self.sent = [*self.sent, call][-OLD_MAX:]
        fault = self._fault(call)
        reply = await self._carry(call, fault, request)
        return httpx.Response(reply.status, content=reply.body, request=request)

    def _fault(self, call: Call) -> str:
        """The next one planned, which no question where the centre stands takes away; else a drawn one."""
        if not self.plan:
            return self._draw(call)
        return "" if call.path == STANDING else self.plan.pop(0)

    async def _carry(self, call: Call, fault: str, request: httpx.Request) -> Reply:
        if fault in {"line-down", "request-lost"}:
            raise httpx.ConnectTimeout("no way", request=request)
        if fault == "request-late":
            self.late = [*self.late, call][-LATE_MAX:]
            raise httpx.ReadTimeout("gave up", request=request)
        if fault == "gateway":
            return Reply(status=502, body=self._dice.choice(self.pages))
        if fault == "slow":
            self._later(self._dice.randint(*SLOW_MS))
        if fault == "suspended":
            self._later(self._dice.randint(*SUSPENDED_MS))
        reply = await self._deliver(_spoil_request(call, fault, self._dice), fault)
        if reply is None or fault in {"request-cut", "reply-lost"}:
            raise httpx.ReadError("cut", request=request)
        return self._spoil_reply(call, reply, fault)

    async def _deliver(self, call: Call, fault: str) -> Reply | None:
        crash_after = self._dice.randint(*CENTRE_WAITS) if fault == "centre-crash" else -1
        reply = await self.hand_in(call, crash_after)
        if fault == "request-twice":
            await self.hand_in(call)
        return reply

    async def hand_in(self, call: Call, crash_after: int = -1) -> Reply | None:
        """Let a request arrive; the reply as it leaves the centre, looked at, or None after a crash."""
        assert self.door is not None
        reply = await self.door.knock(call, crash_after)
        if reply is not None:
            await self._replying(call, reply)
        return reply

    def _spoil_reply(self, call: Call, reply: Reply, fault: str) -> Reply:
        older = [old for path, old in self._old if path == call.path]
        self._old = [*self._old, (call.path, reply)][-OLD_MAX:]
        if fault == "reply-cut":
            return msgspec.structs.replace(reply, body=cut(reply.body, self._dice))
        if fault == "reply-altered":
            return msgspec.structs.replace(reply, body=altered(reply.body, self._dice))
        if fault == "reply-old" and older:
            return self._dice.choice(older)
        return reply


def _spoil_request(call: Call, fault: str, dice: Random) -> Call:
    if fault == "request-cut":
        return msgspec.structs.replace(call, body=_beginning(call.body, dice), cut=True)
    if fault == "request-altered":
        return msgspec.structs.replace(call, body=altered(call.body, dice))
    return call


def _beginning(body: bytes, dice: Random) -> bytes:
    """What arrives of a body that is cut: mostly so much that there are frames in it, if it is a batch."""
    if dice.random() < NEAR_END:
        return body[:-NEAR_END_BYTES] + cut(body[-NEAR_END_BYTES:], dice)
    return cut(body, dice)


def cut(content: bytes, dice: Random) -> bytes:
    """A part of the content from its beginning."""
    return content[: dice.randrange(len(content) + 1)]


def altered(content: bytes, dice: Random) -> bytes:
    """The content with one byte changed."""
    if not content:
        return b"?"
    at = dice.randrange(len(content))
    return content[:at] + bytes([content[at] ^ dice.randint(1, 255)]) + content[at + 1 :]
