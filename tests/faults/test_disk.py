"""disk (quality.md): a real file system that fills up and empties, and one the kernel makes read-only under the node."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.ground import Ground, citizens, entries, own_query
from tests.faults.nursery import Nursery
from tests.faults.window import Shown, Window, lay
from tests.story.programs import free_port
from tests.waiting import until

DISK_BYTES = 96 << 20
TOOL_S, START_S = 60, 30
WORK_S = 20.0
TROUBLE = 3


def _tool(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(words, capture_output=True, check=False, timeout=TOOL_S)


class Disk:
    """An ext4 file system in a file, mounted; an error on it makes it read-only, as a dying disk does."""

    def __init__(self, folder: Path) -> None:
        self._image, self.place = folder / "disk.img", folder / "disk"
        self.place.mkdir()
        with self._image.open("wb") as file:
            file.truncate(DISK_BYTES)

    def make(self) -> None:
        """Make and mount it; skips the test where nobody may."""
        if os.geteuid() or not shutil.which("mkfs.ext4"):
            pytest.skip("a file system of its own needs root and mkfs.ext4")
        assert _tool("mkfs.ext4", "-q", "-F", "-m", "0", str(self._image)).returncode == 0
        self.mount()

    def mount(self) -> None:
        """Mount it, mended where it was broken."""
        _tool("e2fsck", "-fy", str(self._image))
        done = _tool("mount", "-o", "loop,errors=remount-ro", str(self._image), str(self.place))
        if done.returncode:
            pytest.skip(f"this machine lets nobody mount a file: {done.stderr.decode()}")

    def break_it(self) -> None:
        """An error of the file system: from now on nothing can be written, whoever has files open."""
        device = _tool("findmnt", "-no", "SOURCE", str(self.place)).stdout.decode().strip()
        switch = Path("/sys/fs/ext4") / Path(device).name / "trigger_fs_error"
        if not switch.exists():
            pytest.skip("this kernel has no trigger_fs_error")
        switch.write_text("1")

    def unmount(self) -> None:
        """Unmount it."""
        done = _tool("umount", str(self.place))
        assert done.returncode == 0, done.stderr

    def fill(self, left_bytes: int) -> None:
        """A stranger's file takes all but `left_bytes` of what is free."""
        found = os.statvfs(self.place)
        with (self.place / "stranger").open("ab") as file:
            size = max(0, found.f_bavail * found.f_frsize - left_bytes)
            if size:
                os.posix_fallocate(file.fileno(), file.tell(), size)

    def clear(self) -> None:
        """The stranger's file is removed."""
        (self.place / "stranger").unlink()


class OnDisk:
    """A serving hall whose folder lies on that disk."""

    def __init__(self, ground: Ground, nursery: Nursery, disk: Disk) -> None:
        self.ground, self._nursery = ground, nursery
        self.data = disk.place / "node"
        ground.second_hall(self.data)
        assert ground.edge("exchange", data=self.data).code == 0
        ground.plug_in(self.data)
        self.port = free_port()
        self.log = ground.folder / f"disk-{self.port}.log"
        self.windows = [Window(ground, number, f"http://127.0.0.1:{self.port}") for number in (1, 2)]
        self.shown: list[Shown] = []
        self.pid = 0
        self.read_id = ""

    def start(self) -> None:
        """The node serves, a clerk is signed in, a card was read."""
        self.launch()
        until(self.windows[0].lives, "the node serves", START_S)
        self.windows[0].hang_up()
        self.windows[0].signed_in()
        self.read_id = lay(self.ground, self.windows[0], citizens(self.ground)[0])

    def launch(self) -> int:
        """The node's process; its pid."""
        words = ["edge", "serve", "--data", str(self.data), "--port", str(self.port)]
        self.pid = self._nursery.start(words, self.log)
        return self.pid

    def ask(self) -> tuple[int, Any]:
        """One query: status and body; what is shown is remembered."""
        status, said = self.windows[0].call("POST", "/api/answers", own_query(self.read_id, "screen"))
        if status == 200:
            entry = said["entry"]
            self.shown.append(Shown(index=entry["index"], leaf_hash=bytes.fromhex(entry["leaf_hash"])))
        return status, said

    def judge(self) -> None:
        """The folder of a node that does not run: sound, and everything shown is on the ledger."""
        done = self.ground.check(self.data)
        assert (done.code, done.document["store"]) == (0, "ok"), done.document
        held = dict(entries(self.data))
        assert all(held.get(one.index) == one.leaf_hash for one in self.shown)
        assert "Traceback" not in self.log.read_text("utf-8")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path)
    made.make()
    yield made
    made.unmount()


@pytest.fixture
def hall(ground: Ground, nursery: Nursery, disk: Disk) -> Iterator[OnDisk]:
    made = OnDisk(ground, nursery, disk)
    yield made
    for window in made.windows:
        window.hang_up()
    if made.pid:
        nursery.kill(made.pid)


def test_rule_8_6_a_disk_that_fills_up_stops_answers_with_words_and_nothing_else_and_recovers_by_itself(
    hall: OnDisk, disk: Disk, nursery: Nursery
) -> None:
    hall.start()
    assert hall.ask()[0] == 200
    disk.fill(DISK_BYTES // 14)
    status, said = hall.ask()
    assert (status, said["code"]) == (403, "disk-low"), said
    assert said["message"]["zh"]
    assert said["next"]["zh"]
    hall.windows[1].signed_in()
    assert hall.windows[1].call("GET", "/api/cases")[0] == 200, "intake goes on"
    disk.fill(0)
    for _ in range(40):
        status, said = hall.ask()
        assert status in {403, 503}, said
        assert said["message"]["zh"]
        assert said["next"]["zh"]
    assert hall.windows[0].lives(), "a full disk ends nothing"
    disk.clear()
    assert until(lambda: hall.ask()[0] == 200, "answers are given again by themselves", WORK_S)
    hall.windows[0].hang_up()
    assert nursery.end(hall.pid) == 0, hall.log.read_text("utf-8")[-800:]
    hall.pid = 0
    hall.judge()


def test_a_disk_that_turns_read_only_ends_the_process_with_words_and_nothing_shown_is_lost(
    hall: OnDisk, disk: Disk, nursery: Nursery
) -> None:
    hall.start()
    for _ in range(3):
        assert hall.ask()[0] == 200
    disk.break_it()
    status, said = hall.ask()
    assert status in {403, 503}, said
    assert said["message"]["zh"]
    hall.windows[0].hang_up()
    assert nursery.wait(hall.pid, WORK_S) == TROUBLE, "crash rule 5: a write error ends the process"
    hall.pid = 0
    assert nursery.wait(hall.launch(), WORK_S) == TROUBLE, "it does not start on a disk it cannot write"
    hall.pid = 0
    assert "disk is full or read-only" in hall.log.read_text("utf-8")
    disk.unmount()
    disk.mount()
    hall.judge()
    hall.start()
    assert hall.ask()[0] == 200
    assert nursery.kill(hall.pid) == -9
    hall.pid = 0
    hall.judge()
