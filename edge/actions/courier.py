"""The courier at the node (protocol.md 3): the same sealed batches on a stick, and what comes back on it."""

import asyncio
import contextlib
import hashlib
import os
from pathlib import Path
from typing import Any

import structlog

from edge.actions import checkpoint
from edge.actions.exchange import LOCK_WAIT_S, Round, do_step, ledger_view, off_the_loop, summary
from edge.actions.node import Node
from edge.actions.views import ExchangeSummary
from edge.errors import Busy, CourierRefused, StickTrouble
from edge.store.draft import Draft
from edge.store.files import sync_folder, wait_for_lock
from matters.model import Words
from sync.exchange.node import NodeExchange
from sync.exchange.node import export as batches
from sync.exchange.steps import Alarm, FetchPack, Finished, SendBatch, Step
from sync.packs import pack as packs

log = structlog.get_logger("courier")
SUFFIX = ".yzb"
LOCK = "courier.lock"
FILE_BYTES_MAX = 512 << 20
BUDGET_BYTES = 64 << 20


async def export(node: Node, path: Path) -> dict[str, Any]:
    """Write everything not yet countersigned into the folder `path`.

    Safe to remove the stick when this returns.

    Moves no cursor. Each file is written as `*.part`, fsynced, read back, compared, renamed. Raises
    CourierRefused when the stick does not give back what was written, StickTrouble when it takes no more.
    """
    node.never_in_training()
    await asyncio.to_thread(_folder, path)
    async with wait_for_lock(node.data / LOCK, Busy("another courier is at work"), LOCK_WAIT_S):
        size = await checkpoint.sign(node)
        async with ledger_view(node) as view:
            made = await off_the_loop(_write_all, view, node.now_ms(), path)
    draft = Draft(kind="courier.exported", outcome="ok", object=f"size-{size}")
    await node.store.transact(lambda tx: tx.append(draft))
    return {"files": [name for name, _ in made], "entries": sum(count for _, count in made), "size": size}


def _folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StickTrouble(error.strerror or "", str(path)) from error


def _write_all(view: Any, now_ms: int, folder: Path) -> list[tuple[str, int]]:
    made = []
    stem = view.origin.split("/", 1)[1].replace("/", "-")
    for batch in batches(view, now_ms, budget_bytes=BUDGET_BYTES):
        name = f"{stem}-{batch.start:010d}-{batch.end:010d}{SUFFIX}"
        _write_checked(folder / name, batch)
        made.append((name, batch.end - batch.start))
    return made


def _write_checked(path: Path, batch: SendBatch) -> None:
    """Written, fsynced, read back with the cache dropped, compared, renamed, folder fsynced."""
    part = path.with_suffix(".part")
    try:
        _write_part(part, batch.data)
        whole = part.read_bytes() == batch.data
        if whole:
            part.replace(path)
            sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise StickTrouble(error.strerror or "", path.name) from error
    if not whole:
        part.unlink(missing_ok=True)
        raise CourierRefused("read back differs", message=_BAD_STICK)


def _write_part(part: Path, content: bytes) -> None:
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
        with contextlib.suppress(OSError):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


_BAD_STICK = Words(
    zh="介质写入后读回不一致，请更换介质。", en="The stick does not give back what was written: use another."
)


async def import_files(node: Node, paths: list[Path]) -> ExchangeSummary:
    """Take what the centre sent back: acknowledgements, releases, packs.

    Idempotent; a wrong file changes nothing.

    Packs may come in any order beside the acknowledgement that names them. Raises CourierRefused when no
    file was for this node, naming the first reason.
    """
    node.never_in_training()
    files = [await asyncio.to_thread(read_foreign, path) for path in paths]
    done = Round()
    async with wait_for_lock(node.data / LOCK, Busy("another courier is at work"), LOCK_WAIT_S):
        for data in files:
            if packs.static(data):
                done.packs[hashlib.sha256(data).digest()] = data
        await checkpoint.sign(node)
        taken = 0
        for data in files:
            if not packs.static(data):
                taken += await _take(node, data, done)
    if not taken:
        raise CourierRefused(", ".join(done.alarms) or "no acknowledgement among the files")
    draft = Draft(kind="courier.imported", outcome="ok", object=f"files-{taken}")
    await node.store.transact(lambda tx: tx.append(draft))
    return await summary(node, done, 0, sum(len(data) for data in files))


async def _take(node: Node, data: bytes, done: Round) -> int:
    """One acknowledgement file; 1 when it was accepted."""
    async with ledger_view(node) as view:
        machine = NodeExchange(view)
        steps: list[Step] = await off_the_loop(machine.received, data)
    accepted = not any(isinstance(step, Finished) and step.outcome == "refused" for step in steps)
    for step in steps:
        if isinstance(step, FetchPack | SendBatch):
            continue  # what is not on the stick comes with the next one, or over the line
        await do_step(node, step, done)
        if isinstance(step, Alarm):
            log.warning("courier.alarm", code=step.code)
    return int(accepted)


def read_foreign(path: Path, bytes_max: int = FILE_BYTES_MAX) -> bytes:
    """A file somebody brought, whole.

    Raises CourierRefused, in words for the clerk, for one that is too large or cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(bytes_max + 1)
    except OSError as error:
        raise CourierRefused(f"{path.name}: {error.strerror}", message=_unread(path.name, error)) from error
    if len(content) > bytes_max:
        message = Words(zh=f"文件 {path.name} 过大，未导入。", en=f"{path.name} is too large; not taken.")
        raise CourierRefused(f"{path.name} is too large", message=message)
    return content


def _unread(name: str, error: OSError) -> Words:
    return Words(
        zh=f"读不到文件 {name}（{error.strerror}），未作任何改动。",
        en=f"Cannot read {name} ({error.strerror}); nothing was changed.",
    )
