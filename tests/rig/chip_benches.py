"""The contract suite's benches of chip cards: each in a virtual reader of a real pcscd."""

from typing import Any

from drivers.devices.organisation_card.virtual import VirtualOrganisationCard
from drivers.devices.social_card.virtual import VirtualSocialCard
from drivers.devices.staff_card.virtual import VirtualStaffCard
from drivers.registry import open_device
from tests.rig.bench import Bench
from tests.rig.card_daemon import CardInDaemon
from tests.unit.drivers.samples import ORGANISATION, SOCIAL


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

    async def take(self):
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
        self.twin.card.line.lift()  # a card that lies there when the reader comes back would be the next one read
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
