"""The console in a real browser: nothing is refused by the policy, nothing overflows, keys do what they say."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Response

from tests.unit.central_pages import gallery, samples

pytestmark = pytest.mark.browser

# Width and height in CSS pixels: the console's screen, the same at 200 % zoom.
SCREENS = {"1366x768": (1366, 768), "zoom-200": (683, 384)}
CONTRAST_MIN = 4.5

CONTRAST = """
() => {
  const light = (rgb) => {
    const part = rgb.map((c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
  };
  const read = (text) => text.match(/[\\d.]+/g).map(Number);
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const colour = read(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const one of document.querySelectorAll("main *, .bar *, .strip *")) {
    const own = [...one.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !one.getClientRects().length || one.closest(".hush, svg, .cell, i, .bar nav, .bar .acts")) continue;
    const ink = read(getComputedStyle(one).color), under = ground(one);
    const [a, b] = [light(ink), light(under)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < LIMIT) found.push(`${one.textContent.trim().slice(0, 30)} ${ratio.toFixed(2)}`);
  }
  return found;
}
""".replace("LIMIT", str(CONTRAST_MIN))


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    return chromium


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with gallery.serving() as base:
        yield base


class Watched:
    """A page that remembers every complaint of the browser."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self.hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("response", self.see)

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def see(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status} {response.url}")


@pytest.fixture
def watched(browser: Browser, screen: str) -> Iterator[Watched]:
    width, height = SCREENS[screen]
    context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
    yield Watched(context.new_page())
    context.close()


@pytest.mark.parametrize(("screen", "lang"), [("1366x768", "zh"), ("1366x768", "en"), ("zoom-200", "zh")])
def test_every_page_fits_its_screen_and_breaks_no_policy(
    watched: Watched, address: str, screen: str, lang: str
):
    for name, *_ in samples.PAGES:
        watched.page.goto(f"{address}/{name}?lang={lang}")
        wide, seen = watched.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= seen, f"{name} is {wide} px wide on {screen}"
        keep_picture(watched.page, f"console-{name}-{lang}-{seen}.png")
    assert watched.complaints == []


def keep_picture(page: Page, name: str) -> None:
    """A picture for people, where the run says that it wants pictures."""
    folder = os.environ.get("YIZHAN_PICTURES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}", full_page=True)


def test_every_text_stands_out_from_its_ground(browser: Browser, address: str):
    page = browser.new_page()
    faint = {}
    for name, *_ in samples.PAGES:
        page.goto(f"{address}/{name}")
        if found := page.evaluate(CONTRAST):
            faint[name] = found
    assert faint == {}
    page.close()


def test_slash_goes_to_the_search_and_letters_walk_the_rows(browser: Browser, address: str):
    page = browser.new_page()
    page.goto(f"{address}/trail")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "f-typed"
    page.keyboard.type("jk")
    assert page.input_value("#f-typed") == "jk"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "/trail/sVd81?row=1#proof"
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "/trail/sVd81?row=0#proof"
    page.close()


def test_enter_opens_the_row_in_focus(browser: Browser, address: str):
    page = browser.new_page()
    page.goto(f"{address}/fleet")
    page.keyboard.press("j")
    with page.expect_navigation() as moved:
        page.keyboard.press("Enter")
    assert moved.value.request.url.endswith("/nodes/bus-07")
    page.close()


def test_enter_on_a_row_opens_it_even_beside_a_search_button(browser: Browser, address: str):
    page = browser.new_page()
    page.goto(f"{address}/trail")
    page.keyboard.press("j")
    with page.expect_navigation() as moved:
        page.keyboard.press("Enter")
    assert moved.value.request.url.endswith("/trail/sVd81?row=1")
    page.close()


def test_enter_in_the_box_searches_and_takes_no_facet_away(browser: Browser, address: str):
    page = browser.new_page()
    page.goto(f"{address}/trail")
    page.fill("#f-typed", "li.min")
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.keyboard.press("Enter")
    body = sent.value.post_data or ""
    assert "typed=li.min" in body
    assert "without" not in body
    page.close()


def test_without_scripts_every_page_still_shows_its_table_and_forms(browser: Browser, address: str):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/trail")
    assert page.locator("tbody tr").count() == 5
    assert page.locator("form[action='/trail'] button").first.is_enabled()
    page.locator("a[data-row]").nth(2).click()
    assert page.url.endswith("/trail/sVd81?row=2#proof")
    context.close()


def test_g24_the_citizens_sheet_prints_without_bars_and_buttons(browser: Browser, address: str):
    page = browser.new_page()
    page.goto(f"{address}/paper")
    page.emulate_media(media="print")
    assert not page.locator(".bar").is_visible()
    assert not page.locator(".no-print").is_visible()
    assert page.locator("tbody tr").count() == 5
    assert page.locator("text=流动车 07").first.is_visible()
    page.close()


def test_the_help_sheet_lists_the_keys_of_the_page(browser: Browser, address: str):
    page = browser.new_page()
    page.goto(f"{address}/fleet")
    page.keyboard.press("?")
    assert page.locator("#sheet").is_visible()
    assert "查找节点" in page.locator("#sheet-keys").inner_text()
    page.close()
