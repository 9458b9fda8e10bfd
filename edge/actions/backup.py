"""A copy of the database through SQLite's backup interface, checked before it counts.

Beside it `<name>.keys`: the slots that open it, and the node's settings; by itself it opens nothing.
"""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import msgspec

from edge.actions.node import Node
from edge.errors import Damaged, LedgerUnavailable, Refused, StickTrouble
from edge.settings import FILE as SETTINGS
from edge.store import slots
from edge.store.files import sync_folder, write_durably
from edge.store.slots import Slot
from matters.model import Words


async def backup(node: Node, path: Path) -> dict[str, Any]:
    """Copy the running database to `path`; whole, checked and fsynced when this returns.

    Opens with this node's slots as they are now (`<path>.keys`). Raises Refused when either file exists
    (nothing is overwritten), Damaged when the copy does not hold, StickTrouble when it cannot be written.
    """
    return await asyncio.to_thread(_backup, node, path)


def _backup(node: Node, path: Path) -> dict[str, Any]:
    beside = companion(path)
    for one in (path, beside):
        if one.exists():
            raise Refused(f"{one.name} exists", message=_EXISTS, step=_OTHER_NAME)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    whole = False
    try:
        faults = node.store.backup(part)
        if faults:
            raise Damaged("; ".join(faults[:3]))
        write_durably(beside, _companion(node))
        part.replace(path)
        sync_folder(path.parent)
        whole = True
    except (OSError, LedgerUnavailable) as error:
        raise StickTrouble(str(getattr(error, "strerror", error)), str(path)) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
            if not whole:
                beside.unlink(missing_ok=True)
    return {"path": str(path), "bytes": path.stat().st_size, "keys": str(beside)}


class Companion(msgspec.Struct, frozen=True, kw_only=True):
    """What lies beside a backup: whose it is, the slots that open it, the settings as text."""

    version: int
    origin: str
    slots: tuple[Slot, ...]
    settings: str


def companion(path: Path) -> Path:
    """The file beside a backup."""
    return path.with_name(f"{path.name}.keys")


def _companion(node: Node) -> bytes:
    settings = node.data / SETTINGS
    made = Companion(
        version=1,
        origin=node.identity.origin,
        slots=slots.slots(node.data),
        settings=settings.read_text("utf-8") if settings.exists() else "",
    )
    return msgspec.json.format(msgspec.json.encode(made))


_OTHER_NAME = Words(zh="请换一个文件名或文件夹。", en="Take another name or folder.")
_EXISTS = Words(zh="文件已存在，未覆盖。", en="The file exists and was not overwritten.")
