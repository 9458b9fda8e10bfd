"""The trail and the subject view over what a real hall reported."""

import re

from matters import ids
from sync.clock import ClockState
from tests.contract.central.stage import Stage
from tests.contract.console.stage import (
    NUMBER,
    OTHER,
    PURPOSE,
    Visitor,
    browser,
    desk,
    handed_in,
    signed_in,
    worked,
)
from ui import look

ROW = re.compile(r"<tr[^>]*>\s*<td>(.*?)</tr>", re.DOTALL)


async def searched(visitor: Visitor, **form: str) -> str:
    """The address of the result."""
    await visitor.get("/trail")
    place: str = (await visitor.post("/trail", form)).headers["location"]
    return place


async def table(visitor: Visitor, place: str) -> list[str]:
    """The result's rows, newest first."""
    return ROW.findall((await visitor.get(place)).text)


async def test_g23_a_search_by_number_is_recorded_and_never_stands_in_an_address(scene: Stage):
    await worked(scene)
    async with desk(scene, "audit") as visitor:
        await visitor.get("/trail")
        refused = await visitor.post("/trail", {"typed": NUMBER})
        assert refused.status_code == 422
        place = await searched(visitor, typed=NUMBER, purpose=PURPOSE)
        assert NUMBER not in place
        page = await visitor.get(place)
        assert ids.mask(NUMBER) in page.text
        assert NUMBER not in page.text
        assert "某人" not in page.text
        assert PURPOSE in page.text
        assert "本次检索已记入中心台账" in page.text
        acts = await visitor.get("/acts")
        assert "admin.read" in acts.text
        assert PURPOSE in acts.text
        assert NUMBER not in acts.text


async def test_g23_the_trail_shows_who_when_why_how_and_the_chain(scene: Stage):
    hall = await worked(scene)
    async with desk(scene, "audit") as visitor:
        rows = await table(visitor, await searched(visitor, typed=NUMBER, purpose=PURPOSE))
        assert len(rows) == 2
        for row in rows:
            assert "清河县市民之家" in row
            assert "已会签" in row
            assert "离线缓存" in row
            assert re.search("晚 (59 分钟|1 小时)", row)
        assert "sun.tao" in rows[0]
        assert "无号、无卡、无办件" in rows[0]
        assert "li.min" in rows[1]
        assert "本人查询" in rows[1]
        assert "在场" in rows[1]
        assert hall.size == 4


async def test_a_row_opens_its_proof_and_a_changed_entry_does_not_hold(scene: Stage):
    hall = await worked(scene)
    async with desk(scene, "audit") as visitor:
        place = await searched(visitor, typed="谁:li.min")
        page = await visitor.get(f"{place}?row=0")
        assert "证明成立" in page.text
        assert hall.origin in page.text
        await scene.thief(
            "UPDATE entry_body SET leaf = set_byte(leaf, 12, (get_byte(leaf, 12) + 1) % 256) WHERE origin = $1",
            hall.origin,
        )
        again = await searched(visitor, typed="谁:li.min")
        broken = await visitor.get(f"{again}?row=0")
        assert "证明不成立" in broken.text
        assert "存储的条目与其哈希不符" in broken.text


async def test_g23_facets_narrow_by_person_node_mode_and_time(scene: Stage):
    await worked(scene)
    async with desk(scene, "audit") as visitor:
        for typed, many in (
            ("结果:已拒绝", 1),
            ("结果:letter-expired", 1),
            ("结果:已应答", 2),
            ("", 3),
            ("谁:sun.tao", 1),
            ("节点:330102", 3),
            ("方式:离线", 2),
            ("方式:在线", 0),
            ("2020-01-01", 0),
        ):
            rows = await table(visitor, await searched(visitor, typed=typed))
            assert len(rows) == many, typed


