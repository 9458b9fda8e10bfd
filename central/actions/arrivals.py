"""Batches on their way in, and how long a body may take.

Life of a cut body: it ends early, falls silent, or its node asks where we stand over another connection →
its whole frames are stored (`ingest.cut`) → its bytes are kept (`store.parts`) → the node asks, sends the
rest alone, and the whole is taken in like any batch.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

SILENCE_S, BODY_S, SETTLE_S = 60.0, 600.0, 20.0
"""A body may be silent so long, take so long in all; who asks where we stand waits so long for its end."""


class Arrival:
    """One body on its way in, from its first byte until what came of it is stored."""

    def __init__(self) -> None:
        self._limit: asyncio.Timeout | None = None
        self._dead = False
        self._over = asyncio.Event()

    async def read(self, pieces: AsyncIterator[bytes]) -> tuple[bytes, bool]:
        """The body as it came, and whether that is all of it; at a cut `pieces` raises ConnectionError."""
        body = bytearray()
        now_s = asyncio.get_running_loop().time
        ends_s = now_s() + BODY_S
        try:
            async with asyncio.timeout(SILENCE_S) as self._limit:
                async for piece in pieces:
                    body += piece
                    if not self._dead:
                        self._limit.reschedule(min(ends_s, now_s() + SILENCE_S))
        except (ConnectionError, TimeoutError):
            return bytes(body), False
        return bytes(body), True

    def end(self) -> None:
        """Its node has another connection: nothing more will come over this one."""
        self._dead = True
        if self._limit is not None:
            with contextlib.suppress(RuntimeError):  # read to its end meanwhile
                self._limit.reschedule(0)

    def stored(self) -> None:
        """All that came of it is durable, or refused."""
        self._over.set()

    async def is_stored(self) -> None:
        """Wait for `stored`."""
        await self._over.wait()


class Arrivals:
    """All bodies on their way in, by the origin that says it sends them."""

    def __init__(self) -> None:
        self._under_way: dict[str, set[Arrival]] = {}

    @contextlib.contextmanager
    def under_way(self, origin: str) -> Iterator[Arrival]:
        """A body of `origin` arrives while the block runs, and what comes of it is stored in it."""
        arrival = Arrival()
        self._under_way.setdefault(origin, set()).add(arrival)
        try:
            yield arrival
        finally:
            arrival.stored()
            self._under_way[origin].discard(arrival)
            if not self._under_way[origin]:
                del self._under_way[origin]

    async def settle(self, origin: str) -> None:
        """End what of this node hangs on a dead line; returns once that is stored, or after 20 s."""
        hanging = list(self._under_way.get(origin, ()))
        for arrival in hanging:
            arrival.end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                for arrival in hanging:
                    await arrival.is_stored()
