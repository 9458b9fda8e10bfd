"""Enrolment with one-time codes, over HTTP as a node does it."""

import base64

import pytest

from central.actions import nodes
from central.actions.centre import operator
from matters.model import Refusal
from sync.errors import BadSignature, Malformed
from sync.lease.lease import open_lease
from sync.messages import introduction
from sync.signing.certificate import open_certificate
from sync.signing.keys import SealingKey, SigningKey
from tests.contract.central.stage import Stage

HOUR_MS = 3_600_000


def body(code: str) -> dict[str, str]:
    return {
        "code": code,
        "signing": base64.b64encode(SigningKey.generate().public).decode(),
        "sealing": base64.b64encode(SealingKey.generate().public).decode(),
    }


async def test_a_code_gives_origin_certificate_keys_and_first_leases(stage: Stage) -> None:
    made = await stage.node()
    async with stage.client() as http:
        reply = await http.post("/api/enrol", json=body(made.code))
    assert reply.status_code == 200, reply.text
    given = reply.json()
    assert introduction.proven(reply.content, introduction.code_key(made.code))
    with pytest.raises(BadSignature):
        introduction.proven(reply.content, introduction.code_key("AAAA-BBBB-CCCC-DDDD"))
    assert given["origin"] == "qingzhou.example/node/330102/i1"
    public = base64.b64decode(given["centre"]["signing"])
    certificate = open_certificate(base64.b64decode(given["certificate"]), public)
    assert certificate.not_after_ms - certificate.not_before_ms == 30 * 24 * HOUR_MS
    assert certificate.scopes == ("330102/detail", "330102/staff")
    assert (certificate.name, given["window_ms"]) == ("清河县市民之家", 72 * HOUR_MS)
    leases = {
        lease.capability: lease
        for lease in (open_lease(base64.b64decode(one), public) for one in given["lease"])
    }
    assert set(leases) == {"public", "points", "summary", "detail"}
    assert leases["detail"].not_after_ms - leases["detail"].not_before_ms == 72 * HOUR_MS


NOT_AN_ANSWER = (
    b"[]",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"proof": null}',
    '{"proof": "证"}'.encode(),
    b"\xff",
)


@pytest.mark.parametrize("content", NOT_AN_ANSWER, ids=range(len(NOT_AN_ANSWER)))
def test_whatever_comes_as_the_answer_to_an_enrolment_is_refused_in_the_errors_own_tree(
    content: bytes,
) -> None:
    with pytest.raises((Malformed, BadSignature)):
        introduction.proven(content, introduction.code_key("AAAA-BBBB-CCCC-DDDD"))


async def test_a_body_nested_without_end_is_no_enrolment(stage: Stage) -> None:
    nested = b'{"code":"x","signing":"x","sealing":"x","more":' + b"[" * 5_000
    async with stage.client() as http:
        reply = await http.post("/api/enrol", content=nested)
    assert reply.status_code == 400, reply.text


async def test_a_bus_gets_its_route_and_sixteen_hours(stage: Stage) -> None:
    bus = await stage.node(name="流动车 07", region="330104", kind="bus", route=("330104001", "330104002"))
    async with stage.client() as http:
        given = (await http.post("/api/enrol", json=body(bus.code))).json()
    public = base64.b64decode(given["centre"]["signing"])
    certificate = open_certificate(base64.b64decode(given["certificate"]), public)
    assert certificate.scopes == ("bus-330104-1/detail", "bus-330104-1/staff")
    leases = [open_lease(base64.b64decode(one), public) for one in given["lease"]]
    assert {lease.scope for lease in leases} == {"330104001", "330104002"}
    detail = next(lease for lease in leases if lease.capability == "detail")
    assert detail.not_after_ms - detail.not_before_ms == 16 * HOUR_MS


async def test_a_wrong_code_is_refused_with_what_to_do(stage: Stage) -> None:
    made = await stage.node()
    async with stage.client() as http:
        reply = await http.post("/api/enrol", json=body("AAAA-BBBB-CCCC-DDDD"))
        good = await http.post("/api/enrol", json=body(made.code.lower().replace("-", " ")))
    assert reply.status_code == 403
    assert reply.json()["code"] == "code-wrong"
    assert "系统管理员" in reply.json()["next"]["zh"]
    assert good.status_code == 200, "case and dashes do not matter"


