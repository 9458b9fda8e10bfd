"""How a twin that runs as a process is played: one JSON object a line over TCP on 127.0.0.1.

{"do": "lift"}              →  {"ok": true, …}
{"do": "dance"}             →  {"ok": false, "why": "…"}
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec

Play = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

LINE_BYTES_MAX = 256 * 1024
CLIENTS_MAX = 8
HOST = "127.0.0.1"


class ControlDoor:
    """Listens on 127.0.0.1 and hands each order to `play`, which raises ValueError to refuse one."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def start(self, port: int = 0) -> None:
        """Listen on `port`, or on a free one; `port` then says which."""
        self._server = await asyncio.start_server(self._serve, HOST, port, limit=LINE_BYTES_MAX)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the door and every open connection."""
        if self._server is None:
            return
        self._server.close()
        for client in tuple(self._clients):
            client.transport.abort()
        await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._clients) >= CLIENTS_MAX:
            writer.transport.abort()
            return
        self._clients.add(writer)
        try:
            while line := await reader.readline():
                writer.write(msgspec.json.encode(await self._answer(line)) + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            return  # the player left, or sent a line over the limit: the connection ends, the twin goes on
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            order = msgspec.json.decode(line, type=dict[str, Any])
            return {"ok": True, **await self._play(order)}
        except (ValueError, KeyError, msgspec.MsgspecError) as wrong:
            return {"ok": False, "why": str(wrong)}


async def until_stopped(**ready: object) -> None:
    """Say on standard output, in one line of JSON, that the twin is ready; return at SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    sys.stdout.write(msgspec.json.encode({"ready": True, **ready}).decode() + "\n")
    sys.stdout.flush()
    await stopped.wait()


class Twin(Protocol):
    """What a twin needs to run as a process."""

    async def start(self) -> None:
        """Power on."""

    async def stop(self) -> None:
        """Power off for good."""

    async def play(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order of the control door."""


async def play_until_stopped(twin: Twin, control: int) -> None:
    """Run a twin and its control door until SIGTERM; its state and the door's port are its first words."""
    door = ControlDoor(twin.play)
    await twin.start()
    await door.start(control)
    try:
        await until_stopped(**await twin.play({"do": "state"}), control=door.port)
    finally:
        await door.stop()
        await twin.stop()


def run_on_tty(words: str, make: Callable[[Path], Twin]) -> None:
    """The command line of a twin on a tty: `--link PATH [--control PORT]`."""
    options = argparse.ArgumentParser(description=words)
    options.add_argument("--link", type=Path, required=True, help="path of the tty for the driver")
    options.add_argument("--control", type=int, default=0, help="port of the control door (0: a free one)")
    chosen = options.parse_args()
    asyncio.run(play_until_stopped(make(chosen.link), chosen.control))
