"""Real processes of the story: started with their own logs, spoken to through their promised commands."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.waiting import until

START_S = 30.0
STOP_S = 8.0
COMMAND_S = 300.0


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class CommandFailedError(AssertionError):
    """A command of the promised interface ended with another exit code than expected."""


def command(*words: str, expect: int = 0) -> Any:
    """Run `python -m <words> --json`; return its one JSON document. Progress stays visible on stderr."""
    done = subprocess.run(
        [sys.executable, "-m", *words, "--json"], stdout=subprocess.PIPE, timeout=COMMAND_S, check=False
    )
    if done.returncode != expect:
        raise CommandFailedError(
            f"{' '.join(words[:3])}: exit {done.returncode}, expected {expect}: {done.stdout[-800:]!r}"
        )
    return json.loads(done.stdout or b"null")


class Program:
    """One long-running process; `log` holds everything it says."""

    def __init__(self, name: str, words: list[str], log: Path) -> None:
        self.name = name
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        with log.open("ab") as sink:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *words], stdout=sink, stderr=subprocess.STDOUT, env=dict(os.environ)
            )

    def wait_for(self, url: str, timeout_s: float = START_S) -> None:
        """Return when `url` answers 200; raise with the end of the log when the process died or is late."""
        until(lambda: self._answers(url), f"{self.name} answers at {url}; see {self.log}", timeout_s)

    def _answers(self, url: str) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(
                f"{self.name} ended with {self.process.returncode}: {self.log.read_text()[-1500:]}"
            )
        try:
            return httpx.get(url, timeout=2).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def stop(self) -> None:
        """Ask the process to end, insist after 8 s."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(STOP_S)

    def kill(self) -> None:
        """End the process without a word, as a power cut does."""
        self.process.kill()
        self.process.wait(STOP_S)


class Twin:
    """The control side of a virtual ID reader: newline JSON over TCP."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, **words: Any) -> dict[str, Any]:
        """Send one order, return its one-line answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as line:
            line.sendall(json.dumps(words, ensure_ascii=False).encode() + b"\n")
            answer = line.makefile("rb").readline()
        return dict(json.loads(answer))


def fresh(folder: Path) -> Path:
    """Return `folder`, empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
