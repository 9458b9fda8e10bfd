"""zh-CN and en are complete: every text of a template is marked and has its English."""

from pathlib import Path

import pytest

from central.pages import screens
from tests.unit.central_pages import words

TEMPLATES = sorted(screens.TEMPLATES.rglob("*.html"))


def test_g37_every_marked_text_has_its_english():
    english = screens.texts("en")
    missing = [text for text in words.marked() if not english.get(text)]
    assert missing == []


def test_english_has_no_text_that_no_template_shows():
    own = screens.LOCALE / "en" / "console.po"
    ids = {
        line.split('"')[1]
        for line in own.read_text("utf-8").splitlines()
        if line.startswith('msgid "') and line != 'msgid ""'
    }
    idle = [text for text in ids if text not in words.marked()]
    assert idle == []


def test_placeholders_are_the_same_in_both_languages():
    english = screens.texts("en")
    for text in words.marked():
        assert sorted(words.HOLES.findall(text)) == sorted(words.HOLES.findall(english[text])), text


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_chinese_stands_outside_a_mark(path: Path):
    assert words.unmarked(path) == []


def test_english_shows_no_chinese():
    english = screens.texts("en")
    assert [
        text
        for text in words.marked()
        if words.CHINESE.search(english[text]) and "清河县" not in english[text]
    ] == []
