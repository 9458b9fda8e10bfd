"""Chip cards on the real page: laid in a reader of a real pcscd, they fill the form, by keyboard alone."""

from collections.abc import Iterator

import msgspec
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chip_slots import SLOTS, Slots, slots
from tests.browser.conftest import SIZE
from tests.browser.stage import OWN, WAIT_MS, Ears, Stage, Window, personal, stage
from tests.unit.drivers.samples import SOCIAL

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

ORGANISATION = {"code": "91110000600037341L", "name": "某某（北京）有限公司"}
PIN = "123456"
READERS = "".join(
    f'\n[[devices]]\nname = "{name}"\nkind = "{kind}"\naddress = "{address}"\nwindow = "1"\n'
    for name, kind, address in (
        ("社保卡读卡器", "social_card", SLOTS[0]),
        ("单位卡读卡器", "organisation_card", SLOTS[1]),
    )
)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slots]:
    with slots(tmp_path_factory.mktemp("slots")) as made:
        yield made


@pytest.fixture(scope="module")
def hall(daemon: Slots, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    assert daemon
    with stage(tmp_path_factory.mktemp("chips") / "world", more=READERS) as made:
        yield made


@pytest.fixture
def desk(chromium: Browser, hall: Stage) -> Iterator[Window]:
    """The clerk at window 1; nothing outside is asked, nothing complains, nobody's name is in an address."""
    context = chromium.new_context(viewport=SIZE)
    ears = Ears(context)
    window = Window(context.new_page(), hall)
    window.sign_in()
    yield window
    context.close()
    ears.judge(personal(hall.citizens[:10]))


@pytest.mark.parametrize("generation", [1, 3])
def test_g17_a_social_card_fills_the_form_and_the_identity_card_still_proves_who_is_there(
    desk: Window, hall: Stage, daemon: Slots, generation: int
):
    citizen = hall.citizen()
    held = {"name": citizen["name"], "number": citizen["number"], "birth": citizen["birth"]}
    card = msgspec.to_builtins(SOCIAL) | held | {"generation": generation}
    slot = daemon.card("social_card", 0)
    assert slot.ask(do="write", card=card)["ok"]
    desk.choose(OWN)
    desk.alive()
    assert slot.ask(do="lay")["ok"]
    if generation == 3:
        desk.sees("第三代社保卡须持卡人本人输入密码", "#identity")
        desk.write("#f-pin", PIN[:3])
        desk.refetch("#identity")
        expect(desk.page.locator("#f-pin")).to_be_focused()
        desk.page.keyboard.type(PIN[3:])
        expect(desk.page.locator("#f-pin")).to_have_value(PIN)
        desk.turn("Enter")
    expect(desk.page.locator("#f-subject_name")).to_have_value(citizen["name"], timeout=WAIT_MS)
    expect(desk.page.locator("#f-subject_number")).to_have_value(citizen["number"])
    desk.sees("仍须读居民身份证", "#identity")
    asked = hall.entries(10)
    desk.lay(citizen)
    desk.fill_papers()
    desk.ask()
    desk.sees(citizen["name"])
    assert hall.entries(10) == asked + 1
    assert slot.ask(do="lift")["ok"]
    desk.next_person()
    assert citizen["name"] not in desk.page.locator("#identity").inner_text()


def test_g17_an_organisations_card_fills_code_and_name_and_ticks_the_carrier(
    desk: Window, hall: Stage, daemon: Slots
):
    slot = daemon.card("organisation_card", 1)
    assert slot.ask(do="write", **ORGANISATION)["ok"]
    desk.choose("本人公共信用信息查询 · 法人")
    desk.alive()
    expect(desk.page.locator('[id="f-paper:organisation-carrier:shown"]')).to_be_visible(timeout=WAIT_MS)
    assert slot.ask(do="lay")["ok"]
    expect(desk.page.locator("#f-subject_number")).to_have_value(ORGANISATION["code"], timeout=WAIT_MS)
    expect(desk.page.locator("#f-subject_name")).to_have_value(ORGANISATION["name"])
    expect(desk.page.locator("#by-card-organisation-carrier .tag")).to_have_text("●读卡", timeout=WAIT_MS)
    desk.sees("计作出示载体", "#identity")
    slot.ask(do="lift")
