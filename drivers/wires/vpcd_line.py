"""The far end of a card reader: a chip card that answers a real pcscd through its virtual reader (vpcd).

vpcd listens on TCP: 2 bytes of length, big endian, then 1 byte 00 (power off), 01 (on), 02 (reset), 04 (say
your ATR; only this one is answered), or a command of 4 bytes and more, which is answered. Connected means the
card lies in the reader. vpcd listens on every address, so pcscd is started in a network of its own; the line
is opened from inside it.
"""

import argparse
import asyncio
import contextlib
import ctypes
import hashlib
import os
import socket
from collections.abc import Callable
from typing import Any, Final, Protocol

from drivers.errors import DriverError
from drivers.wires.background import Background
from drivers.wires.blocking import Threads
from drivers.wires.control import HOST, Twin, play_until_stopped

ATR_WANTED: Final = b"\x04"
RESETS: Final = (b"\x00", b"\x01", b"\x02")
COMMAND_BYTES_MIN: Final = 4
CONNECT_S: Final = 5.0
CONNECT_AGAIN_S: Final = 0.02
SLOW_S: Final = 0.05
STUCK_S: Final = 3.0
HEARD_MAX: Final = 512
FAULTS: Final = {
    "lifted": "the card is lifted when the next command comes",
    "garbage": "the next answer is noise with an unknown status",
    "short": "the next answer is a single byte",
    "slow": "the next answers each take 50 ms longer",
    "silent": "the next command is answered after 3 s only",
    "faulty": "the next answer is status 6F00",
    "unplug": "the daemon is stopped when the next command comes (the rig does it)",
}
_CLONE_NEWNET: Final = 0x40000000

Answer = Callable[[bytes], bytes]


