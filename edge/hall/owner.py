"""One device and its one owner: opened, served, and after any trouble opened again, for ever."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import msgspec
import structlog

from drivers.chips import StaffCard
from drivers.errors import Absent, Busy, CardRefused, DriverError, NoCard, TimedOut
from drivers.ports import CardRecord, Device, Fix, KeyPress
from drivers.registry import open_device
from edge.hall.names import line_of
from edge.hall.states import ANY_HAND, BY_HAND, NOTHING, OPENING, DeviceStatus, Trial
from edge.settings import DeviceSetting
from matters.model import Words

OPEN_S: Final = 20.0
CLOSE_S: Final = 5.0
ASK_S: Final = 10.0
TURN_S: Final = 30.0
BACKOFF_S: Final = (0.25, 0.5, 1.0, 2.0)
"""Pauses before the next try: short enough that a device is back within three seconds of its plug."""
LOOK_S: Final = 0.25

T = TypeVar("T")
Serve = Callable[["Owner", Any], Awaitable[None]]

log = structlog.get_logger("hall")


class Desk(Protocol):
    """What the hall tells the actions."""

    async def card_laid(self, device: DeviceSetting, card: CardRecord) -> None:
        """A card was read whole."""

    async def card_trouble(self, device: DeviceSetting, error: CardRefused) -> None:
        """A card lies there but cannot be read."""

    async def chip_laid(self, device: DeviceSetting, card: object) -> None:
        """A chip card was read (SocialCard, CarrierCard), or needs its PIN (PinNeeded)."""

    async def staff_card(self, device: DeviceSetting, card: StaffCard | None) -> None:
        """This staff card lies there now; None: none does."""

    async def key_pressed(self, device: DeviceSetting, key: KeyPress) -> None:
        """A key of a caller or rating pad."""

    async def code_scanned(self, device: DeviceSetting, code: str) -> None:
        """A code was read by a scanner."""

    async def position_taken(self, device: DeviceSetting, fix: Fix) -> None:
        """The receiver reported; `fix.state` none means that it sees too few satellites."""

    async def device_changed(self, device: DeviceSetting, status: DeviceStatus) -> None:
        """A device came up or went away."""

    async def device_tried(self, device: DeviceSetting, trial: Trial) -> None:
        """A test from the device page came to its end."""

    def now_ms(self) -> int:
        """Unix milliseconds."""


class Owner:
    """Supervises one device. `port` is the open device, None while there is none.

    `turn` keeps calls on the port apart; `wanted` takes the device's next word for whoever waits for it.
    """

    def __init__(self, setting: DeviceSetting, desk: Desk, serve: Serve) -> None:
        self.setting = setting
        self.desk = desk
        self.port: Device | None = None
        self.turn = asyncio.Lock()
        self._serve = serve
        self._wanted: asyncio.Future[Any] | None = None
        self._listening: asyncio.Timeout | None = None
        self._called_away = False
        self._look_now = asyncio.Event()
        self.status = DeviceStatus(
            name=setting.name,
            kind=setting.kind,
            window=setting.window,
            state="opening",
            last_ok=None,
            words=OPENING,
            next=NOTHING,
            since_ms=desk.now_ms(),
            by_hand=BY_HAND.get(setting.kind, ANY_HAND),
            address=setting.address.partition("?")[0],
        )

    async def run(self) -> None:
        """Open, serve, and on any trouble close and open again, ever more slowly, until cancelled."""
        tries = 0
        while True:
            try:
                await self._open_and_serve()
            except DriverError as error:
                tries = 0 if self.status.state == "ok" else tries + 1
                state = "absent" if isinstance(error, Absent) else "fault"
                await self.trouble(state, error.code, error.words, error.next)
            except Exception as error:  # noqa: BLE001 -- named supervisor: a driver's bug must not end the hall
                tries += 1
                words, step = DriverError.default_words, DriverError.default_next
                await self.trouble("fault", type(error).__name__, words, step)
            await self._pause(BACKOFF_S[min(tries, len(BACKOFF_S) - 1)])

    async def ask(self, asked: Awaitable[T], limit_s: float = ASK_S) -> T:
        """An answer of the device within a limit of the hall's own: a stuck driver is a TimedOut too."""
        try:
            async with asyncio.timeout(limit_s):
                return await asked
        except TimeoutError:
            raise TimedOut("the driver is stuck", device=self.setting.name) from None

    @contextlib.asynccontextmanager
    async def taking_turn(self) -> Any:
        """The open port, for one caller at a time; the hall's own waiting on it is broken off.

        Raises Absent, or Busy when others held it too long.
        """
        if self._listening is not None and not self._called_away:
            self._called_away = True
            self._listening.reschedule(asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout(TURN_S):
                await self.turn.acquire()
        except TimeoutError:
            raise Busy("another call takes long", device=self.setting.name) from None
        try:
            if self.port is None:
                raise Absent("not connected", device=self.setting.name)
            yield self.port
        finally:
            self.turn.release()

    async def listen(self, wait: Callable[[], Awaitable[T]], limit_s: float) -> T:
        """The hall's own waiting for the device's next word. NoCard when a caller takes a turn meanwhile."""
        async with self.turn:
            self._called_away = False
            try:
                async with asyncio.timeout(limit_s) as self._listening:
                    return await wait()
            except TimeoutError:
                if self._called_away:
                    raise NoCard("broken off by another call", device=self.setting.name) from None
                raise TimedOut("the driver is stuck", device=self.setting.name) from None
            finally:
                self._listening = None

    def say(self, word: Any) -> bool:
        """The device said something; whether somebody waited for it, so that it goes no further."""
        self.seen(reported=True)
        wanted = self._wanted
        if wanted is None or wanted.done():
            return False
        wanted.set_result(word)
        return True

    async def hear(self, wait_s: float) -> Any:
        """The next word of a device that speaks by itself. Raises Absent, Busy, TimedOut.

        It goes to the caller only: a card laid for a test fills no page.
        """
        if self.port is None:
            raise Absent("not connected", device=self.setting.name)
        if self._wanted is not None:
            raise Busy("another call listens", device=self.setting.name)
        self._wanted = asyncio.get_running_loop().create_future()
        try:
            return await self.ask(self._wanted, wait_s)
        finally:
            self._wanted = None

    def seen(self, *, reported: bool = False) -> None:
        """The device works; with `reported` it also said something by itself."""
        now_ms = self.desk.now_ms()
        self.status = msgspec.structs.replace(
            self.status, last_ok=now_ms, last_report=now_ms if reported else self.status.last_report
        )

    def tried(self, trial: Trial) -> None:
        """What the last test of this device shows."""
        self.status = msgspec.structs.replace(self.status, trial=trial)

    async def change(self, state: str, words: Words, step: Words = NOTHING) -> None:
        """Take a new state; the actions hear of it when state or words differ."""
        old, now_ms = self.status, self.desk.now_ms()
        self.status = msgspec.structs.replace(
            old,
            state=state,
            words=words,
            next=step,
            last_ok=now_ms if state == "ok" else old.last_ok,
            since_ms=old.since_ms if old.state == state else now_ms,
        )
        if (old.state, old.words) != (state, words):
            await self.desk.device_changed(self.setting, self.status)

    async def trouble(self, state: str, code: str, words: Words, step: Words) -> None:
        """A fault: logged and told once, however often it is met again."""
        if (self.status.state, self.status.words) != (state, words):
            log.info("device", device=self.setting.name, code=code)
        await self.change(state, words, step)

    def look_now(self) -> None:
        """Ask the device at once, do not wait for the next round: a call on it just failed."""
        self._look_now.set()

    async def until_next_look(self, every_s: float) -> None:
        """The pause between two looks at a device that does not speak by itself."""
        self._look_now.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(every_s):
                await self._look_now.wait()

    async def _open_and_serve(self) -> None:
        port = open_device(self.setting.kind, self.setting.address)
        await self.ask(port.open(), OPEN_S)
        self.port = port
        try:
            with contextlib.suppress(DriverError):  # a device that cannot say what it is may still work
                says = await self.ask(port.describe())
                self.status = msgspec.structs.replace(self.status, says=says)
            await self._serve(self, port)
        finally:
            self.port = None
            await self.ask(port.close(), CLOSE_S)

    async def _pause(self, pause_s: float) -> None:
        """Wait before the next try, but no longer than until the plug goes in."""
        loop = asyncio.get_running_loop()
        end, plugged = loop.time() + pause_s, self._plugged()
        while (left_s := end - loop.time()) > 0:
            await asyncio.sleep(min(LOOK_S, left_s))
            was, plugged = plugged, self._plugged()
            if plugged and not was:
                return

    def _plugged(self) -> bool:
        """Whether a serial line is there; other lines tell only when they are opened."""
        line = line_of(self.setting.address)
        return bool(line) and Path(line).exists()