async def test_a_second_use_of_a_code_is_refused(stage: Stage) -> None:
    made = await stage.node()
    async with stage.client() as http:
        first = await http.post("/api/enrol", json=body(made.code))
        second = await http.post("/api/enrol", json=body(made.code))
    assert (first.status_code, second.status_code) == (200, 403)
    assert second.json()["code"] == "code-used"
    assert len(await stage.rows("SELECT 1 FROM identity")) == 1


async def test_a_node_whose_reply_was_lost_gets_it_again_with_the_same_keys(stage: Stage) -> None:
    made = await stage.node()
    same = body(made.code)
    async with stage.client() as http:
        first = await http.post("/api/enrol", json=same)
        again = await http.post("/api/enrol", json=same)
    assert (again.status_code, again.json()["certificate"]) == (200, first.json()["certificate"])


async def test_an_expired_code_is_refused(stage: Stage) -> None:
    made = await stage.node()
    stage.clock.pass_ms(73 * HOUR_MS)
    async with stage.client() as http:
        reply = await http.post("/api/enrol", json=body(made.code))
    assert (reply.status_code, reply.json()["code"]) == (403, "code-expired")


async def test_guessing_at_a_code_locks_it(stage: Stage) -> None:
    made = await stage.node()
    guess = made.code[:-1] + ("2" if made.code[-1] != "2" else "3")
    async with stage.client() as http:
        for _ in range(5):
            await http.post("/api/enrol", json=body(guess))
        reply = await http.post("/api/enrol", json=body(made.code))
    assert (reply.status_code, reply.json()["code"]) == (403, "code-wrong")


async def test_only_a_hash_of_a_code_is_kept(stage: Stage) -> None:
    made = await stage.node()
    rows = await stage.rows("SELECT * FROM enrolment")
    held = " ".join(str(value) for value in rows[0].values())
    assert made.code not in held
    assert made.code.replace("-", "")[4:] not in held


@pytest.mark.parametrize("broken", [{}, {"code": 5}, {"code": "X", "signing": "?", "sealing": "?"}])
async def test_an_enrolment_of_another_form_is_refused(stage: Stage, broken: dict[str, object]) -> None:
    async with stage.client() as http:
        reply = await http.post("/api/enrol", json=broken)
    assert reply.status_code in {400, 403}
    assert reply.json()["next"]["zh"]


async def test_enrolling_again_begins_a_new_incarnation_and_closes_the_old(stage: Stage) -> None:
    hall = await stage.hall()
    fresh = await nodes.new_code(stage.centre, operator("system"), hall.node)
    assert not isinstance(fresh, Refusal)
    async with stage.client() as http:
        given = (await http.post("/api/enrol", json=body(fresh.code))).json()
        trust = (await http.get("/api/trust")).json()
    assert given["origin"].endswith("/i2")
    assert trust["revoked"] == [], "a replaced incarnation's reports stay genuine"


@pytest.mark.parametrize(
    ("name", "region", "kind", "route", "code"),
    [
        ("", "330102", "hall", (), "name"),
        ("甲", "33010", "hall", (), "region"),
        ("甲", "330102", "ship", (), "kind"),
        ("甲", "330102", "bus", (), "route"),
        ("甲", "330102", "bus", ("33x",), "route"),
    ],
)
async def test_a_node_that_cannot_be_is_refused(stage: Stage, name, region, kind, route, code) -> None:
    made = await nodes.create(
        stage.centre, operator("system"), name=name, region=region, kind=kind, route=route
    )
    assert isinstance(made, Refusal)
    assert made.code == code
    assert await stage.rows("SELECT 1 FROM node") == []


async def test_a_second_hall_of_a_county_gets_an_id_of_its_own_and_shares_the_data_scope(
    stage: Stage,
) -> None:
    first, second = await stage.node(), await stage.node(name="东关分厅")
    assert (first.node, second.node) == ("330102", "330102-2")
    scopes = await stage.rows("SELECT scope FROM scope ORDER BY scope")
    assert [row["scope"] for row in scopes] == ["330102-2/staff", "330102/detail", "330102/staff"]
