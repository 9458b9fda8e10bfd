"""Options of the whole suite."""

import argparse

import pytest


def _count(text: str) -> int:
    """A number of worlds, 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of worlds")
    return int(text)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--seeds N`: how many worlds the simulation ring plays beside those of seeds.txt."""
    parser.addoption("--seeds", type=_count, default=25, help="worlds the simulation ring plays (default 25)")
