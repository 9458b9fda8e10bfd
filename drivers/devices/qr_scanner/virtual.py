"""The scanner's twin: shows it codes.

python -m drivers.devices.qr_scanner.virtual --link PATH [--control PORT]

{"do": "scan", "code": "YZ1.…"}   {"do": "fault", "name": "short"}   clear   unplug   plug   state
"""

from pathlib import Path
from typing import Any

from drivers.devices.qr_scanner import protocol
from drivers.wires.control import run_on_tty
from drivers.wires.twin_line import OnItsLine, SpeakingLine


class VirtualScanner(OnItsLine):
    """A scanner on a tty."""

    def __init__(self, *, link: Path | None = None) -> None:
        self.line = SpeakingLine(lambda _: None, link)

    def scan(self, code: str) -> None:
        """Hold a code before it."""
        self.line.say(protocol.encode(code))

    async def play(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order of the control door and return the state. Raises ValueError."""
        match order:
            case {"do": "scan", "code": str(code)}:
                self.scan(code)
            case _:
                self.line.play(order)
        return self.line.state()


if __name__ == "__main__":
    run_on_tty("Virtual scanner on a pseudo-terminal.", lambda link: VirtualScanner(link=link))
