"""The stage of the end-to-end days: real programs, a browser that is listened to, and hands on the keyboard only."""

import csv
import json
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, expect

from tests.story.clients import Clerk
from tests.story.opening import start_centre
from tests.story.outside import card_of, node_rows
from tests.story.world import HALL_REGION, World
from tests.waiting import until

PEOPLE = 300
WAIT_MS = 30_000
READY_S = 30
TABS_MAX = 90
PHONE = "13800004412"
PURPOSE = "信访核查 XF-2026-118：本人申请查阅访问记录"
OWN = "本人公共信用信息查询 · 本人"
STREAM_READY = "() => document.documentElement.dataset.live !== undefined"
STORED = """async () => [
  ...Object.entries(localStorage), ...Object.entries(sessionStorage),
  ...(await indexedDB.databases()).map((one) => one.name),
  ...(window.caches ? await caches.keys() : []),
]"""
HAN = """() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let at = walk.nextNode(); at; at = walk.nextNode()) {
    const own = at.parentElement;
    if (!/\\p{Script=Han}/u.test(at.data) || own.closest("bdi, [lang|=zh], script, option, svg")) continue;
    found.push(at.data.trim());
  }
  return found;
}"""
VIEWER_ICON = "/favicon.ico"  # Chromium's own PDF viewer asks for one; pages name theirs
FORM_SENT_BACK = "status of 422"  # a page that says what is missing; Chromium calls every such page a failure
UNREACHABLE = re.compile(r"net::ERR_|Failed to load resource|Failed to fetch|\[object Event\]")


class Stage:
    """One centre, one hall and its citizens; the browser's day happens here."""

    def __init__(self, world: World, citizens: list[dict[str, str]], administrators: dict[str, str]) -> None:
        self.world, self.citizens, self.administrators = world, citizens, administrators
        self.url, self.centre_url = world.hall.url, world.centre_url
        self.chief = Clerk(world.hall.url, world.hall.reader)
        self._next = 0

    def citizen(self) -> dict[str, str]:
        """Somebody who was not here before."""
        self._next += 1
        return self.citizens[self._next - 1]

    def lay(self, citizen: dict[str, str], **card: str) -> None:
        """That citizen's card, alone on the reader; `card` is what it says otherwise."""
        self.lift()
        self.world.hall.reader.ask(do="lay", card=card_of(citizen) | card)

    def lift(self) -> None:
        """No card on the reader."""
        self.world.hall.reader.ask(do="lift")

    def entries(self, kind: int) -> int:
        """How many entries of a kind the node's own database holds."""
        return int(node_rows(self.world.hall, "SELECT count(*) FROM entry WHERE kind = ?", kind)[0][0])

    def mode(self) -> str:
        """Whether the node works online or offline, as it promises to say."""
        status = self.chief.status()
        return "online" if status["centre"]["reachable"] else "offline"

    def tasks(self) -> list[dict[str, str]]:
        """Open tasks of the hall, from its database."""
        rows = node_rows(self.world.hall, "SELECT kind, office_case FROM task WHERE state = 'open'")
        return [{"kind": str(kind), "case": str(case)} for kind, case in rows]

    def devices_open(self) -> bool:
        """Whether the node says that reader and printer work."""
        return all(device["state"] == "ok" for device in self.chief.status()["devices"])

    @contextmanager
    def cable_out(self) -> Iterator[None]:
        """The line hangs inside the block; after it the node has found the centre again by itself."""
        line = self.world.hall.line
        line.stall()
        try:
            yield
        finally:
            line.restore()
        until(lambda: self.mode() == "online", "the node found the centre again", 90, every_s=0.2)


@contextmanager
def stage(folder: Path, people: int = PEOPLE, more: str = "") -> Iterator[Stage]:
    """Programs started, a hall enrolled with its data and devices (`more` settings); all ends with the block."""
    with closing(World(folder, people)) as world:
        made = world.central("init", "--passwords-final")
        path = world.folder / f"records-{HALL_REGION}.csv"
        sample = ["--people", str(people), "--seed", "1", "--region", HALL_REGION]
        world.central("records", "sample", *sample, "--out", str(path))
        world.central("records", "import", str(path))
        start_centre(world)
        _open_hall(world, more)
        ready = Stage(world, adults(path), {row["name"]: row["password"] for row in made["administrators"]})
        ready.chief.sign_in("wu.yue", world.passwords["wu.yue"], "3").raise_for_status()
        until(ready.devices_open, "reader and printer are open", READY_S)
        yield ready


