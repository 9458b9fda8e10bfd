"""A real pcscd with virtual readers, started without systemd in a network of its own; stopped, restarted."""

import asyncio
import atexit
import contextlib
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any, Self

import pytest

from tests.rig.bench import soon
from tests.rig.pcscd_alone import CANNOT_CONTAIN, PCSCD

READER = "Hall card slot"
DRIVER = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
PORT = 28123  # in the daemon's own network: always free
ROOT = Path(__file__).parents[2]

FOLDER = Path(tempfile.mkdtemp(prefix="yizhan-pcscd-"))
SOCKET = FOLDER / "pcscd.comm"
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
os.environ["PCSCLITE_CSOCK_NAME"] = str(SOCKET)  # libpcsclite reads it once a process


def configured() -> Path:
    """The folder that tells pcscd its two virtual readers."""
    for needed in (PCSCD, DRIVER):
        assert os.access(needed, os.R_OK), f"{needed} is missing: run make setup"
    conf = FOLDER / "readers"
    conf.mkdir(exist_ok=True)
    lines = (
        f'FRIENDLYNAME "{READER}"',
        f"DEVICENAME /dev/null:{PORT:#06x}",
        f"LIBPATH {DRIVER}",
        f"CHANNELID {PORT:#06x}",
    )
    (conf / "vpcd").write_text("\n".join(lines) + "\n")
    return conf


class CardDaemon:
    """One pcscd. Readers are called `Hall card slot 00 00` and `… 00 01`; cards connect to `port` and `port + 1`."""

    def __init__(self) -> None:
        self.port = PORT
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process, whose network the cards enter."""
        assert self._process is not None
        return self._process.pid

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start it; skips the test, with the reason, where the kernel forbids a network of its own."""
        conf = configured()
        SOCKET.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(SOCKET))
            listening.listen(16)
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.rig.pcscd_alone",
                str(conf),
                stdin=listening.fileno(),
                stderr=asyncio.subprocess.PIPE,
                cwd=ROOT,
            )
        await soon(self._is_pcscd)
        if self._process.returncode == CANNOT_CONTAIN:
            assert self._process.stderr is not None
            why = (await self._process.stderr.read()).decode()
            self._process = None
            pytest.skip(f"the virtual reader cannot be contained here: {why.strip()}")

    async def stop(self) -> None:
        """Stop it as an update would: readers, cards and contexts are gone."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            async with asyncio.timeout(10):
                await process.communicate()
            SOCKET.unlink(missing_ok=True)

    def kill(self) -> None:
        """Stop it at once; `stop` tidies up afterwards."""
        if self._process is not None:
            self._process.kill()
            SOCKET.unlink(missing_ok=True)

    def _is_pcscd(self) -> bool:
        """Whether the process has become pcscd, or ended."""
        assert self._process is not None
        if self._process.returncode is not None:
            return True
        return str(Path(f"/proc/{self._process.pid}/exe").readlink()) == PCSCD


class CardInDaemon:
    """A virtual card and the daemon in whose first reader it is laid."""

    def __init__(self, card: Any) -> None:
        self.card = card
        self.daemon = CardDaemon()

    async def start(self) -> None:
        """Start the daemon, then the card, not yet laid."""
        await self._plug()
        self.card.line.unplug = self.daemon.kill
        await self.card.start()

    async def stop(self) -> None:
        """End both. Stopping twice is no error."""
        await self.card.stop()
        await self.daemon.stop()

    async def replug(self) -> None:
        """End the daemon, if it still runs, and start it anew."""
        await self.daemon.stop()
        await self._plug()

    async def _plug(self) -> None:
        await self.daemon.start()
        self.card.line.port, self.card.line.inside = self.daemon.port, self.daemon.pid
