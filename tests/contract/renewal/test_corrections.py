"""A correction the centre asks for: work at the hall with an owner, answered by an entry, closed by its arrival."""

import pytest

from central.actions import corrections
from central.actions.centre import operator
from central.actions.corrections import CorrectionRow
from central.errors import NotPermitted
from edge.actions.cases import case, finish_task, tasks
from edge.errors import Refused
from matters.model import Refusal
from tests.contract.edge.test_answers import entries
from tests.contract.renewal.place import Place

AUDIT = operator("audit")


async def asked(place: Place, number: str, days: int = 5) -> CorrectionRow:
    done = await corrections.ask(
        place.stage.centre,
        AUDIT,
        node=place.name,
        case=number,
        what="居住证明第二页",
        why="扫描件缺页",
        days=days,
    )
    assert isinstance(done, CorrectionRow), done
    return done


async def test_g11_a_correction_is_the_clerks_work_until_an_entry_answers_it(place: Place) -> None:
    clerk = await place.clerk()
    (given,) = await place.offline(clerk)
    await place.exchange()
    row = await asked(place, given.case)
    await place.exchange()
    await place.exchange()
    (task,) = await tasks(place.node)
    assert (task.kind, task.case, task.owner, task.state) == ("correction", given.case, "li.min", "open")
    assert task.due_ms == row.until_ms
    assert "居住证明第二页（扫描件缺页）" in task.words.zh
    with pytest.raises(Refused, match="no answer"):
        await finish_task(place.node, clerk, task.id, " ")
    before = (await case(place.node, clerk, given.case)).state
    await finish_task(place.node, clerk, task.id, "已补扫第二页")
    entry, said = (await entries(place.node))[-1]
    assert (entry.outcome, entry.object, said["correction"]) == ("corrected", given.case, row.id)
    assert said["state"] == before, "answering moves no case"
    (owed,) = await corrections.listed(place.stage.centre, AUDIT)
    assert owed.answered_ms is None
    await place.exchange()
    (closed,) = await corrections.listed(place.stage.centre, AUDIT)
    assert (closed.answer, closed.answered_by) == ("已补扫第二页", "li.min")
    assert closed.answered_ms is not None
    assert await tasks(place.node) == ()


async def test_a_correction_of_a_case_the_hall_lost_is_noted_and_blocks_nothing(place: Place) -> None:
    (given,) = await place.offline(await place.clerk())
    await place.exchange()
    await asked(place, given.case)
    await place.node.store.transact(lambda tx: tx.execute("DELETE FROM office_case"))
    await place.exchange()
    assert await tasks(place.node) == ()
    said = await place.node.store.read(lambda db: db.query("SELECT kind, objection FROM directive"))
    assert [bool(objection) for kind, objection in said if kind == "case.correction"] == [True]
    (owed,) = await corrections.listed(place.stage.centre, AUDIT)
    assert owed.answered_ms is None


async def test_only_the_auditor_asks_and_only_about_a_case_that_arrived(place: Place) -> None:
    centre = place.stage.centre
    how = {"node": place.name, "case": "none", "what": "材料", "why": "缺页", "days": 3}
    with pytest.raises(NotPermitted):
        await corrections.ask(centre, operator("system"), **how)  # type: ignore[arg-type]  # the fields above
    (given,) = await place.offline(await place.clerk())
    await place.exchange()
    for wrong in ({}, {"case": given.case, "what": ""}, {"case": given.case, "days": 0}):
        done = await corrections.ask(centre, AUDIT, **(how | wrong))  # type: ignore[arg-type]  # as above
        assert isinstance(done, Refusal)
    assert await corrections.listed(centre, AUDIT) == ()


async def test_what_was_asked_and_answered_is_sealed_at_rest(place: Place) -> None:
    (given,) = await place.offline(await place.clerk())
    await place.exchange()
    await asked(place, given.case)
    (row,) = await place.stage.rows("SELECT asked_sealed FROM correction")
    assert "居住".encode() not in row["asked_sealed"]
