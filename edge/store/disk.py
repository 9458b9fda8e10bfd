"""Room on the disk: when it runs short, sensitive answers stop before entries do (crash rule 6)."""

import contextlib
import os
from pathlib import Path

from edge.store.files import sync_folder

RESERVE = "reserve"


def free_percent(data: Path) -> float:
    """Percent of the disk under `data` that this user may still fill; inodes count like bytes."""
    found = os.statvfs(data)
    bytes_free = 100 * found.f_bavail / max(1, found.f_blocks)
    inodes_free = 100 * found.f_favail / found.f_files if found.f_files else 100.0
    return min(bytes_free, inodes_free)


def spare_bytes(data: Path, percent: int) -> int:
    """Bytes this user may still write before less than `percent` of the disk is free; below 0 when it is."""
    found = os.statvfs(data)
    return (found.f_bavail - found.f_blocks * percent // 100) * found.f_frsize


def keep_reserve(data: Path, megabytes: int) -> bool:
    """Make sure the ballast file stands; whether it does.

    Written with real blocks, so it cannot be overcommitted.
    """
    path = data / RESERVE
    if megabytes == 0 or (path.exists() and path.stat().st_size >= megabytes << 20):
        return True
    try:
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, megabytes << 20)
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        return False
    return True


def give_reserve(data: Path) -> None:
    """Remove the ballast, so that the write-ahead log can be folded and entries and shutdown go on.

    A disk that lets nothing be removed either keeps it; the trouble that led here is the one to be told.
    """
    with contextlib.suppress(OSError):
        (data / RESERVE).unlink(missing_ok=True)
        sync_folder(data)
