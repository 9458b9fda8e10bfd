"""The hall's process is killed at random moments, over and over, and nothing it showed may be missing afterwards.

Life of a cycle: the node starts → two clerks at work, one card read, exchanges on the timer and by hand → SIGKILL at a
moment drawn from the seed (sometimes before the port is open) → what lies on the disk is copied, and judged by
`edge check` and by comparing every answer any clerk ever saw. Then the next node starts on the very folder.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import msgspec

from tests.faults.ground import ON_DUTY, Ground, anchored_size, citizens, entries, node_rows
from tests.faults.nursery import Nursery
from tests.faults.window import Rush, Shown, Window, lay
from tests.waiting import until

BOOT_SHARE = 0.2
"""Of the kills, those that fall while the node starts; the others fall into its work."""
CENTRE_EVERY = 20
"""Every so many cycles the centre's process is killed too, at the same moment."""
BOOT_S, WORK_S = 0.5, 0.5
START_S = 30.0
EXCHANGES = 12
KILLED = -9
_MOMENT = threading.Event()  # never set: its wait is the time until the kill


class Tally(msgspec.Struct, kw_only=True):
    """What a run did: kills at work, at boot and of the centre, what was shown, seconds until a port was open."""

    seed: int
    at_work: int = 0
    at_boot: int = 0
    of_the_centre: int = 0
    asked: int = 0
    shown: int = 0
    reports: int = 0
    entries: int = 0
    countersigned: int = 0
    left_by_kills: int = 0
    slowest_start_s: float = 0.0
    elapsed_s: float = 0.0


