"""`python -m tests.browser.pictures OUT`: every real page of both programs, to be looked at by people.

Each scene is taken at 1366 × 768, at 200 % zoom, and in English, from the running programs with the state they are
in: cable in, cable out, node away. What is wider than its screen is printed. `window-offline.png` and `trail.png`
are the two that the README shows (`ui/pictures/`); `--brief` takes only those.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS, SIZE
from tests.browser.stage import OWN, PHONE, PURPOSE, WAIT_MS, Administrator, Stage, Window, qr_text, stage
from tests.waiting import until

ZOOMED: ViewportSize = {"width": 683, "height": 384}
WIDTHS = "() => [document.documentElement.scrollWidth, innerWidth]"
WINDOW_PAGES = ("cases", "tasks", "prints", "day", "line", "devices", "printers", "help", "patterns")


class Album:
    """A folder of pictures, `brief` only of those the README shows. `wide` lists those wider than their screen."""

    def __init__(self, browser: Browser, folder: Path, *, brief: bool = False) -> None:
        self.browser, self.folder, self.brief = browser, folder, brief
        self.wide: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, name: str, page: Page) -> None:
        """The page's address again in three browsers of the same session: screen, 200 % zoom, English."""
        if self.brief:
            return
        for tail, size, scale, lang in (
            ("", SIZE, 1, "zh"),
            ("-zoom", ZOOMED, 2, "zh"),
            ("-en", SIZE, 1, "en"),
        ):
            context = self.browser.new_context(
                viewport=size,
                device_scale_factor=scale,
                locale={"zh": "zh-CN", "en": "en-GB"}[lang],
                storage_state=page.context.storage_state(),
            )
            other = context.new_page()
            sign = "&" if "?" in page.url else "?"
            address, _, place = page.url.partition("#")
            other.goto(f"{address}{sign}{urlencode({'lang': lang})}{'#' + place if place else ''}")
            self.keep(name + tail, other)
            context.close()

    def keep(self, name: str, page: Page) -> None:
        """The page as it stands, whole."""
        if self.brief:
            return
        wide, seen = page.evaluate(WIDTHS)
        if wide > seen:
            self.wide.append(f"{name}: {wide} px on {seen}")
        page.screenshot(path=self.folder / f"{name}.png", full_page=True)

    def show(self, name: str, page: Page) -> None:
        """What one sees without scrolling: a picture for the README."""
        page.evaluate("() => scrollTo(0, 0)")
        page.screenshot(path=self.folder / f"{name}.png")

    def keep_both(self, name: str, page: Page) -> None:
        """A page that an address does not bring back: as it stands, then on the small screen."""
        self.keep(name, page)
        page.set_viewport_size(ZOOMED)
        self.keep(f"{name}-zoom", page)
        page.set_viewport_size(SIZE)


def window_pages(album: Album, desk: Window, prefix: str) -> None:
    """Every page of the bar."""
    for name in WINDOW_PAGES:
        desk.page.goto(f"{desk.stage.url}/{name}")
        album.take(f"{prefix}-{name}", desk.page)
    desk.page.goto(f"{desk.stage.url}/")


def online(album: Album, desk: Window, hall: Stage) -> None:
    """The cable is in."""
    desk.page.goto(f"{hall.url}/signin")
    album.keep_both("a1-signin", desk.page)
    desk.sign_in()
    hall.lift()
    desk.next_person()
    album.take("a2-choose-empty", desk.page)
    citizen = hall.citizen()
    desk.lay(citizen)
    album.take("a3-choose-card", desk.page)
    desk.choose("自然人授权法人查询公共信用")
    album.take("a4-papers-letter", desk.page)
    desk.turn("F8")
    album.take("a5-papers-errors", desk.page)
    desk.turn("F2")
    desk.lay(hall.citizen())
    desk.choose(OWN)
    album.take("a6-papers-own", desk.page)
    desk.fill_papers()
    album.take("a7-check", desk.page)
    desk.ask()
    desk.sees("中心在线应答")
    album.take("a8-answer", desk.page)
    desk.open_report()
    album.take("a9-paper-question", desk.page)
    desk.hand_over()
    album.take("b1-handed-over", desk.page)
    hall.lift()
    desk.next_person()
    desk.choose("本人信息查询记录")
    album.take("b2-own-trail-empty", desk.page)
    desk.page.goto(f"{hall.url}/own-trail")
    desk.alive()
    hall.lay(hall.citizens[1])
    desk.sees(hall.citizens[1]["name"], "#own-ask")
    album.take("b3-own-trail-ask", desk.page)
    desk.turn("F8")
    album.take("b4-own-trail", desk.page)
    desk.turn("Escape")
    window_pages(album, desk, "c")
    desk.page.goto(f"{hall.url}/cases")
    desk.page.locator("main tbody a").first.click()
    album.take("c9-case", desk.page)
    desk.page.goto(f"{hall.url}/")


