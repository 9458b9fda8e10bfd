"""One bench for each row of the device registry: what the contract suite pushes."""

import itertools
from pathlib import Path
from typing import Any

from drivers.devices.a4_ipp.virtual import VirtualQueue
from drivers.devices.a4_spool.virtual import VirtualSpool
from drivers.devices.caller_keys.virtual import VirtualPads
from drivers.devices.gps.virtual import VirtualReceiver
from drivers.devices.led_screen.virtual import VirtualScreen
from drivers.devices.organisation_card.virtual import VirtualOrganisationCard
from drivers.devices.qr_scanner.virtual import VirtualScanner
from drivers.devices.receipt_printer.protocol import Slip
from drivers.devices.receipt_printer.virtual import VirtualPrinter
from drivers.devices.resident_id.virtual import VirtualReader
from drivers.devices.social_card.virtual import VirtualSocialCard
from drivers.devices.staff_card.virtual import VirtualStaffCard
from drivers.errors import Unplugged
from drivers.registry import open_device
from tests.rig.card_daemon import CardInDaemon
from tests.unit.drivers.samples import CITIZEN, HERE, ORGANISATION, SOCIAL

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40
SLIP = bytes(Slip().text("政务服务").cut())
_NUMBERS = itertools.count(1)


class Bench:
    """A twin with its device, and the same pushes for every kind of port.

    `looks`: opening asks the device something. `silent_at_open`: a silent device then does not open. `shared`:
    several programs may use it at once.
    """

    kind: Any
    twin: Any
    device: Any
    address: str
    looks = True
    silent_at_open = True
    shared = False

    def __init__(self, scheme: str, folder: Path) -> None:
        """Build the twin for a kind of line, with a folder for its files."""
        raise NotImplementedError

    async def begin(self) -> None:
        """Switch the twin on."""
        await self.twin.start()

    async def use(self) -> object:
        """One piece of work, whole."""
        raise NotImplementedError

    def good(self, result: Any) -> bool:
        """Whether the work came out right, at the twin too."""
        raise NotImplementedError

    def hush(self) -> None:
        """Make the device silent."""
        self.twin.fault("silent")

    def garble(self) -> None:
        """Make its next answer nonsense."""
        raise NotImplementedError

    def pull(self) -> None:
        """Pull the plug, or arm it to be pulled in mid-use."""
        raise NotImplementedError

    def mend(self) -> None:
        """No fault any more."""
        self.twin.clear()

    async def replug(self) -> None:
        """Put the plug back."""
        self.twin.plug()

    async def leave(self) -> None:
        """Take the device away altogether."""
        await self.twin.stop()


class ReaderBench(Bench):
    """A card is laid before each use."""

    kind = "id_reader"

    def __init__(self, scheme, folder):
        assert scheme == "serial"
        self.twin = VirtualReader(link=folder / "device")
        self.address = f"serial:{folder / 'device'}"
        self.device = open_device("id_reader", self.address)

    async def use(self):
        self.twin.lift()
        self.twin.lay(CITIZEN)
        return await self.device.read_card(2.0)

    def good(self, result):
        return result == CITIZEN

    def hush(self):
        self.twin.fault("silent", times=100)

    def garble(self):
        self.twin.fault("garbage", times=100)

    def pull(self):
        self.twin.fault("unplug", on="3001")


class LateBench(Bench):
    """A device whose address is known only once its twin listens."""

    async def begin(self):
        await super().begin()
        self.address = self.twin.address
        self.device = open_device(self.kind, self.address)

    async def replug(self):
        await self.twin.on()


class PrinterBench(LateBench):
    """A use prints one slip."""

    kind = "receipt_printer"

    def __init__(self, scheme, folder):
        self.twin = VirtualPrinter(tty=scheme != "tcp", link=folder / "device")
        self._scheme = scheme

    async def begin(self):
        await super().begin()
        if self._scheme == "usb":  # a tty stands for /dev/usb/lp0: a character device, both ways
            self.address = f"usb:{self.twin.path}"
            self.device = open_device("receipt_printer", self.address)

    async def use(self):
        outcome = await self.device.print(SLIP)
        if outcome.reason == "device-unplugged":
            raise Unplugged(outcome.reason)
        return outcome

    def good(self, result):
        return result.confirmed and self.twin.papers[-1].text == "政务服务"

    def garble(self):
        self.twin.fault("nonsense")

    def pull(self):
        self.twin.fault("unplug", after_lines=1)


class QueueBench(LateBench):
    """A use prints one PDF and waits for its end."""

    kind = "a4_printer"
    shared = True

    def __init__(self, scheme, _folder):
        assert scheme == "ipp"
        self.twin = VirtualQueue()

    async def use(self):
        return await print_sheet(self.device)

    def good(self, result):
        return result.stage == "done" and self.twin.printed[-1] == PDF

    def garble(self):
        self.twin.fault("garbage")

    def pull(self):
        self.twin.fault("cut")


