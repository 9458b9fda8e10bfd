"""A clerk's morning in Chromium against the real programs: cards on a real tty, a real centre, a line that hangs."""

import csv
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.story.opening import start_centre
from tests.story.outside import card_of, node_rows
from tests.story.world import HALL_REGION, World

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PEOPLE = 200
WAIT_MS = 15_000


class Hall:
    """A small world: one centre, one hall, its citizens."""

    def __init__(self, world: World, citizens: list[dict[str, str]]) -> None:
        self.world, self.citizens = world, citizens
        self.url = world.hall.url

    def lay(self, citizen: dict[str, str], **card: str) -> None:
        self.world.hall.reader.ask(do="lift")
        self.world.hall.reader.ask(do="lay", card=card_of(citizen) | card)

    def entries(self, kind: int) -> int:
        return int(node_rows(self.world.hall, "SELECT count(*) FROM entry WHERE kind = ?", kind)[0][0])


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with closing(World(tmp_path_factory.mktemp("window") / "world", PEOPLE)) as world:
        world.central("init", "--passwords-final")
        path = world.folder / "records.csv"
        sample = ["--people", str(PEOPLE), "--seed", "1", "--region", HALL_REGION]
        world.central("records", "sample", *sample, "--out", str(path))
        world.central("records", "import", str(path))
        start_centre(world)
        place, staff = world.hall, world.write_staff()[0]
        made = world.central(
            "node", "create", "--name", place.name, "--region", HALL_REGION, "--kind", "hall"
        )
        place.node = made["node"]
        world.central("staff", "import", "--node", place.node, str(staff))
        place.edge("enrol", "--centre", place.centre_url, "--code", made["code"])
        world.central("publish")
        place.plug_in()
        place.edge("exchange")
        place.serve()
        yield Hall(world, adults(path))


def adults(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row.get("row") == "subject"]
    return [row for row in rows if row["kind"] == "natural" and "1945" < (row["birth"] or "")[:4] < "2002"]


def live(tab: Page) -> None:
    """Until the page's event stream has brought its first sign of life."""
    tab.wait_for_function("() => document.documentElement.dataset.live !== undefined", timeout=WAIT_MS)


def sign_in(tab: Page, hall: Hall, staff: str = "li.min", window: str = "1") -> None:
    tab.goto(f"{hall.url}/")
    assert tab.url.endswith("/signin"), "nobody is let in without signing in"
    tab.fill("#f-staff", staff)
    tab.fill("#f-password", hall.world.passwords[staff])
    tab.select_option("#f-window", window)
    tab.keyboard.press("Enter")
    expect(tab.locator("#identity")).to_be_visible(timeout=WAIT_MS)
    next_person(tab)


def next_person(tab: Page) -> None:
    tab.keyboard.press("F2")
    expect(tab.locator("h2", has_text="要办什么")).to_be_visible(timeout=WAIT_MS)
    live(tab)


def lay(tab: Page, hall: Hall, citizen: dict[str, str], **card: str) -> None:
    hall.lay(citizen, **card)
    expect(tab.locator("#identity")).to_contain_text(citizen["name"], timeout=WAIT_MS)


def ask(tab: Page, digit: str, *, copy: bool = True, phone: str = "") -> None:
    """From the list of matters by keyboard to the outcome."""
    tab.keyboard.press(digit)
    expect(tab.locator("#part-papers")).to_be_visible(timeout=WAIT_MS)
    if copy:
        tab.check('[id="f-paper:resident-id:copy"]')
    if phone:
        tab.fill("#f-phone", phone)
    tab.keyboard.press("F8")
    expect(tab.locator("h2", has_text="核对后再查询")).to_be_visible(timeout=WAIT_MS)
    tab.keyboard.press("Enter")
    expect(tab.locator("h2", has_text="核对后再查询")).to_be_hidden(timeout=WAIT_MS)


