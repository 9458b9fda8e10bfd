"""The anchor: how far the ledger had come.

Kept outside the database, so that an old image is found (crash rule 2).
"""

import hashlib
import os
from pathlib import Path

import msgspec

from edge.errors import Damaged
from edge.store.files import sync_folder
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
    content = path.read_bytes()
    lines = [content[at : at + _LINE] for at in range(0, len(content), _LINE)]
    found = [anchor for line in lines if (anchor := _parse(line)) is not None]
    if not found:
        raise Damaged("no line of the anchor is whole")
    return max(found, key=lambda one: (parse_origin(one.origin).incarnation, one.size))


def _parse(line: bytes) -> Anchor | None:
    parts = line.decode("ascii", errors="replace").split()
    if len(parts) != 4 or parts[3] != _mark(parts[:3]):  # noqa: PLR2004 -- origin, size, root, mark
        return None
    return Anchor(origin=parts[0], size=int(parts[1]), root=bytes.fromhex(parts[2]))


def write(data: Path, anchor: Anchor) -> None:
    """Replace the anchor; fsynced on return.

    Two fixed lines are written alternately in place (by size parity), so one is whole at every moment and no
    rename or folder sync is needed on the way to a report number.
    """
    parts = [anchor.origin, str(anchor.size), anchor.root.hex()]
    line = " ".join([*parts, _mark(parts)]).ljust(_LINE - 1).encode("ascii") + b"\n"
    assert len(line) == _LINE, "an anchor line is fixed in length"
    path = data / FILE
    new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(descriptor, line, _LINE * (anchor.size % 2))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if new:
        sync_folder(data)


def _mark(parts: list[str]) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]
