"""Every route of the console × every role, signed in or not."""

import re

import pytest
from litestar.handlers import HTTPRouteHandler

from central.pages import table
from central.security.permissions import PERMISSIONS, ROLES, permitted
from tests.contract.central.stage import Stage
from tests.contract.console.stage import browser, desk

ACTIONS = {row.action for row in PERMISSIONS}
PATHS = {"{node:str}": "330999", "{search:str}": "gone", "{finding:str}": "none", "{asked:str}": "none"}


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
        methods = sorted(handler.http_methods - {"HEAD", "OPTIONS"})
        found += [(str(method), address(handler), needs) for method in methods]
    return found


def test_every_route_says_what_it_needs():
    for handler in table.PAGES:
        opt = handler.opt
        assert opt.get("open") or opt.get("password") or opt.get("permission") in ACTIONS


def test_only_sign_in_and_verification_are_open():
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
    async with desk(scene, role) as visitor:
        for method, path, needs in rows():
            if needs in {"", "open"}:
                continue
            reply = await (visitor.get(path) if method == "GET" else visitor.post(path))
            refused = reply.status_code == 403 and "三员分立" in reply.text
            assert refused == (not permitted(role, needs)), (method, path, reply.status_code)


async def test_a_form_without_its_mark_changes_nothing(scene: Stage):
    async with desk(scene, "system") as visitor:
        visitor.mark = "stolen"
        reply = await visitor.post("/nodes/new", {"name": "大厅", "region": "330109", "kind": "hall"})
        assert reply.status_code == 403
        assert "什么都没有改变" in reply.text
    assert await scene.rows("SELECT 1 FROM node") == []


async def test_a_form_from_another_site_changes_nothing(scene: Stage):
    async with desk(scene, "system") as visitor:
        await visitor.get("/nodes/new")
        form = {"name": "大厅", "region": "330109", "kind": "hall"}
        reply = await visitor.post("/nodes/new", form, headers={"sec-fetch-site": "cross-site"})
        assert reply.status_code == 403
    assert await scene.rows("SELECT 1 FROM node") == []


async def test_every_answer_carries_the_policy_and_is_kept_by_nobody(scene: Stage):
    async with browser(scene) as visitor:
        for path in ("/signin", "/verify"):
            reply = await visitor.get(path)
            assert reply.headers["content-security-policy"].startswith("default-src 'none'")
            assert reply.headers["cache-control"] == "no-store"
            assert reply.headers["content-type"] == "text/html; charset=utf-8"


async def test_the_consoles_own_files_are_served_beside_the_shared_ones(scene: Stage):
    async with browser(scene) as visitor:
        page = await visitor.get("/signin")
        addresses = set(re.findall(r'(?:href|src)="(/static/[^"?]+)', page.text))
        assert {"/static/console.css", "/static/console.js", "/static/yizhan.css"} <= addresses
        for name in addresses - {one for one in addresses if "/vendor/" in one}:
            assert (await visitor.client.get(name)).status_code == 200, name
