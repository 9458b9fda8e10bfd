"""The A4 driver against a real CUPS: a job handed over, its state read back, paper out, a failing printer."""

import asyncio

import pytest

from drivers.devices.a4_ipp.driver import IppPrinter
from drivers.errors import Unplugged
from drivers.wires.address import parse_address
from tests.rig.bench import soon
from tests.rig.cups_queue import CupsQueue

pytestmark = pytest.mark.rig

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 400 + b"\n%%EOF\n"


@pytest.fixture
async def cups():
    async with CupsQueue() as queue:
        printer = IppPrinter(parse_address(queue.address))
        await printer.open()
        yield queue, printer
        await printer.close()


async def test_g17_a_sheet_goes_through_cups_and_its_end_is_read_back(cups):
    queue, printer = cups
    handed = await printer.submit(PDF, "sheet-0001")
    assert handed.confirmed
    assert (await printer.finished(handed.job, 15.0)).stage == "done"
    assert queue.sheets() == {"sheet-0001": PDF}
    assert await printer.find("sheet-0001") == handed.job
    assert await printer.find("sheet-0002") == ""
    assert (await printer.status()).ready


async def test_g16_paper_out_in_cups_is_said_and_the_sheet_comes_once_paper_is_in(cups):
    queue, printer = cups
    queue.set("empty", on=True)
    handed = await printer.submit(PDF, "sheet-0003")
    assert "纸" in (await once_out(printer)).words.zh
    assert not (await printer.job(handed.job)).ended
    queue.set("empty", on=False)
    assert (await printer.finished(handed.job, 15.0)).stage == "done"
    assert queue.sheets() == {"sheet-0003": PDF}


async def once_out(printer):
    async with asyncio.timeout(15):
        while (state := await printer.status()).paper != "out":
            continue
        return state


async def test_g16_a_job_the_printer_failed_is_told_as_failed_and_the_next_is_right(cups):
    queue, printer = cups
    queue.set("broken", on=True)
    handed = await printer.submit(PDF, "sheet-0004")
    failed = await printer.finished(handed.job, 15.0)
    assert failed.stage == "failed"
    assert "作废" in failed.next.zh
    assert queue.sheets() == {}
    queue.set("broken", on=False)
    again = await printer.submit(PDF, "sheet-0004-2")
    assert (await printer.finished(again.job, 15.0)).stage == "done"


async def test_cups_restarted_still_knows_its_job_and_never_prints_it_twice(cups):
    queue, printer = cups
    handed = await printer.submit(PDF, "sheet-0005")
    await printer.finished(handed.job, 15.0)
    await soon(lambda: queue.sheets().keys() == {"sheet-0005"})
    await queue.stop()
    with pytest.raises(Unplugged):
        await printer.status()
    await queue.start()
    await printer.open()
    assert (await printer.job(handed.job)).stage in {"done", "unknown"}
    assert list(queue.sheets()) == ["sheet-0005"]
