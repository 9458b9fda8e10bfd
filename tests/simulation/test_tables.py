"""The tables of the chapter are those of the code."""

from collections import Counter
from pathlib import Path

from tests.simulation import rules
from tests.simulation.breaking import __doc__ as broken_rules
from tests.simulation.faults import BY_NAME, FAULTS, never, table

CHAPTER = Path(__file__).with_name("README.md").read_text("utf-8")
RESULTS = (Path(__file__).parents[2] / "sync" / "README.md").read_text("utf-8")
COLUMNS = 6


def test_every_fault_of_the_table_stands_in_the_chapter_with_its_words():
    for fault in FAULTS:
        assert f"| {fault.name} | {fault.words} |" in RESULTS


def test_the_chapter_counts_no_fault_the_table_has_lost():
    rows = [line.split("|")[1].strip() for line in RESULTS.splitlines() if line.count("|") == COLUMNS + 1]
    assert set(rows) - {"fault", "---"} <= set(BY_NAME)


def test_the_chapter_holds_the_table_of_rules_and_what_their_absence_breaks():
    assert rules.table() in RESULTS


def test_every_broken_rule_stands_in_the_chapter():
    names = [line.split("`")[1] for line in (broken_rules or "").splitlines() if line.count("`") == 2]
    assert len(names) == 4
    assert [name for name in names if name not in CHAPTER] == []


def test_a_fault_that_was_never_injected_is_named():
    counted = Counter({("restart", "level"): 1})
    assert "restart" not in never(counted)
    assert len(never(counted)) == len(FAULTS) - 1
    assert "| restart | the node is stopped and started in order | 0 | 1 | 0 |" in table(counted, 1)
