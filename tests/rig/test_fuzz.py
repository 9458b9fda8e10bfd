"""What the coverage-guided fuzzer starts from and what it once found; `make fuzz` goes looking.

It looks elsewhere each time, so a run of it says nothing about the change at hand: what it finds is kept here.
"""

import pytest

from tests.rig.fuzz import fuzz
from tests.rig.fuzz_targets import SEEDS, TARGETS

pytest.importorskip("atheris", reason="atheris has wheels for Linux on x86_64 only")
pytestmark = [pytest.mark.rig, pytest.mark.timeout(600)]

RMC = b"$GNRMC,053000.00,3016.44600,N,12009.30600,E,0,,.91100,A,3016.44600,N,12,"
FOUND = (("positions", RMC + b"053000.00,A,3016.44600,N,12009.30600,E,19.438,,211126,,,$R55\r\n"),)
"""2026-11-22: a sentence too long was one report whole and two in pieces."""


@pytest.mark.parametrize(("name", "raw"), FOUND)
def test_what_the_fuzzer_found_stays_mended(name, raw):
    TARGETS[name](raw)


@pytest.mark.parametrize("name", TARGETS)
def test_what_the_fuzzer_starts_from_keeps_them_too(name):
    for seed in (b"", bytes(300), *SEEDS.get(name, ())):
        TARGETS[name](seed)


def test_a_promise_that_is_broken_is_found(tmp_path):
    found = fuzz("broken_on_purpose", runs=50_000)
    assert not found.well
    assert bytes.fromhex(found.guilty).startswith(b"YZ")
