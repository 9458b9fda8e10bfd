"""Bad frames from a real serial line: the node's own hall says so, takes no card, and takes the next one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date

import pytest

from drivers.devices.resident_id.virtual import VirtualReader
from edge.actions import reads
from edge.actions.node import Node
from edge.actions.reads import DeskOfNode
from edge.hall.hall import Hall
from edge.settings import DeviceSetting
from tests.contract.edge.conftest import card
from tests.contract.edge.small_centre import number_of
from tests.contract.refusals.untouched import work_of

FAULTS = ("flipped", "short", "foreign")
READ = "3001"
WAIT_S = 20


@asynccontextmanager
async def reading(node: Node) -> AsyncIterator[tuple[VirtualReader, Hall]]:
    """The node's hall over a reader on a pseudo-terminal."""
    twin = VirtualReader()
    await twin.start()
    device = DeviceSetting(name="阅读机 1", kind="id_reader", address=f"serial:{twin.path}?baud=115200")
    hall = Hall((device,), DeskOfNode(node))
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(hall.run(), name="hall")
            yield twin, hall
            task.cancel()
    finally:
        await twin.stop()


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_garbled_frame_gives_no_card_and_no_work_and_the_next_frame_is_read(
    node: Node, fault: str
) -> None:
    before = await work_of(node)
    number = number_of(2)
    born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    sex = "1" if int(number[16]) % 2 else "2"
    laid = card(number, "陈某", birth=born, sex=sex, nation="01", issuer="清河县公安局", address="清河县某路")
    async with reading(node) as (twin, hall), asyncio.timeout(WAIT_S):
        with node.events.subscription() as heard:
            twin.fault(fault, times=1, on=READ)
            twin.lay(laid)
            while hall.status()[0].state != "fault":
                await heard.get()
            bad = hall.status()[0]
            assert await reads.latest(node, "1") is None, "no card may come out of a bad frame"
            twin.lay(laid)
            event = await heard.get()
            while event.topic != "card":
                event = await heard.get()
        read = await reads.latest(node, "1")
    assert bad.words.zh
    assert bad.next.zh
    assert read is not None
    assert read.number == number, "the good frame, whole"
    assert twin.reads >= 2, "the bad frame was not believed"
    assert number not in str(event.payload)
    rows = await node.store.read(lambda db: db.query("SELECT count(*) FROM office_case"))
    assert rows == [(0,)]
    assert await work_of(node) == before


async def test_a_reader_that_answers_only_noise_is_said_to_be_at_fault_with_what_to_do(node: Node) -> None:
    with node.events.subscription() as heard:
        async with reading(node) as (twin, hall), asyncio.timeout(WAIT_S):
            twin.fault("garbage", times=1000)
            while hall.status()[0].state not in {"fault", "absent"}:
                await heard.get()
            (device,) = hall.status()
    assert device.words.zh
    assert device.next.zh
    assert await reads.latest(node, "1") is None