@pytest.fixture
def desk(chromium: Browser, hall: Hall) -> Iterator[Page]:
    """A signed-in window; everything the browser complains about fails the test."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768})
    tab, told = context.new_page(), []
    tab.on("console", lambda message: told.append(message.text))
    tab.on("pageerror", lambda error: told.append(str(error)))
    sign_in(tab, hall)
    yield tab
    context.close()
    assert told == [], told


def test_f035_own_query_with_the_line_up_is_answered_printed_signed_for_and_handed_over(
    desk: Page, hall: Hall
):
    citizen = hall.citizens[0]
    answered = hall.entries(10)
    lay(desk, hall, citizen)
    assert citizen["number"] not in desk.content(), "the whole number is no use on this page"
    ask(desk, "1")
    main = desk.locator("main")
    expect(main).to_contain_text("中心在线应答，报告为“正式”", timeout=WAIT_MS)
    expect(main).to_contain_text(citizen["name"])
    assert hall.entries(10) == answered + 1
    live(desk)
    file = desk.locator("a", has_text="打开报告并打印")
    expect(file).to_be_visible(timeout=WAIT_MS)
    reply = desk.request.get(hall.url + (file.get_attribute("href") or ""))
    assert reply.headers["content-type"] == "application/pdf"
    assert reply.body().startswith(b"%PDF")
    expect(desk.locator("#delivery")).to_contain_text("纸张出来了吗？", timeout=WAIT_MS)
    desk.keyboard.press("F8")
    expect(desk.locator("#delivery")).to_contain_text("已签收，交付报告", timeout=WAIT_MS)
    desk.keyboard.press("F8")
    expect(desk.locator("#delivery")).to_contain_text("已交付", timeout=WAIT_MS)
    assert hall.entries(24) == 1


def test_a_reload_another_page_and_the_way_back_find_the_desk_as_it_was(desk: Page, hall: Hall):
    lay(desk, hall, hall.citizens[1])
    desk.keyboard.press("1")
    expect(desk.locator("#part-papers")).to_be_visible(timeout=WAIT_MS)
    desk.fill("#f-phone", "13800004412")
    desk.keyboard.press("F8")
    expect(desk.locator("h2", has_text="核对后再查询")).to_be_visible(timeout=WAIT_MS)
    desk.goto(f"{hall.url}/tasks")
    desk.goto(f"{hall.url}/")
    expect(desk.locator("dl.answers")).to_contain_text("13800004412", timeout=WAIT_MS)
    desk.keyboard.press("Escape")
    expect(desk.locator("#f-phone")).to_have_value("13800004412", timeout=WAIT_MS)


def test_f064_without_card_and_letter_everything_that_is_missing_is_told_at_once(desk: Page, hall: Hall):
    hall.world.hall.reader.ask(do="lift")
    desk.keyboard.press("3")
    expect(desk.locator("#part-papers")).to_be_visible(timeout=WAIT_MS)
    denied = hall.entries(11)
    desk.keyboard.press("F8")
    expect(desk.locator("[data-errors] li")).to_have_count(2, timeout=WAIT_MS)
    for role, citizen in (("subject", hall.citizens[5]), ("requester", hall.citizens[6])):
        desk.fill(f"#f-{role}_name", citizen["name"])
        desk.fill(f"#f-{role}_number", citizen["number"])
    desk.keyboard.press("F8")
    expect(desk.locator("h2", has_text="核对后再查询")).to_be_visible(timeout=WAIT_MS)
    desk.keyboard.press("Enter")
    expect(desk.locator("h2", has_text="这次不能办理")).to_be_visible(timeout=WAIT_MS)
    assert desk.locator(".missing li").count() >= 6
    expect(desk.locator("main")).to_contain_text("公共信用信息查询管理暂行办法")
    assert hall.entries(11) == denied + 1


def test_f002_an_expired_card_is_shown_as_not_usable_and_starts_nothing(desk: Page, hall: Hall):
    lay(desk, hall, hall.citizens[2], valid_to="2024-06-11")
    expect(desk.locator("#identity")).to_contain_text("不可用")
    ask(desk, "1")
    expect(desk.locator("h2", has_text="这次不能办理")).to_be_visible(timeout=WAIT_MS)


def test_g19_the_card_of_the_citizen_before_does_not_stand_for_the_next_one(desk: Page, hall: Hall):
    lay(desk, hall, hall.citizens[7])
    next_person(desk)
    expect(desk.locator("#identity")).to_contain_text("未读卡")
    assert hall.citizens[7]["name"] not in desk.locator("#identity").inner_text()
    lay(desk, hall, hall.citizens[8])


def test_the_sign_in_page_says_what_is_wrong_and_asks_again(chromium: Browser, hall: Hall):
    context = chromium.new_context()
    tab = context.new_page()
    tab.goto(f"{hall.url}/signin?lang=en")
    tab.fill("#f-staff", "li.min")
    tab.fill("#f-password", "wrong-password-000")
    tab.keyboard.press("Enter")
    expect(tab.locator("[data-errors]")).to_contain_text("Wrong name or password", timeout=WAIT_MS)
    expect(tab.locator("#f-staff")).to_have_value("li.min")
    context.close()


def test_a_form_without_the_session_s_token_changes_nothing(desk: Page, hall: Hall):
    before = hall.entries(100)
    reply = desk.request.post(f"{hall.url}/day/close", form={"day": "2026-11-21", "csrf": "wrong"})
    assert reply.status == 403
    assert "页面已过期" in reply.text()
    assert hall.entries(100) == before


def test_g01_with_the_line_hanging_the_window_answers_from_cache_and_promises_the_rest(
    desk: Page, hall: Hall
):
    line = hall.world.hall.line
    line.stall()
    try:
        next_person(desk)
        lay(desk, hall, hall.citizens[3])
        ask(desk, "1")
        main = desk.locator("main")
        expect(main).to_contain_text("离线结果，报告为“临时”", timeout=WAIT_MS)
        expect(main).to_contain_text("截至")
        expect(desk.locator("#strip")).to_contain_text("中心未连通", timeout=WAIT_MS)
        next_person(desk)
        lay(desk, hall, hall.citizens[4])
        ask(desk, "7", copy=False, phone="13800004412")
        expect(desk.locator("h2", has_text="已登记，联网办好后回电")).to_be_visible(timeout=WAIT_MS)
        desk.goto(f"{hall.url}/tasks")
        expect(desk.locator("main")).to_contain_text("13800004412", timeout=WAIT_MS)
    finally:
        line.restore()


def test_the_day_is_closed_with_one_key_and_says_so(desk: Page, hall: Hall):
    desk.goto(f"{hall.url}/day")
    expect(desk.locator("main")).to_contain_text("还没有日结", timeout=WAIT_MS)
    desk.keyboard.press("F8")
    expect(desk.locator("main")).to_contain_text("日结完成", timeout=WAIT_MS)
    assert hall.entries(100) == 1
