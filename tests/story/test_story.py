"""The whole story, once, from a small import: every step is asserted from outside."""

from pathlib import Path

import pytest
from rich.console import Console

from tests.story.play import STEPS, run

PEOPLE = 600


@pytest.mark.story
@pytest.mark.timeout(420)
def test_g01_g06_g07_a_hall_answers_through_an_outage_and_the_centre_can_prove_it(tmp_path: Path):
    story, world, _ = run(tmp_path / "demo", PEOPLE, Console(quiet=True))
    world.close()
    broken = [f"{step.name}: {step.detail}" for step in story.steps if not step.ok]
    assert not broken, broken
    assert len(story.steps) == len(STEPS)
    assert (tmp_path / "demo" / "story.json").exists()
