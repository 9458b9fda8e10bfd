"""The pages in a real Chromium, from sample views: keys, focus, life signs, nothing from outside."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.gallery import Gallery
from tests.unit.ui.sample_pages import PAGES

pytestmark = pytest.mark.browser

WAIT_MS = 10_000


def visit(tab: Page, gallery: Gallery, name: str, lang: str = "zh") -> None:
    tab.goto(f"{gallery.address}/{name}?lang={lang}")


def posted(tab: Page, gallery: Gallery) -> tuple[str, dict[str, str]]:
    expect(tab.locator("h1")).to_have_text("posted", timeout=WAIT_MS)
    assert len(gallery.posts) == 1
    return gallery.posts[0]


def wait_for_stream(tab: Page) -> None:
    """Until the page's event stream has brought its first sign of life."""
    tab.wait_for_function("() => document.documentElement.dataset.live !== undefined", timeout=WAIT_MS)


@pytest.mark.parametrize(("lang", "zoom"), [("zh", 1), ("en", 2)])
def test_no_page_breaks_its_policy_reaches_outside_or_overflows(
    chromium: Browser, gallery: Gallery, lang, zoom
):
    context = chromium.new_context(
        viewport={"width": 1366 // zoom, "height": 768 // zoom}, device_scale_factor=zoom
    )
    tab, told, asked = context.new_page(), [], set()
    tab.on("console", lambda message: told.append((tab.url, message.text)))
    tab.on("pageerror", lambda error: told.append((tab.url, str(error))))
    tab.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    for name in PAGES:
        visit(tab, gallery, name, lang)
        wide = tab.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name} is {wide} px too wide"
    assert told == []
    assert asked == {urlsplit(gallery.address).netloc}
    context.close()


@pytest.mark.parametrize(
    ("name", "key", "path", "field", "value"),
    [
        ("choose", "1", "/serve/choose", "choice", "public-credit.self:self-natural"),
        ("choose", "3", "/serve/choose", "choice", "public-credit.authorised:natural-natural"),
        ("choose", "F2", "/serve/finish", "csrf", "token"),
        ("check", "F8", "/serve/ask", "nonce", "nonce"),
        ("check", "Enter", "/serve/ask", "nonce", "nonce"),
        ("prints", "F8", "/prints/j231/confirm", "outcome", "good"),
        ("prints", "F9", "/prints/j231/confirm", "outcome", "spoiled"),
        ("answer", "Escape", "/serve/finish", "csrf", "token"),
        ("deferral", "F8", "/serve/finish", "csrf", "token"),
        ("day", "F8", "/day/close", "day", "2026-11-21"),
        ("printers", "F8", "/printers", "qr", "yes"),
        ("printers", "F9", "/printers/test", "printer", "回执 1"),
        ("line", "F8", "/line/exchange", "csrf", "token"),
        ("courier", "F8", "/courier/export", "stick", "/media/yizhan/KINGSTON"),
        ("courier", "F9", "/courier/import", "stick", "/media/yizhan/KINGSTON"),
        ("own-trail-ask", "F8", "/own-trail", "read_id", "r-1"),
    ],
)
def test_a_key_does_what_its_button_says(tab: Page, gallery: Gallery, name, key, path, field, value):
    visit(tab, gallery, name)
    tab.keyboard.press(key)
    address, form = posted(tab, gallery)
    assert address == path
    assert form[field] == value
    assert form["csrf"] == "token"


def test_g16_a_block_of_sheets_is_issued_and_a_copy_asked_for_by_keyboard_alone(tab: Page, gallery: Gallery):
    visit(tab, gallery, "prints-numbered")
    tab.locator("summary", has_text="领用一批纸").focus()
    for key in ("Enter", "Tab", *"HZ000201", "Tab", *"HZ000300", "Enter"):
        tab.keyboard.press(key)
    address, form = posted(tab, gallery)
    assert (address, form["first"], form["last"]) == ("/prints/blocks", "HZ000201", "HZ000300")
    gallery.posts.clear()
    visit(tab, gallery, "prints")
    tab.locator("summary", has_text="补打").first.focus()
    for key in ("Enter", "Tab", *"again", "Enter"):
        tab.keyboard.press(key)
    address, form = posted(tab, gallery)
    assert (address, form["reason"]) == ("/prints/reprint", "again")
    assert form["serial"].startswith("330102-2026-L-")


def test_g18_the_numbers_on_the_test_page_are_keys_that_untick(tab: Page, gallery: Gallery):
    visit(tab, gallery, "printers")
    for key in "35":
        tab.keyboard.press(key)
    tab.keyboard.press("F8")
    _, form = posted(tab, gallery)
    assert {name for name, value in form.items() if value == "yes"} == {"chinese", "raster", "columns"}


