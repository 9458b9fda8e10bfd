"""The reader's driver against its twin, over a real kernel tty."""

import asyncio
import contextlib

import msgspec
import pytest

from drivers.devices.resident_id.driver import SdtReader
from drivers.devices.resident_id.virtual import FAULTS, VirtualReader
from drivers.errors import (
    Absent,
    Busy,
    CardRefused,
    Faulty,
    Garbled,
    NoCard,
    NotThisDevice,
    TimedOut,
    Unplugged,
)
from drivers.wires.address import parse_address
from tests.rig.bench import TwinProcess, soon
from tests.unit.drivers.samples import CARDS, CITIZEN, PHOTO

pytestmark = pytest.mark.rig


async def in_the_end(use, within_s):
    """What `use()` returns once it no longer finds the line garbled."""
    async with asyncio.timeout(within_s):
        result = None
        while result is None:
            with contextlib.suppress(Garbled):
                result = await use()
    return result


@pytest.fixture
async def twin():
    twin = VirtualReader()
    await twin.start()
    yield twin
    await twin.stop()


@pytest.fixture
async def reader(twin):
    reader = SdtReader(parse_address(f"serial:{twin.path}?baud=115200"))
    await reader.open()
    yield reader
    await reader.close()


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.record)
async def test_g19_a_card_laid_is_read_whole(twin, reader, card):
    twin.lay(card)
    assert await reader.read_card(1.0) == card


async def test_a_card_laid_later_is_waited_for(twin, reader):
    asyncio.get_running_loop().call_later(0.15, twin.lay, CITIZEN)
    assert (await reader.read_card(2.0)).number == CITIZEN.number


async def test_no_card_is_no_fault(reader):
    assert await reader.find() is False
    with pytest.raises(NoCard) as none:
        await reader.read_card(0.0)
    assert "读卡区" in none.value.next.zh


async def test_find_asks_once_more_after_a_no(twin, reader):
    twin.lay(CITIZEN)
    twin.fault("status", on="2001", value=0x80)
    assert await reader.find() is True


async def test_a_card_found_is_not_asked_for_again(twin, reader):
    twin.lay(CITIZEN)
    assert await reader.find()
    await reader.read_card(0.0)
    assert twin.heard[-4:] == ["2001", "2002", "3001", "3003"]


async def test_a_card_read_counts_again_only_after_it_was_lifted(twin, reader):
    twin.lay(CITIZEN)
    await reader.read_card(1.0)
    assert await reader.find() is False
    twin.lift()
    twin.lay(CITIZEN)
    assert await reader.find() is True


async def test_the_newest_address_is_read_when_there_is_one(twin, reader):
    moved = msgspec.structs.replace(CITIZEN, newest_address="浙江省杭州市上城区新街１号")
    twin.lay(moved)
    assert await reader.read_card(1.0) == moved


@pytest.mark.parametrize("sw", [0x21, 0x23, 0x24, 0x91])
async def test_a_reader_without_newest_addresses_still_reads_cards(twin, reader, sw):
    twin.fault("status", on="3003", value=sw)
    twin.lay(CITIZEN)
    assert await reader.read_card(1.0) == CITIZEN


async def test_a_card_lifted_before_its_newest_address_is_not_half_read(twin, reader):
    twin.lay(CITIZEN)
    twin.fault("lifted", on="3003")
    with pytest.raises(CardRefused):
        await reader.read_card(1.0)


@pytest.mark.parametrize("size", [0, 512, 1024])
async def test_a_fingerprint_is_read_only_when_asked_for(twin, size):
    twin.lay(msgspec.structs.replace(CITIZEN, fingerprint=b"f" * size))
    reader = SdtReader(parse_address(f"serial:{twin.path}?baud=115200&fingerprint=yes&newest=no"))
    await reader.open()
    assert (await reader.read_card(1.0)).fingerprint == b"f" * size
    assert twin.heard[-1] == "3010"
    await reader.close()


async def test_a_card_without_a_photo_of_its_own_gets_an_opaque_block(twin, reader):
    twin.lay(msgspec.structs.replace(CITIZEN, photo=b""))
    photo = (await reader.read_card(1.0)).photo
    assert len(photo) == 1024
    assert photo != PHOTO


async def test_the_reader_describes_itself(reader):
    assert (await reader.describe()).en == "SAM 05.01-20226336-0000001234-0000004321, 115200 baud"


