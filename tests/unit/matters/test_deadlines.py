"""Working days and deadlines."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matters.calendar import WorkingDays, YearRows, builtin, china_day
from matters.deadlines import DEADLINES, DeadlineRule, due, find, parse_rules, strictest
from matters.errors import MattersError, TableInvalid
from matters.model import Words

WORDS = Words(zh="测试", en="test")
ROWS_2027 = YearRows(year=2027, off=(date(2027, 1, 1),), working=(date(2027, 1, 2),), basis="国办发明电")


def rule(value, unit):
    return DeadlineRule(code="x", words=WORDS, unit=unit, jurisdiction="national", basis="b", value=value)


@pytest.mark.parametrize(
    "day",
    [
        date(2026, 1, 4),
        date(2026, 2, 14),
        date(2026, 2, 28),
        date(2026, 5, 9),
        date(2026, 9, 20),
        date(2026, 10, 10),
    ],
)
def test_the_make_up_days_of_2026_are_working_days_although_on_a_weekend(day):
    assert day.weekday() >= 5
    assert builtin().kind(day) == "working"


def test_a_holiday_and_a_weekend_are_off_and_a_plain_tuesday_is_not():
    assert builtin().kind(date(2026, 10, 1)) == "off"
    assert builtin().kind(date(2026, 11, 22)) == "off"
    assert builtin().kind(date(2026, 11, 24)) == "working"


def test_a_year_without_a_published_table_is_unknown_and_never_a_guess():
    assert builtin().kind(date(2027, 3, 2)) == "unknown"
    assert builtin().kind(date(2003, 3, 2)) == "unknown"


def test_a_pushed_year_is_known_and_replaces_an_older_push():
    table = builtin().with_year(ROWS_2027)
    assert table.kind(date(2027, 1, 1)) == "off"
    assert table.kind(date(2027, 1, 2)) == "working"
    assert table.kind(date(2026, 10, 1)) == "off"
    again = table.with_year(YearRows(year=2027, off=(), working=(), basis="更正"))
    assert again.kind(date(2027, 1, 1)) == "working"
    assert again.kind(date(2027, 1, 2)) == "off"


@pytest.mark.parametrize(
    "rows",
    [
        YearRows(year=2027, off=(date(2026, 1, 1),), working=(), basis=""),
        YearRows(year=2027, off=(date(2027, 1, 1),), working=(date(2027, 1, 1),), basis=""),
    ],
)
def test_rows_of_another_year_or_on_both_sides_are_refused(rows):
    with pytest.raises(TableInvalid, match="2027"):
        builtin().with_year(rows)


def test_the_day_in_china_begins_eight_hours_before_the_day_in_greenwich():
    assert china_day(1_795_276_799_999) == date(2026, 11, 21)
    assert china_day(1_795_276_800_000) == date(2026, 11, 22)


def test_every_row_of_the_deadline_table_states_unit_jurisdiction_and_basis():
    assert len(DEADLINES) >= 40
    for row in DEADLINES:
        assert row.words.zh
        assert row.words.en
        assert row.jurisdiction
        assert row.basis
        assert row.value is not None or row.steps or row.alternatives or row.at_least is not None


@pytest.mark.parametrize(
    ("code", "place", "value", "unit"),
    [
        ("credit-objection", "national", 20, "d"),
        ("credit-complaint", "national", 30, "d"),
        ("public-report-email", "shanghai", 2, "wd"),
        ("public-objection-decided", "shanghai", 5, "wd"),
        ("public-repair-delete", "henan", 1, "wd"),
        ("residence-issue", "national", 15, "d"),
        ("permit-decision", "national", 20, "wd"),
        ("bad-review-contact", "anyang", 1, "wd"),
        ("opinion-reply", "source-002", 7, "wd"),
    ],
)
def test_calendar_days_and_working_days_are_kept_apart(code, place, value, unit):
    row = find(code, place, date(2026, 11, 21))
    assert row is not None
    assert (row.value, row.unit) == (value, unit)


def test_a_place_without_a_row_takes_the_national_one_and_else_the_strictest_known():
    day = date(2026, 11, 21)
    national = find("permit-delivery", "zhejiang", day)
    assert national is not None
    assert national.jurisdiction == "national"
    strict = find("public-repair-delete", "zhejiang", day)
    assert strict is not None
    assert strict.jurisdiction == "henan"
    assert find("no-such-deadline", "zhejiang", day) is None
    assert strictest([rule(None, "wd")]) is None
    assert strictest([rule(20, "wd"), rule(21, "d"), rule(1, "months")]) == rule(21, "d")


def test_a_row_is_found_only_while_it_is_in_force():
    assert find("network-logs", "national", date(2025, 12, 31)) != find(
        "network-logs", "national", date(2026, 1, 1)
    )
    assert find("repair-publication-minor", "national", date(2026, 3, 31)) is None
    assert find("repair-publication-minor", "national", date(2026, 4, 1)) is not None
    assert find("credit-free-reports-2026", "national", date(2026, 7, 1)) is None


def test_the_day_of_the_start_does_not_count_and_at_once_means_the_same_day():
    assert due(rule(20, "d"), date(2026, 11, 21), builtin()).day == date(2026, 12, 11)
    assert due(rule(0, "wd"), date(2026, 11, 21), builtin()).day == date(2026, 11, 21)
    assert due(rule(1, "wd"), date(2026, 11, 20), builtin()).day == date(2026, 11, 23)


def test_months_and_years_end_on_the_same_day_or_the_last_of_the_month():
    assert due(rule(3, "months"), date(2026, 11, 30), builtin()).day == date(2027, 2, 28)
    assert due(rule(1, "months"), date(2026, 12, 5), builtin()).day == date(2027, 1, 5)
    assert due(rule(5, "years"), date(2024, 2, 29), builtin()).day == date(2029, 2, 28)


def test_a_working_day_deadline_into_an_unknown_year_is_provisional_until_the_table_arrives():
    late = due(rule(2, "wd"), date(2026, 12, 31), builtin())
    assert late.provisional
    assert late.day is None
    known = due(rule(2, "wd"), date(2026, 12, 31), builtin().with_year(ROWS_2027))
    assert not known.provisional
    assert known.day == date(2027, 1, 4)


def test_a_table_without_any_working_day_gives_no_day_instead_of_counting_for_ever():
    closed = WorkingDays(
        years=frozenset(range(2026, 2060)),
        off=frozenset(date(2026, 1, 1) + timedelta(days=n) for n in range(11_000)),
        working=frozenset(),
    )
    assert due(rule(1, "wd"), date(2026, 1, 1), closed).day is None


@given(st.dates(date(2004, 1, 1), date(2026, 10, 1)), st.integers(0, 20))
def test_between_start_and_due_lie_exactly_as_many_working_days_as_the_rule_says(start, count):
    table = builtin()
    end = due(rule(count, "wd"), start, table).day
    assert end is not None
    days = [start + timedelta(days=n) for n in range(1, (end - start).days + 1)]
    assert sum(table.kind(day) == "working" for day in days) == count


@pytest.mark.parametrize("row", [rule(None, "wd"), rule(2, "units")])
def test_a_row_without_a_single_span_of_time_has_no_due_day(row):
    with pytest.raises(TableInvalid):
        due(row, date(2026, 11, 21), builtin())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"[[rule]\n", "Expected"),
        (b"\xff", "utf-8"),
        (b"", "no"),
        (b"[[rule]]\ncode = 'x'\n", "row 1"),
        (b"[[rule]]\ncode='x'\nwords={zh='a',en='b'}\nunit='weeks'\njurisdiction='n'\nbasis='b'\n", "row 1"),
        (
            b"[[rule]]\ncode='x'\nwords={zh='a',en='b'}\nunit='d'\njurisdiction='n'\nbasis='b'\nextra=1\n",
            "extra",
        ),
    ],
)
def test_a_deadline_table_that_is_none_is_refused_with_its_row(text, said):
    with pytest.raises(MattersError, match=said) as caught:
        parse_rules(text)
    assert caught.value.code == "table-invalid"
