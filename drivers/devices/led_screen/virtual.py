"""The twin of an LED window screen: says what it shows, and draws it.

python -m drivers.devices.led_screen.virtual --link PATH [--control PORT] [--width N] [--height N] [--out DIR]

{"do": "state"} tells the lines shown; fault, clear, unplug, plug. With --out each picture is kept as PNG.
"""

import argparse
import asyncio
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont

from drivers.devices.led_screen import protocol
from drivers.devices.led_screen.protocol import Area, Packet, Packets
from drivers.errors import Garbled
from drivers.wires.control import play_until_stopped
from drivers.wires.twin_line import FAULTS as LINE_FAULTS
from drivers.wires.twin_line import OnItsLine, SpeakingLine

FAULTS: Final = {
    **LINE_FAULTS,
    "refuse": "the next order is refused: the controller has no fonts",
    "foreign": "the next answer is another screen's",
}
FONTS: Final = ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", "NotoSansCJK-Regular.ttc")
NUMBER: Final = 1
OTHER: Final = 9
NO_FONTS: Final = 7
TOO_LARGE: Final = 11
UNKNOWN_COMMAND: Final = 2


class VirtualScreen(OnItsLine):
    """A controller on a tty, or on a TCP port, with a screen of `width` × `height` pixels.

    `areas` is what it shows, by number.
    """

    def __init__(
        self,
        *,
        link: Path | None = None,
        tcp: bool = False,
        width: int = 192,
        height: int = 32,
        out: Path | None = None,
    ) -> None:
        self.line = SpeakingLine(self._received, link, tcp=tcp)
        self.areas: dict[int, Area] = {}
        self.shown = 0
        self._size = (width, height)
        self._out = out
        self._refuse = False
        self._number = NUMBER
        self._packets = Packets()

    @property
    def lines(self) -> list[str]:
        """The texts shown, from top to bottom."""
        return [area.text for area in sorted(self.areas.values(), key=lambda area: (area.y, area.x))]

    def fault(self, name: str) -> None:
        """Arm a fault of `FAULTS` for the next order. Raises ValueError."""
        if name == "refuse":
            self._refuse = True
        elif name == "foreign":
            self._number = OTHER
        else:
            self.line.fault(name)

    def picture(self) -> bytes:
        """What a passer-by sees, as PNG."""
        image = Image.new("RGB", self._size)
        draw = ImageDraw.Draw(image)
        for area in self.areas.values():
            draw.text((area.x, area.y), area.text, fill=(255, 40, 0), font=_font(min(area.height, 16)))
        kept = BytesIO()
        image.save(kept, "PNG")
        return kept.getvalue()

    async def play(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order of the control door and return the state. Raises ValueError."""
        match order:
            case {"do": "fault", "name": str(name)}:
                self.fault(name)
            case _:
                self.line.play(order)
        return {**self.line.state(), "lines": self.lines, "shown": self.shown}

    def _received(self, chunk: bytes) -> None:
        for event in self._packets.feed(chunk):
            if isinstance(event, Packet):
                error = self._obey(event.command)
                code = protocol.NACK if error else protocol.ACK
                said = protocol.answer(code, error)
                self.line.say(protocol.frame(said, to=event.sender, sender=self._number))
                self._number = NUMBER

    def _obey(self, command: bytes) -> int:
        """Carry out one command; the error number of a refusal, else 0."""
        if self._refuse:
            self._refuse = False
            return NO_FONTS
        if command[:2] == protocol.PING:
            return 0
        try:
            areas, clear = protocol.parse_areas(command)
        except Garbled:
            return UNKNOWN_COMMAND
        width, height = self._size
        if any(area.x + area.width > width or area.y + area.height > height for area in areas):
            return TOO_LARGE
        kept = {} if clear else self.areas
        self.areas = {**kept, **{area.number: area for area in areas}}
        self.shown += 1
        if self._out is not None:
            (self._out / f"{self.shown:04d}.png").write_bytes(self.picture())
        return 0


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for path in FONTS:
        try:
            return ImageFont.truetype(path, size, index=2)
        except OSError:
            continue
    return ImageFont.load_default(size)


def main() -> None:
    """Run the twin as a process until SIGTERM."""
    options = argparse.ArgumentParser(description="Virtual LED window screen on a pseudo-terminal.")
    options.add_argument("--link", type=Path, required=True, help="path of the tty for the driver")
    options.add_argument("--control", type=int, default=0, help="port of the control door (0: a free one)")
    options.add_argument("--width", type=int, default=192, help="pixels")
    options.add_argument("--height", type=int, default=32, help="pixels")
    options.add_argument("--out", type=Path, default=None, help="folder for pictures of what is shown")
    chosen = options.parse_args()
    if chosen.out is not None:
        chosen.out.mkdir(parents=True, exist_ok=True)
    twin = VirtualScreen(link=chosen.link, width=chosen.width, height=chosen.height, out=chosen.out)
    asyncio.run(play_until_stopped(twin, chosen.control))


if __name__ == "__main__":
    main()
