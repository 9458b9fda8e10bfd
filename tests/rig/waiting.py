"""Waiting for a fact without stopping the event loop, always with a deadline."""

import asyncio
import threading
from collections.abc import Callable

_PAUSE = threading.Event()  # never set: its wait is the poll interval


async def soon(fact: Callable[[], object], within_s: float = 5.0) -> None:
    """Return when `fact()` is true; TimeoutError after `within_s` seconds."""
    async with asyncio.timeout(within_s):
        while not fact():
            await asyncio.to_thread(_PAUSE.wait, 0.002)