async def test_a_facet_is_taken_away_without_sending_the_number_again(scene: Stage):
    await worked(scene)
    async with desk(scene, "audit") as visitor:
        first = await searched(visitor, typed=f"{NUMBER} 谁:li.min", purpose=PURPOSE)
        assert len(await table(visitor, first)) == 1
        second = await searched(visitor, search=first.rsplit("/", 1)[-1], without="actor")
        assert len(await table(visitor, second)) == 2
        third = await searched(visitor, search=second.rsplit("/", 1)[-1], without="subject")
        page = await visitor.get(third)
        assert ids.mask(NUMBER) not in page.text
        assert len(ROW.findall(page.text)) == 3


async def test_a_result_lapses_after_fifteen_minutes_even_for_who_keeps_working(scene: Stage):
    async with desk(scene, "audit") as visitor:
        place = await searched(visitor, typed="谁:li.min")
        for _ in range(4):
            scene.clock.pass_ms(5 * 60_000)
            assert (await visitor.get("/")).status_code == 200
        lapsed = await visitor.get(place)
        assert lapsed.status_code == 410
        assert "15 分钟" in lapsed.text


async def test_a_result_belongs_to_the_session_that_searched(scene: Stage):
    async with desk(scene, "audit") as visitor, browser(scene) as other:
        place = await searched(visitor, typed="谁:li.min")
        await signed_in(other, "audit")
        assert (await other.get(place)).status_code == 410


async def test_g24_the_citizens_sheet_holds_offline_reads_and_names_who_has_not_reported(scene: Stage):
    await worked(scene)
    bus = await scene.hall(name="流动车 07", region="330104", kind="bus", route=("330104001",))
    await handed_in(scene, bus)
    scene.clock.pass_ms(26 * 3_600_000)
    async with desk(scene, "audit") as visitor:
        await visitor.get("/subject")
        wrong = await visitor.post("/subject", {"number": "123", "purpose": "太短"})
        assert wrong.status_code == 422
        reply = await visitor.post("/subject", {"number": NUMBER, "purpose": "本人到窗口书面询问访问记录"})
        page = await visitor.follow(reply)
        assert "2 次访问" in page.text
        assert "流动车 07" in page.text
        assert "尚未报告" in page.text
        paper = await visitor.get(reply.headers["location"] + "/paper")
        assert "离线缓存" in paper.text
        assert "流动车 07" in paper.text
        assert ids.mask(NUMBER) in paper.text
        assert NUMBER not in paper.text


async def test_a_person_nobody_saw_gets_a_sheet_that_says_so(scene: Stage):
    async with desk(scene, "audit") as visitor:
        await visitor.get("/subject")
        reply = await visitor.post("/subject", {"number": OTHER, "purpose": "本人到窗口书面询问访问记录"})
        paper = await visitor.get((reply.headers["location"]) + "/paper")
        assert "没有人查看过" in paper.text
        assert "全部服务点都已报告" in paper.text


async def test_an_address_no_page_understands_is_a_page_in_words(scene: Stage):
    async with desk(scene, "audit") as visitor:
        reply = await visitor.get("/trail/x?row=abc")
        assert reply.status_code == 400
        assert "什么都没有改变" in reply.text


async def test_a_time_of_a_clock_years_ahead_is_shown_as_not_trusted_beside_when_it_arrived(scene: Stage):
    hall, arrived = await scene.hall(), look.clock(scene.clock.now_ms, seconds=True)
    hall.access(NUMBER, hlc_ms=scene.clock.now_ms + 11 * 366 * 86_400_000, clock=int(ClockState.UNTRUSTED))
    await handed_in(scene, hall)
    async with desk(scene, "audit") as visitor:
        (row,) = await table(visitor, await searched(visitor, typed=NUMBER, purpose=PURPOSE))
        await visitor.get("/subject")
        found = await visitor.post("/subject", {"number": NUMBER, "purpose": PURPOSE})
        paper = (await visitor.get(found.headers["location"] + "/paper")).text
    for said in (row, paper):
        assert "时钟不可信" in said
        assert arrived[:-3] in said
