"""Every route of the console × every role, signed in or not."""

import pytest
from litestar.handlers import HTTPRouteHandler

from central.pages import table
from central.security.permissions import PERMISSIONS, ROLES, permitted
from tests.contract.console.stage import Stage, browser, signed_in

pytestmark = pytest.mark.asyncio(loop_scope="package")

ACTIONS = {row.action for row in PERMISSIONS}
PATHS = {"{node:str}": "330999", "{search:str}": "gone", "{finding:str}": "none"}


def address(handler: HTTPRouteHandler) -> str:
    path = min(handler.paths)
    for hole, filled in PATHS.items():
        path = path.replace(hole, filled)
    return path


def rows() -> list[tuple[str, str, str]]:
    """(method, address, permission) of every route; "" for pages of whoever is signed in, "open" for all."""
    found: list[tuple[str, str, str]] = []
    for handler in table.PAGES:
        needs = "open" if handler.opt.get("open") else handler.opt.get("permission", "")
        found += [
            (str(method), address(handler), needs)
            for method in sorted(handler.http_methods - {"HEAD", "OPTIONS"})
        ]
    return found


async def test_every_route_says_what_it_needs():
    for handler in table.PAGES:
        assert (
            handler.opt.get("open") or handler.opt.get("password") or handler.opt.get("permission") in ACTIONS
        )


async def test_only_sign_in_and_verification_are_open():
    assert {path for _, path, needs in rows() if needs == "open"} == {"/signin", "/verify"}


async def test_nobody_sees_anything_without_signing_in(scene: Stage):
    async with browser(scene) as visitor:
        for method, path, needs in rows():
            reply = await (visitor.get(path) if method == "GET" else visitor.post(path))
            if needs == "open":
                assert reply.status_code in {200, 403, 422}, path
            else:
                assert (reply.status_code, reply.headers["location"]) == (303, "/signin"), (method, path)


@pytest.mark.parametrize("role", ROLES)
async def test_g21_a_role_reaches_its_own_pages_and_no_other(scene: Stage, role: str):
    async with browser(scene) as visitor:
        await signed_in(visitor, scene, role)
        for method, path, needs in rows():
            if needs in {"", "open"}:
                continue
            reply = await (visitor.get(path) if method == "GET" else visitor.post(path))
            if permitted(role, needs):
                assert "三员分立" not in reply.text or reply.status_code != 403, (method, path)
            else:
                assert reply.status_code == 403, (method, path)
                assert "三员分立" in reply.text


async def test_a_form_without_its_mark_changes_nothing(scene: Stage):
    async with browser(scene) as visitor:
        await signed_in(visitor, scene, "system")
        visitor.mark = "stolen"
        reply = await visitor.post("/nodes/new", {"name": "大厅", "region": "330109", "kind": "hall"})
        assert reply.status_code == 403
        assert "什么都没有改变" in reply.text
        fleet = await visitor.get("/")
        assert "330109" not in fleet.text


async def test_a_form_from_another_site_changes_nothing(scene: Stage):
    async with browser(scene) as visitor:
        await signed_in(visitor, scene, "system")
        await visitor.get("/nodes/new")
        reply = await visitor.post(
            "/nodes/new",
            {"name": "大厅", "region": "330109", "kind": "hall"},
            headers={"sec-fetch-site": "cross-site"},
        )
        assert reply.status_code == 403


async def test_every_answer_carries_the_policy_and_is_kept_by_nobody(scene: Stage):
    async with browser(scene) as visitor:
        for path in ("/signin", "/verify", "/nowhere"):
            reply = await visitor.get(path)
            if path != "/nowhere":
                assert reply.headers["content-security-policy"].startswith("default-src 'none'")
                assert reply.headers["cache-control"] == "no-store"


async def test_a_signed_out_session_is_worth_nothing(scene: Stage):
    async with browser(scene) as visitor:
        await signed_in(visitor, scene, "audit", afresh=True)
        kept = dict(visitor.client.cookies)
        reply = await visitor.post("/signout")
        assert reply.headers["location"] == "/signin"
        visitor.client.cookies.update(kept)
        reply = await visitor.get("/trail")
        assert reply.headers["location"] == "/signin"


async def test_a_session_ends_after_ten_idle_minutes(scene: Stage):
    async with browser(scene) as visitor:
        await signed_in(visitor, scene, "audit", afresh=True)
        scene.clock.now_ms += scene.centre.settings.session_idle_s * 1000 + 1
        reply = await visitor.get("/trail")
        assert reply.headers["location"] == "/signin"


async def test_english_is_chosen_once_and_stays(scene: Stage):
    async with browser(scene) as visitor:
        assert "Sign in to the centre" in (await visitor.get("/signin?lang=en")).text
        assert "Sign in to the centre" in (await visitor.get("/signin")).text
        assert "中心平台登录" in (await visitor.get("/signin?lang=zh")).text
