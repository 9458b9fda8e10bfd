"""The window screen's driver against its twin, over a real kernel tty and over TCP."""

from io import BytesIO

import pytest
from PIL import Image

from drivers.devices.led_screen.driver import OnbonScreen
from drivers.devices.led_screen.virtual import FAULTS, VirtualScreen
from drivers.errors import Faulty, Garbled, NotThisDevice, TimedOut, Unplugged
from drivers.wires.address import parse_address
from tests.rig.bench import TwinProcess

pytestmark = pytest.mark.rig


@pytest.fixture(params=["tcp", "serial"])
async def screen(request):
    twin = VirtualScreen(tcp=request.param == "tcp")
    await twin.start()
    device = OnbonScreen(parse_address(f"{request.param}:{twin.path}?screen=1"))
    await device.open()
    yield twin, device
    await device.close()
    await twin.stop()


async def test_g17_what_is_shown_is_what_was_asked_for_and_can_be_seen(screen):
    twin, device = screen
    await device.show("请 A012 号", "到 3 号窗口")
    assert twin.lines == ["请 A012 号", "到 3 号窗口"]
    with Image.open(BytesIO(twin.picture())) as seen:
        assert seen.size == (192, 32)
        assert seen.convert("L").getextrema() != (0, 0)
    assert (await device.describe()).zh == "仰邦 K 系列，192 × 32 点"


async def test_new_lines_replace_all_before_and_clearing_leaves_none(screen):
    twin, device = screen
    await device.show("一", "二")
    await device.show("三")
    assert twin.lines == ["三"]
    await device.clear()
    assert twin.lines == [""]


async def test_a_long_line_scrolls_and_lines_too_many_share_the_last(screen):
    twin, device = screen
    await device.show("短", "第二行", "第三行加上很长很长的说明文字")
    assert twin.lines == ["短", "第二行 第三行加上很长很长的说明文字"]
    assert [area.display for area in twin.areas.values()] == [1, 3]


@pytest.mark.parametrize("name", FAULTS)
async def test_every_fault_of_the_twin_ends_in_a_screen_or_a_stated_error(screen, name):
    twin, device = screen
    twin.fault(name)
    expected = {
        "flipped": Garbled,
        "short": Garbled,
        "noise": None,
        "garbage": Garbled,
        "slow": None,
        "silent": TimedOut,
        "unplug": Unplugged,
        "refuse": Faulty,
        "foreign": Garbled,
        "flood": Garbled,
    }[name]
    if expected is None:
        await device.show("好")
        return
    with pytest.raises(expected) as wrong:
        await device.show("好")
    assert wrong.value.next.zh
    if name not in {"unplug", "flood"}:  # of a flood more may be on the way: tests/contract/test_ports.py
        await device.show("又好")
        assert twin.lines == ["又好"]


async def test_a_screen_smaller_than_set_refuses_and_says_so(screen):
    twin, device = screen
    twin._size = (64, 16)
    with pytest.raises(Faulty) as refused:
        await device.show("字")
    assert "超出屏幕" in refused.value.words.zh


def test_a_size_that_cannot_be_is_refused():
    for options in ("width=0", "height=70000", "screen=99999"):
        with pytest.raises(NotThisDevice):
            OnbonScreen(parse_address(f"tcp:127.0.0.1:5005?{options}"))


async def test_the_twin_as_a_process_is_played_over_its_door(tmp_path):
    place = ("--link", str(tmp_path / "line"), "--out", str(tmp_path / "seen"))
    async with TwinProcess("drivers.devices.led_screen.virtual", *place) as twin:
        device = OnbonScreen(parse_address(f"serial:{tmp_path / 'line'}"))
        await device.open()
        await device.show("请稍候")
        await device.close()
        assert (await twin.play(do="state"))["lines"] == ["请稍候"]
        assert (await twin.play(do="fault", name="refuse"))["ok"]
        assert (await twin.play(do="fault", name="dance"))["ok"] is False
        assert (await twin.play(do="unplug"))["plugged"] is False
    assert (tmp_path / "seen" / "0001.png").read_bytes().startswith(b"\x89PNG")
