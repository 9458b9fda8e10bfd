"""Information open by law: a registered user's search, without card, letter or consent (Art 22, 23; F049)."""

import msgspec
import pytest

from edge.actions.answer import answer
from edge.actions.node import Node, Session
from edge.actions.views import Answer, Query
from matters.model import Party, Refusal
from tests.contract.edge.small_centre import SmallCentre, number_of
from tests.contract.edge.test_answers import entries
from tests.contract.edge.test_api import Client, client, sign_in

__all__ = ["client"]
SEARCH = Query(
    matter="public-credit.open", subject=Party(number=number_of(0)), account="limin_2024", delivery="screen"
)


@pytest.mark.parametrize("line", ["online", "cached"])
async def test_f049_a_registered_user_sees_what_is_open_by_law_and_nothing_else_of_the_person(
    node: Node, clerk: Session, centre: SmallCentre, line: str
) -> None:
    centre.down = line == "cached"
    given = await answer(node, clerk, SEARCH)
    assert isinstance(given, Answer), given
    assert (given.mode, given.report) == (line, None)
    assert {group.category for group in given.groups} == {"licence", "penalty", "honour", "registration"}
    assert (given.subject.sex, given.subject.birth, given.subject.address) == ("", None, "")
    access, detail = next((entry, said) for entry, said in await entries(node) if entry.kind == 10)
    assert (access.basis, access.purpose, access.relationship) == ("OPEN", "open", "natural-natural")
    assert detail["requester_number"] == "limin_2024", "who asked is the account"


async def test_f049_without_account_and_conditions_both_are_told_at_once(node: Node, clerk: Session) -> None:
    no = await answer(node, clerk, Query(matter="public-credit.open"))
    assert isinstance(no, Refusal)
    assert no.code == "account-missing"
    assert [words.zh for words in no.missing] == ["平台注册用户", "查询条件（名称或号码）"]
    assert "第二十三条" in no.rule


async def test_a_name_alone_is_refused_in_words_and_not_as_a_number_of_no_digits(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    no = await answer(node, clerk, msgspec.structs.replace(SEARCH, subject=Party(name="恒达")))
    assert isinstance(no, Refusal)
    assert no.code == "number-needed"
    assert "信用网站" in no.next.zh
    assert not centre.disclosed


async def test_an_open_search_with_a_wrong_check_digit_finds_nobody_and_says_so(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    wrong = Party(number="330102199001010074")
    no = await answer(node, clerk, msgspec.structs.replace(SEARCH, subject=wrong))
    assert isinstance(no, Refusal)
    assert no.code == "id-check-digit"
    assert not centre.disclosed


async def test_the_api_takes_the_account_of_an_open_search(client: Client, centre: SmallCentre) -> None:
    headers = await sign_in(client)
    body = {"matter": "public-credit.open", "subject": {"number": number_of(0)}, "account": "limin_2024"}
    reply = await client.post("/api/answers", json=body, headers=headers)
    assert reply.status_code == 200, reply.text
    assert reply.json()["report"] is None
    assert centre.disclosed[0]["basis"] == "OPEN"


async def test_f049_the_window_serves_an_open_search_from_choice_to_answer(client: Client) -> None:
    token = (await sign_in(client))["X-CSRF-Token"]
    offered = await client.get("/")
    assert "public-credit.open:legal-natural" in offered.text
    choice = {"csrf": token, "choice": "public-credit.open:natural-natural"}
    assert (await client.post("/serve/choose", data=choice)).status_code == 303
    assert "平台账号" in (await client.get("/")).text
    form = {"csrf": token, "account": "limin_2024", "subject_number": number_of(0)}
    await client.post("/serve/papers", data=form)
    check = (await client.get("/")).text
    assert "limin_2024" in check
    nonce = check.split('name="nonce" value="')[1].split('"')[0]
    await client.post("/serve/ask", data={"csrf": token, "nonce": nonce})
    page = (await client.get("/")).text
    assert "中心在线应答。" in page
    assert "报告为" not in page
