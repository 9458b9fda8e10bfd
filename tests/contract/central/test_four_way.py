"""Four-way match (rule 10): ticket, access, serial and sheet, each difference found, owned and ended."""

from central.actions import chores, findings, reconcile
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


async def test_rule_10_a_sheet_passed_over_is_unaccounted_for_until_somebody_says_what_became_of_it(
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
    await day(stage, hall)
    stage.clock.pass_ms(5 * 86_400_000)
    hall.write("day.closed", totals_of(hall), object=DAY)
    await hand_in(stage, hall)
    assert await chores.yesterday(stage.centre) == 0
    assert [one.state for one in await findings.findings(stage.centre)] == ["closed"]


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
