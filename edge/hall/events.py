"""Live events from the hall to the pages: a topic and a payload that never holds personal data."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

import msgspec

Topic = Literal["card", "entry", "status", "print", "task", "refetch", "end"]
SUBSCRIBERS_MAX = 256
WAITING_MAX = 64


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `refetch` tells a page that was too slow to fetch every region again.

    `end` closes the stream.
    """

    topic: Topic
    payload: dict[str, Any] = {}


class Events:
    """Fan-out on the event loop. A subscriber that lags loses its backlog but is told so; nobody blocks."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Event]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = False

    def publish(self, topic: Topic, payload: dict[str, Any] | None = None) -> None:
        """Tell every subscriber. Call on the event loop; for other threads see `publish_from_thread`."""
        event = Event(topic=topic, payload=payload or {})
        for queue in self._queues:
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:
                _empty(queue)
                queue.put_nowait(Event(topic="refetch"))

    def publish_from_thread(self, topic: Topic, payload: dict[str, Any] | None = None) -> None:
        """The same from any thread, once a loop is bound; before that nobody listens."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self.publish, topic, payload)

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """The loop events are delivered on."""
        self._loop = loop

    @contextlib.contextmanager
    def subscription(self) -> Iterator[asyncio.Queue[Event]]:
        """A bounded queue of events, removed on leaving; beyond SUBSCRIBERS_MAX the stream ends at once."""
        queue: asyncio.Queue[Event] = asyncio.Queue(WAITING_MAX)
        if self._ended or len(self._queues) >= SUBSCRIBERS_MAX:
            queue.put_nowait(Event(topic="end"))
            yield queue
            return
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    async def subscribe(self, beat_s: float = 2.0) -> AsyncIterator[Event | None]:
        """Events as they come, None every `beat_s` without one, until `end`."""
        with self.subscription() as queue:
            while True:
                try:
                    async with asyncio.timeout(beat_s):
                        event = await queue.get()
                except TimeoutError:
                    yield None
                    continue
                if event.topic == "end":
                    return
                yield event

    def end(self) -> None:
        """Close every stream now; an open stream would hold up the shutdown of the server."""
        self._ended = True
        for queue in self._queues:
            _empty(queue)
            queue.put_nowait(Event(topic="end"))


def _empty(queue: asyncio.Queue[Event]) -> None:
    while not queue.empty():
        queue.get_nowait()
