"""The far end of a serial line: a real kernel tty whose other side a virtual twin holds.

A program opens `path` as it would open /dev/ttyUSB0. The twin sees the speed the program set, can send
slowly, and can pull the plug.
"""

import asyncio
import contextlib
import os
import termios
import tty
from collections.abc import Callable
from pathlib import Path

READ_BYTES = 4096
SLICE_S = 0.002
_SPEEDS = {
    termios.B9600: 9600,
    termios.B19200: 19200,
    termios.B38400: 38400,
    termios.B57600: 57600,
    termios.B115200: 115200,
}


class PseudoTerminal:
    """One pty pair. `received` is called in the event loop with what the program wrote.

    With `link`, that path is a symbolic link to the tty while plugged in, so that a replugged device is found
    under the same name.
    """

    def __init__(self, received: Callable[[bytes], None], link: Path | None = None) -> None:
        self._received = received
        self._link = link
        self._master: int | None = None
        self._slave: int | None = None
        self._tty = ""

    @property
    def path(self) -> str:
        """What the program opens."""
        return str(self._link or self._tty)

    @property
    def plugged(self) -> bool:
        """Whether the line exists now."""
        return self._master is not None

    @property
    def baud(self) -> int:
        """The speed the program set; 0 for one no device here speaks."""
        assert self._master is not None
        return _SPEEDS.get(termios.tcgetattr(self._master)[4], 0)

    def plug(self) -> None:
        """Make the line (in a running event loop). Plugging in twice changes nothing."""
        if self._master is not None:
            return
        self._master, self._slave = os.openpty()  # our own open slave keeps the pair alive between programs
        for end in (self._master, self._slave):
            tty.setraw(end)
        os.set_blocking(self._master, False)
        self._tty = os.ttyname(self._slave)
        if self._link is not None:
            _unlink(self._link)
            self._link.symlink_to(self._tty)
        asyncio.get_running_loop().add_reader(self._master, self._readable)

    def unplug(self) -> None:
        """Break the line: the program's next read or write fails. Doing it twice changes nothing."""
        if self._master is None or self._slave is None:
            return
        master, slave = self._master, self._slave
        self._master = self._slave = None
        loop = asyncio.get_running_loop()
        loop.remove_reader(master)
        loop.remove_writer(master)
        os.close(master)
        os.close(slave)
        if self._link is not None:
            _unlink(self._link)

    async def send(self, data: bytes, bytes_per_s: float = 0.0) -> None:
        """Send to the program, at the pace of a real line when `bytes_per_s` is set.

        Ends early when the plug is pulled. Waits while the program does not read.
        """
        loop = asyncio.get_running_loop()
        step = max(1, int(bytes_per_s * SLICE_S)) if bytes_per_s else READ_BYTES
        due = loop.time()
        for at in range(0, len(data), step):
            if bytes_per_s:
                due += step / bytes_per_s
                await asyncio.sleep(max(0.0, due - loop.time()))
            await self._send_all(data[at : at + step])

    async def _send_all(self, part: bytes) -> None:
        rest = memoryview(part)
        while rest and self._master is not None:
            try:
                rest = rest[os.write(self._master, rest) :]
            except BlockingIOError:
                await self._writable()

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        master = self._master
        assert master is not None
        loop.add_writer(master, ready.set)
        try:
            while not ready.is_set() and self._master == master:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.05):  # looks up now and then: the plug may be out
                        await ready.wait()
        finally:
            if self._master == master:
                loop.remove_writer(master)

    def _readable(self) -> None:
        assert self._master is not None
        with contextlib.suppress(BlockingIOError):
            chunk = os.read(self._master, READ_BYTES)
            self._received(chunk)


def _unlink(link: Path) -> None:
    link.unlink(missing_ok=True)
