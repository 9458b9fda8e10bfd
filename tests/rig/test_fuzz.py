"""Every protocol parser under a coverage-guided fuzzer, a bounded run; `make fuzz SECONDS=600` goes on longer."""

import pytest

from tests.rig.fuzz import fuzz
from tests.rig.fuzz_targets import SEEDS, TARGETS

pytest.importorskip("atheris", reason="atheris has wheels for Linux on x86_64 only")
pytestmark = [pytest.mark.rig, pytest.mark.timeout(600)]

RUNS = 500


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_bytes_come_a_parser_keeps_its_promises(name):
    found = fuzz(name, runs=RUNS)
    assert found.well, f"{found.guilty}\n{found.words}"


@pytest.mark.parametrize("name", TARGETS)
def test_what_the_fuzzer_starts_from_keeps_them_too(name):
    for seed in (b"", bytes(300), *SEEDS.get(name, ())):
        TARGETS[name](seed)


def test_a_promise_that_is_broken_is_found(tmp_path):
    found = fuzz("broken_on_purpose", runs=50_000)
    assert not found.well
    assert bytes.fromhex(found.guilty).startswith(b"YZ")
