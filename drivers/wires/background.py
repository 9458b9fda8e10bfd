"""What a twin does in the background between its start and its stop."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any


class Background:
    """Owns the tasks of one twin: `stop` ends and awaits them, and raises what went wrong in one."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def running(self) -> bool:
        """Whether the tasks are wanted: true from `start` to `stop`."""
        return bool(self._tasks)

    async def start(self, *work: Coroutine[Any, Any, None]) -> None:
        """Begin; each piece of work loops while `running`."""
        group = await self._stack.enter_async_context(asyncio.TaskGroup())
        self._tasks = [group.create_task(piece) for piece in work]

    async def stop(self) -> None:
        """End all work. Stopping twice is no error."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await self._stack.aclose()
