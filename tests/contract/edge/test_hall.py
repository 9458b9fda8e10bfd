"""The hall over the drivers' virtual twins: a card on a real serial line, slips over TCP, sheets in a queue."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from drivers.devices.a4_spool.virtual import VirtualSpool
from drivers.devices.receipt_printer.virtual import VirtualPrinter
from drivers.devices.resident_id.virtual import VirtualReader
from edge.actions import press, reads
from edge.actions.answer import answer
from edge.actions.node import Node, Session
from edge.actions.printing import jobs
from edge.actions.reads import DeskOfNode
from edge.actions.views import Answer
from edge.hall.hall import Hall
from edge.settings import DeviceSetting
from tests.contract.edge.conftest import Opener, card, signed_in
from tests.contract.edge.small_centre import SmallCentre
from tests.contract.edge.test_answers import entries, own


class Devices:
    """The twins of one hall and the hall that supervises their drivers."""

    def __init__(self, node: Node, folder: Path) -> None:
        self.node = node
        self.reader = VirtualReader(link=folder / "reader")
        self.printer = VirtualPrinter()
        self.spool = VirtualSpool(folder / "spool")

    async def start(self, *kinds: str) -> asyncio.Task[None]:
        for twin in (self.reader, self.printer, self.spool):
            await twin.start()
        every = {
            "id_reader": f"serial:{self.reader.path}?baud=115200",
            "receipt_printer": self.printer.address,
            "a4_printer": self.spool.address,
        }
        devices = tuple(DeviceSetting(name=kind, kind=kind, address=every[kind]) for kind in kinds)  # type: ignore[arg-type]
        self.node.devices = devices
        self.node.hall = Hall(devices, DeskOfNode(self.node))
        return asyncio.create_task(self.node.hall.run(), name="hall")

    async def stop(self) -> None:
        for twin in (self.reader, self.printer, self.spool):
            await twin.stop()

    def state(self, kind: str) -> str:
        assert self.node.hall is not None
        return next(one.state for one in self.node.hall.status() if one.kind == kind)


@pytest.fixture
async def devices(node: Node, tmp_path: Path) -> AsyncIterator[Devices]:
    made = Devices(node, tmp_path)
    yield made
    await made.stop()


async def comes(fact: Callable[[], bool], node: Node, within_s: float = 15.0) -> None:
    """Wait for a fact, looking again at every event of the node (or at its beat)."""
    async with asyncio.timeout(within_s):
        with node.events.subscription() as queue:
            while not fact():
                try:
                    async with asyncio.timeout(0.1):
                        await queue.get()
                except TimeoutError:
                    continue


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_g19_a_card_on_the_reader_becomes_a_read_with_its_entry_and_submits_nothing(
    devices: Devices, node: Node, clerk: Session, centre: SmallCentre
) -> None:
    task = await devices.start("id_reader")
    await comes(lambda: devices.state("id_reader") == "ok", node)
    held = next(iter(centre.people.values())).subject
    devices.reader.lay(card(held.number, held.name, birth=held.birth))
    await comes(lambda: bool(node.reads), node)
    read = await reads.latest(node, clerk.window)
    assert read is not None
    assert (read.name, read.number) == (held.name, held.number)
    assert [entry.kind for entry, _ in await entries(node)][-1] == 5
    await ended(task)


async def test_a_reader_pulled_out_is_a_fault_entry_and_comes_back_by_itself(
    devices: Devices, node: Node
) -> None:
    task = await devices.start("id_reader")
    await comes(lambda: devices.state("id_reader") == "ok", node)
    devices.reader.unplug()
    await comes(lambda: devices.state("id_reader") != "ok", node)
    devices.reader.plug()
    await comes(lambda: devices.state("id_reader") == "ok", node)
    assert 95 in [entry.kind for entry, _ in await entries(node)]
    await ended(task)


async def test_a_slip_is_cut_once_with_the_serial_in_readable_chinese(
    devices: Devices, node: Node, clerk: Session, centre: SmallCentre
) -> None:
    task = await devices.start("receipt_printer")
    await comes(lambda: devices.state("receipt_printer") == "ok", node)
    await node.typesetter.start()
    read = await reads.lay(node, "", card(*_first(centre)))
    given = await answer(node, clerk, own(read.read_id))
    assert isinstance(given, Answer)
    assert given.report is not None
    await press.round_once(node)
    await press.round_once(node)
    (paper,) = devices.printer.papers
    text = "\n".join(str(line) for line in getattr(paper, "lines", [paper]))
    assert given.report.serial in text
    assert read.number not in text, "a slip shows the number masked"
    await ended(task)


async def test_g16_a_sheet_is_handed_to_the_queue_once_and_confirmed_when_the_queue_is_done(
    devices: Devices, node: Node, clerk: Session, centre: SmallCentre, opener: Opener
) -> None:
    task = await devices.start("a4_printer")
    await comes(lambda: devices.state("a4_printer") == "ok", node)
    await node.typesetter.start()
    read = await reads.lay(node, "", card(*_first(centre)))
    given = await answer(node, clerk, own(read.read_id))
    assert isinstance(given, Answer)
    assert given.report is not None
    name = f"{given.report.serial}-1"
    await press.round_once(node)
    await comes(lambda: name in devices.spool.printed, node)
    await press.round_once(node)
    (job,) = [one for one in await jobs(node) if one.kind == "report"]
    assert job.state == "device-confirmed"
    assert devices.spool.printed[name].startswith(b"%PDF")
    await node.store.transact(lambda tx: tx.execute("UPDATE print_job SET state = 'queued'"))
    await press.round_once(node)
    assert list(devices.spool.printed) == [name], "the queue knows the name: nothing is printed twice"
    await ended(task)


async def test_a_device_that_is_not_there_is_shown_with_its_next_step(node: Node, tmp_path: Path) -> None:
    setting = DeviceSetting(name="r", kind="id_reader", address=f"serial:{tmp_path / 'none'}")
    node.hall = Hall((setting,), DeskOfNode(node))
    task = asyncio.create_task(node.hall.run(), name="hall")
    await comes(lambda: node.hall is not None and node.hall.status()[0].state == "absent", node)
    assert node.hall.status()[0].next.zh
    await ended(task)


async def test_a_card_laid_at_one_window_is_not_seen_at_another(node: Node, centre: SmallCentre) -> None:
    read = await reads.lay(node, "1", card(*_first(centre)))
    await signed_in(node, "li.min", "2")
    assert await reads.latest(node, "2") is None
    assert node.read_of(read.read_id, "2") is None
    assert node.read_of(read.read_id, "1") == read


def _first(centre: SmallCentre) -> tuple[str, str]:
    held = next(iter(centre.people.values())).subject
    return held.number, held.name
