"""Rights granted ahead (protocol 9): given offline within a grant, settled at the centre, never twice."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from central.actions import findings, publish
from central.actions import quota as centre_quota
from central.actions.centre import operator
from central.errors import NotPermitted
from edge.actions import incarnation, quota
from edge.actions.cases import tasks
from edge.actions.directives import deliver
from edge.actions.views import Answer
from edge.errors import CentreRefused, CentreUnreachable, WrongMoment
from edge.store.draft import Draft
from matters.model import Refusal
from sync.messages.directives import Directive
from tests.contract.central.stage import Server, founded
from tests.contract.edge.test_answers import entries
from tests.contract.renewal.place import Place
from tests.contract.renewal.rights import MATTER, catalogue

SYSTEM = operator("system")
DAY_MS = 86_400_000


@pytest.fixture
async def hall(server: Server, tmp_path: Path) -> AsyncIterator[Place]:
    """A hall whose public-credit report has two free units a year."""
    async with founded(server, tmp_path / "centre", catalogue=catalogue()) as stage:
        place = Place(stage, tmp_path)
        await place.open()
        place.node.catalogue = catalogue()
        yield place
        await place.close()


async def granted(hall: Place, units: int, days: int = 30) -> None:
    said = await centre_quota.set_level(hall.stage.centre, SYSTEM, hall.name, MATTER, units, days)
    assert said is None
    await hall.exchange()


async def left(hall: Place) -> int:
    return (await quota.left(hall.node)).get(MATTER, 0)


async def out(hall: Place) -> tuple[int, int]:
    """The centre's view: level and units still out."""
    rows = {row.node: row for row in await centre_quota.standing(hall.stage.centre)}
    return rows[hall.name].units, rows[hall.name].left


async def one(hall: Place) -> Answer:
    (given,) = await hall.offline(await hall.clerk())
    return given


async def test_rule_9_without_a_grant_an_offline_unit_is_not_free_and_the_words_say_the_manual_way(
    hall: Place,
) -> None:
    given = await one(hall)
    assert given.quota is not None
    assert (given.quota.free, given.quota.provisional) == (False, True)
    assert "应退即退" in given.quota.words.zh
    await hall.exchange()
    await hall.exchange()
    (task,) = await tasks(hall.node)
    assert (task.case, "应退还 10 元" in task.words.zh) == (given.case, True), (
        "the centre settles: it was free"
    )


async def test_rule_9_within_a_grant_it_is_free_until_no_unit_is_left(hall: Place) -> None:
    await granted(hall, 1)
    assert await left(hall) == 1
    first, second = await one(hall), await one(hall)
    assert first.quota is not None
    assert second.quota is not None
    assert (first.quota.free, first.quota.provisional, second.quota.free) == (True, True, False)
    spent = [detail["grant"] for entry, detail in await entries(hall.node) if entry.object == MATTER]
    assert [bool(grant) for grant in spent] == [True, False]
    await hall.exchange()
    assert await left(hall) == 1, "topped up at the exchange"
    assert await out(hall) == (1, 1)


async def test_rule_9_a_person_who_used_both_pays_even_where_a_grant_is_left(hall: Place) -> None:
    await granted(hall, 9)
    given = [await one(hall) for _ in range(3)]
    assert [answer.quota and answer.quota.free for answer in given] == [True, True, False]
    assert await left(hall) == 7, "a unit that is paid for spends no grant"


async def test_rule_9_what_another_hall_spent_counts_here_once_it_was_published(hall: Place) -> None:
    await granted(hall, 9)
    number = given_number(await one(hall))
    await hall.exchange()
    await hall.stage.thief("UPDATE quota_spent SET node = '330199', units = 2")
    await publish.publish(hall.stage.centre, SYSTEM)
    await hall.exchange()
    given = await one(hall)
    assert given_number(given) == number
    assert given.quota is not None
    assert not given.quota.free, "two elsewhere, one here"


def given_number(given: Answer) -> str:
    return given.subject.number


async def test_rule_9_a_grant_lost_on_the_way_comes_again_and_one_doubled_counts_once(hall: Place) -> None:
    said = await centre_quota.set_level(hall.stage.centre, SYSTEM, hall.name, MATTER, 4, 30)
    assert said is None
    hall.line.lost_replies = 1
    with pytest.raises(CentreUnreachable):
        await hall.exchange()
    assert await left(hall) == 0
    await hall.exchange()
    await hall.exchange()
    assert (await left(hall), await out(hall)) == (4, (4, 4)), "given once"
    await one(hall)
    row = (await hall.node.store.read(lambda db: db.query(_LETTERS)))[-1]
    again = {"grant": row[0], "origin": row[1], "matter": row[2], "units": 4, "expires_ms": row[3]}
    seen = await hall.node.store.read(lambda db: db.query("SELECT max(number) FROM directive"))
    await deliver(hall.node, (Directive(number=seen[0][0] + 1, kind="quota.granted", body=again),))
    assert await left(hall) == 3, "what was spent of it stays spent"


