"""Each numbered rule of protocol.md 2, 4, 6, 8, 10: its story holds with the rule, and fails without it (ablation)."""

import asyncio

import pytest

from tests.simulation.place import Place
from tests.simulation.rules import RULES, Rule, without
from tests.simulation.stories import broken_by

pytestmark = pytest.mark.simulation
IDS = ["rule " + rule.number for rule in RULES]


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_a_story_holds_while_its_rule_stands(runner: asyncio.Runner, place: Place, rule: Rule):
    assert runner.run(broken_by(place, rule.story)) == ""


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_ablation_of_a_rule_is_found(runner: asyncio.Runner, place: Place, rule: Rule):
    with without(rule):
        assert runner.run(broken_by(place, rule.story)) == rule.found
