"""The place where chip cards are put in: waits for one, talks to it, lets go of it.

A card counts once: after it was given out it is given again only when it was lifted and laid, or when `again`
says that it still has to be read.
"""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final
from urllib.parse import unquote

from drivers.errors import Absent, Busy, DriverError, Garbled, NoCard, TimedOut, Unplugged
from drivers.wires import apdu, pcsc_calls
from drivers.wires.address import Address
from drivers.wires.apdu import Reply
from drivers.wires.blocking import Threads
from drivers.wires.card_watch import CardWatch, View
from drivers.wires.pcsc_calls import ReaderState
from drivers.wires.wire import Turn
from matters.model import Words

OPEN_S: Final = 1.5
AWAY_S: Final = 2.0  # so long a daemon may be away (a restart) before a wait for a card says so
ANSWER_S: Final = 2.0
CONNECT_S: Final = 3.0
END_S: Final = 0.5
REST_S: Final = 1.0  # a card lifted in mid-read: by then the daemon has seen that it is gone, or here again
TURNS_MAX: Final = 256  # GET RESPONSE of one answer

Laid = tuple[str, int, int]


class Chip:
    """One card under a transaction: `ask` sends a command and gives the whole answer."""

    def __init__(self, threads: Threads, card: int, protocol: int, reader: ReaderState, name: str) -> None:
        self.atr = reader.atr
        self.name = name
        self._threads = threads
        self._card = card
        self._protocol = protocol

    async def ask(self, command: bytes) -> Reply:
        """The answer, whatever its status, after 61 and 6C were followed. Raises errors of the tree."""
        payload = bytearray()
        corrected = False
        for _ in range(TURNS_MAX):
            reply = await self._once(command)
            payload += reply.payload
            if len(payload) > apdu.REPLY_BYTES_MAX:
                break
            wrong_length = reply.sw >> 8 == apdu.WRONG_LENGTH
            follow = apdu.follow_up(command, reply)
            if not follow or (wrong_length and corrected):
                return Reply(bytes(payload), reply.sw)
            corrected = wrong_length
            command = follow
        raise Garbled("an answer without an end", device=self.name)

    async def need(self, command: bytes, what: str) -> bytes:
        """The payload of an answer that must be good. Raises what its status stands for."""
        reply = await self.ask(command)
        if reply.sw != apdu.OK:
            raise apdu.trouble(reply.sw, what).at(self.name)
        return reply.payload

    async def _once(self, command: bytes) -> Reply:
        try:
            raw = await self._threads.call(
                lambda: pcsc_calls.transmit(self._card, self._protocol, command), ANSWER_S
            )
            return apdu.parse_reply(raw)
        except DriverError as error:
            raise error.at(self.name) from None


class CardDevice:
    """What every driver of chip cards has: a slot for them, and one call at a time."""

    def __init__(self, address: Address, *options: str) -> None:
        address.only(*options)
        self.name = address.text
        self._slot = CardSlot(address)
        self._turn = Turn(self.name)

    async def open(self) -> None:
        async with self._turn:
            await self._slot.open()

    async def close(self) -> None:
        await self._slot.close()

    async def describe(self) -> Words:
        return self._slot.describe()


