"""Every route × every role, row by row of `rights.py`: the node with its clerks, the centre's API with its signatures."""

from collections.abc import Mapping
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar

from central import app
from central.actions import nodes
from central.actions.centre import operator
from edge.actions.close_day import close
from edge.actions.node import Node
from edge.app import create_app
from edge.errors import NotAllowed
from edge.pages.table import ROUTES
from sync.ledger.entry import Entry, parse_leaf
from sync.signing.keys import SigningKey
from tests.contract.central.halls import Hall
from tests.contract.central.stage import Stage
from tests.contract.edge.conftest import lay, signed_in
from tests.contract.edge.small_centre import SmallCentre
from tests.contract.edge.test_api import over, sign_in
from tests.contract.refusals.rights import CENTRE, NODE, Right
from tests.contract.refusals.untouched import work_of

ROLES = ("sun.tao", "li.min", "wu.yue")
WITHOUT_PERMIT = "sun.tao"
ON_DUTY = "wu.yue"
ENDS = ("/api/session", "/signout", "/api/events")
"""Addresses that end the session or never end: tried by their own tests."""
DAY = "2026-11-18"


def addresses(program: Litestar) -> set[tuple[str, str]]:
    """(method, path) of everything the program answers to, but the question which methods there are."""
    found = set()
    for route in program.routes:
        for method in getattr(route, "methods", ()):
            if method not in {"OPTIONS", "HEAD"}:
                found.add((str(method), str(getattr(route, "path_format", route.path))))
    return found


def rows(needs: str, *, changing: bool = False) -> list[Right]:
    return [
        row
        for row in NODE
        if row.needs in needs.split() and row.path not in ENDS and (row.method == "POST" or not changing)
    ]


async def tried(
    client: httpx.AsyncClient, row: Right, csrf: str = "", read_id: str = "none"
) -> httpx.Response:
    """One request to that row with a body that could be right."""
    path = row.path.replace("{day}", DAY).replace("{file_path}", "tokens.css")
    while "{" in path:
        path = path[: path.index("{")] + "none" + path[path.index("}") + 1 :]
    if row.method == "GET":
        return await client.get(path)
    bodies: Mapping[str, Any] = {
        "/api/answers": {
            "matter": "public-credit.self",
            "presence": {"read_id": read_id},
            "delivery": "screen",
        },
        "/api/own-trail": {"read_id": read_id},
        "/api/day": {"day": DAY},
        "/api/prints/{job_id}": {"outcome": "good"},
    }
    if row.path.startswith("/api/"):
        return await client.request(
            row.method, path, json=bodies.get(row.path, {}), headers={"X-CSRF-Token": csrf} if csrf else {}
        )
    return await client.request(row.method, path, data={"csrf": csrf, "read_id": read_id})


def sent_to_sign_in(reply: httpx.Response) -> bool:
    """Whether the answer is: sign in first, and nothing else."""
    if reply.status_code == 303:
        return reply.headers["location"] == "/signin"
    return reply.status_code == 401 and reply.json()["code"] == "sign-in-needed"


async def test_every_address_of_the_node_has_its_row_and_every_row_its_address(node: Node) -> None:
    assert addresses(create_app(node, ROUTES)) == {(row.method, row.path) for row in NODE}


async def test_every_address_of_the_centre_for_programs_has_its_row(stage: Stage) -> None:
    found = addresses(app.application(stage.centre, background=False))
    known = {(row.method, row.path) for row in CENTRE}
    assert known <= found
    assert {pair for pair in found if pair[1].startswith("/api/")} <= known


async def test_nobody_reaches_more_than_the_open_addresses_of_a_node(node: Node) -> None:
    before = await work_of(node)
    async with over(node) as client:
        for row in NODE:
            reply = await tried(client, row)
            assert sent_to_sign_in(reply) == (row.needs != "open"), (row, reply.status_code)
    assert await work_of(node) == before