class CardLine:
    """A virtual card: `answer` is called with each command, `power` at each power change.

    `port` is vpcd's; `inside` the process id whose network namespace it listens in (0: ours). `unplug` is
    called for the fault of that name.
    """

    def __init__(self, answer: Answer, power: Callable[[], None], *, port: int, atr: bytes) -> None:
        self.port = port
        self.inside = 0
        self.unplug: Callable[[], None] = lambda: None
        self.heard: list[bytes] = []
        self.answer = answer
        self._power = power
        self._atr = atr
        self._faults: list[tuple[str, int]] = []
        self._laid = asyncio.Event()
        self._link: socket.socket | None = None
        self._background = Background()
        self._threads = Threads("vpcd")  # a thread that entered another network must serve nobody else

    async def start(self) -> None:
        """Be a card that can be laid."""
        await self._background.start(self._live())

    async def stop(self) -> None:
        """Lift it for good."""
        self.lift()
        await self._background.stop()

    def lay(self) -> None:
        """Put the card in the reader."""
        self._laid.set()

    def lift(self) -> None:
        """Take it out."""
        self._laid.clear()
        link, self._link = self._link, None
        if link is not None:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def fault(self, name: str, *, after: int = 0) -> None:
        """Arm a fault of `FAULTS`, to strike once, `after` commands from now. Raises ValueError."""
        if name not in FAULTS:
            raise ValueError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
        self._faults.append((name, after))

    def clear(self) -> None:
        """Disarm every fault."""
        self._faults.clear()

    def state(self) -> dict[str, Any]:
        """What a player may know."""
        faults = [name for name, _ in self._faults]
        return {"port": self.port, "laid": self._laid.is_set(), "heard": len(self.heard), "faults": faults}

    def play(self, order: dict[str, Any]) -> None:
        """The orders every card knows: lay, lift, fault, clear, state. Raises ValueError."""
        match order:
            case {"do": "lay"}:
                self.lay()
            case {"do": "lift"}:
                self.lift()
            case {"do": "fault", "name": str(name)}:
                self.fault(name, after=int(order.get("after", 0)))
            case {"do": "clear"}:
                self.clear()
            case {"do": "state"}:
                pass
            case _:
                raise ValueError(f"cannot {order.get('do')!r} with {', '.join(order)}")

    async def _live(self) -> None:
        while self._background.running:
            await self._laid.wait()
            link = await self._dial()
            if link is None:
                continue
            self._link = link
            try:
                await self._serve(link)
            except (OSError, EOFError):
                self._power()  # the daemon went, or the card was lifted
            finally:
                link.close()
            await asyncio.sleep(CONNECT_AGAIN_S)

    async def _dial(self) -> socket.socket | None:
        """The line to the reader, as soon as there is one; None when the card was lifted meanwhile."""
        while self._laid.is_set():
            try:
                return await self._threads.call(lambda: _connect(self.port, self.inside), CONNECT_S)
            except (OSError, DriverError):
                await asyncio.sleep(CONNECT_AGAIN_S)
        return None

    async def _serve(self, link: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while self._laid.is_set():
            size = int.from_bytes(await _exactly(link, 2), "big")
            command = await _exactly(link, size)
            if command == ATR_WANTED:
                await loop.sock_sendall(link, _framed(self._atr))
            elif command in RESETS:
                self._power()
            elif len(command) >= COMMAND_BYTES_MIN:
                self.heard.append(command)
                del self.heard[:-HEARD_MAX]
                answer = await self._spoiled(command)
                if answer:
                    await loop.sock_sendall(link, _framed(answer))

    async def _spoiled(self, command: bytes) -> bytes:
        """The answer as the fault whose turn it is leaves it; empty for none."""
        fault = self._struck()
        if fault == "lifted":
            self.lift()
            return b""
        if fault == "unplug":
            self.unplug()
            return b""
        if fault in {"slow", "silent"}:
            await asyncio.sleep(SLOW_S if fault == "slow" else STUCK_S)
        answer = self.answer(command)
        table = {
            "garbage": hashlib.shake_256(b"card").digest(48) + b"\x11\x11",
            "short": b"\x90",
            "faulty": b"\x6f\x00",
        }
        return table.get(fault, answer)

    def _struck(self) -> str:
        struck = next((name for name, after in self._faults if after <= 0), "")
        self._faults = [(name, after - 1) for name, after in self._faults if after > 0 or name == "slow"]
        return struck


class Card(Twin, Protocol):
    """A twin that is a card: started it is there, not yet laid."""

    line: CardLine


def run_card(words: str, make: Callable[[int], Card]) -> None:
    """The command line of a card: `--port VPCD-PORT [--inside PID] [--control PORT]`."""
    options = argparse.ArgumentParser(description=words)
    options.add_argument("--port", type=int, required=True, help="where vpcd listens")
    options.add_argument("--inside", type=int, default=0, help="process in whose network it listens")
    options.add_argument("--control", type=int, default=0, help="port of the control door (0: a free one)")
    chosen = options.parse_args()
    card = make(chosen.port)
    card.line.inside = chosen.inside
    asyncio.run(play_until_stopped(card, chosen.control))


def _connect(port: int, inside: int) -> socket.socket:
    """A line to vpcd, made in the network namespace of process `inside`. Runs in a thread of its own."""
    if inside:
        _enter(inside)
    link = socket.create_connection((HOST, port), CONNECT_S)
    link.settimeout(0.0)
    return link


async def _exactly(link: socket.socket, count: int) -> bytes:
    loop = asyncio.get_running_loop()
    got = b""
    while len(got) < count:
        # vpcd writes length and body apart; without this the kernel holds its acknowledgement back for 40 ms
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        part = await loop.sock_recv(link, count - len(got))
        if not part:
            raise EOFError
        got += part
    return got


def _framed(answer: bytes) -> bytes:
    return len(answer).to_bytes(2, "big") + answer


def _enter(process: int) -> None:
    """Move this thread into the network namespace of a process. Raises OSError."""
    namespace = os.open(f"/proc/{process}/ns/net", os.O_RDONLY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(namespace, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(namespace)