class CardSlot:
    """Cards in the readers whose name begins as the address says; `pcsc:*` is any reader."""

    def __init__(self, address: Address) -> None:
        self.name = address.text
        self._wanted = "" if address.place == "*" else unquote(address.place)
        self._watch: CardWatch | None = None
        self._threads = Threads(self.name)
        self._taken: dict[Laid, float] = {}  # until when each does not count again

    async def open(self) -> None:
        """Make sure there is a reader. Raises Absent: no daemon, or no such reader."""
        if self._watch is not None:
            return
        watch = self._watch = CardWatch()
        await watch.start()
        loop = asyncio.get_running_loop()
        end = loop.time() + OPEN_S
        view = watch.view
        try:
            while not self._mine(view):
                view = await watch.changed(view, max(0.0, end - loop.time()))
        except TimedOut:
            await self.close()
            raise self._absence(view) from None
        except asyncio.CancelledError:
            await self.close()
            raise

    async def close(self) -> None:
        """Stop watching. Closing twice is no error."""
        watch, self._watch = self._watch, None
        self._taken.clear()
        if watch is not None:
            await watch.stop()

    def describe(self) -> Words:
        """The readers now, and whether a card lies in each, in one line."""
        readers = self._mine(self._open_watch().view)
        zh = "、".join(f"{reader.name}（{'有卡' if reader.present else '无卡'}）" for reader in readers)
        en = ", ".join(f"{reader.name} ({'card' if reader.present else 'empty'})" for reader in readers)
        return Words(zh=f"PC/SC：{zh or '没有读卡器'}", en=f"PC/SC: {en or 'no reader'}")

    async def wait(self, timeout_s: float) -> tuple[ReaderState, Laid]:
        """The next card laid. Raises NoCard, or Unplugged when daemon or reader stay away."""
        watch = self._open_watch()
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        away_since: float | None = None
        while (found := self._fresh(view := watch.view)) is None:
            away_since = None if self._mine(view) else (away_since or loop.time())
            until = min((end, *self._taken.values())) if away_since is None else min(end, away_since + AWAY_S)
            try:
                await watch.changed(view, max(0.0, until - loop.time()))
            except TimedOut:
                if away_since is not None and loop.time() >= away_since + AWAY_S:
                    await self.close()
                    raise Unplugged("no reader any more", device=self.name) from None
                if loop.time() >= end:
                    raise NoCard(f"none in {timeout_s:g} s", device=self.name) from None
        return found

    async def lifted(self, timeout_s: float) -> bool:
        """Wait until no card that was given out lies there; False when one still does. Raises Unplugged."""
        watch = self._open_watch()
        end = asyncio.get_running_loop().time() + timeout_s
        while self._given(view := watch.view):
            try:
                await watch.changed(view, max(0.0, end - asyncio.get_running_loop().time()))
            except TimedOut:
                return False
        return True

    @asynccontextmanager
    async def card(self, timeout_s: float, *, reset: bool = False) -> AsyncIterator[Chip]:
        """The next card, opened, alone with us; with `reset` it forgets afterwards what it was told (a PIN).

        Raises NoCard, CardRefused, Busy, Unplugged (the slot is closed then).
        """
        reader, laid = await self.wait(timeout_s)
        self._taken[laid] = math.inf
        try:
            context, card, protocol = await self._threads.call(lambda: _connect(reader.name), CONNECT_S)
        except DriverError as error:
            if isinstance(error, Busy):
                self._taken.pop(laid, None)  # another program had it: it was not tried at all
            raise await self._lost(error) from None
        try:
            yield Chip(self._threads, card, protocol, reader, self.name)
        except DriverError as error:
            if pcsc_calls.says_lifted(error):
                self._taken[laid] = asyncio.get_running_loop().time() + REST_S
            raise await self._lost(error) from None
        finally:
            with suppress(DriverError):  # a card that hangs or is gone cannot be let go of better than this
                await self._threads.call(lambda: _end(context, card, reset=reset), END_S)

    def again(self) -> None:
        """The cards lying there count as not given out yet (a PIN was missing)."""
        self._taken.clear()

    async def _lost(self, error: DriverError) -> DriverError:
        if isinstance(error, Unplugged):
            await self.close()
        return error.at(self.name)

    def _mine(self, view: View) -> list[ReaderState]:
        return [reader for reader in view.readers if reader.name.startswith(self._wanted)]

    def _lying(self, view: View) -> dict[Laid, ReaderState]:
        return {_laid(view, reader): reader for reader in self._mine(view) if reader.present}

    def _given(self, view: View) -> bool:
        return any(laid in self._taken for laid in self._lying(view))

    def _fresh(self, view: View) -> tuple[ReaderState, Laid] | None:
        now = asyncio.get_running_loop().time()
        lying = self._lying(view)
        self._taken = {laid: until for laid, until in self._taken.items() if laid in lying and until > now}
        for laid, reader in lying.items():
            if (reader.atr or reader.mute) and laid not in self._taken:
                return reader, laid
        return None

    def _absence(self, view: View) -> DriverError:
        if isinstance(view.trouble, Absent):
            return view.trouble.at(self.name)
        why = f"no card daemon: {view.trouble.detail}" if view.trouble else "no such reader"
        return Absent(why, device=self.name)

    def _open_watch(self) -> CardWatch:
        if self._watch is None:
            raise Unplugged("not open", device=self.name)
        return self._watch


def _laid(view: View, reader: ReaderState) -> Laid:
    return reader.name, view.life, reader.state >> 16


def _connect(reader: str) -> tuple[int, int, int]:
    context = pcsc_calls.establish()
    try:
        card, protocol = pcsc_calls.connect(context, reader)
        pcsc_calls.begin(card)
    except DriverError:
        pcsc_calls.release(context)
        raise
    return context, card, protocol


def _end(context: int, card: int, *, reset: bool) -> None:
    pcsc_calls.end(card, pcsc_calls.RESET if reset else pcsc_calls.LEAVE)
    pcsc_calls.release(context)