@pytest.mark.parametrize("baud", [115200, 57600, 38400, 19200, 9600])
async def test_g17_the_speed_is_found_by_asking(baud):
    twin = VirtualReader(baud=baud)
    await twin.start()
    reader = SdtReader(parse_address(f"serial:{twin.path}"))
    await reader.open()
    assert (await reader.describe()).zh.endswith(f"{baud} 波特")
    await reader.close()
    await twin.stop()


@pytest.mark.parametrize("name", ["garbage", "flipped", "short", "foreign", "length"])
@pytest.mark.parametrize("on", ["2001", "2002", "3001", "3003"])
async def test_a_garbled_answer_is_dropped_and_the_next_read_is_right(twin, reader, name, on):
    twin.lay(CITIZEN)
    twin.fault(name, on=on)
    with pytest.raises(Garbled):
        await reader.read_card(1.0)
    twin.lift()
    twin.lay(CITIZEN)
    assert await reader.read_card(1.0) == CITIZEN


async def test_noise_before_an_answer_does_no_harm(twin, reader):
    twin.lay(CITIZEN)
    twin.fault("noise", times=4)
    assert await reader.read_card(1.0) == CITIZEN


async def test_an_answer_that_comes_byte_by_byte_is_waited_for(twin, reader):
    twin.lay(CITIZEN)
    twin.fault("slow", on="3001")
    assert await reader.read_card(1.0) == CITIZEN


async def test_silence_is_a_timeout_and_the_next_call_works(twin, reader):
    twin.fault("silent", on="12ff")
    with pytest.raises(TimedOut):
        await reader.describe()
    assert "SAM" in (await reader.describe()).en


async def test_a_call_broken_off_leaves_nothing_for_the_next(twin, reader):
    twin.lay(CITIZEN)
    assert await reader.find()
    twin.fault("slow", on="3001")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await reader.read_card(1.0)

    async def read():
        twin.lift()
        twin.lay(CITIZEN)
        return await reader.read_card(1.0)

    assert await in_the_end(read, 5) == CITIZEN


@pytest.mark.parametrize(
    ("sw", "error"),
    [
        (0x41, CardRefused),
        (0x31, CardRefused),
        (0x40, CardRefused),
        (0x60, Faulty),
        (0x10, Garbled),
        (0x5A, Faulty),
    ],
)
async def test_a_bad_status_is_said_in_words(twin, reader, sw, error):
    twin.lay(CITIZEN)
    twin.fault("status", on="3001", value=sw)
    with pytest.raises(error) as said:
        await reader.read_card(1.0)
    assert said.value.device.startswith("serial:/dev/pts/")
    assert said.value.words.zh
    assert said.value.next.zh


async def test_a_refused_card_is_refused_once_until_it_was_lifted(twin, reader):
    twin.lay(CITIZEN)
    twin.fault("status", on="2002", value=0x81)
    with pytest.raises(CardRefused):
        await reader.read_card(1.0)
    with pytest.raises(NoCard):
        await reader.read_card(0.2)
    twin.lift()
    assert await reader.find() is False
    twin.lay(CITIZEN)
    assert await reader.read_card(1.0) == CITIZEN


async def test_a_bad_status_of_find_is_said_too(twin, reader):
    twin.fault("status", on="2001", value=0x60)
    with pytest.raises(Faulty):
        await reader.find()


async def test_the_plug_pulled_in_mid_frame_is_seen_at_once(twin, reader):
    twin.lay(CITIZEN)
    twin.fault("unplug", on="3001")
    async with asyncio.timeout(1):
        with pytest.raises(Unplugged):
            await reader.read_card(5.0)
    with pytest.raises(Unplugged):
        await reader.find()


async def test_a_replugged_reader_is_found_under_its_name_again(tmp_path):
    twin = VirtualReader(link=tmp_path / "reader")
    await twin.start()
    reader = SdtReader(parse_address(f"serial:{tmp_path}/reader"))
    await reader.open()
    twin.unplug()
    with pytest.raises(Unplugged):
        await reader.find()
    with pytest.raises(Absent):
        await reader.open()
    twin.plug()
    twin.lay(CITIZEN)
    await reader.open()
    assert await reader.read_card(1.0) == CITIZEN
    await reader.close()
    await twin.stop()


async def test_closing_ends_a_call_that_waits(twin, reader):
    twin.fault("silent")

    async def close():
        await soon(lambda: "2001" in twin.heard)
        await reader.close()

    ends = await asyncio.gather(reader.find(), close(), return_exceptions=True)
    assert isinstance(ends[0], Unplugged)


