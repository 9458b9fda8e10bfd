"""The print journal: each step an entry, numbered sheets counted down, one question after a cut, nothing twice."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from drivers.devices.a4_spool.virtual import VirtualSpool
from drivers.devices.receipt_printer.virtual import VirtualPrinter
from edge.actions import close_day, lanes, moves, press, printing, sheets
from edge.actions.node import Node, Session
from edge.actions.reads import DeskOfNode
from edge.actions.views import PrintJob
from edge.errors import NotAllowed, NotThere, Refused, WrongMoment
from edge.hall.hall import Hall
from edge.settings import DeviceSetting
from edge.store.transaction import Transaction
from tests.contract.edge.conftest import Opener, ToldTime, signed_in
from tests.contract.edge.small_centre import SmallCentre
from tests.contract.edge.test_answers import entries
from tests.contract.edge.test_devices import comes, of, running
from tests.contract.edge.test_papers import issued, job_of
from tests.simulation.hall import PlainTypesetter

PAPER_MOVED = 26
SHEETS_MOVED = 27


async def steps(node: Node, paper: str) -> list[str]:
    """What the ledger says of one paper's way, oldest first."""
    kinds = {21: "printed", 22: "spoiled", 23: "reprinted", 24: "handed-over"}
    found = []
    for entry, detail in await entries(node):
        if entry.kind == PAPER_MOVED and detail["paper"] == paper:
            found.append(entry.outcome)
        elif entry.kind in kinds and paper == "report":
            found.append(kinds[entry.kind])
    return found


@pytest.fixture
async def chief(node: Node) -> Session:
    return await signed_in(node, "wu.yue", "3")


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[VirtualSpool]:
    twin = VirtualSpool(tmp_path / "spool")
    await twin.start()
    yield twin
    await twin.stop()


@contextlib.asynccontextmanager
async def queue(node: Node, spool: VirtualSpool) -> AsyncIterator[Hall]:
    """A hall whose only device is an A4 queue that is ready."""
    node.typesetter = PlainTypesetter()
    async with running(node, DeviceSetting(name="A4", kind="a4_printer", address=spool.address)) as hall:
        await comes(lambda: of(hall, "A4").state == "ok", node)
        yield hall


def test_every_state_of_a_job_stands_in_the_table_of_steps_and_none_leads_nowhere_else() -> None:
    assert set(moves.STEPS) == {*moves.STEPS} | set().union(*moves.STEPS.values())
    assert {state for state, after in moves.STEPS.items() if not after} == {"handed-over", "spoiled"}


async def test_g16_each_step_of_a_reports_way_is_an_entry(
    node: Node, clerk: Session, centre: SmallCentre, spool: VirtualSpool
) -> None:
    async with queue(node, spool):
        serial = await issued(node, clerk, centre)
        await press.round_once(node)
        await comes(lambda: spool.printed, node)
        await press.round_once(node)
        job = await job_of(node, "report")
        assert (job.state, job.printer) == ("device-confirmed", "A4")
        await printing.confirm(node, clerk, job.id, "good")
        await printing.hand_over(node, clerk, serial)
    assert await steps(node, "report") == ["queued", "sent", "device-confirmed", "printed", "handed-over"]


async def test_g16_what_the_clerk_says_did_not_come_out_is_printed_again_though_the_queue_knows_the_first(
    node: Node, clerk: Session, centre: SmallCentre, spool: VirtualSpool
) -> None:
    async with queue(node, spool):
        serial = await issued(node, clerk, centre)
        await press.round_once(node)
        await comes(lambda: spool.printed, node)
        await press.round_once(node)
        job = await job_of(node, "report")
        await printing.confirm(node, clerk, job.id, "none", "被吞了")
        with pytest.raises(WrongMoment):
            await printing.confirm(node, clerk, job.id, "none", "按了两次")
        await press.round_once(node)
        await comes(lambda: len(spool.printed) > 1, node)
        assert list(spool.printed) == [f"{serial}-1", f"{serial}-1-2"]
        for _ in range(3):
            await press.round_once(node)
        assert len(spool.printed) == 2, "confirmed: nothing is printed by itself"


