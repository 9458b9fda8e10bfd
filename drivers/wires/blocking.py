"""Calls that may hang in a library or a kernel driver: each on a thread of its own, awaited with a limit."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

from drivers.errors import Busy, DriverError, TimedOut

STUCK_MAX: Final = 4

T = TypeVar("T")


class Threads:
    """Runs blocking calls of one device. A call that hangs is left behind; at most `STUCK_MAX` may hang."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._running: set[threading.Thread] = set()

    async def call(self, work: Callable[[], T], limit_s: float) -> T:
        """The result of `work`, or what it raised; TimedOut after `limit_s`, Busy when too many hang."""
        self._running = {thread for thread in self._running if thread.is_alive()}
        if len(self._running) >= STUCK_MAX:
            raise Busy(f"{STUCK_MAX} calls hang", device=self._name)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        thread = threading.Thread(target=_run, args=(work, loop, future), daemon=True, name="drivers")
        self._running.add(thread)
        thread.start()
        try:
            async with asyncio.timeout(limit_s):
                return await future
        except TimeoutError:
            raise TimedOut(f"no answer in {limit_s:g} s", device=self._name) from None


def _run(work: Callable[[], Any], loop: asyncio.AbstractEventLoop, future: "asyncio.Future[Any]") -> None:
    try:
        result = work()
    except (DriverError, OSError) as wrong:  # anything else is a bug: the thread dies loudly, the wait ends
        _tell(loop, future, None, wrong)
        return
    _tell(loop, future, result, None)


def _tell(
    loop: asyncio.AbstractEventLoop, future: "asyncio.Future[Any]", result: object, wrong: Exception | None
) -> None:
    """Hand over in the loop, unless nobody waits any more."""

    def settle() -> None:
        if future.done():
            return
        if wrong is not None:
            future.set_exception(wrong)
        else:
            future.set_result(result)

    try:
        loop.call_soon_threadsafe(settle)
    except RuntimeError:
        return  # the loop has ended: nobody is left to be told
