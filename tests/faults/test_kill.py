"""kill (quality.md): the real node, killed at random under load, restarted, checked."""

import pytest

from tests.faults.ground import Ground
from tests.faults.killing import Killing, exactly_once
from tests.faults.nursery import Nursery
from tests.faults.window import Shown


@pytest.mark.timeout(36_000)
def test_a_node_killed_at_random_moments_loses_nothing_it_has_shown(
    ground: Ground, nursery: Nursery, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    cycles, seed = pytestconfig.getoption("--cycles"), pytestconfig.getoption("--fault-seed")
    tally = Killing(ground, nursery, seed).run(cycles)
    with capsys.disabled():
        print(f"\n{tally}")
    assert tally.at_work + tally.at_boot == cycles
    assert tally.shown > tally.at_work, "under load: more than an answer a life"


@pytest.mark.parametrize("hashed", ["another", "none"])
def test_the_judge_of_kills_finds_an_answer_that_is_not_on_the_ledger(
    ground: Ground, nursery: Nursery, hashed: str
) -> None:
    killing = Killing(ground, nursery, seed=0)
    index = 0 if hashed == "another" else 10**6
    killing._show(Shown(index=index, leaf_hash=bytes(32)))
    with pytest.raises(AssertionError, match="not on the ledger"):
        killing._judge("planted")


def test_the_judge_of_kills_finds_an_entry_doubled_at_the_centre(ground: Ground, nursery: Nursery) -> None:
    exactly_once(ground, ground.hall)
    plant = "UPDATE access SET idx = idx + 1000000 WHERE idx = (SELECT max(idx) FROM access) RETURNING idx"
    assert ground.centre_rows(plant)
    try:
        with pytest.raises(AssertionError, match="access at the centre"):
            exactly_once(ground, ground.hall)
    finally:
        assert ground.centre_rows("UPDATE access SET idx = idx - 1000000 WHERE idx >= 1000000 RETURNING idx")
