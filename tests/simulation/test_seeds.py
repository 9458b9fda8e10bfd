"""Worlds from seeds: P1, P2, P5, P8 and the signing rules hold through whatever each of them brings."""

import asyncio

import pytest

from tests.simulation.place import Place
from tests.simulation.play import play

pytestmark = pytest.mark.simulation


def test_nothing_is_lost_doubled_altered_or_shown_too_early_whatever_happens(
    seed: int, runner: asyncio.Runner, place: Place, record_property
):
    played = runner.run(play(seed, place))
    record_property("faults", [(*key, count) for key, count in played.coverage.items()])
    if played.offence is not None:
        raise played.offence
