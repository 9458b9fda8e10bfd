"""Seal and wipe: asked, acknowledged, or assumed by expiry; nothing unsent is lost, nothing cached stays readable."""

import pytest

from central.actions import courier, wipes
from central.actions.centre import operator
from central.errors import NotFound, NotPermitted
from edge.actions import gates, wipe
from edge.errors import EdgeError
from matters.model import Refusal
from tests.contract.renewal.place import Place

DAY_MS = 86_400_000


async def state(place: Place) -> list[str]:
    return [row.state for row in await wipes.wipes(place.stage.centre)]


async def told(place: Place) -> None:
    done = await wipes.wipe(place.stage.centre, operator("security"), place.name, "车辆被盗，已报警")
    assert isinstance(done, wipes.WipeRow)
    assert done.words.zh == "已下令"


async def test_a_told_node_sends_everything_then_nothing_of_it_opens(place: Place) -> None:
    clerk = await place.clerk()
    await place.offline(clerk)
    await told(place)
    assert await wipe.when_told(place.node) is False, "not told yet"
    await place.exchange()
    stopped = await place.asked(clerk)
    assert isinstance(stopped, Refusal)
    assert stopped.code == "wiped"
    assert await state(place) == ["asked"], "the closing entry has not arrived"
    assert await wipe.when_told(place.node) is True
    assert await state(place) == ["acknowledged"]
    assert sorted(path.name for path in (place.data / "keys").iterdir()) == []
    assert place.node.store.failed
    with pytest.raises(EdgeError):
        await place.node.store.transact(lambda tx: tx.note("late", 1))
    await place.close()
    with pytest.raises(EdgeError):
        await place.start()
    rows = await place.stage.rows("SELECT count(*) AS n FROM access WHERE case_no <> ''")
    assert rows[0]["n"] == 1


async def test_without_a_line_the_unsent_ledger_lies_sealed_and_the_centre_can_take_it(place: Place) -> None:
    await told(place)
    await place.exchange()
    await place.node.store.transact(lambda tx: tx.execute("DELETE FROM session"))
    place.line.down = True
    assert await wipe.when_told(place.node) is True
    files = sorted((place.data / wipe.FOLDER).glob("*.yzb"))
    assert files
    taken = await courier.import_files(place.stage.centre, operator("system"), files)
    assert all(not one.code for one in taken)
    assert await state(place) == ["acknowledged"]


async def test_a_node_that_is_never_heard_again_is_assumed_wiped_when_its_last_lease_ends(
    place: Place,
) -> None:
    await told(place)
    (row,) = await wipes.wipes(place.stage.centre)
    place.stage.clock.now_ms = row.leases_end_ms
    assert await state(place) == ["asked"]
    place.stage.clock.pass_ms(DAY_MS)
    assert await state(place) == ["assumed-by-expiry"]


async def test_only_the_security_administrator_orders_it_with_a_reason(place: Place) -> None:
    centre = place.stage.centre
    with pytest.raises(NotPermitted):
        await wipes.wipe(centre, operator("system"), place.name, "车辆被盗")
    with pytest.raises(NotFound):
        await wipes.wipe(centre, operator("security"), "330999", "车辆被盗")
    said = await wipes.wipe(centre, operator("security"), place.name, " ")
    assert isinstance(said, Refusal)
    assert await wipes.wipes(centre) == ()
    await place.exchange()
    assert await place.node.store.read(lambda db: gates.gates(db, place.node)) == []
