"""Paper: printed once, confirmed, spoiled, printed again, handed over; and the day that adds it all up."""

import asyncio
import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from drivers.devices.receipt_printer.protocol import decode
from drivers.errors import PaperOut
from drivers.ports import CardRecord, PrinterState, PrintOutcome
from edge.actions import close_day, findings, lanes, press, printing
from edge.actions.answer import answer
from edge.actions.cases import finish_task, list_cases, tasks
from edge.actions.node import Node, Session
from edge.actions.views import Answer, Deferral, PrintJob
from edge.errors import NotAllowed, NotThere, Refused, WrongMoment
from edge.hall.hall import Hall
from edge.settings import DeviceSetting
from matters.model import Words
from sync.signing.notes import vkey
from tests.contract.edge.conftest import Opener, lay, signed_in
from tests.contract.edge.small_centre import CENTRE, SmallCentre
from tests.contract.edge.test_answers import entries, own
from tests.simulation.hall import PlainTypesetter

SLIP = DeviceSetting(name="热敏打印机", kind="receipt_printer", address="tcp:127.0.0.1:9")
STATE = PrinterState(online=True, paper="ok", words=Words(zh="", en=""), next=Words(zh="", en=""))


class Paper:
    """A slip printer in memory behind the drivers' port: what came out, and what goes wrong next."""

    def __init__(self) -> None:
        self.papers: list[bytes] = []
        self.trouble: Exception | None = None
        self.confirmed = True

    async def print(self, job: bytes) -> PrintOutcome:
        if self.trouble is not None:
            raise self.trouble
        self.papers.append(job)
        return PrintOutcome(confirmed=self.confirmed, state=STATE)

    async def recover(self) -> PrinterState:
        return STATE


class Desk:
    async def card_laid(self, device: DeviceSetting, card: CardRecord) -> None: ...
    async def card_trouble(self, device: DeviceSetting, error: Any) -> None: ...
    async def device_changed(self, device: DeviceSetting, status: Any) -> None: ...
    async def chip_laid(self, device: DeviceSetting, card: object) -> None: ...
    async def staff_card(self, device: DeviceSetting, card: Any) -> None: ...
    async def key_pressed(self, device: DeviceSetting, key: Any) -> None: ...
    async def code_scanned(self, device: DeviceSetting, code: str) -> None: ...
    async def position_taken(self, device: DeviceSetting, fix: Any) -> None: ...
    async def device_tried(self, device: DeviceSetting, trial: Any) -> None: ...
    def now_ms(self) -> int:
        return 0


def with_printer(node: Node) -> Paper:
    paper = Paper()
    node.devices = (SLIP,)
    node.hall = Hall(node.devices, Desk())
    owner = node.hall._owners[SLIP.name]
    owner.port = paper  # type: ignore[assignment]  # the port's one method that is used
    owner.status = msgspec.structs.replace(owner.status, state="ok")
    return paper


async def issued(node: Node, clerk: Session, centre: SmallCentre) -> str:
    read = await lay(node, centre)
    given = await answer(node, clerk, own(read.read_id))
    assert isinstance(given, Answer)
    assert given.report is not None
    return given.report.serial


async def job_of(node: Node, kind: str) -> PrintJob:
    (found,) = [job for job in await printing.jobs(node) if job.kind == kind]
    return found


async def kinds(node: Node) -> list[int]:
    return [entry.kind for entry, _ in await entries(node)]


