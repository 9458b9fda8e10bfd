"""The twin of a position receiver: a bus that is driven by hand.

python -m drivers.devices.gps.virtual --link PATH [--control PORT]

{"do": "at", "fix": {"state": "fix", "latitude": 30.25, "longitude": 120.16, "at_ms": 1795000000000}}
{"do": "fault", "name": "flipped"}   clear   unplug   plug   state
"""

from pathlib import Path
from typing import Any

import msgspec

from drivers.devices.gps import protocol
from drivers.ports import Fix
from drivers.wires.control import run_on_tty
from drivers.wires.twin_line import OnItsLine, SpeakingLine


class VirtualReceiver(OnItsLine):
    """A receiver on a tty; it reports when told to."""

    def __init__(self, *, link: Path | None = None, talker: str = "GN") -> None:
        self.line = SpeakingLine(lambda _: None, link)
        self._talker = talker

    def at(self, fix: Fix) -> None:
        """Report a position once."""
        self.line.say(protocol.report(fix, self._talker))

    async def play(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order of the control door and return the state. Raises ValueError."""
        match order:
            case {"do": "at", "fix": dict(fix)}:
                self.at(msgspec.convert(fix, Fix))
            case _:
                self.line.play(order)
        return self.line.state()


if __name__ == "__main__":
    run_on_tty("Virtual position receiver on a pseudo-terminal.", lambda link: VirtualReceiver(link=link))