async def test_a_queue_that_failed_or_holds_a_job_says_so_in_the_journal(
    node: Node, clerk: Session, centre: SmallCentre, spool: VirtualSpool
) -> None:
    async with queue(node, spool):
        spool.fault("stall")
        await issued(node, clerk, centre)
        await press.round_once(node)
        await press.round_once(node)
        waiting = await job_of(node, "report")
        assert waiting.state == "sent"
        assert waiting.queue is not None
        assert waiting.queue.zh
        spool.fault("fail")
        spool.clear()
        spool.fault("fail")
        await comes(lambda: _in(spool, "failed"), node)
        await press.round_once(node)
        failed = await job_of(node, "report")
        assert failed.state == "failed"
        assert failed.problem is not None


def _in(spool: VirtualSpool, part: str) -> int:
    return int(spool.state()["jobs"][part])


async def test_g16_after_a_power_cut_between_sent_and_the_queue_the_question_says_the_queue_has_it_not(
    node: Node, clerk: Session, centre: SmallCentre, chief: Session, spool: VirtualSpool, opener: Opener
) -> None:
    node.typesetter = PlainTypesetter()
    await sheets.issue(node, chief, "A4-0001", "A4-0100", "1")
    serial = await issued(node, clerk, centre)
    await press.round_once(node)
    job = await job_of(node, "report")
    await node.store.transact(lambda tx: only_sent(tx, job.id))
    again = await opener()
    await lanes.after_crash(again)
    (asked,) = [one for one in await printing.jobs(again) if one.kind == "report"]
    assert (asked.sheet, asked.state) == ("A4-0001", "sent")
    assert asked.problem is not None
    async with queue(again, spool):
        for _ in range(3):
            await press.round_once(again)
        assert not spool.printed, "nothing resumes by itself"
        (asked,) = [one for one in await printing.jobs(again) if one.kind == "report"]
        assert asked.problem is not None
        assert "没有这份文件" in asked.problem.zh
        await printing.confirm(again, clerk, job.id, "none")
        await press.round_once(again)
        await comes(lambda: f"{serial}-1-2" in spool.printed, again)
    assert (await steps(again, "report")).count(moves.IN_DOUBT) == 1
    (block,) = await sheets.blocks(again)
    assert (block.out, block.next, block.left) == (1, "A4-0002", 99), "the same sheet was taken again"


def only_sent(tx: Transaction, job_id: str, printer: str = "A4") -> None:
    """What a power cut leaves right after the step to sent: durable, and nobody was told."""
    job = moves.load(tx, job_id)
    assert job is not None
    lanes.take_and_send(tx, job, printer)


async def test_g16_a_block_counts_down_and_every_sheet_is_used_once(
    node: Node, clerk: Session, centre: SmallCentre, chief: Session
) -> None:
    node.typesetter = PlainTypesetter()
    await sheets.issue(node, chief, "HZ000101", "HZ000200", "1")
    serial = await issued(node, clerk, centre)
    await printing.pdf(node, clerk, serial)
    job = await job_of(node, "report")
    assert job.sheet == "HZ000101"
    (block,) = await sheets.blocks(node)
    assert (block.out, block.left, block.next) == (1, 99, "HZ000102")
    await printing.confirm(node, clerk, job.id, "spoiled", "卡纸")
    await printing.reprint(node, clerk, serial, "卡纸")
    await printing.pdf(node, clerk, serial)
    (copy,) = [one for one in await printing.jobs(node) if one.copy_no == 2]
    with pytest.raises(WrongMoment):
        await printing.confirm(node, clerk, copy.id, "good", sheet="HZ000101")
    with pytest.raises(Refused):
        await printing.confirm(node, clerk, copy.id, "good", sheet="HZ000201")
    await printing.confirm(node, clerk, copy.id, "good")
    (block,) = await sheets.blocks(node)
    assert (block.good, block.spoiled, block.out, block.left) == (1, 1, 0, 98)
    papers = [(e.kind, d["sheet"]) for e, d in await entries(node) if e.kind in {21, 22, 23}]
    assert papers == [(22, "HZ000101"), (23, "HZ000102")]
    assert "sheet-unaccounted" not in await _codes(node, chief)