class SpoolBench(Bench):
    """A use prints one PDF and waits for its end."""

    kind = "a4_printer"
    silent_at_open = False

    def __init__(self, scheme, folder):
        assert scheme == "spool"
        self.twin = VirtualSpool(folder / "device")
        self.address = self.twin.address
        self.device = open_device("a4_printer", self.address)

    async def use(self):
        return await print_sheet(self.device)

    def good(self, result):
        return result.stage == "done" and self.twin.printed[result.job] == PDF

    def hush(self):
        self.twin.fault("stall")

    def garble(self):
        self.twin.fault("nonsense")

    def pull(self):
        self.twin.unplug()

    async def leave(self):
        await self.twin.stop()
        self.twin.unplug()


async def print_sheet(device):
    """Ask, submit under a name of its own, wait for the end."""
    await device.status()
    handed = await device.submit(PDF, f"sheet-{next(_NUMBERS)}")
    return await device.finished(handed.job, 1.0)


class SpeakingBench(Bench):
    """A device that speaks by itself; a use makes it speak once."""

    looks = False
    make: Any
    garbling = "flipped"

    def __init__(self, scheme, folder):
        assert scheme == "serial"
        self.twin = self.make(link=folder / "device")
        self.address = f"serial:{folder / 'device'}"
        self.device = open_device(self.kind, self.address)

    def hush(self):
        self.twin.line.fault("silent")

    def garble(self):
        self.twin.line.fault(self.garbling)

    def pull(self):
        self.twin.line.fault("unplug")

    def mend(self):
        self.twin.line.clear()

    async def replug(self):
        self.twin.line.tty.plug()


class PadsBench(SpeakingBench):
    kind = "caller_keys"
    make = VirtualPads

    async def use(self):
        self.twin.press("call", pad=4)
        return await self.device.next_key(0.5)

    def good(self, result):
        return (result.pad, result.action) == (4, "call")


class ScreenBench(SpeakingBench):
    """A use shows two lines."""

    kind = "led_screen"
    looks = True
    garbling = "garbage"

    def __init__(self, scheme, folder):
        self.twin = VirtualScreen(link=folder / "device", tcp=scheme == "tcp")
        self._scheme = scheme

    async def begin(self):
        await self.twin.start()
        self.address = f"{self._scheme}:{self.twin.path}"
        self.device = open_device("led_screen", self.address)

    async def use(self):
        await self.device.show("请 A012 号", "到 3 号窗口")
        return list(self.twin.lines)

    def good(self, result):
        return result == ["请 A012 号", "到 3 号窗口"]


class ScannerBench(SpeakingBench):
    kind = "qr_scanner"
    make = VirtualScanner
    garbling = "short"

    async def use(self):
        self.twin.scan("取号·A012")
        return await self.device.next_code(0.5)

    def good(self, result):
        return result == "取号·A012"


class ReceiverBench(SpeakingBench):
    kind = "gps"
    make = VirtualReceiver

    async def use(self):
        self.twin.at(HERE)
        return await self.device.next_fix(0.5)

    def good(self, result):
        return result == HERE


class ChipBench(Bench):
    """A card is laid before each use, in a virtual reader of a real pcscd; many programs may share the reader."""

    looks = False
    silent_at_open = False
    shared = True
    make: Any
    hushed = False

    def __init__(self, scheme, _folder):
        assert scheme == "pcsc"
        self.twin = CardInDaemon(self.make())
        self.address = "pcsc:*"
        self.device = open_device(self.kind, self.address)

    async def use(self):
        self.twin.card.line.lift()
        if not self.hushed:
            self.twin.card.line.lay()
        return await self.read(0.3 if self.hushed else 3.0)

    async def read(self, timeout_s):
        """One whole read of the card that lies there."""
        return await self.device.read_card(timeout_s)

    def hush(self):
        self.hushed = True

    def garble(self):
        self.twin.card.line.fault("short")

    def pull(self):
        self.twin.card.line.fault("unplug", after=2)

    def mend(self):
        self.hushed = False
        self.twin.card.line.clear()

    async def replug(self):
        await self.twin.replug()


class SocialBench(ChipBench):
    kind = "social_card"

    @staticmethod
    def make():
        return VirtualSocialCard(card=SOCIAL)

    async def read(self, timeout_s):
        return await self.device.read_card(timeout_s, "123456")

    def good(self, result):
        return result == SOCIAL


class OrganisationBench(ChipBench):
    kind = "organisation_card"

    @staticmethod
    def make():
        return VirtualOrganisationCard(card=ORGANISATION)

    def good(self, result):
        return result == ORGANISATION


class StaffBench(ChipBench):
    kind = "staff_card"
    make = VirtualStaffCard

    async def read(self, timeout_s):
        return await self.device.present(timeout_s)

    def good(self, result):
        return result.certificate == self.twin.card.certificate


BENCHES: dict[str, type[Bench]] = {
    "resident_id": ReaderBench,
    "social_card": SocialBench,
    "organisation_card": OrganisationBench,
    "staff_card": StaffBench,
    "receipt_printer": PrinterBench,
    "a4_ipp": QueueBench,
    "a4_spool": SpoolBench,
    "caller_keys": PadsBench,
    "led_screen": ScreenBench,
    "qr_scanner": ScannerBench,
    "gps": ReceiverBench,
}
