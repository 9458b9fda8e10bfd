"""A copy of the database through SQLite's backup interface, checked before it counts."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from edge.actions.node import Node
from edge.errors import Damaged, LedgerUnavailable, Refused, StickTrouble
from edge.store.files import sync_folder
from matters.model import Words


async def backup(node: Node, path: Path) -> dict[str, Any]:
    """Copy the running database to `path`; whole, checked and fsynced when this returns.

    Opens with this node's slots. Raises Refused when the file exists (nothing is overwritten), Damaged when
    the copy does not hold, StickTrouble when it cannot be written.
    """
    return await asyncio.to_thread(_backup, node, path)


def _backup(node: Node, path: Path) -> dict[str, Any]:
    if path.exists():
        raise Refused(f"{path.name} exists", message=_EXISTS)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        faults = node.store.backup(part)
        if faults:
            raise Damaged("; ".join(faults[:3]))
        part.replace(path)
        sync_folder(path.parent)
    except (OSError, LedgerUnavailable) as error:
        raise StickTrouble(str(getattr(error, "strerror", error))) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return {"path": str(path), "bytes": path.stat().st_size}


_EXISTS = Words(zh="文件已存在，未覆盖。", en="The file exists and was not overwritten.")
