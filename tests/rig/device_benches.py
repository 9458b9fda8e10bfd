"""One bench for each row of the device registry: what the contract suite pushes."""

import itertools
from typing import Any

from drivers.devices.a4_ipp.virtual import VirtualQueue
from drivers.devices.a4_spool.virtual import VirtualSpool
from drivers.devices.caller_keys.virtual import VirtualPads
from drivers.devices.document_camera.virtual import VirtualCamera, drawn
from drivers.devices.gps.virtual import VirtualReceiver
from drivers.devices.led_screen.virtual import VirtualScreen
from drivers.devices.qr_scanner.virtual import VirtualScanner
from drivers.devices.receipt_printer.protocol import Slip
from drivers.devices.receipt_printer.virtual import VirtualPrinter
from drivers.devices.resident_id.virtual import VirtualReader
from drivers.errors import Unplugged
from drivers.registry import open_device
from tests.rig.bench import Bench
from tests.rig.chip_benches import OrganisationBench, SocialBench, StaffBench
from tests.unit.drivers.samples import CITIZEN, HERE

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40
SLIP = bytes(Slip().text("政务服务").cut())
_NUMBERS = itertools.count(1)


class ReaderBench(Bench):
    """A card is laid before each use."""

    kind = "id_reader"

    def __init__(self, scheme, folder):
        assert scheme == "serial"
        self.twin = VirtualReader(link=folder / "device")
        self.address = f"serial:{folder / 'device'}"
        self.device = open_device("id_reader", self.address)

    async def take(self):
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

    async def take(self):
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

    async def take(self):
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

    async def take(self):
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
    wait_s = 0.5

    def __init__(self, scheme, folder):
        assert scheme == "serial"
        self.twin = self.make(link=folder / "device")
        self.address = f"serial:{folder / 'device'}"
        self.device = open_device(self.kind, self.address)

    def hush(self):
        self.twin.line.fault("silent")

    def garble(self):
        self.twin.line.fault(self.garbling)

    def flood(self):
        self.wait_s = 5.0  # a loaded machine takes a while to say so much
        self.twin.line.fault("flood")

    def pull(self):
        self.twin.line.fault("unplug")

    def mend(self):
        self.twin.line.clear()

    async def replug(self):
        self.twin.line.tty.plug()


class PadsBench(SpeakingBench):
    kind = "caller_keys"
    make = VirtualPads

    def stir(self):
        self.twin.press("call", pad=4)

    async def take(self):
        return await self.device.next_key(self.wait_s)

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

    async def take(self):
        await self.device.show("请 A012 号", "到 3 号窗口")
        return list(self.twin.lines)

    def good(self, result):
        return result == ["请 A012 号", "到 3 号窗口"]


class CameraBench(SpeakingBench):
    """A use takes one picture."""

    kind = "document_camera"
    garbling = "short"
    wait_s = 0.8

    def __init__(self, scheme, folder):
        self.twin = VirtualCamera(link=folder / "device")
        self.address = f"{scheme}:{folder / 'device'}"
        self.device = open_device("document_camera", self.address)

    async def take(self):
        self.twin.look(drawn("ID copy"))
        return await self.device.picture(self.wait_s)

    def good(self, result):
        return result == drawn("ID copy")


class ScannerBench(SpeakingBench):
    kind = "qr_scanner"
    make = VirtualScanner
    garbling = "short"

    def stir(self):
        self.twin.scan("取号·A012")

    async def take(self):
        return await self.device.next_code(self.wait_s)

    def good(self, result):
        return result == "取号·A012"


class ReceiverBench(SpeakingBench):
    kind = "gps"
    make = VirtualReceiver

    def stir(self):
        self.twin.at(HERE)

    async def take(self):
        return await self.device.next_fix(self.wait_s)

    def good(self, result):
        return result == HERE


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
    "document_camera": CameraBench,
    "qr_scanner": ScannerBench,
    "gps": ReceiverBench,
}
