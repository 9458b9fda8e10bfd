"""The far end of a line on which a device speaks by itself: what every such twin does, with its faults."""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from drivers.wires.background import Background
from drivers.wires.pseudo_terminal import PseudoTerminal
from drivers.wires.tcp_end import TcpEnd

FAULTS: Final = {
    "flipped": "one bit of the next words is wrong",
    "short": "only the first half of the next words comes",
    "noise": "64 bytes of noise come before the next words",
    "garbage": "64 bytes of noise come instead of the next words",
    "flood": "10 MB of noise come instead of the next words",
    "slow": "the next words come byte by byte",
    "silent": "the next words do not come",
    "unplug": "the plug is pulled in the middle of the next words",
}
WORDS_MAX: Final = 256
FLOOD_MIB: Final = 10
SLOW_BYTES_PER_S: Final = 500.0


class SpeakingLine:
    """Sends what a twin says, spoiled by the faults armed; each fault strikes once."""

    def __init__(self, heard: Callable[[bytes], None], link: Path | None, *, tcp: bool = False) -> None:
        self.tty: PseudoTerminal | TcpEnd = TcpEnd(heard) if tcp else PseudoTerminal(heard, link)
        self._words: asyncio.Queue[bytes] = asyncio.Queue(WORDS_MAX)
        self._background = Background()
        self._faults: list[str] = []

    async def start(self) -> None:
        """Plug in and begin to speak."""
        self.tty.plug()
        await self._background.start(self._speak())

    async def stop(self) -> None:
        """Unplug for good."""
        self.tty.unplug()
        await self._background.stop()

    def say(self, words: bytes) -> None:
        """Send, after everything said before. Raises ValueError when 256 sayings wait already."""
        if self._words.full():
            raise ValueError("too much said at once")
        self._words.put_nowait(words)

    def fault(self, name: str) -> None:
        """Arm a fault of `FAULTS` for the next words. Raises ValueError for an unknown one."""
        if name not in FAULTS:
            raise ValueError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
        self._faults.append(name)

    def clear(self) -> None:
        """Disarm every fault."""
        self._faults.clear()

    def play(self, order: dict[str, Any]) -> None:
        """The orders every such twin knows: fault, clear, unplug, plug, state. Raises ValueError."""
        match order:
            case {"do": "fault", "name": str(name)}:
                self.fault(name)
            case {"do": "clear"}:
                self.clear()
            case {"do": "unplug"}:
                self.tty.unplug()
            case {"do": "plug"}:
                self.tty.plug()
            case {"do": "state"}:
                pass
            case _:
                raise ValueError(f"cannot {order.get('do')!r} with {', '.join(order)}")

    def state(self) -> dict[str, Any]:
        """What a player may know."""
        return {"path": self.tty.path, "plugged": self.tty.plugged, "faults": list(self._faults)}

    async def _speak(self) -> None:
        while self._background.running:
            words = await self._words.get()
            fault = self._faults.pop(0) if self._faults else ""
            await self.tty.send(_spoiled(words, fault), SLOW_BYTES_PER_S if fault == "slow" else 0.0)
            if fault == "unplug":
                await asyncio.sleep(0.01)  # the first half reaches the program first
                self.tty.unplug()


class OnItsLine:
    """A twin with a line of its own: where the driver finds it, and its power switch."""

    line: SpeakingLine

    @property
    def path(self) -> str:
        """The tty the driver opens."""
        return self.line.tty.path

    async def start(self) -> None:
        """Power on."""
        await self.line.start()

    async def stop(self) -> None:
        """Power off for good."""
        await self.line.stop()


def flood() -> bytes:
    """10 MB that mean nothing and are the same every time."""
    return hashlib.shake_256(b"flood").digest(1 << 20) * FLOOD_MIB


def _spoiled(words: bytes, fault: str) -> bytes:
    if fault == "flood":
        return flood()
    noise = bytes(byte & 0x7E | 0x80 for byte in hashlib.shake_256(b"noise").digest(64))
    flipped = bytearray(words)
    flipped[len(words) // 2] ^= 0x04
    table = {
        "flipped": bytes(flipped),
        "short": words[: len(words) // 2],
        "unplug": words[: len(words) // 2],
        "noise": noise + words,
        "garbage": noise,
        "silent": b"",
    }
    return table.get(fault, words)
