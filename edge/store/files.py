"""Small files beside the database.

Written so that a power cut leaves the old or the new one, never half of one.
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from edge.errors import Busy, LedgerUnavailable

LOCK_AGAIN_S = 0.1


def write_durably(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write `content` under `path`: temporary file, fsync, rename, fsync of the folder. Durable on return.

    Raises LedgerUnavailable when the disk does not take it; the old file then stands.
    """
    try:
        _write(path, content, mode)
    except OSError as error:
        raise LedgerUnavailable(f"{path.name}: {error.strerror}") from error


def _write(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{path.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames and removals in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def destroy(path: Path) -> None:
    """Overwrite a small file with noise, fsync, remove, fsync the folder. Absent is fine.

    On flash the old cells may survive until they are recycled; the wrapped keys beside them were
    re-wrapped first.
    """
    if not path.exists():
        return
    with path.open("r+b") as file:
        file.write(secrets.token_bytes(max(64, path.stat().st_size)))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    sync_folder(path.parent)


@contextlib.contextmanager
def hold_lock(path: Path, busy: Exception) -> Iterator[None]:
    """Hold an advisory lock while the block runs; raises `busy` at once when another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise busy from None
        yield
    finally:
        os.close(descriptor)


def hold_service(data: Path) -> AbstractContextManager[None]:
    """Be the only process that serves `data`, or that needs nobody to; raises Busy while another is."""
    return hold_lock(data / "serve.lock", Busy("edge serve runs"))


@contextlib.asynccontextmanager
async def wait_for_lock(path: Path, busy: Exception, wait_s: float) -> AsyncIterator[None]:
    """Hold the same lock, asking again for up to `wait_s` seconds before raising `busy`."""
    with contextlib.ExitStack() as held:
        try:
            async with asyncio.timeout(wait_s):
                while True:
                    with contextlib.suppress(type(busy)):
                        held.enter_context(hold_lock(path, busy))
                        break
                    await asyncio.sleep(LOCK_AGAIN_S)
        except TimeoutError:
            raise busy from None
        yield