async def test_two_calls_at_once_are_busy_when_the_first_takes_long(twin, reader):
    twin.fault("silent", times=9)
    reader._turn._wait_s = 0.01
    ends = await asyncio.gather(reader.read_card(5.0), reader.find(), return_exceptions=True)
    assert type(ends[0]) is TimedOut
    assert isinstance(ends[1], Busy)


@pytest.mark.parametrize("options", ["baud=300", "baud=x", "fingerprint=maybe", "bauds=9600"])
def test_an_option_that_cannot_be_is_refused_by_name(options):
    with pytest.raises(NotThisDevice):
        SdtReader(parse_address(f"serial:/dev/ttyS0?{options}"))


async def test_a_device_that_answers_otherwise_is_not_this_device(twin):
    twin.fault("garbage", times=9)
    reader = SdtReader(parse_address(f"serial:{twin.path}?baud=115200"))
    with pytest.raises(NotThisDevice):
        await reader.open()


async def test_a_silent_line_is_a_timeout_at_open_and_is_free_again(twin):
    twin.fault("silent", times=1)
    reader = SdtReader(parse_address(f"serial:{twin.path}?baud=115200"))
    with pytest.raises(TimedOut):
        await reader.open()
    await reader.open()
    await reader.open()
    await reader.close()


@pytest.mark.parametrize("name", FAULTS)
async def test_every_fault_of_the_twin_ends_in_a_card_or_a_stated_error(twin, reader, name):
    twin.lay(CITIZEN)
    twin.fault(name, on="2002", value=0x60)
    expected = {
        "silent": TimedOut,
        "unplug": Unplugged,
        "lifted": CardRefused,
        "status": Faulty,
        **dict.fromkeys(("noise", "slow")),
    }.get(name, Garbled)
    if expected is None:
        assert await reader.read_card(0.5) == CITIZEN
        return
    with pytest.raises(expected) as fault:
        await reader.read_card(0.5)
    assert fault.value.words.zh


def test_an_unknown_fault_is_refused():
    with pytest.raises(ValueError, match="no fault 'fire'"):
        VirtualReader().fault("fire")
    with pytest.raises(ValueError, match="one byte"):
        VirtualReader().fault("status", value=256)


async def test_wire_time_is_modelled_when_asked_for():
    twin = VirtualReader(baud=9600, wire_time=True)
    await twin.start()
    reader = SdtReader(parse_address(f"serial:{twin.path}?baud=9600&newest=no"))
    await reader.open()
    twin.lay(CITIZEN)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert await reader.read_card(3.0) == CITIZEN
    assert loop.time() - begun >= 1.35
    await reader.close()
    await twin.stop()


async def test_the_twin_as_a_process_is_played_over_its_door(tmp_path):
    link = tmp_path / "reader"
    async with TwinProcess("drivers.devices.resident_id.virtual", "--link", str(link)) as twin:
        assert twin.ready["path"] == str(link)
        assert (await twin.play(do="lay", card=msgspec.to_builtins(CITIZEN)))["card"] == "citizen"
        reader = SdtReader(parse_address(f"serial:{link}"))
        await reader.open()
        assert await reader.read_card(2.0) == CITIZEN
        assert (await twin.play(do="state"))["reads"] == 1
        assert (await twin.play(do="lift"))["card"] is None
        assert (await twin.play(do="fault", name="silent", times=2))["faults"][0]["times"] == 2
        assert (await twin.play(do="clear"))["faults"] == []
        assert (await twin.play(do="unplug"))["plugged"] is False
        assert not link.exists()
        assert (await twin.play(do="plug"))["plugged"] is True
        await reader.close()
    assert not link.is_symlink()


async def test_an_order_the_twin_cannot_follow_is_refused_without_repeating_it(tmp_path):
    async with TwinProcess("drivers.devices.resident_id.virtual", "--link", str(tmp_path / "reader")) as twin:
        refusals = [
            await twin.play(do="dance"),
            await twin.play(do="lay"),
            await twin.play(do="lay", card={"name": CITIZEN.name, "number": CITIZEN.number}),
            await twin.play(do="fault", name="fire"),
            await twin.say(b"{not json"),
        ]
    assert [refusal["ok"] for refusal in refusals] == [False] * 5
    assert CITIZEN.number not in str(refusals)
