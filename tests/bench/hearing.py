"""A page in a browser, as far as the node can tell: one kept connection, an event stream, and regions asked anew.

What a page asks for at which event stands in the templates (`hx-trigger`); this is the serving window's table.
"""

import asyncio
import re
import time
from typing import Final
from urllib.parse import urlencode, urlsplit

from edge.security.sessions import cookie_name

REGIONS: Final = {
    "card": ("identity",),
    "print": ("printing",),
    "entry": ("ledger", "strip"),
    "status": ("strip", "ledger"),
    "refetch": ("identity", "printing", "ledger", "strip"),
}
REPLY_S: Final = 30.0
OK: Final = 200
_TOKEN: Final = re.compile(rb'name="csrf" value="([^"]+)"')


class Line:
    """One kept HTTP connection; a request at a time."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._turn = asyncio.Lock()
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, cookie: str, body: bytes = b"") -> tuple[int, bytes, str]:
        """Status, body, and the cookie that was set."""
        async with self._turn, asyncio.timeout(REPLY_S):
            for fresh in (False, True):
                if self._ends is None or fresh:
                    self._ends = await asyncio.open_connection(self._host, self._port)
                try:
                    return await self._once(method, path, cookie, body)
                except (ConnectionError, asyncio.IncompleteReadError):
                    if fresh:
                        raise  # a kept connection may have been closed meanwhile, a new one may not
            raise AssertionError("unreachable")

    async def _once(self, method: str, path: str, cookie: str, body: bytes) -> tuple[int, bytes, str]:
        assert self._ends is not None
        reader, writer = self._ends
        writer.write(request(method, path, cookie, self._host, self._port, body))
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        content = await reader.readexactly(int(fields.get("content-length", "0")))
        mark = re.search(rf"(?im)^set-cookie: ({cookie_name(secure=False)}=[^;]+)", head)
        return int(head.split(" ", 2)[1]), content, mark[1] if mark else ""

    async def close(self) -> None:
        """Hang up."""
        if self._ends is not None:
            self._ends[1].close()


def request(method: str, path: str, cookie: str, host: str, port: int, body: bytes = b"") -> bytes:
    """One request as bytes."""
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\nHX-Request: true\r\n"
    kind = "Content-Type: application/x-www-form-urlencoded\r\n" if body else ""
    return f"{head}{kind}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Browser:
    """A clerk's page at one window. `hears` once the event stream has brought anything."""

    def __init__(self, url: str, window: str) -> None:
        place = urlsplit(url)
        self._host, self._port = place.hostname or "", place.port or 0
        self.window = window
        self._line, self._side = Line(self._host, self._port), Line(self._host, self._port)
        self._cookie = ""
        self._csrf = ""
        self.hears = asyncio.Event()
        self._wanted: tuple[str, bytes, asyncio.Future[float]] | None = None

    async def sign_in(self, staff: str, password: str) -> None:
        """Open a session at the window."""
        words = {"staff": staff, "password": password, "window": self.window}
        body = urlencode(words).encode()
        status, content, self._cookie = await self._line.ask("POST", "/signin", "", body)
        assert self._cookie, (status, content[:300])
        await self.page("/")

    async def page(self, path: str) -> float:
        """Open a page; milliseconds until its last byte."""
        begun = time.perf_counter()
        status, content, _ = await self._line.ask("GET", path, self._cookie)
        took_ms = (time.perf_counter() - begun) * 1000
        assert status == OK, (path, status, content[:300])
        token = _TOKEN.search(content)
        self._csrf = token[1].decode() if token else self._csrf
        return took_ms

    async def post(self, path: str) -> None:
        """Send an empty form."""
        body = urlencode({"csrf": self._csrf}).encode()
        status, content, _ = await self._line.ask("POST", path, self._cookie, body)
        assert status in {OK, 303}, (path, status, content[:300])

    def wait_for(self, region: str, words: str) -> asyncio.Future[float]:
        """When (perf_counter) the page next has that region anew, saying these words."""
        found: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._wanted = region, words.encode(), found
        return found

    async def live(self, *, regions: bool) -> None:
        """Follow the event stream until cancelled; with `regions`, ask anew for what each event concerns."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(request("GET", "/api/events", self._cookie, self._host, self._port))
            while line := await reader.readline():
                if line.startswith(b"event: "):
                    self.hears.set()
                    topic = line.decode().strip().removeprefix("event: ")
                    for region in REGIONS.get(topic, ()) if regions else ():
                        await self._refresh(region)
        finally:
            writer.close()

    async def _refresh(self, region: str) -> None:
        status, content, _ = await self._side.ask("GET", f"/parts/{region}", self._cookie)
        assert status == OK, (region, status)
        wanted = self._wanted
        if wanted and wanted[0] == region and wanted[1] in content and not wanted[2].done():
            wanted[2].set_result(time.perf_counter())

    async def close(self) -> None:
        """Hang up."""
        await self._line.close()
        await self._side.close()
