"""A process apart: what it says comes back whole or not at all, and it reaches no network once it is confined."""

import socket
import textwrap
from pathlib import Path

import pytest

from drivers import apart

SECONDS = 60.0
CONFINED = """
from drivers import apart
without = apart.confine(memory_bytes=1 << 30, cpu_s=20)
"""
REACHES = """
import os, socket, sys
job = sys.stdin.read()
if not without:
    sys.exit(2)
for family in (socket.AF_INET, socket.AF_INET6):
    try:
        socket.create_connection((("127.0.0.1", "::1")[family == socket.AF_INET6], int(job)), 5)
    except OSError:
        continue
    sys.exit(1)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a module where the next Python finds it; its name."""

    def put(source: str) -> str:
        (tmp_path / "told_apart.py").write_text(textwrap.dedent(source))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        return "told_apart"

    return put


async def test_a_job_larger_than_any_pipe_comes_back_whole(module) -> None:
    echo = module("import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read())")
    job = bytes(range(256)) * (1 << 13)
    assert await apart.run(echo, job, seconds=SECONDS, bytes_max=len(job)) == (0, job)


async def test_one_that_listens_to_nothing_is_told_by_its_exit_code(module) -> None:
    deaf = module("import sys\nsys.stdout.write('so far')\nsys.exit(7)")
    assert await apart.run(deaf, bytes(1 << 22), seconds=SECONDS, bytes_max=100) == (7, b"so far")


@pytest.mark.parametrize(
    ("source", "seconds"),
    [
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", SECONDS),
        ("import sys\nprint('x' * 2000)", SECONDS),
        ("import sys\nwhile True: sys.stdout.write('x' * 4096)", SECONDS),
        ("import signal\nprint('begun', flush=True)\nsignal.pause()", 3.0),
    ],
    ids=["crash", "too much", "without end", "hang"],
)
async def test_one_that_crashes_hangs_or_says_too_much_is_ended(module, source: str, seconds: float) -> None:
    code, said = await apart.run(module(source), b"", seconds=seconds, bytes_max=1000)
    assert code < 0
    assert len(said) <= 1000


async def test_confined_it_has_no_more_memory_than_it_was_given(module) -> None:
    greedy = module(CONFINED + "bytes(1 << 34)")
    code, _ = await apart.run(greedy, b"", seconds=SECONDS, bytes_max=0)
    assert code == 1


async def test_confined_it_reaches_not_even_this_machine(module) -> None:
    with socket.create_server(("127.0.0.1", 0)) as here:
        port = str(here.getsockname()[1]).encode()
        code, _ = await apart.run(module(CONFINED + REACHES), port, seconds=SECONDS, bytes_max=0)
        free, _ = await apart.run(module("without = True" + REACHES), port, seconds=SECONDS, bytes_max=0)
    assert free == 1, "the probe does reach what it is not kept from"
    assert code == (0 if await apart.possible() else 2), "where the kernel refuses, it is said"
