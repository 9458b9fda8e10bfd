"""Which cards lie where: a watch over the card daemon that outlives readers, cables and the daemon itself.

A thread waits in the daemon for changes. Whatever goes wrong there ends its context; it makes a new one and
begins again, for as long as the watch is wanted. (Ready-made monitors stop for good when pcscd restarts.)
"""

import asyncio
import threading
from contextlib import suppress
from functools import partial
from typing import Final

import msgspec

from drivers.errors import DriverError, TimedOut
from drivers.wires import pcsc_calls
from drivers.wires.blocking import Threads
from drivers.wires.pcsc_calls import NEW_READERS, ReaderState

LOOK_MS: Final = 1000
AGAIN_S: Final = 0.2
END_S: Final = 3.0
CANCEL_S: Final = 0.5


class View(msgspec.Struct, frozen=True):
    """What the daemon said last. `life` counts contexts: a new one means everything was asked anew."""

    life: int = 0
    readers: tuple[ReaderState, ...] = ()
    trouble: DriverError | None = None


class CardWatch:
    """Looks from `start` to `stop`; `view` is the last look, `changed` waits for the next."""

    def __init__(self) -> None:
        self.view = View()
        self._life = 0
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None
        self._context: int | None = None
        self._news = asyncio.Event()
        self._threads = Threads("card-watch")

    async def start(self) -> None:
        """Begin to look; starting twice changes nothing."""
        if self._thread is not None:
            return
        self._wanted.set()
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._look, args=(loop,), daemon=True, name="card-watch")
        self._thread.start()

    async def stop(self) -> None:
        """Stop looking; the thread has ended when this returns."""
        thread, self._thread = self._thread, None
        self._wanted.clear()
        if thread is None:
            return
        end = asyncio.get_running_loop().time() + END_S
        while thread.is_alive() and asyncio.get_running_loop().time() < end:
            context = self._context
            if context is not None:
                with suppress(
                    DriverError
                ):  # it may hang like every call; then the wait's own end ends the thread
                    await self._threads.call(partial(pcsc_calls.cancel, context), CANCEL_S)
            await asyncio.sleep(0.005)
        self.view = View()

    async def changed(self, seen: View, timeout_s: float) -> View:
        """The view as soon as it is not `seen`. Raises TimedOut."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.view is seen:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise TimedOut("no change") from None
        return self.view

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        pause = threading.Event()  # never set: its wait is the pause between two tries
        while self._wanted.is_set():
            try:
                self._one_life(loop)
            except DriverError as trouble:
                self._show(loop, View(self._life, (), trouble))
                pause.wait(AGAIN_S)

    def _one_life(self, loop: asyncio.AbstractEventLoop) -> None:
        """From one context to its end, by `stop` or by an error."""
        context = pcsc_calls.establish()
        self._life += 1
        self._context = context
        try:
            known: list[ReaderState] = []
            while self._wanted.is_set():
                known = _with_names(known, pcsc_calls.readers(context))
                now = pcsc_calls.status_change(context, known, LOOK_MS)
                if now != known or self.view.life != self._life:
                    here = tuple(
                        reader
                        for reader in now
                        if reader.name != NEW_READERS and not reader.state & pcsc_calls.STATE_UNAVAILABLE
                    )
                    self._show(loop, View(self._life, here))
                known = now
        finally:
            self._context = None
            pcsc_calls.release(context)

    def _show(self, loop: asyncio.AbstractEventLoop, view: View) -> None:
        if self.view.trouble is not None and view.trouble is not None:
            return  # the same trouble goes on
        try:
            loop.call_soon_threadsafe(self._take, view)
        except RuntimeError:
            self._wanted.clear()  # the loop has ended: nobody looks any more

    def _take(self, view: View) -> None:
        if self._thread is not None:
            self.view = view
            self._news.set()


def _with_names(known: list[ReaderState], names: list[str]) -> list[ReaderState]:
    """What is known of each reader there now; a new one is unknown (state 0), the pseudo one last."""
    old = {reader.name: reader for reader in known}
    return [old.get(name, ReaderState(name, 0)) for name in [*names, NEW_READERS]]
