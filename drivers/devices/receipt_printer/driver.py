"""The driver of a slip printer: asks before, sends once, and believes only what the printer confirms.

One job: (1) ask the four real-time states; anything but ready raises, nothing was sent; (2) send the job in
pieces; (3) send GS r, which a printer answers only after it has worked off everything before it, and
meanwhile keep asking the real-time states; (4) ask once more. Confirmed means 2, 3 and 4 went well. From 2 on
nothing is ever raised: what came out of the slit is then a question for the clerk.
"""

import asyncio
from contextlib import AsyncExitStack
from typing import Final

from drivers.devices.receipt_printer import commands, protocol
from drivers.errors import (
    Busy,
    CoverOpen,
    DriverError,
    Garbled,
    NotThisDevice,
    Offline,
    PaperOut,
    TimedOut,
    Unplugged,
)
from drivers.ports import PrinterState, PrintOutcome
from drivers.wires.address import Address
from drivers.wires.open_line import open_line
from drivers.wires.wire import QUIET_S, SETTLE_S, Turn, Wire, settle
from matters.model import Words

STATUS_S: Final = 1.0
PIECE_BYTES: Final = 4096
PIECE_S: Final = 10.0
CONFIRM_S: Final = 20.0
POLL_S: Final = 0.4
CATCH_UP_S: Final = 0.5
CALM_S: Final = 1.0
JOB_BYTES_MAX: Final = 1024 * 1024
BITS_PER_BYTE: Final = 10
SERIAL_BAUD: Final = 9600


