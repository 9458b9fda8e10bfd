"""Every page, rendered with invented figures in both languages, keeps what the console promises."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import msgspec
import pytest
from jinja2 import Environment, nodes

from central.pages import frame, screens, views
from central.security.permissions import ROLES, permitted
from tests.unit.central_pages import gallery, rows, samples, words

LANGUAGES = ("zh-CN", "en")
SHOWN = [(name, lang) for name, *_ in samples.PAGES for lang in LANGUAGES]
VOID = {"meta", "link", "input", "br", "hr", "img", "path", "rect"}
NUMBER = re.compile(r"\d{17}[\dXx]")


class Reader(HTMLParser):
    """The tags of a page in order, each with its attributes and the forms around it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.forms: list[list[tuple[str, dict[str, str | None]]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        one = (tag, dict(attrs))
        self.tags.append(one)
        if tag == "form":
            self.forms.append([])
        if "form" in [*self.open, tag]:
            self.forms[-1].append(one)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass


def read(name: str, lang: str) -> tuple[str, Reader]:
    text = gallery.page(name, lang)
    assert text is not None
    return text, Reader(text)


@pytest.mark.parametrize(("name", "lang"), SHOWN)
def test_a_page_has_nothing_inline_and_nothing_from_outside(name: str, lang: str):
    text, reader = read(name, lang)
    assert "style=" not in text
    for tag, attributes in reader.tags:
        assert tag != "style"
        assert tag != "script" or attributes.get("src")
        assert not [key for key in attributes if key.startswith("on")]
        for key in ("src", "href", "action"):
            assert (attributes.get(key) or "/").startswith(("/", "#", "?")), (tag, attributes)


@pytest.mark.parametrize(("name", "lang"), SHOWN)
def test_every_form_that_changes_something_carries_its_mark(name: str, lang: str):
    _, reader = read(name, lang)
    for form in reader.forms:
        _, attributes = form[0]
        if attributes.get("method") == "post":
            marks = [inner for tag, inner in form if tag == "input" and inner.get("name") == "csrf"]
            assert [mark.get("value") for mark in marks] == ["mark"], attributes


@pytest.mark.parametrize(("name", "lang"), SHOWN)
def test_every_field_has_a_name_for_those_who_cannot_see_it(name: str, lang: str):
    _, reader = read(name, lang)
    labelled = {attributes.get("for") for tag, attributes in reader.tags if tag == "label"}
    for tag, attributes in reader.tags:
        hidden = attributes.get("type") == "hidden"
        if tag in {"input", "select", "textarea"} and not hidden:
            assert attributes.get("id") in labelled or attributes.get("aria-label"), attributes
        if tag == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden")


@pytest.mark.parametrize(("name", "lang"), SHOWN)
def test_ids_are_not_given_twice_and_headings_begin_with_one(name: str, lang: str):
    _, reader = read(name, lang)
    ids = [attributes["id"] for _, attributes in reader.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    assert [tag for tag, _ in reader.tags].count("h1") == 1


@pytest.mark.parametrize(("name", "lang"), SHOWN)
def test_g23_no_page_shows_a_whole_number_except_the_form_that_was_typed_into(name: str, lang: str):
    text, _ = read(name, lang)
    if name != "trail-errors":
        assert not NUMBER.search(text)


def test_no_address_carries_a_number_because_searches_are_posted():
    for path in screens.TEMPLATES.rglob("*.html"):
        text = path.read_text("utf-8")
        for form in re.findall(r"<form[^>]*method=\"get\"[^>]*>.*?</form>", text, re.DOTALL):
            assert 'name="number"' not in form
            assert "field(" not in form


def test_g37_the_english_page_has_english_words_only():
    text, _ = read("trail-first", "en")
    own = re.sub(
        r"<(footer|dialog|header|a class=\"skip\"|div class=\"lost\").*?</\1>", "", text, flags=re.DOTALL
    )
    main = own[own.index("<main") : own.index("</main>")]
    options = re.sub(r"<option.*?</option>", "", main)
    assert not words.CHINESE.findall(options)


VIEWS = {template: type(view) for _, template, _, view in samples.PAGES}


@pytest.mark.parametrize("template", sorted(VIEWS))
def test_a_view_has_exactly_the_fields_its_template_uses(template: str):
    assert fields_used(template) == set(VIEWS[template].__struct_fields__)


def test_every_view_of_a_page_is_shown_in_the_gallery():
    pages = {
        one
        for one in vars(views).values()
        if isinstance(one, type) and one.__name__.endswith(("Page", "Paper"))
    }
    own = {one for one in pages if one.__module__ == views.__name__}
    assert own == set(VIEWS.values())


def fields_used(template: str) -> set[str]:
    text = (screens.TEMPLATES / "console" / f"{template}.html").read_text("utf-8")
    tree = Environment(autoescape=True).parse(text)
    return {
        one.attr
        for one in tree.find_all(nodes.Getattr)
        if isinstance(one.node, nodes.Name) and one.node.name == "view"
    }


@pytest.mark.parametrize("role", ROLES)
def test_g21_the_bar_shows_only_the_doors_a_role_may_open(role: str):
    shown = {door.path for door in frame.frame(gallery.visitor(role, "zh-CN"), "/").nav}
    expected = {path for path, act, _ in frame.DOORS if permitted(role, act)} | {"/verify"}
    assert shown == expected
    assert ("/trail" in shown) == (role == "audit")
    assert ("/releases" in shown) == (role == "system")


def test_before_sign_in_there_are_no_doors():
    assert frame.frame(gallery.visitor("", "zh-CN"), "/signin").nav == ()


def test_while_the_one_time_password_stands_there_are_no_doors():
    visitor = gallery.visitor("audit", "zh-CN")
    assert visitor.session is not None
    forced = msgspec.structs.replace(
        visitor, session=msgspec.structs.replace(visitor.session, must_change=True)
    )
    assert frame.frame(forced, "/password").nav == ()


def test_each_state_of_a_report_has_its_own_verdict_in_words():
    said = {name: verdict_line(name) for name in ("genuine", "superseded", "provisional", "forged")}
    assert len(set(said.values())) == len(said)
    assert said["forged"] == "不是真实的报告"


def verdict_line(name: str) -> str:
    text, _ = read(f"verify-{name}", "zh-CN")
    found = re.search(r'class="verdict.*?<h2>(.*?)</h2>', text, re.DOTALL)
    assert found
    return found[1]


def test_what_is_broken_is_told_in_the_row_and_in_the_strip():
    text, _ = read("trail", "zh-CN")
    assert "证明不成立 1" in text
    assert text.count("✗") >= 1
    assert "另有 1 个节点尚未报告" in text
    assert "流动车 07" in text


def test_occurred_stands_beside_arrived_and_the_delay_is_said():
    text, _ = read("trail", "zh-CN")
    row = text[text.index('class="on" aria-current') :].split("</tr>")[0]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
    assert "11-21 12:00:31" in cells[0]
    assert "12:25:10" in cells[1]
    assert "晚 24 分钟" in cells[1]


def placed(text: str, *parts: str) -> Iterator[int]:
    yield from (text.index(part) for part in parts)


def test_what_needs_a_person_comes_first_in_the_fleet():
    text, _ = read("fleet", "zh-CN")
    order = list(
        placed(text, "需要人处理 2", "<bdi>流动车 07", "<bdi>东关分厅", "其他 5", "<bdi>清河县市民之家")
    )
    assert order == sorted(order)


def test_a_text_from_outside_cannot_become_markup():
    row = rows.access(0, actor='<script src="//x">', purpose='"><img src=x>')
    found = msgspec.structs.replace(samples.TRAIL_FOUND, rows=(row,))
    text = gallery.render("trail", "audit", samples.trail(found), "zh-CN")
    assert "<img" not in text
    assert "&lt;script" in text