async def _codes(node: Node, session: Session) -> list[str]:
    closed = await close_day.close(node, session, node.day_of(node.now_ms()))
    return [finding.code for finding in closed.findings]


async def test_g16_a_sheet_passed_over_is_a_finding_at_day_close_until_it_is_void(
    node: Node, clerk: Session, centre: SmallCentre, chief: Session
) -> None:
    node.typesetter = PlainTypesetter()
    await sheets.issue(node, chief, "0001", "0050", "")
    serial = await issued(node, clerk, centre)
    await printing.pdf(node, clerk, serial)
    job = await job_of(node, "report")
    await printing.confirm(node, clerk, job.id, "good", sheet="0003")
    (block,) = await sheets.blocks(node)
    assert block.gaps == ("0001", "0002")
    closed = await close_day.close(node, chief, node.day_of(node.now_ms()))
    missing = [one.subject_of for one in closed.findings if one.code == "sheet-unaccounted"]
    assert missing == ["0001", "0002"]
    with pytest.raises(Refused):
        await sheets.void(node, clerk, "0001", " ")
    for number in missing:
        await sheets.void(node, clerk, number, "试打用掉")
    with pytest.raises(WrongMoment):
        await sheets.void(node, clerk, "0003", "已用")
    with pytest.raises(NotThere):
        await sheets.void(node, clerk, "0051", "不在号段")
    seen = (await close_day.close(node, chief, closed.totals.day)).totals
    assert (seen.sheets_issued, seen.sheets_used, seen.sheets_void, seen.sheets_left) == (50, 1, 2, 47)
    assert "sheet-unaccounted" not in await _codes(node, chief)


async def test_g16_blocks_are_the_supervisors_issued_once_and_given_back_with_their_rest_on_the_ledger(
    node: Node, clerk: Session, centre: SmallCentre, chief: Session
) -> None:
    with pytest.raises(NotAllowed):
        await sheets.issue(node, clerk, "0001", "0050", "1")
    assert (await entries(node))[-1][0].outcome == "not-allowed"
    for first, last, window in (
        ("0050", "0001", "1"),
        ("A1", "B2", "1"),
        ("001", "0005", "1"),
        ("", "", "1"),
        ("1", "5", "9"),
    ):
        with pytest.raises(Refused):
            await sheets.issue(node, chief, first, last, window)
    block = await sheets.issue(node, chief, "0001", "0050", "1")
    with pytest.raises(Refused):
        await sheets.issue(node, chief, "0050", "0060", "2")
    node.typesetter = PlainTypesetter()
    serial = await issued(node, clerk, centre)
    await printing.pdf(node, clerk, serial)
    with pytest.raises(WrongMoment):
        await sheets.give_back(node, chief, block)
    job = await job_of(node, "report")
    await printing.confirm(node, clerk, job.id, "good")
    await sheets.give_back(node, chief, block)
    with pytest.raises(NotThere):
        await sheets.give_back(node, chief, block)
    moved = [(e.outcome, d["count"]) for e, d in await entries(node) if e.kind == SHEETS_MOVED]
    assert moved == [("issued", 50), ("returned", 49)]
    day = await close_day.preview(node, node.day_of(node.now_ms()))
    assert (day.sheets_issued, day.sheets_returned, day.sheets_left) == (50, 49, 0)


