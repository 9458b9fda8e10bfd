"""A4 printers: a queue over IPP and a queue in a folder, against their twins."""

import asyncio

import pytest

from drivers.devices.a4_ipp import virtual as ipp
from drivers.devices.a4_ipp.driver import IppPrinter
from drivers.devices.a4_ipp.virtual import VirtualQueue
from drivers.devices.a4_spool import virtual as spool
from drivers.devices.a4_spool.driver import SpoolPrinter
from drivers.devices.a4_spool.virtual import VirtualSpool
from drivers.errors import (
    Absent,
    Busy,
    DriverError,
    Faulty,
    Garbled,
    NotThisDevice,
    Offline,
    TimedOut,
    Unplugged,
)
from drivers.wires.address import parse_address
from drivers.wires.http_line import Exchange
from tests.rig.bench import TwinProcess, soon
from tests.rig.device_benches import PDF

pytestmark = pytest.mark.rig


@pytest.fixture
async def queue():
    twin = VirtualQueue()
    await twin.start()
    printer = IppPrinter(parse_address(twin.address))
    await printer.open()
    yield twin, printer
    await printer.close()
    await twin.stop()


@pytest.fixture
async def folder(tmp_path):
    twin = VirtualSpool(tmp_path / "hall")
    await twin.start()
    printer = SpoolPrinter(parse_address(twin.address))
    await printer.open()
    yield twin, printer
    await printer.close()
    await twin.stop()


@pytest.fixture(params=["ipp", "spool"])
def printer(request):
    return request.getfixturevalue({"ipp": "queue", "spool": "folder"}[request.param])


async def test_g17_a_sheet_is_printed_and_its_end_is_read_back(printer):
    twin, device = printer
    handed = await device.submit(PDF, "330102-000017")
    assert handed.confirmed
    state = await device.finished(handed.job, 2.0)
    assert state.stage == "done"
    assert PDF in list(twin.printed.values() if isinstance(twin.printed, dict) else twin.printed)
    assert await device.find("330102-000017") == handed.job
    assert await device.find("330102-000018") == ""


async def test_a_job_that_fails_says_so(printer):
    twin, device = printer
    twin.fault("fail")
    handed = await device.submit(PDF, "sheet")
    state = await device.finished(handed.job, 2.0)
    assert state.stage == "failed"
    assert "补打" in state.next.zh
    assert not twin.printed


async def test_a_job_the_queue_does_not_know_is_unknown(printer):
    _, device = printer
    assert (await device.job("999")).stage == "unknown"


async def test_a_job_waits_for_paper_and_goes_on(printer):
    twin, device = printer
    twin.set(**({"reasons": ["media-empty-error"]} if isinstance(twin, VirtualQueue) else {"paper": "out"}))
    state = await device.status()
    assert (state.paper, state.ready) == ("out", False)
    handed = await device.submit(PDF, "sheet")
    with pytest.raises(TimedOut):
        await device.finished(handed.job, 0.2)
    assert (await device.job(handed.job)).stage == "queued"
    twin.clear()
    assert (await device.finished(handed.job, 2.0)).stage == "done"


async def test_g16_a_job_whose_answer_was_lost_is_found_again_and_not_printed_twice(queue):
    twin, printer = queue
    twin.fault("cut")
    handed = await printer.submit(PDF, "330102-000019")
    assert (handed.confirmed, handed.reason) == (False, "device-unplugged")
    await printer.open()
    assert await printer.find("330102-000019") == "1"
    await soon(lambda: twin.printed)
    assert await printer.find("330102-000019") == "1"
    assert len(twin.jobs) == 1


@pytest.mark.parametrize(
    ("fault", "kind"), [("busy", Busy), ("password", NotThisDevice), ("closed", Offline)]
)
async def test_g16_a_queue_that_refuses_holds_no_job(queue, fault, kind):
    twin, printer = queue
    twin.fault(fault)
    with pytest.raises(kind):
        await printer.submit(PDF, "sheet")
    assert twin.jobs == []
    twin.fault(fault)
    with pytest.raises(kind):
        await printer.status()


async def test_a_queue_that_is_gone_raises_before_a_byte_is_sent(queue):
    twin, printer = queue
    await twin.off()
    with pytest.raises(Unplugged):
        await printer.submit(PDF, "sheet")
    with pytest.raises(Unplugged):
        await printer.status()
    with pytest.raises(Absent):
        await printer.open()
    await twin.on()
    await printer.open()
    assert "打印机就绪" in (await printer.describe()).zh


async def test_a_stopped_queue_is_said_and_a_held_job_too(queue):
    twin, printer = queue
    handed = await printer.submit(PDF, "sheet")
    await soon(lambda: twin.jobs[0].state == ipp.PRINTING)
    twin.set(stopped=True)
    await soon(lambda: twin.jobs[0].state == ipp.HELD)
    assert (await printer.job(handed.job)).stage == "held"
    assert not (await printer.status()).online


@pytest.mark.parametrize("name", ipp.FAULTS)
async def test_every_fault_of_the_queue_ends_in_a_state_or_a_stated_error(name):
    twin = VirtualQueue()
    await twin.start()
    printer = IppPrinter(parse_address(twin.address), answer_s=0.5)
    await printer.open()
    twin.fault(name)
    expected = {"silent": TimedOut, "garbage": Garbled, "html": Garbled, "cut": Unplugged, "busy": Busy}
    expected |= {"password": NotThisDevice, "closed": Offline, "foreign": Garbled, "flood": Garbled}
    if name in expected:
        with pytest.raises(expected[name]):
            await printer.status()
    else:
        assert (await printer.status()).ready
    await printer.close()
    await twin.stop()


