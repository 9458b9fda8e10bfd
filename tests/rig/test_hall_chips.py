"""The hall with chip cards in a real pcscd: told once, opened with their PIN, signing, back after a restart."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from drivers.chips import CarrierCard, SocialCard, StaffCard
from drivers.devices.organisation_card.virtual import VirtualOrganisationCard
from drivers.devices.social_card.virtual import TRIES, VirtualSocialCard
from drivers.devices.staff_card.virtual import PIN, VirtualStaffCard
from drivers.errors import NoCard, PinNeeded, PinRefused
from edge.hall.hall import Hall
from edge.settings import DeviceKind, DeviceSetting
from tests.rig.bench import soon
from tests.rig.card_daemon import CardInDaemon
from tests.unit.drivers.samples import ORGANISATION, SOCIAL

pytestmark = pytest.mark.rig


class Told:
    """A desk that keeps what the hall told it."""

    def __init__(self) -> None:
        self.cards: list[object] = []
        self.refused: list[object] = []
        self.staff: list[StaffCard | None] = []

    async def chip_laid(self, device: DeviceSetting, card: object) -> None:
        assert device.name == "slot"
        self.cards.append(card)

    async def card_trouble(self, device: DeviceSetting, error: object) -> None:
        assert device.name == "slot"
        self.refused.append(error)

    async def staff_card(self, device: DeviceSetting, card: StaffCard | None) -> None:
        assert device.name == "slot"
        self.staff.append(card)

    async def card_laid(self, *_: Any) -> None: ...
    async def key_pressed(self, *_: Any) -> None: ...
    async def code_scanned(self, *_: Any) -> None: ...
    async def position_taken(self, *_: Any) -> None: ...
    async def device_changed(self, *_: Any) -> None: ...
    async def device_tried(self, *_: Any) -> None: ...

    def now_ms(self) -> int:
        return 1


@contextlib.asynccontextmanager
async def hall_with(twin: CardInDaemon, kind: DeviceKind) -> AsyncIterator[tuple[Hall, Told]]:
    """A supervised hall whose one device is that card's reader, ready."""
    told = Told()
    hall = Hall((DeviceSetting(name="slot", kind=kind, address="pcsc:*"),), told)
    await twin.start()
    try:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(hall.run())
            await soon(lambda: hall.status()[0].state == "ok", 10.0)
            yield hall, told
            running.cancel()
    finally:
        await twin.stop()


@pytest.mark.parametrize("generation", [1, 2])
async def test_g17_a_social_card_laid_is_told_once_and_whole(generation: int) -> None:
    card = msgspec.structs.replace(SOCIAL, generation=generation)
    twin = CardInDaemon(VirtualSocialCard(card=card))
    async with hall_with(twin, "social_card") as (hall, told):
        twin.card.line.lay()
        await soon(lambda: told.cards)
        assert told.cards == [card]
        with pytest.raises(NoCard):
            await hall.open_chip("slot", "123456")
        assert told.cards == [card], "a card lying there is not told again"


async def test_g17_a_card_of_generation_3_asks_once_and_opens_with_the_pin_its_holder_typed() -> None:
    twin = CardInDaemon(VirtualSocialCard(card=SOCIAL))
    async with hall_with(twin, "social_card") as (hall, told):
        twin.card.line.lay()
        await soon(lambda: told.cards)
        heard = len(twin.card.line.heard)
        with pytest.raises(PinRefused) as refused:
            await hall.open_chip("slot", "654321")
        assert (refused.value.tries_left, twin.card.tries) == (TRIES - 1, TRIES - 1)
        twin.card.line.lift()
        twin.card.line.lay()
        await soon(lambda: len(told.cards) == 2)
        assert all(isinstance(one, PinNeeded) for one in told.cards), "asked once a laying, never in a loop"
        card = await hall.open_chip("slot", "123456")
        assert isinstance(card, SocialCard)
        assert (card, twin.card.tries) == (SOCIAL, TRIES)
        assert len(twin.card.line.heard) > heard
        assert hall.status()[0].state == "ok"


async def test_after_a_restart_of_pcscd_the_hall_reads_the_next_card() -> None:
    twin = CardInDaemon(VirtualOrganisationCard(card=ORGANISATION))
    async with hall_with(twin, "organisation_card") as (hall, told):
        twin.card.line.lay()
        await soon(lambda: told.cards)
        twin.card.line.lift()
        await twin.daemon.stop()
        await soon(lambda: hall.status()[0].state != "ok", 10.0)
        assert hall.status()[0].by_hand.zh
        await twin.replug()
        await soon(lambda: hall.status()[0].state == "ok", 10.0)
        twin.card.line.lay()
        await soon(lambda: len(told.cards) == 2)
        assert all(isinstance(one, CarrierCard) for one in told.cards)


async def test_a_staff_card_lying_there_signs_a_challenge_while_the_hall_goes_on_listening() -> None:
    twin = CardInDaemon(VirtualStaffCard())
    async with hall_with(twin, "staff_card") as (hall, told):
        twin.card.line.lay()
        await soon(lambda: told.staff and told.staff[-1])
        card = told.staff[-1]
        assert card is not None
        signature = await hall.sign("slot", b"challenge", PIN)
        key = x509.load_der_x509_certificate(card.certificate).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        key.verify(signature, b"challenge", ec.ECDSA(hashes.SHA256()))
        twin.card.line.lift()
        with pytest.raises(NoCard):
            await hall.sign("slot", b"challenge", PIN)
        await soon(lambda: told.staff[-1] is None)
        assert hall.status()[0].state == "ok"
