"""The printer's twin: prints what a plain printer would, on TCP or on a real tty, with switches for faults.

In a test: `VirtualPrinter()`, `await start()`, print to `.address`, read `.papers`. As a process:

    python -m drivers.devices.receipt_printer.virtual --port N --out DIR [--control PORT]

writes each cut paper to DIR as 0001.txt with its pictures as 0001-1.png, and is played over JSON lines:

    {"do": "set", "paper": "out", "cover_open": true, "online": false, "fault": "cutter"}     any of them
    {"do": "fault", "name": "cover", "after_lines": 3}    {"do": "clear"}    {"do": "state"}
    {"do": "unplug"}   {"do": "off"}   {"do": "on"}
"""

import argparse
import asyncio
import socket
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from drivers.devices.receipt_printer import protocol
from drivers.devices.receipt_printer.commands import Order, Splitter, Token
from drivers.devices.receipt_printer.decoder import Paper, Typesetter
from drivers.ports import PaperLevel, PrinterState
from drivers.wires.background import Background
from drivers.wires.control import HOST, play_until_stopped
from drivers.wires.pseudo_terminal import PseudoTerminal
from drivers.wires.twin_line import flood
from matters.model import Words

FAULTS: Final = {
    "paper": "the paper ends after `after_lines` lines",
    "cover": "the cover is opened after `after_lines` lines",
    "offline": "someone presses the online key after `after_lines` lines",
    "unplug": "the cable is pulled after `after_lines` lines",
    "off": "the power goes after `after_lines` lines",
    "nonsense": "every real-time answer is FF",
    "flood": "the next real-time answer is 10 MB of noise",
    "silent": "no real-time answer",
    "mute": "no answer to GS r",
    "slow": "10 lines a second",
    "deaf": "takes no more bytes",
}
ORDERS_MAX: Final = 4096
READ_BYTES: Final = 4096
MEMORY_BYTES: Final = 8192
LINE_S: Final = 0.1
PAPERS_MAX: Final = 1000
_ORDER_ANSWER: Final[dict[PaperLevel, int]] = {"ok": 0x00, "near-end": 0x03, "out": 0x0C, "unknown": 0x00}
_NOTHING: Final = Words(zh="", en="")


class Switches(msgspec.Struct, forbid_unknown_fields=True):
    """The state a hand can change on the printer."""

    paper: PaperLevel = "ok"
    cover_open: bool = False
    online: bool = True
    fault: Literal["none", "cutter", "recoverable", "unrecoverable"] = "none"

    def state(self) -> PrinterState:
        """As the driver will see it; a printer that cannot print is offline."""
        held = self.cover_open or self.paper == "out" or self.fault != "none"
        return PrinterState(
            online=self.online and not held,
            paper=self.paper,
            cover_open=self.cover_open,
            fault=self.fault,
            words=_NOTHING,
            next=_NOTHING,
        )


