"""An old image of a hall: found, stopped, carried over, nothing doubled, no number given twice."""

import shutil

import pytest

from edge.actions import gates, incarnation, press
from edge.actions.check import check
from edge.actions.status import status
from edge.errors import Busy, CentreRefused, Refused, WrongMoment
from edge.settings import load
from edge.store import anchor
from edge.store.files import hold_service
from matters.model import Refusal
from sync.messages.incarnation import KIND
from sync.messages.registry import kind
from tests.contract.edge.test_answers import entries
from tests.contract.renewal.place import Place


async def trail(place: Place) -> list[tuple[str, str]]:
    rows = await place.stage.rows("SELECT origin, case_no FROM access WHERE case_no <> '' ORDER BY case_no")
    return [(row["origin"][-2:], row["case_no"]) for row in rows]


async def rolled_back(place: Place) -> None:
    """Two answers reach the centre, the disk is put back to the day before, two others are given there."""
    clerk = await place.clerk()
    await place.offline(clerk)
    await place.close()
    image = place.image("image")
    await place.start()
    await place.offline(await place.clerk(), 2)
    await place.exchange()
    await place.close()
    shutil.rmtree(place.data)
    shutil.copytree(image, place.data)
    place.stage.clock.pass_ms(60_000)
    await place.start()


async def test_g15_an_old_image_is_found_at_contact_and_the_next_incarnation_carries_its_work_over(
    place: Place,
) -> None:
    await rolled_back(place)
    old = place.node.identity.origin
    clerk = await place.clerk()
    mine = (await place.offline(clerk))[0]  # its own anchor was put back with it: nothing is known yet
    with pytest.raises(CentreRefused):
        await place.exchange()
    place.line.down = True
    stopped = await place.asked(clerk)
    place.line.down = False
    assert isinstance(stopped, Refusal)
    assert stopped.code == "ledger-alarm"
    with pytest.raises(CentreRefused) as waiting:
        await incarnation.renew(place.node, "rollback")
    assert waiting.value.centre_code == "incarnation-waiting"
    assert await incarnation.offered(place.node) in waiting.value.message.zh
    await place.approve("security")
    with pytest.raises(CentreRefused):
        await incarnation.renew(place.node, "rollback")
    await place.approve("system")
    done = await incarnation.renew(place.node, "rollback")
    assert (done.old_origin, done.approved_by) == (old, ("security", "system"))
    assert done.origin.endswith("/i2")
    assert done.carried > 0
    first, said = (await entries(place.node))[0]
    assert first.kind == kind(KIND).number
    assert (said["old_origin"], said["reason"], said["carried"]) == (old, "rollback", done.carried)
    assert said["approved_by"] == "security,system"
    assert said["root"]
    assert (await place.exchange()).alarms == ()
    assert (await place.exchange()).pending == 0  # what the letters caused, too
    seen = await trail(place)
    assert sorted(case for _, case in seen).count(mine.case) == 2, "the lost branch and this one, each once"
    assert len(seen) == 4
    assert await place.stage.rows("SELECT 1 FROM effect_rejected") == []
    found = await place.stage.rows("SELECT code FROM finding ORDER BY code")
    assert [row["code"] for row in found] == ["fork", "incarnation"], "one number on two papers"


async def test_what_both_sides_have_is_carried_as_evidence_and_has_no_second_effect(place: Place) -> None:
    clerk = await place.clerk()
    await place.offline(clerk, 2)
    await place.close()
    image = place.image(
        "image"
    )  # two answers the centre gets, and their acknowledgement is lost with the disk
    await place.start()
    await place.exchange()
    await place.close()
    shutil.rmtree(place.data)
    shutil.copytree(image, place.data)
    await place.start()
    before = await trail(place)
    with pytest.raises(CentreRefused):
        await incarnation.renew(place.node, "rollback")
    await place.approve("security", "system")
    done = await incarnation.renew(place.node, "rollback")
    await place.exchange()
    assert done.carried > 0
    assert await trail(place) == before, "nothing doubled"
    held = await place.stage.rows("SELECT count(*) AS n FROM entry WHERE origin = $1", done.origin)
    assert held[0]["n"] >= done.carried, "kept as evidence all the same"


