import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.devices.receipt_printer.layout import NOT_FIRST, clean, is_rare, width, wrap


@pytest.mark.parametrize(
    ("text", "columns"), [("", 0), ("abc", 3), ("张三", 4), ("A张·“", 7), ("é", 2), ("e\u0301", 1)]
)
def test_a_character_takes_the_columns_the_printer_gives_it(text, columns):
    assert width(text) == columns


@pytest.mark.parametrize(
    ("mark", "rare"), [("A", False), ("王", False), ("〇", False), ("：", False), ("䶮", True)]
)
def test_what_gbk_lacks_is_rare(mark, rare):
    assert is_rare(mark) is rare
    assert is_rare("𠮷")
    assert is_rare("㛃")


def test_chinese_wraps_anywhere_and_words_between_words():
    assert wrap("政务服务大厅", 6) == ["政务服", "务大厅"]
    assert wrap("one two three", 8) == ["one two", "three"]
    assert wrap("编号 YZ-330102-0001", 12) == ["编号", "YZ-330102-00", "01"]
    assert wrap("", 48) == [""]


def test_a_closing_mark_does_not_begin_a_line():
    assert wrap("请带身份证，谢谢", 10) == ["请带身份", "证，谢谢"]
    assert wrap("第2026，好", 6) == ["第2026", "，好"]


def test_an_indent_stays_and_spaces_at_a_break_go():
    assert wrap("  ab", 8) == ["  ab"]
    assert wrap("abcd   efgh", 4) == ["abcd", "efgh"]


def test_control_characters_become_spaces_and_invisible_ones_go():
    assert clean("a\x1b@b\u202ec\x00") == "a @bc "


def test_a_mark_with_a_twin_in_gbk_prints_as_text():
    assert clean("3301••••4516 ¥5") == "3301····4516 ￥5"
    assert not any(map(is_rare, clean("•‧・¥‑\u00a0")))


@given(st.text(max_size=80), st.integers(4, 48))
def test_no_line_is_too_long_and_nothing_is_lost(text, columns):
    lines = wrap(text, columns)
    assert all(width(line) <= columns for line in lines)
    assert (
        "".join(lines).replace(" ", "") == clean(text).replace(" ", "") or "\u3000" in text or _spaced(text)
    )


def _spaced(text):
    return any(mark.isspace() for mark in clean(text).replace(" ", ""))


@given(st.text("政务服务大厅，。", min_size=4, max_size=60))
def test_closing_marks_begin_a_line_only_when_half_a_line_would_have_to_move(text):
    for before, line in zip(wrap(text, 12), wrap(text, 12)[1:], strict=False):
        assert line[0] not in NOT_FIRST or width(before) <= 6