def test_escape_leads_back_and_f8_leads_on_from_a_refusal(tab: Page, gallery: Gallery):
    visit(tab, gallery, "check")
    with tab.expect_navigation(timeout=WAIT_MS):
        tab.keyboard.press("Escape")
    assert tab.url.endswith("/?step=papers")
    visit(tab, gallery, "refusal")
    with tab.expect_navigation(timeout=WAIT_MS):
        tab.keyboard.press("F8")
    assert tab.url.endswith("/?step=papers")


def test_enter_in_a_field_goes_on_and_never_takes_the_first_small_button(tab: Page, gallery: Gallery):
    visit(tab, gallery, "papers-letter")
    tab.fill("#f-letter_scope", "全部公共信用信息")
    tab.press("#f-letter_scope", "Enter")
    path, form = posted(tab, gallery)
    assert path == "/serve/papers"
    assert form["letter_scope"] == "全部公共信用信息"
    assert "role" not in form


def test_letters_typed_into_a_field_are_letters_and_not_keys(tab: Page, gallery: Gallery):
    visit(tab, gallery, "papers-letter")
    tab.locator("#f-letter_scope").press_sequentially("1?2")
    assert tab.input_value("#f-letter_scope") == "1?2"
    assert not tab.locator("#sheet").is_visible()
    assert gallery.posts == []


def test_keys_do_nothing_while_an_input_method_composes(tab: Page, gallery: Gallery):
    visit(tab, gallery, "check")
    tab.evaluate(
        "() => { for (const key of ['F8', 'Enter', 'Escape']) document.body.dispatchEvent("
        "new KeyboardEvent('keydown', {key, isComposing: true, bubbles: true, cancelable: true})) }"
    )
    tab.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert tab.url.endswith("/check?lang=zh")
    assert gallery.posts == []


def test_the_question_mark_lists_every_key_of_the_page(tab: Page, gallery: Gallery):
    visit(tab, gallery, "check")
    tab.keyboard.press("?")
    sheet = tab.locator("#sheet")
    expect(sheet).to_be_visible(timeout=WAIT_MS)
    expect(sheet).to_contain_text("查询并打印报告")
    tab.keyboard.press("F8")
    assert gallery.posts == [], "a key acts on the sheet only while it is open"
    tab.keyboard.press("Escape")
    expect(sheet).to_be_hidden(timeout=WAIT_MS)
    assert tab.url.endswith("/check?lang=zh")


def test_pressing_twice_asks_once(tab: Page, gallery: Gallery):
    visit(tab, gallery, "check")
    tab.evaluate("() => { const b = document.querySelector('[data-primary]'); b.click(); b.click(); }")
    posted(tab, gallery)


@pytest.mark.parametrize("name", ["papers-wrong", "refusal", "signin-refused", "trouble"])
def test_focus_goes_to_what_is_wrong(tab: Page, gallery: Gallery, name):
    visit(tab, gallery, name)
    tab.wait_for_function("() => document.activeElement.hasAttribute('data-errors')", timeout=WAIT_MS)


def test_a_wrong_field_is_reached_from_the_summary_and_says_what_is_wrong(tab: Page, gallery: Gallery):
    visit(tab, gallery, "papers-wrong")
    tab.locator("[data-errors] a").first.click()
    assert tab.evaluate("document.activeElement.id || location.hash.slice(1)") == "f-subject_number"
    field = tab.locator("#f-subject_number")
    assert field.get_attribute("aria-invalid") == "true"
    assert "校验位" in tab.locator("#e-subject_number").inner_text()


def test_g19_a_card_moves_focus_when_no_field_has_it_and_never_submits(tab: Page, gallery: Gallery):
    visit(tab, gallery, "choose-offline")
    wait_for_stream(tab)
    expect(tab.locator("#identity")).to_contain_text("未读卡")
    gallery.send_event("card")
    expect(tab.locator("#identity")).to_contain_text("王䶮国", timeout=WAIT_MS)
    tab.wait_for_function("() => document.activeElement.hasAttribute('data-card-focus')", timeout=WAIT_MS)
    assert gallery.posts == []


def test_g19_a_card_leaves_the_cursor_in_the_field_it_is_in(tab: Page, gallery: Gallery):
    visit(tab, gallery, "papers-no-card")
    wait_for_stream(tab)
    tab.locator("#f-phone").focus()
    tab.keyboard.type("138")
    with tab.expect_response(lambda reply: reply.url.endswith("/parts/identity"), timeout=WAIT_MS):
        gallery.send_event("card")
    assert tab.evaluate("document.activeElement.id") == "f-phone"
    assert tab.input_value("#f-phone") == "138"
    assert gallery.posts == []


