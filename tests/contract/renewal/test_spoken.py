"""A lease read over the phone: made at the centre by an officer, typed at the hall, good once, for one node."""

from typing import Any

import pytest

from central.actions import spoken as speaking
from central.actions.centre import operator
from central.errors import NotFound, NotPermitted
from edge.actions import gates, incarnation, leases, spoken
from edge.actions.views import Answer
from edge.errors import CentreRefused, Refused
from matters.model import Refusal
from sync.lease.lease import Capability
from sync.lease.spoken import CAPABILITIES, digits_of
from tests.contract.edge.test_answers import count, entries
from tests.contract.renewal.place import Place

HOUR_MS = 3_600_000


async def told(
    place: Place, capabilities: tuple[Capability, ...] = CAPABILITIES, hours: int = 24
) -> speaking.SpokenLease:
    done = await speaking.speak(
        place.stage.centre,
        operator("security"),
        place.name,
        capabilities=capabilities,
        hours=hours,
        note="李主任来电",
    )
    assert isinstance(done, speaking.SpokenLease), done
    return done


def later(place: Place, hours: float) -> None:
    place.stage.clock.pass_ms(int(hours * HOUR_MS))
    place.boot_ms += int(hours * HOUR_MS)


async def refused(place: Place, code: str) -> Refused:
    before = await leases.view(place.node)
    with pytest.raises(Refused) as caught:
        await spoken.take(place.node, code)
    assert await leases.view(place.node) == before, "nothing was changed"
    return caught.value


async def test_a_code_extends_leases_that_are_about_to_end_and_works_once(place: Place) -> None:
    place.line.down = True
    later(place, 60)
    code = (await told(place)).code
    assert code.count(" ") == 7
    before = {one.capability: one.left_s for one in await leases.view(place.node)}
    done = await spoken.take(place.node, code.replace(" ", "-"))
    assert 0 < done.opened < 4, "public leave lasts longer as it is"
    after = {one.capability: one.left_s for one in done.leases}
    assert after["detail"] > before["detail"]
    assert after["public"] == before["public"]
    assert "已经用过" in (await refused(place, code)).message.zh
    later(place, 20)
    await place.close()
    await place.start()
    assert await count(place.node, "subject_cache") == 1, "eighty hours after the last contact"
    later(place, 10)
    await place.close()
    await place.start()
    assert await count(place.node, "subject_cache WHERE sealed IS NOT NULL") == 0, (
        "it ended with the code's hours"
    )
    kinds = [(entry.kind, entry.object) for entry, _ in await entries(place.node)]
    assert any(object_.startswith("spoken-1-detail") for _, object_ in kinds)
    place.line.down = False
    await place.exchange()
    assert isinstance(await place.asked(await place.clerk()), Answer)


async def test_a_group_that_was_misheard_is_named_and_the_code_is_still_good(place: Place) -> None:
    later(place, 60)
    code = (await told(place)).code
    groups = code.split(" ")
    groups[3] = groups[3][:2] + str((int(groups[3][2]) + 1) % 10) + groups[3][3:]
    said = await refused(place, " ".join(groups))
    assert said.message.zh == "第 4 组有误，其余各组无误。"
    assert "只就这些组" in said.next.zh
    short = await refused(place, code[:-3])
    assert "48 位" in short.message.zh
    assert str(len(digits_of(code[:-3]))) in short.message.zh
    await spoken.take(place.node, code)


async def test_a_code_of_another_node_or_of_an_ended_incarnation_is_not_ours(place: Place) -> None:
    later(place, 60)
    code = (await told(place)).code
    with pytest.raises(CentreRefused):
        await incarnation.renew(place.node, "planned")
    await place.approve("security")
    await incarnation.renew(place.node, "planned")
    said = await refused(place, code)
    assert "不是给本节点这一代" in said.message.zh
    later(place, 60)
    await spoken.take(place.node, (await told(place)).code)
    assert [one.code for one in await place.node.store.read(lambda db: gates.gates(db, place.node))] == []


async def test_a_lease_by_phone_ends_with_its_incarnation(place: Place) -> None:
    later(place, 60)
    await spoken.take(place.node, (await told(place)).code)
    with pytest.raises(CentreRefused):
        await incarnation.renew(place.node, "planned")
    await place.approve("security")
    await incarnation.renew(place.node, "planned")
    assert {one.state for one in await leases.view(place.node)} <= {"green", "amber", "red"}


async def test_a_code_that_is_over_is_refused_and_one_older_than_the_last_used_too(place: Place) -> None:
    later(place, 60)
    first, second = await told(place), await told(place)
    assert (first.counter, second.counter) == (1, 2)
    await spoken.take(place.node, second.code)
    assert "更新的授权码" in (await refused(place, first.code)).message.zh
    third = await told(place, hours=2)
    later(place, 3)
    assert "已过期" in (await refused(place, third.code)).message.zh


async def test_a_code_that_would_shorten_what_is_held_is_refused_and_not_spent(place: Place) -> None:
    code = (await told(place, hours=1, capabilities=("public",))).code
    assert "授权码仍可用" in (await refused(place, code)).message.zh


async def test_the_centre_gives_no_more_than_the_sites_own_policy_and_only_by_its_officer(
    place: Place,
) -> None:
    centre = place.stage.centre

    async def asked(role: Any = "security", node: str = place.name, **more: Any) -> Any:
        words: dict[str, Any] = {"capabilities": ("detail",), "hours": 24, "note": "李主任来电"} | more
        return await speaking.speak(centre, operator(role), node, **words)

    for more, code in (
        ({"hours": 73}, "lease-too-long"),
        ({"hours": 0}, "lease-too-long"),
        ({"note": " "}, "note-missing"),
    ):
        no = await asked(**more)
        assert isinstance(no, Refusal)
        assert no.code == code
    with pytest.raises(NotPermitted):
        await asked("system")
    with pytest.raises(NotFound):
        await asked(node="330999")
    made = await asked()
    rows = await place.stage.rows("SELECT lease_id FROM lease WHERE lease_id LIKE 'spoken-%'")
    assert [row["lease_id"] for row in rows] == [f"spoken-{made.counter}-detail-330102"]
    assert made.answers <= centre.settings.policy("hall").lease_answers
