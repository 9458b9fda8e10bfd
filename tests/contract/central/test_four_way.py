"""Four-way match (rule 10): ticket, access, serial and sheet, each difference found, owned and ended."""

import msgspec
import pytest

from central.actions import chores, findings, ingest, mailbox, reconcile
from central.actions.centre import operator
from sync.exchange.centre import carried
from sync.ledger.entry import leaf_hash, parse_leaf, row_leaf
from sync.messages.incarnation import KIND, detail
from tests.contract.central.halls import Hall
from tests.contract.central.stage import Stage
from tests.contract.central.test_effects import hand_in
from tests.contract.central.test_judgement import DAY, NUMBER, close, day, paper, report, totals_of


def sheet(hall: Hall, number: str, kind: str = "printed", serial: str = "") -> None:
    hall.write(
        f"report.{kind}", {"serial": serial, "sheet": number, "file_digest": b"\1" * 32}, object=serial
    )


def block(hall: Hall, outcome: str, first: str, last: str, count: int, name: str = "b-1") -> None:
    hall.write(
        "sheets.moved",
        {"first": first, "last": last, "note": "", "count": count},
        object=name,
        outcome=outcome,
    )


async def codes(stage: Stage, hall: Hall, prefix: str) -> set[tuple[str, str]]:
    judged = await day(stage, hall)
    return {(one.code, one.object) for one in judged.findings if one.code.startswith(prefix)}


async def test_rule_10_3_a_sheet_passed_over_is_unaccounted_for_until_somebody_says_what_became_of_it(
    stage: Stage,
) -> None:
    hall = await stage.hall()
    block(hall, "issued", "A0001", "A0010", 10)
    for number in ("A0001", "A0002", "A0005"):
        sheet(hall, number)
    assert await codes(stage, hall, "sheet-") == {("sheet-unaccounted", f"A000{n}") for n in (3, 4)}
    block(hall, "void", "A0003", "A0003", 1)
    sheet(hall, "A0004", "spoiled")
    assert await codes(stage, hall, "sheet-") == set()
    closed = [one for one in await findings.findings(stage.centre) if one.code == "sheet-unaccounted"]
    assert {one.state for one in closed} == {"closed"}


async def test_rule_10_a_sheet_is_used_once_comes_from_a_block_and_goes_back_in_full(stage: Stage) -> None:
    hall = await stage.hall()
    block(hall, "issued", "A0001", "A0010", 10)
    for number in ("A0001", "A0001", "B0007"):
        sheet(hall, number)
    block(hall, "returned", "A0001", "A0010", 7)
    assert await codes(stage, hall, "sheet") == {
        ("sheet-used-twice", "A0001"),
        ("sheet-of-no-block", "B0007"),
        ("sheets-returned-short", "b-1"),
    }


async def test_rule_10_a_hall_without_blocks_has_unnumbered_paper(stage: Stage) -> None:
    hall = await stage.hall()
    for _ in range(2):
        sheet(hall, "note of the clerk")
    assert await codes(stage, hall, "sheet-") == set()


async def test_rule_10_paper_whose_case_was_later_refused_and_access_without_purpose_are_findings(
    stage: Stage,
) -> None:
    hall = await stage.hall()
    report(hall, "330102-2026-L-00001", "c-1")
    paper(hall, "printed", "330102-2026-L-00001")
    paper(hall, "handed_over", "330102-2026-L-00001")
    hall.write("case.changed", {"case": "c-1", "state": "refused", "subject_number": NUMBER})
    lonely = hall.access(NUMBER, purpose="")
    close(hall)
    judged = await day(stage, hall)
    assert {(one.code, one.object) for one in judged.findings} == {
        ("paper-of-refused", "330102-2026-L-00001"),
        ("access-without-purpose", f"entry {lonely}"),
    }


async def test_rule_10_a_day_corrected_later_ends_its_finding_at_the_next_nights_recount(
    stage: Stage,
) -> None:
    hall = await stage.hall()
    hall.access(NUMBER, case="c-1")
    await hand_in(stage, hall)
    for _ in range(5):
        stage.clock.pass_ms(86_400_000)
        await chores.days(stage.centre)
    assert [one.code for one in await findings.findings(stage.centre)] == ["day-missing"]
    hall.write("day.closed", totals_of(hall), object=DAY)
    await hand_in(stage, hall)
    await chores.days(stage.centre)
    assert [one.state for one in await findings.findings(stage.centre)] == ["closed"]


