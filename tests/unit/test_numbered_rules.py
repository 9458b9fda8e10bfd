"""Each numbered rule of protocol.md 4, 8 and 10 has a test that names it, and one that fails without it."""

import re
from pathlib import Path

import pytest

from tests.rows import names_of_tests
from tests.simulation.rules import OTHERS, RULES

TESTS = Path(__file__).parents[1]
NAMED = re.compile(r"(?<=_)rule_(\d+_\d+)(?=_)")
NUMBERED = {
    "4.1": "the node offers its checkpoint with a consistency proof",
    "4.2": "frames from start: a gap is asked for, an overlap compared leaf by leaf",
    "4.3": "commit, then persist the countersignature, then reply",
    "4.4": "an acknowledgement counts only for the node's own root at that size",
    "4.5": "only bodies the centre countersigned, and old ones, are dropped",
    "4.6": "effects are keyed by (origin, index), carried entries keep their first",
    "4.7": "the age of the oldest entry that waits is shown, also when zero",
    "8.1": "entry and head commit before release",
    "8.2": "the anchor is fsynced before a report number is released; behind it is a rollback",
    "8.3": "the serial is allocated in the transaction of its entry",
    "8.4": "acknowledgement verified, stored, anchored, only then prune",
    "8.5": "an fsync or commit error stops the process; it restarts with a full check of the tail",
    "8.6": "sensitive answers stop at 10 % free; a reserve keeps room",
    "8.7": "a broken page quarantines the file; the node rebuilds",
    "8.8": "the centre: effects, countersignature, reply; restored it countersigns nothing until level",
    "10.1": "every exchange compares roots",
    "10.2": "day close and recount; differences are findings on both sides",
    "10.3": "ticket, access, report serial and sheet are matched",
    "10.4": "deep check by tile descent",
    "10.5": "report files the centre lacks are listed by serial and asked for",
    "10.6": "an online answer stands on two ledgers",
    "10.7": "a provisional report is judged again when it arrives",
}
"""The rules by their numbers there; the points of section 10 in their order."""


@pytest.fixture(scope="module")
def named() -> set[str]:
    names = names_of_tests(TESTS)
    return {number.replace("_", ".") for name in names for number in NAMED.findall(name)}


@pytest.mark.parametrize("number", NUMBERED)
def test_a_numbered_rule_is_named_by_a_test(named: set[str], number: str):
    assert number in named, f"no test is called test_…rule_{number.replace('.', '_')}_…: {NUMBERED[number]}"


@pytest.mark.parametrize("number", NUMBERED)
def test_a_numbered_rule_has_its_ablation(number: str):
    taken_out = {part for row in (*RULES, *OTHERS) for part in re.split(r"[ +]", _number(row))}
    assert number in taken_out, f"no row of tests/simulation/rules.py takes rule {number} out"


def test_no_test_names_a_rule_that_is_not_there(named: set[str]):
    assert {one for one in named if one.split(".")[0] in {"4", "8", "10"}} <= set(NUMBERED)


def _number(row: object) -> str:
    return row[0] if isinstance(row, tuple) else str(getattr(row, "number", ""))
