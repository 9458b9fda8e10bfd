"""A TCP line, as network printers offer on port 9100."""

import asyncio
import socket

from drivers.errors import Absent, TimedOut, Unplugged
from drivers.wires.wire import WRITE_S

CONNECT_S = 3.0
BUFFER_BYTES = 64 * 1024
SEND_BYTES = 16 * 1024  # little waits in the kernel: what was written is mostly with the device


class TcpLine:
    """One open connection. Build it with `open_tcp`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str) -> None:
        self.name = name
        self._reader = reader
        self._writer = writer
        self._closed = False

    async def write(self, data: bytes, timeout_s: float = WRITE_S) -> None:
        self._check()
        try:
            async with asyncio.timeout(timeout_s):
                self._writer.write(data)
                await self._writer.drain()
        except TimeoutError:
            raise TimedOut("the device takes no more bytes", device=self.name) from None
        except OSError as trouble:
            raise await self._lost(str(trouble.errno)) from trouble

    async def read(self, limit: int, timeout_s: float) -> bytes:
        self._check()
        try:
            async with asyncio.timeout(timeout_s):
                chunk = await self._reader.read(limit)
        except TimeoutError:
            raise TimedOut("the line stayed silent", device=self.name) from None
        except OSError as trouble:
            raise await self._lost(str(trouble.errno)) from trouble
        if not chunk:
            raise await self._lost("end of stream")
        return chunk

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._writer.transport.abort()  # unsent bytes of a broken job must not trickle out later

    def _check(self) -> None:
        if self._closed:
            raise Unplugged("the line is closed", device=self.name)

    async def _lost(self, why: str) -> Unplugged:
        await self.close()
        return Unplugged(why, device=self.name)


async def open_tcp(host: str, port: int, name: str, timeout_s: float = CONNECT_S) -> TcpLine:
    """Connect within `timeout_s`. Raises Absent (nobody there) or TimedOut (no reply at all)."""
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port, limit=BUFFER_BYTES)
    except TimeoutError:
        raise TimedOut("no reply to the connection", device=name) from None
    except OSError as trouble:
        raise Absent(f"errno {trouble.errno}", device=name) from trouble
    link = writer.get_extra_info("socket")
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
    writer.transport.set_write_buffer_limits(0)  # drained then means: the kernel has all of it
    return TcpLine(reader, writer, name)
