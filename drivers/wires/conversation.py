"""What a driver and a device said to each other: kept as text, recorded on the line, played again.

    # words about it
    > AAAAAA96690003 11FFED        the driver said
    < AAAAAA966900040000 9094      the device said

A recording holds everything that crossed the line, a citizen's card too: record test cards only.

    python -m drivers.wires.conversation --device serial:/dev/ttyUSB0 --link PATH --out FILE
"""

import argparse
import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

import msgspec

from drivers.errors import DriverError, TimedOut
from drivers.wires.address import Address, parse_address
from drivers.wires.background import Background
from drivers.wires.control import until_stopped
from drivers.wires.open_line import open_line
from drivers.wires.pseudo_terminal import PseudoTerminal
from drivers.wires.serial_line import SerialLine
from drivers.wires.tcp_end import TcpEnd
from drivers.wires.wire import READ_BYTES, Wire

SAYINGS_MAX: Final = 10_000
CONVERSATION_BYTES_MAX: Final = 8 * 1024 * 1024
WAITING_MAX: Final = 1024
LOOK_S: Final = 0.2
BAUD: Final = 9600
NEW_LINE: Final = b""
Speaker = Literal["driver", "device"]

_MARKS: Final[dict[Speaker, str]] = {"driver": ">", "device": "<"}


class Saying(msgspec.Struct, frozen=True):
    """What one end said until the other spoke."""

    by: Speaker
    said: bytes


class Conversation:
    """Sayings in order; those of one end after another are one."""

    def __init__(self, words: str = "") -> None:
        self.words = words
        self.sayings: list[Saying] = []

    def add(self, by: Speaker, said: bytes) -> None:
        """Keep what was said. Raises ValueError when there is no end to it (10,000 sayings)."""
        if self.sayings and self.sayings[-1].by == by:
            said = self.sayings.pop().said + said
        if len(self.sayings) >= SAYINGS_MAX:
            raise ValueError("a conversation without an end")
        self.sayings.append(Saying(by, said))

    def moved(self, old: str, new: str) -> "Conversation":
        """The same at another host and port, of the same length: HTTP says at which it asks."""
        other = Conversation(self.words)
        for saying in self.sayings:
            other.add(saying.by, saying.said.replace(old.encode(), new.encode()))
        return other

    def text(self) -> str:
        """The conversation as a file holds it."""
        lines = [f"# {line}" for line in self.words.splitlines()]
        lines += [f"{_MARKS[saying.by]} {saying.said.hex().upper()}" for saying in self.sayings]
        return "\n".join(lines) + "\n"


def parse_conversation(text: str) -> Conversation:
    """Read a file. Raises ValueError naming the line that is none."""
    if len(text) > CONVERSATION_BYTES_MAX:
        raise ValueError("a conversation of more than 8 MiB")
    found = Conversation()
    for number, line in enumerate(text.splitlines(), start=1):
        mark, _, rest = line.partition(" ")
        speaker = next((by for by, its in _MARKS.items() if its == mark), None)
        if mark == "#":
            found.words = f"{found.words}\n{rest}".strip()
        elif speaker is not None:
            try:
                found.add(speaker, bytes.fromhex(rest))
            except ValueError as wrong:
                raise ValueError(f"line {number}: {wrong}") from None
        elif line.strip():
            raise ValueError(f"line {number}: begins with none of # > <")
    return found


class Replay:
    """A device that says again what was recorded, once the driver has said its part, byte for byte.

    `wrong` says where the driver first left the recording; from there on the device is silent. A recording
    that begins with the device waits for `begin`. `place` (host:port) makes it a device on TCP: where the
    recording names that place, it names the replay's own.
    """

    def __init__(self, conversation: Conversation, *, place: str = "", link: Path | None = None) -> None:
        self.end = TcpEnd(self._received) if place else PseudoTerminal(self._received, link)
        self.wrong = ""
        self._conversation = conversation
        self._place = place
        self._left = list(conversation.sayings)
        self._heard = bytearray()
        self._words: asyncio.Queue[bytes] = asyncio.Queue(WAITING_MAX)
        self._background = Background()

    @property
    def finished(self) -> bool:
        """Whether everything recorded was said again."""
        return not self._left and not self.wrong

    async def start(self) -> None:
        """Plug in."""
        self.end.plug()
        if self._place:
            self._left = list(self._conversation.moved(self._place, self.end.path).sayings)
        await self._background.start(self._speak())

    async def stop(self) -> None:
        """Unplug for good."""
        self.end.unplug()
        await self._background.stop()

    def begin(self) -> None:
        """Let the device speak, if it is its turn."""
        while self._left and self._left[0].by == "device":
            self._words.put_nowait(self._left.pop(0).said)

    def _received(self, chunk: bytes) -> None:
        self._heard += chunk
        while self._heard and not self.wrong:
            expected = self._left[0].said if self._left else b""
            if not expected or not expected.startswith(self._heard[: len(expected)]):
                self.wrong = f"{len(self._left)} sayings before the end: {bytes(self._heard[:32]).hex()}"
            elif len(self._heard) < len(expected):
                return
            else:
                del self._heard[: len(expected)]
                self._left.pop(0)
                self.begin()

    async def _speak(self) -> None:
        while self._background.running:
            await self.end.send(await self._words.get())


