"""The shared look: words, times, contrast, headers."""

import re
from datetime import date
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from tests.unit.ui import extracted
from ui import headers, look
from ui.look import STATIC

NOW = 1_795_233_871_000  # 2026-11-21 12:04:31 in China
TOKENS = dict(look.colours())
# (text colour, ground, least ratio): 4.5 for text, 3 for large text, borders of fields and focus.
PAIRS = [
    *(
        (ink, ground, 4.5)
        for ink in ("ink", "ink-2", "ink-3", "teal", "teal-ink")
        for ground in ("paper", "sheet")
    ),
    ("ink-3", "sunken", 4.5),
    ("ink-2", "sunken", 4.5),
    ("fresh", "fresh-wash", 4.5),
    ("ageing", "ageing-wash", 4.5),
    ("expired", "expired-wash", 4.5),
    ("seal", "seal-wash", 4.5),
    ("teal-ink", "teal-wash", 4.5),
    ("ink-3", "teal-wash", 4.5),
    ("ageing", "sheet", 4.5),
    ("expired", "sheet", 4.5),
    ("fresh", "sheet", 4.5),
    ("sheet", "teal", 4.5),
    ("sheet", "teal-ink", 4.5),
    ("on-teal", "teal-ink", 4.5),
    ("on-teal", "teal", 4.5),
    ("sheet", "expired", 4.5),
    ("sheet", "seal", 4.5),
    ("edge", "sheet", 3.0),
    ("focus", "sheet", 3.0),
    ("focus", "paper", 3.0),
    ("on-teal-line", "teal-ink", 3.0),
]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ratio(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_colours_are_told_apart_by_weak_eyes(ink, ground, least):
    assert ratio(TOKENS[ink], TOKENS[ground]) >= least


def test_g37_every_text_of_the_hall_has_its_english():
    known = look.catalogue("en")
    missing = {
        (name, line, text)
        for name in extracted.templates()
        for line, text in extracted.messages(name)
        if text not in known
    }
    assert missing == set()


def test_no_english_is_left_over_and_no_placeholder_is_lost():
    used = {text for name in extracted.templates() for _, text in extracted.messages(name)} | {"长期"}
    known = look.catalogue("en")
    assert set(known) - used == set()
    holes = re.compile(r"\{\w+\}")
    assert [
        text for text, said in known.items() if set(holes.findall(text)) != set(holes.findall(said))
    ] == []


@pytest.mark.parametrize("name", [name for name in extracted.templates() if not name.startswith("help/")])
def test_a_template_says_nothing_in_chinese_that_is_not_marked(name):
    assert set(extracted.loose_chinese(name)) <= {"驿", "中文"}


def test_help_is_complete_in_both_languages():
    heads = [re.findall(r'id="(\w+)"', extracted.source(f"help/{lang}.html")) for lang in ("zh", "en")]
    assert heads[0] == heads[1]
    assert len(heads[0]) >= 8


def test_style_sheets_use_logical_properties_only():
    physical = re.compile(
        r"[\s;{](margin|padding|border)-(left|right|top|bottom)\b|[\s;{](left|right|top|bottom|width|height)\s*:"
    )
    for path in STATIC.glob("*.css"):
        assert not physical.search(path.read_text("utf-8")), path.name


def test_nothing_in_our_own_files_leads_outside():
    own = [
        *STATIC.glob("*.css"),
        *STATIC.glob("*.js"),
        *Path(extracted.UI).rglob("*.html"),
        *Path(extracted.EDGE).rglob("*.html"),
    ]
    assert [
        path.name for path in own if re.search(r"https?://(?!www\.w3\.org/2000/svg)", path.read_text("utf-8"))
    ] == []


def test_the_policy_lets_nothing_in_from_outside_and_nothing_inline():
    policy = headers.SECURITY_HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for rule in ("script-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert rule in policy


def test_static_addresses_change_with_their_content():
    assert re.fullmatch(r"/static/tokens\.css\?v=[0-9a-f]{10}", look.asset("tokens.css"))


@pytest.mark.parametrize(
    ("at_ms", "said"),
    [(NOW, "12:04"), (NOW - 86_400_000, "11-20 12:04"), (NOW - 400 * 86_400_000, "2025-10-17 12:04")],
)
def test_times_are_written_as_short_as_they_are_clear(at_ms, said):
    assert look.clock(at_ms, NOW) == said
    assert look.clock(at_ms).endswith("12:04")


def test_a_day_without_end_is_said_in_words():
    assert look.day(None) == "长期"
    assert look.day(date(2026, 11, 21)) == "2026-11-21"


@pytest.mark.parametrize(
    ("asked", "cookie", "lang"),
    [("en", "zh-CN", "en"), (None, "en", "en"), ("xx", "en", "en"), ("zh", "en", "zh-CN"), (None, None, "zh-CN"), ("", "", "zh-CN")],
)  # fmt: skip
def test_the_language_is_the_one_asked_for_last(asked, cookie, lang):
    assert look.language(asked, cookie) == lang


def test_numbers_and_hashes_are_written_for_the_eye():
    assert look.spaced(1_872_406_113) == "1\u00a0872\u00a0406\u00a0113"
    assert look.masked(bytes.fromhex("9f3c" + "00" * 28 + "e21a")) == "9f3c…e21a"
    assert look.masked("short") == "short"


def test_an_unknown_name_in_a_template_is_an_error_and_not_an_empty_place():
    with pytest.raises(UndefinedError):
        extracted.fresh_environment().from_string("{{ nobody }}").render()


def test_a_text_without_english_is_said_in_chinese_rather_than_not_at_all():
    assert look.translator("en")("没有译文的话 {n}", n=3) == "没有译文的话 3"


def test_codes_on_cards_are_said_in_words_and_unknown_ones_as_they_are():
    environment = extracted.fresh_environment()
    said = environment.from_string(
        "{{ '2'|sex }} {{ '05'|nation }} {{ '56'|nation }} {{ '57'|nation }} {{ 'x'|sex }}"
    )
    assert said.render() == "女 维吾尔 基诺 57 x"
