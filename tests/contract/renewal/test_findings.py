"""Findings on both sides (protocol 10): an owner and a state, told to each other, each change an entry."""

import msgspec
import pytest

from central.actions import findings as there
from central.actions import publish, reconcile
from central.actions.centre import operator
from central.store import people
from edge.actions import findings, incarnation
from edge.actions.close_day import close
from edge.actions.node import Session
from edge.actions.views import Finding
from edge.errors import CentreRefused, NotAllowed, NotThere, Refused, WrongMoment
from sync.messages.registry import kind
from tests.contract.edge.test_answers import entries
from tests.contract.renewal.place import Place

CHANGED = kind("finding.changed").number


@pytest.fixture
async def chief(place: Place) -> Session:
    """The clerk, on duty: the only one of a small hall."""
    async with place.stage.centre.store.transaction() as tx:
        (clerk,) = await people.staff(tx, place.name)
        await people.put_staff(tx, [msgspec.structs.replace(clerk, permits=(*clerk.permits, "duty"))])
    await publish.publish(place.stage.centre, operator("system"))
    await place.exchange()
    return await place.clerk()


async def unprinted(place: Place, chief: Session) -> Finding:
    """A report that was never printed, found when the day was closed."""
    await place.offline(chief)
    await close(place.node, chief, today(place))
    (found,) = await findings.findings(place.node)
    return found


async def changes(place: Place) -> list[dict[str, object]]:
    """The details of every entry that changed a finding."""
    return [fields for entry, fields in await entries(place.node) if entry.kind == CHANGED]


def today(place: Place) -> str:
    return place.node.day_of(place.node.now_ms())


async def test_rule_10_a_finding_has_an_owner_and_a_state_on_both_sides_told_to_each_other(
    place: Place, chief: Session
) -> None:
    found = await unprinted(place, chief)
    assert (found.code, found.state, found.owner, found.centre) == ("never-printed", "open", "", "")
    await place.exchange()
    await reconcile.reconcile(place.stage.centre, today(place))
    await findings.assign(place.node, chief, found.id, "li.min")
    await findings.explain(place.node, chief, found.id, "申请人未取，报告未打印")
    assert len(await changes(place)) == 2
    await place.exchange()
    (kept,) = await findings.findings(place.node)
    assert kept == msgspec.structs.replace(
        found, state="explained", owner="li.min", note="申请人未取，报告未打印", centre="open"
    ), "one finding, not one of each side"
    (row,) = await there.findings(place.stage.centre)
    assert (row.id, row.state, row.owner) == (found.id, "open", "hall"), "the centre judges for itself"
    said = (row.hall_owner, row.hall_state, row.hall_note)
    assert said == ("li.min", "explained", "申请人未取，报告未打印")
    await there.settle(place.stage.centre, operator("audit"), row.id, "closed", "已电话核实，按规定作废")
    await place.exchange()
    (kept,) = await findings.findings(place.node)
    assert (kept.state, kept.centre, kept.owner) == ("closed", "closed", "li.min")


async def test_rule_10_a_finding_that_is_gone_when_the_day_is_closed_again_is_closed(
    place: Place, chief: Session
) -> None:
    found = await unprinted(place, chief)
    await place.node.store.transact(lambda tx: tx.execute("UPDATE print_job SET state = 'handed-over'"))
    await close(place.node, chief, today(place))
    assert [one.state for one in await findings.findings(place.node)] == ["closed"]
    await place.node.store.transact(lambda tx: tx.execute("UPDATE print_job SET state = 'asked'"))
    await close(place.node, chief, today(place))
    assert [(one.id, one.state) for one in await findings.findings(place.node)] == [(found.id, "open")]


async def test_rule_10_a_difference_that_returns_is_open_again_on_both_sides_with_what_was_said_of_it(
    place: Place, chief: Session
) -> None:
    centre, found = place.stage.centre, await unprinted(place, chief)
    await place.exchange()
    await reconcile.reconcile(centre, today(place))
    await findings.assign(place.node, chief, found.id, "li.min")
    await findings.explain(place.node, chief, found.id, "申请人未取，报告未打印")
    await place.exchange()
    await place.stage.thief("UPDATE report SET delivery = 'email'")
    await reconcile.reconcile(centre, today(place))
    await place.exchange()
    (kept,) = await findings.findings(place.node)
    assert (kept.state, kept.centre) == ("closed", ""), "gone, and no officer's word on it"
    await place.stage.thief("UPDATE report SET delivery = 'paper'")
    await reconcile.reconcile(centre, today(place))
    for _ in range(2):  # the letter comes with the first, the hall's entry goes with the next
        await place.exchange()
    (kept,) = await findings.findings(place.node)
    assert (kept.state, kept.centre, kept.owner) == ("open", "open", "li.min")
    assert kept.note == "申请人未取，报告未打印"
    (row,) = await there.findings(centre)
    assert (row.state, row.hall_state, row.hall_owner, row.hall_note) == ("open", "open", "li.min", kept.note)
    assert [one["state"] for one in await changes(place)] == ["open", "explained", "open"]


