"""Signing in: one-time passwords, refusals, and what the ledger says of them."""

from tests.contract.central.stage import PASSWORD, Stage
from tests.contract.console.stage import browser, desk

FRESH = "correct horse battery staple"


async def test_a_one_time_password_opens_nothing_but_the_page_that_replaces_it(scene: Stage):
    await scene.thief("UPDATE administrator SET must_change = true WHERE name = 'audit'")
    async with browser(scene) as visitor:
        await visitor.get("/signin")
        reply = await visitor.post("/signin", {"name": "audit", "password": PASSWORD})
        assert reply.headers["location"] == "/password"
        for path in ("/", "/trail", "/acts"):
            assert (await visitor.get(path)).headers["location"] == "/password"
        await visitor.get("/password")
        short = await visitor.post("/password", {"password": "kurz", "again": "anders"})
        assert short.status_code == 422
        assert "不足 15 个字" in short.text
        assert "两次输入不一样" in short.text
        done = await visitor.post("/password", {"password": FRESH, "again": FRESH})
        assert done.headers["location"] == "/"
        assert (await visitor.get("/trail")).status_code == 200
    async with browser(scene) as visitor:
        await visitor.get("/signin")
        old = await visitor.post("/signin", {"name": "audit", "password": PASSWORD})
        assert old.status_code == 403


async def test_a_password_everybody_guesses_is_refused_in_words(scene: Stage):
    async with desk(scene, "security") as visitor:
        await visitor.get("/password")
        reply = await visitor.post(
            "/password", {"password": "security security", "again": "security security"}
        )
        assert reply.status_code == 422
        assert "现在怎么办" in reply.text


async def test_a_wrong_password_is_refused_with_what_to_do_and_stands_on_the_ledger(scene: Stage):
    async with browser(scene) as visitor:
        await visitor.get("/signin")
        reply = await visitor.post("/signin", {"name": "security", "password": "not this one at all"})
        assert reply.status_code == 403
        assert "用户名或密码不对" in reply.text
        assert "现在怎么办" in reply.text
        assert "not this one at all" not in reply.text
    async with desk(scene, "security") as visitor:
        acts = await visitor.get("/acts")
        assert "session.refused" in acts.text


async def test_an_empty_form_is_told_everything_at_once(scene: Stage):
    async with browser(scene) as visitor:
        await visitor.get("/signin")
        reply = await visitor.post("/signin")
        assert reply.status_code == 422
        assert "请填管理员名称" in reply.text
        assert "请填口令" in reply.text


async def test_a_signed_out_session_is_worth_nothing(scene: Stage):
    async with desk(scene, "audit") as visitor:
        kept = dict(visitor.client.cookies)
        reply = await visitor.post("/signout")
        assert reply.headers["location"] == "/signin"
        visitor.client.cookies.update(kept)
        assert (await visitor.get("/trail")).headers["location"] == "/signin"


async def test_a_session_ends_after_ten_idle_minutes(scene: Stage):
    async with desk(scene, "audit") as visitor:
        scene.clock.pass_ms(scene.centre.settings.session_idle_s * 1000 + 1)
        assert (await visitor.get("/trail")).headers["location"] == "/signin"


async def test_english_is_chosen_once_and_stays(scene: Stage):
    async with browser(scene) as visitor:
        assert "Sign in to the centre" in (await visitor.get("/signin?lang=en")).text
        assert "Sign in to the centre" in (await visitor.get("/signin")).text
        assert "中心平台登录" in (await visitor.get("/signin?lang=zh")).text
