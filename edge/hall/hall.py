"""The devices of the hall: opened through the drivers' registry, supervised, opened again with back-off.

A card on a reader becomes a call of `on_card`; it never submits anything. A printer prints only what an
action hands to `print_slip`, one job at a time.
"""

import asyncio
from typing import Protocol, TypeVar

import msgspec
import structlog

from drivers.errors import Absent, CardRefused, DriverError, NoCard
from drivers.ports import (
    CardRecord,
    IdReader,
    JobState,
    PrinterState,
    PrintOutcome,
    ReceiptPrinter,
    SheetPrinter,
    Submitted,
)
from drivers.registry import open_device
from edge.settings import DeviceKind, DeviceSetting
from matters.model import Words

CARD_WAIT_S = 2.0
STATUS_EVERY_S = 5.0
BACKOFF_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
READY = Words(zh="正常", en="ready")
OPENING = Words(zh="正在连接", en="connecting")
NOTHING = Words(zh="", en="")

T = TypeVar("T")

log = structlog.get_logger("hall")


class DeviceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One device: `state` is ok, opening, absent or fault; `last_ok` Unix ms or None."""

    name: str
    kind: str
    window: str
    state: str
    last_ok: int | None
    words: Words
    next: Words


class Desk(Protocol):
    """What the hall tells the actions."""

    async def card_laid(self, device: DeviceSetting, card: CardRecord) -> None:
        """A card was read whole."""

    async def card_trouble(self, device: DeviceSetting, error: CardRefused) -> None:
        """A card lies there but cannot be read."""

    async def device_changed(self, device: DeviceSetting, status: DeviceStatus) -> None:
        """A device came up or went away."""

    def now_ms(self) -> int:
        """Unix milliseconds."""


class _Printer(Protocol):
    """What both kinds of printer have."""

    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def status(self) -> PrinterState: ...


class Hall:
    """All devices of this hall. `run` supervises them until cancelled."""

    def __init__(self, devices: tuple[DeviceSetting, ...], desk: Desk) -> None:
        self._desk = desk
        self._devices = devices
        self._status = {device.name: _status(device, "opening", None, OPENING, NOTHING) for device in devices}
        self._printers: dict[str, ReceiptPrinter] = {}
        self._sheets: dict[str, SheetPrinter] = {}
        self._turns = {device.name: asyncio.Lock() for device in devices}

    async def run(self) -> None:
        """Supervise every device; ends only by cancellation."""
        async with asyncio.TaskGroup() as group:
            for device in self._devices:
                group.create_task(self._supervise(device), name=f"device {device.name}")

    def status(self) -> tuple[DeviceStatus, ...]:
        """Every configured device as it is now."""
        return tuple(self._status[device.name] for device in self._devices)

    def printer_of(self, window: str, kind: DeviceKind = "receipt_printer") -> str:
        """The name of the printer of a window (its own before the shared one), "" when there is none."""
        fitting = [
            device for device in self._devices if device.kind == kind and device.window in {"", window}
        ]
        own = sorted(fitting, key=lambda device: device.window == "")
        return own[0].name if own else ""

    async def print_slip(self, name: str, job: bytes) -> PrintOutcome:
        """Print one job on the named printer, once. Raises DriverError when no byte of it was sent."""
        printer = self._printers.get(name)
        if printer is None:
            raise Absent("not connected", device=name)
        async with self._turns[name]:
            return await printer.print(job)

    async def submit_sheet(self, name: str, pdf: bytes, job: str) -> Submitted:
        """Hand a report to an A4 queue, once, under a name of its own (serial and copy).

        A queue that holds that name already prints nothing more. Raises DriverError when it does not hold it.
        """
        async with self._turns[name]:
            printer = self._sheet(name)
            found = await printer.find(job)
            return Submitted(confirmed=True, job=found) if found else await printer.submit(pdf, job)

    async def sheet_job(self, name: str, job: str) -> JobState | None:
        """How far the job of that name is, None when the queue never got it. Raises DriverError."""
        async with self._turns[name]:
            printer = self._sheet(name)
            found = await printer.find(job)
            return await printer.job(found) if found else None

    def _sheet(self, name: str) -> SheetPrinter:
        printer = self._sheets.get(name)
        if printer is None:
            raise Absent("not connected", device=name)
        return printer

    async def _supervise(self, device: DeviceSetting) -> None:
        """Open, serve, and on any trouble close and open again, ever more slowly; for ever."""
        tries = 0
        while True:
            try:
                await self._serve(device)
            except DriverError as error:
                up = self._status[device.name].state == "ok"
                tries = 0 if up else tries + 1
                state = "absent" if isinstance(error, Absent) else "fault"
                await self._change(device, state, error.words, error.next)
                log.info("device", device=device.name, code=error.code, tries=tries)
            except Exception as error:  # noqa: BLE001 -- named supervisor: one driver's bug must not end the hall
                tries += 1
                await self._change(device, "fault", DriverError.default_words, DriverError.default_next)
                log.error("device", device=device.name, code=type(error).__name__, tries=tries)  # noqa: TRY400 -- a trace may hold a card
            await asyncio.sleep(BACKOFF_S[min(tries, len(BACKOFF_S) - 1)])

    async def _serve(self, device: DeviceSetting) -> None:
        if device.kind == "id_reader":
            await self._serve_reader(device, open_device("id_reader", device.address))
        elif device.kind == "a4_printer":
            sheets = open_device("a4_printer", device.address)
            await self._serve_printer(device, sheets, self._sheets, sheets)
        else:
            slips = open_device("receipt_printer", device.address)
            await self._serve_printer(device, slips, self._printers, slips)

    async def _serve_reader(self, device: DeviceSetting, reader: IdReader) -> None:
        await reader.open()
        try:
            await self._change(device, "ok", READY, NOTHING)
            while True:
                try:
                    card = await reader.read_card(CARD_WAIT_S)
                except NoCard:
                    self._seen(device)
                    continue
                except CardRefused as error:
                    await self._desk.card_trouble(device, error)
                    continue
                self._seen(device)
                await self._desk.card_laid(device, card)
        finally:
            await reader.close()

    async def _serve_printer(
        self, device: DeviceSetting, printer: _Printer, open_ones: dict[str, T], as_kind: T
    ) -> None:
        """Keep a printer of either kind open and its state known."""
        await printer.open()
        open_ones[device.name] = as_kind
        try:
            while True:
                async with self._turns[device.name]:
                    state = await printer.status()
                await self._printer_state(device, state)
                await asyncio.sleep(STATUS_EVERY_S)
        finally:
            open_ones.pop(device.name, None)
            await printer.close()

    async def _printer_state(self, device: DeviceSetting, state: PrinterState) -> None:
        await self._change(device, "ok" if state.ready else "fault", state.words, state.next)

    def _seen(self, device: DeviceSetting) -> None:
        old = self._status[device.name]
        self._status[device.name] = msgspec.structs.replace(old, last_ok=self._desk.now_ms())

    async def _change(self, device: DeviceSetting, state: str, words: Words, step: Words) -> None:
        old = self._status[device.name]
        last_ok = self._desk.now_ms() if state == "ok" else old.last_ok
        self._status[device.name] = new = _status(device, state, last_ok, words, step)
        if (old.state, old.words) != (state, words):
            await self._desk.device_changed(device, new)


def _status(
    device: DeviceSetting, state: str, last_ok: int | None, words: Words, step: Words
) -> DeviceStatus:
    return DeviceStatus(
        name=device.name,
        kind=device.kind,
        window=device.window,
        state=state,
        last_ok=last_ok,
        words=words,
        next=step,
    )
