"""The console's acts on a real centre: nodes, searches, verification."""

import re

import pytest

from matters import ids
from sync.ids import subject_ref
from tests.contract.console.stage import Stage, Visitor, browser, signed_in

pytestmark = pytest.mark.asyncio(loop_scope="package")

NUMBER = "11010119900307123" + ids.resident_check("11010119900307123")
PURPOSE = "信访核查 XF-2026-118"
CODE = re.compile(r'class="code">([^<]+)<')


async def test_a_new_node_gets_a_code_that_is_shown_once(scene: Stage):
    async with browser(scene) as visitor:
        await signed_in(visitor, scene, "system")
        await visitor.get("/nodes/new")
        reply = await visitor.post(
            "/nodes/new", {"name": "清河县市民之家", "region": "330102", "kind": "hall"}
        )
        assert reply.status_code == 201
        found = CODE.search(reply.text)
        assert found
        page = await visitor.get("/nodes/330102")
        assert "清河县市民之家" in page.text
        assert found[1] not in page.text
        assert "清河县市民之家" in (await visitor.get("/?find=清河")).text
        again = await visitor.post("/nodes/330102/code")
        assert CODE.search(again.text)


async def test_a_node_that_cannot_be_made_is_refused_with_every_reason(scene: Stage):
    async with browser(scene) as visitor:
        await signed_in(visitor, scene, "system")
        await visitor.get("/nodes/new")
        reply = await visitor.post("/nodes/new", {"name": "", "region": "33", "kind": "bus"})
        assert reply.status_code == 422
        for words in ("请填名称", "区划代码须为 6 位数字", "流动服务车须有路线"):
            assert words in reply.text


async def test_an_unknown_node_is_a_page_in_words(scene: Stage):
    async with browser(scene) as visitor:
        await signed_in(visitor, scene, "system")
        reply = await visitor.get("/nodes/999999")
        assert reply.status_code == 404
        assert "没有这个节点" in reply.text


async def test_g23_a_search_by_number_is_recorded_and_never_stands_in_an_address(scene: Stage):
    async with browser(scene) as visitor:
        await signed_in(visitor, scene, "audit")
        await visitor.get("/trail")
        refused = await visitor.post("/trail", {"typed": NUMBER})
        assert refused.status_code == 422
        reply = await visitor.post("/trail", {"typed": NUMBER, "purpose": PURPOSE})
        assert NUMBER not in reply.headers["location"]
        page = await visitor.follow(reply)
        assert ids.mask(NUMBER) in page.text
        assert NUMBER not in page.text
        assert PURPOSE in page.text
        assert "本次检索已记入中心台账" in page.text
        acts = await visitor.get("/acts")
        assert "admin.read" in acts.text
        assert NUMBER not in acts.text
        assert subject_ref(b"", NUMBER).hex() not in acts.text


async def search(visitor: Visitor) -> str:
    await visitor.get("/trail")
    place: str = (await visitor.post("/trail", {"typed": "谁:li.min"})).headers["location"]
    assert (await visitor.get(place)).status_code == 200
    return place


async def test_a_result_lapses_after_fifteen_minutes_even_for_who_keeps_working(scene: Stage):
    async with browser(scene) as visitor:
        await signed_in(visitor, scene, "audit")
        place = await search(visitor)
        for _ in range(4):
            scene.clock.now_ms += 5 * 60_000
            assert (await visitor.get("/")).status_code == 200
        lapsed = await visitor.get(place)
        assert lapsed.status_code == 410
        assert "15 分钟" in lapsed.text


async def test_a_result_belongs_to_the_session_that_searched(scene: Stage):
    async with browser(scene) as visitor, browser(scene) as other:
        await signed_in(visitor, scene, "audit")
        place = await search(visitor)
        await signed_in(other, scene, "audit", afresh=True)
        assert (await other.get(place)).status_code == 410


