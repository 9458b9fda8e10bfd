"""Chip cards at the window: what they fill into the form, what they never stand for, and whose PIN is whose."""

import re

import httpx
import msgspec
import pytest

from drivers.chips import CarrierCard
from drivers.errors import PinNeeded
from edge.actions import chips
from edge.actions.node import Node, Session
from edge.errors import NotThere
from edge.settings import DeviceSetting
from tests.contract.edge.conftest import signed_in
from tests.contract.edge.small_centre import PASSWORD, SmallCentre
from tests.contract.edge.test_answers import entries
from tests.contract.edge.test_api import over
from tests.unit.drivers.samples import ORGANISATION, SOCIAL

SLOT = DeviceSetting(name="社保卡 1", kind="social_card", address="pcsc:*", window="1")
CARRIER_SLOT = DeviceSetting(name="单位卡", kind="organisation_card", address="pcsc:*")


async def enter(browser: httpx.AsyncClient) -> None:
    form = {"staff": "li.min", "password": PASSWORD, "window": "1"}
    assert (await browser.post("/signin", data=form)).status_code == 303


async def post(browser: httpx.AsyncClient, path: str, **form: str) -> httpx.Response:
    page = await browser.get("/")
    mark = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert mark is not None
    return await browser.post(path, data={"csrf": mark[1], **form})


def typed(page: str, field: str) -> str:
    found = re.search(rf'name="{field}" type="\w+" value="([^"]*)"', page)
    assert found is not None, field
    return found[1]


@pytest.mark.parametrize("generation", [1, 2, 3])
async def test_g17_a_social_card_fills_name_and_number_and_proves_nobody(
    node: Node, clerk: Session, generation: int
) -> None:
    card = msgspec.structs.replace(SOCIAL, generation=generation)
    await chips.laid(node, SLOT, card)
    (read,) = chips.here(node, clerk.window)
    assert (read.name, read.number) == (SOCIAL.name, SOCIAL.number)
    assert "仍须读居民身份证" in read.words.zh
    assert not node.reads, "it is no read that a query may name as presence"
    newest = (await entries(node))[-1][0]
    assert (newest.kind, newest.presence) == (5, "card/social")
    async with over(node) as browser:
        await enter(browser)
        await post(browser, "/serve/choose", choice="public-credit.self:self-natural")
        page = (await browser.get("/")).text
        assert typed(page, "subject_name") == SOCIAL.name
        assert typed(page, "subject_number") == SOCIAL.number
        await post(browser, "/serve/papers", subject_name="改过", subject_number=SOCIAL.number)
        page = (await browser.get("/?step=papers")).text
        assert typed(page, "subject_name") == "改过", "what the clerk typed stays"
        await post(browser, "/serve/finish")
        await post(browser, "/serve/choose", choice="public-credit.self:self-natural")
        assert typed((await browser.get("/")).text, "subject_number") == "", "the next person is another"


async def test_f033_an_organisations_card_fills_the_unified_code_and_counts_as_the_carrier(
    node: Node,
) -> None:
    await chips.laid(node, CARRIER_SLOT, ORGANISATION)
    async with over(node) as browser:
        await enter(browser)
        await post(browser, "/serve/choose", choice="public-credit.self:self-legal")
        page = (await browser.get("/")).text
        assert typed(page, "subject_number") == ORGANISATION.code
        assert typed(page, "subject_name") == ORGANISATION.name
        carrier = re.search(r'id="by-card-organisation-carrier">(.*?)</div>', page, re.DOTALL)
        assert carrier is not None
        assert "读卡" in carrier[1]
        await post(browser, "/serve/papers", subject_name="别家", subject_number="91310000MA1FL1LQ4L")
        page = (await browser.get("/?step=papers")).text
        assert 'id="f-paper:organisation-carrier:shown"' in page, "another number is not on the card"


async def test_an_old_code_a_wrong_check_character_and_an_expired_card_fill_no_number(
    node: Node, clerk: Session
) -> None:
    await chips.laid(node, CARRIER_SLOT, CarrierCard(code="123456788", name="老单位"))
    (old,) = chips.here(node, clerk.window)
    assert (old.name, old.number) == ("老单位", "")
    assert "已停用" in old.words.zh
    await chips.laid(node, CARRIER_SLOT, CarrierCard(code="91310000MA1FL1LQ4M", name="错号"))
    (wrong,) = chips.here(node, clerk.window)
    assert (wrong.name, wrong.number) == ("", "")
    before = len(await entries(node))
    late = msgspec.structs.replace(SOCIAL, expires=SOCIAL.issued)
    await chips.laid(node, SLOT, late)
    expired = chips.here(node, clerk.window)[-1]
    assert (expired.name, expired.number) == ("", "")
    assert "过有效期" in expired.words.zh
    assert len(await entries(node)) == before, "nothing was taken, so nothing was read"


async def test_a_card_that_wants_its_pin_asks_its_holder_on_the_page_and_only_at_its_window(
    node: Node, centre: SmallCentre
) -> None:
    assert centre.people
    node.devices = (SLOT,)
    await chips.laid(node, SLOT, PinNeeded("a card of generation 3"))
    other = await signed_in(node, "wu.yue", "2")
    assert chips.here(node, other.window) == ()
    with pytest.raises(NotThere):
        await chips.open_with_pin(node, other, SLOT.name, "123456")
    async with over(node) as browser:
        await enter(browser)
        page = (await browser.get("/")).text
        assert "社保卡密码（持卡人输入）" in page
        assert 'type="password"' in page


async def test_a_chip_card_is_forgotten_after_some_minutes_and_says_nothing_of_its_holder_to_a_log(
    node: Node, clerk: Session, told: object
) -> None:
    await chips.laid(node, SLOT, SOCIAL)
    (read,) = chips.here(node, clerk.window)
    assert repr(read) == "ChipRead(kind='social_card')"
    told.pass_ms(node.settings.read_keep_s * 1000 + 1)  # type: ignore[attr-defined]  # the fixture's clock
    assert chips.here(node, clerk.window) == ()