def test_a_page_that_lost_its_node_turns_grey_submits_nothing_and_recovers_by_itself(
    tab: Page, gallery: Gallery
):
    visit(tab, gallery, "check")
    wait_for_stream(tab)
    gallery.alive = False
    expect(tab.locator("#lost")).to_be_visible(timeout=WAIT_MS)
    expect(tab.locator("main [data-primary]")).to_be_disabled()
    tab.keyboard.press("F8")
    tab.evaluate("document.querySelector('form[action=\"/serve/ask\"]').requestSubmit()")
    assert gallery.posts == []
    gallery.alive = True
    expect(tab.locator("#lost")).to_be_hidden(timeout=2 * WAIT_MS)
    expect(tab.locator("main [data-primary]")).to_be_enabled(timeout=WAIT_MS)
    tab.keyboard.press("F8")
    assert posted(tab, gallery)[0] == "/serve/ask"


def test_what_was_typed_survives_losing_the_node(tab: Page, gallery: Gallery):
    visit(tab, gallery, "papers-no-card")
    wait_for_stream(tab)
    tab.fill("#f-phone", "13800004412")
    gallery.alive = False
    expect(tab.locator("#lost")).to_be_visible(timeout=WAIT_MS)
    gallery.alive = True
    expect(tab.locator("#lost")).to_be_hidden(timeout=3 * WAIT_MS)
    assert tab.input_value("#f-phone") == "13800004412"


def test_everything_is_done_without_any_script(plain: BrowserContext, gallery: Gallery):
    tab = plain.new_page()
    for name, button, path in (
        ("choose", "text=本人公共信用信息查询 · 本人", "/serve/choose"),
        ("papers-self", "button.main:has-text('去核对')", "/serve/papers"),
        ("check", "text=查询并打印报告", "/serve/ask"),
        ("prints", "text=损坏 F9", "/prints/j231/confirm"),
        ("signin", "button.main", "/signin"),
    ):
        visit(tab, gallery, name)
        tab.locator(button).first.click()
        tab.wait_for_selector("text=posted", timeout=WAIT_MS)
        assert gallery.posts[-1][0] == path


@pytest.mark.parametrize("name", ["choose", "papers-letter", "check", "answer", "prints", "tasks", "signin"])
def test_every_act_is_reached_by_tab_and_shows_where_the_focus_is(tab: Page, gallery: Gallery, name):
    visit(tab, gallery, name)
    acts = tab.evaluate(
        "() => [...document.querySelectorAll('a[href], button, input, select, summary')]"
        ".filter(e => e.getClientRects().length && !e.disabled && e.tabIndex >= 0"
        " && e.type !== 'hidden' && e.closest('details:not([open])') === null || e.matches('summary')).length"
    )
    reached = set()
    for _ in range(acts + 5):
        tab.keyboard.press("Tab")
        mark = tab.evaluate(
            "() => { const e = document.activeElement; if (e === document.body) return '';"
            " e.dataset.seen ||= String(Math.random());"
            " return e.dataset.seen + (getComputedStyle(e).outlineStyle !== 'none' ? '' : ' no outline') }"
        )
        assert "no outline" not in mark
        reached.add(mark)
    radios = tab.locator("input[type=radio]").count()
    assert len(reached - {""}) >= acts - radios


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("answer")])
def test_what_to_do_with_the_report_is_seen_without_scrolling(
    tab: Page, gallery: Gallery, name: str, lang: str
):
    visit(tab, gallery, name, lang)
    footer = tab.locator("footer.keys").bounding_box()
    acts = tab.locator("#delivery button, #delivery a.btn")
    assert acts.count() >= 2
    assert footer is not None
    for act in acts.all():
        place = act.bounding_box()
        assert place is not None
        assert place["y"] + place["height"] <= footer["y"], f"{act.inner_text()} is below the fold"
    assert tab.evaluate("scrollY") == 0


@pytest.mark.parametrize("name", ["choose", "check", "answer", "prints", "papers-self"])
def test_targets_are_large_enough_for_a_finger(tab: Page, gallery: Gallery, name):
    visit(tab, gallery, name)
    small = tab.evaluate(
        "() => [...document.querySelectorAll('main .btn, main .choice, main input:not([type=hidden])')]"
        ".filter(e => e.getClientRects().length && !e.matches('.hush'))"
        ".map(e => [e.textContent.trim(), e.getBoundingClientRect().height])"
        ".filter(([, high]) => high < 21)"
    )
    assert small == []