async def test_a_database_behind_its_anchor_says_how_many_entries_are_known_to_be_lost(place: Place) -> None:
    await place.close()
    image = place.image("image")
    await place.start()
    await place.offline(await place.clerk(), 3)
    size = (await status(place.node)).ledger.size
    await place.close()
    for name in ("node.db", "node.db-wal", "node.db-shm"):
        (place.data / name).unlink(missing_ok=True)
    shutil.copy(image / "node.db", place.data / "node.db")
    node = await place.start()
    assert node.store.rolled_back
    held = (await status(node)).ledger.size
    with pytest.raises(CentreRefused):
        await incarnation.renew(node, "rollback")
    await place.approve("security", "system")
    done = await incarnation.renew(node, "rollback")
    assert 0 < done.lost <= size
    assert done.lost >= size - held
    await place.exchange()
    await place.start()
    assert not place.node.store.rolled_back
    assert await place.node.store.read(lambda db: gates.gates(db, place.node)) == []
    kept = anchor.read(place.data)
    assert kept is not None
    assert kept.origin == done.origin


async def test_serials_and_cases_of_the_new_incarnation_are_a_series_of_their_own(place: Place) -> None:
    clerk = await place.clerk()
    (first,) = await place.offline(clerk)
    await renewed(place, "planned")
    (second,) = await place.offline(await place.clerk())
    assert first.report is not None
    assert second.report is not None
    assert "-L-" in first.report.serial
    assert second.report.serial.endswith("-L2-00001")
    assert "-C2-" in second.case
    await place.exchange()
    rows = await place.stage.rows("SELECT serial FROM report ORDER BY serial")
    assert len({row["serial"] for row in rows}) == len(rows) == 2


async def renewed(place: Place, why: str) -> incarnation.Renewed:
    with pytest.raises(CentreRefused):
        await incarnation.renew(place.node, why)
    await place.approve("security")
    return await incarnation.renew(place.node, why)


async def test_an_old_report_is_printed_again_under_the_key_it_was_issued_with(place: Place) -> None:
    clerk = await place.clerk()
    (given,) = await place.offline(clerk)
    assert given.report is not None
    await place.exchange()
    before = await press.token(place.node, given.report.serial)
    await renewed(place, "planned")
    assert await press.token(place.node, given.report.serial) == before


async def test_after_a_leaked_key_nothing_is_signed_with_it_any_more(place: Place) -> None:
    clerk = await place.clerk()
    (given,) = await place.offline(clerk)
    assert given.report is not None
    await place.exchange()
    await renewed(place, "key-compromised")
    with pytest.raises(WrongMoment) as caught:
        await press.token(place.node, given.report.serial)
    assert "作废" in caught.value.message.zh
    names = await place.node.store.read(lambda db: db.query("SELECT name FROM secret"))
    assert not any(name.startswith(("past.", "next.")) for (name,) in names)


async def test_a_serving_node_and_a_strange_reason_are_refused_and_nothing_changes(place: Place) -> None:
    with hold_service(place.data), pytest.raises(Busy):
        await incarnation.renew(place.node, "planned")
    with pytest.raises(Refused) as caught:
        await incarnation.renew(place.node, "boredom")
    assert "rollback" in caught.value.next.zh
    assert await incarnation.offered(place.node) == ""
    assert await place.stage.rows("SELECT 1 FROM incarnation") == []


async def test_other_keys_are_offered_only_when_asked_for(place: Place) -> None:
    offered = []
    for anew in (False, False, True):
        with pytest.raises(CentreRefused):
            await incarnation.renew(place.node, "planned", anew=anew)
        offered.append(await incarnation.offered(place.node))
    assert offered[0] == offered[1] != offered[2]


async def test_the_ledger_of_the_new_incarnation_holds_and_the_old_one_stays_as_it_was(place: Place) -> None:
    clerk = await place.clerk()
    await place.offline(clerk, 2)
    rows = await place.node.store.read(lambda db: db.query("SELECT idx, leaf_hash FROM entry ORDER BY idx"))
    await renewed(place, "planned")
    kept = await place.node.store.read(
        lambda db: db.query("SELECT idx, leaf_hash FROM entry_i1 ORDER BY idx")
    )
    assert kept[: len(rows)] == rows
    await place.exchange()
    await place.exchange()
    await place.close()
    found = await check(place.data, load(place.data), place.clock())
    assert (found.store, found.broken_at) == ("ok", None)
    assert found.origin.endswith("/i2")
    assert found.countersigned == found.entries


async def test_a_second_incarnation_keeps_the_keys_of_first_places(place: Place) -> None:
    clerk = await place.clerk()
    (given,) = await place.offline(clerk)
    await renewed(place, "planned")
    await renewed(place, "planned")
    await place.exchange()
    rows = await place.stage.rows("SELECT origin FROM access WHERE case_no = $1", given.case)
    assert [row["origin"][-2:] for row in rows] == ["i3"]
    first = await place.stage.rows("SELECT origin, by_origin FROM effect_carried ORDER BY idx")
    assert {(row["origin"][-2:], row["by_origin"][-2:]) for row in first} <= {("i1", "i3"), ("i2", "i3")}