def offline(album: Album, desk: Window, hall: Stage) -> str:
    """The cable is out: the line hangs. Returns the QR text of the provisional report."""
    hall.lift()
    desk.next_person()
    desk.lay(hall.citizen())
    desk.choose(OWN)
    desk.fill_papers()
    desk.ask()
    desk.sees("离线结果")
    album.take("d1-answer-cached", desk.page)
    expect(desk.page.locator("#strip")).to_contain_text("中心未连通", timeout=WAIT_MS)
    desk.sees("打开报告并打印")
    album.show("window-offline", desk.page)
    text = qr_text(desk.open_report())
    album.take("d2-paper-question", desk.page)
    desk.hand_over()
    desk.next_person()
    desk.lay(hall.citizen())
    album.take("d3-choose-offline", desk.page)
    desk.choose("个人信用报告（征信）查询 · 本人")
    desk.fill_papers(copy=False, phone=PHONE)
    album.take("d4-check-deferred", desk.page)
    desk.ask()
    album.take("d5-deferral", desk.page)
    hall.lift()
    desk.next_person()
    desk.choose("自然人授权自然人查询公共信用")
    for role in ("subject", "requester"):
        row = hall.citizen()
        desk.write(f"#f-{role}_name", row["name"])
        desk.write(f"#f-{role}_number", row["number"])
    desk.fill_papers(copy=False)
    desk.ask()
    album.take("d6-refusal", desk.page)
    desk.turn("Escape")
    window_pages(album, desk, "e")
    desk.page.goto(f"{hall.url}/own-trail")
    desk.alive()
    hall.lay(hall.citizens[1])
    desk.sees(hall.citizens[1]["name"], "#own-ask")
    desk.turn("F8")
    album.take("e9-own-trail-deferred", desk.page)
    desk.turn("Escape")
    return text


def no_permit(album: Album, browser: Browser, hall: Stage) -> None:
    """A clerk who may not."""
    context = browser.new_context(viewport=SIZE)
    desk = Window(context.new_page(), hall)
    desk.sign_in("sun.tao", "2")
    desk.lay(hall.citizen())
    album.take("f1-choose-no-permit", desk.page)
    desk.choose(OWN)
    desk.fill_papers()
    album.take("f2-check-no-permit", desk.page)
    desk.ask()
    album.take("f3-denied", desk.page)
    context.close()


def returned(album: Album, desk: Window, hall: Stage) -> None:
    """The cable is back; then the day is closed and the node goes away."""
    until(lambda: any(task["kind"] == "call" for task in hall.tasks()), "somebody is to be called", 90)
    desk.page.goto(f"{hall.url}/tasks")
    album.take("g1-tasks-call", desk.page)
    desk.page.goto(f"{hall.url}/day")
    desk.turn("F8")
    album.take("g2-day-closed", desk.page)
    desk.page.goto(f"{hall.url}/")
    desk.alive()
    assert hall.world.hall.program is not None
    hall.world.hall.program.stop()
    expect(desk.page.locator("#lost")).to_be_visible(timeout=WAIT_MS)
    album.keep_both("g3-lost", desk.page)
    hall.world.hall.serve()


