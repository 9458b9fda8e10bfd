"""Devices that speak by themselves, against their twins over a real kernel tty."""

import asyncio

import msgspec
import pytest

from drivers.devices.caller_keys.driver import RsCallerKeys
from drivers.devices.caller_keys.virtual import VirtualPads
from drivers.devices.gps.driver import NmeaReceiver
from drivers.devices.gps.virtual import VirtualReceiver
from drivers.devices.qr_scanner.driver import SerialScanner
from drivers.devices.qr_scanner.virtual import VirtualScanner
from drivers.errors import Garbled, NothingCame, NotThisDevice, Unplugged
from drivers.ports import Fix
from drivers.wires.address import parse_address
from drivers.wires.twin_line import FAULTS
from tests.rig.bench import TwinProcess, soon
from tests.unit.drivers.samples import HERE

pytestmark = pytest.mark.rig


@pytest.fixture
async def pads():
    twin = VirtualPads()
    await twin.start()
    keys = RsCallerKeys(parse_address(f"serial:{twin.path}"))
    await keys.open()
    yield twin, keys
    await keys.close()
    await twin.stop()


@pytest.fixture
async def scanner():
    twin = VirtualScanner()
    await twin.start()
    device = SerialScanner(parse_address(f"serial:{twin.path}"))
    await device.open()
    yield twin, device
    await device.close()
    await twin.stop()


@pytest.fixture
async def receiver():
    twin = VirtualReceiver(talker="BD")
    await twin.start()
    device = NmeaReceiver(parse_address(f"serial:{twin.path}?baud=115200"))
    await device.open()
    yield twin, device
    await device.close()
    await twin.stop()


async def test_g17_what_a_device_says_arrives_whole(pads, scanner):
    twin, keys = pads
    twin.press("call", pad=1)
    twin.press("give-up", pad=2)
    twin.rate(3, pad=2)
    heard = [await keys.next_key(1.0) for _ in range(3)]
    assert [(key.pad, key.action, key.grade) for key in heard] == [
        (1, "call", None),
        (2, "give-up", None),
        (2, "rated", 3),
    ]
    held, reader = scanner
    held.scan("YZ1." + "a" * 600)
    assert await reader.next_code(1.0) == "YZ1." + "a" * 600
    assert (await reader.describe()).zh == "扫描枪，已读 1 个码"


async def test_a_key_handed_on_is_acknowledged_and_one_nobody_knows_is_not(pads):
    twin, keys = pads
    twin.press("recall", pad=7)
    await keys.next_key(1.0)
    await soon(lambda: twin.acknowledged == {7: 1})
    twin.line.say(bytes.fromhex("FF68030368 01017F 81 16"))
    with pytest.raises(Garbled):
        await keys.next_key(1.0)
    assert (await keys.describe()).en == "RS-485 bus, pads heard: 7"
    assert twin.acknowledged == {7: 1}


async def test_pads_show_numbers_sound_and_ask_for_a_rating(pads):
    twin, keys = pads
    assert (await keys.describe()).zh == "RS-485 总线，收到过按键器：尚无"
    await keys.show_ticket(1, 42)
    await keys.show_waiting(2, 1200)
    await keys.beep(2)
    await keys.ask_rating(1)
    await soon(lambda: twin.asked)
    assert twin.shown == {1: "    42", 2: "999   "}
    assert (twin.beeps, twin.asked) == ([2], [1])


async def test_a_bus_reports_where_it_is_and_when_it_does_not_know(receiver):
    twin, device = receiver
    assert (await device.describe()).en == "NMEA receiver: nothing heard yet"
    twin.at(HERE)
    assert await device.next_fix(1.0) == HERE
    assert (await device.describe()).zh == "NMEA 接收机：已定位，9 颗卫星"
    twin.at(Fix(state="none"))
    assert (await device.next_fix(1.0)).latitude is None
    with pytest.raises(NothingCame):
        await device.next_fix(0.01)


