"""One place for all seeds of a process, the seeds themselves, and the counters of faults at the end."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import uvloop

from tests.simulation.faults import Coverage, never, table
from tests.simulation.place import Place, memory_folder, open_place

KEPT = Path(__file__).with_name("seeds.txt")
ENOUGH = 400
"""From so many seeds on every fault must have been injected, or the run fails."""


def kept_seeds() -> list[int]:
    """Seeds that once failed; they are always played."""
    lines = [line.split("#")[0].strip() for line in KEPT.read_text("utf-8").splitlines()]
    return [int(line) for line in lines if line]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with `seed` is played once for each."""
    if "seed" in metafunc.fixturenames:
        seeds = [*range(metafunc.config.getoption("--seeds")), *kept_seeds()]
        metafunc.parametrize("seed", dict.fromkeys(seeds))


@pytest.fixture(scope="session")
def runner() -> Iterator[asyncio.Runner]:
    """The loop everything of this process runs on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as one:
        yield one


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Where this process keeps its centre and its worlds."""
    with memory_folder() as made:
        yield made


@pytest.fixture(scope="session")
def place(runner: asyncio.Runner, folder: Path) -> Iterator[Place]:
    """The centre of this process."""
    stack = AsyncExitStack()
    yield runner.run(stack.enter_async_context(open_place(folder)))
    runner.run(stack.aclose())


def injected(reporter: pytest.TerminalReporter) -> tuple[Coverage, int, Counter[str]]:
    """What was injected over all processes, in how many seeds, and which faults had fallen in seeds that failed."""
    coverage: Coverage = Counter()
    broken: Counter[str] = Counter()
    seeds = 0
    for outcome in ("passed", "failed"):
        for report in reporter.getreports(outcome):
            for name, counts in report.user_properties:
                if name == "faults":
                    seeds += 1
                    coverage.update({(fault, state): count for fault, state, count in counts})
                    broken.update({fault for fault, _, _ in counts} if outcome == "failed" else ())
    return coverage, seeds, broken


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A long run in which a fault never fell proves nothing about it."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        coverage, seeds, _ = injected(reporter)
        if seeds >= ENOUGH and never(coverage):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The counters at the end of a run."""
    coverage, seeds, broken = injected(terminalreporter)
    if seeds:
        terminalreporter.section("faults injected")
        terminalreporter.write_line(table(coverage, seeds, broken))
        terminalreporter.write_line(f"never injected: {', '.join(never(coverage)) or 'none'}")
