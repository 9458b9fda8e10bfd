"""The JSON door over the real app in process: sessions, forgery tokens, the promised shapes, and every no."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Request

from edge.actions.node import Node
from edge.api.routes import exposition
from edge.app import create_app
from edge.errors import NotAllowed
from edge.pages.table import ROUTES
from edge.security import web
from tests.contract.edge.conftest import Opener, ToldTime, lay
from tests.contract.edge.small_centre import PASSWORD, SmallCentre

Client = httpx.AsyncClient


@pytest.fixture
async def client(node: Node) -> AsyncIterator[Client]:
    async with over(node) as opened:
        yield opened


def over(node: Node) -> Client:
    """A browser before the real app, in this event loop."""
    app = create_app(node, ROUTES)
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]  # two names for one ASGI
    return httpx.AsyncClient(transport=transport, base_url="http://node.test")


async def sign_in(client: Client, staff: str = "li.min", window: str = "1") -> dict[str, str]:
    body = {"staff": staff, "password": PASSWORD, "window": window}
    reply = await client.post("/api/session", json=body)
    assert reply.status_code == 200, reply.text
    return {"X-CSRF-Token": reply.json()["csrf"]}


async def test_the_status_has_the_promised_keys_and_names_nobody(client: Client) -> None:
    reply = await client.get("/api/status")
    found = reply.json()
    assert {"origin", "centre", "ledger", "lease", "lanes", "devices", "clock"} <= set(found)
    assert set(found["centre"]) >= {"reachable", "last_contact"}
    assert set(found["ledger"]) >= {"size", "root", "countersigned_size", "oldest_unacknowledged_age_s"}
    assert set(found["lease"][0]) >= {"capability", "left_s", "state"}
    assert found["clock"]["state"] in {"synced", "holdover", "untrusted"}
    assert len(found["lanes"]) == 6


async def test_a_question_over_http_is_answered_in_the_promised_shape(
    client: Client, node: Node, centre: SmallCentre
) -> None:
    headers = await sign_in(client)
    await lay(node, centre)
    read = (await client.get("/api/reads/latest")).json()
    assert "number" not in read
    assert "••" in read["number_masked"]
    centre.down = True
    body = {"matter": "public-credit.self", "presence": {"read_id": read["read_id"]}, "purpose": "self"}
    reply = await client.post("/api/answers", json=body, headers=headers)
    assert reply.status_code == 200, reply.text
    found = reply.json()
    assert (found["mode"], found["band"]) == ("cached", "fresh")
    assert found["report"] == {"serial": "330102-2026-L-00001", "status": "provisional"}
    assert len(bytes.fromhex(found["entry"]["leaf_hash"])) == 32
    assert all(group["source"] and group["as_of_ms"] and group["band"] for group in found["fields"])
    body["matter"] = "credit-bureau.self"
    reply = await client.post("/api/answers", json=body, headers=headers)
    assert reply.status_code == 202
    assert {"case", "due", "slip"} <= set(reply.json())


async def test_a_refusal_over_http_says_why_by_which_rule_what_is_missing_and_what_to_do(
    client: Client,
) -> None:
    headers = await sign_in(client)
    subject = {"kind": "natural", "name": "某", "number": "330102199001010073"}
    body = {"matter": "public-credit.authorised", "subject": subject, "requester": subject | {"name": "某人"}}
    reply = await client.post("/api/answers", json=body, headers=headers)
    assert reply.status_code == 403
    assert {"code", "message", "rule", "missing", "next"} <= set(reply.json())


async def test_without_a_session_or_its_forgery_token_nothing_is_done(client: Client) -> None:
    reply = await client.post("/api/answers", json={"matter": "public-credit.self"})
    assert (reply.status_code, reply.json()["code"]) == (401, "sign-in-needed")
    headers = await sign_in(client)
    reply = await client.post("/api/answers", json={"matter": "public-credit.self"})
    assert (reply.status_code, reply.json()["code"]) == (403, "forgery-token")
    wrong = {"X-CSRF-Token": headers["X-CSRF-Token"][::-1]}
    reply = await client.post("/api/exchange", headers=wrong)
    assert reply.status_code == 403


async def test_a_body_of_another_form_is_refused_by_field_without_repeating_a_value(client: Client) -> None:
    headers = await sign_in(client)
    body = {"matter": "x", "secret_of_somebody": "330102199001010073"}
    reply = await client.post("/api/answers", json=body, headers=headers)
    assert reply.status_code == 400
    assert "330102199001010073" not in reply.text
    reply = await client.post("/api/answers", content=b"{", headers=headers)
    assert reply.status_code == 400


async def test_a_wrong_password_is_refused_and_the_sixth_try_has_to_wait(
    client: Client, told: ToldTime
) -> None:
    body = {"staff": "li.min", "password": "wrong", "window": "1"}
    codes = [(await client.post("/api/session", json=body)).json()["code"] for _ in range(6)]
    assert codes == ["wrong-name-or-password"] * 5 + ["too-many-tries"]
    reply = await client.post("/api/session", json=body | {"password": PASSWORD})
    assert reply.status_code == 403
    told.pass_ms(61_000)
    assert (await client.post("/api/session", json=body | {"password": PASSWORD})).status_code == 200


@pytest.mark.parametrize(
    ("staff", "window", "code"),
    [("nobody", "1", "wrong-name-or-password"), ("gone", "1", "revoked"), ("li.min", "9", "no-such-window")],
)
async def test_a_sign_in_that_may_not_be_says_why(client: Client, staff: str, window: str, code: str) -> None:
    reply = await client.post("/api/session", json={"staff": staff, "password": PASSWORD, "window": window})
    assert (reply.status_code, reply.json()["code"]) == (403, code)


async def test_an_idle_window_locks_itself_and_a_page_that_refreshes_itself_keeps_nobody_signed_in(
    client: Client, told: ToldTime
) -> None:
    await sign_in(client)
    told.pass_ms(200_000)
    quiet = {"HX-Request": "true"}
    assert (await client.get("/api/prints", headers=quiet)).status_code == 200
    told.pass_ms(200_000)
    assert (await client.get("/api/prints", headers=quiet)).status_code == 401


async def test_a_person_has_one_session_and_a_second_sign_in_ends_the_first(
    client: Client, node: Node
) -> None:
    await sign_in(client)
    async with over(node) as other:
        await sign_in(other, window="2")
        assert (await other.get("/api/prints")).status_code == 200
        assert (await client.get("/api/prints")).status_code == 401


async def test_signing_out_ends_the_session(client: Client) -> None:
    headers = await sign_in(client)
    cookie = client.cookies["yizhan"]
    assert (await client.delete("/api/session", headers=headers)).status_code == 200
    client.cookies.set("yizhan", cookie)
    assert (await client.get("/api/prints")).status_code == 401


async def test_every_response_carries_the_security_headers_and_the_cookie_is_strict(client: Client) -> None:
    reply = await client.post("/api/session", json={"staff": "li.min", "password": PASSWORD, "window": "1"})
    assert reply.headers["content-security-policy"].startswith("default-src 'none'")
    cookie = reply.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert (await client.get("/static/tokens.css")).status_code == 200
    assert (await client.get("/nothing")).status_code == 404


async def test_g19_a_card_reaches_the_page_by_a_live_event_without_personal_data(
    client: Client, node: Node, centre: SmallCentre
) -> None:
    before = await node.store.read(lambda db: db.query("SELECT count(*) FROM office_case"))
    with node.events.subscription() as queue:
        read = await lay(node, centre)
        async with asyncio.timeout(5):
            event = await queue.get()
            while event.topic != "card":
                event = await queue.get()
    assert event.payload == {"window": "", "read_id": read.read_id}
    assert await node.store.read(lambda db: db.query("SELECT count(*) FROM office_case")) == before


async def test_the_event_stream_beats_and_ends_when_the_node_stops(client: Client, node: Node) -> None:
    await sign_in(client)
    node.events.end()
    async with asyncio.timeout(5):
        reply = await client.get("/api/events")
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert "event: beat" in reply.text


async def test_g19_what_happens_between_a_page_and_its_stream_is_fetched_again(
    client: Client, node: Node
) -> None:
    await sign_in(client)
    node.events.end()
    address = re.search(r'sse-connect="([^"]+)"', (await client.get("/")).text)
    assert address is not None
    node.events.publish("entry")
    node.events.publish("card", {"window": "2"})
    assert "event: refetch" not in (await client.get(address[1])).text
    node.events.publish("card", {"window": "1"})
    assert "event: refetch" in (await client.get(address[1])).text


async def test_a_subscriber_that_lags_is_told_to_fetch_everything_again(node: Node) -> None:
    with node.events.subscription() as queue:
        for _ in range(200):
            node.events.publish("entry")
        topics = {queue.get_nowait().topic for _ in range(queue.qsize())}
    assert "refetch" in topics


async def test_health_says_whether_answers_can_be_given_and_why_not(
    client: Client, node: Node, opener: Opener
) -> None:
    assert (await client.get("/livez")).status_code == 200
    assert (await client.get("/readyz")).status_code == 200
    await node.store.transact(lambda tx: tx.note("alarm", ["x", "y"]))
    reply = await client.get("/readyz")
    assert reply.status_code == 503
    assert "台账" in reply.json()["reasons"][0]["zh"]


async def test_the_metrics_hold_figures_only_and_are_for_loopback_or_a_token(
    client: Client, node: Node
) -> None:
    text = (await exposition(node)).decode()
    assert "yizhan_ledger_entries" in text
    assert "li.min" not in text

    scope: Any = {"type": "http", "client": ("10.0.0.9", 5), "headers": [(b"authorization", b"Bearer t0ken")]}
    far: Request[Any, Any, Any] = Request(scope)
    with pytest.raises(NotAllowed):
        web.guard_metrics(far, "")
    web.guard_metrics(far, "t0ken")


async def test_the_openapi_document_lists_the_query(client: Client) -> None:
    reply = await client.get("/schema/openapi.json")
    assert "/api/answers" in reply.json()["paths"]


async def test_papers_cases_tasks_and_the_day_over_http(
    client: Client, node: Node, centre: SmallCentre
) -> None:
    await node.typesetter.start()
    headers = await sign_in(client)
    read = await lay(node, centre)
    body = {"matter": "public-credit.self", "presence": {"read_id": read.read_id}, "purpose": "self"}
    serial = (await client.post("/api/answers", json=body, headers=headers)).json()["report"]["serial"]
    pdf = await client.get(f"/api/reports/{serial}/report.pdf")
    assert (pdf.status_code, pdf.content[:4]) == (200, b"%PDF"), pdf.text
    job = next(one for one in (await client.get("/api/prints")).json() if one["kind"] == "report")
    said = {"outcome": "good", "sheet": "1"}
    assert (await client.post(f"/api/prints/{job['id']}", json=said, headers=headers)).status_code == 200
    assert (await client.post(f"/api/prints/{job['id']}", json=said, headers=headers)).status_code == 409
    assert (await client.post(f"/api/reports/{serial}/hand-over", headers=headers)).status_code == 200
    again = await client.post(f"/api/reports/{serial}/reprint", json={"reason": "又要一份"}, headers=headers)
    assert again.status_code == 200
    assert (await client.get("/api/cases")).json()[0]["serial"] == serial
    assert (await client.get("/api/tasks")).json() == []
    headers = await sign_in(client, "wu.yue")
    day = node.day_of(node.now_ms())
    assert (await client.get(f"/api/day/{day}")).json()["reports"] == 1
    closed = await client.post("/api/day", json={"day": day}, headers=headers)
    assert closed.status_code == 200, closed.text
    assert (await client.get("/api/findings")).json() == []
    assert (await client.get("/api/trail?limit=3")).json()[0]["words"]["zh"] == "日结"
    assert (await client.get("/api/day/tomorrow")).status_code == 404
    assert (await client.post("/api/tasks/none", json={}, headers=headers)).status_code == 404


async def test_g24_who_saw_my_data_is_shown_to_the_person_and_is_an_access_itself(
    client: Client, node: Node, centre: SmallCentre
) -> None:
    headers = await sign_in(client)
    read = await lay(node, centre)
    reply = await client.post("/api/own-trail", json={"read_id": read.read_id}, headers=headers)
    assert reply.status_code == 200, reply.text
    assert reply.json()["accesses"][0]["mode"] == "cached"
    centre.down = True
    reply = await client.post("/api/own-trail", json={"read_id": read.read_id}, headers=headers)
    assert reply.status_code == 202


async def test_a_full_disk_gives_503_with_words_and_the_page_still_works(
    client: Client, node: Node, centre: SmallCentre, tmp_path: Path
) -> None:
    headers = await sign_in(client)
    read = await lay(node, centre)
    pages = await node.store.transact(lambda tx: tx.one("PRAGMA page_count"))
    assert pages is not None
    await node.store.transact(lambda tx: tx.query(f"PRAGMA max_page_count = {pages[0]}"))
    body = {"matter": "public-credit.self", "presence": {"read_id": read.read_id}}
    for _ in range(400):
        reply = await client.post("/api/answers", json=body, headers=headers)
        if reply.status_code != 200:
            break
    assert (reply.status_code, reply.json()["code"]) == (503, "ledger-unavailable")
    assert reply.json()["message"]["zh"]
    assert (await client.get("/api/status")).status_code == 200
