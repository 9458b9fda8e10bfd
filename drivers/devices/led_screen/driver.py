"""The driver of an LED window screen: each order is acknowledged, or it says why not."""

from typing import Final

from drivers.devices.led_screen import protocol
from drivers.devices.led_screen.protocol import SCROLL_LEFT, STATIC, Area, Packets
from drivers.errors import Busy, Garbled, NotThisDevice, Unplugged
from drivers.wires.address import Address
from drivers.wires.listening import answered
from drivers.wires.open_line import open_line
from drivers.wires.wire import Turn, Wire, settle
from matters.model import Words

BAUD: Final = 9600
ANSWER_S: Final = 1.0
WIDTH: Final = 192
HEIGHT: Final = 32
LINE_PIXELS: Final = 16
COLUMN_PIXELS: Final = 8
WIDE: Final = 2
SCREEN_MAX: Final = 0xFFFF
SIZE_MAX: Final = 0x7FFF


class OnbonScreen:
    """`WindowScreen` on TCP (port 5005) or a serial line.

    Address options: `width`, `height` in pixels (192, 32), `screen` (its number, default any), `baud`.
    """

    def __init__(self, address: Address) -> None:
        address.only("width", "height", "screen", "baud")
        self.name = address.text
        self._address = address
        self._width = address.number("width", WIDTH)
        self._height = address.number("height", HEIGHT)
        self._screen = address.number("screen", protocol.ANY_SCREEN)
        if not (0 < self._width <= SIZE_MAX and 0 < self._height <= SIZE_MAX) or self._screen > SCREEN_MAX:
            raise NotThisDevice("width and height are 1 to 32767, screen at most 65535", device=self.name)
        self._line: Wire | None = None
        self._packets = Packets()
        self._turn = Turn(self.name)

    async def open(self) -> None:
        async with self._turn:
            if self._line is not None:
                return
            self._line = await open_line(self._address, BAUD)
            try:
                await self._ask(protocol.ping(), "ping")
            except Garbled as error:
                await self.close()
                raise NotThisDevice(
                    f"answers, but not as a screen does: {error.detail}", device=self.name
                ) from None
            except Unplugged as error:
                raise Busy(f"closed at once: {error.detail}", device=self.name) from None
            except BaseException:
                await self.close()
                raise

    async def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    async def show(self, *lines: str) -> None:
        async with self._turn:
            await self._ask(protocol.show(*self._areas(lines), clear=True), "show")

    async def clear(self) -> None:
        async with self._turn:
            await self._ask(protocol.show(*self._areas(("",)), clear=True), "clear")

    async def describe(self) -> Words:
        async with self._turn:
            await self._ask(protocol.ping(), "ping")
        return Words(
            zh=f"仰邦 K 系列，{self._width} × {self._height} 点",
            en=f"Onbon K, {self._width} × {self._height} pixels",
        )

    def _areas(self, lines: tuple[str, ...]) -> list[Area]:
        """One area a line, as high as the screen allows; what is too long for the screen scrolls."""
        most = max(1, self._height // LINE_PIXELS)
        kept = [*lines[: most - 1], " ".join(lines[most - 1 :])] if len(lines) > most else list(lines)
        height = self._height // len(kept)
        return [
            Area(
                number=number,
                y=number * height,
                width=self._width,
                height=height,
                text=text,
                display=SCROLL_LEFT if _pixels(text) > self._width else STATIC,
            )
            for number, text in enumerate(kept)
        ]

    async def _ask(self, command: bytes, asked: str) -> None:
        line = self._line
        if line is None:
            raise Unplugged("not open", device=self.name)
        try:
            await settle(line, quiet_s=0.0)
            await line.write(protocol.frame(command, to=self._screen), ANSWER_S)
            packet = await answered(line, self._packets, ANSWER_S)
            protocol.check_answer(packet, asked, self._screen)
        except Unplugged:
            await self.close()
            raise
        except Garbled as error:
            if self._line is not None:
                await settle(line)
            raise error.at(self.name) from None


def _pixels(text: str) -> int:
    """How wide a text is on the screen: 8 pixels an ASCII character, 16 any other."""
    return sum(COLUMN_PIXELS if mark.isascii() else WIDE * COLUMN_PIXELS for mark in text)
