"""Live events from the hall to the pages: a topic and a payload that never holds personal data.

A payload's `window` addresses an event: it goes to the streams of that window only, "" or none to all. So a
card laid at one window makes no other page of the hall ask again. `entry` comes with each line of the ledger:
a stream hears of it within ENTRY_WITHIN_S, at a time of its own, so that fifty pages do not ask at once.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

import msgspec

Topic = Literal["card", "entry", "status", "print", "task", "refetch", "end"]
SUBSCRIBERS_MAX = 256
WAITING_MAX = 64
ENTRY_WITHIN_S = 2.0


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `refetch` tells a page that was too slow to fetch every region again.

    `end` closes the stream.
    """

    topic: Topic
    payload: dict[str, Any] = {}


class Events:
    """Fan-out on the event loop. A subscriber that lags loses its backlog but is told so; nobody blocks."""

    def __init__(self) -> None:
        self._queues: dict[asyncio.Queue[Event], str] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = False
        self._latest = {"": time.time_ns()}  # above every number of an earlier run of the program

    @property
    def number(self) -> int:
        """The number of the newest event. A page is made with it: its stream tells whether more came."""
        return max(self._latest.values())

    def publish(self, topic: Topic, payload: dict[str, Any] | None = None) -> None:
        """Tell the subscribers it is for. Call on the event loop; from threads `publish_from_thread`."""
        event = Event(topic=topic, payload=payload or {})
        addressed = event.payload.get("window", "")
        if topic != "entry":
            self._latest[addressed] = self.number + 1
        for queue, window in self._queues.items():
            if addressed and window and window != addressed:
                continue
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
    def subscription(self, window: str = "") -> Iterator[asyncio.Queue[Event]]:
        """A bounded queue of a window's events ("" of all), removed on leaving.

        Beyond SUBSCRIBERS_MAX the stream ends at once.
        """
        queue: asyncio.Queue[Event] = asyncio.Queue(WAITING_MAX)
        if self._ended or len(self._queues) >= SUBSCRIBERS_MAX:
            queue.put_nowait(Event(topic="end"))
            yield queue
            return
        self._queues[queue] = window
        try:
            yield queue
        finally:
            del self._queues[queue]

    async def subscribe(
        self, beat_s: float = 2.0, window: str = "", heard: int | None = None
    ) -> AsyncIterator[Event | None]:
        """A window's events ("" all) as they come, until `end`; None at once and every `beat_s` without one.

        Whoever got the first None misses nothing from then on; what came after the number `heard` and before
        is told as `refetch`.
        """
        clock = asyncio.get_running_loop().time
        entry_due: float | None = None
        with self.subscription(window) as queue:
            yield None
            if heard is not None and max(self._latest[""], self._latest.get(window, 0)) > heard:
                yield Event(topic="refetch")
            while True:
                try:
                    async with asyncio.timeout(
                        beat_s if entry_due is None else max(0.0, entry_due - clock())
                    ):
                        event = await queue.get()
                except TimeoutError:
                    yield None if entry_due is None else Event(topic="entry")
                    entry_due = None
                    continue
                if event.topic == "end":
                    return
                if event.topic != "entry":
                    yield event
                elif entry_due is None:
                    entry_due = clock() + random.uniform(0.0, ENTRY_WITHIN_S)  # noqa: S311 -- spreads load

    def end(self) -> None:
        """Close every stream now; an open stream would hold up the shutdown of the server."""
        self._ended = True
        for queue in self._queues:
            _empty(queue)
            queue.put_nowait(Event(topic="end"))


def _empty(queue: asyncio.Queue[Event]) -> None:
    while not queue.empty():
        queue.get_nowait()
