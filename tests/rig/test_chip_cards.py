"""Chip cards against their twins: a real pcscd, its virtual reader, its daemon restarted, its cards lifted."""

import asyncio
import hashlib

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from drivers.devices.organisation_card.driver import OrganisationCardReader
from drivers.devices.organisation_card.virtual import VirtualOrganisationCard
from drivers.devices.social_card.driver import SocialCardReader
from drivers.devices.social_card.virtual import TRIES, VirtualSocialCard
from drivers.devices.staff_card.driver import PivStaffCard
from drivers.devices.staff_card.virtual import PIN, VirtualStaffCard
from drivers.errors import (
    Absent,
    CardRefused,
    DriverError,
    Garbled,
    NoCard,
    PinNeeded,
    PinRefused,
    TimedOut,
    Unplugged,
)
from drivers.wires.address import parse_address
from drivers.wires.vpcd_line import FAULTS
from tests.rig.bench import TwinProcess, soon
from tests.rig.card_daemon import READER, CardDaemon, CardInDaemon
from tests.unit.drivers.samples import ORGANISATION, SOCIAL

pytestmark = pytest.mark.rig

ANY = parse_address("pcsc:*")


@pytest.fixture
async def social():
    twin = CardInDaemon(VirtualSocialCard(card=SOCIAL))
    await twin.start()
    reader = SocialCardReader(ANY)
    await reader.open()
    yield twin, reader
    await reader.close()
    await twin.stop()


@pytest.fixture
async def staff():
    twin = CardInDaemon(VirtualStaffCard())
    await twin.start()
    reader = PivStaffCard(ANY)
    await reader.open()
    yield twin, reader
    await reader.close()
    await twin.stop()


@pytest.mark.parametrize("generation", [1, 2, 3])
@pytest.mark.parametrize("reference", [0x04, 0x14, 0x00])
async def test_g17_a_social_card_of_every_generation_is_read_whole(social, generation, reference):
    twin, reader = social
    card = msgspec.structs.replace(SOCIAL, generation=generation)
    twin.card.write(card)
    twin.card.reference = reference
    twin.card.line.lay()
    assert await reader.read_card(3.0, "123456" if generation == 3 else "") == card
    assert twin.card.tries == TRIES


async def test_a_card_read_is_not_read_again_until_it_was_lifted(social):
    twin, reader = social
    twin.card.line.lay()
    await reader.read_card(3.0, "123456")
    with pytest.raises(NoCard):
        await reader.read_card(0.2, "123456")
    twin.card.line.lift()
    twin.card.line.lay()
    assert await reader.read_card(3.0, "123456") == SOCIAL
    assert (await reader.describe()).en == f"PC/SC: {READER} 00 00 (card), {READER} 00 01 (empty)"


async def test_without_its_pin_a_card_is_not_tried_and_may_stay_where_it_is(social):
    twin, reader = social
    twin.card.line.lay()
    with pytest.raises(PinNeeded):
        await reader.read_card(3.0)
    assert twin.card.tries == TRIES
    assert await reader.read_card(3.0, "123456") == SOCIAL


async def test_g17_a_wrong_pin_is_tried_once_and_the_last_try_is_never_used(social):
    twin, reader = social
    twin.card.line.lay()
    with pytest.raises(PinRefused) as refused:
        await reader.read_card(3.0, "654321")
    assert (refused.value.tries_left, twin.card.tries) == (TRIES - 1, TRIES - 1)
    with pytest.raises(NoCard):
        await reader.read_card(0.1, "654321")
    for left, words in ((1, "最后一次"), (0, "锁定")):
        twin.card.tries = left
        twin.card.line.lift()
        twin.card.line.lay()
        with pytest.raises(PinRefused) as refused:
            await reader.read_card(3.0, "654321")
        assert (refused.value.tries_left, twin.card.tries) == (left, left)
        assert words in refused.value.words.zh


async def test_a_pin_shown_is_forgotten_by_the_card_after_the_read(social):
    twin, reader = social
    twin.card.line.lay()
    await reader.read_card(3.0, "123456")
    other = SocialCardReader(ANY)
    await other.open()
    with pytest.raises(PinNeeded):
        await other.read_card(3.0)
    await other.close()


@pytest.mark.parametrize(
    ("spoiled", "error"),
    [
        ({"version": b"9.00"}, CardRefused),
        ({"birth": bytes.fromhex("19500101")}, CardRefused),
        ({"number": b""}, CardRefused),
    ],
    ids=["version", "birth", "missing"],
)
async def test_a_card_that_is_not_what_it_says_is_refused_whole(social, spoiled, error):
    twin, reader = social
    twin.card.write(SOCIAL, **spoiled)
    twin.card.line.lay()
    with pytest.raises(error):
        await reader.read_card(3.0, "123456")


async def test_a_card_of_another_kind_is_refused_with_the_way_round(social):
    twin, _ = social
    twin.card.line.lay()
    for make, use in ((OrganisationCardReader, "read_card"), (PivStaffCard, "present")):
        device = make(ANY)
        await device.open()
        with pytest.raises(CardRefused) as refused:
            await getattr(device, use)(3.0)
        assert refused.value.next.zh
        await device.close()


@pytest.mark.parametrize("name", FAULTS)
async def test_every_fault_of_the_twin_ends_in_a_card_or_a_stated_error(social, name):
    twin, reader = social
    expected = {
        "lifted": CardRefused,
        "garbage": CardRefused,
        "short": Garbled,
        "slow": None,
        "silent": TimedOut,
        "faulty": CardRefused,
        "unplug": Unplugged,
    }[name]
    twin.card.line.fault(name, after=6)
    twin.card.line.lay()
    if expected is None:
        assert await reader.read_card(3.0, "123456") == SOCIAL
        return
    with pytest.raises(expected) as wrong:
        await reader.read_card(3.0, "123456")
    assert wrong.value.device == "pcsc:*"
    assert SOCIAL.name not in str(wrong.value)


