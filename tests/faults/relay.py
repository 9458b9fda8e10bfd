"""A bad line between real processes: a TCP relay on loopback that is slow, far, cut, half-open, or stops at a chosen byte.

What it does is its `fate`, drawn anew for each connection. It carries bytes only; it looks into a request as far as it
must to know where a batch's frames begin.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable

import msgspec

from sync.batch.header import MAGIC, claimed_header, header_length

PIECE_BYTES = 1400
LENGTH_BYTES = 4
TRAILER_BYTES = 32
FAR = 1 << 60
POST = b"POST /api/exchange"


class Fate(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one connection. Rate 0 is as fast as can be; the delay is one way.

    `up_bytes`: so many bytes of a batch (or `border` and bytes from it, -1 its last) pass, then the connection
    is cut; `down_bytes`: the same of the first reply, below zero from its end. Half-open: bytes are taken and
    never arrive, nobody is told. `of_batch`: what comes down fares well until a batch is on its way up.
    """

    bytes_per_s: int = 0
    delay_s: float = 0.0
    up_bytes: int = FAR
    border: int | None = None
    down_bytes: int = FAR
    of_batch: bool = False
    swallows_up: bool = False
    swallows_down: bool = False


WHOLE = Fate()


def borders(body: bytes) -> list[int]:
    """Where the parts of a batch begin, as far as `body` tells: mark, length, header's end, each frame, trailer, end."""
    if len(body) < 2 * LENGTH_BYTES:
        return []
    at = 2 * LENGTH_BYTES + header_length(body[: 2 * LENGTH_BYTES])
    found = [at]
    while len(body) >= at + LENGTH_BYTES:
        length = int.from_bytes(body[at : at + LENGTH_BYTES], "big")
        if len(body) - at == TRAILER_BYTES:
            break
        at += LENGTH_BYTES + length
        found.append(at)
    return found


class Request:
    """One request as it passes: how many of its bytes may."""

    def __init__(self, fate: Fate) -> None:
        self._fate = fate
        self._seen = b""
        self.body = b""

    @property
    def brings_batch(self) -> bool:
        """Whether it is known to hand in a batch or the rest of one."""
        return self._seen.startswith(POST)

    def passes(self, piece: bytes) -> tuple[bytes, bool]:
        """What of the next piece may pass, and whether the line is cut behind it."""
        before = len(self._seen)
        self._seen += piece
        head, found, self.body = self._seen.partition(b"\r\n\r\n")
        if not found or not self.brings_batch:
            return piece, False
        start = len(head) + len(found)
        end = start + self._allowed()
        return piece[: max(0, end - before)], len(self._seen) >= end

    def _allowed(self) -> int:
        border = self._fate.border
        if border is None:
            return self._fate.up_bytes
        known = borders(self.body) if self.body.startswith(MAGIC) else []  # the rest of a batch has none
        if border < 0 and known and len(self.body) >= known[0]:
            border += claimed_header(self.body).frames + 1
        return known[border] + self._fate.up_bytes if 0 <= border < len(known) else FAR


class Relay:
    """127.0.0.1:`port` → 127.0.0.1:`far_port`, on a thread of its own. `fate()` is asked for each new connection."""

    def __init__(self, far_port: int, fate: Callable[[], Fate] = lambda: WHOLE) -> None:
        self.fate = fate
        self.port = 0
        self.bytes_up = self.bytes_down = 0
        self.cuts = 0
        self._far_port = far_port
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._thread.start()
        assert self._ready.wait(10), "the relay did not come up"

    @property
    def url(self) -> str:
        """What the node takes for the centre's address."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """End the relay and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
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
        task, fate = asyncio.current_task(), self.fate()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._far_port)
            try:
                async with asyncio.TaskGroup() as both:
                    batch = asyncio.Event()
                    both.create_task(self._up(fate, batch, reader, far_writer, writer))
                    both.create_task(self._down(fate, batch, far_reader, writer, far_writer))
            except* (OSError, Cut):
                self.cuts += 1
            finally:
                far_writer.transport.abort()
        writer.transport.abort()
        self._tasks.discard(task)

    async def _up(
        self,
        fate: Fate,
        batch: asyncio.Event,
        reader: asyncio.StreamReader,
        far: asyncio.StreamWriter,
        near: asyncio.StreamWriter,
    ) -> None:
        request = Request(fate)
        while piece := await _paced(reader, fate):
            passing, cut = request.passes(piece)
            if request.brings_batch:
                batch.set()
            self.bytes_up += len(passing)
            if not fate.swallows_up:
                self._loop.call_later(fate.delay_s, far.write, passing)
            if cut:
                await far.drain()
                raise Cut
            if not fate.swallows_up and passing.endswith(b"\r\n\r\n"):
                request = Request(fate) if not passing.startswith(POST) else request
        self._loop.call_later(fate.delay_s, near.transport.abort)

    async def _down(
        self,
        fate: Fate,
        batch: asyncio.Event,
        reader: asyncio.StreamReader,
        near: asyncio.StreamWriter,
        far: asyncio.StreamWriter,
    ) -> None:
        left: int | None = None
        while piece := await _paced(reader, fate):
            counts = batch.is_set() or not fate.of_batch
            if counts and left is None:
                left = fate.down_bytes if fate.down_bytes >= 0 else _reply_bytes(piece) + fate.down_bytes
            passing = piece if left is None else piece[:left]
            self.bytes_down += len(passing)
            if not (fate.swallows_down and counts):
                self._loop.call_later(fate.delay_s, near.write, passing)
            if left is not None:
                left -= len(piece)
                if left <= 0:
                    await pause(fate.delay_s + 0.02)
                    raise Cut
        self._loop.call_later(fate.delay_s, far.transport.abort)


def _reply_bytes(start: bytes) -> int:
    """Length of the reply that starts so; its head is in the first piece of a line as fast as can be."""
    head, found, _ = start.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return len(head) + len(found) + int(lengths[0].partition(b":")[2])


class Cut(Exception):
    """The line is cut here."""


async def _paced(reader: asyncio.StreamReader, fate: Fate) -> bytes:
    """The next piece, no sooner than the line's rate lets it through."""
    if not fate.bytes_per_s:
        return await reader.read(PIECE_BYTES)
    piece = await reader.read(max(1, min(PIECE_BYTES, fate.bytes_per_s // 10)))
    await pause(len(piece) / fate.bytes_per_s)
    return piece


async def pause(wait_s: float) -> None:
    """Time passes on the line."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            await asyncio.Event().wait()
