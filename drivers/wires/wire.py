"""What every line promises, and the two habits all drivers need: one call at a time, and a quiet line."""

import asyncio
from typing import Protocol, Self

from drivers.errors import Busy, Garbled, TimedOut

WRITE_S = 10.0
READ_BYTES = 4096
TURN_S = 1.0
QUIET_S = 0.03
SETTLE_S = 1.0


class Wire(Protocol):
    """A line of bytes, both ways. After Unplugged the wire is closed for good."""

    name: str

    async def write(self, data: bytes, timeout_s: float = WRITE_S) -> None:
        """Hand all of `data` to the kernel. Raises TimedOut (an unknown part was taken) or Unplugged."""

    async def read(self, limit: int, timeout_s: float) -> bytes:
        """Between 1 and `limit` bytes, as soon as there are any. Raises TimedOut or Unplugged."""

    async def close(self) -> None:
        """Let go of the line. A read that waits ends with Unplugged. Closing twice is no error."""


async def settle(wire: Wire, quiet_s: float = QUIET_S, limit_s: float = SETTLE_S) -> bytes:
    """Clear the line until nothing came for `quiet_s`; what was thrown away (its first 4,096 bytes).

    Raises Garbled when the line is not quiet within `limit_s`, Unplugged when it breaks.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + limit_s
    dropped = bytearray()
    while loop.time() < end:
        try:
            chunk = await wire.read(READ_BYTES, quiet_s)
        except TimedOut:
            return bytes(dropped)
        dropped += chunk[: READ_BYTES - len(dropped)]
    raise Garbled(f"the line was not quiet for {limit_s:g} s", device=wire.name)


class Turn:
    """One call at a time on one device: a second waits at most `wait_s`, then Busy."""

    def __init__(self, name: str, wait_s: float = TURN_S) -> None:
        self._name = name
        self._wait_s = wait_s
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(self._wait_s):
                await self._lock.acquire()
        except TimeoutError:
            raise Busy("another call is under way", device=self._name) from None
        return self

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()
