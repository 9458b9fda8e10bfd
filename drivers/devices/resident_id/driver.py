"""The driver of a resident ID reader: finds its speed, finds a card, reads it whole or not at all.

One exchange: (1) throw away what an earlier answer left, and if that one went wrong or was broken off, until
the line is quiet; (2) send the request; (3) read until one whole frame is there; (4) check that it is an
answer to this request. So nothing of a bad answer can be taken for a part of the next.
"""

import asyncio
from contextlib import AsyncExitStack

from drivers.devices.resident_id import card as cards
from drivers.devices.resident_id import protocol
from drivers.devices.resident_id.protocol import Answer, Command, Frames
from drivers.errors import CardRefused, Garbled, NoCard, NotThisDevice, TimedOut, Unplugged
from drivers.ports import CardRecord
from drivers.wires.address import Address
from drivers.wires.listening import answered
from drivers.wires.serial_line import SerialLine, open_serial
from drivers.wires.wire import QUIET_S, SETTLE_S, Turn, settle
from matters.model import Words

ANSWER_S = 1.0
PROBE_S = 0.25
READ_S = 3.0
POLL_S = 0.1
REST_S = 3.0  # a refused card is not tried again at once, but the reader never seems dead for long
BITS_PER_BYTE = 10
NOT_OFFERED = frozenset((0x21, 0x23, 0x24))


class SdtReader:
    """An `IdReader` on a serial line.

    Address options: `baud` (default: probe 115200 … 9600), `fingerprint=yes` (default no: read only what is
    needed), `newest=no` to leave out the newest address.
    """

    def __init__(self, address: Address) -> None:
        address.only("baud", "fingerprint", "newest")
        self.name = address.text
        self._path = address.place
        fixed = address.number("baud", 0)
        if fixed and fixed not in protocol.BAUDS:
            raise NotThisDevice(f"no reader speaks {fixed} baud", device=self.name)
        self._bauds = (fixed,) if fixed else protocol.BAUDS
        fingerprint = address.choice("fingerprint", ("no", "yes")) == "yes"
        self._read = protocol.READ_FINGERPRINT if fingerprint else protocol.READ
        self._newest = address.choice("newest", ("yes", "no")) == "yes"
        self._line: SerialLine | None = None
        self._frames = Frames()
        self._turn = Turn(self.name)
        self._found = False
        self._in_step = False
        self._rest_until = 0.0

    async def open(self) -> None:
        async with self._turn:
            if self._line is not None:
                return
            self._line = await open_serial(self._path, self._bauds[0], self.name)
            async with AsyncExitStack() as undo:
                undo.push_async_callback(self._let_go)
                await self._probe(self._line)
                undo.pop_all()

    async def close(self) -> None:
        await self._let_go()

    async def find(self) -> bool:
        async with self._turn:
            return await self._find(tries=2)

    async def read_card(self, timeout_s: float) -> CardRecord:
        async with self._turn:
            loop = asyncio.get_running_loop()
            end = loop.time() + timeout_s
            while not (self._found or await self._find(tries=1)):
                if loop.time() + POLL_S >= end:
                    raise NoCard(f"none in {timeout_s:g} s", device=self.name)
                await asyncio.sleep(POLL_S)
            try:
                return await self._read_found()
            except CardRefused:
                self._rest_until = loop.time() + REST_S
                raise

    async def describe(self) -> Words:
        async with self._turn:
            answer = await self._ask(protocol.NUMBER, ANSWER_S)
            number, baud = protocol.sam_number(answer.payload), self._open_line().baud
            return Words(zh=f"安全模块 {number}，{baud} 波特", en=f"SAM {number}, {baud} baud")

    async def _probe(self, line: SerialLine) -> None:
        """Take the first speed at which *SAM status* is answered, fastest first."""
        noisy = False
        for baud in self._bauds:
            line.set_baud(baud)
            try:
                await self._ask(protocol.STATUS, PROBE_S)
            except TimedOut:
                continue
            except Garbled:
                noisy = True
            else:
                return
        if noisy:
            raise NotThisDevice("answers, but not as an ID reader does", device=self.name)
        raise TimedOut("silent at every speed", device=self.name)

    async def _find(self, tries: int) -> bool:
        """Ask for a card, again after a no: the first answer after a card is laid may still be no."""
        for _ in range(tries):
            answer = await self._exchange(protocol.FIND, ANSWER_S)
            self._found = answer.sw == protocol.FOUND
            if self._found:
                return not self._refused_lies_there()
            if answer.sw != protocol.NO_CARD:
                raise protocol.trouble(protocol.FIND, answer.sw).at(self.name)
        self._rest_until = 0.0
        return False

    def _refused_lies_there(self) -> bool:
        """Whether what was found is still the card just refused: it counts as found once it was lifted."""
        self._found = asyncio.get_running_loop().time() >= self._rest_until
        return not self._found

    async def _read_found(self) -> CardRecord:
        self._found = False  # whatever happens now, the next read begins with finding a card
        await self._ask(protocol.SELECT, ANSWER_S)
        answer = await self._ask(self._read, READ_S + self._wire_s(self._read))
        text, photo, fingerprint = protocol.split_read(self._read, answer.payload)
        newest = await self._newest_address() if self._newest else ""
        try:
            return cards.read_card_text(text, photo, fingerprint, newest)
        except CardRefused as refused:
            raise refused.at(self.name) from None

    async def _newest_address(self) -> str:
        answer = await self._exchange(protocol.NEWEST_ADDRESS, READ_S)
        if answer.sw == protocol.NO_ENTRY or answer.sw in NOT_OFFERED:
            return ""
        if answer.sw != protocol.OK:
            raise protocol.trouble(protocol.NEWEST_ADDRESS, answer.sw).at(self.name)
        return cards.read_addresses(answer.payload)

    def _wire_s(self, command: Command) -> float:
        longest = max(max(lengths) for lengths in command.good.values())
        return longest * BITS_PER_BYTE / self._open_line().baud

    async def _ask(self, command: Command, timeout_s: float) -> Answer:
        """An exchange that must succeed: a bad status becomes its error."""
        answer = await self._exchange(command, timeout_s)
        if answer.sw not in command.good:
            raise protocol.trouble(command, answer.sw).at(self.name)
        return answer

    async def _exchange(self, command: Command, timeout_s: float) -> Answer:
        line = self._open_line()
        quiet_s = 0.0 if self._in_step else QUIET_S
        self._in_step = False
        try:
            await settle(line, quiet_s, SETTLE_S + self._wire_s(self._read))
            await line.write(protocol.request(command), timeout_s)
            frame = await answered(line, self._frames, timeout_s)
            answer = protocol.parse_answer(frame.body, command)
        except Unplugged:
            await self._let_go()
            raise
        except (Garbled, TimedOut) as error:
            self._found = False
            raise error.at(self.name) from None
        self._in_step = True
        return answer

    def _open_line(self) -> SerialLine:
        if self._line is None:
            raise Unplugged("not open", device=self.name)
        return self._line

    async def _let_go(self) -> None:
        line, self._line = self._line, None
        self._found = False
        if line is not None:
            await line.close()
