"""Every row of the registry keeps what its port promises, against its twin, on every kind of line it serves."""

import asyncio
from pathlib import Path

import pytest

import drivers.devices
from drivers.errors import Absent, Busy, DriverError, Garbled, NothingCame, NotThisDevice, TimedOut, Unplugged
from drivers.registry import DRIVERS, open_device
from tests.rig.device_benches import BENCHES

ROWS = [(row.name, scheme) for row in DRIVERS for scheme in row.schemes]
OWNED = [row for row in ROWS if not BENCHES[row[0]].shared]
LOOKED_AT = [row for row in ROWS if BENCHES[row[0]].looks]
SPOKEN = [row for row in ROWS if row[1] != "pcsc"]  # pcscd limits what a card may say
ASKED = [row for row in LOOKED_AT if BENCHES[row[0]].silent_at_open]


@pytest.fixture(params=ROWS, ids="-".join)
async def bench(request, tmp_path):
    name, scheme = request.param
    bench = BENCHES[name](scheme, tmp_path)
    await bench.begin()
    yield bench
    await bench.device.close()
    await bench.twin.stop()


def test_every_device_folder_has_a_row_and_every_row_its_four_files():
    folder = Path(drivers.devices.__file__).parent
    named = {row.name for row in DRIVERS}
    assert {path.name for path in folder.iterdir() if (path / "__init__.py").exists()} == named
    for name in named:
        for part in ("protocol.py", "driver.py", "virtual.py", "ladder.toml"):
            assert (folder / name / part).is_file(), (name, part)


def test_every_row_is_benched_here():
    assert {row.name for row in DRIVERS} == set(BENCHES)


async def test_g17_a_device_opens_works_and_says_what_it_is(bench):
    await bench.device.open()
    assert bench.good(await bench.use())
    assert bench.good(await bench.use())
    says = await bench.device.describe()
    assert says.en
    assert any("一" <= mark <= "鿿" for mark in says.zh), "a device page is Chinese first"


async def test_opening_twice_is_opening_once(bench):
    await bench.device.open()
    await bench.device.open()
    assert bench.good(await bench.use())


async def test_closing_twice_or_unopened_is_no_error(bench):
    await bench.device.close()
    await bench.device.open()
    await bench.device.close()
    await bench.device.close()
    with pytest.raises(Unplugged):
        await bench.use()
    await bench.device.open()
    assert bench.good(await bench.use())


async def test_an_absent_device_is_absent(bench):
    address = bench.address
    await bench.leave()
    with pytest.raises(Absent) as absent:
        await bench.device.open()
    assert absent.value.device == address
    assert absent.value.next.zh


@pytest.mark.parametrize("bench", OWNED, ids="-".join, indirect=True)
async def test_a_device_held_by_another_is_busy(bench):
    await bench.device.open()
    other = open_device(bench.kind, bench.address)
    with pytest.raises(Busy):
        await other.open()
    assert bench.good(await bench.use())


async def test_a_silent_device_times_out_and_works_again(bench):
    await bench.device.open()
    bench.hush()
    async with asyncio.timeout(5):
        with pytest.raises(TimedOut):
            await bench.use()
    bench.mend()
    assert bench.good(await bench.use())


@pytest.mark.parametrize("bench", ASKED, ids="-".join, indirect=True)
async def test_a_device_silent_from_the_start_does_not_open(bench):
    bench.hush()
    async with asyncio.timeout(5):
        with pytest.raises(TimedOut):
            await bench.device.open()
    bench.mend()
    await bench.device.open()
    assert bench.good(await bench.use())


async def test_a_garbled_answer_is_said_and_the_next_is_right(bench):
    await bench.device.open()
    bench.garble()
    with pytest.raises(Garbled):
        await bench.use()
    bench.mend()
    assert bench.good(await bench.use())


@pytest.mark.parametrize("bench", SPOKEN, ids="-".join, indirect=True)
async def test_ten_megabytes_of_noise_are_a_stated_fault_and_pass(bench):
    await bench.device.open()
    bench.flood()
    bench.stir()
    with pytest.raises(Garbled):
        await bench.take()
    bench.mend()
    bench.stir()
    async with asyncio.timeout(30):
        while not await comes_right(bench):
            continue


async def comes_right(bench):
    """Whether the next piece of work is right; what is left of the noise may still be a fault, or a code."""
    try:
        return bench.good(await bench.take())
    except Garbled:
        return False
    except NothingCame:
        bench.stir()  # the end of the noise ran into what was said first
        return False


@pytest.mark.parametrize("bench", LOOKED_AT, ids="-".join, indirect=True)
async def test_a_device_of_another_kind_is_not_this_device(bench):
    bench.garble()
    with pytest.raises(NotThisDevice):
        await bench.device.open()


async def test_a_plug_pulled_in_mid_use_is_seen_and_the_device_comes_back(bench):
    await bench.device.open()
    bench.pull()
    async with asyncio.timeout(5):
        with pytest.raises(Unplugged):
            await bench.use()
    with pytest.raises(Unplugged):
        await bench.use()
    bench.mend()
    await bench.replug()
    await bench.device.open()
    assert bench.good(await bench.use())


async def test_a_call_broken_off_does_not_spoil_the_next(bench):
    await bench.device.open()
    bench.hush()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await bench.use()
    bench.mend()
    assert bench.good(await bench.use())


@pytest.mark.parametrize(
    "address", ["", "usb:1", "serial:ttyS0", "tcp:host", "tcp:host:0", "tcp:host:70000", "file:/tmp"]
)
@pytest.mark.parametrize("kind", sorted({row.kind for row in DRIVERS}))
def test_an_address_no_driver_serves_is_refused(kind, address):
    with pytest.raises(NotThisDevice) as refused:
        open_device(kind, address)
    assert refused.value.device == address


def test_every_error_has_words_and_a_next_step_in_both_languages():
    kinds = [DriverError]
    for kind in kinds:
        kinds += kind.__subclasses__()
        error = kind("detail", device="serial:/dev/ttyS0")
        assert all((error.words.zh, error.words.en, error.next.zh, error.next.en))
        assert str(error) == f"{kind.code} [serial:/dev/ttyS0]: detail"
    assert len({kind.code for kind in kinds}) == len(kinds)
