"""Report files follow their entries to the centre: last of all, chunk by chunk; nothing waits for them."""

import asyncio
import base64
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from edge.actions import budget, exchange
from edge.actions.gates import countersigned_size
from edge.actions.node import Node
from edge.actions.stick import SUFFIX, write_checked
from edge.store.reader import Reading
from edge.uplink.line import WantedFile, from_base64
from sync.batch.file import build_sealed
from sync.errors import UNREADABLE
from sync.messages.blob import chunk, count, encode

log = structlog.get_logger("files")
PAGES_MAX = 100
FILES = 5
THERE_FACT = "files_there"
"""The newest report file (rowid) when the centre last had all of them."""
ASK_AGAIN_MS = 3_600_000
WANTED = "files_wanted"
"""The fact: what the centre said on a stick that it lacks."""
BYTES_A_RUN = 4 << 20
"""Lane 5: a run stops here, so that entries and answers have the line again."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What a run brought; `absent` are serials whose file this node no longer holds."""

    files: int
    chunks: int
    bytes: int
    absent: tuple[str, ...]


async def send(node: Node, bytes_max: int = BYTES_A_RUN) -> Sent:
    """Bring the centre the chunks it lacks, oldest file first, about `bytes_max` of them.

    Resumes where the last run stopped: the centre says what it holds. Raises CentreUnreachable,
    CentreRefused; what was brought before stays there.
    """
    run = _Run(bytes_max)
    for _ in range(PAGES_MAX):
        wanted = await node.uplink.files_wanted(node.identity, len(run.absent))
        for one in wanted:
            await _bring(node, one, run)
        if not wanted or run.carried >= bytes_max:
            break
    if run.chunks or run.absent:
        log.info("files.sent", entries=run.chunks, missing=len(run.absent))
    return Sent(files=run.files, chunks=run.chunks, bytes=run.carried, absent=tuple(run.absent))


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The list as the centre writes it."""

    wanted: tuple[WantedFile, ...]


class _Run:
    """What a run has done so far."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.files = self.chunks = self.carried = 0
        self.absent: list[str] = []


async def _bring(node: Node, one: WantedFile, run: _Run) -> None:
    if run.carried >= run.bytes_max:
        return
    file = await _file(node, one)
    if file is None:
        run.absent.append(one.serial)
        return
    for number in range(count(len(file))):
        if number in one.have:
            continue
        if run.carried >= run.bytes_max:
            return
        sealed = await asyncio.to_thread(_sealed, node, file, one.serial, number)
        await node.uplink.file_chunk(node.identity, sealed)
        run.chunks, run.carried = run.chunks + 1, run.carried + len(sealed)
        node.meter.used[FILES] += len(sealed)
    run.files += 1


async def _file(node: Node, one: WantedFile) -> bytes | None:
    digest = from_base64(one.digest)
    rows: Sequence[tuple[bytes]] = await node.store.read_long(
        lambda db: db.query("SELECT CAST(pdf AS BLOB) FROM report_file WHERE digest = ? LIMIT 1", (digest,))
    )
    return bytes(rows[0][0]) if rows else None


def _sealed(node: Node, file: bytes, serial: str, number: int) -> bytes:
    identity = node.identity
    return build_sealed(
        "blob",
        encode(chunk(file, serial, number)),
        origin=identity.origin,
        destination=identity.centre.origin,
        key=identity.signing,
        recipients=(identity.centre.sealing, identity.centre.recovery),
        now_ms=node.now_ms(),
    )


async def note_wanted(node: Node, listed: bytes) -> bool:
    """Remember which files the centre lacks, by its opened list from a stick; False for what is no list."""
    try:
        found = msgspec.json.decode(listed, type=_Wanted).wanted
    except UNREADABLE:
        return False
    await node.store.transact(lambda tx: tx.note(WANTED, found))
    return True


async def to_stick(node: Node, folder: Path, bytes_max: int) -> list[str]:
    """Write chunks the centre may lack, those it asked for first; names, about `bytes_max` bytes of them.

    Beside those it asked for, the files of reports it has not countersigned yet, once an entry names their
    paper: the centre takes no file before that.
    """

    def known(db: Reading) -> list[WantedFile]:
        row = db.one("SELECT value FROM fact WHERE name = ?", (WANTED,))
        asked = msgspec.json.decode(row[0], type=tuple[WantedFile, ...]) if row else ()
        rows = db.query(
            "SELECT f.digest, f.serial FROM report_file f JOIN report r ON r.serial = f.serial"
            " WHERE r.entry >= ? AND EXISTS (SELECT 1 FROM print_job j WHERE j.kind = 'report'"
            " AND j.serial = f.serial AND j.copy_no = f.copy_no"
            " AND j.state IN ('clerk-confirmed', 'handed-over', 'spoiled')) ORDER BY r.entry",
            (countersigned_size(db),),
        )
        fresh = [
            WantedFile(digest=base64.b64encode(digest).decode(), serial=serial) for digest, serial in rows
        ]
        return list({one.digest: one for one in (*fresh, *asked)}.values())

    names: list[str] = []
    written = 0
    stem = "-".join(node.identity.origin.split("/")[1:])
    for one in await node.store.read_long(known):
        file = await _file(node, one)
        for number in range(count(len(file))) if file else ():
            if number not in one.have and written < bytes_max:
                sealed = await asyncio.to_thread(_sealed, node, file or b"", one.serial, number)
                name = f"{stem}-file-{from_base64(one.digest).hex()[:16]}-{number}{SUFFIX}"
                await asyncio.to_thread(write_checked, folder / name, sealed)
                names.append(name)
                written += len(sealed)
    return names


async def when_idle(node: Node) -> None:
    """The job: only while the line stands and no entry waits for it (metadata never waits for a file).

    The centre is asked only when a file was added since it last had all of them, or after an hour, and
    while the day's budget of the line is not used up.
    """
    if not node.uplink.url or node.uplink.breaker.open or await exchange.waiting(node):
        return
    newest, there = await node.store.read(lambda db: (_newest(db), _there(db)))
    if newest == there and node.now_ms() - node.meter.files_asked_ms < ASK_AGAIN_MS:
        return
    if await budget.wait_for_tomorrow(node):
        return
    try:
        done = await send(node)
    finally:
        await budget.settle(node)
    if done.bytes < BYTES_A_RUN:
        node.meter.files_asked_ms = node.now_ms()
        if newest != there:
            await node.store.transact(lambda tx: tx.note(THERE_FACT, newest))


def _newest(db: Reading) -> int:
    return int(db.query("SELECT coalesce(max(rowid), 0) FROM report_file")[0][0])


def _there(db: Reading) -> int:
    row = db.one("SELECT value FROM fact WHERE name = ?", (THERE_FACT,))
    return int(row[0]) if row else 0


def waiting(db: Reading) -> tuple[int, int]:
    """Files that came since the centre last had all of them: how many, and their bytes."""
    query = "SELECT count(*), coalesce(sum(length(pdf)), 0) FROM report_file WHERE rowid > ?"
    many, size = db.query(query, (_there(db),))[0]
    return int(many), int(size)
