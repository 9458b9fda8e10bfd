"""The centre's console in Chromium over a real hall's ledger: three administrators by keyboard, and the public page."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.conftest import SIZE
from tests.browser.stage import PURPOSE, WAIT_MS, Administrator, Ears, Stage, personal, qr_text, stored
from tests.story.outside import card_of
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

SETTLED_S = 120


class Centre:
    """The stage after a short day: one citizen asked online and from cache, everything countersigned."""

    def __init__(self, hall: Stage) -> None:
        self.hall = hall
        self.citizen = hall.citizen()
        self.answers = [self._answer()]
        hall.world.hall.line.stall()
        try:
            self.answers.append(self._answer())
        finally:
            hall.world.hall.line.restore()
        last = self.answers[-1]["entry"]["index"]
        until(lambda: self._countersigned() > last, "all is countersigned", SETTLED_S, every_s=0.2)

    def _answer(self) -> dict[str, Any]:
        clerk = self.hall.chief
        read, _ = clerk.lay(card_of(self.citizen))
        reply, _ = clerk.ask("public-credit.self", read)
        clerk.lift()
        return dict(reply.raise_for_status().json())

    def _countersigned(self) -> int:
        return int(self.hall.chief.status()["ledger"]["countersigned_size"])

    def token(self, at: int) -> str:
        """The QR text of the report of an answer."""
        return qr_text(self.hall.chief.pdf(self.answers[at]["report"]["serial"]))


@pytest.fixture(scope="module")
def centre(hall: Stage) -> Centre:
    hall.lift()
    return Centre(hall)


@pytest.fixture
def console(chromium: Browser, centre: Centre) -> Iterator[BrowserContext]:
    """A browser at the centre. After each test: no complaint, nobody outside asked, nothing personal in addresses."""
    context = chromium.new_context(viewport=SIZE)
    ears = Ears(context)
    yield context
    words = personal(centre.hall.citizens)
    kept = [stored(page) for page in context.pages]
    context.close()
    ears.judge(words)
    assert [word for word in words if word in "".join(kept)] == []


def at(console: BrowserContext, centre: Centre, name: str) -> Administrator:
    administrator = Administrator(console.new_page(), centre.hall)
    administrator.sign_in(name)
    return administrator


def test_g23_the_auditor_finds_every_access_to_a_person_and_opens_the_proof(
    console: BrowserContext, centre: Centre
):
    auditor = at(console, centre, "audit")
    auditor.look_for(centre.citizen["number"], PURPOSE)
    auditor.sees("查询目的：")
    rows = auditor.page.locator("main tbody tr")
    shown = rows.all_inner_texts()
    assert len([row for row in shown if "离线" in row]) >= 1, shown
    assert len([row for row in shown if "在线" in row]) >= 1, shown
    for row in shown:
        assert "wu.yue" in row
        assert "清河县市民之家" in row
        assert "已会签" in row
    assert centre.citizen["number"] not in auditor.page.content()
    assert centre.citizen["name"] not in auditor.page.content()
    auditor.open_row()
    auditor.sees("证明成立", "#proof")
    auditor.sees("根一致", "#proof")
    expect(auditor.page.locator("tr[aria-current]")).to_have_count(1)


def test_g23_a_number_without_a_purpose_finds_nothing_and_says_what_is_missing(
    console: BrowserContext, centre: Centre
):
    auditor = at(console, centre, "audit")
    with console.expect_event(
        "response", lambda reply: reply.request.method == "POST", timeout=WAIT_MS
    ) as said:
        auditor.look_for(centre.citizen["number"], "")
    assert said.value.status == 422
    auditor.sees("目的", "[data-errors]")
    assert auditor.page.locator("main tbody tr").count() == 0


def test_g23_the_auditors_own_searches_stand_among_the_acts(console: BrowserContext, centre: Centre):
    auditor = at(console, centre, "audit")
    auditor.look_for(centre.citizen["number"], PURPOSE)
    auditor.go("/acts")
    auditor.sees(PURPOSE)
    auditor.sees("审计管理员")


def test_g24_the_citizens_sheet_lists_what_the_auditor_sees(console: BrowserContext, centre: Centre):
    auditor = at(console, centre, "audit")
    auditor.go("/subject")
    auditor.write("#f-number", centre.citizen["number"])
    auditor.write("#f-purpose", PURPOSE)
    auditor.turn("Enter")
    count = auditor.page.locator("main tbody tr").count()
    assert count >= 2
    auditor.turn("p")
    auditor.sees("谁查看过我的信用信息")
    assert auditor.page.locator("main tbody tr").count() == count
    assert centre.citizen["number"] not in auditor.page.content()


def test_g21_the_system_administrator_sees_the_fleet_and_cannot_open_the_trail(
    console: BrowserContext, centre: Centre
):
    system = at(console, centre, "system")
    system.sees("清河县市民之家")
    system.open_row()
    system.sees("检查点")
    assert system.page.locator('.bar nav a[href="/trail"]').count() == 0
    reply = system.page.request.get(centre.hall.centre_url + "/trail")
    assert reply.status == 403
    assert "现在怎么办" in reply.text()
    assert centre.citizen["name"] not in reply.text()


def test_g21_the_security_administrator_sees_administrators_and_no_accesses(
    console: BrowserContext, centre: Centre
):
    security = at(console, centre, "security")
    security.go("/administrators")
    security.sees("三个管理员，三份互不重叠的权力")
    for path in ("/trail", "/subject", "/reports", "/findings"):
        assert security.page.request.get(centre.hall.centre_url + path).status == 403, path


def test_g12_anybody_verifies_a_real_report_and_an_altered_one_is_refused(
    console: BrowserContext, centre: Centre
):
    visitor = Administrator(console.new_page(), centre.hall)
    visitor.verify(centre.token(0))
    visitor.sees("真实有效", ".verdict")
    visitor.sees(centre.answers[0]["report"]["serial"])
    visitor.verify(centre.token(1))
    visitor.sees("真实", ".verdict")
    assert centre.citizen["name"] not in visitor.page.content()
    text = centre.token(0)
    visitor.verify(text[:40] + ("A" if text[40] != "A" else "B") + text[41:])
    visitor.sees("不是真实的报告", ".verdict")


def test_g37_the_console_in_english_has_no_chinese_but_names(console: BrowserContext, centre: Centre):
    auditor = at(console, centre, "audit")
    left = {}
    for path in ("", "trail", "subject", "findings", "reports", "acts", "verify"):
        auditor.page.goto(f"{centre.hall.centre_url}/{path}?lang=en")
        expect(auditor.page.locator("html")).to_have_attribute("lang", "en", timeout=WAIT_MS)
        if found := auditor.chinese():
            left[path] = found
    assert left == {}