@pytest.mark.parametrize("staff", ROLES)
async def test_a_clerk_reaches_what_the_row_says_and_no_more(
    node: Node, centre: SmallCentre, staff: str
) -> None:
    read = await lay(node, centre)
    async with over(node) as client:
        csrf = (await sign_in(client, staff))["X-CSRF-Token"]
        for row in rows("open session permit own duty paper"):
            reply = await tried(client, row, csrf, read.read_id)
            assert not sent_to_sign_in(reply), row
            assert reply.status_code < 500, (row, reply.text)
            denied = reply.status_code == 403 and "no-permit" in reply.text
            assert denied == (row.needs == "permit" and staff == WITHOUT_PERMIT), (row, reply.text[:200])
            off_duty = reply.status_code == 403 and "须由值班人员办理" in reply.text
            assert off_duty == (row.needs == "duty" and staff != ON_DUTY), (row, reply.text[:200])
            if off_duty:
                assert (await newest(node)).outcome == "not-allowed", "a refused act is an entry"


async def newest(node: Node) -> Entry:
    """The last entry of the node's ledger."""
    rows = await node.store.read(lambda db: db.query("SELECT leaf FROM entry ORDER BY idx DESC LIMIT 1"))
    return parse_leaf(rows[0][0])[0]


@pytest.mark.parametrize(
    ("staff", "window", "may"),
    [
        ("li.min", "1", True),  # the clerk of the case, at its window
        ("li.min", "2", True),  # the clerk of the case, moved
        ("sun.tao", "1", True),  # another clerk at that window
        ("sun.tao", "2", False),
        ("wu.yue", "2", True),  # the manager
    ],
)
async def test_f013_a_paper_is_answered_for_by_its_window_its_clerk_or_who_is_on_duty(
    node: Node, centre: SmallCentre, staff: str, window: str, may: bool
) -> None:
    await node.typesetter.start()
    read = await lay(node, centre)
    async with over(node) as client:
        headers = await sign_in(client)
        body = {"matter": "public-credit.self", "presence": {"read_id": read.read_id}}
        serial = (await client.post("/api/answers", json=body, headers=headers)).json()["report"]["serial"]
        assert (await client.get(f"/api/reports/{serial}/report.pdf")).status_code == 200
        job = next(one["id"] for one in (await client.get("/api/prints")).json() if one["kind"] == "report")
    async with over(node) as client:
        headers = await sign_in(client, staff, window)
        before = await work_of(node)
        tries = [
            (f"/api/prints/{job}", {"outcome": "good"}),
            (f"/api/reports/{serial}/hand-over", {}),
            (f"/api/reports/{serial}/reprint", {"reason": "再要一份"}),
        ]
        seen = [(await client.post(path, json=sent, headers=headers)) for path, sent in tries]
        assert [reply.status_code for reply in seen] == [200 if may else 403] * 3, seen[0].text
        if not may:
            assert "其他窗口的纸张" in seen[0].json()["message"]["zh"]
            assert "值班长" in seen[0].json()["next"]["zh"]
            assert (await newest(node)).outcome == "not-allowed"
            assert await work_of(node) == before


async def test_a_clerk_with_the_permit_duty_may_close_the_day(node: Node) -> None:
    session = await signed_in(node, "li.min")
    with pytest.raises(NotAllowed):
        await close(node, session, DAY)
    held = msgspec.structs.replace(session, permits=(*session.permits, "duty"))
    assert (await close(node, held, DAY)).totals.day == DAY


async def test_the_pages_offer_a_clerk_no_button_that_would_be_refused(node: Node) -> None:
    for staff, offered in (("li.min", False), ("wu.yue", True)):
        async with over(node) as client:
            await sign_in(client, staff)
            assert ('action="/day/close"' in (await client.get("/day")).text) == offered
            assert ('action="/line/exchange"' in (await client.get("/line")).text) == offered


