"""Signing in: one-time passwords, refusals, and what the ledger says of them."""

import tempfile
from pathlib import Path

import pytest

from tests.contract.console.stage import PASSWORD, Stage, browser, signed_in, staged

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_one_time_password_opens_nothing_but_the_page_that_replaces_it():
    with tempfile.TemporaryDirectory(prefix="yizhan-console-") as folder:
        async with staged(Path(folder)) as scene, browser(scene) as visitor:
            await visitor.get("/signin")
            reply = await visitor.post("/signin", {"name": "audit", "password": scene.passwords["audit"]})
            assert reply.headers["location"] == "/password"
            for path in ("/", "/trail", "/acts"):
                assert (await visitor.get(path)).headers["location"] == "/password"
            await visitor.get("/password")
            short = await visitor.post("/password", {"password": "kurz", "again": "anders"})
            assert short.status_code == 422
            assert "不足 15 个字" in short.text
            assert "两次输入不一样" in short.text
            done = await visitor.post("/password", {"password": PASSWORD, "again": PASSWORD})
            assert done.headers["location"] == "/"
            assert (await visitor.get("/trail")).status_code == 200
            await visitor.get("/signin")
            old = await visitor.post("/signin", {"name": "audit", "password": scene.passwords["audit"]})
            assert old.status_code in {303, 403}


async def test_a_wrong_password_is_refused_with_what_to_do_and_stands_on_the_ledger(scene: Stage):
    async with browser(scene) as visitor:
        await visitor.get("/signin")
        reply = await visitor.post("/signin", {"name": "security", "password": "not this one at all"})
        assert reply.status_code == 403
        assert "用户名或密码不对" in reply.text
        assert "现在怎么办" in reply.text
        assert "not this one at all" not in reply.text
    async with browser(scene) as visitor:
        await signed_in(visitor, scene, "security")
        acts = await visitor.get("/acts")
        assert "session.refused" in acts.text


async def test_an_empty_form_is_told_everything_at_once(scene: Stage):
    async with browser(scene) as visitor:
        await visitor.get("/signin")
        reply = await visitor.post("/signin")
        assert reply.status_code == 422
        assert "请填管理员名称" in reply.text
        assert "请填口令" in reply.text
