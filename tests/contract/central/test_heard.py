"""Up to when a node's work is known at the centre: its entries and batches say it, by line, by stick, handed on (rule 10)."""

from central.actions import chores, ingest, reconcile
from tests.contract.central.clock import NOW_MS
from tests.contract.central.stage import Stage
from tests.contract.central.test_effects import hand_in
from tests.contract.central.test_judgement import NUMBER, close


async def test_rule_10_a_node_that_was_not_heard_of_matches_nothing(stage: Stage) -> None:
    hall = await stage.hall()
    await hand_in(stage, hall)
    stage.clock.pass_ms(3 * 86_400_000)
    (judged,) = (await reconcile.reconcile(stage.centre, "2026-11-23")).nodes
    assert (judged.heard, judged.matched, judged.heard_ms) == (False, False, NOW_MS)
    await hand_in(stage, hall)
    (judged,) = (await reconcile.reconcile(stage.centre, "2026-11-23")).nodes
    assert (judged.heard, judged.matched) == (True, True), "idle, and it says so itself"


async def test_rule_10_idle_days_before_a_stick_was_written_are_idle_and_those_after_are_not_known(
    stage: Stage,
) -> None:
    hall = await stage.hall()
    hall.access(NUMBER, case="c-1")
    close(hall)
    stage.clock.pass_ms(5 * 86_400_000)
    written = hall.batch()
    stage.clock.pass_ms(3 * 86_400_000)
    await ingest.exchange(stage.centre, written, "courier")
    await chores.days(stage.centre)
    assert (await reconcile.heat(stage.centre, 9)).rows[0].cells == (
        "matched",
        *[""] * 4,
        *["unheard"] * 3,
        "",
    )


async def test_rule_10_a_batch_handed_on_over_the_line_of_another_node_speaks_for_the_time_it_was_made(
    stage: Stage,
) -> None:
    bus = await stage.hall()
    written = bus.batch()
    stage.clock.pass_ms(3 * 86_400_000)
    await ingest.exchange(stage.centre, written, "network")
    (judged,) = (await reconcile.reconcile(stage.centre, "2026-11-23")).nodes
    assert (judged.heard, judged.heard_ms) == (False, NOW_MS)


async def test_rule_10_an_entry_of_a_clock_that_ran_ahead_does_not_speak_for_the_days_to_come(
    stage: Stage,
) -> None:
    hall = await stage.hall()
    stage.clock.pass_ms(400 * 86_400_000)
    hall.write("mark", {"note": ""}, outcome="ahead")
    stage.clock.pass_ms(-400 * 86_400_000)
    await ingest.exchange(stage.centre, hall.batch(), "courier")
    stage.clock.pass_ms(3 * 86_400_000)
    (judged,) = (await reconcile.reconcile(stage.centre, "2026-11-23")).nodes
    assert (judged.heard, judged.matched, judged.heard_ms) == (False, False, NOW_MS)
