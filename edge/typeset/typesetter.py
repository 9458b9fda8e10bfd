"""The typesetter: owns the worker process, hands it one sheet at a time, never waits without a limit."""

import asyncio
import os
import struct
import sys
from pathlib import Path
from typing import Final

import msgspec

from drivers.devices.receipt_printer.abilities import Abilities
from drivers.devices.receipt_printer.protocol import PLAIN
from edge.errors import TypesetFailed
from edge.typeset import paper, slips
from edge.typeset.sheets import ReportSheet, SlipSheet
from edge.typeset.worker import COMPILES_MAX, JOB_BYTES_MAX

FONT_FOLDERS: Final = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
"""Where Debian's packages put fonts."""

_FACES: Final = ("NotoSansCJK-Regular.ttc", "NotoSansCJK-Bold.ttc", "HanaMinA.ttf", "HanaMinB.ttf")
_BEGIN: Final = "import os; os.nice(5); from edge.typeset.worker import main; main()"
"""The worker stands behind everybody else from its first import on: paper may wait, an answer may not."""

_COMPILE_S: Final = 15.0
_FIRST_S: Final = 60.0
"""The first sheet of a worker waits for its start too: a second of work, behind everybody else's."""
_STOP_S: Final = 3.0
_WAITING_MAX: Final = 64
_PDF_BYTES_MAX: Final = 16 * 1024 * 1024


class Typesetter:
    """Sets reports in a worker process that is started on first use and replaced after `compiles_max` sheets.

    One sheet is set at a time; at most 64 callers wait, the next is refused. `close` ends the process.
    """

    def __init__(self, *fonts: Path, compiles_max: int = COMPILES_MAX) -> None:
        self._compiles_max = min(compiles_max, COMPILES_MAX)
        self._folders = fonts or FONT_FOLDERS
        self._fonts: tuple[Path, ...] = ()
        self._worker: asyncio.subprocess.Process | None = None
        self._compiled = 0
        self._waiting = 0
        self._turn = asyncio.Lock()

    @property
    def worker(self) -> int | None:
        """The process id of the living worker, None before the first sheet and after the last."""
        running = self._worker is not None and self._worker.returncode is None
        return self._worker.pid if running and self._worker else None

    async def start(self) -> None:
        """Find the fonts (on the first sheet at the latest); the worker starts with the first sheet.

        Raises TypesetFailed without Noto Sans CJK.
        """
        found: dict[str, Path] = {}
        for folder in self._folders:
            for path in folder.rglob("*.tt[cf]"):
                found.setdefault(path.name, path)
        self._fonts = tuple(found[name] for name in _FACES if name in found)
        if _FACES[0] not in found:
            raise TypesetFailed(f"no {_FACES[0]} under the font folders; install fonts-noto-cjk")

    async def close(self) -> None:
        """End the worker; a sheet being set is lost and its caller told."""
        worker, self._worker = self._worker, None
        if worker is None or worker.returncode is not None:
            return
        worker.kill()
        async with asyncio.timeout(_STOP_S):
            await worker.wait()

    async def warm(self) -> None:
        """Start the worker before the first sheet is asked for, so that it is set in its warm time."""
        async with self._turn:
            await self._ready()

    async def report(self, sheet: ReportSheet) -> bytes:
        """The report as PDF/A-2u bytes; equal sheets give equal bytes; nothing is written anywhere.

        The keywords hold `yzt:<token>` and `yzf:` with 86 × `A`, raw in the bytes, to be replaced by the file
        signature. Raises TypesetFailed when the worker refuses, dies, is late, or too many wait.
        """
        job = msgspec.json.encode(paper.job(sheet))
        if self._waiting >= _WAITING_MAX or len(job) > JOB_BYTES_MAX:
            raise TypesetFailed(
                "too many sheets wait" if len(job) <= JOB_BYTES_MAX else "the sheet is too long"
            )
        self._waiting += 1
        try:
            async with self._turn:
                made = await self._set(job)
        finally:
            self._waiting -= 1
        assert paper.PLACEHOLDER in made, "the signature's place must stand raw in the file"
        return made

    def slip(self, sheet: SlipSheet, able: Abilities = PLAIN) -> bytes:
        """The slip as bytes for a printer that can do `able`, cut at the end."""
        return slips.slip(sheet, able)

    def test_slip(self) -> bytes:
        """The page that shows what a slip printer can do."""
        return slips.test_slip()

    async def _set(self, job: bytes) -> bytes:
        whole = False
        worker = await self._ready()
        try:
            async with asyncio.timeout(_COMPILE_S if self._compiled else _FIRST_S):
                made = await _exchange(worker, job)
            whole = True
        except TypesetFailed:
            whole = True
            raise
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as error:
            raise TypesetFailed(f"the worker gave no document: {type(error).__name__}") from error
        finally:
            self._compiled += 1
            if not whole or self._compiled >= self._compiles_max:
                await self.close()
        return made

    async def _ready(self) -> asyncio.subprocess.Process:
        if not self._fonts:
            await self.start()
        if self._worker is None or self._worker.returncode is not None:
            self._compiled = 0
            self._worker = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                _BEGIN,
                *map(str, self._fonts),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONIOENCODING": "utf-8"},
            )
        return self._worker


async def _exchange(worker: asyncio.subprocess.Process, job: bytes) -> bytes:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(struct.pack(">I", len(job)) + job)
    await worker.stdin.drain()
    verdict, length = struct.unpack(">BI", await worker.stdout.readexactly(5))
    if length > _PDF_BYTES_MAX:
        raise ConnectionError("a document over its limit")
    payload = await worker.stdout.readexactly(length)
    if verdict:
        raise TypesetFailed(payload.decode())
    return payload
