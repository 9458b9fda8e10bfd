"""`python -m tests.faults.nursery`: a process that has read the node's code once and forks real nodes from it.

A node started from here is a process of its own, killed and waited for like any other; it only need not read its code
again, which is two thirds of a start. Orders and answers are one JSON document a line: `{"start": [words], "log": path,
"traced": bool}` → `{"pid"}`; `{"kill": pid}` and `{"wait": pid}` → `{"status"}`, a process ended by signal N giving -N.
The first word is `edge` or `acting`; a traced process begins when a tracer has it.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.__main__ import main as edge_main
from tests.faults.acting import main as acting_main
from tests.waiting import until

END_S = 20.0
TRACED_S = 20.0
PROGRAMS: dict[str, Callable[[list[str]], int]] = {"edge": edge_main, "acting": acting_main}


def _started(words: list[str], log: str, *, traced: bool) -> int:
    """The pid of a new process that runs these words, everything it says going to `log`."""
    pid = os.fork()
    if pid:
        return pid
    sink = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, place in enumerate((nothing, sink, sink)):
        os.dup2(place, number)
    if traced:
        until(_has_tracer, "a tracer has this process", TRACED_S, every_s=0.005)
    sys.exit(PROGRAMS[words[0]](words[1:]))


def _has_tracer() -> bool:
    return "TracerPid:\t0\n" not in Path("/proc/self/status").read_text("ascii")


def _obey(order: dict[str, Any]) -> dict[str, Any]:
    if "start" in order:
        return {"pid": _started(order["start"], order["log"], traced=order["traced"])}
    if "kill" in order:
        os.kill(order["kill"], signal.SIGKILL)
    _, status = os.waitpid(order.get("kill") or order["wait"], 0)
    return {"status": os.waitstatus_to_exitcode(status)}


def main() -> int:
    """Obey until standard input ends."""
    _read_the_code()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(_obey(json.loads(line))), flush=True)
    return 0


def _read_the_code() -> None:
    """What `edge serve` imports on its way up; threads are started by none of it."""
    for name in ("uvloop", "edge.actions.node", "edge.app", "edge.pages.table", "edge.store.files"):
        importlib.import_module(name)


class Nursery:
    """The owner of that process. Every node not yet waited for is killed by `close`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with (folder / "nursery.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.nursery"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=dict(os.environ) | {"TMPDIR": str(folder)},
            )
        self._alive: set[int] = set()
        self._read()

    def start(self, words: list[str], log: Path, *, traced: bool = False) -> int:
        """Fork a node; its pid."""
        pid = int(self._ask(start=words, log=str(log), traced=traced)["pid"])
        self._alive.add(pid)
        return pid

    def kill(self, pid: int) -> int:
        """SIGKILL it and wait for its end: -9, or another status where it had ended before."""
        self._alive.discard(pid)
        return int(self._ask(kill=pid)["status"])

    def end(self, pid: int) -> int:
        """Ask it to end in order; its exit code."""
        os.kill(pid, signal.SIGTERM)
        return self.wait(pid, END_S)

    def wait(self, pid: int, timeout_s: float) -> int:
        """Its exit code once it has ended by itself; raises Late after `timeout_s`."""
        until(lambda: _ended(pid), f"process {pid} ends", timeout_s, every_s=0.01)
        self._alive.discard(pid)
        return int(self._ask(wait=pid)["status"])

    def close(self) -> None:
        """End everything that was started here."""
        for pid in list(self._alive):
            self.kill(pid)
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(END_S)

    def _ask(self, **order: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, (self._folder / "nursery.log").read_text()[-1500:]
        return dict(json.loads(line))


def _ended(pid: int) -> bool:
    """Whether a process nobody has waited for yet has ended (it is a zombie then)."""
    state = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()[0]
    return state == "Z"


if __name__ == "__main__":
    sys.exit(main())
