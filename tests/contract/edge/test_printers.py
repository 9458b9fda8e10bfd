"""What a slip printer can do: printed, answered by a person, kept, and every slip laid out by it."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from drivers.devices.receipt_printer.abilities import Abilities
from drivers.devices.receipt_printer.layout import width
from drivers.devices.receipt_printer.virtual import VirtualPrinter
from edge.actions import press, printers
from edge.actions.node import Node, Session
from edge.errors import NotAllowed, NotThere, Refused
from edge.settings import DeviceSetting
from tests.contract.edge.conftest import Opener, signed_in
from tests.contract.edge.small_centre import SmallCentre
from tests.contract.edge.test_answers import entries
from tests.contract.edge.test_devices import comes, of, running
from tests.contract.edge.test_papers import issued
from tests.simulation.hall import PlainTypesetter

ALL = frozenset({"chinese", "raster", "qr", "columns", "cut"})


@pytest.fixture
async def twin() -> AsyncIterator[VirtualPrinter]:
    printer = VirtualPrinter()
    await printer.start()
    yield printer
    await printer.stop()


def at(twin: VirtualPrinter, window: str = "", query: str = "") -> DeviceSetting:
    return DeviceSetting(name="回执", kind="receipt_printer", address=twin.address + query, window=window)


async def test_g18_a_slip_is_laid_out_by_what_the_clerk_answered_of_the_test_page(
    node: Node, clerk: Session, centre: SmallCentre, twin: VirtualPrinter, opener: Opener
) -> None:
    node.typesetter = PlainTypesetter()
    async with running(node, at(twin)) as hall:
        await comes(lambda: of(hall, "回执").state == "ok", node)
        (seen,) = await printers.look(node, clerk)
        assert (seen.answered, seen.able, seen.well) == (False, Abilities(), ALL)
        await printers.answer(node, clerk, "回执", ALL - {"columns", "qr", "cut"})
        (seen,) = await printers.look(node, clerk)
        assert (seen.answered, seen.paper_mm) == (True, 58)
        await issued(node, clerk, centre)
        await press.round_once(node)
        await twin.off()  # tears off what was not cut
        (paper,) = twin.papers
    assert not paper.cut
    assert not paper.qr
    assert any(picture.down > 100 for picture in paper.pictures), "the code is drawn"
    assert all(width(line) <= 32 for line in paper.lines if not line.startswith("["))
    (mark,) = [d["note"] for e, d in await entries(node) if e.outcome == "printer-answered"]
    assert mark == "chinese raster"
    again = await opener()
    again.devices = node.devices
    assert (await printers.able(again, "回执")).columns == 32, "kept over a restart"


async def test_an_answer_holds_for_one_printer_at_its_address_only(
    node: Node, clerk: Session, twin: VirtualPrinter
) -> None:
    node.devices = (at(twin),)
    await printers.answer(node, clerk, "回执", ALL - {"cut"})
    assert await printers.able(node, "回执") == Abilities(cut=False)
    node.devices = (at(twin, query="?columns=32"),)
    assert await printers.able(node, "回执") == Abilities(columns=32), "another address, another printer"


async def test_f013_printers_are_answered_for_at_their_window_or_on_duty_and_one_without_chinese_is_refused(
    node: Node, clerk: Session, twin: VirtualPrinter
) -> None:
    node.devices = (at(twin, window="2"),)
    with pytest.raises(NotAllowed) as no:
        await printers.answer(node, clerk, "回执", ALL)
    assert "已留痕" in no.value.message.zh
    assert (await entries(node))[-1][0].outcome == "not-allowed"
    for allowed in (await signed_in(node, "wu.yue", "3"), msgspec.structs.replace(clerk, permits=("duty",))):
        await printers.answer(node, allowed, "回执", ALL)
    with pytest.raises(Refused) as illegible:
        await printers.answer(node, await signed_in(node, "sun.tao", "2"), "回执", {"qr", "cut", "columns"})
    assert "中文" in illegible.value.message.zh
    with pytest.raises(NotThere):
        await printers.answer(node, clerk, "没有", ALL)
