"""Files beside the database and on sticks: whole or not at all, and durable before anything names them."""

import contextlib
import os
import shutil
from pathlib import Path

from central.errors import Trouble


def write_durably(path: Path, content: bytes) -> None:
    """Write `content` under `path`, durable on return; what stood there before stays until then.

    Written as `*.part`, fsynced, read back with the cache dropped, compared, renamed, folder fsynced (USB
    rules of protocol 3). Missing folders are made for us alone. Raises Trouble where the disk or stick takes
    it not, or gives other bytes back.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        whole = _written(path.with_name(f"{path.name}.part"), content)
        if whole:
            path.with_name(f"{path.name}.part").replace(path)
            _sync_folder(path.parent)
    except OSError as error:
        raise Trouble(
            f"无法写入 {path.name}（{error.strerror}）。", f"cannot write {path.name} ({error.strerror})"
        ) from error
    if not whole:
        raise Trouble("介质写入后读回不一致，请更换介质。", "the stick gives back other bytes: use another")


def has_room(folder: Path, many: int) -> None:
    """Raise Trouble, in words, where `many` bytes more do not fit beside what lies there."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    if free < many:
        raise Trouble(
            f"介质放不下：需要 {many >> 10} KB，还有 {free >> 10} KB，未写入任何文件。",
            f"no room: {many >> 10} KB wanted, {free >> 10} KB free; nothing was written",
        )


def _written(part: Path, content: bytes) -> bool:
    """Whether the part file, read from the medium, is `content`; a spoilt one is removed."""
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        with contextlib.suppress(OSError):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if part.read_bytes() == content:
        return True
    part.unlink()
    return False


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
