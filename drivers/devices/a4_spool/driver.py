"""The driver of a folder that is a print queue. All file work runs in a thread: a slow share stops nobody."""

import asyncio
import fcntl
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, TypeVar

from drivers import a4
from drivers.devices.a4_spool import protocol
from drivers.errors import Absent, Busy, DriverError, Faulty, Garbled, NotThisDevice, TimedOut, Unplugged
from drivers.ports import JobState, PrinterState, Submitted
from drivers.wires.address import Address
from matters.model import Words

FILE_S: Final = 5.0
POLL_S: Final = 0.1
T = TypeVar("T")


class SpoolPrinter:
    """`SheetPrinter` at `spool:/folder`. The folder and its four parts must exist; one program at a time."""

    def __init__(self, address: Address) -> None:
        address.only()
        self.name = address.text
        self._folder = Path(address.place)
        self._lock: int | None = None

    async def open(self) -> None:
        if self._lock is not None:
            return
        self._lock = await self._in_thread(self._take)
        async with AsyncExitStack() as undo:
            undo.push_async_callback(self.close)
            await self._look()
            undo.pop_all()

    async def close(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    async def status(self) -> PrinterState:
        self._check()
        said = await self._in_thread(self._said)
        try:
            return protocol.printer_state(said)
        except Garbled as error:
            raise error.at(self.name) from None

    async def submit(self, pdf: bytes, name: str) -> Submitted:
        self._check()
        assert protocol.is_name(name)
        if await self.find(name):
            return Submitted(confirmed=True, job=name)  # handed over before: a second time prints nothing
        moved: list[str] = []
        try:
            await self._in_thread(lambda: self._put(pdf, name, moved))
        except TimedOut as error:
            return Submitted(confirmed=False, reason=error.code)
        except Faulty as error:
            if not moved:
                raise
            return Submitted(confirmed=False, reason=error.code)
        return Submitted(confirmed=True, job=name)

    async def find(self, name: str) -> str:
        return "" if (await self.job(name)).stage == "unknown" else name

    async def job(self, job: str) -> JobState:
        self._check()
        return protocol.job_state(job, await self._in_thread(lambda: self._lies_in(job)))

    async def finished(self, job: str, timeout_s: float) -> JobState:
        return await a4.finished(self, job, timeout_s, poll_s=POLL_S, device=self.name)

    async def describe(self) -> Words:
        state = await self.status()
        return Words(zh=f"打印文件夹：{state.words.zh}", en=f"Spool folder: {state.words.en}")

    async def _look(self) -> None:
        try:
            await self.status()
        except Garbled as error:
            raise NotThisDevice(error.detail, device=self.name) from None

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """File work with a limit; what the system refuses becomes an error of the tree."""
        try:
            async with asyncio.timeout(FILE_S):
                return await asyncio.to_thread(work)
        except TimeoutError:
            raise TimedOut("the folder does not answer", device=self.name) from None
        except (FileNotFoundError, NotADirectoryError) as trouble:
            kind = Absent if self._lock is None else Unplugged
            await self.close()
            raise kind(f"errno {trouble.errno}", device=self.name) from trouble
        except OSError as trouble:
            raise Faulty(f"errno {trouble.errno}", device=self.name) from trouble

    def _take(self) -> int:
        """Lock the folder. Raises Absent, Busy, NotThisDevice."""
        lock = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if not all((self._folder / part).is_dir() for part in protocol.FOLDERS):
                raise NotThisDevice(f"no {', '.join(protocol.FOLDERS)} in it", device=self.name)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise Busy("another program prints there", device=self.name) from None
        except DriverError:
            os.close(lock)
            raise
        return lock

    def _said(self) -> bytes | None:
        file = self._folder / protocol.STATE_FILE
        if not file.exists():
            (self._folder / "new").stat()
            return None
        with file.open("rb") as said:
            return said.read(protocol.STATE_BYTES_MAX)

    def _put(self, pdf: bytes, name: str, moved: list[str]) -> None:
        """Write beside, make durable, move in (`moved` learns of it): the queue never sees half a file."""
        part = self._folder / f"{name}.part"
        with part.open("wb") as out:
            out.write(pdf)
            out.flush()
            os.fsync(out.fileno())
        part.rename(self._folder / "new" / f"{name}.pdf")
        moved.append(name)
        folder = os.open(self._folder / "new", os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _lies_in(self, job: str) -> tuple[str, ...]:
        (self._folder / "new").stat()
        return tuple(part for part in protocol.FOLDERS if (self._folder / part / f"{job}.pdf").is_file())

    def _check(self) -> None:
        if self._lock is None:
            raise Unplugged("not open", device=self.name)
