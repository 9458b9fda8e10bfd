"""One write-like system call of a real process fails (EIO, ENOSPC) or is its last (SIGKILL); strace does it.

First the act runs whole under strace: which calls it makes on which files. Then, for each (file, call, number), it runs
again on a fresh copy of the same folder with that one call failed or fatal. A call is counted per file and thread.
"""

import json
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tests.faults.nursery import Nursery
from tests.waiting import until

CALLS = (
    "write", "pwrite64", "writev", "pwritev", "fsync", "fdatasync", "rename", "renameat", "renameat2",
    "ftruncate", "fallocate", "unlink", "unlinkat", "openat", "mkdir", "link", "msync",
)  # fmt: skip
WRITES = tuple(call for call in CALLS if call not in {"openat", "mkdir"})
ERRORS = ("EIO", "ENOSPC", "SIGKILL")
RUN_S = 60.0
ATTACH_S = 20.0
_LINE = re.compile(r'^\d+ +(\w+)\((?:AT_FDCWD(?:<[^>]*>)?, )?(?:\d+<([^>]*)>|"([^"]*)")')


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One call that will fail: the `number`th `call` of a thread on the file `path` (relative to the act's folder)."""

    path: str
    call: str
    number: int
    error: str

    def __str__(self) -> str:
        return f"{self.error} at {self.call} {self.number} of {self.path}"


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a process ended: exit code (negative for a signal), what it printed, whether the call was reached."""

    code: int
    said: str
    struck: bool


class Traced:
    """Runs a node's process under strace. `folder` holds everything it writes; paths are told relative to it."""

    def __init__(self, nursery: Nursery, folder: Path) -> None:
        self._nursery = nursery
        self._folder = folder
        self._log = folder.with_name("strace.log")
        self._out = folder.with_name("said.log")

    def calls(self, words: Sequence[str]) -> tuple[Ended, Counter[tuple[str, str]]]:
        """Run it whole: how it ended, and the most calls any one thread made, by (path, call)."""
        ended = self._run(words, ["-e", f"trace={','.join(WRITES)}"])
        counts: Counter[tuple[str, str, str]] = Counter()
        for line in self._log.read_text("utf-8", errors="replace").splitlines():
            found = _LINE.match(line)
            path = (found[2] or found[3]) if found else ""
            if found and path.startswith(f"{self._folder}"):
                counts[line.split()[0], _steady(path, self._folder), found[1]] += 1
        most: Counter[tuple[str, str]] = Counter()
        for (_, path, call), count in counts.items():
            most[path, call] = max(most[path, call], count)
        return ended, most

    def failed(self, words: Sequence[str], target: Target) -> Ended:
        """Run it with that one call failed, or fatal."""
        how = "signal=SIGKILL" if target.error == "SIGKILL" else f"error={target.error}"
        path = self._folder / target.path
        trace = ["-P", str(path), "-e", f"trace={target.call}"]
        return self._run(words, [*trace, "-e", f"inject={target.call}:{how}:when={target.number}"])

    def _run(self, words: Sequence[str], options: Sequence[str]) -> Ended:
        for log in (self._log, self._out):
            log.unlink(missing_ok=True)
        pid = self._nursery.start(list(words), self._out, traced=True)
        tracer = subprocess.Popen(
            ["strace", "-f", "-y", "-qq", "-s", "0", "-o", str(self._log), *options, "-p", str(pid)],
            stderr=subprocess.PIPE,
        )
        try:
            until(lambda: _is_traced(pid) or tracer.poll() is not None, "strace has the process", ATTACH_S)
            code = self._nursery.wait(pid, RUN_S)
            _, words_of_strace = tracer.communicate(timeout=RUN_S)
        finally:
            tracer.kill()
        assert tracer.returncode in {0, -signal.SIGKILL, 137}, words_of_strace.decode()
        traced = self._log.read_text("utf-8", errors="replace")
        return Ended(
            code=code,
            said=self._out.read_text("utf-8", errors="replace"),
            struck="INJECTED" in traced or code == -signal.SIGKILL,
        )


def _is_traced(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "TracerPid:\t0\n" not in status.read_text("ascii")


def _steady(path: str, folder: Path) -> str:
    """The path as the next run will have it too."""
    return path.removesuffix(" (deleted)").removeprefix(f"{folder}").lstrip("/") or "."


def targets(counts: Counter[tuple[str, str]]) -> Iterator[Target]:
    """Every call of a run, with every error."""
    for (path, call), count in sorted(counts.items()):
        for number in range(1, count + 1):
            for error in ERRORS:
                yield Target(path=path, call=call, number=number, error=error)


def fresh(source: Path, place: Path) -> None:
    """`place` as it was at the beginning."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(source, place)


def lines(said: str) -> list[dict[str, object]]:
    """The JSON lines among what was printed."""
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]
