"""The spine's story practised in Chromium on the device page's twins only, by keyboard alone, with no centre anywhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SIZE
from tests.browser.stage import STREAM_READY, WAIT_MS, Ears, Hands
from tests.story.programs import Program, free_port

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

OWN = "本人公共信用信息查询 · 本人"
PASSWORD = "lianxi-lianxi-lianxi"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`edge serve --training` in an empty folder."""
    folder = tmp_path_factory.mktemp("training")
    port = free_port()
    words = ["edge", "serve", "--training", "--data", str(folder), "--port", str(port)]
    program = Program("training", words, folder / "log")
    program.wait_for(f"http://127.0.0.1:{port}/livez")
    yield f"http://127.0.0.1:{port}"
    program.stop()


@pytest.fixture
def hands(chromium: Browser, address: str) -> Iterator[Hands]:
    """The practising clerk at window 1; nothing outside is asked and nothing complains."""
    context = chromium.new_context(viewport=SIZE)
    ears = Ears(context)
    page = context.new_page()
    hands = Hands(page)
    page.goto(address + "/signin")
    expect(page.locator(".practice")).to_contain_text(PASSWORD)
    hands.write("#f-staff", "lianxi")
    hands.write("#f-password", PASSWORD)
    hands.turn("Enter")
    alive(page)
    yield hands
    context.close()
    ears.judge([])


def alive(page: Page) -> None:
    page.wait_for_function(STREAM_READY, timeout=WAIT_MS)


def play(hands: Hands, act: str) -> None:
    """A hand at a twin, as a key: walk to its button on the device page and press it."""
    alive(hands.page)
    hands.walk_to(f'button[value="{act}"]')
    hands.turn("Enter")
    alive(hands.page)


def test_g36_the_story_is_practised_by_keyboard_alone_on_twins(hands: Hands):
    hands.go("/devices")
    hands.sees("7 台，7 台正常", "#devices")
    play(hands, "lay:0")
    hands.sees("放着：赵练习", "#devices")
    hands.go("/")
    hands.sees("赵练习", "#identity")
    choice = hands.page.locator(".choice", has=hands.page.locator("b", has_text=OWN)).first
    hands.turn(choice.get_attribute("data-key", timeout=WAIT_MS) or "")
    hands.walk_to('[id="f-paper:resident-id:copy"]')
    hands.press("Space")
    hands.turn("F8")
    expect(hands.page.locator("dl.answers")).to_be_visible(timeout=WAIT_MS)
    hands.turn("Enter")
    alive(hands.page)
    hands.sees("纸张出来了吗？", "#delivery")
    hands.press("F8")
    hands.sees("已签收，交付报告", "#delivery")
    hands.press("F8")
    hands.sees("已交付", "#delivery")
    expect(hands.page.locator(".practice")).to_contain_text("TRAINING")
    hands.walk_to('#now header a[href^="/cases/"]')
    hands.turn("Enter")
    hands.turn("F9")
    hands.sees("第 1 张", "#photos")
    hands.go("/devices")
    hands.sees("★ 练习 TRAINING", "#devices")
    hands.sees("报告打印机共出纸 1 张", "#devices")


def test_a_device_is_tested_by_one_key_and_a_pulled_plug_shows_the_way_round(hands: Hands, tmp_path: Path):
    hands.go("/devices")
    alive(hands.page)
    hands.turn("2")
    hands.sees("打印机确认已打出测试页", "#devices")
    hands.turn("6")
    hands.sees("显示屏已确认", "#devices")
    play(hands, "paper")
    hands.turn("7")
    hands.sees("已拍一张", "#devices")
    expect(hands.page.locator("img.shot")).to_have_js_property("naturalWidth", 640, timeout=WAIT_MS)
    hands.walk_to('input[name="device"][value="练习阅读机"] ~ p button[value="unplug"]')
    hands.turn("Enter")
    hands.sees("没有找到设备", "#devices")
    hands.sees("手工录入姓名和号码", "#devices")
    hands.sees(re.compile("练习阅读机"), "#strip")
    hands.walk_to('input[name="device"][value="练习阅读机"] ~ p button[value="plug"]')
    hands.turn("Enter")
    hands.sees("7 台，7 台正常", "#devices")
