"""The machine a figure was taken on, and what its processes use. No host name, no paths."""

import contextlib
import os
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec

GIT_S = 10.0
MIB = 1 << 20
PROC = Path("/proc")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What the figures depend on; `load` is the one-minute load average before the bench began."""

    cores: int
    memory_mib: int
    cpu: str
    python: str
    kernel: str
    load: float

    def words(self) -> str:
        """The machine in one line."""
        return (
            f"{self.cores} cores ({self.cpu}), {self.memory_mib:,} MiB, Linux {self.kernel}, Python {self.python}, "
            f"load before it {self.load:g}"
        )


def this() -> Machine:
    """This machine, now."""
    return Machine(
        cores=os.cpu_count() or 0,
        memory_mib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MIB,
        cpu=_cpu(),
        python=platform.python_version(),
        kernel=platform.release(),
        load=round(os.getloadavg()[0], 1),
    )


def _cpu() -> str:
    lines = (PROC / "cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def commit() -> str:
    """The commit the figures belong to, with a plus when tracked files were changed since."""
    short = _git("rev-parse", "--short=12", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":!tests/bench/results")
    return f"{short}+" if changed else short or "unknown"


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, timeout=GIT_S, check=False)
    return done.stdout.decode().strip()


def resident_mib(pid: int) -> float:
    """Resident memory of a process, 0 when it is gone."""
    return _status_kib(pid, "VmRSS") / 1024


def peak_mib(pid: int) -> float:
    """The most resident memory since `forget_peak`, or since the process began."""
    return _status_kib(pid, "VmHWM") / 1024


def forget_peak(pid: int) -> None:
    """From now on `peak_mib` is of what follows."""
    (PROC / str(pid) / "clear_refs").write_text("5", encoding="ascii")


def tree_mib(pid: int) -> float:
    """Resident memory of a process and everything it started (pages they share are counted in each)."""
    return sum(resident_mib(one) for one in tree(pid))


def tree(pid: int) -> list[int]:
    """A process and everything it started."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            children = (PROC / str(one) / "task" / str(one) / "children").read_text(encoding="ascii")
            found += [int(child) for child in children.split()]
    return found


def _status_kib(pid: int, name: str) -> int:
    with contextlib.suppress(OSError):
        for line in (PROC / str(pid) / "status").read_text(encoding="utf-8").splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
    return 0


def cpu_s(pid: int) -> float:
    """Processor seconds a process has used, all its threads, not its children."""
    fields = (PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Used:
    """Processor seconds used by one process during a block."""

    seconds = 0.0


@contextlib.contextmanager
def using(pid: int) -> Iterator[Used]:
    """Measure what a process uses while the block runs."""
    used, before = Used(), cpu_s(pid)
    yield used
    used.seconds = cpu_s(pid) - before
