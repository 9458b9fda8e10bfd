"""A real pcscd for the programs of a browser test, and virtual cards as processes in its two readers."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.rig.card_daemon import PORT, READER, ROOT, SOCKET, configured
from tests.rig.pcscd_alone import CANNOT_CONTAIN, PCSCD
from tests.story.programs import Program, Twin, free_port
from tests.waiting import until

START_S = 20
SLOTS = tuple(f"pcsc:{quote(f'{READER} 00 0{number}')}" for number in range(2))
"""The addresses of the two readers."""


class Slots:
    """The daemon, and the cards that can be laid in its readers."""

    def __init__(self, daemon: subprocess.Popen[bytes], folder: Path) -> None:
        self._daemon, self._folder = daemon, folder
        self._cards: dict[str, Twin] = {}
        self.programs: list[Program] = []

    def card(self, module: str, slot: int) -> Twin:
        """The virtual card of that kind for a reader, not lying in it."""
        if module in self._cards:
            return self._cards[module]
        door = free_port()
        words = [f"drivers.devices.{module}.virtual", "--port", str(PORT + slot), "--control", str(door)]
        log = self._folder / f"{module}.log"
        self.programs.append(Program(module, [*words, "--inside", str(self._daemon.pid)], log))
        until(lambda: "ready" in log.read_text(), f"{module} is ready", START_S)
        self._cards[module] = Twin(door)
        return self._cards[module]


@contextmanager
def slots(folder: Path) -> Iterator[Slots]:
    """pcscd in a network of its own; the test is skipped, with the reason, where the kernel forbids that."""
    SOCKET.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(SOCKET))
        listening.listen(16)
        words = [sys.executable, "-m", "tests.rig.pcscd_alone", str(configured())]
        daemon = subprocess.Popen(words, stdin=listening.fileno(), cwd=ROOT)
    made = Slots(daemon, folder)
    try:
        until(lambda: daemon.poll() is not None or _is_pcscd(daemon.pid), "pcscd runs", START_S)
        if daemon.poll() == CANNOT_CONTAIN:
            pytest.skip("the virtual reader cannot be contained here")
        yield made
    finally:
        for program in made.programs:
            program.stop()
        daemon.kill()
        daemon.wait(START_S)
        SOCKET.unlink(missing_ok=True)


def _is_pcscd(pid: int) -> bool:
    return str(Path(f"/proc/{pid}/exe").readlink()) == PCSCD
