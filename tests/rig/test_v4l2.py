"""The camera's V4L2 half: the driver as a program of its own, over a shim that has the kernel's own structures.

No container has /dev/video0. So the requests go to a shim (v4l2_shim.c, preloaded) that is compiled with the
kernel's header and takes its pictures from the twin's tty: every request, buffer and mapping of the driver is
what the kernel would see, and the twin's fault switches strike behind it.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drivers.devices.document_camera import protocol
from drivers.devices.document_camera.driver import SKIPPED
from drivers.devices.document_camera.virtual import VirtualCamera, drawn
from drivers.errors import Faulty, Garbled, NothingCame, NotThisDevice, Unplugged
from drivers.wires.twin_line import FAULTS

HEADER = Path("/usr/include/linux/videodev2.h")
SOURCE = Path(__file__).with_name("v4l2_shim.c")
pytestmark = [
    pytest.mark.rig,
    pytest.mark.skipif(
        not (HEADER.exists() and shutil.which("cc")), reason="no compiler or kernel header here"
    ),
]
SHEET = drawn("ID copy")
SHOT, SOON = "15", "0.5"  # seconds a picture may take: only silence takes all of them


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("shim") / "v4l2.so"
    subprocess.run(["cc", "-Wall", "-Werror", "-shared", "-fPIC", "-o", made, SOURCE], check=True, timeout=60)
    return made


class FramedCamera(VirtualCamera):
    """The twin as the shim wants it: each picture behind its length."""

    def _asked(self, chunk: bytes) -> None:
        for _ in range(chunk.count(protocol.SHOOT)):
            self.line.say(len(self._picture).to_bytes(4, "little") + self._picture)


class Program:
    """The driver over the shim, asked line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def say(self, order: str) -> dict[str, str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{order}\n".encode())
        async with asyncio.timeout(30):
            said: dict[str, str] = json.loads(await self._process.stdout.readline())
        return said


@contextlib.asynccontextmanager
async def shooting(shim: Path, kind: str = "") -> AsyncIterator[tuple[FramedCamera, Program]]:
    """The twin with a paper under it, and the program that will open it."""
    twin = FramedCamera()
    await twin.start()
    twin.look(SHEET)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.rig.shooting", f"video:{twin.path}"),
        env={**os.environ, "LD_PRELOAD": str(shim), "V4L2_SHIM": kind},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield twin, Program(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        await twin.stop()


def shown(picture: bytes) -> dict[str, str]:
    return {"picture": hashlib.sha256(picture).hexdigest()}


async def test_g17_pictures_are_taken_with_the_requests_of_the_kernel(shim):
    async with shooting(shim) as (twin, program):
        assert await program.say("open") == {"said": "Camera Shim camera, 1920 × 1080 wanted"}
        assert await program.say(SHOT) == shown(SHEET)
        twin.look(drawn("other paper"))
        assert await program.say(SHOT) == shown(drawn("other paper"))


@pytest.mark.parametrize("name", FAULTS)
async def test_every_fault_behind_the_kernel_ends_in_a_picture_or_a_stated_error(shim, name):
    """It strikes every picture of one shot: the first ones of a shot are thrown away in any case."""
    async with shooting(shim) as (twin, program):
        await program.say("open")
        for _ in range(1 if name in {"slow", "silent"} else SKIPPED + 1):
            twin.line.fault(name)
        said = await program.say(SOON if name == "silent" else SHOT)
        expected = {
            "silent": NothingCame,
            "unplug": Unplugged,
            **dict.fromkeys(("short", "noise", "garbage", "flood"), Garbled),
        }.get(name)
        if expected is None:
            assert "picture" in said, "one wrong bit in a scan is still a picture: nothing in JPEG tells"
        else:
            assert said == {"error": expected.code}
        if name not in {"unplug", "flood"}:
            assert "picture" in await program.say(SHOT), "and the next one is right"


@pytest.mark.parametrize(
    ("kind", "error"), [("no-pictures", NotThisDevice), ("no-jpeg", Faulty), ("busy", Faulty)]
)
async def test_a_device_that_cannot_give_pictures_now_says_so(shim, kind, error):
    async with shooting(shim, kind) as (_, program):
        opened = await program.say("open")
        said = opened if "error" in opened else await program.say(SHOT)
        assert said == {"error": error.code}
