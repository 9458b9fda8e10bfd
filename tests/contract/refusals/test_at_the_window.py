"""Bad input at the node's door for programs: it is named with what to do now, recorded where it is an access, and nothing else changes."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import httpx
import pytest

from edge.actions.node import Node
from tests.contract.edge.conftest import lay
from tests.contract.edge.small_centre import SmallCentre, number_of
from tests.contract.edge.test_api import over, sign_in
from tests.contract.refusals.untouched import ledger_of, work_of

Body = dict[str, Any]
Make = Callable[[Node, SmallCentre], Awaitable[Body]]
WRONG_DIGIT = number_of(0)[:-1] + ("0" if number_of(0)[-1] != "0" else "1")
PERSON = {"kind": "natural", "name": "某人", "document": "resident-id", "number": number_of(0)}


async def wrong_check_digit(node: Node, centre: SmallCentre) -> Body:
    """A whole letter of somebody whose typed number cannot be one."""
    read = await lay(node, centre, 1)
    giver = PERSON | {"number": WRONG_DIGIT, "phone": "1"}
    taker = PERSON | {"number": read.number, "name": read.name, "phone": "1", "employer": "某公司"}
    letter: Body = {"authoriser": giver, "authorised": taker, "matter": "查询公共信用信息", "scope": "全部"}
    letter |= {"valid_from": "2026-01-01", "valid_to": "2027-01-01", "purpose": "贷款"}
    letter |= {"signature": True, "original": True}
    papers = [
        {"kind": kind, "original": True, "copy": True} for kind in ("resident-id", "letter", "agent-id")
    ]
    parties = {"subject": giver, "requester": taker, "presence": {"read_id": read.read_id}}
    own = {"matter": "public-credit.authorised", "undertaking": True, "purpose": "贷款审批用"}
    return own | parties | {"letter": letter, "materials": papers}


async def card_with_a_wrong_check_digit(node: Node, centre: SmallCentre) -> Body:
    read = await lay(node, centre, number=WRONG_DIGIT)
    return {"matter": "public-credit.self", "presence": {"read_id": read.read_id}}


async def expired_card(node: Node, centre: SmallCentre) -> Body:
    read = await lay(node, centre, valid_to=date(2024, 1, 1))
    return {"matter": "public-credit.self", "presence": {"read_id": read.read_id}}


async def card_of_another_type(node: Node, centre: SmallCentre) -> Body:
    read = await lay(node, centre, record="Y")
    return {"matter": "credit-bureau.self", "presence": {"read_id": read.read_id}}


async def card_not_valid_yet(node: Node, centre: SmallCentre) -> Body:
    read = await lay(node, centre, valid_from=date(2031, 1, 1))
    return {"matter": "public-credit.self", "presence": {"read_id": read.read_id}}


async def card_nobody_read(node: Node, centre: SmallCentre) -> Body:
    return {"matter": "public-credit.self", "presence": {"read_id": "never-read"}}


async def matter_nobody_knows(node: Node, centre: SmallCentre) -> Body:
    read = await lay(node, centre)
    return {"matter": "horoscope.self", "presence": {"read_id": read.read_id}}


async def field_nobody_knows(node: Node, centre: SmallCentre) -> Body:
    return {"matter": "public-credit.self", "colour": number_of(1)}


async def letter_with_an_impossible_day(node: Node, centre: SmallCentre) -> Body:
    letter = {"valid_to": "2026-02-30"}
    return {"matter": "public-credit.authorised", "subject": PERSON, "requester": PERSON, "letter": letter}


CASES: tuple[tuple[Make, int, str, str], ...] = (
    (wrong_check_digit, 403, "id-check-digit", "校验"),
    (card_with_a_wrong_check_digit, 403, "id-check-digit", "校验"),
    (expired_card, 403, "card-expired", "过期"),
    (card_of_another_type, 403, "card-type", "证"),
    (card_not_valid_yet, 403, "card-not-yet-valid", "2031-01-01"),
    (card_nobody_read, 403, "", "身份证"),
    (matter_nobody_knows, 403, "", "事项"),
    (field_nobody_knows, 400, "malformed", "colour"),
    (letter_with_an_impossible_day, 400, "malformed", ""),
)


@pytest.mark.parametrize(("make", "status", "code", "named"), CASES, ids=[case[0].__name__ for case in CASES])
async def test_a_bad_question_is_refused_by_name_and_leaves_the_work_as_it_was(
    node: Node, centre: SmallCentre, make: Make, status: int, code: str, named: str
) -> None:
    async with over(node) as client:
        headers = await sign_in(client)
        body = await make(node, centre)
        before, entries, disclosed = await work_of(node), await ledger_of(node), len(centre.disclosed)
        reply = await client.post("/api/answers", json=body, headers=headers)
        said = reply.json()
    assert reply.status_code == status, reply.text
    assert not code or said["code"] == code
    assert named in reply.text
    assert said["next"]["zh"]
    assert said["next"]["en"]
    assert await work_of(node) == before
    assert len(centre.disclosed) == disclosed, "a refused question never reaches the centre"
    assert await ledger_of(node) - entries == int(status == 403), (
        "a refused access is one entry, a misspelt body none"
    )


@pytest.mark.parametrize("read_record", ["J", "I", "Y"])
async def test_a_card_of_another_type_is_shown_as_not_usable_before_anything_is_asked(
    node: Node, centre: SmallCentre, read_record: str
) -> None:
    if read_record in node.site.cards:
        pytest.skip("this site takes that card")
    before = await work_of(node)
    read = await lay(node, centre, record=read_record)
    assert read.refusal is not None
    assert read.refusal.code == "card-type"
    assert read.refusal.next.zh
    assert await work_of(node) == before


async def test_a_page_form_with_a_wrong_check_digit_is_sent_back_with_the_field_named(
    node: Node, centre: SmallCentre
) -> None:
    async with over(node) as client:
        headers = await sign_in(client)
        mark = {"csrf": headers["X-CSRF-Token"]}
        await lay(node, centre)
        await client.post("/serve/choose", data=mark | {"choice": "public-credit.authorised:natural-natural"})
        before, entries = await work_of(node), await ledger_of(node)
        typed = mark | {"subject_name": "某人", "subject_number": WRONG_DIGIT, "purpose": "核查"}
        sent = await client.post("/serve/papers", data=typed)
        assert sent.status_code == 303
        page = await client.get("/")
    assert "校验" in page.text
    assert WRONG_DIGIT in page.text, "what was typed stays in its field"
    assert await work_of(node) == before
    assert await ledger_of(node) == entries


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/prints/none", 404, "not-there"),
        ("/api/tasks/none", 404, "not-there"),
        ("/api/reports/none/hand-over", 404, "not-there"),
        ("/api/reports/none/reprint", 404, "not-there"),
    ],
)
async def test_a_thing_that_is_not_there_is_said_to_be_not_there(
    node: Node, path: str, status: int, code: str
) -> None:
    async with over(node) as client:
        headers = await sign_in(client)
        before, entries = await work_of(node), await ledger_of(node)
        body = {"outcome": "good"} if "prints" in path else {"reason": "坏页"} if "reprint" in path else {}
        reply = await client.post(path, json=body, headers=headers)
    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.text
    assert await work_of(node) == before
    assert await ledger_of(node) == entries


async def test_a_body_larger_than_a_megabyte_is_refused_unread(node: Node) -> None:
    async with over(node) as client:
        headers = await sign_in(client)
        before = await work_of(node)
        reply = await client.post(
            "/api/answers", content=b'{"matter":"' + b"x" * (1 << 20) + b'"}', headers=headers
        )
    assert reply.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
    assert reply.json()["next"]["zh"]
    assert await work_of(node) == before
