"""The conversation of a driver with whatever prints from a folder: what each of them put where, and when.

A saying is lines of text, so that those of one end after another are one saying:

    new/NAME.pdf CONTENT-IN-HEX            the driver handed a job over
    new/NAME.pdf work/NAME.pdf             the printer moved it on
    printer.json CONTENT-IN-HEX            the printer said something of itself
"""

import asyncio
from pathlib import Path
from typing import Final

from drivers.wires.background import Background
from drivers.wires.conversation import Conversation, Saying

STATE: Final = "printer.json"
HANDED_OVER: Final = "new"
LOOK_S: Final = 0.002
FILES_MAX: Final = 1000
FILE_BYTES_MAX: Final = 4 * 1024 * 1024


class FolderRecorder:
    """Looks at a folder again and again, and keeps what changed in it, jobs whole: record test jobs only."""

    def __init__(self, folder: Path) -> None:
        self.conversation = Conversation()
        self._folder = folder
        self._places: dict[str, str] = {}
        self._state = b""
        self._background = Background()

    async def start(self) -> None:
        """Look from now on; what lies there already is not told."""
        self._places = dict(self._jobs())
        await self._background.start(self._watch())

    async def stop(self) -> None:
        """Look a last time, then no more."""
        self._look()
        await self._background.stop()

    async def _watch(self) -> None:
        while self._background.running:
            self._look()
            await asyncio.sleep(LOOK_S)

    def _look(self) -> None:
        said = _read(self._folder / STATE)
        if said != self._state:
            self._state = said
            self.conversation.add("device", f"{STATE} {said.hex()}\n".encode())
        for name, place in self._jobs():
            before = self._places.get(name)
            if before is None:
                content = _read(self._folder / place / name)
                if not content:
                    continue
                self.conversation.add("driver", f"{HANDED_OVER}/{name} {content.hex()}\n".encode())
            if place != (before or HANDED_OVER):
                line = f"{before or HANDED_OVER}/{name} {place}/{name}\n"
                self.conversation.add("device", line.encode())
            self._places[name] = place

    def _jobs(self) -> list[tuple[str, str]]:
        """Each job's file and the part of the folder it lies in."""
        files = sorted(self._folder.glob("*/*.pdf"))[:FILES_MAX]
        return [(file.name, file.parent.name) for file in files]


class FolderReplay:
    """A printer that does again what was recorded, once the driver has handed over the same jobs.

    `wrong` says where the driver first left the recording; from there on nothing moves.
    """

    def __init__(self, conversation: Conversation, folder: Path) -> None:
        self.wrong = ""
        self._folder = folder
        self._left = list(conversation.sayings)
        self._background = Background()

    @property
    def finished(self) -> bool:
        """Whether everything recorded was done again."""
        return not self._left and not self.wrong

    async def start(self) -> None:
        """Say what the printer says before any job, then wait for jobs."""
        self._go_on()
        await self._background.start(self._watch())

    async def stop(self) -> None:
        """Print no more."""
        await self._background.stop()

    async def _watch(self) -> None:
        while self._background.running:
            self._go_on()
            await asyncio.sleep(LOOK_S)

    def _go_on(self) -> None:
        while self._left and not self.wrong and self._happens(self._left[0]):
            self._left.pop(0)

    def _happens(self, saying: Saying) -> bool:
        lines = [line.split(" ") for line in saying.said.decode().splitlines()]
        if saying.by == "device":
            for place, what in lines:
                self._do(place, what)
            return True
        handed = [(self._folder / place, bytes.fromhex(what)) for place, what in lines]
        if not all(file.exists() for file, _ in handed):
            return False
        other = [file.name for file, content in handed if _read(file) != content]
        self.wrong = f"{', '.join(other)} is another job" if other else ""
        return not other

    def _do(self, place: str, what: str) -> None:
        if place == STATE:
            (self._folder / STATE).write_bytes(bytes.fromhex(what))
        else:
            (self._folder / place).rename(self._folder / what)


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(FILE_BYTES_MAX)
    except OSError:
        return b""  # not there, or just moved on: the next look tells
