"""The print journal over real wires (TCP, a serial tty, a character device as USB), with every fault in mid-job."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drivers.devices.receipt_printer.virtual import VirtualPrinter
from edge.actions import lanes, moves, press, printing
from edge.actions.node import Node, Session
from edge.hall.hall import Hall
from edge.settings import DeviceSetting
from tests.contract.edge.conftest import Opener
from tests.contract.edge.small_centre import SmallCentre
from tests.contract.edge.test_devices import WAIT_S, comes, of, running
from tests.contract.edge.test_papers import issued, job_of
from tests.contract.edge.test_print_journal import only_sent, steps
from tests.simulation.hall import PlainTypesetter

NAME = "回执"


@pytest.fixture
async def printer(wire: str, tmp_path: Path) -> AsyncIterator[tuple[VirtualPrinter, DeviceSetting]]:
    """Under a name of its own: the number of a tty that was pulled may be another test's by the time it is back."""
    twin = VirtualPrinter(tty=wire != "tcp", link=tmp_path / "printer")
    await twin.start()
    address = f"usb:{twin.path}" if wire == "usb" else twin.address
    yield twin, DeviceSetting(name=NAME, kind="receipt_printer", address=address)
    await twin.stop()


@contextlib.asynccontextmanager
async def ready(node: Node, setting: DeviceSetting) -> AsyncIterator[Hall]:
    """A hall whose only device is this printer, found ready."""
    node.typesetter = PlainTypesetter()
    async with running(node, setting) as hall:
        await comes(lambda: of(hall, NAME).state == "ok", node)
        assert not of(hall, NAME).next.zh, "nothing to do"
        yield hall


def whole(twin: VirtualPrinter) -> list[str]:
    """The papers that came out whole."""
    return [paper.text for paper in twin.papers if paper.cut]


async def printed(node: Node) -> None:
    """Rounds of the press until the slip is confirmed, as the running press takes them at each event."""
    async with asyncio.timeout(WAIT_S):
        with node.events.subscription() as queue:
            while (await job_of(node, "slip")).state != "device-confirmed":
                await press.round_once(node)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await queue.get()


@pytest.mark.parametrize(
    ("wire", "fault"),
    [
        *(("tcp", fault) for fault in ("paper", "cover", "offline", "unplug", "off")),
        *(("serial", fault) for fault in ("paper", "off")),
        *(("usb", fault) for fault in ("cover", "unplug")),
    ],
)
async def test_g16_whatever_stops_a_slip_in_mid_job_is_one_question_and_nothing_resumes_by_itself(
    node: Node, clerk: Session, centre: SmallCentre, printer: tuple[VirtualPrinter, DeviceSetting], fault: str
) -> None:
    twin, setting = printer
    async with ready(node, setting) as hall:
        twin.fault(fault, after_lines=3)
        await issued(node, clerk, centre)
        await press.round_once(node)
        asked = await job_of(node, "slip")
        assert (asked.state, asked.problem) == ("sent", moves.QUESTION)
        twin.clear()
        await twin.on()
        await comes(lambda: of(hall, NAME).state == "ok", node)
        before = len(whole(twin))  # what it still held in its memory may have come out meanwhile
        for _ in range(3):
            await press.round_once(node)
        assert len(whole(twin)) == before, "nothing is printed by itself"
        assert (await job_of(node, "slip")).problem == moves.QUESTION
        await printing.confirm(node, clerk, asked.id, "none")
        await printed(node)
        assert len(whole(twin)) == before + 1
    way = await steps(node, "slip")
    assert way[:4] == ["sent", moves.IN_DOUBT, "queued", "sent"], "the question is an entry, asked once"
    assert way[-2:] == ["sent", "device-confirmed"]


@pytest.mark.parametrize("wire", ["tcp", "serial", "usb"])
async def test_g16_out_of_paper_before_the_first_byte_waits_and_prints_once_by_itself(
    node: Node, clerk: Session, centre: SmallCentre, printer: tuple[VirtualPrinter, DeviceSetting]
) -> None:
    twin, setting = printer
    async with ready(node, setting) as hall:
        twin.set(paper="out")
        await issued(node, clerk, centre)
        await press.round_once(node)
        assert (await job_of(node, "slip")).state in {"asked", "queued"}, "no byte was sent"
        await comes(lambda: of(hall, NAME).state == "fault", node)
        assert "缺纸" in of(hall, NAME).words.zh
        twin.set(paper="near-end")
        await comes(lambda: of(hall, NAME).state == "ok", node)
        assert "将用尽" in of(hall, NAME).words.zh
        assert "新纸卷" in of(hall, NAME).next.zh
        await printed(node)
        assert len(whole(twin)) == 1
    assert (await steps(node, "slip"))[-2:] == ["sent", "device-confirmed"]


@pytest.mark.parametrize("wire", ["tcp", "serial", "usb"])
async def test_g16_after_a_power_cut_of_the_node_the_one_question_and_the_clerks_word_ends_it(
    node: Node,
    clerk: Session,
    centre: SmallCentre,
    printer: tuple[VirtualPrinter, DeviceSetting],
    opener: Opener,
) -> None:
    twin, setting = printer
    async with ready(node, setting):
        await issued(node, clerk, centre)
        job = await job_of(node, "slip")
        await node.store.transact(lambda tx: only_sent(tx, job.id, NAME))
    again = await opener()
    assert await lanes.after_crash(again) == 1
    assert await lanes.after_crash(again) == 0, "asked once"
    async with ready(again, setting):
        for _ in range(3):
            await press.round_once(again)
        assert not whole(twin)
        await printing.confirm(again, clerk, job.id, "good")
        await press.round_once(again)
        assert not whole(twin)
    assert await steps(again, "slip") == ["sent", moves.IN_DOUBT, "clerk-confirmed"]
