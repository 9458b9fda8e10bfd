import msgspec
import pytest

from drivers.registry import DRIVERS
from tests.unit.drivers.ladder import (
    CRITERIA,
    README,
    Ladder,
    is_test,
    ladders,
    pushed,
    switches,
    table,
    with_table,
)


def test_every_row_of_the_registry_has_a_ladder():
    assert set(ladders()) == {row.name for row in DRIVERS}


@pytest.mark.parametrize("name", sorted(ladders()))
def test_what_a_ladder_shows_is_a_criterion_and_a_test_that_exists(name):
    evidence = ladders()[name].evidence
    assert set(evidence) <= {mark.key for mark in CRITERIA}
    assert [test for test in evidence.values() if not is_test(test)] == []


@pytest.mark.parametrize("name", sorted(ladders()))
def test_g17_every_fault_switch_of_a_twin_is_pushed_by_the_test_its_ladder_names(name):
    assert switches(name)
    assert set(switches(name)) - pushed(ladders()[name].evidence["faults"]) == set()


def test_evidence_that_is_no_test_is_found_out():
    here = "tests/unit/drivers/test_ladder.py"
    assert is_test(f"{here}::test_evidence_that_is_no_test_is_found_out")
    assert not is_test(f"{here}::test_that_is_not_there")
    assert not is_test("tests/unit/drivers/none.py::test_x")


def test_a_rung_needs_everything_on_it_and_below():
    bronze = {mark.key: "x" for mark in CRITERIA if mark.rung == "bronze"}
    silver = {mark.key: "x" for mark in CRITERIA if mark.rung == "silver"}
    rungs = [Ladder("n", "d", evidence).rung for evidence in ({}, bronze, silver, {**bronze, **silver})]
    assert rungs == ["none", "bronze", "none", "silver"]
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "n", "device": "d", "evidence": {}, "rung": "gold"}, Ladder)


def test_the_table_in_the_readme_is_current():
    text = README.read_text("utf-8")
    assert table() in text
    assert with_table(text) == text
