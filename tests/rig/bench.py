"""What the rig needs beside the twins: a bench to push them on, waiting for a fact, a twin that is a process."""

import asyncio
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import msgspec

_PAUSE = threading.Event()  # never set: its wait is the poll interval


async def soon(fact: Callable[[], object], within_s: float = 5.0) -> None:
    """Return when `fact()` is true; TimeoutError after `within_s` seconds. The event loop goes on meanwhile."""
    async with asyncio.timeout(within_s):
        while not fact():
            await asyncio.to_thread(_PAUSE.wait, 0.002)


class TwinProcess:
    """A twin started as `python -m module arguments`, and played over its control door."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._program = [sys.executable, "-m", module, *arguments]
        self.ready: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(*self._program, stdout=asyncio.subprocess.PIPE)
        assert self._process.stdout is not None
        self.ready = msgspec.json.decode(await self._process.stdout.readline())
        self._answers, self._orders = await asyncio.open_connection("127.0.0.1", self.ready["control"])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._orders.close()
        self._process.terminate()
        assert await self._process.wait() == 0

    async def say(self, line: bytes) -> dict[str, Any]:
        """Send a raw line to the door; its answer."""
        self._orders.write(line + b"\n")
        answer = msgspec.json.decode(await self._answers.readline())
        assert isinstance(answer, dict)
        return answer

    async def play(self, **order: object) -> dict[str, Any]:
        """Give one order."""
        return await self.say(msgspec.json.encode(order))


class Bench:
    """A twin with its device, and the same pushes for every kind of port.

    `looks`: opening asks the device something. `silent_at_open`: a silent device then does not open. `shared`:
    several programs may use it at once.
    """

    kind: Any
    twin: Any
    device: Any
    address: str
    looks = True
    silent_at_open = True
    shared = False

    def __init__(self, scheme: str, folder: Path) -> None:
        """Build the twin for a kind of line, with a folder for its files."""
        raise NotImplementedError

    async def begin(self) -> None:
        """Switch the twin on."""
        await self.twin.start()

    def stir(self) -> None:
        """Make a device speak that speaks by itself."""

    async def take(self) -> object:
        """One piece of work, whole; for a device that speaks by itself, what it said."""
        raise NotImplementedError

    async def use(self) -> object:
        """One piece of work, whole."""
        self.stir()
        return await self.take()

    def good(self, result: Any) -> bool:
        """Whether the work came out right, at the twin too."""
        raise NotImplementedError

    def hush(self) -> None:
        """Make the device silent."""
        self.twin.fault("silent")

    def garble(self) -> None:
        """Make its next answer nonsense."""
        raise NotImplementedError

    def flood(self) -> None:
        """Make its next words 10 MB of noise."""
        self.twin.fault("flood")

    def pull(self) -> None:
        """Pull the plug, or arm it to be pulled in mid-use."""
        raise NotImplementedError

    def mend(self) -> None:
        """No fault any more."""
        self.twin.clear()

    async def replug(self) -> None:
        """Put the plug back."""
        self.twin.plug()

    async def leave(self) -> None:
        """Take the device away altogether."""
        await self.twin.stop()
