"""The console's acts on a real centre: nodes, reports, findings, verification."""

import re

import pytest

from sync.messages import registry
from tests.contract.central.stage import Stage
from tests.contract.console.stage import NUMBER, browser, desk, worked

CODE = re.compile(r'class="code">([^<]+)<')


async def test_a_new_node_gets_a_code_that_is_shown_once(scene: Stage):
    async with desk(scene, "system") as visitor:
        await visitor.get("/nodes/new")
        form = {"name": "清河县市民之家", "region": "330102", "kind": "hall"}
        reply = await visitor.post("/nodes/new", form)
        assert reply.status_code == 201
        found = CODE.search(reply.text)
        assert found
        page = await visitor.get("/nodes/330102")
        assert "清河县市民之家" in page.text
        assert found[1] not in page.text
        assert "清河县市民之家" in (await visitor.get("/?find=清河")).text
        again = await visitor.post("/nodes/330102/code")
        code = CODE.search(again.text)
        assert code
        assert code[1] != found[1]


async def test_a_node_that_cannot_be_made_is_refused_with_every_reason(scene: Stage):
    async with desk(scene, "system") as visitor:
        await visitor.get("/nodes/new")
        reply = await visitor.post("/nodes/new", {"name": "", "region": "33", "kind": "bus"})
        assert reply.status_code == 422
        for words in ("请填名称", "区划代码须为 6 位数字", "流动服务车须有路线"):
            assert words in reply.text


async def test_an_unknown_node_is_a_page_in_words(scene: Stage):
    async with desk(scene, "system") as visitor:
        reply = await visitor.get("/nodes/999999")
        assert reply.status_code == 404
        assert "没有这个节点" in reply.text


async def test_g27_the_fleet_shows_contact_data_and_health_and_a_node_its_ledger(scene: Stage):
    hall = await worked(scene)
    async with desk(scene, "system") as visitor:
        fleet = await visitor.get("/")
        assert "会签 4 / 4" in fleet.text
        page = await visitor.get("/nodes/330102")
        assert hall.origin in page.text
        assert registry.kind("report.issued").words[0] in page.text
        assert NUMBER not in page.text


async def test_g28_a_node_is_revoked_with_a_reason_by_security_only(scene: Stage):
    await worked(scene)
    async with desk(scene, "security") as visitor:
        await visitor.get("/nodes/330102")
        short = await visitor.post("/nodes/330102/revoke", {"reason": "偷了"})
        assert short.status_code == 422
        assert "什么都没有改变" in short.text
        reply = await visitor.post("/nodes/330102/revoke", {"reason": "设备被盗，已报案，案号 2026-1188"})
        assert reply.status_code == 200
        assert "已吊销" in reply.text


async def test_a_report_is_listed_without_its_content(scene: Stage):
    await worked(scene)
    async with desk(scene, "audit") as visitor:
        page = await visitor.get("/reports?report=330102-2026-L-00001")
        assert page.text.count("330102-2026-L-00001") >= 2
        assert "临时" in page.text
        assert NUMBER not in page.text
        assert "某人" not in page.text


async def test_g11_a_finding_has_an_owner_and_is_settled_with_a_note(scene: Stage):
    await worked(scene)
    async with desk(scene, "audit") as visitor:
        await visitor.get("/reconciliation?day=2026-11-21")
        assert await scene.rows("SELECT 1 FROM finding") == []
        recount = await visitor.post("/reconciliation", {"day": "2026-11-21"})
        assert recount.status_code == 200
        found = await scene.rows("SELECT finding FROM finding WHERE state = 'open'")
        assert found
        page = await visitor.get(f"/findings?finding={found[0]['finding']}")
        assert "责任人" in page.text
        silent = await visitor.post(f"/findings/{found[0]['finding']}", {"state": "closed", "note": "短"})
        assert silent.status_code == 422
        form = {"state": "explained", "note": "查明为打印机卡纸，废页已封存", "from": "open"}
        done = await visitor.follow(await visitor.post(f"/findings/{found[0]['finding']}", form))
        assert "查明为打印机卡纸，废页已封存" in done.text
        assert "已说明" in done.text


async def test_a_day_that_is_no_day_is_told_how_to_write_one(scene: Stage):
    async with desk(scene, "audit") as visitor:
        wrong = await visitor.get("/reconciliation?day=morgen")
        assert wrong.status_code == 422
        assert "2026-11-21" in wrong.text


async def test_g12_the_public_page_says_no_to_a_forged_text_and_to_a_strange_file(scene: Stage):
    async with browser(scene) as visitor:
        await visitor.get("/verify")
        reply = await visitor.post("/verify", {"text": "YZ1.AAAA"})
        assert reply.status_code == 200
        assert "不是真实的报告" in reply.text
        pdf = ("report.pdf", b"%PDF-1.7 nothing", "application/pdf")
        reply = await visitor.post("/verify", files={"pdf": pdf})
        assert "不是真实的报告" in reply.text
        assert "未找到验证码" in reply.text
        empty = await visitor.post("/verify")
        assert empty.status_code == 422


async def test_publishing_from_the_page_says_what_was_published(scene: Stage):
    await worked(scene)
    async with desk(scene, "system") as visitor:
        assert (await visitor.get("/releases")).status_code == 200
        reply = await visitor.post("/releases")
        assert reply.status_code == 200
        assert "已发布" in reply.text
        assert "330102/detail" in reply.text


@pytest.mark.parametrize(
    ("role", "paths"),
    [
        ("system", ("/", "/findings", "/reconciliation", "/releases")),
        ("security", ("/", "/administrators", "/acts")),
        ("audit", ("/", "/trail", "/subject", "/findings", "/reconciliation", "/reports", "/acts")),
    ],
)
async def test_every_page_of_a_role_opens_on_an_empty_centre_too(
    scene: Stage, role: str, paths: tuple[str, ...]
):
    async with desk(scene, role) as visitor:
        for path in paths:
            reply = await visitor.get(path)
            assert reply.status_code == 200, (path, reply.text[:400])
