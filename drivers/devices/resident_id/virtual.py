"""The reader's twin: a card reader on a real tty, with a hand to lay cards and switches for faults.

In a test: `VirtualReader()`, `await start()`, open `.path`, `.lay(card)`. As a process, played over JSON
lines on 127.0.0.1:

    python -m drivers.devices.resident_id.virtual --link PATH --control PORT

    {"do": "lay", "card": {…}}                            photo and fingerprint as base64, or left out
    {"do": "lift"}   {"do": "unplug"}   {"do": "plug"}   {"do": "clear"}   {"do": "state"}
    {"do": "fault", "name": "flipped", "times": 1, "on": "3001", "value": 0}
"""

import argparse
import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from drivers.devices.resident_id import card as cards
from drivers.devices.resident_id import protocol
from drivers.ports import CardRecord
from drivers.wires.background import Background
from drivers.wires.control import play_until_stopped
from drivers.wires.pseudo_terminal import PseudoTerminal
from drivers.wires.twin_line import flood

FAULTS: Final = {
    "silent": "no answer",
    "noise": "64 bytes of noise, then the answer",
    "garbage": "64 bytes of noise instead of the answer",
    "flood": "10 MB of noise instead of the answer",
    "flipped": "the answer with one bit wrong",
    "short": "the first half of the answer",
    "length": "the answer with a wrong length",
    "foreign": "the answer of another reader to another command",
    "slow": "the answer byte by byte",
    "unplug": "the first half of the answer, then the plug is out",
    "lifted": "the card is lifted before the answer",
    "status": "the status word `value` instead of the answer",
}
REQUESTS_MAX: Final = 64
NUMBER: Final = bytes.fromhex("0500010020A13401D2040000E1100000")
SLOW_BYTES_PER_S: Final = 4000.0


class Fault(msgspec.Struct):
    """One armed fault: strikes the next `times` requests whose command begins with the bytes `on` (hex)."""

    name: str
    times: int = 1
    on: str = ""
    value: int = 0

    def __post_init__(self) -> None:
        if self.name not in FAULTS:
            raise ValueError(f"no fault {self.name!r}; there are {', '.join(FAULTS)}")
        if self.name == "status" and not 0 <= self.value <= 0xFF:  # noqa: PLR2004 - one byte
            raise ValueError("a status word is one byte")
        bytes.fromhex(self.on)