def replayed_answers(conversation: Conversation) -> Callable[[bytes], bytes]:
    """The answers of a recorded chip card, command by command; 6F00 once the driver leaves the recording."""
    left = list(conversation.sayings)

    def answer(command: bytes) -> bytes:
        if not left or left[0].said != command:
            return b"\x6f\x00"
        left.pop(0)
        return left.pop(0).said

    return answer


def recorded_answers(answer: Callable[[bytes], bytes], into: Conversation) -> Callable[[bytes], bytes]:
    """The same answers, kept."""

    def kept(command: bytes) -> bytes:
        said = answer(command)
        into.add("driver", command)
        into.add("device", said)
        return said

    return kept


class Recorder:
    """Sits between a driver, which opens `end`, and a real device, and keeps what both say.

    A line to a print queue is opened anew whenever the driver connects: a queue ends it with its answer.
    """

    def __init__(self, device: Address, *, link: Path | None = None) -> None:
        self.conversation = Conversation()
        self._device = device
        self._redials = device.scheme == "ipp"
        self.end = (
            TcpEnd(self._received, self._connected)
            if device.scheme in {"tcp", "ipp"}
            else PseudoTerminal(self._received, link)
        )
        self._line: Wire | None = None
        self._lined = asyncio.Event()
        self._said: asyncio.Queue[bytes] = asyncio.Queue(WAITING_MAX)
        self._background = Background()

    async def start(self) -> None:
        """Open the device and plug in. Raises what opening it raises."""
        await self._dial()
        self.end.plug()
        await self._background.start(self._forth(), self._back())

    async def stop(self) -> None:
        """Unplug, and let go of the device."""
        self.end.unplug()
        await self._background.stop()
        if self._line is not None:
            await self._line.close()

    async def _dial(self) -> None:
        if self._line is not None:
            await self._line.close()
        self._line = await open_line(self._device, BAUD)
        self._lined.set()

    def _connected(self) -> None:
        if self._redials:
            self._said.put_nowait(NEW_LINE)

    def _received(self, chunk: bytes) -> None:
        self.conversation.add("driver", chunk)
        self._said.put_nowait(chunk)

    async def _forth(self) -> None:
        while self._background.running:
            chunk = await self._said.get()
            if chunk == NEW_LINE:
                await self._dial()
                continue
            line = self._line
            assert line is not None
            if isinstance(line, SerialLine) and isinstance(self.end, PseudoTerminal) and line.baud:
                line.set_baud(self.end.baud or line.baud)
            with suppress(DriverError):  # a line that broke is silent; the driver sees that
                await line.write(chunk)

    async def _back(self) -> None:
        while self._background.running:
            await self._lined.wait()
            line = self._line
            assert line is not None
            try:
                chunk = await line.read(READ_BYTES, LOOK_S)
            except TimedOut:
                continue
            except DriverError:
                if not self._redials:
                    self.end.unplug()
                    return
                if line is self._line:
                    self._lined.clear()
                continue
            self.conversation.add("device", chunk)
            await self.end.send(chunk)


async def _record(device: Address, link: Path) -> str:
    recorder = Recorder(device, link=link)
    recorder.conversation.words = f"recorded on {device.scheme}"
    await recorder.start()
    try:
        await until_stopped(path=recorder.end.path)
    finally:
        await recorder.stop()
    return recorder.conversation.text()


def main() -> None:
    """Record until SIGTERM."""
    options = argparse.ArgumentParser(description="Record what a driver and a device say to each other.")
    options.add_argument("--device", required=True, help="address of the real device")
    options.add_argument("--link", type=Path, required=True, help="path of the tty for the driver")
    options.add_argument("--out", type=Path, required=True, help="file for the conversation")
    chosen = options.parse_args()
    chosen.out.write_text(asyncio.run(_record(parse_address(chosen.device), chosen.link)), "utf-8")


if __name__ == "__main__":
    main()
