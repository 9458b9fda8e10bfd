"""The twins of a training node: virtual devices on real wires, and what hands may do to them.

The hall's drivers speak to them as to any device; nothing here reaches a real one.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Protocol

from drivers.devices.a4_spool.virtual import VirtualSpool
from drivers.devices.caller_keys.virtual import VirtualPads
from drivers.devices.document_camera.virtual import VirtualCamera, drawn
from drivers.devices.led_screen.virtual import VirtualScreen
from drivers.devices.qr_scanner.virtual import VirtualScanner
from drivers.devices.receipt_printer.virtual import VirtualPrinter
from drivers.devices.resident_id.virtual import VirtualReader
from drivers.ports import CardRecord
from edge.settings import DeviceSetting

READER: Final = "练习阅读机"
SLIPS: Final = "练习回执机"
SHEETS: Final = "练习报告机"
PADS: Final = "练习按键器"
SCANNER: Final = "练习扫描枪"
SCREEN: Final = "练习显示屏"
CAMERA: Final = "练习高拍仪"
SLIP_LINES_MAX: Final = 80
PAPER: Final = "TRAINING: household register"


class _Twin(Protocol):
    """What every twin can: be switched on and off."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class Twins:
    """One of each device of a window. `start` before the hall, `stop` after it."""

    def __init__(self, folder: Path, cards: tuple[CardRecord, ...]) -> None:
        self._cards = cards
        folder.mkdir(parents=True, exist_ok=True)
        self._reader = VirtualReader(wire_time=True, link=folder / "reader")
        self._slips = VirtualPrinter()
        self._sheets = VirtualSpool(folder / "sheets")
        self._pads = VirtualPads(link=folder / "pads")
        self._scanner = VirtualScanner(link=folder / "scanner")
        self._screen = VirtualScreen(link=folder / "screen")
        self._camera = VirtualCamera(link=folder / "camera")
        self._laid = ""

    async def start(self) -> None:
        """Switch all of them on."""
        for twin in self._all():
            await twin.start()

    async def stop(self) -> None:
        """Switch all of them off for good."""
        for twin in self._all():
            await twin.stop()

    def settings(self) -> tuple[DeviceSetting, ...]:
        """Where the hall finds them; call after `start`."""
        return (
            DeviceSetting(name=READER, kind="id_reader", address=f"serial:{self._reader.path}?baud=115200"),
            DeviceSetting(name=SLIPS, kind="receipt_printer", address=self._slips.address),
            DeviceSetting(name=SHEETS, kind="a4_printer", address=self._sheets.address),
            DeviceSetting(name=PADS, kind="caller_keys", address=f"serial:{self._pads.path}"),
            DeviceSetting(name=SCANNER, kind="qr_scanner", address=f"serial:{self._scanner.path}"),
            DeviceSetting(name=SCREEN, kind="led_screen", address=f"serial:{self._screen.path}"),
            DeviceSetting(name=CAMERA, kind="document_camera", address=f"video:{self._camera.path}"),
        )

    async def play(self, name: str, act: str) -> bool:
        """One thing a hand does; False when there is no such twin or no such act."""
        hand = self._hands().get((name, act))
        if hand is not None:
            await hand()
        return hand is not None

    def acts(self, name: str) -> tuple[str, ...]:
        """What hands may do to a twin, in the order of the buttons."""
        return tuple(act for twin, act in self._hands() if twin == name)

    def laid(self) -> str:
        """The name on the card that lies on the reader, "" when none does."""
        return self._laid

    def paper(self, name: str) -> str:
        """The paper of a printer as its switch stands."""
        return self._slips.switches.paper if name == SLIPS else str(self._sheets.state()["paper"])

    def shown(self) -> str:
        """What stands on the screen, lines side by side."""
        return "  ".join(line for line in self._screen.lines if line)

    def slip(self) -> tuple[str, ...]:
        """The last slip as it can be read."""
        papers = self._slips.papers
        lines = papers[-1].lines[:SLIP_LINES_MAX] if papers else ()
        return tuple("［二维码 QR］" if line.startswith("[qr:") else line for line in lines)

    def sheets(self) -> int:
        """How many A4 papers came out."""
        return len(self._sheets.printed)

    def _all(self) -> tuple[_Twin, ...]:
        return (
            self._reader,
            self._slips,
            self._sheets,
            self._pads,
            self._scanner,
            self._screen,
            self._camera,
        )

    def _hands(self) -> dict[tuple[str, str], Callable[[], Awaitable[None]]]:
        table: dict[tuple[str, str], Callable[[], object]] = {
            **{(READER, f"lay:{place}"): self._lay(card) for place, card in enumerate(self._cards)},
            (READER, "lift"): self._lift,
            (READER, "unplug"): self._reader.unplug,
            (READER, "plug"): self._reader.plug,
            (SLIPS, "paper-out"): lambda: self._slips.set(paper="out"),
            (SLIPS, "paper-in"): lambda: self._slips.set(paper="ok"),
            (SHEETS, "paper-out"): lambda: self._sheets.set(paper="out"),
            (SHEETS, "paper-in"): self._sheets.clear,
            (SHEETS, "jam"): lambda: self._sheets.fault("fail"),
            (PADS, "press"): lambda: self._pads.press("call"),
            (SCREEN, "unplug"): self._screen.line.tty.unplug,
            (SCREEN, "plug"): self._screen.line.tty.plug,
            (CAMERA, "paper"): lambda: self._camera.look(drawn(PAPER, width=640, height=480)),
            (CAMERA, "unplug"): self._camera.line.tty.unplug,
            (CAMERA, "plug"): self._camera.line.tty.plug,
            (SCANNER, "scan"): lambda: self._scanner.scan("LIANXI-0001"),
        }
        hands = {place: _later(work) for place, work in table.items()}
        return {**hands, (SLIPS, "off"): self._slips.off, (SLIPS, "on"): self._slips.on}

    def _lay(self, card: CardRecord) -> Callable[[], None]:
        def lay() -> None:
            self._reader.lift()
            self._reader.lay(card)
            self._laid = card.name

        return lay

    def _lift(self) -> None:
        self._reader.lift()
        self._laid = ""


def _later(work: Callable[[], object]) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        work()

    return run