@pytest.mark.parametrize("name", FAULTS)
async def test_every_fault_of_a_twin_ends_in_an_event_or_a_stated_error(scanner, pads, receiver, name):
    held, reader = scanner
    twin, keys = pads
    sky, positions = receiver
    for one in (held, twin, sky):
        one.line.fault(name)
    held.scan("YZ1.abcdef")
    twin.press("call")
    sky.at(HERE)
    wait_s = (
        0.3 if name in {"silent", "garbage"} else 5.0
    )  # of what never comes no more than this is waited for
    expected = {
        "slow": ("code", "key", "fix"),
        "flipped": ("code", "Garbled", "Garbled"),
        "noise": ("Garbled", "key", "fix"),
        "short": ("Garbled", "Garbled", "Garbled"),
        "garbage": ("Garbled", "NothingCame", "NothingCame"),
        "flood": ("Garbled", "Garbled", "Garbled"),
        "silent": ("NothingCame", "NothingCame", "NothingCame"),
        "unplug": ("Unplugged", "Unplugged", "Unplugged"),
    }[name]
    assert (
        await outcome(reader.next_code(0.3 if name == "silent" else 5.0), "code"),
        await outcome(keys.next_key(wait_s), "key"),
        await outcome(positions.next_fix(wait_s), "fix"),
    ) == expected


async def outcome(use, good):
    try:
        await use
    except (Garbled, NothingCame, Unplugged) as error:
        return type(error).__name__
    return good


async def test_half_a_code_is_never_a_code_and_the_next_is_right(scanner):
    twin, device = scanner
    twin.line.fault("short")
    twin.scan("13010419990101")
    with pytest.raises(Garbled):
        await device.next_code(1.0)
    twin.scan("next")
    assert await device.next_code(1.0) == "next"


async def test_codes_that_come_together_are_taken_one_by_one(scanner):
    twin, device = scanner
    for number in range(20):
        twin.scan(f"code {number}")
    assert [await device.next_code(1.0) for _ in range(20)] == [f"code {number}" for number in range(20)]


async def test_closing_ends_a_call_that_waits_for_a_key(pads):
    _, keys = pads

    async def close():
        await soon(keys._listener._turn._lock.locked)
        await keys.close()

    ends = await asyncio.gather(keys.next_key(5.0), close(), return_exceptions=True)
    assert isinstance(ends[0], Unplugged)
    with pytest.raises(Unplugged):
        await keys.beep(1)


async def test_a_display_that_cannot_be_reached_is_unplugged(pads):
    twin, keys = pads
    twin.line.tty.unplug()
    with pytest.raises(Unplugged):
        await keys.show_ticket(1, 2)
    with pytest.raises(Unplugged):
        await keys.next_key(0.1)


@pytest.mark.parametrize("make", [RsCallerKeys, SerialScanner, NmeaReceiver])
def test_an_option_nobody_knows_is_refused(make):
    with pytest.raises(NotThisDevice):
        make(parse_address("serial:/dev/ttyS0?speed=9600"))


def test_a_twin_refuses_what_it_has_not():
    twin = VirtualPads()
    for wrong in (lambda: twin.press("fly"), lambda: twin.rate(4), lambda: twin.line.fault("fire")):
        with pytest.raises(ValueError, match=r"^no "):
            wrong()
    scanner = VirtualScanner()
    for _ in range(256):
        scanner.scan("x")
    with pytest.raises(ValueError, match="too much"):
        scanner.scan("x")


FIX = msgspec.to_builtins(HERE)


@pytest.mark.parametrize(
    ("module", "order"),
    [
        ("caller_keys", {"do": "press", "key": "call", "pad": 2}),
        ("caller_keys", {"do": "rate", "grade": 3}),
        ("qr_scanner", {"do": "scan", "code": "A012"}),
        ("gps", {"do": "at", "fix": FIX}),
    ],
)
async def test_a_twin_as_a_process_is_played_over_its_door(tmp_path, module, order):
    async with TwinProcess(f"drivers.devices.{module}.virtual", "--link", str(tmp_path / "line")) as twin:
        assert (await twin.play(**order))["ok"]
        assert (await twin.play(do="fault", name="short"))["faults"] == ["short"]
        assert (await twin.play(do="clear"))["faults"] == []
        assert (await twin.play(do="unplug"))["plugged"] is False
        assert (await twin.play(do="plug"))["plugged"] is True
        assert (await twin.play(do="state"))["path"] == str(tmp_path / "line")
        assert (await twin.play(do="dance"))["ok"] is False
