"""A serial line: pyserial sets it up, the event loop waits on its file descriptor.

The kernel is the only buffer: nothing is read ahead, so nothing can pile up here. A line is opened
exclusively (a lock and TIOCEXCL), so that no second program can mix its bytes in.
"""

import asyncio
import errno
import os
import termios
from collections.abc import Callable
from typing import Protocol

import serial

from drivers.errors import Absent, Busy, DriverError, NotThisDevice, TimedOut, Unplugged
from drivers.wires.wire import WRITE_S

Watch = Callable[..., object]

_BUSY = {errno.EAGAIN, errno.EBUSY, errno.EWOULDBLOCK}
_NOT_A_LINE = {errno.ENOTTY, errno.EINVAL, errno.EISDIR}


class Port(Protocol):
    """What is open below a line."""

    baudrate: int

    def fileno(self) -> int:
        """The descriptor to wait on."""

    def close(self) -> None:
        """Close it."""


class SerialLine:
    """One open line of bytes: serial, 8N1 (`open_serial`), or another character device of the kernel."""

    def __init__(self, port: Port, name: str) -> None:
        self.name = name
        self._port = port
        self._fd: int | None = port.fileno()
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def baud(self) -> int:
        """The speed now set."""
        return int(self._port.baudrate)

    def fileno(self) -> int:
        """The descriptor, for requests to the kernel. Raises Unplugged."""
        return self._open_fd()

    def set_baud(self, baud: int) -> None:
        """Change our side's speed at once. Raises Unplugged, or NotThisDevice when the line cannot do it."""
        try:
            self._port.baudrate = baud
        except (OSError, termios.error, ValueError) as trouble:
            raise self._named(trouble) from trouble

    async def write(self, data: bytes, timeout_s: float = WRITE_S) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        rest = memoryview(data)
        while rest:
            fd = self._open_fd()
            try:
                rest = rest[os.write(fd, rest) :]
            except BlockingIOError:
                await self._until(loop.add_writer, loop.remove_writer, fd, end)
            except OSError as trouble:
                raise await self._lost(trouble) from trouble

    async def read(self, limit: int, timeout_s: float) -> bytes:
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        while (chunk := await self._read_now(limit)) is None:
            try:
                await self._until(loop.add_reader, loop.remove_reader, self._open_fd(), end)
            except TimedOut:
                late = await self._read_now(limit)  # perhaps this program stood still, not the line
                if late is None:
                    raise
                return late
        return chunk

    async def close(self) -> None:
        if self._fd is None:
            return
        self._fd = None
        for future in self._waiting:
            if not future.done():
                future.set_exception(Unplugged("closed while waiting", device=self.name))
        await asyncio.sleep(0)  # those that waited take their watchers off the descriptor before it goes
        try:
            self._port.close()
        except (OSError, termios.error):
            return  # the line is gone already; there is nothing left to close

    async def _read_now(self, limit: int) -> bytes | None:
        """What is there, or None when nothing has come yet."""
        try:
            chunk = os.read(self._open_fd(), limit)
        except BlockingIOError:
            return None
        except OSError as trouble:
            raise await self._lost(trouble) from trouble
        if not chunk:
            raise await self._lost(OSError(errno.EIO, "end of line"))
        return chunk

    async def _until(self, watch: Watch, unwatch: Watch, fd: int, end: float) -> None:
        """Wait until the descriptor is ready or `end` has come (TimedOut)."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        self._waiting.add(ready)
        watch(fd, _wake, ready)
        try:
            async with asyncio.timeout_at(end):
                await ready
        except TimeoutError:
            raise TimedOut("the line stayed silent", device=self.name) from None
        finally:
            unwatch(fd)
            self._waiting.discard(ready)

    def _open_fd(self) -> int:
        if self._fd is None:
            raise Unplugged("the line is closed", device=self.name)
        return self._fd

    async def _lost(self, trouble: OSError) -> DriverError:
        await self.close()
        return self._named(trouble)

    def _named(self, trouble: BaseException) -> DriverError:
        number = trouble.args[0] if trouble.args else None
        kind = NotThisDevice if isinstance(trouble, ValueError) or number == errno.EINVAL else Unplugged
        return kind(f"errno {number}" if isinstance(number, int) else "not possible", device=self.name)


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


async def open_serial(path: str, baud: int, name: str) -> SerialLine:
    """Open `path` exclusively at `baud`, 8N1, no flow control, and forget what lay in its buffers.

    Raises Absent (no such line, or no permission), Busy (held by another), NotThisDevice (not a serial line).
    """
    try:
        port = serial.Serial(
            path, baud, timeout=0, write_timeout=0, inter_byte_timeout=0, exclusive=True
        )  # inter_byte_timeout=0 sets VMIN=1: an empty read then means hung up, never "nothing yet"
        port.reset_input_buffer()
    except (OSError, termios.error, ValueError) as trouble:
        raise _refused(trouble, name) from trouble
    return SerialLine(port, name)


def _refused(trouble: BaseException, name: str) -> DriverError:
    number = getattr(trouble, "errno", None)
    if number is None and "ioctl" in str(trouble):
        number = errno.ENOTTY  # pyserial hides the number of this one in its text
    detail = f"errno {number}"
    if number in _BUSY:
        return Busy(detail, device=name)
    if isinstance(trouble, ValueError) or number in _NOT_A_LINE:
        return NotThisDevice(detail, device=name)
    return Absent(detail, device=name)
