"""Free credit reports: two a calendar year, two more in the first half of 2026, then 10 yuan."""

from datetime import date

import pytest

from matters.quota import QuotaRule, spend
from tests.unit.matters.figures import MATTERS

RULE = MATTERS["credit-bureau.self"].quota or QuotaRule(
    code="", free_per_year=0, fee_cents=0, basis="", fee_basis=""
)


@pytest.mark.parametrize(
    ("used", "free", "fee", "left"),
    [(0, True, 0, 1), (1, True, 0, 0), (2, False, 1000, 0), (7, False, 1000, 0)],
)
def test_f017_two_reports_a_year_are_free_and_the_third_costs_ten_yuan(used, free, fee, left):
    verdict = spend(RULE, used, date(2025, 5, 5))
    assert (verdict.free, verdict.fee_cents, verdict.left_after) == (free, fee, left)
    assert not verdict.provisional


def test_f017_the_words_name_the_fee_and_the_rule():
    verdict = spend(RULE, 2, date(2025, 5, 5))
    assert "10 元" in verdict.words.zh
    assert "10 yuan" in verdict.words.en
    assert verdict.rule == "征信业管理条例 第十七条；发改价格〔2016〕54号"
    assert spend(RULE, 0, date(2025, 5, 5)).rule == "征信业管理条例 第十七条"


@pytest.mark.parametrize(
    ("day", "used", "free"),
    [
        (date(2026, 1, 1), 3, True),
        (date(2026, 6, 30), 3, True),
        (date(2026, 6, 30), 4, False),
        (date(2025, 12, 31), 3, False),
        (date(2027, 1, 1), 2, False),
    ],
)
def test_f017_the_extra_reports_of_2026_are_a_dated_row(day, used, free):
    verdict = spend(RULE, used, day)
    assert verdict.free == free
    assert not verdict.provisional


def test_f017_extras_are_used_up_first_and_lapse_after_june():
    after = date(2026, 7, 1)
    assert spend(RULE, 0, after).left_after == 1
    assert spend(RULE, 3, after, used_in_extra=3).free
    assert not spend(RULE, 4, after, used_in_extra=4).free
    assert not spend(RULE, 2, after, used_in_extra=0).free
    assert not spend(RULE, 3, after, used_in_extra=1).free


def test_f017_not_knowing_when_they_were_used_makes_the_verdict_provisional():
    verdict = spend(RULE, 3, date(2026, 7, 1))
    assert not verdict.free
    assert verdict.provisional
    assert "联网后核定" in verdict.words.zh


def test_f017_offline_the_count_is_local_and_says_so():
    verdict = spend(RULE, 0, date(2025, 5, 5), offline=True)
    assert verdict.free
    assert verdict.provisional
    assert "离线计数" in verdict.words.zh
