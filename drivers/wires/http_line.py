"""One HTTP request to a device over a TCP line, answered once. No redirects, no cookies, nothing clever."""

import asyncio
import re
from typing import Final

import msgspec

from drivers.errors import Garbled, TimedOut
from drivers.wires.tcp_line import TcpLine, open_tcp

HEAD_BYTES_MAX: Final = 16 * 1024
BODY_BYTES_MAX: Final = 1024 * 1024
READ_BYTES: Final = 16 * 1024
_END: Final = b"\r\n\r\n"
_STATUS: Final = re.compile(r"HTTP/1\.[01] (\d{3})(?: |$)")
_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,6})(?:;| *$)")


class Answer(msgspec.Struct, frozen=True):
    """Status code and body."""

    status: int
    body: bytes


class Exchange:
    """One request and its answer. `sent` tells whether any byte may have reached the device."""

    def __init__(self, host: str, port: int, name: str) -> None:
        self._host = host
        self._port = port
        self._name = name
        self.sent = False

    async def post(self, path: str, kind: str, body: bytes, timeout_s: float) -> Answer:
        """POST `body`. Raises Absent, TimedOut, Unplugged, Garbled (an answer that is no HTTP)."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + timeout_s
        line = await open_tcp(self._host, self._port, self._name, min(timeout_s, 3.0))
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        try:
            self.sent = True
            await line.write(head.encode("ascii") + body, timeout_s)
            return await self._answer(line, deadline_s)
        finally:
            await line.close()

    async def _answer(self, line: TcpLine, deadline_s: float) -> Answer:
        held = bytearray()
        while (at := held.find(_END)) < 0:
            held += await self._more(line, deadline_s, len(held), HEAD_BYTES_MAX)
        status, fields = _head(bytes(held[:at]), self._name)
        del held[: at + len(_END)]
        if fields.get("transfer-encoding", "") == "chunked":
            return Answer(status, await self._chunked(line, held, deadline_s))
        length = fields.get("content-length", "")
        if not length.isdigit() or int(length) > BODY_BYTES_MAX:
            raise Garbled(f"content length {length!r}", device=self._name)
        while len(held) < int(length):
            held += await self._more(line, deadline_s, len(held), BODY_BYTES_MAX)
        return Answer(status, bytes(held[: int(length)]))

    async def _chunked(self, line: TcpLine, held: bytearray, deadline_s: float) -> bytes:
        body = bytearray()
        while True:
            while (at := held.find(b"\r\n")) < 0:
                held += await self._more(line, deadline_s, len(held), HEAD_BYTES_MAX)
            size = _chunk_size(bytes(held[:at]), self._name)
            while len(held) < at + 2 + size + 2:
                held += await self._more(line, deadline_s, len(body) + len(held), BODY_BYTES_MAX)
            if size == 0:
                return bytes(body)
            body += held[at + 2 : at + 2 + size]
            del held[: at + 2 + size + 2]

    async def _more(self, line: TcpLine, deadline_s: float, held: int, most: int) -> bytes:
        if held > most:
            raise Garbled(f"more than {most} bytes", device=self._name)
        left_s = deadline_s - asyncio.get_running_loop().time()
        if left_s <= 0:
            raise TimedOut("no whole answer", device=self._name)
        return await line.read(READ_BYTES, left_s)


def _head(raw: bytes, name: str) -> tuple[int, dict[str, str]]:
    first, *rest = raw.decode("latin-1").split("\r\n")
    status = _STATUS.match(first)
    if status is None:
        raise Garbled("no HTTP answer", device=name)
    fields = [line.partition(":") for line in rest]
    return int(status[1]), {key.strip().lower(): value.strip().lower() for key, _, value in fields}


def _chunk_size(raw: bytes, name: str) -> int:
    size = _SIZE.match(raw)
    if size is None:
        raise Garbled("chunk size", device=name)
    return int(size[1], 16)
