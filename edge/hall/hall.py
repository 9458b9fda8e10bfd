"""The devices of the hall as the actions see them: their states, printing on them, listening to them.

Each device has one owner (`owner.py`) in a task of its own, so that none waits for another. A card on a
reader becomes a call of the desk; it never submits anything. A printer prints only what an action hands over.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, Literal, cast

from drivers.chips import SocialCard, SocialCards, StaffCards
from drivers.errors import Absent, Busy, DriverError
from drivers.ports import (
    DocumentCamera,
    JobState,
    PrinterState,
    PrintOutcome,
    ReceiptPrinter,
    SheetPrinter,
    Submitted,
)
from edge.errors import EdgeError
from edge.hall.owner import Desk, Owner
from edge.hall.serving import SERVES, plain
from edge.hall.states import DeviceStatus, Trial
from edge.settings import DeviceKind, DeviceSetting
from matters.model import Words

__all__ = ["Desk", "DeviceStatus", "Hall", "Trial"]

PRINT_S = 120.0
TRIAL_S = 150.0
CARD_S = 3.0
PICTURE_S = 6.0
JOB_LOOK_S = 0.5
RUNNING = Words(zh="正在测试……", en="testing …")


class Hall:
    """All devices of this hall. `run` supervises them until cancelled."""

    def __init__(self, devices: tuple[DeviceSetting, ...], desk: Desk) -> None:
        self._desk = desk
        self._owners = {one.name: Owner(one, desk, SERVES.get(one.kind, plain)) for one in devices}
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Supervise every device; ends only by cancellation."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for name, owner in self._owners.items():
                group.create_task(owner.run(), name=f"device {name}")

    def status(self) -> tuple[DeviceStatus, ...]:
        """Every configured device as it is now."""
        return tuple(owner.status for owner in self._owners.values())

    def device_of(self, window: str, kind: DeviceKind) -> str:
        """The name of a window's device of a kind (its own before the shared one), "" when there is none."""
        devices = [owner.setting for owner in self._owners.values()]
        fitting = [device for device in devices if device.kind == kind and device.window in {"", window}]
        own = sorted(fitting, key=lambda device: device.window == "")
        return own[0].name if own else ""

    def kind_of(self, name: str) -> str:
        """The kind of a configured device. Raises Absent."""
        return self._owner(name).setting.kind

    def may_print(self, name: str) -> bool:
        """Whether a job may start on this printer: it is open and says that it is ready."""
        return self._owner(name).status.state == "ok"

    async def print_slip(self, name: str, job: bytes) -> PrintOutcome:
        """Print one job on the named printer, once. Raises DriverError when no byte of it was sent.

        A driver that is stuck in the job is not confirmed: ask the clerk. What an unconfirmed job left in the
        printer is forgotten there, lest new paper bring out a slip the clerk meanwhile had printed again.
        """
        owner = self._owner(name)
        async with owner.taking_turn() as port:
            printer = cast("ReceiptPrinter", port)
            try:
                async with asyncio.timeout(PRINT_S):
                    outcome = await printer.print(job)
            except TimeoutError:
                return PrintOutcome(confirmed=False, state=_STUCK, reason="device-timeout")
            except DriverError:
                owner.look_now()
                raise
            if not outcome.confirmed:
                owner.look_now()
                with contextlib.suppress(DriverError):  # it is gone; the clerk is asked in any case
                    await owner.ask(printer.recover())
            return outcome

    async def submit_sheet(self, name: str, pdf: bytes, job: str) -> Submitted:
        """Hand a report to an A4 queue, once, under a name of its own (serial, copy, attempt).

        A queue that holds that name already prints nothing more. Raises DriverError when it does not hold it.
        """
        owner = self._owner(name)
        async with owner.taking_turn() as port:
            printer = cast("SheetPrinter", port)
            try:
                found = await owner.ask(printer.find(job))
                if found:
                    return Submitted(confirmed=True, job=found)
                async with asyncio.timeout(PRINT_S):
                    return await printer.submit(pdf, job)
            except TimeoutError:
                return Submitted(confirmed=False, reason="device-timeout")
            except DriverError:
                owner.look_now()
                raise

    async def sheet_job(self, name: str, job: str) -> JobState | None:
        """How far the job of that name is, None when the queue never got it. Raises DriverError."""
        owner = self._owner(name)
        async with owner.taking_turn() as port:
            printer = cast("SheetPrinter", port)
            found = await owner.ask(printer.find(job))
            return await owner.ask(printer.job(found)) if found else None

    async def sheet_ended(self, name: str, job: str, wait_s: float) -> JobState | None:
        """The job once it ended, or as it is after `wait_s`; others use the queue meanwhile."""
        loop = asyncio.get_running_loop()
        end = loop.time() + wait_s
        state = await self.sheet_job(name, job)
        while (state is None or not state.ended) and loop.time() < end:
            await asyncio.sleep(JOB_LOOK_S)
            state = await self.sheet_job(name, job)
        return state

    async def open_chip(self, name: str, pin: str) -> SocialCard:
        """Read the social security card lying there with the PIN its holder typed.

        The PIN is shown to the card once at most. Raises PinRefused, NoCard, CardRefused and DriverError.
        """
        owner = self._owner(name)
        async with owner.taking_turn() as port:
            return await owner.ask(cast("SocialCards", port).read_card(CARD_S, pin))

    async def sign(self, name: str, challenge: bytes, pin: str) -> bytes:
        """Have the staff card lying there sign, with its PIN; see `StaffCards.sign`. Raises DriverError."""
        owner = self._owner(name)
        async with owner.taking_turn() as port:
            return await owner.ask(cast("StaffCards", port).sign(challenge, pin, CARD_S))

    async def picture(self, name: str) -> bytes:
        """One picture of what lies under a document camera, JPEG. Raises DriverError."""
        owner = self._owner(name)
        async with owner.taking_turn() as port:
            return await owner.ask(cast("DocumentCamera", port).picture(PICTURE_S), 2 * PICTURE_S)

    async def hear(self, name: str, wait_s: float) -> Any:
        """The next word of a device that speaks by itself, for the caller only. Raises DriverError."""
        return await self._owner(name).hear(wait_s)

    def port(self, name: str) -> Any:
        """The open port of a device that takes orders beside its words (pads, screens). Raises Absent."""
        port = self._owner(name).port
        if port is None:
            raise Absent("not connected", device=name)
        return port

    def begin_trial(self, name: str, trial: Coroutine[Any, Any, Words]) -> None:
        """Run a test of a device beside its work; its status says how it went. Raises Busy, Absent.

        The words the trial returns are shown as passed; an error of the drivers as failed.
        """
        owner = self._owners.get(name)
        running = (
            owner is not None and owner.status.trial is not None and owner.status.trial.state == "running"
        )
        if owner is None or self._group is None or running:
            trial.close()
            kind = Busy if running else Absent
            raise kind("a test runs" if running else "no such device", device=name)
        owner.tried(self._trial("running", RUNNING))
        self._group.create_task(self._try(owner, trial), name=f"trial {name}")

    async def _try(self, owner: Owner, trial: Coroutine[Any, Any, Words]) -> None:
        try:
            done = self._trial("passed", await owner.ask(trial, TRIAL_S))
        except DriverError as error:
            done = self._trial("failed", _both(error.words, error.next))
        except EdgeError as error:  # the typesetter or the store is in trouble: the device was not reached
            done = self._trial("failed", _both(error.message, error.next))
        owner.tried(done)
        await self._desk.device_tried(owner.setting, done)

    def _trial(self, state: Literal["running", "passed", "failed"], words: Words) -> Trial:
        return Trial(state=state, words=words, at_ms=self._desk.now_ms())

    def _owner(self, name: str) -> Owner:
        owner = self._owners.get(name)
        if owner is None:
            raise Absent("not configured", device=name)
        return owner


_STUCK = PrinterState(
    online=False,
    paper="unknown",
    fault="line",
    words=Words(zh="打印机没有应答。", en="The printer does not answer."),
    next=Words(zh="请查看纸张是否出来。", en="See whether the paper came out."),
)


def _both(words: Words, step: Words) -> Words:
    """What is wrong and what to do now, as one."""
    return Words(zh=words.zh + step.zh, en=f"{words.en} {step.en}")