class VirtualPrinter:
    """A printer on 127.0.0.1 (one client at a time, as real ones), or with `tty=True` on a serial line."""

    def __init__(
        self, *, out: Path | None = None, tty: bool = False, link: Path | None = None, port: int = 0
    ) -> None:
        self.switches = Switches()
        self.papers: list[Paper] = []
        self.port = port  # over TCP; 0 takes a free one
        self._out = out
        self._tty = PseudoTerminal(self._received, link) if tty else None
        self._server: asyncio.Server | None = None
        self._client: asyncio.StreamWriter | None = None
        self._splitter = Splitter()
        self._typesetter = Typesetter()
        self._orders: asyncio.Queue[Token] = asyncio.Queue(ORDERS_MAX)
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue(ORDERS_MAX)
        self._faults: dict[str, int] = {}
        self._able = asyncio.Event()
        self._hearing = asyncio.Event()
        self._hearing.set()
        self._background = Background()
        self._lines = 0
        self._printed = 0
        self._era = 0
        self._powered = False

    @property
    def address(self) -> str:
        """What a technician would set."""
        return f"serial:{self._tty.path}" if self._tty else f"tcp:{HOST}:{self.port}"

    @property
    def path(self) -> str:
        """The tty of a serial printer."""
        assert self._tty is not None
        return self._tty.path

    async def start(self) -> None:
        """Switch on."""
        await self._background.start(self._work(), self._listen_on_tty())
        await self.on()

    async def stop(self) -> None:
        """Switch off for good."""
        await self.off()
        await self._background.stop()

    async def on(self) -> None:
        """Power on, empty: whatever was in its memory is gone."""
        self._able.set()
        self._powered = True
        if self._tty is not None:
            self._tty.plug()
        elif self._server is None:
            self._server = await asyncio.start_server(self._serve, sock=_listen(self.port))
            self.port = self._server.sockets[0].getsockname()[1]

    async def off(self) -> None:
        """Power off: the line breaks, the memory is lost, the half-printed paper is torn off."""
        self._powered = False
        self._hearing.set()
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self.unplug()
        self._splitter.reset()
        while not self._orders.empty():
            self._orders.get_nowait()
        torn = self._typesetter.torn_off()
        if torn is not None:
            self._keep(torn)
        self._typesetter = Typesetter()

    def unplug(self) -> None:
        """Pull the cable; the printer keeps its memory. A serial line stays out until `on`."""
        if self._tty is not None:
            self._tty.unplug()
        if self._client is not None:
            self._client.transport.abort()
            self._client = None

    def set(self, **switches: Any) -> None:
        """Change switches. Raises ValueError for what a printer cannot be."""
        wanted = {**msgspec.structs.asdict(self.switches), **switches}
        self.switches = msgspec.convert(wanted, Switches)
        if self.switches.state().ready:
            self._able.set()
        else:
            self._able.clear()

    def fault(self, name: str, *, after_lines: int = 0) -> None:
        """Arm a fault of `FAULTS`; those with `after_lines` count from now. Raises ValueError."""
        if name not in FAULTS:
            raise ValueError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
        self._faults[name] = self._lines + after_lines
        if name == "deaf":
            self._hearing.clear()

    def clear(self) -> None:
        """No fault, paper in, cover closed, online."""
        self._faults.clear()
        self.switches = Switches()
        self._able.set()
        self._hearing.set()

    def state(self) -> dict[str, Any]:
        """What a player may know."""
        switches = msgspec.to_builtins(self.switches)
        return {"address": self.address, **switches, "papers": self._printed, "faults": list(self._faults)}

    async def play(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order of the control door and return the state. Raises ValueError."""
        rest = {key: value for key, value in order.items() if key != "do"}
        match order.get("do"):
            case "set":
                self.set(**rest)
            case "fault":
                self.fault(str(rest["name"]), after_lines=int(rest.get("after_lines", 0)))
            case "clear":
                self.clear()
            case "unplug":
                self.unplug()
            case "off":
                await self.off()
            case "on":
                await self.on()
            case "state":
                pass
            case other:
                raise ValueError(f"cannot {other!r}: set, fault, clear, unplug, off, on, state")
        return self.state()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._client is not None:
            writer.transport.abort()  # one client at a time
            return
        self._client = writer
        try:
            while chunk := await reader.read(READ_BYTES):
                await self._take(chunk)
        except OSError:
            return  # the client left in the middle; the printer does not care
        finally:
            if self._client is writer:
                self._client = None
            writer.close()

    def _received(self, chunk: bytes) -> None:
        if not self._chunks.full():
            self._chunks.put_nowait(chunk)

    async def _listen_on_tty(self) -> None:
        while self._background.running:
            await self._take(await self._chunks.get())

    async def _take(self, chunk: bytes) -> None:
        await self._hearing.wait()
        for token in self._splitter.feed(chunk):
            if not self._powered:
                return
            if isinstance(token, Order) and token.name == b"\x10\x04":
                await self._answer_now(token.rest[0])
            elif isinstance(token, Order) and token.name == b"\x10\x05":
                self._recover()
            else:
                await self._orders.put(token)

    def _recover(self) -> None:
        """Forget what waits; clear an error that can be cleared, at once."""
        self._era += 1
        while not self._orders.empty():
            self._orders.get_nowait()
        torn = self._typesetter.torn_off()
        if torn is not None:
            self._keep(torn)
        self._typesetter = Typesetter()
        if self.switches.fault != "unrecoverable":
            self.set(fault="none")

    async def _answer_now(self, number: int) -> None:
        """Real-time status: answered before anything that waits to be printed."""
        if "silent" in self._faults or number not in protocol.STATUS_NUMBERS:
            return
        byte = protocol.status_answers(self.switches.state())[number - 1]
        flooded = self._faults.pop("flood", None) is not None
        await self._say(flood() if flooded else b"\xff" if "nonsense" in self._faults else bytes((byte,)))

    async def _say(self, answer: bytes) -> None:
        if self._tty is not None:
            await self._tty.send(answer)
        elif self._client is not None:
            self._client.write(answer)

    async def _work(self) -> None:
        """Print token by token, as long as the printer can."""
        while self._background.running:
            token, era = await self._orders.get(), self._era
            await self._able.wait()
            if era != self._era:
                continue  # it was forgotten while it waited
            if isinstance(token, Order) and token.name == b"\x1dr":
                if "mute" not in self._faults:
                    await self._say(bytes((_ORDER_ANSWER[self.switches.paper],)))
                continue
            before = self._typesetter.lines_printed
            paper = self._typesetter.take(token)
            if paper is not None:
                self._keep(paper)
            elif self._typesetter.lines_printed > before:
                await self._line_printed()

    async def _line_printed(self) -> None:
        self._lines += 1
        if "slow" in self._faults:
            await asyncio.sleep(LINE_S)
        for name in ("paper", "cover", "offline", "unplug", "off"):
            if self._faults.get(name, self._lines + 1) <= self._lines:
                del self._faults[name]
                await self._strike(name)

    async def _strike(self, name: str) -> None:
        match name:
            case "paper":
                self.set(paper="out")
            case "cover":
                self.set(cover_open=True)
            case "offline":
                self.set(online=False)
            case "unplug":
                self.unplug()
            case _:
                await self.off()

    def _keep(self, paper: Paper) -> None:
        self._printed += 1
        self.papers.append(paper)
        del self.papers[:-PAPERS_MAX]
        if self._out is not None:
            name = f"{self._printed:04d}"
            for number, picture in enumerate(paper.pictures, start=1):
                (self._out / f"{name}-{number}.png").write_bytes(picture.png())
            unfinished = self._out / f"{name}.part"
            unfinished.write_text(paper.text + "\n", encoding="utf-8")
            unfinished.replace(self._out / f"{name}.txt")


def _listen(port: int) -> socket.socket:
    """A listening socket that takes in as little ahead as a printer with a small memory does."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MEMORY_BYTES)
    listener.bind((HOST, port))
    return listener


def main() -> None:
    """Run the twin as a process until SIGTERM."""
    options = argparse.ArgumentParser(description="Virtual slip printer.")
    options.add_argument("--port", type=int, default=0, help="TCP port on 127.0.0.1 (0: a free one)")
    options.add_argument("--link", type=Path, default=None, help="be serial: path of the tty for the driver")
    options.add_argument("--out", type=Path, required=True, help="folder for the papers")
    options.add_argument("--control", type=int, default=0, help="port of the control door (0: a free one)")
    chosen = options.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    twin = VirtualPrinter(out=chosen.out, tty=chosen.link is not None, link=chosen.link, port=chosen.port)
    asyncio.run(play_until_stopped(twin, chosen.control))


if __name__ == "__main__":
    main()
