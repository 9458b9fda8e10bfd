"""Morango and PouchDB move the same events from one database to another over loopback HTTP; what it costs, per entry.

Both come from the registries into `build/peers`, outside the project's own dependencies, when first asked for. Each runs as
two real processes with a counting line between them, as our own exchange does.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec

from tests.bench.figures import Figure, Measure, at_least, floor
from tests.story.line import Line
from tests.story.programs import free_port
from tests.waiting import until

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
BUILT = ROOT / "build" / "peers"
SET_UP_S = 300.0
MOVE_S = 400.0
START_S = 60.0
STOP_S = 10.0


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """How one replicator's two ends are started: command lines over a folder of the run."""

    before: list[list[str]]
    serve: list[str]
    push: list[str]


class Replicator(msgspec.Struct, frozen=True, kw_only=True):
    """One peer: how it is installed and run, how many events it can move in a bench's time, by what it is to be beaten."""

    name: str
    most: int
    times_faster: float
    times_smaller: float
    install: Callable[[], None]
    words: Callable[[Path, int, str], Words]


class Moved(msgspec.Struct, frozen=True):
    """What the pushing end says: seconds for the backlog and for the news after it."""

    moved_s: float
    news_s: float


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """What one replicator did; `entry_bytes` counts both ways, HTTP included, the news too."""

    replicator: Replicator
    entries: int
    entries_s: float
    entry_bytes: float
    news: int
    news_s: float

    def measures(self) -> dict[str, Measure]:
        """As they stand in a result."""
        name = self.replicator.name
        return {
            f"{name}, {self.entries:,} of the same events": floor(self.entries_s, "entries/s"),
            f"{name}, bytes an entry": floor(self.entry_bytes, "B"),
            f"{name}, {self.news} new entries after {self.entries:,}": floor(self.news_s, "s"),
        }

    def beaten(self, entries_s: float, entry_bytes: float) -> dict[str, Figure]:
        """Our speed and size over the peer's, against the limits of quality.md."""
        name, asked = self.replicator.name, self.replicator
        return {
            f"{name}: times faster": at_least(entries_s / self.entries_s, "×", asked.times_faster),
            f"{name}: times smaller": at_least(self.entry_bytes / entry_bytes, "×", asked.times_smaller),
        }


def moved(folder: Path, lines: bytes, news: int) -> list[Peer]:
    """Each replicator moves as many of the JSON lines as it can in a bench's time, then `news` more; first installed if need be.

    Raises subprocess.SubprocessError when a replicator cannot be installed or fails.
    """
    found = []
    for one in REPLICATORS:
        one.install()
        events = lines.splitlines()[: one.most + news]
        found.append(_moved(one, folder / one.name.split()[0], events, news))
    return found


def _moved(one: Replicator, folder: Path, lines: list[bytes], news: int) -> Peer:
    folder.mkdir(parents=True)
    events = folder / "events.jsonl"
    events.write_bytes(b"\n".join(lines) + b"\n")
    port = free_port()
    line = Line(port)
    words = one.words(folder, port, f"http://127.0.0.1:{line.port}")
    for before in words.before:
        subprocess.run(before, cwd=HERE, check=True, timeout=START_S)
    with (folder / "log").open("wb") as log:
        centre = subprocess.Popen(words.serve, cwd=HERE, stdout=log, stderr=subprocess.STDOUT)
    try:
        until(lambda: _answers(port), f"{one.name} answers", START_S)
        push = [*words.push, str(events), str(news)]
        said = subprocess.run(push, cwd=HERE, stdout=subprocess.PIPE, check=True, timeout=MOVE_S)
    finally:
        centre.terminate()
        centre.wait(STOP_S)
        line.close()
    done, count = msgspec.json.decode(said.stdout, type=Moved), len(lines) - news
    return Peer(
        replicator=one,
        entries=count,
        entries_s=count / done.moved_s,
        entry_bytes=line.carried_bytes / len(lines),
        news=news,
        news_s=done.news_s,
    )


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", timeout=2).status_code > 0
    except httpx.TransportError:
        return False


def _install_morango() -> None:
    python, lock = BUILT / "morango" / "bin" / "python", HERE / "morango_peer" / "requirements.lock"
    if not python.exists():
        _run([sys.executable, "-m", "venv", str(BUILT / "morango")])
    _run([str(python), "-m", "pip", "install", "-qq", "--require-hashes", "-r", str(lock)])


def _install_pouchdb() -> None:
    folder = BUILT / "pouchdb"
    shutil.copytree(HERE / "pouchdb_peer", folder, dirs_exist_ok=True)
    if not (folder / "node_modules").exists():
        _run([_node("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=folder)


def _run(words: list[str], cwd: Path = ROOT) -> None:
    subprocess.run(words, cwd=cwd, check=True, timeout=SET_UP_S, stdout=sys.stderr)


def _node(tool: str) -> str:
    """Node's own programs, or those `make assets` installed beside Python."""
    return shutil.which(tool) or str(Path(sys.executable).parent / tool)


def _morango(folder: Path, port: int, url: str) -> Words:
    program = [str(BUILT / "morango" / "bin" / "python"), "-m", "morango_peer"]
    centre, hall, certificate = (str(folder / name) for name in ("centre.db", "hall.db", "certificate.json"))
    return Words(
        before=[[*program, "found", centre, certificate]],
        serve=[*program, "serve", centre, str(port)],
        push=[*program, "push", hall, certificate, url + "/"],
    )


def _pouchdb(folder: Path, port: int, url: str) -> Words:
    program, ends = BUILT / "pouchdb", [folder / "centre", folder / "hall"]
    for end in ends:
        end.mkdir()
    node = _node("node")
    return Words(
        before=[],
        serve=[node, str(program / "centre.js"), str(ends[0]), str(port)],
        push=[node, str(program / "hall.js"), str(ends[1]), url + "/events"],
    )


REPLICATORS = (
    Replicator(
        name="PouchDB tuned (1,000 a batch)",
        most=100_000,
        times_faster=4,
        times_smaller=16,
        install=_install_pouchdb,
        words=_pouchdb,
    ),
    Replicator(
        name="Morango",
        most=5_000,
        times_faster=60,
        times_smaller=2.5,
        install=_install_morango,
        words=_morango,
    ),
)
