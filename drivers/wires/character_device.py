"""A line that is a character device, both ways, no speed to set: a USB printer under /dev/usb, a camera.

`usblp` lets one program in (EBUSY for others); the lock is for lines that do not.
"""

import errno
import fcntl
import os
import stat
from typing import Final

from drivers.errors import Absent, Busy, DriverError, NotThisDevice
from drivers.wires.serial_line import SerialLine

_BUSY: Final = {errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK}


class CharacterDevice:
    """An open character device, as `SerialLine` wants its port."""

    baudrate = 0

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        """The descriptor."""
        return self._fd

    def close(self) -> None:
        """Close it."""
        os.close(self._fd)


async def open_character_device(path: str, name: str) -> SerialLine:
    """Open `path` for one program. Raises Absent, Busy, NotThisDevice (no character device)."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as trouble:
        raise _refused(trouble, name) from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as trouble:
        os.close(fd)
        raise _refused(trouble, name) from None
    if not stat.S_ISCHR(os.fstat(fd).st_mode):
        os.close(fd)
        raise NotThisDevice("no character device", device=name)
    return SerialLine(CharacterDevice(fd), name)


def _refused(trouble: OSError, name: str) -> DriverError:
    kind = Busy if trouble.errno in _BUSY else NotThisDevice if trouble.errno == errno.EISDIR else Absent
    return kind(f"errno {trouble.errno}", device=name)
