"""谁查过我 at the window: a phone for the promise, and the centre's words in the page's language."""

from edge.actions.cases import tasks
from edge.actions.node import Node
from tests.contract.edge.conftest import ToldTime, lay
from tests.contract.edge.small_centre import SmallCentre
from tests.contract.edge.test_api import Client, client, sign_in
from ui import look

__all__ = ["client"]
YEAR_MS = 366 * 86_400_000


async def test_f071_a_list_that_must_wait_for_the_line_takes_the_phone_it_promises_to_call(
    client: Client, node: Node, centre: SmallCentre
) -> None:
    headers = await sign_in(client)
    read = await lay(node, centre)
    centre.down = True
    body = {"read_id": read.read_id, "phone": "0571 8888 6666"}
    reply = await client.post("/api/own-trail", json=body, headers=headers)
    assert reply.status_code == 202, reply.text
    (task,) = await tasks(node)
    assert (task.case, task.phone) == (reply.json()["case"], "0571 8888 6666")


async def test_the_page_asks_for_the_phone_keeps_it_and_shows_it_with_the_promise(
    client: Client, node: Node, centre: SmallCentre
) -> None:
    token = (await sign_in(client))["X-CSRF-Token"]
    read = await lay(node, centre)
    centre.down = True
    asking = (await client.get("/own-trail")).text
    assert 'name="phone"' in asking
    assert 'form="own-form"' in asking, "a card laid later swaps the form and leaves what was typed"
    form = {"csrf": token, "read_id": read.read_id, "phone": "call me"}
    await client.post("/own-trail", data=form)
    wrong = (await client.get("/own-trail")).text
    assert "电话号码只能有数字" in wrong
    assert 'value="call me"' in wrong
    assert await tasks(node) == (), "nothing was asked yet"
    await client.post("/own-trail", data=form | {"phone": "138 0000 4412"})
    promised = (await client.get("/own-trail")).text
    assert "138 0000 4412" in promised
    assert [task.phone for task in await tasks(node)] == ["138 0000 4412"]


async def test_a_promise_without_a_phone_says_that_nobody_will_be_called(
    client: Client, node: Node, centre: SmallCentre
) -> None:
    token = (await sign_in(client))["X-CSRF-Token"]
    read = await lay(node, centre)
    centre.down = True
    await client.post("/own-trail", data={"csrf": token, "read_id": read.read_id})
    assert "没有留电话：请申请人凭回执单来取" in (await client.get("/own-trail")).text


async def test_g37_the_english_list_has_the_centres_english_words(
    client: Client, node: Node, centre: SmallCentre
) -> None:
    token = (await sign_in(client))["X-CSRF-Token"]
    read = await lay(node, centre)
    await client.post("/own-trail", data={"csrf": token, "read_id": read.read_id})
    english = (await client.get("/own-trail?lang=en")).text
    assert "Own public-credit query" in english
    assert "answered" in english
    assert "own list of accesses" in english
    assert "本人公共信用信息查询" not in english
    chinese = (await client.get("/own-trail?lang=zh")).text
    assert "本人公共信用信息查询" in chinese
    assert "已应答" in chinese
    assert "本人查看查询记录" in chinese


async def test_a_time_of_a_clock_years_ahead_is_not_shown_as_if_it_were_one(
    client: Client, node: Node, centre: SmallCentre, told: ToldTime
) -> None:
    now_ms = told.wall
    centre.seen |= {"occurred_ms": now_ms + 11 * YEAR_MS, "arrived_ms": now_ms, "clock": 2}
    token = (await sign_in(client))["X-CSRF-Token"]
    read = await lay(node, centre)
    await client.post("/own-trail", data={"csrf": token, "read_id": read.read_id})
    heard = look.clock(now_ms, now_ms, seconds=True)
    assert f"时钟不可信，中心 {heard} 收到" in (await client.get("/own-trail")).text
    assert "时钟不可信" not in (await client.get("/parts/ledger")).text
    told.wall += 11 * YEAR_MS
    assert node.store.clock.jump_ms()
    await sign_in(client)
    assert "时钟不可信" in (await client.get("/parts/ledger")).text
