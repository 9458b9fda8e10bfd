"""Work of which one run serves everybody who asked for it before it began."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedWork(Generic[T]):
    """Runs one at a time. Whoever asks while one is under way waits for the next, with all others who do."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._begun = 0
        self._result: T | None = None

    async def result(self, work: Callable[[], Awaitable[T]]) -> T:
        """What a run gave that began after this was called, so that it saw all that was durable by then.

        A run that fails raises here for the one who began it; the next in line begins another.
        """
        begun = self._begun
        async with self._turn:
            if self._begun == begun or self._result is None:
                self._begun += 1
                self._result = None
                self._result = await work()
            return self._result
