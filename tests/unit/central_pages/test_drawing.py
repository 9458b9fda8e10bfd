from datetime import date

import pytest

from central.pages import drawing
from matters.calendar import china_day

NOON_MS = 1_795_233_600_000  # 2026-11-21 12:00 in hall time
DAY_MS = 86_400_000


def test_a_line_runs_from_edge_to_edge_and_stays_inside():
    found = drawing.spark((0, 5, 10))
    assert found.path == "M0 23 L60 13 L120 3"
    assert (found.last, found.peak) == (10, 10)


def test_no_values_draw_nothing_and_one_value_draws_a_level_line():
    assert drawing.spark(()).path == ""
    assert drawing.spark((4,)).path == "M0 3 L120 3"


def test_nothing_waiting_lies_on_the_ground():
    assert drawing.spark((0, 0)).path == "M0 23 L120 23"


def test_a_chart_counts_every_day_also_the_empty_ones():
    found = drawing.chart([NOON_MS, NOON_MS - 2 * DAY_MS, NOON_MS - 2 * DAY_MS], None, date(2026, 11, 21))
    assert found.days == (("2026-11-19", 2), ("2026-11-20", 0), ("2026-11-21", 1))
    assert [label.text for label in found.labels] == ["11-19", "11-20", "11-21"]
    assert found.peak == 2


def test_a_chart_starts_where_the_search_starts_and_never_before_three_months():
    assert len(drawing.chart([], date(2026, 11, 15), date(2026, 11, 21)).days) == 7
    assert len(drawing.chart([], date(2020, 1, 1), date(2026, 11, 21)).days) == 92


def test_a_long_chart_keeps_few_labels_with_first_and_last():
    labels = drawing.chart([], date(2026, 9, 1), date(2026, 11, 21)).labels
    assert len(labels) <= 8
    assert (labels[0].anchor, labels[-1].anchor, labels[-1].text) == ("start", "end", "11-21")


def test_midnight_belongs_to_the_new_day_in_hall_time():
    midnight_ms = NOON_MS - 12 * 3_600_000
    assert china_day(midnight_ms) == date(2026, 11, 21)
    assert china_day(midnight_ms - 1) == date(2026, 11, 20)


@pytest.mark.parametrize(
    ("state", "kind"), [("matched", "c3"), ("open", "cb"), ("missing", "c0"), ("", "c1")]
)
def test_a_cell_has_the_class_of_its_state(state: str, kind: str):
    found = drawing.strip(["2026-11-20"], [("大厅", [state])])
    assert found.rows[0].cells[0].kind == kind
    assert found.counts == {state: 1}


def test_the_strip_is_as_wide_as_its_days_and_as_high_as_its_nodes():
    found = drawing.strip(["a", "b", "c"], [("x", ["", "", ""]), ("y", ["open", "", "open"])])
    assert (found.width, found.height) == (51, 40)
    assert found.rows[1].counts == {"open": 2, "": 1}
