"""What somebody brought is looked at in a process of its own, without network (protocol 3, `drivers.apart`).

Nothing of a file is parsed in the serving process unless this one has proven that the centre signed it:
descriptions are words, letters of the centre come back opened and decoded, packs are only hashed until a
signed release names them, and other nodes' entries are handed on as they are. The process has the key that
letters to this node are sealed to, and nothing else of the node.

    python -m edge.actions.examiner < job > what was found      what that process is
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from drivers import apart
from edge.actions.stick import StickFile, files_in, named, unreadable
from edge.errors import CourierRefused, StickTrouble
from matters.model import Words
from sync.batch.acknowledge import Acknowledgement
from sync.batch.file import open_sealed
from sync.batch.header import Header
from sync.errors import LimitExceeded, SyncError
from sync.exchange.node import open_reply
from sync.signing.keys import SealingKey

if TYPE_CHECKING:
    from edge.store.identity import Identity  # it brings the database along

MODULE: Final = "edge.actions.examiner"
SECONDS: Final = 120.0
CPU_S: Final = 60
MEMORY_BYTES: Final = 2 << 30
LETTER_BYTES_MAX: Final = 64 << 20
ANSWER_BYTES_MAX: Final = 256 << 20
STICK_GONE: Final = 3


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to look at: a folder as a whole, or files whose letters are opened with the keys."""

    origin: str
    folder: str = ""
    files: tuple[str, ...] = ()
    centre: str = ""
    signing: bytes = b""
    sealing: bytes = b""


class Begun(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The file that is looked at from now on; `apart` says whether the process is without network."""

    name: str
    apart: bool


class Found(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One file; `acknowledgement` with its header, or the opened list (`listed`), where it is one for us.

    `code` says why a letter of the centre to this node was not opened.
    """

    file: StickFile | None
    header: Header | None = None
    acknowledgement: Acknowledgement | None = None
    listed: bytes = b""
    code: str = ""


_TOLD = msgspec.json.Decoder(Begun | Found)


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """What lies there, in order; `apart` False where the kernel left the process its network."""

    found: tuple[Found, ...]
    apart: bool

    @property
    def files(self) -> tuple[StickFile, ...]:
        """The files of Yizhan, in words."""
        return tuple(one.file for one in self.found if one.file is not None)


class Examiner:
    """Starts the process; a file that kills it is named in the refusal, and nothing was changed."""

    async def look(self, folder: Path, origin: str) -> Examined:
        """What lies in a folder. Raises StickTrouble when it cannot be read, else as `open`."""
        return await self._examined(Job(origin=origin, folder=str(folder)))

    async def open(self, files: list[Path], own: Identity) -> Examined:
        """What these files are, the centre's letters to us opened; one item a file, in order.

        Raises CourierRefused when the process died, took too long or said too much.
        """
        job = Job(
            origin=own.origin,
            files=tuple(map(str, files)),
            centre=own.centre.origin,
            signing=own.centre.signing,
            sealing=own.sealing.seed(),
        )
        return await self._examined(job)

    async def told(self, job: bytes) -> tuple[int, bytes]:
        """Exit code and output of the process."""
        return await apart.run(MODULE, job, seconds=SECONDS, bytes_max=ANSWER_BYTES_MAX)

    async def _examined(self, job: Job) -> Examined:
        code, said = await self.told(msgspec.json.encode(job))
        whole = said[: said.rfind(b"\n") + 1]
        lines = _TOLD.decode_lines(whole)
        begun = [one for one in lines if isinstance(one, Begun)]
        if code == STICK_GONE:
            raise StickTrouble("cannot be read", job.folder)
        if code:
            raise _ended(code, begun[-1].name if begun else "")
        return Examined(
            found=tuple(one for one in lines if isinstance(one, Found)),
            apart=all(one.apart for one in begun),
        )


def _ended(code: int, name: str) -> CourierRefused:
    which = f"（{name}）" if name else ""
    message = Words(
        zh=f"查看 U 盘文件的进程中断了{which}，未作任何改动。",
        en=f"The process that looks at the files ended early {name}; nothing was changed.".replace("  ", " "),
    )
    step = Words(
        zh="请把这个文件移走后再试；仍不行请换一个 U 盘，请中心重新导出。",
        en="Move that file away and try again; else use another stick and have it written anew.",
    )
    return CourierRefused(f"examiner ended with {code} at {name!r}", message=message, step=step)


def examine(job: Job, *, is_apart: bool) -> Iterator[Begun | Found]:
    """Look at every file of the job, in order. Raises StickTrouble for a folder that cannot be read."""
    paths = files_in(Path(job.folder)) if job.folder else list(map(Path, job.files))
    for path in paths:
        yield Begun(name=path.name, apart=is_apart)
        yield _found(path, job)


def _found(path: Path, job: Job) -> Found:
    try:
        file = named(path, job.origin)
        if file is None or not (job.sealing and file.ours and file.kind in {"acknowledgement", "list"}):
            return Found(file=file)
        return _opened(path, file, job)
    except OSError as error:
        return Found(file=unreadable(path.name, error))


def _opened(path: Path, file: StickFile, job: Job) -> Found:
    """A letter of the centre to us: verified, unsealed and decoded, or why not."""
    key, keys = SealingKey.from_bytes(job.sealing), {job.centre: job.signing}
    with path.open("rb") as brought:
        content = brought.read(LETTER_BYTES_MAX + 1)
    try:
        if len(content) > LETTER_BYTES_MAX:
            raise LimitExceeded(f"a letter of more than {LETTER_BYTES_MAX} bytes")
        if file.kind == "list":
            _, listed = open_sealed(content, key, keys.get, kind="down", destination=job.origin)
            return Found(file=file, listed=listed)
        header, acknowledgement = open_reply(content, key, keys.get, job.origin)
        return Found(file=file, header=header, acknowledgement=acknowledgement)
    except SyncError as error:
        return Found(file=file, code=error.code)


def main() -> int:
    """Read the job, give up the network, look; a line before and after each file."""
    is_apart = apart.confine(memory_bytes=MEMORY_BYTES, cpu_s=CPU_S)
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    try:
        for one in examine(job, is_apart=is_apart):
            sys.stdout.buffer.write(msgspec.json.encode(one) + b"\n")
            sys.stdout.buffer.flush()
    except StickTrouble:
        return STICK_GONE
    return 0


if __name__ == "__main__":
    sys.exit(main())
