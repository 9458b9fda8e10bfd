"""The document camera's driver against its twin: a stream of pictures on a character device of the kernel."""

import pytest

from drivers.devices.document_camera.driver import V4l2Camera
from drivers.devices.document_camera.protocol import check_picture
from drivers.devices.document_camera.virtual import VirtualCamera, drawn
from drivers.errors import Garbled, NothingCame, NotThisDevice, Unplugged
from drivers.wires.address import parse_address
from drivers.wires.twin_line import FAULTS
from tests.rig.bench import TwinProcess

pytestmark = pytest.mark.rig

SHEET = drawn("ID copy")


@pytest.fixture
async def camera():
    twin = VirtualCamera()
    await twin.start()
    device = V4l2Camera(parse_address(f"video:{twin.path}"))
    await device.open()
    yield twin, device
    await device.close()
    await twin.stop()


async def test_g17_a_paper_under_the_camera_is_a_picture(camera):
    twin, device = camera
    twin.look(drawn("large", width=640, height=480))
    assert check_picture(await device.picture(2.0)) == (640, 480)
    assert (await device.describe()).zh == "高拍仪 （图像流），要求 1920 × 1080"


@pytest.mark.parametrize("name", FAULTS)
async def test_every_fault_of_the_twin_ends_in_a_picture_or_a_stated_error(camera, name):
    """One wrong bit in a scan is still a picture: nothing in JPEG tells."""
    twin, device = camera
    twin.look(SHEET)
    twin.line.fault(name)
    expected = {
        "short": Garbled,
        "garbage": Garbled,
        "flood": Garbled,
        "silent": NothingCame,
        "unplug": Unplugged,
    }.get(name)
    if expected is None:
        assert check_picture(await device.picture(4.0)) == (48, 32)
        return
    with pytest.raises(expected) as wrong:
        await device.picture(5.0 if name == "flood" else 0.6)
    assert wrong.value.device == device.name


@pytest.mark.parametrize("options", ["width=0", "height=100000", "depth=3"])
def test_a_size_no_camera_has_is_refused(options):
    with pytest.raises(NotThisDevice):
        V4l2Camera(parse_address(f"video:/dev/video0?{options}"))


async def test_each_picture_is_of_what_lies_there_now_whatever_an_earlier_one_left_on_the_line(camera):
    twin, device = camera
    twin.look(SHEET)
    twin.line.fault("short")
    with pytest.raises(Garbled):
        await device.picture(0.6)
    twin.look(drawn("other paper"))
    assert await device.picture(2.0) == drawn("other paper")
    assert await device.picture(2.0) == drawn("other paper")


async def test_a_camera_that_was_pulled_out_says_so_when_asked_what_it_is(camera):
    twin, device = camera
    twin.line.tty.unplug()
    with pytest.raises(Unplugged):
        await device.describe()
    with pytest.raises(Unplugged):
        await device.picture(0.2)


async def test_a_path_that_is_no_device_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(SHEET)
    with pytest.raises(NotThisDevice):
        await V4l2Camera(parse_address(f"video:{tmp_path / 'file'}")).open()


async def test_the_twin_as_a_process_is_played_over_its_door(tmp_path):
    (tmp_path / "sheet.jpg").write_bytes(SHEET)
    async with TwinProcess(
        "drivers.devices.document_camera.virtual", "--link", str(tmp_path / "line")
    ) as twin:
        device = V4l2Camera(parse_address(f"video:{tmp_path / 'line'}"))
        await device.open()
        assert (await twin.play(do="look", file=str(tmp_path / "sheet.jpg")))["ok"]
        assert await device.picture(3.0) == SHEET
        assert (await twin.play(do="look", words="again"))["ok"]
        assert await device.picture(3.0) == drawn("again")
        assert (await twin.play(do="look", file=str(tmp_path / "none")))["ok"] is False
        assert (await twin.play(do="dance"))["ok"] is False
        await device.close()
