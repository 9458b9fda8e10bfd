"""Stopping one coroutine at a chosen wait, as a process stops when its power goes.

A `Walk` runs a coroutine unchanged as a task would and counts its waits. When its power is off it is never resumed
again: the code stands where it stood, no `finally` runs, until the world has kept the disk as it was. Only then is the
leftover unwound, on parts nobody looks at any more.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from random import Random
from typing import Any

BLOCKED_S = 1.0
"""A walk that is not ready after this waits for another walk, not for the disk or the line."""


class Power:
    """The switch of one machine. `waits_left` counts the waits of its walks until it goes off by itself (-1: never).

    `early` stops for a moment before the last wait, so that the disk can be kept as it was before the last stretch of
    code ran. `stopped` and `early_reached` are told to whoever cuts.
    """

    def __init__(self, waits_left: int = -1, *, early: bool = False) -> None:
        loop = asyncio.get_running_loop()
        self.off = False
        self.waits = 0
        self.stopped: asyncio.Future[None] = loop.create_future()
        self.early_reached: asyncio.Future[None] = loop.create_future()
        self.go_on: asyncio.Future[None] = loop.create_future()
        self._left = waits_left
        self._early = early
        self._loop = loop

    def switch_off(self) -> None:
        """The walks of this power are never resumed again; from any thread."""
        self.off = True
        self._loop.call_soon_threadsafe(self._say_stopped)

    def _say_stopped(self) -> None:
        if not self.stopped.done():
            self.stopped.set_result(None)

    def count(self) -> asyncio.Future[None] | None:
        """One more wait was reached; the future to wait for first where the disk is to be kept now."""
        self.waits += 1
        if self._left < 0:
            return None
        self._left -= 1
        if self._left == 1 and self._early:
            self.early_reached.set_result(None)
            return self.go_on
        if self._left == 0:
            self.switch_off()
        return None


class Walk(Coroutine[Any, Any, Any]):
    """A coroutine under a power switch; hand it to `TaskGroup.create_task`."""

    turns: "Turns | None" = None
    """Who says when it may go on after a wait; None: at once."""

    def __init__(self, inner: Coroutine[Any, Any, Any], power: Power) -> None:
        self._inner = inner
        self._may_go_on = False
        self._error: tuple[Any, ...] = ()
        self._power = power
        self._unwinding = False
        self._again: list[Any] = []
        self._waited: Any = None

    async def quiet(self, timeout_s: float) -> None:
        """Wait until what the coroutine waited for has ended: threads and the centre are not stopped by a cut here."""
        if self._waited is not None and not self._waited.done():
            await asyncio.wait({self._waited}, timeout=timeout_s)

    @property
    def _halted(self) -> bool:
        return self._power.off and not self._unwinding

    def send(self, value: Any) -> Any:
        """Resume the coroutine, unless the power is off."""
        if self._again:
            return _again(self._again.pop())
        if self._halted:
            return self._stand_still()
        if self.turns is not None and not self._may_go_on and not self._unwinding:
            self._may_go_on = True
            return _wait_for(self.turns.wait(self))
        self._may_go_on = False
        error, self._error = self._error, ()
        self._waited = self._inner.throw(*error) if error else self._inner.send(value)
        return self._reached()

    def throw(self, *error: Any) -> Any:
        """An error for the coroutine: of what it waited for, or the end of the whole walk."""
        if self._halted:
            if not isinstance(error[0], asyncio.CancelledError):
                return self._stand_still()
            self._unwinding = True
            if self._waited is not None:
                self._waited.cancel()
        elif self.turns is not None:
            if not isinstance(error[0], asyncio.CancelledError):
                self._error = error
                return self.send(None)
            self.turns.forgo(self)
        self._waited = self._inner.throw(*error)
        return self._reached()

    def _reached(self) -> Any:
        """The coroutine waits for something: count it, and hand that to the task, or nothing that ever comes."""
        first = None if self._unwinding else self._power.count()
        if first is not None:
            self._again.append(self._waited)
            return _wait_for(first)
        return self._stand_still() if self._halted else self._waited

    def _stand_still(self) -> Any:
        return _wait_for(self._power.stopped.get_loop().create_future())

    def close(self) -> None:
        """End the coroutine."""
        self._inner.close()

    def __await__(self) -> Any:
        """A walk is run as a task, never awaited in place."""
        raise NotImplementedError


def _nothing() -> None:
    """Its turn on the thread tells that all before it is done."""


def _wait_for(future: asyncio.Future[None]) -> Any:
    return next(future.__await__())


def _again(waited: Any) -> Any:
    """Hand what the coroutine waits for to its task a second time, as `Future.__await__` would."""
    if waited is not None:
        waited._asyncio_future_blocking = True
    return waited


class Turns:
    """Which of several walks go on, and in which order, is drawn; not left to whose wait happens to end first.

    When all have come to the end of a wait, some go on, one after another, each to its next wait: what they hand to the
    writer and the disk comes together, and always in the same order. The others are those whose reply is still on its
    way. The last walk goes on alone: what it reads would else depend on how fast the others write. A walk that waits
    for another one is passed over after `BLOCKED_S`.
    """

    def __init__(self, walks: list[Walk], dice: Random) -> None:
        self._walks = list(walks)
        self._alone = walks[-1]
        self._dice = Random(dice.random())
        self._ready: dict[Walk, asyncio.Future[None]] = {}
        self._stirred = asyncio.Event()
        for walk in walks:
            walk.turns = self

    def wait(self, walk: Walk) -> asyncio.Future[None]:
        """The walk could go on: its turn."""
        self._ready[walk] = asyncio.get_running_loop().create_future()
        self._stirred.set()
        return self._ready[walk]

    def forgo(self, walk: Walk) -> None:
        """The walk goes on without a turn: it was cancelled."""
        self._ready.pop(walk, None)

    def ended(self, walk: Walk, _: asyncio.Task[Any]) -> None:
        """The walk takes no turn any more."""
        self._walks.remove(walk)
        self._stirred.set()

    async def draw(self) -> None:
        """Give turns until every walk has ended; to be cancelled when the power goes."""
        while self._walks:
            with suppress(TimeoutError):
                async with asyncio.timeout(BLOCKED_S):
                    while len(self._ready) < len(self._walks):
                        self._stirred.clear()
                        await self._stirred.wait()
            await asyncio.to_thread(_nothing)  # behind whatever they left to the one thread beside the loop
            ready = [walk for walk in self._walks if walk in self._ready]
            drawn = self._dice.sample(ready, self._dice.randint(1, len(ready))) if ready else []
            for walk in [self._alone] if self._alone in drawn else drawn:
                turn = self._ready.pop(walk)
                if not turn.cancelled():  # its walk was, and goes on by itself
                    turn.set_result(None)