def _open_hall(world: World, more: str) -> None:
    place, staff = world.hall, world.write_staff()[0]
    made = world.central("node", "create", "--name", place.name, "--region", HALL_REGION, "--kind", "hall")
    place.node = made["node"]
    world.central("staff", "import", "--node", place.node, str(staff))
    place.edge("enrol", "--centre", place.centre_url, "--code", made["code"])
    world.central("publish")
    place.plug_in()
    with (place.data / "settings.toml").open("a", encoding="utf-8") as settings:
        settings.write(more)
    place.edge("exchange")
    place.serve()


def adults(path: Path) -> list[dict[str, str]]:
    """Grown-up residents of the import file, in file order."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row.get("row") == "subject"]
    return [row for row in rows if row["kind"] == "natural" and "1945" < (row["birth"] or "")[:4] < "2002"]


class Ears:
    """Hears everything a browser context complains of and asks for. `dead_node` while the node is away on purpose."""

    def __init__(self, context: BrowserContext) -> None:
        self.complaints: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.dead_node = False
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("request", self._see)

    def _hear(self, message: ConsoleMessage) -> None:
        where = message.location["url"]
        if (
            where.endswith(VIEWER_ICON)
            or FORM_SENT_BACK in message.text
            or (self.dead_node and UNREACHABLE.search(message.text))
        ):
            return
        self.complaints.append(f"{message.text} @ {where}")

    def _see(self, request: Request) -> None:
        self.asked.append((request.method, request.url))

    def posts(self) -> int:
        """How many forms were sent so far."""
        return sum(method == "POST" for method, _ in self.asked)

    def judge(self, words: list[str]) -> None:
        """No complaint, no host but loopback, and none of `words` in any address."""
        assert not self.complaints, self.complaints
        wired = [urlsplit(url) for _, url in self.asked if url.startswith(("http", "ws"))]
        away = sorted({str(url.hostname) for url in wired if url.hostname != "127.0.0.1"})
        assert not away, f"asked outside hosts: {away}"
        told = [url for _, url in self.asked if any(word in unquote(url) for word in words)]
        assert not told, f"personal data in an address: {told}"


class Hands:
    """A clerk without a mouse: keys, and the Tab key until the wanted field has the focus."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> None:
        """One key after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def turn(self, key: str) -> None:
        """A key that leads to another page; the page is there."""
        with self.page.expect_navigation(timeout=WAIT_MS):
            self.press(key)

    def walk_to(self, selector: str) -> None:
        """Tab until `selector` has the focus; fails where the keyboard cannot come."""
        for _ in range(TABS_MAX):
            if self.page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{selector} is not reached by {TABS_MAX} Tabs")

    def write(self, selector: str, text: str) -> None:
        """Walk to a field and type."""
        self.walk_to(selector)
        self.page.keyboard.type(text)

    def go(self, path: str) -> None:
        """Open a page of the bar: walk to its door, Enter."""
        self.walk_to(f'.bar nav a[href="{path}"]')
        self.turn("Enter")

    def chinese(self) -> list[str]:
        """Texts of the page with Chinese in them that are marked neither as a name nor as Chinese."""
        return list(self.page.evaluate(HAN))

    def sees(self, words: str | re.Pattern[str], selector: str = "main") -> None:
        """The page says so, now or within the deadline."""
        expect(self.page.locator(selector)).to_contain_text(words, timeout=WAIT_MS)


class Window(Hands):
    """A clerk's browser at one window of the hall."""

    def __init__(self, page: Page, stage: Stage) -> None:
        super().__init__(page)
        self.stage = stage

    def sign_in(self, staff: str = "li.min", window: str = "1") -> None:
        """From the closed door to an empty desk."""
        self.page.goto(self.stage.url + "/")
        self.write("#f-staff", staff)
        self.write("#f-password", self.stage.world.passwords[staff])
        self.walk_to("#f-window")
        self.press(window)
        self.walk_to("button.main")
        self.turn("Enter")
        expect(self.page.locator("#identity")).to_be_visible(timeout=WAIT_MS)
        self.next_person()

    def next_person(self) -> None:
        """F2: the desk is swept, the page lives."""
        self.turn("F2")
        expect(self.page.locator(".choices")).to_be_visible(timeout=WAIT_MS)
        self.alive()

    def alive(self) -> None:
        """Until the page's event stream has brought its first sign of life."""
        self.page.wait_for_function(STREAM_READY, timeout=WAIT_MS)

    def refetch(self, region: str) -> None:
        """A region is fetched again, as each minute by itself; it is there anew when this returns."""
        self.page.locator(region).evaluate("one => { one.dataset.old = ''; }")
        self.page.evaluate("() => document.body.dispatchEvent(new CustomEvent('yizhan:refetch'))")
        expect(self.page.locator(f"{region}:not([data-old])")).to_be_visible(timeout=WAIT_MS)

    def lay(self, citizen: dict[str, str], **card: str) -> None:
        """The card is laid, the page has filled itself."""
        self.stage.lay(citizen, **card)
        self.sees(
            citizen["name"], "#identity dl.facts"
        )  # a chip card's name beside it is not the identity card's

    def choose(self, words: str) -> None:
        """The digit beside the matter of that name."""
        choice = self.page.locator(".choice", has=self.page.locator("b", has_text=words)).first
        self.turn(choice.get_attribute("data-key", timeout=WAIT_MS) or "")

    def fill_papers(self, *, copy: bool = True, phone: str = "") -> None:
        """The copy is ticked, the phone typed, and on to the check page."""
        expect(self.page.locator("#part-papers")).to_be_visible(timeout=WAIT_MS)
        if copy:
            self.walk_to('[id="f-paper:resident-id:copy"]')
            self.press("Space")
        if phone:
            self.write("#f-phone", phone)
        self.turn("F8")
        expect(self.page.locator("dl.answers")).to_be_visible(timeout=WAIT_MS)

    def ask(self) -> None:
        """Enter on the check page; the outcome is there."""
        self.turn("Enter")
        expect(self.page.locator("dl.answers")).to_be_hidden(timeout=WAIT_MS)

    def answered(self, citizen: dict[str, str], words: str = OWN) -> None:
        """From the card to the answer."""
        self.lay(citizen)
        self.choose(words)
        self.fill_papers()
        self.ask()

    def open_report(self) -> bytes:
        """F8 opens the report in a tab of its own, as for printing; it is closed again. Returns the file."""
        self.alive()
        door = self.page.locator("#delivery a[data-key=F8]")
        expect(door).to_be_visible(timeout=WAIT_MS)
        address = self.stage.url + (door.get_attribute("href") or "")
        with self.page.context.expect_page(timeout=WAIT_MS) as opened:
            self.press("F8")
        self.sees("纸张出来了吗？", "#delivery")
        opened.value.close()
        return self.page.request.get(address).body()

    def hand_over(self) -> None:
        """The sheet is good, signed for, handed over."""
        self.sees("纸张出来了吗？", "#delivery")
        self.press("F8")
        self.sees("已签收，交付报告", "#delivery")
        self.press("F8")
        self.sees("已交付", "#delivery")


