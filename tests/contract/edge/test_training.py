"""Training: a clerk practises the whole story on the twins, and nothing of it can be taken for real or reach it."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest

from edge.actions import clockwork, courier, exchange, press, training
from edge.actions.node import Node, close_node, open_node
from edge.actions.printing import jobs
from edge.actions.reads import DeskOfNode
from edge.errors import NotThere, Refused
from edge.hall import twins
from edge.hall.hall import Hall
from edge.settings import Settings
from matters.calendar import china_day
from matters.ids import ResidentNumber, resident_number
from tests.contract.edge.conftest import START_MS, ToldTime
from tests.contract.edge.test_answers import count, entries
from tests.contract.edge.test_api import over
from tests.contract.edge.test_devices import comes
from tests.simulation.hall import PlainTypesetter

REAL = Settings(centre="http://centre.test", hall="清河县市民之家", region="330102")


@contextlib.asynccontextmanager
async def practising(data: Path, told: ToldTime) -> AsyncIterator[Node]:
    """The training node of a hall as its program runs it: filled, twins on, hall supervised."""
    settings = training.settings_for(REAL)
    folder = await training.prepare(data, settings, clock=told.clock())
    node = await open_node(folder, settings, clock=told.clock())
    try:
        async with training.practising(node):
            await clockwork.boot(node)
            node.typesetter = PlainTypesetter()
            node.hall = hall = Hall(node.devices, DeskOfNode(node))
            async with asyncio.TaskGroup() as group:
                running = group.create_task(hall.run())
                await comes(lambda: all(one.state == "ok" for one in hall.status()), node)
                yield node
                running.cancel()
    finally:
        await close_node(node)


async def sign_in(browser: httpx.AsyncClient, staff: str = "lianxi") -> None:
    form = {"staff": staff, "password": training.PASSWORD, "window": "1"}
    reply = await browser.post("/signin", data=form)
    assert reply.status_code == 303, reply.text


async def post(browser: httpx.AsyncClient, path: str, **form: str) -> httpx.Response:
    page = await browser.get("/devices")
    mark = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert mark is not None
    return await browser.post(path, data={"csrf": mark[1], **form})


async def test_g36_a_clerk_does_the_spines_story_on_the_device_pages_twins_only(
    tmp_path: Path, told: ToldTime
) -> None:
    async with practising(tmp_path, told) as node, over(node) as browser:
        await sign_in(browser)
        assert (await post(browser, "/devices/hand", device=twins.READER, act="lay:0")).status_code == 303
        await comes(lambda: node.reads, node)
        await post(browser, "/serve/choose", choice="public-credit.self:self-natural")
        await post(browser, "/serve/papers", **{"paper:resident-id:copy": "yes", "delivery": "print"})
        check = await browser.get("/")
        nonce = re.search(r'name="nonce" value="([^"]+)"', check.text)
        assert nonce is not None, check.text[-2000:]
        assert (await post(browser, "/serve/ask", nonce=nonce[1])).status_code == 303
        answer = await browser.get("/")
        assert "赵练习" in answer.text
        assert "练习 TRAINING".replace("练习 ", "") in answer.text
        for _ in range(40):
            await press.round_once(node)
            (report,) = [job for job in await jobs(node) if job.kind == "report"]
            (slip,) = [job for job in await jobs(node) if job.kind == "slip"]
            if report.state == slip.state == "device-confirmed":
                break
            await comes(lambda: True, node)
        assert (report.state, slip.state) == ("device-confirmed", "device-confirmed")
        await post(browser, f"/prints/{report.id}/confirm", outcome="good", back="serve")
        await post(browser, "/prints/handover", serial=report.serial, back="serve")
        (report,) = [job for job in await jobs(node) if job.kind == "report"]
        assert report.state == "handed-over"
        seen = training.look(node)
        assert seen is not None
        assert any("练习" in line for line in seen.slip)
        assert seen.sheets == 1
        kinds = [entry.kind for entry, _ in await entries(node)]
        assert {5, 10, 20, 21, 24, 26, 30} <= set(kinds)


async def test_g36_every_screen_of_a_training_node_says_so_and_the_door_says_how_to_get_in(
    tmp_path: Path, told: ToldTime
) -> None:
    async with practising(tmp_path, told) as node, over(node) as browser:
        door = await browser.get("/signin")
        assert training.PASSWORD in door.text
        await sign_in(browser, "zhuguan")
        for path in (
            "/",
            "/cases",
            "/tasks",
            "/prints",
            "/day",
            "/line",
            "/devices",
            "/own-trail",
            "/help",
            "/patterns",
            "/prints/x/report.pdf",
        ):
            page = await browser.get(path)
            assert 'class="practice"' in page.text, path
            assert "TRAINING" in page.text, path


async def test_g36_a_real_nodes_pages_do_not_speak_of_training_and_have_no_twins(node: Node) -> None:
    async with over(node) as browser:
        assert "TRAINING" not in (await browser.get("/signin")).text
    assert not node.training
    assert training.look(node) is None
    with pytest.raises(NotThere):
        await training.play(node, training_session(), twins.READER, "lay:0")


def training_session():
    from edge.security.session import Session

    return Session(
        id="x", staff="x", name="x", role="clerk", permits=(), window="1", csrf="x", opened_ms=START_MS
    )


async def test_g36_a_training_node_shares_no_key_file_serial_or_entry_with_the_real_one(
    node: Node, tmp_path: Path, told: ToldTime
) -> None:
    before = await count(node, "entry")
    async with practising(node.data, told) as practice:
        assert practice.data == node.data / "training"
        ours, theirs = node.identity, practice.identity
        assert ours.signing.public != theirs.signing.public
        assert ours.salt_key != theirs.salt_key
        assert ours.subject_key != theirs.subject_key
        assert ours.centre.signing != theirs.centre.signing
        assert not practice.uplink.url
        real_key = (node.data / "keys" / "machine.key").read_bytes()
        assert real_key != (practice.data / "keys" / "machine.key").read_bytes()
        assert {device.name for device in practice.devices} == {
            twins.READER,
            twins.SLIPS,
            twins.SHEETS,
            twins.PADS,
            twins.SCANNER,
            twins.SCREEN,
            twins.CAMERA,
        }
    assert await count(node, "entry") == before


async def test_g36_nothing_of_training_goes_to_a_centre_or_comes_from_one_whatever_the_settings_say(
    tmp_path: Path, told: ToldTime
) -> None:
    folder = await training.prepare(tmp_path, training.settings_for(REAL), clock=told.clock())
    wrong = await open_node(folder, REAL, clock=told.clock())
    try:
        assert wrong.training
        assert not wrong.uplink.url, "the identity decides, not the settings"
        with pytest.raises(Refused):
            await exchange.exchange(wrong)
        with pytest.raises(Refused):
            await courier.export(wrong, tmp_path / "stick")
        with pytest.raises(Refused):
            await courier.import_files(wrong, [])
        assert not (tmp_path / "stick").exists()
    finally:
        await close_node(wrong)


async def test_g36_practising_goes_on_where_it_was_and_its_data_are_never_stale(
    tmp_path: Path, told: ToldTime
) -> None:
    async with practising(tmp_path, told) as first:
        key, size = first.identity.signing.public, await count(first, "entry")
    told.pass_ms(400 * 24 * 3_600_000)
    async with practising(tmp_path, told) as again:
        assert again.identity.signing.public == key
        assert await count(again, "entry") > size
        async with over(again) as browser:
            status = (await browser.get("/api/status")).json()
        assert status["training"] is True
        assert not status["stopped"]
        assert {lease["state"] for lease in status["lease"]} == {"green"}


def test_invented_people_have_valid_numbers_of_a_county_that_does_not_exist() -> None:
    for one in training.crowd("330102", START_MS):
        number = resident_number(one.subject.number, china_day(START_MS))
        assert isinstance(number, ResidentNumber)
        assert number.region == "330199"
        assert "练习" in one.subject.name
    assert len({card.number for card in training.cards("330102")}) == 5
    assert msgspec.json.encode(training.crowd("330102", 0)) == msgspec.json.encode(
        training.crowd("330102", 0)
    )