async def test_rule_10_a_difference_that_returns_opens_its_finding_again(stage: Stage) -> None:
    hall = await stage.hall()
    block(hall, "issued", "A0001", "A0010", 10)
    sheet(hall, "A0002")
    assert await codes(stage, hall, "sheet-un") == {("sheet-unaccounted", "A0001")}
    await stage.thief("UPDATE paper SET sheet = 'A0001'")
    assert await codes(stage, hall, "sheet-un") == set()
    stage.clock.pass_ms(3_600_000)
    await stage.thief("UPDATE paper SET sheet = 'A0002'")
    assert await codes(stage, hall, "sheet-un") == {("sheet-unaccounted", "A0001")}
    assert await codes(stage, hall, "sheet-un") == {("sheet-unaccounted", "A0001")}, "again, and once"
    (one,) = [row for row in await findings.findings(stage.centre) if row.code == "sheet-unaccounted"]
    assert (one.state, one.opened_ms) == ("open", stage.clock())
    assert (one.settled_by, one.note) == ("centre", "复点后已不存在"), "what became of it before stays"
    async with stage.centre.store.reading() as tx:
        letters = await mailbox.waiting(stage.centre, tx, hall.origin, 0)
    said = [letter.body for letter in letters if letter.body.get("finding") == one.id]
    assert [(body["state"], body["gone"]) for body in said] == [
        ("open", False),
        ("closed", True),
        ("open", False),
    ]
    leaves = await stage.rows(
        "SELECT leaf FROM entry_body WHERE origin = $1 ORDER BY idx", stage.centre.origin
    )
    about = [parse_leaf(row["leaf"])[0].object for row in leaves]
    closed = f"finding {one.id} closed"
    assert [told for told in about if one.id in told] == [one.id, closed, one.id]


@pytest.mark.parametrize("settled", ["explained", "closed"])
async def test_rule_10_what_the_auditor_settled_stays_until_it_says_something_else(
    stage: Stage, settled: str
) -> None:
    hall = await stage.hall()
    hall.access(NUMBER, case="c-1")
    close(hall)
    hall.access(NUMBER, case="c-2")
    (one,) = (await day(stage, hall)).findings
    await findings.settle(stage.centre, operator("audit"), one.id, settled, "下班后补录一笔，已核实")
    assert (await day(stage, hall)).findings == (), "the same difference was judged"
    hall.access(NUMBER, case="c-3")
    (other,) = (await day(stage, hall)).findings
    assert (other.id, other.state, other.settled_by) == (one.id, "open", "audit")
    assert other.words != one.words


async def test_a_recount_ends_only_what_it_could_have_found(stage: Stage) -> None:
    hall = await stage.hall()
    hall.access(NUMBER, case="c-1")
    close(hall)
    await hand_in(stage, hall)
    stage.clock.pass_ms(25 * 3_600_000)
    assert await chores.silence(stage.centre) == 1
    (silent,) = await findings.findings(stage.centre)
    await reconcile.reconcile(stage.centre, silent.day)
    assert [one.state for one in await findings.findings(stage.centre)] == ["open"]


SERIAL = "330102-2026-L-00001"


async def renewed(stage: Stage, hall: Hall) -> Hall:
    """The next incarnation a minute later: what was not acknowledged is carried over."""
    stage.clock.pass_ms(60_000)
    new, start = await stage.again(hall), hall.countersigned[0]
    assert new.given.opening is not None
    new.write(KIND, detail(new.given.opening, hall.size - start), outcome=new.given.opening.reason)
    for row in hall.kept[start:]:
        mark = carried(hall.origin, row.entry.index, leaf_hash(row_leaf(row)))
        moved = msgspec.structs.replace(row.entry, index=new.size, ext=(mark,))
        new.add([msgspec.structs.replace(row, entry=moved)])
    return new


async def found(stage: Stage, hall: Hall) -> list[tuple[str, str]]:
    """What the recount of the day finds in all incarnations."""
    await hand_in(stage, hall)
    told = await reconcile.reconcile(stage.centre, DAY)
    return sorted((one.code, one.object) for node in told.nodes for one in node.findings)