class VirtualReader:
    """A reader with its security module. `baud` is the speed it listens at: at another it hears nothing."""

    def __init__(
        self,
        *,
        link: Path | None = None,
        baud: int = 115200,
        wire_time: bool = False,
        fingerprint: bytes = b"",
        speaks: tuple[protocol.Command, ...] = protocol.COMMANDS,
    ) -> None:
        self.baud = baud
        self.reads = 0
        self.heard: list[str] = []
        self._wire_time = wire_time
        self._fingerprint = fingerprint
        self._speaks = {command.code: command for command in speaks}
        self._tty = PseudoTerminal(self._received, link)
        self._requests: asyncio.Queue[bytes] = asyncio.Queue(REQUESTS_MAX)
        self._frames = protocol.Frames()
        self._faults: list[Fault] = []
        self._background = Background()
        self._card: CardRecord | None = None
        self._stage = "none"  # none → laid → found → selected → read; a card read is not found again

    @property
    def path(self) -> str:
        """The tty the driver opens."""
        return self._tty.path

    async def start(self) -> None:
        """Plug in and listen."""
        self._tty.plug()
        await self._background.start(self._serve())

    async def stop(self) -> None:
        """Unplug for good."""
        self._tty.unplug()
        await self._background.stop()

    def lay(self, card: CardRecord) -> None:
        """Lay a card on the reader (its text is encoded now: CardRefused when it does not fit)."""
        cards.write_card_text(card)
        self._card, self._stage = card, "laid"

    def lift(self) -> None:
        """Take the card away."""
        self._card, self._stage = None, "none"

    def fault(self, name: str, *, times: int = 1, on: str = "", value: int = 0) -> None:
        """Arm a fault of `FAULTS`. Raises ValueError for an unknown one."""
        self._faults.append(Fault(name, times, on, value))

    def clear(self) -> None:
        """Disarm every fault."""
        self._faults.clear()

    def unplug(self) -> None:
        """Pull the cable."""
        self._tty.unplug()

    def plug(self) -> None:
        """Put the cable in again; the reader has forgotten what it was doing."""
        self._frames.reset()
        self._stage = "laid" if self._card else "none"
        self._tty.plug()

    def state(self) -> dict[str, Any]:
        """What a player may know; nothing that stands on the card."""
        card = self._card.record if self._card else None
        faults = [msgspec.to_builtins(fault) for fault in self._faults]
        return {
            "path": self.path,
            "plugged": self._tty.plugged,
            "baud": self.baud,
            "card": card,
            "stage": self._stage,
            "reads": self.reads,
            "faults": faults,
        }

    async def play(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order of the control door and return the state. Raises ValueError."""
        rest = {key: value for key, value in order.items() if key != "do"}
        match order.get("do"):
            case "lay":
                self.lay(msgspec.convert(rest["card"], CardRecord))
            case "lift":
                self.lift()
            case "unplug":
                self.unplug()
            case "plug":
                self.plug()
            case "fault":
                self._faults.append(msgspec.convert(rest, Fault))
            case "clear":
                self.clear()
            case "state":
                pass
            case other:
                raise ValueError(f"cannot {other!r}: lay, lift, unplug, plug, fault, clear, state")
        return self.state()

    def _received(self, chunk: bytes) -> None:
        if self._tty.baud != self.baud:
            return  # at the wrong speed every byte is a framing error
        for event in self._frames.feed(chunk):
            if isinstance(event, protocol.Frame) and not self._requests.full():
                self._requests.put_nowait(event.body)

    async def _serve(self) -> None:
        while self._background.running:
            code = (await self._requests.get())[:2]
            self.heard.append(code.hex())
            del self.heard[:-REQUESTS_MAX]
            fault = self._struck(code)
            if fault is not None and fault.name == "lifted":
                self.lift()
            await self._reply(self._answer(code), fault)

    def _struck(self, code: bytes) -> Fault | None:
        for fault in self._faults:
            if code.startswith(bytes.fromhex(fault.on)):
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    def _answer(self, code: bytes) -> bytes:
        if code in {command.code for command in protocol.SET_BAUD.values()}:
            self.baud = protocol.BAUDS[code[1]]
            return protocol.answer(protocol.OK)
        command = self._speaks.get(code)
        if command is None:
            return protocol.answer(0x24)
        return self._table()[command.name]()

    def _table(self) -> dict[str, Callable[[], bytes]]:
        return {
            "reset": lambda: protocol.answer(protocol.OK),
            "status": lambda: protocol.answer(protocol.OK),
            "number": lambda: protocol.answer(protocol.OK, NUMBER),
            "find": self._find,
            "select": self._select,
            "read": self._read,
            "read with fingerprint": lambda: self._read(fingerprint=True),
            "newest address": self._newest,
        }

    def _find(self) -> bytes:
        if self._stage not in {"laid", "found"}:
            return protocol.answer(protocol.NO_CARD)
        self._stage = "found"
        return protocol.answer(protocol.FOUND, bytes(4))

    def _select(self) -> bytes:
        if self._stage != "found":
            return protocol.answer(0x81)
        self._stage = "selected"
        return protocol.answer(protocol.OK, bytes(8))

    def _read(self, *, fingerprint: bool = False) -> bytes:
        if self._card is None or self._stage not in {"selected", "read"}:
            return protocol.answer(0x41)
        self._stage = "read"
        self.reads += 1
        text = cards.write_card_text(self._card)
        photo = self._card.photo or noise(protocol.PHOTO_BYTES, "photo")
        blocks = [text, photo]
        if fingerprint:
            blocks.append(self._card.fingerprint or self._fingerprint)
        head = b"".join(len(block).to_bytes(2, "big") for block in blocks)
        return protocol.answer(protocol.OK, head + b"".join(blocks))

    def _newest(self) -> bytes:
        if self._card is None or self._stage != "read":
            return protocol.answer(0x41)
        if not self._card.newest_address:
            return protocol.answer(protocol.NO_ENTRY)
        return protocol.answer(protocol.OK, cards.write_address(self._card.newest_address))

    async def _reply(self, answer: bytes, fault: Fault | None) -> None:
        pace = self.baud / 10 if self._wire_time else 0.0
        if fault is not None and fault.name == "slow":
            pace = SLOW_BYTES_PER_S
        await self._tty.send(_spoiled(answer, fault), pace)
        if fault is not None and fault.name == "unplug":
            await asyncio.sleep(0.01)  # the half answer reaches the program first
            self.unplug()


def _spoiled(answer: bytes, fault: Fault | None) -> bytes:
    """The answer as the fault leaves it."""
    if fault is None or fault.name in {"slow", "lifted"}:
        return answer
    flipped = bytearray(answer)
    flipped[len(answer) // 2] ^= 0x04
    spoil: dict[str, Callable[[], bytes]] = {
        "silent": lambda: b"",
        "noise": lambda: noise(64, "noise") + answer,
        "garbage": lambda: noise(64, "garbage"),
        "flood": flood,
        "flipped": lambda: bytes(flipped),
        "short": lambda: answer[: len(answer) // 2],
        "unplug": lambda: answer[: len(answer) // 2],
        "length": lambda: answer[:5] + bytes((answer[5], answer[6] ^ 0x03)) + answer[7:],
        "foreign": lambda: protocol.answer(protocol.OK, bytes(28)),
        "status": lambda: protocol.answer(fault.value),
    }
    return spoil[fault.name]()


def noise(size: int, seed: str) -> bytes:
    """Bytes that mean nothing and are the same every time."""
    return hashlib.shake_256(seed.encode()).digest(size)


def main() -> None:
    """Run the twin as a process until SIGTERM."""
    options = argparse.ArgumentParser(description="Virtual resident ID reader on a pseudo-terminal.")
    options.add_argument("--link", type=Path, required=True, help="path of the tty for the driver")
    options.add_argument("--control", type=int, default=0, help="port of the control door (0: a free one)")
    options.add_argument("--baud", type=int, default=115200, choices=protocol.BAUDS)
    chosen = options.parse_args()
    twin = VirtualReader(link=chosen.link, baud=chosen.baud, wire_time=True)
    asyncio.run(play_until_stopped(twin, chosen.control))


if __name__ == "__main__":
    main()
