"""The courier at the node (protocol.md 3): the same sealed batches on a stick, and what comes back on it."""

import asyncio
import hashlib
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import msgspec
import structlog

from edge.actions import centre_seen, checkpoint, files, recount
from edge.actions.examiner import Found
from edge.actions.exchange import LOCK_WAIT_S, Round, do_step, ledger_view, off_the_loop, summary
from edge.actions.node import Node
from edge.actions.stick import SUFFIX, folder_of, read_foreign, write_checked
from edge.actions.views import ExchangeSummary
from edge.errors import Busy, CentreRefused, CentreUnreachable, CourierRefused
from edge.store.draft import Draft
from edge.store.files import wait_for_lock
from matters.model import Words
from sync.exchange.node import NodeExchange
from sync.exchange.node import export as batches
from sync.exchange.steps import Alarm, FetchPack, Finished, SendBatch, Step

log = structlog.get_logger("courier")
LOCK = "courier.lock"
BUDGET_BYTES = 64 << 20
RELAY_DEADLINE_S = 120.0
NOTES_MAX = 6


async def export(node: Node, path: Path, *, certificate: bool = False) -> dict[str, Any]:
    """Write everything not yet countersigned into the folder `path`, and report files the centre may lack.

    Safe to remove the stick when this returns: `stick` says in words what lies on it.

    With `certificate` also what a restored centre that forgot this node knows it by (an officer approves).
    Moves no cursor. Each file is written as `*.part`, fsynced, read back, compared, renamed. Raises
    CourierRefused when the stick does not give back what was written, StickTrouble when it takes no more.
    """
    node.never_in_training()
    await asyncio.to_thread(folder_of, path)
    async with _alone(node):
        size = await checkpoint.sign(node)
        async with ledger_view(node) as view:
            made = await off_the_loop(_write_all, view, node.now_ms(), path)
        others = await files.to_stick(node, path, BUDGET_BYTES)
        if certificate:
            others.append(await centre_seen.write_certificate(node, path))
    draft = Draft(kind="courier.exported", outcome="ok", object=f"size-{size}")
    await node.store.transact(lambda tx: tx.append(draft))
    names = [*(name for name, _ in made), *others]
    return {
        "files": names,
        "bytes": await asyncio.to_thread(lambda: sum((path / name).stat().st_size for name in names)),
        "entries": sum(count for _, count in made),
        "size": size,
        "stick": (await node.examiner.look(path, node.identity.origin)).files,
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
    """Take what the centre sent back: acknowledgements, releases, packs, lists of report files, recounts.

    Idempotent; a wrong file changes nothing and is named in `notes`, and what a recount found is said there.
    Entries of other nodes (a bus) are handed on unopened where the line stands, and the centre's reply is put
    beside them. Packs may come in any order beside the acknowledgement that names them. Raises CourierRefused
    when no file was of use, saying of each why.
    """
    node.never_in_training()
    done, notes = Round(), list[Words]()
    async with _alone(node):
        examined = await node.examiner.open(paths, node.identity)
        found = list(zip(paths, examined.found, strict=True))
        for path, one in found:
            if one.file and one.file.kind == "pack":
                data = await asyncio.to_thread(read_foreign, path)
                done.packs[hashlib.sha256(data).digest()] = data
        await checkpoint.sign(node)
        taken = 0
        for path, one in found:
            if not (one.file and one.file.kind == "pack"):
                taken += await _taken(node, path, one, done, notes)
    if not taken:
        words = _nothing(notes) if notes else None
        raise CourierRefused(", ".join(done.alarms) or "no acknowledgement among the files", message=words)
    draft = Draft(kind="courier.imported", outcome="ok", object=f"files-{taken}")
    await node.store.transact(lambda tx: tx.append(draft))
    said = await summary(node, done, 0, sum(file.bytes for file in examined.files))
    return msgspec.structs.replace(said, notes=(*said.notes, *notes))


async def _taken(node: Node, path: Path, found: Found, done: Round, notes: list[Words]) -> int:
    """One file that is no pack; 1 when it was of use, else why not is among `notes`."""
    file = found.file
    if file is None:
        notes.append(_of(path, "不是驿站的文件", "not a file of Yizhan"))
        return 0
    if file.kind == "entries" and not file.ours:
        return await _relayed(node, path, file.node, notes)
    if found.listed and await files.note_wanted(node, found.listed):
        return 1
    if found.listed and (compared := await recount.compared(node, found.listed)) is not None:
        words = recount.in_words(compared)
        notes.append(_of(path, words.zh, words.en))
        return 1
    why = ""
    if file.kind == "acknowledgement" and file.ours:
        why = await _take(node, found, done)
        if not why:
            return 1
    zh, en = file.words.zh, file.words.en
    if why:
        zh, en = f"{zh}未被接受（{why}）", f"{en} was not accepted ({why})"
    notes.append(_of(path, zh, en))
    return 0


def _of(path: Path, zh: str, en: str) -> Words:
    return Words(zh=f"{path.name}：{zh}", en=f"{path.name}: {en}")


async def _relayed(node: Node, path: Path, whose: str, notes: list[Words]) -> int:
    """Hand in another node's sealed entries under our own signature; the reply is sealed to that node."""
    data = await asyncio.to_thread(read_foreign, path)
    try:
        reply = await node.uplink.exchange(node.identity, data, RELAY_DEADLINE_S)
    except (CentreUnreachable, CentreRefused) as error:
        zh = f"节点 {whose} 的台账没有转交：{error.message.zh}"
        notes.append(_of(path, zh, f"node {whose} was not relayed: {error.message.en}"))
        return 0
    await asyncio.to_thread(write_checked, path.with_name(f"centre-{whose}{SUFFIX}"), reply)
    zh = f"已替节点 {whose} 转交中心，回执已写回介质，请随车带回"
    notes.append(_of(path, zh, f"handed on for node {whose}; the reply is on the stick, to be taken back"))
    return 1


def _nothing(notes: list[Words]) -> Words:
    return Words(
        zh="介质上没有本机可用的文件，未作任何改动。" + "；".join(one.zh for one in notes[:NOTES_MAX]) + "。",
        en="Nothing here is of use to this node; nothing was changed. "
        + "; ".join(one.en for one in notes[:NOTES_MAX]),
    )


async def _take(node: Node, found: Found, done: Round) -> str:
    """Obey one acknowledgement file; why it was refused, or empty."""
    if found.header is None or found.acknowledgement is None:
        await do_step(node, Alarm(code=found.code, detail="on a stick", grave=False), done)
        return found.code
    before = len(done.alarms)
    async with ledger_view(node) as view:
        steps: list[Step] = await off_the_loop(NodeExchange(view).heard, found.header, found.acknowledgement)
    for step in steps:
        if not isinstance(step, FetchPack | SendBatch):  # what is not on the stick comes with the next one
            await do_step(node, step, done)
    refused = any(isinstance(step, Finished) and step.outcome == "refused" for step in steps)
    return ([*done.alarms[before:], "refused"][0]) if refused else ""


_AT_WORK = Words(zh="另一次 U 盘传递正在进行。", en="Another stick is being read or written.")
_WAIT = Words(zh="请等它完成后再试。", en="Wait until it is done, then try again.")