async def test_rule_10_the_hall_finds_again_what_the_centre_found_no_more_and_not_what_an_officer_closed(
    place: Place, chief: Session
) -> None:
    centre, found = place.stage.centre, await unprinted(place, chief)
    await place.exchange()
    await reconcile.reconcile(centre, today(place))
    await place.stage.thief("UPDATE report SET delivery = 'email'")
    await reconcile.reconcile(centre, today(place))
    await place.exchange()
    await close(place.node, chief, today(place))
    assert [(one.id, one.state) for one in await findings.findings(place.node)] == [(found.id, "open")]
    await there.settle(centre, operator("audit"), found.id, "closed", "已电话核实，按规定作废")
    await place.exchange()
    await close(place.node, chief, today(place))
    assert [one.state for one in await findings.findings(place.node)] == ["closed"]


async def test_rule_10_a_finding_that_says_something_else_by_now_is_open_again_at_the_hall(
    place: Place, chief: Session
) -> None:
    centre = place.stage.centre
    await unprinted(place, chief)

    async def told() -> Finding:
        await place.exchange()
        await reconcile.reconcile(centre, today(place))
        await place.exchange()
        (one,) = [one for one in await findings.findings(place.node) if one.code == "after-close"]
        return one

    await place.offline(chief)
    late = await told()
    assert (late.code, late.state) == ("after-close", "open")
    await findings.explain(place.node, chief, late.id, "下班后补办一件")
    assert (await told()).state == "explained", "the same difference"
    await place.offline(chief)
    later = await told()
    assert (later.id, later.state, later.note) == (late.id, "open", "下班后补办一件")
    assert later.words != late.words


async def test_rule_10_a_finding_is_given_out_on_duty_only_and_explained_in_words_by_its_owner(
    place: Place, chief: Session
) -> None:
    found = await unprinted(place, chief)
    clerk = msgspec.structs.replace(chief, permits=())
    with pytest.raises(NotAllowed, match="finding"):
        await findings.assign(place.node, clerk, found.id, "li.min")
    with pytest.raises(NotAllowed, match="finding"):
        await findings.explain(place.node, clerk, found.id, "不是我的差异")
    with pytest.raises(Refused, match="no such staff"):
        await findings.assign(place.node, chief, found.id, "nobody")
    with pytest.raises(Refused, match="no note"):
        await findings.explain(place.node, chief, found.id, " 好 ")
    with pytest.raises(NotThere):
        await findings.explain(place.node, chief, "330102-2026-01-01-abc", "没有这一条差异")
    assert await findings.findings(place.node) == (found,)
    assert await changes(place) == []
    await findings.assign(place.node, chief, found.id, "li.min")
    await findings.explain(place.node, clerk, found.id, "由责任人说明，不在值班")
    assert len(await changes(place)) == 2


async def test_rule_10_a_closed_finding_is_not_changed_any_more(place: Place, chief: Session) -> None:
    found = await unprinted(place, chief)
    await place.node.store.transact(lambda tx: tx.execute("UPDATE finding SET state = 'closed'"))
    with pytest.raises(WrongMoment):
        await findings.assign(place.node, chief, found.id, "li.min")
    with pytest.raises(WrongMoment):
        await findings.explain(place.node, chief, found.id, "已经关闭的差异")
    assert await changes(place) == []


async def test_rule_10_what_a_hall_says_of_another_halls_finding_is_kept_and_not_believed(
    place: Place, chief: Session
) -> None:
    found = await unprinted(place, chief)
    await findings.assign(place.node, chief, found.id, "li.min")
    await place.exchange()
    await reconcile.reconcile(place.stage.centre, today(place))
    (row,) = await there.findings(place.stage.centre)
    assert row.hall_owner == "li.min", "said before the centre found it"
    await place.stage.thief("UPDATE finding_word SET node = 'another'")
    (row,) = await there.findings(place.stage.centre)
    assert (row.hall_owner, row.hall_state, row.hall_ms) == ("", "", None)


async def test_rule_10_a_report_left_on_an_ended_ledger_is_found_when_the_day_is_closed(
    place: Place, chief: Session
) -> None:
    (given,) = await place.offline(chief)
    await place.exchange()
    ended = place.node.identity.origin
    with pytest.raises(CentreRefused):
        await incarnation.renew(place.node, "planned")
    await place.approve("security")
    await incarnation.renew(place.node, "planned")
    assert place.node.identity.origin != ended
    closed = await close(place.node, await place.clerk(), today(place))
    assert closed.totals.reports == 0, "a closing totals the one ledger it is written on"
    (found,) = closed.findings
    assert given.report is not None
    assert (found.code, found.subject_of) == ("never-printed", given.report.serial)
    await place.exchange()
    await reconcile.reconcile(place.stage.centre, today(place))
    assert found.id in {row.id for row in await there.findings(place.stage.centre) if row.origin == ended}
    await place.exchange()
    kept = [one for one in await findings.findings(place.node) if one.code == "never-printed"]
    assert [(one.id, one.centre) for one in kept] == [(found.id, "open")], "one finding, on both sides"
