"""The driver of a document camera: a V4L2 device, or anything that gives JPEG pictures one after another.

A V4L2 device is set to motion JPEG and asked for a few pictures, of which the last is taken: the first ones
come before the camera has found its exposure. A device that knows no V4L2 (a twin's) is asked by one byte and
answers with a picture.
"""

import errno
import fcntl
import mmap
import select
import time
from contextlib import ExitStack, suppress
from typing import Final

from drivers.devices.document_camera import protocol
from drivers.devices.document_camera.protocol import Pictures
from drivers.errors import DriverError, Faulty, NothingCame, NotThisDevice, TimedOut, Unplugged
from drivers.wires.address import Address
from drivers.wires.blocking import Threads
from drivers.wires.character_device import open_character_device
from drivers.wires.listening import answered
from drivers.wires.serial_line import SerialLine
from drivers.wires.wire import Turn, settle
from matters.model import Words

WIDTH: Final = 1920
HEIGHT: Final = 1080
SIDE: Final = range(16, 16_385)
BUFFERS: Final = 2
SKIPPED: Final = 3  # pictures taken before the exposure is right
PICTURE_S: Final = 5.0
OPEN_S: Final = 2.0
_NO_JPEG: Final = Words(zh="高拍仪不支持 JPEG 图像。", en="The camera gives no JPEG pictures.")
_OTHER: Final = Words(
    zh="请换用支持 MJPEG 的高拍仪，现在改用复印件。", en="Use a camera with MJPEG; take a paper copy now."
)


class V4l2Camera:
    """`DocumentCamera` on a video device. Address options: `width`, `height` (default 1920, 1080)."""

    def __init__(self, address: Address) -> None:
        address.only("width", "height")
        self.name = address.text
        self._path = address.place
        self._size = address.number("width", WIDTH), address.number("height", HEIGHT)
        if any(side not in SIDE for side in self._size):
            raise NotThisDevice("width and height are 16 to 16384", device=self.name)
        self._line: SerialLine | None = None
        self._card = ""
        self._pictures = Pictures()
        self._threads = Threads(self.name)
        self._turn = Turn(self.name)

    async def open(self) -> None:
        async with self._turn:
            if self._line is not None:
                return
            line = await open_character_device(self._path, self.name)
            try:
                self._card = await self._threads.call(lambda: _who(line.fileno()), OPEN_S)
            except DriverError as error:
                await line.close()
                raise error.at(self.name) from None
            self._pictures.reset()
            self._line = line

    async def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    async def picture(self, timeout_s: float) -> bytes:
        async with self._turn:
            line = self._line
            if line is None:
                raise Unplugged("not open", device=self.name)
            try:
                taken = await (self._capture(line, timeout_s) if self._card else self._read(line, timeout_s))
                await self._threads.call(lambda: protocol.check_picture(taken), PICTURE_S)
            except Unplugged:
                await self.close()
                raise
            except DriverError as error:
                raise error.at(self.name) from None
            return taken

    async def describe(self) -> Words:
        line = self._line
        if line is None:
            raise Unplugged("not open", device=self.name)
        try:
            await self._threads.call(lambda: _look(line.fileno(), v4l2=bool(self._card)), OPEN_S)
        except Unplugged as error:
            await self.close()
            raise error.at(self.name) from None
        size = f"{self._size[0]} × {self._size[1]}"
        return Words(
            zh=f"高拍仪 {self._card or '（图像流）'}，要求 {size}",
            en=f"Camera {self._card or '(stream)'}, {size} wanted",
        )

    async def _capture(self, line: SerialLine, timeout_s: float) -> bytes:
        fd = line.fileno()
        return await self._threads.call(lambda: _shoot(fd, self._size, timeout_s), timeout_s + OPEN_S)

    async def _read(self, line: SerialLine, timeout_s: float) -> bytes:
        """The picture a stream answers with; what lay in it before is thrown away."""
        await settle(line, limit_s=timeout_s)
        await line.write(protocol.SHOOT, timeout_s)
        try:
            return await answered(line, self._pictures, timeout_s, protocol.PICTURE_BYTES_MAX)
        except TimedOut:
            raise NothingCame("no picture") from None


def _who(fd: int) -> str:
    """The card's name of a V4L2 device; empty for another. Raises NotThisDevice for one without pictures."""
    block = bytearray(protocol.query_ability())
    try:
        fcntl.ioctl(fd, protocol.QUERYCAP, block)
    except OSError as trouble:
        if trouble.errno in {errno.ENOTTY, errno.EINVAL}:
            return ""
        raise _named(trouble) from None
    ability = protocol.parse_ability(bytes(block))
    if not ability.pictures:
        raise NotThisDevice("gives no pictures")
    return ability.card or "camera"


def _look(fd: int, *, v4l2: bool) -> None:
    """Make sure that the camera is still there. Raises Unplugged."""
    if v4l2:
        _who(fd)
        return
    watch = select.poll()
    watch.register(fd, 0)
    if watch.poll(0):
        raise Unplugged("hung up")


def _shoot(fd: int, size: tuple[int, int], timeout_s: float) -> bytes:
    """Stream until a picture with right exposure has come. Runs in a thread of its own."""
    with ExitStack() as undo:
        try:
            _, _, jpeg = protocol.parse_format(_ask(fd, protocol.S_FMT, protocol.set_format(*size)))
            if not jpeg:
                raise Faulty("no motion JPEG", words=_NO_JPEG, next_step=_OTHER)
            _ask(fd, protocol.REQBUFS, protocol.ask_buffers(BUFFERS))
            undo.callback(_quietly, fd, protocol.REQBUFS, protocol.ask_buffers(0))
            maps = []
            for index in range(BUFFERS):
                _, _, offset, length = protocol.parse_buffer(
                    _ask(fd, protocol.QUERYBUF, protocol.buffer(index))
                )
                maps.append(undo.enter_context(mmap.mmap(fd, length, offset=offset)))
                _ask(fd, protocol.QBUF, protocol.buffer(index))
            stream = protocol.CAPTURE.to_bytes(4, "little")
            _ask(fd, protocol.STREAMON, stream)
            undo.callback(_quietly, fd, protocol.STREAMOFF, stream)
            return _last_picture(fd, maps, timeout_s)
        except OSError as trouble:
            raise _named(trouble) from None


def _last_picture(fd: int, maps: list[mmap.mmap], timeout_s: float) -> bytes:
    end, picture = time.monotonic() + timeout_s, b""
    for _ in range(SKIPPED + 1):
        ready, _, _ = select.select([fd], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            raise NothingCame("no picture")
        index, used, _, _ = protocol.parse_buffer(_ask(fd, protocol.DQBUF, protocol.buffer(0)))
        picture = maps[index][:used]
        _ask(fd, protocol.QBUF, protocol.buffer(index))
    return picture


def _ask(fd: int, request: int, block: bytes) -> bytes:
    answer = bytearray(block)
    fcntl.ioctl(fd, request, answer)
    return bytes(answer)


def _quietly(fd: int, request: int, block: bytes) -> None:
    with suppress(OSError):
        _ask(fd, request, block)


def _named(trouble: OSError) -> DriverError:
    kind = Unplugged if trouble.errno in {errno.ENODEV, errno.EIO, errno.EBADF} else Faulty
    return kind(f"errno {trouble.errno}")
