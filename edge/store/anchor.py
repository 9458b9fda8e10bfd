"""The anchor: how far the ledger had come.

Kept outside the database, so that an old image is found (crash rule 2).
"""

import hashlib
import os
from pathlib import Path

import msgspec

from edge.errors import Damaged
from edge.store.files import write_durably
from sync.ids import parse_origin

FILE = "anchor"
_LINE = 256


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """Origin (with incarnation), size and root of the ledger; the database must never be behind it."""

    origin: str
    size: int
    root: bytes


def read(data: Path) -> Anchor | None:
    """The newest whole anchor line, None when there is none yet. Raises Damaged when no line is whole."""
    path = data / FILE
    if not path.exists():
        return None
    found = [anchor for anchor in _lines(path.read_bytes()) if anchor is not None]
    if not found:
        raise Damaged("no line of the anchor is whole")
    return max(found, key=_age)


def _lines(content: bytes) -> list[Anchor | None]:
    """Both lines; None for one that is not whole."""
    return [_parse(content[at : at + _LINE]) for at in (0, _LINE)]


def _age(anchor: Anchor | None) -> tuple[int, int]:
    """Newer anchors are larger; a line that is not whole is the oldest."""
    return (parse_origin(anchor.origin).incarnation, anchor.size) if anchor else (0, -1)


def _parse(line: bytes) -> Anchor | None:
    parts = line.decode("ascii", errors="replace").split()
    if len(parts) != 4 or parts[3] != _mark(parts[:3]):  # noqa: PLR2004 -- origin, size, root, mark
        return None
    return Anchor(origin=parts[0], size=int(parts[1]), root=bytes.fromhex(parts[2]))


def write(data: Path, anchor: Anchor) -> None:
    """Replace the anchor; fsynced on return.

    The file holds two fixed lines. The first anchor is put there by rename, twice; each later one is
    written in place over the older line, so the newer one is whole at every moment and no rename or
    folder sync is needed on the way to a report number.
    """
    parts = [anchor.origin, str(anchor.size), anchor.root.hex()]
    line = " ".join([*parts, _mark(parts)]).ljust(_LINE - 1).encode("ascii") + b"\n"
    assert len(line) == _LINE, "an anchor line is fixed in length"
    path = data / FILE
    if not path.exists():
        write_durably(path, line * 2)
        return
    descriptor = os.open(path, os.O_RDWR)
    try:
        held = _lines(os.pread(descriptor, 2 * _LINE, 0))
        older = min((0, 1), key=lambda slot: _age(held[slot]))
        os.pwrite(descriptor, line, _LINE * older)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _mark(parts: list[str]) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]