class Administrator(Hands):
    """An administrator's browser at the centre's console."""

    def __init__(self, page: Page, stage: Stage) -> None:
        super().__init__(page)
        self.stage = stage

    def sign_in(self, name: str) -> None:
        """From the closed door to the first page of that role."""
        self.page.goto(self.stage.centre_url + "/signin")
        self.write("#f-name", name)
        self.write("#f-password", self.stage.administrators[name])
        self.turn("Enter")
        expect(self.page.locator(".bar nav")).to_be_visible(timeout=WAIT_MS)

    def search(self, words: str) -> None:
        """The one search box of the trail: slash, words, Enter."""
        self.press("/")
        expect(self.page.locator("#f-typed")).to_be_focused(timeout=WAIT_MS)
        self.page.keyboard.type(words)
        self.turn("Enter")

    def look_for(self, number: str, purpose: str) -> None:
        """Who saw this person: a number needs its purpose."""
        self.page.goto(self.stage.centre_url + "/trail")
        self.write("#f-number", number)
        self.write("#f-purpose", purpose)
        self.turn("Enter")

    def open_row(self) -> None:
        """The first row, by J and Enter."""
        self.press("j")
        self.turn("Enter")

    def verify(self, text: str) -> None:
        """The public page judges a QR code's text."""
        self.page.goto(self.stage.centre_url + "/verify")
        self.write("#f-text", text)
        self.walk_to("form[action='/verify'] button.main")
        self.turn("Enter")


def stored(page: Page) -> str:
    """Everything the browser keeps for this page's site, as text."""
    kept = [page.evaluate(STORED), page.context.cookies()]
    return json.dumps(kept, ensure_ascii=False)


def personal(rows: list[dict[str, str]]) -> list[str]:
    """Words that must be in no address and no store of the browser: numbers, names, the phone."""
    return [PHONE, *(word for row in rows for word in (row["number"], row["name"]))]


def qr_text(pdf: bytes) -> str:
    """The text of a report's QR code, as its file carries it for the verifier."""
    found = re.search(rb"yzt:(YZ1\.[A-Za-z0-9_-]+)", pdf)
    assert found, "the report carries no token"
    return found[1].decode()


def reports(stage: Stage) -> list[tuple[Any, ...]]:
    """(serial, case, status) of every report the node issued, oldest first."""
    return node_rows(stage.world.hall, "SELECT serial, office_case, status FROM report ORDER BY serial")
