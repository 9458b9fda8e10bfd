"""Listening: to a device that was just asked, or to one that speaks by itself. Whole or not at all."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from contextlib import AsyncExitStack, suppress
from typing import Generic, Protocol, TypeVar

import msgspec

from drivers.errors import Garbled, NothingCame, TimedOut, Unplugged
from drivers.wires.address import Address
from drivers.wires.serial_line import SerialLine, open_serial
from drivers.wires.wire import READ_BYTES, Turn, Wire, settle

GAP_S = 0.3  # what has begun comes without a pause
NOISE_BYTES_MAX = 16 * 1024

Event = TypeVar("Event")


class Damage(msgspec.Struct, frozen=True):
    """Something that began like an event and was none; the parser has already gone on behind it."""

    reason: str


class Parser(Protocol[Event]):
    """Finds events in a stream, in pieces of any size, in bounded memory."""

    @property
    def pending(self) -> int:
        """Bytes held because they may become an event."""

    def feed(self, chunk: bytes) -> "list[Event | Damage]":
        """What the bytes so far amount to, in order."""

    def reset(self) -> None:
        """Forget everything held."""


class Finder(ABC, Generic[Event]):
    """The parser most devices need: bytes are held until `_next` says what the first of them amount to."""

    def __init__(self) -> None:
        self._held = bytearray()

    @property
    def pending(self) -> int:
        """Bytes held because they may become an event."""
        return len(self._held)

    def reset(self) -> None:
        """Forget everything held."""
        self._held.clear()

    def feed(self, chunk: bytes) -> "list[Event | Damage]":
        """What the bytes so far amount to, in order."""
        self._held += chunk
        found: list[Event | Damage] = []
        while (event := self._next()) is not None:
            found.append(event)
        return found

    @abstractmethod
    def _next(self) -> "Event | Damage | None":
        """What the first bytes held amount to, taken off; None while more are wanted."""


async def answered(
    line: Wire, parser: Parser[Event], timeout_s: float, noise_max: int = NOISE_BYTES_MAX
) -> Event:
    """The first event of a device that was just asked; what it says after that stays on the line.

    Raises TimedOut when it said nothing, Garbled for damage, half an event, and more than `noise_max` bytes
    without one, Unplugged.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout_s
    parser.reset()
    heard = 0
    while heard <= noise_max:
        left_s = max(0.0, end - loop.time())
        try:
            chunk = await line.read(READ_BYTES, min(left_s, GAP_S) if heard else left_s)
        except TimedOut:
            if not heard:
                raise
            raise Garbled(f"{heard} bytes, no whole answer", device=line.name) from None
        heard += len(chunk)
        for event in parser.feed(chunk):
            if isinstance(event, Damage):
                raise Garbled(event.reason, device=line.name)
            return event
    raise Garbled(f"{heard} bytes of noise", device=line.name)


class Listener(Generic[Event]):
    """One serial line and its parser. Events that came together wait; nothing is read while one waits."""

    def __init__(self, address: Address, baud: int, parser: Parser[Event]) -> None:
        self.name = address.text
        self._path = address.place
        self._baud = address.number("baud", baud)
        self._parser = parser
        self._waiting: deque[Event | Damage] = deque()
        self._line: SerialLine | None = None
        self._turn = Turn(self.name)

    async def open(self) -> None:
        """Take the line and let what is being said on it end unheard: the second half of a code is no code.

        That something hangs on the line shows only when it speaks.
        """
        async with self._turn:
            if self._line is None:
                self._parser.reset()
                self._waiting.clear()
                line = await open_serial(self._path, self._baud, self.name)
                async with AsyncExitStack() as undo:
                    undo.push_async_callback(line.close)
                    with suppress(Garbled):  # a receiver of positions may never pause; its sums tell
                        await settle(line)
                    undo.pop_all()
                self._line = line

    async def close(self) -> None:
        """Let go of the line. Closing twice is no error."""
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    async def send(self, data: bytes, timeout_s: float) -> None:
        """Write to the device. Raises TimedOut or Unplugged."""
        try:
            await self._open_line().write(data, timeout_s)
        except Unplugged:
            await self.close()
            raise

    async def next(self, timeout_s: float) -> Event:
        """The next event. Raises NothingCame, Garbled (none of it is used), Unplugged, Busy."""
        async with self._turn:
            end = asyncio.get_running_loop().time() + timeout_s
            while not self._waiting:
                await self._listen(end)
            event = self._waiting.popleft()
        if isinstance(event, Damage):
            raise Garbled(event.reason, device=self.name)
        return event

    async def _listen(self, end: float) -> None:
        left_s = max(0.0, end - asyncio.get_running_loop().time())
        try:
            chunk = await self._open_line().read(READ_BYTES, GAP_S if self._parser.pending else left_s)
        except Unplugged:
            await self.close()
            raise
        except TimedOut:
            if not self._parser.pending:
                raise NothingCame("", device=self.name) from None
            held = self._parser.pending
            self._parser.reset()
            raise Garbled(f"{held} bytes, then nothing", device=self.name) from None
        self._waiting.extend(self._parser.feed(chunk))

    def _open_line(self) -> SerialLine:
        if self._line is None:
            raise Unplugged("not open", device=self.name)
        return self._line