@pytest.mark.parametrize("printed", ["before", "after"])
async def test_rule_10_a_report_of_one_incarnation_and_its_paper_of_the_next_match(
    stage: Stage, printed: str
) -> None:
    hall = await stage.hall()
    hall.access(NUMBER, case="c-2")
    report(hall, SERIAL, "c-1")
    await hand_in(stage, hall)
    if printed == "before":
        paper(hall, "printed", SERIAL)
        new = await renewed(stage, hall)
    else:
        new = await renewed(stage, hall)
        paper(new, "printed", SERIAL)
    paper(new, "handed_over", SERIAL)
    new.write("report.issued", {"serial": "S-2", "status": "final", "subject_number": NUMBER}, object="c-2")
    paper(new, "printed", "S-2")
    paper(new, "handed_over", "S-2")
    close(new)
    assert await found(stage, new) == []


async def test_rule_10_a_serial_is_printed_and_handed_over_once_in_all_incarnations(stage: Stage) -> None:
    hall = await stage.hall()
    for number in (1, 2):
        report(hall, f"S-{number}", f"c-{number}")
        paper(hall, "printed", f"S-{number}")
        paper(hall, "handed_over", f"S-{number}")
    await hand_in(stage, hall)
    new = await renewed(stage, hall)
    paper(new, "printed", "S-1")
    paper(new, "handed_over", "S-2")
    new.write("case.changed", {"case": "c-1", "state": "refused", "subject_number": NUMBER})
    close(new)
    assert await found(stage, new) == [
        ("handed-over-twice", "S-2"),
        ("paper-of-refused", "S-1"),
        ("printed-twice", "S-1"),
    ]


async def test_rule_10_a_block_of_sheets_is_used_up_in_the_next_incarnation(stage: Stage) -> None:
    hall = await stage.hall()
    block(hall, "issued", "A0001", "A0010", 10)
    for number in ("A0001", "A0002"):
        sheet(hall, number, serial=f"S-{number}")
        report(hall, f"S-{number}", "")
    await hand_in(stage, hall)
    new = await renewed(stage, hall)
    for number in ("A0002", "A0004"):
        sheet(new, number, "reprinted", "S-A0001")
    block(new, "returned", "A0001", "A0010", 6)
    close(new)
    assert [one for one in await found(stage, new) if one[0].startswith("sheet")] == [
        ("sheet-unaccounted", "A0003"),
        ("sheet-used-twice", "A0002"),
    ]


@pytest.mark.parametrize("arrived", [0, 1, 2], ids=["nothing", "the work", "the close"])
async def test_rule_10_a_day_closed_before_a_renewal_and_carried_over_has_no_false_differences(
    stage: Stage, arrived: int
) -> None:
    hall = await stage.hall()
    hall.access(NUMBER, case="c-1")
    await hand_in(stage, hall)
    hall.access(NUMBER, case="c-2")
    close(hall)
    if arrived:  # the batch comes, its acknowledgement does not
        await ingest.exchange(stage.centre, hall.batch(end=1 + arrived), "network")
    stage.clock.pass_ms(86_400_000)
    assert await found(stage, await renewed(stage, hall)) == []
    heat = await reconcile.heat(stage.centre, 2)
    assert [row.cells[0] for row in heat.rows] == ["matched", "matched"]


async def test_rule_10_a_day_with_a_renewal_is_closed_once_and_work_after_the_close_is_found(
    stage: Stage,
) -> None:
    hall = await stage.hall()
    hall.access(NUMBER, case="c-1")
    await hand_in(stage, hall)
    new = await renewed(stage, hall)
    new.access(NUMBER, case="c-2")
    assert await found(stage, new) == [], "the day goes on"
    close(new)
    assert await found(stage, new) == []
    newer = await renewed(stage, new)
    newer.access(NUMBER, case="c-3")
    assert await found(stage, newer) == [("after-close", DAY)]
    close(newer)
    assert await found(stage, newer) == []


async def test_rule_10_the_same_difference_on_two_ledgers_of_a_node_is_two_findings_each_settled_alone(
    stage: Stage,
) -> None:
    hall = await stage.hall()
    hall.access(NUMBER, case="c-1")
    await hand_in(stage, hall)
    new = await renewed(stage, hall)
    new.access(NUMBER, case="c-2")
    stage.clock.pass_ms(86_400_000)
    assert await found(stage, new) == [("day-missing", DAY)] * 2
    one, other = await findings.findings(stage.centre)
    assert one.id != other.id
    assert {one.origin, other.origin} == {hall.origin, new.origin}
    await findings.settle(stage.centre, operator("audit"), one.id, "closed", "已核实，停业一天")
    states = {row.id: row.state for row in await findings.findings(stage.centre)}
    assert states == {one.id: "closed", other.id: "open"}