async def test_g16_a_slip_is_sent_once_and_confirmed_by_the_device(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    await node.typesetter.start()
    paper = with_printer(node)
    serial = await issued(node, clerk, centre)
    await press.round_once(node)
    await press.round_once(node)
    assert len(paper.papers) == 1
    slip = await job_of(node, "slip")
    assert (slip.state, slip.serial) == ("device-confirmed", serial)


async def test_g16_a_printer_without_paper_keeps_the_slip_queued_because_no_byte_was_sent(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    await node.typesetter.start()
    paper = with_printer(node)
    paper.trouble = PaperOut("x")
    await issued(node, clerk, centre)
    await press.round_once(node)
    assert (await job_of(node, "slip")).state == "queued"
    paper.trouble = None
    await press.round_once(node)
    assert (await job_of(node, "slip")).state == "device-confirmed"
    assert len(paper.papers) == 1


async def test_g16_a_slip_in_doubt_asks_the_clerk_and_is_never_printed_again_by_itself(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    await node.typesetter.start()
    paper = with_printer(node)
    paper.confirmed = False
    await issued(node, clerk, centre)
    for _ in range(3):
        await press.round_once(node)
    slip = await job_of(node, "slip")
    assert slip.state == "sent"
    assert slip.problem is not None
    assert "出来了吗" in slip.problem.zh
    assert len(paper.papers) == 1
    await printing.confirm(node, clerk, slip.id, "none")
    await press.round_once(node)
    assert len(paper.papers) == 2, "the clerk said none came out"


async def test_g16_a_job_that_stood_in_sent_when_the_node_died_asks_at_boot(
    node: Node, clerk: Session, centre: SmallCentre, opener: Opener
) -> None:
    await issued(node, clerk, centre)
    await node.store.transact(lambda tx: tx.execute("UPDATE print_job SET state = 'sent'"))
    again = await opener()
    await again.typesetter.start()
    assert await lanes.after_crash(again) == 2
    paper = with_printer(again)
    await press.round_once(again)
    assert not paper.papers
    assert all(job.problem for job in await printing.jobs(again))


async def test_f014_the_report_is_shown_for_an_own_open_case_only_and_each_view_is_an_entry(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    await node.typesetter.start()
    serial = await issued(node, clerk, centre)
    file = await printing.pdf(node, clerk, serial)
    assert file.startswith(b"%PDF")
    assert await printing.pdf(node, clerk, serial) == file, "the same bytes each time"
    other = await signed_in(node, "wu.yue", "2")
    with pytest.raises(NotAllowed):
        await printing.pdf(node, other, serial)
    outcomes = [entry.outcome for entry, _ in await entries(node) if entry.outcome.startswith("report-view")]
    assert outcomes == ["report-viewed", "report-viewed", "report-view-denied"]
    with pytest.raises(NotThere):
        await printing.pdf(node, clerk, "330102-2026-L-99999")


async def test_f014_a_summary_on_slip_paper_is_a_view_of_ones_own_open_case_and_holds_no_record(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    node.typesetter = PlainTypesetter()
    printer = with_printer(node)
    serial = await issued(node, clerk, centre)
    await printing.summary(node, clerk, serial)
    await press.round_once(node)
    (lines,) = [read for read in map(decode, printer.papers) if "报告摘要" in read]
    held = next(iter(centre.people.values()))
    assert any(line.startswith("[qr:YZ1.") for line in lines)
    assert held.subject.number not in "".join(lines)
    assert not any(record.title in "".join(lines) for record in held.records)
    with pytest.raises(NotAllowed):
        await printing.summary(node, await signed_in(node, "wu.yue", "2"), serial)
    outcomes = [entry.outcome for entry, _ in await entries(node) if entry.outcome.startswith("report-view")]
    assert outcomes == ["report-viewed", "report-view-denied"]


async def test_the_report_verifies_offline_against_the_centres_keys(
    node: Node, clerk: Session, centre: SmallCentre, tmp_path: Path
) -> None:
    await node.typesetter.start()
    serial = await issued(node, clerk, centre)
    (tmp_path / "r.pdf").write_bytes(await printing.pdf(node, clerk, serial))
    trust = {
        "authority": "qingzhou.example",
        "centre": {
            "vkey": vkey(CENTRE, centre.signing.public),
            "signing": base64.b64encode(centre.signing.public).decode(),
        },
        "revoked": [],
    }
    (tmp_path / "trust.json").write_text(json.dumps(trust))
    words = [
        sys.executable,
        "-m",
        "yizhan_verify",
        str(tmp_path / "r.pdf"),
        "--trust",
        str(tmp_path / "trust.json"),
    ]
    done = await asyncio.to_thread(
        subprocess.run, [*words, "--json"], capture_output=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stdout
    assert serial in done.stdout.decode()


async def test_g16_good_paper_is_confirmed_with_its_sheet_and_handed_over_once(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    await node.typesetter.start()
    serial = await issued(node, clerk, centre)
    job = await job_of(node, "report")
    with pytest.raises(WrongMoment):
        await printing.confirm(node, clerk, job.id, "good")
    with pytest.raises(WrongMoment):
        await printing.hand_over(node, clerk, serial)
    await printing.pdf(node, clerk, serial)
    await printing.confirm(node, clerk, job.id, "good", sheet="A4-0001")
    await printing.hand_over(node, clerk, serial)
    with pytest.raises(WrongMoment):
        await printing.hand_over(node, clerk, serial)
    printed = [detail for entry, detail in await entries(node) if entry.kind == 21]
    assert [one["sheet"] for one in printed] == ["A4-0001"]
    assert len(printed[0]["file_digest"]) == 32
    (case,) = await list_cases(node, clerk)
    assert case.state == "handed-over"
    found = await printing.sheets(node)
    assert (found.used, found.spoiled, found.first_serial) == (1, 0, serial)


async def test_g16_a_spoiled_sheet_needs_a_reason_and_the_reprint_keeps_the_serial(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    await node.typesetter.start()
    serial = await issued(node, clerk, centre)
    await printing.pdf(node, clerk, serial)
    job = await job_of(node, "report")
    with pytest.raises(Refused):
        await printing.confirm(node, clerk, job.id, "spoiled")
    with pytest.raises(WrongMoment):
        await printing.reprint(node, clerk, serial, "再打一份")
    await printing.confirm(node, clerk, job.id, "spoiled", "卡纸", "A4-0001")
    with pytest.raises(Refused):
        await printing.reprint(node, clerk, serial, "")
    await printing.reprint(node, clerk, serial, "卡纸补打")
    again = next(job for job in await printing.jobs(node) if job.copy_no == 2)
    assert again.serial == serial
    first = await printing.pdf(node, clerk, serial)
    assert first != await press.stored_file(node, serial, 1), "补打 第 1 次 is another paper"
    await printing.confirm(node, clerk, again.id, "good", sheet="A4-0002")
    papers = [kind for kind in await kinds(node) if kind in {21, 22, 23}]
    assert papers == [22, 23], "a good second copy is a reprint, never a second first print"


async def test_a_day_that_matches_closes_without_findings(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    await node.typesetter.start()
    serial = await issued(node, clerk, centre)
    await printing.pdf(node, clerk, serial)
    await printing.confirm(node, clerk, (await job_of(node, "report")).id, "good", sheet="1")
    await printing.hand_over(node, clerk, serial)
    chief = await signed_in(node, "wu.yue", "2")
    day = node.day_of(node.now_ms())
    seen = await close_day.preview(node, day)
    closed = await close_day.close(node, chief, day)
    assert closed.findings == ()
    assert (seen.accesses, seen.reports, seen.sheets_used) == (1, 1, 1)
    assert seen.serials == {"first": serial, "last": serial, "count": 1}
    assert closed.totals.kinds == seen.kinds
    assert (await kinds(node))[-1] == 100


async def test_a_spoiled_sheet_and_a_report_never_printed_are_findings(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    await node.typesetter.start()
    serial = await issued(node, clerk, centre)
    await printing.pdf(node, clerk, serial)
    await printing.confirm(node, clerk, (await job_of(node, "report")).id, "spoiled", "卡纸")
    await issued(node, clerk, centre)
    day = node.day_of(node.now_ms())
    chief = await signed_in(node, "wu.yue", "2")
    closed = await close_day.close(node, chief, day)
    assert sorted(one.code for one in closed.findings) == ["never-printed", "sheet-spoiled"]
    assert closed.totals.sheets_spoiled == 1
    again = await close_day.close(node, chief, day)
    assert len(await findings.findings(node)) == 2, "closing again finds the same two"
    assert again.entry.index > closed.entry.index
    with pytest.raises(NotThere):
        await close_day.preview(node, "2026-13-40")


async def test_a_task_is_finished_once_with_what_was_said(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    centre.down = True
    read = await lay(node, centre)
    given = await answer(node, clerk, own(read.read_id, "credit-bureau.self"))
    assert isinstance(given, Deferral)
    (task,) = await tasks(node)
    await finish_task(node, clerk, task.id, "已致电")
    with pytest.raises(WrongMoment):
        await finish_task(node, clerk, task.id, "again")
    with pytest.raises(NotThere):
        await finish_task(node, clerk, "no-such-task", "")
    assert (await tasks(node, done=True))[0].note == "已致电"