async def test_a_facet_is_taken_away_without_sending_the_number_again(scene: Stage):
    async with browser(scene) as visitor:
        await signed_in(visitor, scene, "audit")
        await visitor.get("/trail")
        first = await visitor.post("/trail", {"typed": f"{NUMBER} 谁:li.min", "purpose": PURPOSE})
        place = first.headers["location"]
        second = await visitor.post("/trail", {"search": place.rsplit("/", 1)[-1], "without": "actor"})
        page = await visitor.follow(second)
        assert ids.mask(NUMBER) in page.text
        assert "li.min ✕" not in page.text
        third = await visitor.post(
            "/trail", {"search": second.headers["location"].rsplit("/", 1)[-1], "without": "subject"}
        )
        assert ids.mask(NUMBER) not in (await visitor.follow(third)).text


async def test_g24_the_subject_view_names_who_has_not_reported_and_prints(scene: Stage):
    async with browser(scene) as visitor:
        await signed_in(visitor, scene, "audit")
        await visitor.get("/subject")
        wrong = await visitor.post("/subject", {"number": "123", "purpose": "太短"})
        assert wrong.status_code == 422
        reply = await visitor.post("/subject", {"number": NUMBER, "purpose": "本人到窗口书面询问"})
        assert reply.status_code == 422
        reply = await visitor.post("/subject", {"number": NUMBER, "purpose": "本人到窗口书面询问访问记录"})
        page = await visitor.follow(reply)
        assert "0 次访问" in page.text
        paper = await visitor.get(reply.headers["location"] + "/paper")
        assert "没有人查看过" in paper.text
        assert ids.mask(NUMBER) in paper.text
        assert NUMBER not in paper.text


async def test_g12_the_public_page_says_no_to_a_forged_text_and_to_a_strange_file(scene: Stage):
    async with browser(scene) as visitor:
        await visitor.get("/verify")
        reply = await visitor.post("/verify", {"text": "YZ1.AAAA"})
        assert reply.status_code == 200
        assert "不是真实的报告" in reply.text
        reply = await visitor.post(
            "/verify", files={"pdf": ("report.pdf", b"%PDF-1.7 nothing", "application/pdf")}
        )
        assert "不是真实的报告" in reply.text
        assert "未找到验证码" in reply.text
        empty = await visitor.post("/verify")
        assert empty.status_code == 422


async def test_reconciliation_changes_nothing_until_it_is_asked_to(scene: Stage):
    async with browser(scene) as visitor:
        await signed_in(visitor, scene, "audit")
        page = await visitor.get("/reconciliation?day=2026-11-20")
        assert "2026-11-20 的对账" in page.text
        reply = await visitor.post("/reconciliation", {"day": "2026-11-20"})
        assert reply.status_code == 200
        wrong = await visitor.get("/reconciliation?day=morgen")
        assert wrong.status_code == 422
        assert "2026-11-21" in wrong.text


async def test_publishing_from_the_page_says_what_was_published(scene: Stage):
    async with browser(scene) as visitor:
        await signed_in(visitor, scene, "system")
        assert (await visitor.get("/releases")).status_code == 200
        assert (await visitor.post("/releases")).status_code == 200


@pytest.mark.parametrize(
    ("role", "paths"),
    [
        ("system", ("/", "/findings", "/reconciliation", "/releases")),
        ("security", ("/", "/administrators", "/acts")),
        (
            "audit",
            (
                "/",
                "/trail",
                "/subject",
                "/findings",
                "/reconciliation",
                "/reports",
                "/administrators",
                "/acts",
            ),
        ),
    ],
)
async def test_every_page_of_a_role_opens_on_an_empty_centre_too(
    scene: Stage, role: str, paths: tuple[str, ...]
):
    async with browser(scene) as visitor:
        await signed_in(visitor, scene, role)
        for path in paths:
            reply = await visitor.get(path)
            assert reply.status_code == 200, (path, reply.text[:400])


async def test_an_address_no_page_understands_is_a_page_in_words(scene: Stage):
    async with browser(scene) as visitor:
        await signed_in(visitor, scene, "audit")
        reply = await visitor.get("/trail/x?row=abc")
        assert reply.status_code == 400
        assert "什么都没有改变" in reply.text