@pytest.mark.parametrize("name", ["lifted", "garbage", "short", "silent", "faulty"])
async def test_after_a_fault_the_card_laid_again_is_read(social, name):
    twin, reader = social
    twin.card.line.fault(name, after=6)
    twin.card.line.lay()
    with pytest.raises(DriverError):
        await reader.read_card(3.0, "123456")
    twin.card.line.lift()
    await soon(lambda: "(card)" not in reader._slot.describe().en)
    twin.card.line.lay()
    assert await reader.read_card(6.0, "123456") == SOCIAL


async def test_a_wait_for_a_card_survives_a_restart_of_the_daemon(social):
    twin, reader = social
    waiting = asyncio.ensure_future(reader.read_card(20.0, "123456"))
    await twin.replug()
    twin.card.line.lay()
    assert await waiting == SOCIAL


async def test_a_daemon_that_stays_away_is_said_and_the_reader_opens_again(social):
    twin, reader = social
    await twin.daemon.stop()
    async with asyncio.timeout(4):
        with pytest.raises(Unplugged):
            await reader.read_card(10.0)
    with pytest.raises(Absent) as absent:
        await reader.open()
    assert absent.value.device == "pcsc:*"
    await twin.replug()
    await reader.open()
    twin.card.line.lay()
    assert await reader.read_card(5.0, "123456") == SOCIAL


async def test_a_reader_of_another_name_is_absent():
    async with CardDaemon():
        with pytest.raises(Absent):
            await SocialCardReader(parse_address("pcsc:No%20such%20reader")).open()
        named = SocialCardReader(parse_address(f"pcsc:{READER.replace(' ', '%20')}"))
        await named.open()
        await named.close()


async def test_g17_a_staff_card_says_who_it_is_and_signs_a_challenge(staff):
    twin, reader = staff
    twin.card.line.lay()
    card = await reader.present(3.0)
    assert card.certificate == twin.card.certificate
    signature = await reader.sign(b"challenge of today", PIN, 3.0)
    key = x509.load_der_x509_certificate(card.certificate).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(signature, b"challenge of today", ec.ECDSA(hashes.SHA256()))
    assert card.fingerprint == hashlib.sha256(card.certificate).hexdigest()


async def test_a_staff_card_tries_a_pin_once_and_not_at_all_without_one(staff):
    twin, reader = staff
    twin.card.line.lay()
    with pytest.raises(PinNeeded):
        await reader.sign(b"x", "", 3.0)
    with pytest.raises(PinRefused) as refused:
        await reader.sign(b"x", "000000", 3.0)
    assert (refused.value.tries_left, twin.card.tries) == (2, 2)
    twin.card.tries = 1
    with pytest.raises(PinRefused):
        await reader.sign(b"x", "000000", 3.0)
    assert twin.card.tries == 1


@pytest.mark.parametrize("name", FAULTS)
async def test_every_fault_while_signing_ends_in_a_signature_or_a_stated_error(staff, name):
    twin, reader = staff
    twin.card.line.fault(name, after=3)
    twin.card.line.lay()
    if name == "slow":
        assert await reader.sign(b"x", PIN, 3.0)
        return
    with pytest.raises((CardRefused, Garbled, TimedOut, Unplugged)):
        await reader.sign(b"x", PIN, 3.0)


@pytest.mark.parametrize("name", FAULTS)
async def test_every_fault_of_an_organisation_card_ends_in_a_card_or_a_stated_error(name):
    twin = CardInDaemon(VirtualOrganisationCard(card=ORGANISATION))
    await twin.start()
    reader = OrganisationCardReader(ANY)
    await reader.open()
    twin.card.line.fault(name, after=2)
    twin.card.line.lay()
    if name == "slow":
        assert await reader.read_card(3.0) == ORGANISATION
    else:
        with pytest.raises((CardRefused, Garbled, TimedOut, Unplugged)):
            await reader.read_card(3.0)
    await reader.close()
    await twin.stop()


@pytest.mark.parametrize(
    ("module", "order"),
    [
        ("social_card", {"do": "write", "card": msgspec.to_builtins(SOCIAL)}),
        ("organisation_card", {"do": "write", "code": ORGANISATION.code, "name": ORGANISATION.name}),
        ("staff_card", {"do": "state"}),
    ],
)
async def test_the_twin_as_a_process_is_played_over_its_door(module, order):
    async with CardDaemon() as daemon:
        place = ("--port", str(daemon.port), "--inside", str(daemon.pid))
        async with TwinProcess(f"drivers.devices.{module}.virtual", *place) as twin:
            assert (await twin.play(**order))["ok"]
            assert (await twin.play(do="fault", name="short", after=900))["faults"] == ["short"]
            assert (await twin.play(do="clear"))["faults"] == []
            reader = PivStaffCard(ANY)
            await reader.open()
            assert (await twin.play(do="lay"))["laid"] is True
            outcome = await kind_of(reader.present(3.0))
            assert outcome == ("StaffCard" if module == "staff_card" else "CardRefused")
            assert (await twin.play(do="lift"))["laid"] is False
            assert (await twin.play(do="dance"))["ok"] is False
            await reader.close()


async def kind_of(use):
    try:
        return type(await use).__name__
    except CardRefused as refused:
        return type(refused).__name__


async def test_the_virtual_reader_listens_in_a_network_of_its_own():
    async with CardDaemon() as daemon:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", daemon.port)