def console(album: Album, browser: Browser, hall: Stage, text: str) -> None:
    """The centre: three administrators, and the public."""
    for name, make in (("system", as_system), ("security", as_security), ("audit", as_audit)):
        context = browser.new_context(viewport=SIZE)
        administrator = Administrator(context.new_page(), hall)
        if name == "system":
            administrator.page.goto(f"{hall.centre_url}/signin")
            album.take("k1-signin", administrator.page)
        administrator.sign_in(name)
        make(album, administrator, hall)
        context.close()
    context = browser.new_context(viewport=SIZE)
    visitor = Administrator(context.new_page(), hall)
    visitor.page.goto(f"{hall.centre_url}/verify")
    album.take("n1-verify", visitor.page)
    visitor.verify(text)
    album.keep_both("n2-verified", visitor.page)
    visitor.verify(text[:-6] + "AAAAAA")
    album.keep_both("n3-not-genuine", visitor.page)
    context.close()


def pages(album: Album, one: Administrator, hall: Stage, prefix: str, *paths: str) -> None:
    """These pages of the console."""
    for path in paths:
        one.page.goto(f"{hall.centre_url}/{path}")
        name = path.partition("?")[0].replace("/", "-") or "fleet"
        album.take(f"{prefix}-{name}", one.page)


def as_system(album: Album, one: Administrator, hall: Stage) -> None:
    """The system administrator's pages."""
    node = hall.world.hall.node
    pages(album, one, hall, "k", "", f"nodes/{node}", "nodes/new", "findings", "reconciliation", "releases")
    one.page.goto(f"{hall.centre_url}/trail")
    album.keep_both("k-forbidden", one.page)


def as_security(album: Album, one: Administrator, hall: Stage) -> None:
    """The security administrator's pages."""
    pages(album, one, hall, "l", "", f"nodes/{hall.world.hall.node}", "administrators", "acts")


def as_audit(album: Album, one: Administrator, hall: Stage) -> None:
    """The audit administrator's pages."""
    pages(album, one, hall, "m", "", "trail", "subject", "findings", "reports", "acts")
    one.page.goto(f"{hall.centre_url}/trail")
    one.search("最近7天")
    album.take("m-trail-all", one.page)
    one.page.locator("tr", has_text="离线缓存").locator("[data-row]").first.focus()
    one.turn("Enter")
    album.show("trail", one.page)
    one.look_for(hall.citizens[1]["number"], PURPOSE)
    album.take("m-trail-found", one.page)
    one.open_row()
    album.take("m-trail-proof", one.page)
    one.page.goto(f"{hall.centre_url}/subject")
    one.write("#f-number", hall.citizens[1]["number"])
    one.write("#f-purpose", PURPOSE)
    one.turn("Enter")
    album.take("m-subject-found", one.page)
    one.turn("p")
    album.take("m-subject-paper", one.page)
    one.page.goto(f"{hall.centre_url}/reports")
    one.open_row()
    album.take("m-report", one.page)
    one.page.goto(f"{hall.centre_url}/reconciliation")
    one.page.locator("form[method=post][action='/reconciliation'] button").click()
    album.keep_both("m-reconciled", one.page)
    one.page.goto(f"{hall.centre_url}/findings?show=all")
    if one.page.locator("[data-row]").count():
        one.open_row()
        album.take("m-finding", one.page)


def main() -> int:
    """Take every picture; exit 1 when one is wider than its screen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--brief", action="store_true", help="only the pictures of the README")
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        stage(Path(folder) / "world") as hall,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        album = Album(browser, chosen.out, brief=chosen.brief)
        play(album, browser, hall)
        browser.close()
    print(*album.wide or ["nothing is wider than its screen"], sep="\n")
    return 1 if album.wide else 0


def play(album: Album, browser: Browser, hall: Stage) -> None:
    """The whole day."""
    desk = Window(browser.new_context(viewport=SIZE).new_page(), hall)
    online(album, desk, hall)
    with hall.cable_out():
        text = offline(album, desk, hall)
        no_permit(album, browser, hall)
    returned(album, desk, hall)
    console(album, browser, hall, text)


if __name__ == "__main__":
    sys.exit(main())
