"""What becomes of bytes on a disk: half a page or half a line after a power cut, a bit that flips at rest."""

from pathlib import Path
from random import Random

PAGE_BYTES = 8192
_HEADER, _FRAME = 32, 24
"""Bytes of the header of a write-ahead log, and of each frame of it before its page (sqlite.org/fileformat2.html, 4)."""


def tear_page(database: Path, dice: Random) -> bool:
    """The second half of one page is noise; only a page that the log holds, since only those are being copied.

    False where the log holds none that is in the file already.
    """
    log = database.with_name(f"{database.name}-wal")
    size = database.stat().st_size
    pages = [page for page in _logged(log.read_bytes() if log.exists() else b"") if page * PAGE_BYTES <= size]
    if not pages:
        return False
    with database.open("r+b") as file:
        file.seek(dice.choice(pages) * PAGE_BYTES - PAGE_BYTES // 2)
        file.write(dice.randbytes(PAGE_BYTES // 2))
    return True


def flip(database: Path, dice: Random) -> None:
    """One bit of one page is another."""
    content = bytearray(database.read_bytes())
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    database.write_bytes(content)


def _logged(log: bytes) -> list[int]:
    """Numbers of the pages committed in a log, as of its present salt, ascending."""
    salt, found, committed = log[16:24], set[int](), set[int]()
    for at in range(_HEADER, len(log) - _FRAME - PAGE_BYTES + 1, _FRAME + PAGE_BYTES):
        if log[at + 8 : at + 16] != salt:
            break
        found.add(int.from_bytes(log[at : at + 4], "big"))
        if any(log[at + 4 : at + 8]):
            committed |= found
    return sorted(committed)


def half(was: bytes, soon: bytes, dice: Random) -> bytes:
    """The file in which the bytes being written are half the new ones, half noise."""
    first = next(at for at in range(len(soon)) if at >= len(was) or was[at] != soon[at])
    torn = bytearray(soon)
    for at in range(first + dice.randint(0, 60), min(len(soon), first + 120)):
        torn[at] = dice.randrange(256)
    return bytes(torn)
