"""A program killed while a device was speaking to it: the next one hears nothing of that."""

import asyncio
import sys

import pytest

from drivers.devices.qr_scanner.driver import SerialScanner
from drivers.devices.qr_scanner.virtual import VirtualScanner
from drivers.devices.resident_id.driver import SdtReader
from drivers.devices.resident_id.virtual import VirtualReader
from drivers.errors import NotThisDevice
from drivers.wires.address import parse_address
from tests.rig.bench import soon
from tests.unit.drivers.samples import CITIZEN, PERMIT

pytestmark = pytest.mark.rig

OPEN_TRIES = 10


async def opened(address: str) -> SdtReader:
    """The reader once it opens: the hall tries again, too, while an old answer still comes with gaps."""
    reader = SdtReader(parse_address(address))
    for _ in range(OPEN_TRIES):
        try:
            await reader.open()
        except NotThisDevice:
            continue
        return reader
    raise AssertionError("the reader never came to rest")


@pytest.mark.parametrize("baud", [115200, 9600])
async def test_a_reader_whose_program_was_killed_in_mid_read_reads_the_next_card_at_its_first_laying(baud):
    twin = VirtualReader(baud=baud, wire_time=True)
    await twin.start()
    address = f"serial:{twin.path}?baud={baud}"
    twin.lay(CITIZEN)
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.rig.reading_alone", address, stdout=asyncio.subprocess.PIPE
    )
    try:
        await soon(lambda: "3001" in twin.heard, 20.0)
        program.kill()
        async with asyncio.timeout(10):
            said, _ = await program.communicate()
        assert b"read" not in said, "it was killed while the answer was on the wire"
        reader = await opened(address)
        twin.lift()
        twin.lay(PERMIT)
        assert await reader.read_card(5.0) == PERMIT
        assert twin.reads == 2
        await reader.close()
    finally:
        await twin.stop()


async def test_a_scanner_opened_while_a_code_comes_gives_the_next_code_and_not_half_of_this_one():
    twin = VirtualScanner()
    await twin.start()
    twin.line.fault("slow")
    twin.scan("YZ1." + "a" * 40)
    scanner = SerialScanner(parse_address(f"serial:{twin.path}"))
    await scanner.open()
    twin.scan("LIANXI-0001")
    assert await scanner.next_code(3.0) == "LIANXI-0001"
    await scanner.close()
    await twin.stop()