_LETTERS = "SELECT id, origin, matter, expires_ms FROM quota_grant"


async def test_rule_9_a_grant_ends_on_time_and_what_was_left_goes_back(hall: Place) -> None:
    await granted(hall, 3, days=1)
    await one(hall)
    hall.stage.clock.pass_ms(DAY_MS + 60_000)
    hall.boot_ms += DAY_MS + 60_000
    assert await left(hall) == 0
    assert await quota.end_expired(hall.node) == 1
    assert await quota.end_expired(hall.node) == 0
    returned = [detail for entry, detail in await entries(hall.node) if entry.outcome == "expired"]
    assert [(detail["units"], detail["matter"]) for detail in returned if detail.get("grant")] == [
        (2, MATTER)
    ]
    await hall.exchange()
    rows = await hall.stage.rows("SELECT units, ended FROM quota_grant ORDER BY granted_ms")
    assert [row["ended"] for row in rows] == ["returned", ""]
    assert await left(hall) == 3, "and a fresh one came"


async def test_rule_9_after_a_rollback_what_was_granted_counts_as_spent(hall: Place) -> None:
    await granted(hall, 5)
    before = hall.node.identity.origin
    await renewed(hall)
    assert hall.node.identity.origin != before
    assert await left(hall) == 0, "a new incarnation holds no grant of the old"
    await hall.exchange()
    await hall.exchange()
    rows = await hall.stage.rows("SELECT origin, ended FROM quota_grant ORDER BY granted_ms")
    assert [(row["origin"] == before, row["ended"]) for row in rows] == [(True, "assumed"), (False, "")]
    assert await left(hall) == 5


async def renewed(hall: Place) -> None:
    with pytest.raises(CentreRefused):
        await incarnation.renew(hall.node, "planned")
    await hall.approve("security", "system")
    await incarnation.renew(hall.node, "planned")


async def test_rule_9_a_unit_for_a_paper_never_handed_over_is_the_persons_again_once(hall: Place) -> None:
    await granted(hall, 5)
    given = await one(hall)
    clerk = await hall.clerk()
    await quota.give_back(hall.node, clerk, given.case)
    with pytest.raises(WrongMoment):
        await quota.give_back(hall.node, clerk, given.case)
    assert await left(hall) == 5
    assert [(await one(hall)).quota.free for _ in range(3)] == [True, True, False]  # type: ignore[union-attr]  # a counted matter
    await hall.exchange()
    rows = await hall.stage.rows("SELECT sum(units) AS n FROM quota_spent")
    assert rows[0]["n"] == 3


async def test_rule_9_a_grant_used_beyond_its_units_is_a_finding(hall: Place) -> None:
    await granted(hall, 1)
    await hall.node.store.transact(lambda tx: tx.execute("UPDATE quota_grant SET units = 2"))
    await one(hall)
    await one(hall)
    await hall.exchange()
    (found,) = await findings.findings(hall.stage.centre)
    assert (found.code, found.owner, found.state) == ("grant-misused", "hall", "open")
    assert "超出份数" in found.words.zh


async def test_rule_9_a_hall_whose_entries_are_numbered_behind_a_clock_that_ran_ahead_misuses_no_grant(
    hall: Place,
) -> None:
    hall.stage.clock.pass_ms(400 * DAY_MS)
    await hall.node.store.transact(lambda tx: tx.append(Draft(kind="mark", outcome="ahead")))
    hall.stage.clock.pass_ms(-400 * DAY_MS)
    await hall.exchange()
    await granted(hall, 2)
    given = await one(hall)
    await hall.exchange()
    rows = await hall.stage.rows("SELECT occurred_ms, settled_ms, grant_id FROM quota_spent")
    assert given.quota is not None
    assert given.quota.free
    assert [(row["occurred_ms"] > row["settled_ms"], row["grant_id"] != "") for row in rows] == [(True, True)]
    assert await findings.findings(hall.stage.centre) == ()


async def test_only_the_system_administrator_sets_levels_and_only_for_what_is_given_offline(
    hall: Place,
) -> None:
    centre = hall.stage.centre
    with pytest.raises(NotPermitted):
        await centre_quota.set_level(centre, operator("audit"), hall.name, MATTER, 1, 1)
    for matter, units, days in (
        ("credit-bureau.self", 1, 1),
        (MATTER, -1, 1),
        (MATTER, 1, 0),
        ("none", 1, 1),
    ):
        said = await centre_quota.set_level(centre, SYSTEM, hall.name, matter, units, days)
        assert isinstance(said, Refusal)
    assert await hall.stage.rows("SELECT 1 FROM quota_level") == []