class EscPosPrinter:
    """A `ReceiptPrinter` on TCP, a serial line or USB (`/dev/usb/lp0`).

    Address options: `baud` (serial, default 9600), `columns` (48 or 32), `confirm=realtime` for printers that
    do not answer GS r: a job then counts as confirmed when the real-time states stay good for a second.
    """

    def __init__(self, address: Address, *, confirm_s: float = CONFIRM_S, piece_s: float = PIECE_S) -> None:
        address.only("baud", "columns", "confirm")
        self.name = address.text
        self.columns = int(address.choice("columns", ("48", "32")))
        self._address = address
        self._baud = address.number("baud", SERIAL_BAUD)
        self._by_order = address.choice("confirm", ("command", "realtime")) == "command"
        self._confirm_s = confirm_s
        self._piece_s = piece_s
        self._line: Wire | None = None
        self._turn = Turn(self.name)
        self._in_step = False
        self._owed_bytes = 0
        self._orders_open = 0  # answers to GS r still to come; those of a job in doubt may come late

    async def open(self) -> None:
        async with self._turn:
            if self._line is not None:
                return
            self._line = await open_line(self._address, SERIAL_BAUD)
            self._in_step = False
            async with AsyncExitStack() as undo:
                undo.push_async_callback(self._let_go)
                await self._first_status()
                undo.pop_all()

    async def close(self) -> None:
        await self._let_go()

    async def status(self) -> PrinterState:
        async with self._turn:
            return await self._status()

    async def print(self, job: bytes) -> PrintOutcome:
        assert len(job) <= JOB_BYTES_MAX
        async with self._turn:
            await self._pay_debt()
            _refuse(await self._status(), self.name)
            line = self._open_line()
            self._in_step = False
            sent = 0
            try:
                for at in range(0, len(job), PIECE_BYTES):
                    self._owed_bytes = len(job) - at  # a broken job leaves the printer waiting for the rest
                    await line.write(job[at : at + PIECE_BYTES], self._piece_s)
                    sent = min(at + PIECE_BYTES, len(job))
                self._owed_bytes = 0
                state = await self._confirmed(line, len(job))
            except DriverError as error:
                return await self._in_doubt(error, sent)
            reason = "" if state.ready else _refusal(state).code
            return PrintOutcome(confirmed=state.ready, state=state, reason=reason, sent_bytes=sent)

    async def recover(self) -> PrinterState:
        async with self._turn:
            line = self._open_line()
            await self._pay_debt()
            try:
                await line.write(commands.RECOVER, STATUS_S)
            except Unplugged:
                await self._let_go()
                raise
            self._orders_open = 0  # what waited is forgotten, the questions too
            self._in_step = False
            return await self._status()

    async def describe(self) -> Words:
        state = await self.status()
        return Words(
            zh=f"ESC/POS，每行 {self.columns} 栏：{state.words.zh}",
            en=f"ESC/POS, {self.columns} columns: {state.words.en}",
        )

    async def _first_status(self) -> None:
        """Make sure a printer answers before anything is printed on whatever is there."""
        try:
            await self._pay_debt()
            await self._status_or_again()
            await self._catch_up()
        except Garbled as error:
            raise NotThisDevice(
                f"answers, but not as a printer does: {error.detail}", device=self.name
            ) from None
        except Unplugged as error:
            raise Busy(f"closed at once: {error.detail}", device=self.name) from None

    async def _status_or_again(self) -> None:
        """The state; asked a second time if a late answer to an earlier program's job came between."""
        try:
            await self._status()
        except Garbled:
            await self._status()

    async def _catch_up(self) -> None:
        """Learn whether answers to GS r got lost with the line: if one asked now is answered, none is open.

        If it is not, the printer still holds an earlier job, and the next is confirmed only after both.
        """
        if not self._orders_open:
            return
        line = self._open_line()
        await line.write(commands.PAPER_STATUS, STATUS_S)
        self._orders_open += 1
        if any(map(protocol.is_order_status, await settle(line, CATCH_UP_S, SETTLE_S + CATCH_UP_S))):
            self._orders_open = 0

    async def _pay_debt(self) -> None:
        """Fill up an order that an earlier broken job left half sent, lest it swallow this job.

        Zeros end any order and print nothing.
        """
        if self._owed_bytes:
            await self._open_line().write(bytes(self._owed_bytes), PIECE_S)
            self._owed_bytes = 0

    async def _status(self) -> PrinterState:
        line = self._open_line()
        quiet_s = 0.0 if self._in_step else QUIET_S
        self._in_step = False
        answers = bytearray()
        try:
            for byte in await settle(line, quiet_s):
                self._orders_open -= bool(self._orders_open and protocol.is_order_status(byte))
            for number in protocol.STATUS_NUMBERS:
                await line.write(protocol.status_request(number), STATUS_S)
                answers.append(await self._status_byte(line))
        except Unplugged:
            await self._let_go()
            raise
        self._in_step = True
        return protocol.parse_status(bytes(answers))

    async def _status_byte(self, line: Wire) -> int:
        """The next answer to DLE EOT; an answer to GS r on the way is counted. Raises Garbled."""
        byte = (await line.read(1, STATUS_S))[0]
        while self._orders_open and protocol.is_order_status(byte):
            self._orders_open -= 1
            byte = (await line.read(1, STATUS_S))[0]
        if not protocol.is_status(byte):
            raise Garbled(f"status answer {byte:02X}", device=self.name)
        return byte

    async def _confirmed(self, line: Wire, job_bytes: int) -> PrinterState:
        """Wait until the printer has worked off the job; the state then. Raises what stands in the way."""
        if not self._by_order:
            await asyncio.sleep(CALM_S)
            return await self._status()
        loop = asyncio.get_running_loop()
        end = loop.time() + self._confirm_s + job_bytes * BITS_PER_BYTE / self._baud
        await line.write(commands.PAPER_STATUS, PIECE_S)
        self._orders_open += 1
        while loop.time() < end:
            await self._order_answer(line)
            if not self._orders_open:
                return await self._status()
            state = await self._status_meanwhile(line)
            if not state.ready:
                return state
        self._orders_open = 0  # ready and silent for so long: none of them will come any more
        raise TimedOut("the printer never finished", device=self.name)

    async def _order_answer(self, line: Wire) -> None:
        """Wait one poll for an answer to GS r, unless all have come already."""
        if not self._orders_open:
            return
        try:
            byte = (await line.read(1, POLL_S))[0]
        except TimedOut:
            return
        if not protocol.is_order_status(byte):
            raise Garbled(f"order answer {byte:02X}", device=self.name)
        self._orders_open -= 1

    async def _status_meanwhile(self, line: Wire) -> PrinterState:
        """The real-time states while the answer to GS r is still awaited (so nothing is thrown away)."""
        answers = bytearray()
        for number in protocol.STATUS_NUMBERS:
            await line.write(protocol.status_request(number), STATUS_S)
            answers.append(await self._status_byte(line))
        return protocol.parse_status(bytes(answers))

    async def _in_doubt(self, error: DriverError, sent: int) -> PrintOutcome:
        """The outcome of a job in which something went wrong; asks once more what the printer says."""
        try:
            state = await self._status()
        except DriverError:
            state = protocol.unreachable()
        if isinstance(error, Unplugged):
            await self._let_go()
        return PrintOutcome(confirmed=False, state=state, reason=error.code, sent_bytes=sent)

    def _open_line(self) -> Wire:
        if self._line is None:
            raise Unplugged("not open", device=self.name)
        return self._line

    async def _let_go(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()


def _refusal(state: PrinterState) -> DriverError:
    """The error that a state which is not ready stands for."""
    kind = CoverOpen if state.cover_open else PaperOut if state.paper == "out" else Offline
    return kind(f"fault {state.fault}", words=state.words, next_step=state.next)


def _refuse(state: PrinterState, name: str) -> None:
    if not state.ready:
        raise _refusal(state).at(name)
