"""The courier at the node (protocol.md 3): the same sealed batches on a stick, and what comes back on it."""

import asyncio
import hashlib
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import msgspec
import structlog

from edge.actions import checkpoint, files
from edge.actions.exchange import LOCK_WAIT_S, Round, do_step, ledger_view, off_the_loop, summary
from edge.actions.node import Node
from edge.actions.stick import (
    HEAD_BYTES,
    SUFFIX,
    describe,
    folder_of,
    look,
    read_foreign,
    write_checked,
)
from edge.actions.views import ExchangeSummary
from edge.errors import Busy, CentreRefused, CentreUnreachable, CourierRefused
from edge.store.draft import Draft
from edge.store.files import wait_for_lock
from matters.model import Words
from sync.exchange.node import NodeExchange
from sync.exchange.node import export as batches
from sync.exchange.steps import Alarm, FetchPack, Finished, SendBatch, Step
from sync.ids import parse_origin
from sync.packs import pack as packs

log = structlog.get_logger("courier")
LOCK = "courier.lock"
BUDGET_BYTES = 64 << 20
RELAY_DEADLINE_S = 120.0
NOTES_MAX = 6


async def export(node: Node, path: Path) -> dict[str, Any]:
    """Write everything not yet countersigned into the folder `path`, and report files the centre may lack.

    Safe to remove the stick when this returns: `stick` says in words what lies on it.

    Moves no cursor. Each file is written as `*.part`, fsynced, read back, compared, renamed. Raises
    CourierRefused when the stick does not give back what was written, StickTrouble when it takes no more.
    """
    node.never_in_training()
    await asyncio.to_thread(folder_of, path)
    async with _alone(node):
        size = await checkpoint.sign(node)
        async with ledger_view(node) as view:
            made = await off_the_loop(_write_all, view, node.now_ms(), path)
        chunks = await files.to_stick(node, path, BUDGET_BYTES)
    draft = Draft(kind="courier.exported", outcome="ok", object=f"size-{size}")
    await node.store.transact(lambda tx: tx.append(draft))
    return {
        "files": [*(name for name, _ in made), *chunks],
        "entries": sum(count for _, count in made),
        "size": size,
        "stick": await asyncio.to_thread(look, path, node.identity.origin),
    }


def _alone(node: Node) -> AbstractAsyncContextManager[None]:
    """The only courier of this node; raises Busy when another is at work for LOCK_WAIT_S."""
    return wait_for_lock(node.data / LOCK, Busy("another courier", message=_AT_WORK, step=_WAIT), LOCK_WAIT_S)


def _write_all(view: Any, now_ms: int, folder: Path) -> list[tuple[str, int]]:
    made = []
    stem = view.origin.split("/", 1)[1].replace("/", "-")
    for batch in batches(view, now_ms, budget_bytes=BUDGET_BYTES):
        name = f"{stem}-{batch.start:010d}-{batch.end:010d}{SUFFIX}"
        write_checked(folder / name, batch.data)
        made.append((name, batch.end - batch.start))
    return made


async def import_files(node: Node, paths: list[Path]) -> ExchangeSummary:
    """Take what the centre sent back: acknowledgements, releases, packs, the list of report files it lacks.

    Idempotent; a wrong file changes nothing and is named in `notes`. Entries of other nodes (a bus) are
    handed on unopened where the line stands, and the centre's reply is put beside them. Packs may come in any
    order beside the acknowledgement that names them. Raises CourierRefused when no file was of use, saying of
    each why.
    """
    node.never_in_training()
    found = [(path, await asyncio.to_thread(read_foreign, path)) for path in paths]
    done, notes = Round(), list[Words]()
    async with _alone(node):
        for _, data in found:
            if packs.static(data):
                done.packs[hashlib.sha256(data).digest()] = data
        await checkpoint.sign(node)
        taken = 0
        for path, data in found:
            if not packs.static(data):
                taken += await _taken(node, path, data, done, notes)
    if not taken:
        words = _nothing(notes) if notes else None
        raise CourierRefused(", ".join(done.alarms) or "no acknowledgement among the files", message=words)
    draft = Draft(kind="courier.imported", outcome="ok", object=f"files-{taken}")
    await node.store.transact(lambda tx: tx.append(draft))
    said = await summary(node, done, 0, sum(len(data) for _, data in found))
    return msgspec.structs.replace(said, notes=tuple(notes))


async def _taken(node: Node, path: Path, data: bytes, done: Round, notes: list[Words]) -> int:
    """One file that is no pack; 1 when it was of use, else why not is among `notes`."""
    kind, whose, zh, en = describe(path.name, data[:HEAD_BYTES])
    ours = whose == parse_origin(node.identity.origin).name
    if kind == "entries" and not ours:
        return await _relayed(node, path, data, whose, notes)
    if kind == "list" and ours and await files.note_wanted(node, data):
        return 1
    if kind == "acknowledgement" and ours:
        before = len(done.alarms)
        if await _take(node, data, done):
            return 1
        why = done.alarms[before] if done.alarms[before:] else "refused"
        zh, en = f"{zh}未被接受（{why}）", f"{en} was not accepted ({why})"
    notes.append(Words(zh=f"{path.name}：{zh or _STRANGE.zh}", en=f"{path.name}: {en or _STRANGE.en}"))
    return 0


async def _relayed(node: Node, path: Path, data: bytes, whose: str, notes: list[Words]) -> int:
    """Hand in another node's sealed entries under our own signature; the reply is sealed to that node."""
    try:
        reply = await node.uplink.exchange(node.identity, data, RELAY_DEADLINE_S)
    except (CentreUnreachable, CentreRefused) as error:
        zh, en = (
            f"节点 {whose} 的台账没有转交：{error.message.zh}",
            f"node {whose} was not relayed: {error.message.en}",
        )
        notes.append(Words(zh=f"{path.name}：{zh}", en=f"{path.name}: {en}"))
        return 0
    await asyncio.to_thread(write_checked, path.with_name(f"centre-{whose}{SUFFIX}"), reply)
    said = Words(
        zh=f"{path.name}：已替节点 {whose} 转交中心，回执已写回介质，请随车带回",
        en=f"{path.name}: handed on for node {whose}; the reply is on the stick, to be taken back",
    )
    notes.append(said)
    return 1


def _nothing(notes: list[Words]) -> Words:
    return Words(
        zh="介质上没有本机可用的文件，未作任何改动。" + "；".join(one.zh for one in notes[:NOTES_MAX]) + "。",
        en="Nothing here is of use to this node; nothing was changed. "
        + "; ".join(one.en for one in notes[:NOTES_MAX]),
    )


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


_AT_WORK = Words(zh="另一次 U 盘传递正在进行。", en="Another stick is being read or written.")
_WAIT = Words(zh="请等它完成后再试。", en="Wait until it is done, then try again.")
_STRANGE = Words(zh="不是驿站的文件", en="not a file of Yizhan")
