"""Parts of batches whose line was cut: sealed as they came, in DATA/parts, until the rest is there.

A courtesy: without it a node goes on from the last whole frame. Nothing of a part is believed: whoever sends
the rest names the batch, and the whole is proven like any other.
"""

import contextlib
import hashlib
import os
from pathlib import Path

from central.store.durable import write_durably

FOLDER = "parts"
PART_BYTES, ALL_BYTES = 8 << 20, 64 << 20
"""The longest part that is kept, and all of them together: beyond that the oldest go."""


def keep(data: Path, origin: str, part: bytes, now_ms: int, all_bytes: int = ALL_BYTES) -> None:
    """Keep the part of a batch whose sender is proven, in place of an older one of the same origin; durable.

    Raises Trouble where the disk does not take it; then none is kept.
    """
    forget(data, origin)
    if len(part) > PART_BYTES:
        return
    write_durably(_path(data, origin), part)
    with contextlib.suppress(FileNotFoundError):  # the whole batch came meanwhile
        os.utime(_path(data, origin), ns=(now_ms * 1_000_000, now_ms * 1_000_000))
    beyond = -all_bytes
    for _, size, path in reversed(_oldest_first(data)):
        beyond += size
        if beyond > 0:
            path.unlink(missing_ok=True)


def kept(data: Path, origin: str) -> bytes:
    """What is kept of the last cut batch of this origin; empty for none."""
    try:
        return _path(data, origin).read_bytes()
    except OSError:
        return b""


def forget(data: Path, origin: str) -> None:
    """The batch is there as a whole, or will not be."""
    with contextlib.suppress(OSError):  # one that stays does no harm: whoever sends the rest names its batch
        _path(data, origin).unlink(missing_ok=True)


def forget_old(data: Path, before_ms: int) -> int:
    """Remove what was kept before then: its node goes on with another batch, or never; how many."""
    gone = [path for kept_ns, _, path in _oldest_first(data) if kept_ns < before_ms * 1_000_000]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)


def _oldest_first(data: Path) -> list[tuple[int, int, Path]]:
    """When each part was kept (ns), its bytes, its path; other requests come and go meanwhile."""
    found = []
    for path in (data / FOLDER).glob("*"):
        with contextlib.suppress(FileNotFoundError):
            seen = path.stat()
            found.append((seen.st_mtime_ns, seen.st_size, path))
    return sorted(found)


def _path(data: Path, origin: str) -> Path:
    return data / FOLDER / hashlib.sha256(origin.encode()).hexdigest()