class Killing:
    """One hall under one seed. `show` may be called from several threads."""

    def __init__(self, ground: Ground, nursery: Nursery, seed: int) -> None:
        self.ground = ground
        self.tally = Tally(seed=seed)
        self.shown: dict[int, Shown] = {}
        self.serials: dict[str, int] = {}
        self._nursery = nursery
        self._dice = Random(seed)
        self._windows = [Window(ground, number) for number in (1, 2)]
        self._people = citizens(ground)
        self._lock = threading.Lock()
        self._countersigned = 0

    def run(self, cycles: int, told: Callable[[int], None] = lambda _: None) -> Tally:
        """Kill `cycles` times (`told` each time), then let the hall come level and compare both ends. Raises AssertionError."""
        begun = time.monotonic()
        for number in range(1, cycles + 1):
            self._cycle(number)
            told(number)
        self._end()
        self.tally.elapsed_s = time.monotonic() - begun
        return self.tally

    def _cycle(self, number: int) -> None:
        pid = self._start()
        if self._dice.random() < BOOT_SHARE:
            self.tally.at_boot += 1
            _MOMENT.wait(self._dice.uniform(0, BOOT_S))
            rushes: list[Rush] = []
        else:
            self.tally.at_work += 1
            self._until_open()
            rushes = self._rush()
            _MOMENT.wait(self._dice.uniform(0, WORK_S))
        status = self._nursery.kill(pid)
        assert status == KILLED, f"cycle {number}: the node had ended by itself with {status}: {self._log()}"
        if number % CENTRE_EVERY == CENTRE_EVERY // 2:
            self.tally.of_the_centre += 1
            self.ground.kill_centre()
        for rush in rushes:
            rush.stop()
            self.tally.asked += rush.asked
            assert not rush.trouble, f"cycle {number}: {rush.trouble}"
        self._judge(f"seed {self.tally.seed}, cycle {number}")

    def _start(self) -> int:
        words = ["edge", "serve", "--data", str(self.ground.hall), "--port", str(self.ground.hall_port)]
        return self._nursery.start(words, self.ground.folder / "hall.log")

    def _until_open(self) -> None:
        begun = time.monotonic()
        until(self._windows[0].lives, "the hall serves again after a kill", START_S, every_s=0.01)
        self.tally.slowest_start_s = max(self.tally.slowest_start_s, time.monotonic() - begun)

    def _rush(self) -> list[Rush]:
        """Both clerks signed in, a card on the reader, and off they go."""
        for window in self._windows:
            window.hang_up()
            window.signed_in()
        read_id = lay(self.ground, self._windows[0], self._dice.choice(self._people))
        rushes = [Rush(window, read_id, self._dice.getrandbits(32), self._show) for window in self._windows]
        for rush in rushes:
            rush.start()
        return rushes

    def _show(self, shown: Shown) -> None:
        with self._lock:
            assert shown.index not in self.shown, f"entry {shown.index} was shown twice"
            assert self.serials.setdefault(shown.serial or str(shown.index), shown.index) == shown.index
            self.shown[shown.index] = shown
            self.tally.shown += 1
            self.tally.reports += bool(shown.serial)

    def _judge(self, when: str) -> None:
        """Everything shown so far stands in what the kill left, and the whole of it is sound."""
        copy = self.ground.copy(self.ground.hall)
        log = copy / "node.db-wal"
        self.tally.left_by_kills += log.exists() and log.stat().st_size > 0
        done = self.ground.check(copy)
        assert (done.code, done.document["broken_at"], done.document["store"]) == (0, None, "ok"), (
            f"{when}: edge check says {done.document}"
        )
        self._compare(copy, when)
        countersigned = int(done.document["countersigned"])
        assert countersigned >= self._countersigned, f"{when}: a countersignature was lost"
        self._countersigned = countersigned

    def _compare(self, folder: Path, when: str) -> None:
        held = dict(entries(folder))
        assert list(held) == list(range(len(held))), f"{when}: the ledger has a gap"
        missing = [one.index for one in self.shown.values() if held.get(one.index) != one.leaf_hash]
        assert not missing, f"{when}: shown, but not on the ledger: {missing}"
        reports = [one for one in self.shown.values() if one.serial]
        stand = {str(row[0]) for row in node_rows(folder, "SELECT serial FROM report")}
        assert not {one.serial for one in reports} - stand, f"{when}: a report number was lost"
        last = max((one.index for one in reports), default=-1)
        assert anchored_size(folder) > last, f"{when}: a report number was shown before it was anchored"
        self.tally.entries = len(held)

    def _end(self) -> None:
        """The hall comes up once more, exchanges until it owes nothing, ends in order; both ends are compared."""
        pid = self._start()
        self._until_open()
        for window in self._windows:
            window.hang_up()
            window.signed_in()
        for _ in range(EXCHANGES):
            status, said = self._windows[ON_DUTY - 1].call("POST", "/api/exchange")
            if status == 200 and said["pending"] == 0:
                break
        for window in self._windows:
            window.hang_up()
        assert self._nursery.end(pid) == 0
        last = self.ground.edge("exchange")
        assert last.document["pending"] == 0, last.document
        self._judge(f"seed {self.tally.seed}, at the end")
        self.tally.countersigned = self._countersigned
        exactly_once(self.ground, self.ground.hall)

    def _log(self) -> str:
        return (self.ground.folder / "hall.log").read_text("utf-8", errors="replace")[-1500:]


def exactly_once(ground: Ground, folder: Path) -> None:
    """The centre holds every entry of the hall once, with its hash, each access and report with one effect, and no more."""
    own = ground.edge("check", data=folder).document
    origin = own["origin"]
    held = entries(folder)
    assert own["countersigned"] == len(held), f"{len(held)} entries, {own['countersigned']} countersigned"
    there = ground.centre_rows("SELECT idx, leaf_hash FROM entry WHERE origin = $1 ORDER BY idx", origin)
    assert [(row["idx"], row["leaf_hash"]) for row in there] == held
    for table, kinds in (("access", (10, 11, 12, 13)), ("report", (20,))):
        marks = ",".join(map(str, kinds))
        wanted = node_rows(folder, f"SELECT idx FROM entry WHERE kind IN ({marks}) ORDER BY idx")
        rows = ground.centre_rows(f"SELECT idx FROM {table} WHERE origin = $1 ORDER BY idx", origin)
        assert [row["idx"] for row in rows] == [row[0] for row in wanted], f"{table} at the centre"
    checked = ground.central("check")
    assert checked.code == 0, checked.document
