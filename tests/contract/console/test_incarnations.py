"""Two officers at the console: each says one word, the second opens the way, and nobody speaks twice."""

from central.actions import enrol, incarnations, restored
from central.actions.centre import operator
from central.actions.enrol import Enrolled
from central.store.incarnations import CENTRE
from sync.messages.incarnation import fingerprint
from sync.signing.keys import SealingKey, SigningKey
from tests.contract.central.stage import Stage
from tests.contract.central.test_incarnations import asking, identity
from tests.contract.console.stage import desk, worked


async def test_a_rollback_is_approved_by_two_persons_at_the_console(scene: Stage):
    hall, keys = await worked(scene), (SigningKey.generate(), SealingKey.generate())
    body = asking(keys, "rollback", size=3, anchored=9)
    await enrol.renew(scene.centre, await identity(scene, hall), body)
    mark = fingerprint(keys[0].public, keys[1].public)
    address = f"/incarnations/{hall.node}/{mark}"
    word = {"word": "approve", "note": "已电话核对指纹"}
    async with desk(scene, "security") as first:
        page = await first.get("/incarnations")
        assert mark in page.text
        assert "数据被回退" in page.text
        silent = await first.post(address, {"word": "approve", "note": " "})
        assert silent.status_code == 422
        assert "核实经过" in silent.text
        assert (await first.post(address, word)).status_code == 303
        twice = await first.post(address, word)
        assert "同一人不能批准两次" in twice.text
    assert not isinstance(await enrol.renew(scene.centre, await identity(scene, hall), body), Enrolled)
    async with desk(scene, "audit") as onlooker:
        page = await onlooker.get("/incarnations")
        assert mark in page.text
        assert "记下我的表态" not in page.text
    async with desk(scene, "system") as second:
        await second.get("/incarnations")
        assert (await second.post(address, word)).status_code == 303
    given = await enrol.renew(scene.centre, await identity(scene, hall), body)
    assert isinstance(given, Enrolled)
    async with desk(scene, "security") as first:
        assert given.origin in (await first.get("/incarnations")).text
    (row,) = await incarnations.requests(scene.centre, hall.node)
    assert [one.officer for one in row.verdicts] == ["security", "system"]


async def test_rule_8_8_a_restored_centre_says_so_at_the_console_until_two_persons_approved(scene: Stage):
    await worked(scene)
    await restored.declare(scene.centre, operator("system"), "磁盘更换，取昨夜备份")
    (row,) = await incarnations.requests(scene.centre, CENTRE)
    word = {"word": "approve", "note": "已核对备份时间"}
    for name in ("security", "system"):
        async with desk(scene, name) as officer:
            page = await officer.get("/incarnations")
            assert "中心从备份恢复" in page.text
            assert "不能新建节点" in page.text
            assert (await officer.post(f"/incarnations/{CENTRE}/{row.fingerprint}", word)).status_code == 303
    async with desk(scene, "audit") as auditor:
        page = await auditor.get("/incarnations")
        assert "不能新建节点" not in page.text
        assert "/centre/main/i2" in page.text
        assert "只收不签" in (await auditor.get("/findings")).text