async def test_g16_a_block_goes_back_only_when_every_sheet_of_it_is_accounted_for(
    node: Node, clerk: Session, centre: SmallCentre, chief: Session
) -> None:
    node.typesetter = PlainTypesetter()
    block = await sheets.issue(node, chief, "0001", "0050", "1")
    serial = await issued(node, clerk, centre)
    await printing.pdf(node, clerk, serial)
    await printing.confirm(node, clerk, (await job_of(node, "report")).id, "good", sheet="0002")
    with pytest.raises(WrongMoment) as no:
        await sheets.give_back(node, chief, block)
    assert "作废" in no.value.next.zh
    await sheets.void(node, clerk, "0001", "遗失")
    await sheets.give_back(node, chief, block)
    lone = msgspec.structs.replace(clerk, permits=(*clerk.permits, "duty"))
    assert await sheets.issue(node, lone, "0051", "0060", "1"), "the only clerk on a bus"


async def test_a_stuck_slip_printer_keeps_no_other_windows_slip_waiting(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    slow, quick = VirtualPrinter(), VirtualPrinter()
    await slow.start()
    await quick.start()
    node.typesetter = PlainTypesetter()
    settings = tuple(
        DeviceSetting(name=name, kind="receipt_printer", address=twin.address, window=window)
        for name, twin, window in (("慢", slow, "1"), ("快", quick, "2"))
    )
    other = await signed_in(node, "wu.yue", "2")
    async with running(node, *settings) as hall:
        await comes(lambda: all(one.state == "ok" for one in hall.status()), node)
        slow.fault("deaf", after_lines=3)
        await issued(node, clerk, centre)
        await _slip_for(node, other.window)
        async with asyncio.TaskGroup() as group:
            pressing = group.create_task(press.round_once(node))
            await comes(lambda: quick.papers, node)
            assert not pressing.done(), "the other printer still holds its own slip"
            slow.clear()
            pressing.cancel()
    await slow.stop()
    await quick.stop()


async def _slip_for(node: Node, window: str) -> None:
    """A copy of the slip of window 1, asked for at another window."""
    await node.store.transact(
        lambda tx: tx.execute(
            "INSERT INTO print_job SELECT 'p-other', kind, serial, office_case, state, copy_no, sheet, problem,"
            " reason, ?, paper, asked_ms, changed_ms, attempt, printer FROM print_job WHERE kind = 'slip'",
            (window,),
        )
    )


async def test_a_printer_that_says_ready_and_refuses_is_not_asked_again_at_once(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    node.typesetter = PlainTypesetter()
    setting = DeviceSetting(name="无", kind="receipt_printer", address="tcp:127.0.0.1:9")
    node.hall = Hall((setting,), DeskOfNode(node))
    await issued(node, clerk, centre)
    for _ in range(5):
        await press.round_once(node)
    assert (await job_of(node, "slip")).state == "asked"
    assert await steps(node, "slip") == [], "a printer that is away is not tried: no step, no entry"


async def test_the_way_of_a_slip_is_on_the_ledger_without_a_name_or_number_of_a_person(
    node: Node, clerk: Session, centre: SmallCentre, told: ToldTime
) -> None:
    printer = VirtualPrinter()
    await printer.start()
    node.typesetter = PlainTypesetter()
    async with running(
        node, DeviceSetting(name="回执", kind="receipt_printer", address=printer.address)
    ) as hall:
        await comes(lambda: of(hall, "回执").state == "ok", node)
        await issued(node, clerk, centre)
        await press.round_once(node)
        slip: PrintJob = await job_of(node, "slip")
        assert slip.state == "device-confirmed"
    assert await steps(node, "slip") == ["sent", "device-confirmed"]
    person = next(iter(centre.people.values())).subject
    said = " ".join(str(detail) for entry, detail in await entries(node) if entry.kind == PAPER_MOVED)
    assert person.number not in said
    assert person.name not in said
    await printer.stop()
