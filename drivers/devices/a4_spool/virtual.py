"""The twin behind a spool folder: moves jobs along as a printer would.

python -m drivers.devices.a4_spool.virtual --folder DIR [--control PORT]

{"do": "set", "paper": "out"}   {"do": "fault", "name": "fail"}   clear   unplug   plug   state
"""

import argparse
import asyncio
from pathlib import Path
from typing import Any, Final

import msgspec

from drivers.devices.a4_spool import protocol
from drivers.wires.background import Background
from drivers.wires.control import play_until_stopped
from drivers.wires.twin_line import flood

FAULTS: Final = {
    "fail": "the next job fails",
    "stall": "nothing is taken out of the queue",
    "nonsense": "printer.json holds no JSON",
    "flood": "printer.json holds 10 MB of noise",
}
STEP_S: Final = 0.02


class VirtualSpool:
    """Prints what lies in a folder. `printed` are the PDFs that came out, by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._away = folder.with_name(folder.name + ".away")
        self.printed: dict[str, bytes] = {}
        self._said = protocol.Said(paper="ok")
        self._faults: set[str] = set()
        self._background = Background()

    @property
    def address(self) -> str:
        """What a technician would set."""
        return f"spool:{self.folder}"

    async def start(self) -> None:
        """Switch on."""
        self.plug()
        await self._background.start(self._work())

    async def stop(self) -> None:
        """Switch off; the folder and what lies in it stay."""
        await self._background.stop()

    def plug(self) -> None:
        """Put the folder (back) in its place."""
        if self._away.is_dir():
            self._away.rename(self.folder)
        for part in protocol.FOLDERS:
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        self._say()

    def unplug(self) -> None:
        """Take the folder away, as a share that is gone."""
        if self.folder.is_dir():
            self.folder.rename(self._away)

    def set(self, **said: Any) -> None:
        """Change what the printer says of itself. Raises ValueError."""
        self._said = msgspec.convert({**msgspec.structs.asdict(self._said), **said}, protocol.Said)
        self._say()

    def fault(self, name: str) -> None:
        """Arm a fault of `FAULTS`. Raises ValueError."""
        if name not in FAULTS:
            raise ValueError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
        self._faults.add(name)
        self._say()

    def clear(self) -> None:
        """No fault, paper in."""
        self._faults.clear()
        self._said = protocol.Said(paper="ok")
        self._say()

    def state(self) -> dict[str, Any]:
        """What a player may know."""
        lying = {part: len(list((self.folder / part).glob("*.pdf"))) for part in protocol.FOLDERS}
        return {"address": self.address, **msgspec.to_builtins(self._said), "jobs": lying}

    async def play(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order of the control door and return the state. Raises ValueError."""
        match order:
            case {"do": "set"}:
                self.set(**{key: value for key, value in order.items() if key != "do"})
            case {"do": "fault", "name": str(name)}:
                self.fault(name)
            case {"do": "clear"}:
                self.clear()
            case {"do": "unplug"}:
                self.unplug()
            case {"do": "plug"}:
                self.plug()
            case {"do": "state"}:
                pass
            case _:
                raise ValueError("cannot: set, fault, clear, unplug, plug, state")
        return self.state()

    def _say(self) -> None:
        if self.folder.is_dir():
            said = b"paper: ok" if "nonsense" in self._faults else msgspec.json.encode(self._said)
            said = flood() if "flood" in self._faults else said
            (self.folder / protocol.STATE_FILE).write_bytes(said)

    async def _work(self) -> None:
        while self._background.running:
            await asyncio.sleep(STEP_S)
            if protocol.printer_state(msgspec.json.encode(self._said)).ready and "stall" not in self._faults:
                self._step()

    def _step(self) -> None:
        """Move one job one step."""
        for job in sorted((self.folder / "work").glob("*.pdf")):
            failed = "fail" in self._faults
            self._faults.discard("fail")
            if not failed:
                self.printed[job.stem] = job.read_bytes()
            job.rename(self.folder / ("failed" if failed else "done") / job.name)
            return
        for job in sorted((self.folder / "new").glob("*.pdf"))[:1]:
            job.rename(self.folder / "work" / job.name)


def main() -> None:
    """Run the twin as a process until SIGTERM."""
    options = argparse.ArgumentParser(description="Virtual printer behind a spool folder.")
    options.add_argument("--folder", type=Path, required=True, help="the folder; made if it is not there")
    options.add_argument("--control", type=int, default=0, help="port of the control door (0: a free one)")
    chosen = options.parse_args()
    asyncio.run(play_until_stopped(VirtualSpool(chosen.folder), chosen.control))


if __name__ == "__main__":
    main()
