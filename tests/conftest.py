"""Options of the whole suite."""

import argparse

import pytest
from hypothesis import HealthCheck, settings

# What a property does counts, not how long a busy machine took over it. A run that judges a change draws the same
# examples each time; `make fuzz` draws new ones (`--hypothesis-profile=explore`).
settings.register_profile(
    "yizhan", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("explore", settings.get_profile("yizhan"), derandomize=False)
settings.load_profile("yizhan")


def _count(text: str) -> int:
    """A number of worlds, kills or calls, 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return int(text)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--seeds` of the simulation ring, `--cycles`, `--calls` and `--fault-seed` of the faults ring."""
    parser.addoption("--seeds", type=_count, default=25, help="worlds the simulation ring plays (default 25)")
    parser.addoption("--cycles", type=_count, default=50, help="kills of the faults ring (default 50)")
    parser.addoption(
        "--calls", type=_count, default=36, help="failed system calls, 0 for every one (default 36)"
    )
    parser.addoption(
        "--fault-seed", type=_count, default=1, help="the seed kills and calls are drawn from (default 1)"
    )
    parser.addoption(
        "--hurry",
        type=_count,
        default=20,
        help="how many times faster than life the slow line is (default 20)",
    )
    parser.addoption("--aborted", type=_count, default=60, help="sessions broken off in a row (default 60)")
