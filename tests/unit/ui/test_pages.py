"""Every template against the struct it is given, in both languages, with nothing from outside."""

import re
from functools import cache
from html.parser import HTMLParser

import msgspec
import pytest
from litestar import Litestar

from edge.pages import doors, screen, serving, views
from edge.pages.desk import Desk, Desks
from edge.pages.table import PAGES as ROWS
from edge.pages.table import ROUTES
from tests.unit.ui import extracted, samples
from tests.unit.ui.sample_pages import CATALOGUE, PAGES, desk

LANGS = ("zh-CN", "en")
GIVEN = {"frame", "status"}


class Tags(HTMLParser):
    """All tags of a page with their attributes, in order, with the text of labels."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def all(self, *names: str) -> list[dict[str, str]]:
        return [attrs for tag, attrs in self.tags if tag in names]


@cache
def tags_of(name: str, lang: str = "zh-CN") -> Tags:
    return Tags(render(name, lang))


@cache
def render(name: str, lang: str = "zh-CN") -> str:
    here, mode, make = PAGES[name]
    return screen.page(make(), samples.frame(lang, here, mode), samples.status(mode))


@pytest.mark.parametrize("view", screen.TEMPLATES, ids=lambda view: view.__name__)
def test_a_template_uses_exactly_the_fields_of_its_view(view):
    used = extracted.names_used(screen.TEMPLATES[view]) - GIVEN
    assert used == set(view.__struct_fields__)


def test_every_template_of_a_page_has_its_view_and_every_view_its_page():
    shown = {view for row in ROWS for view in row.views} | {views.TroublePageView}
    assert shown == set(screen.TEMPLATES)
    alone = {name for name in extracted.templates() if "/" not in name}
    assert alone - {"hall.html", "serve.html"} == set(screen.TEMPLATES.values())


def test_every_page_of_the_table_is_an_address_of_the_program():
    served = {route.path for route in Litestar(route_handlers=[*ROUTES]).routes}
    assert {row.path for row in ROWS} <= served


def test_the_gallery_shows_every_view():
    assert {type(make()) for _, _, make in PAGES.values()} == set(screen.TEMPLATES)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_holds_nothing_inline_and_nothing_from_outside(name, lang):
    tags = tags_of(name, lang)
    assert not [attrs for _, attrs in tags.tags if {"style", "onclick", "onsubmit", "onload"} & attrs.keys()]
    assert not tags.all("style", "base", "iframe", "object", "embed")
    assert all(attrs.get("src", "").startswith("/static/") for attrs in tags.all("script"))
    addresses = [attrs.get(key, "") for _, attrs in tags.tags for key in ("href", "src", "action", "hx-get")]
    assert all(re.match(r"(/|\?|#|$)", address) and not address.startswith("//") for address in addresses)


@pytest.mark.parametrize("name", PAGES)
def test_every_form_that_changes_something_is_a_post_with_its_token(name):
    text = render(name)
    forms = re.findall(r"<form[^>]*>.*?</form>", text, re.DOTALL)
    for form in forms:
        if 'method="post"' in form and 'action="/signin' not in form:
            assert 'name="csrf" value="token"' in form, form[:120]
    assert 'method="get"' not in text or name.startswith("day"), "only the day is asked for by address"


@pytest.mark.parametrize("name", PAGES)
def test_every_field_has_a_label_and_every_id_stands_once(name):
    tags = tags_of(name)
    labels = {attrs["for"] for attrs in tags.all("label") if "for" in attrs}
    for attrs in tags.all("input", "select", "textarea"):
        if attrs.get("type") != "hidden":
            assert attrs.get("id") in labels, attrs
    ids = [attrs["id"] for _, attrs in tags.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    described = " ".join(attrs.get("aria-describedby", "") for _, attrs in tags.tags).split()
    assert set(described) <= set(ids)


@pytest.mark.parametrize("name", PAGES)
def test_no_key_means_two_things_on_one_page(name):
    keys = [attrs["data-key"] for _, attrs in tags_of(name).tags if "data-key" in attrs]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", PAGES)
def test_the_page_says_when_it_was_made_and_has_one_first_heading(name):
    text = render(name)
    assert "2026-11-21 12:04:31" in text
    assert len(tags_of(name).all("h1")) <= 1
    assert tags_of(name).all("title")


@pytest.mark.parametrize("name", PAGES)
def test_an_english_page_says_nothing_of_its_own_in_chinese(name):
    words = {text for template in extracted.templates() for _, text in extracted.messages(template)}
    spoken = {text for text in words if "{" not in text and len(text) > 3}
    page = render(name, "en")
    assert [text for text in spoken if f">{text}<" in page] == []


def test_g05_the_strip_states_four_facts_with_their_ages_also_when_they_are_nothing():
    text = screen.part("strip", None, samples.frame(), samples.status())
    plain = re.sub(r"<[^>]+>|\s+", " ", text)
    for fact in (
        "中心 12:01",
        "3 分钟前",
        "待上传 0",
        "核验 在线",
        "本机数据截至 09:34（2 小时 30 分前）",
        "离线授权剩余 61 小时",
    ):
        assert fact in plain


def test_the_strip_of_a_node_that_never_reached_its_centre_says_so():
    never = msgspec.structs.replace(
        samples.status("offline"),
        centre=msgspec.structs.replace(samples.status().centre, reachable=False, last_contact=None, last_contact_age_s=None),
        lease=(),
        releases=(),
        stopped=(samples.words("离线授权已到期", "ended"),),
    )  # fmt: skip
    text = screen.part("strip", None, samples.frame(), never)
    for fact in ("中心从未连通", "离线授权 无", "本机没有数据", "离线授权已到期"):
        assert fact in text


def test_f064_a_refusal_shows_all_that_is_missing_with_the_rule_and_what_to_do():
    text = render("refusal")
    assert all(words.zh in text for words in samples.REFUSAL.missing)
    assert samples.REFUSAL.rule in text
    assert samples.REFUSAL.next.zh in text


def test_expired_groups_show_no_lines_but_say_that_they_are_expired():
    text = render("answer")
    assert "未取得可用的信息" in text
    assert text.index("司法信息") < text.index("◆")


def test_what_a_name_holds_is_text_and_never_markup():
    sly = msgspec.structs.replace(samples.card(), name="<script>alert(1)</script>")
    view = views.SideView(side=samples.side(read=sly))
    text = screen.part("identity", view, samples.frame(), samples.status())
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize(
    ("code", "case"),
    [(code, case) for code, matter in CATALOGUE.items() for case in matter.cases if matter.report],
)
def test_f059_every_case_of_a_matter_has_a_form_that_lists_its_papers(code, case):
    matter = CATALOGUE[code]
    view = serving.papers_view(matter, desk(code, case), samples.side())
    text = screen.page(view, samples.frame(), samples.status())
    assert view.ticks
    assert all(f'name="{tick.field}"' in text or tick.by_card for tick in view.ticks)


def test_a_question_waits_for_every_report_that_was_sent_and_for_nothing_else():
    jobs = (
        samples.job("sent", 1),
        samples.job("sent", 2, kind="slip"),
        samples.job("queued", 3, problem=True),
    )
    assert [job.id for job in doors.questions(jobs, "3")] == ["j1"]
    assert doors.questions(jobs, "1") == ()


def test_a_check_page_asks_once_even_if_the_button_is_pressed_twice():
    made = desk("public-credit.self", "self-natural")
    made.fill({"phone": "1"}, ())
    nonce = made.nonce
    assert not made.may_ask("wrong")
    assert made.may_ask(nonce)
    assert not made.may_ask(nonce)


def test_an_answer_stays_on_the_desk_until_it_is_finished():
    made = desk("public-credit.self", "self-natural")
    made.settle(samples.answer())
    made.open("papers")
    assert made.holds_answer()
    made.settle(samples.REFUSAL)
    made.open("papers")
    assert made.outcome is None


def test_desks_are_swept_when_nobody_touched_them_and_when_the_clerk_leaves():
    desks = Desks()
    first = desks.of(samples.SESSION, samples.NOW)
    first.choose("public-credit.self", "self-natural", samples.NOW)
    assert desks.of(samples.SESSION, samples.NOW + 60_000) is first
    assert desks.of(samples.SESSION, samples.NOW + 3_600_000).step == "choose"
    desks.clear(samples.SESSION)
    assert desks.of(samples.SESSION, samples.NOW + 3_600_001) is not first
    desks.clear(samples.SESSION, frozenset({"r-1"}))
    assert desks.of(samples.SESSION, samples.NOW).spent == {"r-1"}, "the last card stands for nobody any more"
    assert "王" not in repr(first)
    assert isinstance(first, Desk)