async def test_f014_a_report_is_open_to_the_clerk_of_its_case_only(node: Node, centre: SmallCentre) -> None:
    await node.typesetter.start()
    read = await lay(node, centre)
    seen = {}
    async with over(node) as client:
        headers = await sign_in(client)
        body = {"matter": "public-credit.self", "presence": {"read_id": read.read_id}}
        serial = (await client.post("/api/answers", json=body, headers=headers)).json()["report"]["serial"]
    for staff in ("", *ROLES):
        async with over(node) as client:
            if staff:
                await sign_in(client, staff)
            for path in ("/api/reports/{}/report.pdf", "/prints/{}/report.pdf"):
                seen[staff, path[:5]] = (await client.get(path.format(serial))).status_code
    assert seen == {
        ("", "/api/"): 401, ("", "/prin"): 303,
        ("sun.tao", "/api/"): 403, ("sun.tao", "/prin"): 403,
        ("li.min", "/api/"): 200, ("li.min", "/prin"): 200,
        ("wu.yue", "/api/"): 403, ("wu.yue", "/prin"): 403,
    }  # fmt: skip


async def test_no_changing_address_of_a_node_works_without_the_sessions_own_mark(node: Node) -> None:
    async with over(node) as client:
        csrf = (await sign_in(client))["X-CSRF-Token"]
        before = await work_of(node)
        for row in rows("session permit own duty paper", changing=True):
            for mark in ("", csrf[:-1] + ("A" if csrf[-1] != "A" else "B")):
                reply = await tried(client, row, mark)
                assert reply.status_code == 403, (row, reply.status_code, reply.text[:200])
        assert await work_of(node) == before


def signatures(hall: Hall, other: Hall, path: str, body: bytes) -> dict[str, dict[str, str]]:
    """A request to the centre as each kind of asker would send it."""
    stranger = object.__new__(Hall)
    stranger.__dict__.update(hall.__dict__)
    stranger.signing_key = SigningKey.generate()
    octets = {"content-type": "application/octet-stream"}
    return {
        "unsigned": octets,
        "garbled": octets | {"authorization": "Yizhan of no form"},
        "stranger": stranger.signed("POST", path, body),
        "another body": hall.signed("POST", path, body + b"x"),
        "another address": hall.signed("POST", "/api/elsewhere", body),
        "revoked": other.signed("POST", path, body),
    }


async def test_only_an_enrolled_nodes_own_signature_opens_the_doors_for_nodes(stage: Stage) -> None:
    hall = await stage.hall()
    other = await stage.hall(name="城东分厅", region="330103")
    assert await nodes.revoke(stage.centre, operator("security"), other.node, "设备遗失，已报警") is None
    hall.access("330102199001011234")
    body = hall.batch()
    seen = {}
    async with stage.client() as http:
        for row in CENTRE:
            if row.needs != "node" or row.method != "POST":
                continue
            path = row.path.format(batch="0" * 32, held=1)
            for who, headers in signatures(hall, other, path, body).items():
                reply = await http.post(path, content=body, headers=headers)
                seen[row.path, who] = reply.status_code
                assert reply.json()["next"]["zh"]
        assert set(seen.values()) <= {400, 401, 403}, seen
        assert {seen[path, "revoked"] for path, _ in seen} == {403}
        assert await stage.rows("SELECT 1 FROM entry WHERE origin = $1", hall.origin) == []
        good = await http.post(
            "/api/exchange", content=body, headers=hall.signed("POST", "/api/exchange", body)
        )
        assert good.status_code == 200


async def test_what_is_open_at_the_centre_is_open_and_holds_no_citizen(stage: Stage) -> None:
    async with stage.client() as http:
        for row in CENTRE:
            if row.needs != "open":
                continue
            reply = await http.get(row.path.replace("{digest}", "0" * 64))
            assert reply.status_code == (404 if "{" in row.path else 200), row