@pytest.mark.parametrize("name", spool.FAULTS)
async def test_every_fault_of_the_folder_ends_in_a_state_or_a_stated_error(folder, name):
    twin, printer = folder
    twin.fault(name)
    handed = await printer.submit(PDF, "sheet")
    try:
        stage = (await printer.finished(handed.job, 0.5)).stage
        assert (await printer.status()).ready
    except DriverError as error:
        assert (name, type(error)) in {("stall", TimedOut), ("nonsense", Garbled), ("flood", Garbled)}  # noqa: PT017
    else:
        assert (name, stage) == ("fail", "failed")


async def test_a_folder_that_is_no_queue_or_held_or_not_writable_is_refused(folder, tmp_path):
    twin, printer = folder
    with pytest.raises(NotThisDevice):
        await SpoolPrinter(parse_address(f"spool:{tmp_path}")).open()
    with pytest.raises(Busy):
        await SpoolPrinter(parse_address(twin.address)).open()
    (twin.folder / "sheet.part").mkdir()
    with pytest.raises(Faulty):
        await printer.submit(PDF, "sheet")
    assert (await printer.describe()).en == "Spool folder: The printer is ready."


async def test_g16_the_same_sheet_handed_over_twice_is_printed_once(folder):
    twin, printer = folder
    first = await printer.submit(PDF, "sheet")
    await printer.finished(first.job, 2.0)
    twin.printed.clear()
    assert await printer.submit(PDF, "sheet") == first
    assert (await printer.finished(first.job, 2.0)).stage == "done"
    assert twin.printed == {}


async def test_a_queue_holds_whole_files_only(folder):
    twin, printer = folder
    twin.fault("stall")
    await printer.submit(PDF, "sheet")
    assert [file.name for file in twin.folder.rglob("*.p*")] == ["sheet.pdf"]


def raw_server(answer):
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    return asyncio.start_server(serve, "127.0.0.1", 0)


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (HEAD + b"Content-Length: 3\r\n\r\nabc", b"abc"),
        (HEAD + b"transfer-encoding: Chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n", b"abc"),
        (b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n", b""),
    ],
)
async def test_an_http_answer_is_read_whole(answer, body):
    server = await raw_server(answer)
    exchange = Exchange("127.0.0.1", server.sockets[0].getsockname()[1], "name")
    assert (await exchange.post("/", "text/plain", b"", 1.0)).body == body
    assert exchange.sent
    server.close()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", Garbled),
        (b"HTTP/1.1 OK\r\n\r\n", Garbled),
        (HEAD + b"\r\n", Garbled),
        (HEAD + b"Content-Length: many\r\n\r\n", Garbled),
        (HEAD + b"Content-Length: 99999999\r\n\r\n", Garbled),
        (HEAD + b"X: " + b"x" * 40_000, Garbled),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", Garbled),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", Unplugged),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"ffff\r\n" * 1, Unplugged),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffff\r\n" + bytes(1_300_000), Garbled),
        (HEAD + b"Content-Length: 3\r\n\r\na", Unplugged),
        (b"", Unplugged),
    ],
)
async def test_an_http_answer_that_is_none_is_a_stated_error(answer, kind):
    server = await raw_server(answer)
    exchange = Exchange("127.0.0.1", server.sockets[0].getsockname()[1], "name")
    with pytest.raises(kind):
        await exchange.post("/", "text/plain", b"", 2.0)
    server.close()


async def test_an_answer_that_trickles_past_its_time_is_a_timeout():
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD)
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    exchange = Exchange("127.0.0.1", server.sockets[0].getsockname()[1], "name")
    with pytest.raises(TimedOut):
        await exchange.post("/", "text/plain", b"", 0.1)
    server.close()


async def test_the_queue_as_a_process_is_played_over_its_door(tmp_path):
    async with TwinProcess("drivers.devices.a4_ipp.virtual", "--out", str(tmp_path / "out")) as twin:
        printer = IppPrinter(parse_address(twin.ready["address"]))
        await printer.open()
        handed = await printer.submit(PDF, "sheet")
        assert (await printer.finished(handed.job, 3.0)).stage == "done"
        assert (tmp_path / "out" / "1.pdf").read_bytes() == PDF
        assert (await twin.play(do="set", reasons=["media-empty-error"], stopped=True))["stopped"]
        assert (await printer.status()).paper == "out"
        assert (await twin.play(do="fault", name="busy"))["ok"]
        for order in ("clear", "off", "on", "state"):
            assert (await twin.play(do=order))["ok"]
        for wrong in ({"do": "set", "reasons": "none"}, {"do": "fault", "name": "fire"}, {"do": "fly"}):
            assert (await twin.play(**wrong))["ok"] is False
        await printer.close()


async def test_the_folder_twin_as_a_process_is_played_over_its_door(tmp_path):
    async with TwinProcess("drivers.devices.a4_spool.virtual", "--folder", str(tmp_path / "hall")) as twin:
        printer = SpoolPrinter(parse_address(twin.ready["address"]))
        await printer.open()
        handed = await printer.submit(PDF, "sheet")
        assert (await printer.finished(handed.job, 3.0)).stage == "done"
        assert (await twin.play(do="set", paper="out"))["paper"] == "out"
        assert (await twin.play(do="fault", name="fail"))["ok"]
        for order in ("clear", "unplug", "plug", "state"):
            assert (await twin.play(do=order))["ok"]
        for wrong in ({"do": "set", "paper": "wet"}, {"do": "fault", "name": "fire"}, {"do": "fly"}):
            assert (await twin.play(**wrong))["ok"] is False
        await printer.close()
    assert (tmp_path / "hall" / "done" / "sheet.pdf").read_bytes() == PDF
