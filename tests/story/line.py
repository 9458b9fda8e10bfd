"""The bad line between a hall and the centre: a TCP relay that can hang, which is what real lines do."""

import asyncio
import contextlib
import threading
from typing import Literal

CHUNK_BYTES = 65_536
Mode = Literal["open", "stalled"]


class Line:
    """A relay 127.0.0.1:`port` → 127.0.0.1:`far_port`, run on a thread of its own.

    `stall()` freezes every connection, old and new: they hang, they are not refused.
    `restore()` lets the old ones go (as a router does after an outage) and carries new ones.
    """

    def __init__(self, far_port: int) -> None:
        self.far_port = far_port
        self.port = 0
        self.carried_bytes = 0
        self._open = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="line", daemon=True)
        self._thread.start()
        if not self._ready.wait(5):
            raise RuntimeError("the line did not come up within 5 s")

    def stall(self) -> None:
        """From now on no byte passes; connections are still accepted."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def restore(self) -> None:
        """Drop what hung, carry what comes."""
        self._loop.call_soon_threadsafe(self._restore)

    def close(self) -> None:
        """End the relay and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _restore(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        self._open.set()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._open.set()
        server = self._loop.run_until_complete(asyncio.start_server(self._carry, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        for task in list(self._tasks):
            task.cancel()
        server.close()
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._open.wait()
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.far_port)
            try:
                await self._both(reader, writer, far_reader, far_writer)
            finally:
                far_writer.close()
        except (OSError, asyncio.CancelledError):
            pass  # a cut line says nothing to anybody
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _both(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> None:
        up = asyncio.ensure_future(self._pump(reader, far_writer))
        down = asyncio.ensure_future(self._pump(far_reader, writer))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for half in (up, down):
                half.cancel()
                with contextlib.suppress(asyncio.CancelledError, OSError):
                    await half

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            await self._open.wait()
            self.carried_bytes += len(chunk)
            writer.write(chunk)
            await writer.drain()
