"""A database with a broken page is put aside and rebuilt from what is whole (protocol.md 8, rule 7).

1  look     every page's HMAC, on a copy: the file itself is not touched before step 5
2  salvage  every row that reads goes into a new file (`edge.store.salvage`)
3  ledger   the entries up to the first gap must be the tree that was anchored and countersigned
4  judge    only cached rows lost: they are fetched again, and the node goes on as it is. Anything else lost:
            the history ends here; it signs and exchanges nothing until `edge incarnation --reason disk-lost`,
            whose first entry says how many are lost; what is whole and not countersigned is carried over
5  swap     the old file into DATA/quarantine, the new one in its place; a crash in between is gone on with

Nobody serves meanwhile. What cannot be rebuilt is in quarantine too, and a backup takes its place.
"""

import asyncio
import contextlib
import shutil
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog

from edge.actions.gates import RESTORED
from edge.actions.node import Node, open_node
from edge.errors import BeyondRepair, BrokenPage, Damaged, LedgerUnavailable
from edge.settings import Settings
from edge.store import anchor, cipher, holdings, past, salvage, slots
from edge.store.cipher import TROUBLE, Connection, DatabaseKey
from edge.store.clock import NodeClock
from edge.store.draft import Draft
from edge.store.files import sync_folder
from edge.store.identity import identity, read_secrets
from edge.store.ledger import DatabaseTiles, grow
from edge.store.store import FILE, open_store
from matters.model import Words
from sync.errors import SyncError
from sync.ids import parse_origin
from sync.ledger import tree
from sync.ledger.entry import leaf_hash
from sync.ledger.proofs import EMPTY_ROOT

log = structlog.get_logger("rebuild")
QUARANTINE = "quarantine"
WORK = "rebuilding"
READY = "node.db.rebuilt"
ENTRIES_A_STEP = 4096
CACHE = frozenset({"shelf", *holdings.TABLES, "release_held", "lease_key"})
"""Tables whose rows the centre sends again."""
SPARE = CACHE | {"tile", "time_block", "session", "line_used"}
"""With these: what a node may lose and still be the same node."""


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a broken database. `lost`: tables that lost rows; `incarnation`: whether one is due."""

    pages: tuple[int, ...]
    lost: tuple[str, ...]
    entries: int
    entries_lost: int
    incarnation: bool
    quarantine: str
    next: Words


class _Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """What was salvaged of it: whole up to `whole`, `size` is what it was."""

    whole: int
    size: int
    there: int


async def open_whole(data: Path, settings: Settings) -> Node:
    """The node of `data`, rebuilt first where a broken page stands in the way. Raises as `open_node` does."""
    try:
        return await open_node(data, settings)
    except (BrokenPage, BeyondRepair):
        await rebuild(data, settings)
    return await open_node(data, settings)


async def rebuild(data: Path, settings: Settings, clock: NodeClock | None = None) -> Rebuilt | None:
    """Rebuild the database where a page of it is broken; None where every page is whole.

    Durable when this returns. Raises BeyondRepair where the ledger cannot go on from what reads,
    LedgerUnavailable where the disk has no room for the copies; then nothing was changed.
    """
    done = await asyncio.to_thread(_rebuild, data, clock or NodeClock())
    if done is not None and not done.incarnation:
        store = await open_store(data, settings, clock=clock)
        draft = Draft(kind="mark", outcome="rebuilt", object=f"pages-{len(done.pages)}")
        try:
            await store.transact(lambda tx: tx.append(draft))
        finally:
            await store.close()
    return done


def _rebuild(data: Path, clock: NodeClock) -> Rebuilt | None:
    if (data / READY).exists():
        _swap(data)
    if not (data / FILE).exists():
        raise BeyondRepair(salvage.reported(data))
    key = slots.unlock(data)
    work = data / WORK
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700)
    try:
        return _rebuilt(data, work, key, clock)
    except OSError as error:
        raise LedgerUnavailable(f"rebuild: {error.strerror}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _rebuilt(data: Path, work: Path, key: DatabaseKey, clock: NodeClock) -> Rebuilt | None:
    copy, made = work / FILE, work / READY
    for end in ("", "-wal"):
        if (data / f"{FILE}{end}").exists():
            shutil.copyfile(data / f"{FILE}{end}", work / f"{FILE}{end}")
    pages = cipher.broken_pages(copy, key)
    if not pages and not cipher.integrity_faults(copy, key):
        salvage.settled(data)
        return None
    salvage.report(data, f"pages {pages[:8]}")
    try:
        if 1 in pages:
            salvage.put_page_1(data, copy, key)
        saved = salvage.salvage(copy, made, key)
        with contextlib.closing(cipher.connect(made, key, writer=True)) as connection:
            ledger = _settle(connection, data, saved.lost, clock)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except (TROUBLE, SyncError, Damaged) as error:
        folder = _aside(data)
        salvage.report(data, f"{error}; {folder.name}")
        raise BeyondRepair(f"{error}; {folder.relative_to(data)}") from error
    made.replace(data / READY)
    folder = _swap(data)
    log.warning("rebuilt", code="pages-broken", entries=ledger.there, missing=ledger.size - ledger.there)
    due = ledger.whole < ledger.size or bool(saved.lost - SPARE)
    return Rebuilt(
        pages=tuple(pages),
        lost=tuple(sorted(saved.lost)),
        entries=ledger.there,
        entries_lost=ledger.size - ledger.there,
        incarnation=due,
        quarantine=str(folder.relative_to(data)),
        next=_RENEW if due else _FETCH if saved.lost & CACHE else _GO_ON,
    )


def _settle(connection: Connection, data: Path, lost: frozenset[str], clock: NodeClock) -> _Ledger:
    """Steps 3 and 4, one transaction."""
    connection.execute("BEGIN")
    kept = anchor.read(data)
    own = identity(read_secrets(connection))
    if own is None:
        raise Damaged("the node's own keys do not read")
    mine = kept if kept is not None and kept.origin == own.origin else None
    ledger = _ledger(connection, mine.size if mine else 0)
    if mine and mine.size <= ledger.whole and tree.root(DatabaseTiles(connection), mine.size) != mine.root:
        raise Damaged("the entries that read are not those that were anchored")
    for table in holdings.TABLES:  # what stands on no shelf must not meet the rows of a later one
        connection.execute(f"DELETE FROM {table} WHERE shelf NOT IN (SELECT number FROM shelf)")  # noqa: S608 -- of TABLES
    if lost & CACHE:
        connection.execute(
            "DELETE FROM subject_cache"
        )  # with a hole in it, a person would seem to have no records
        connection.execute("UPDATE release_held SET version = 0, rows = 0")
    if ledger.whole < ledger.size or lost - SPARE:
        row = connection.execute("SELECT max(size) FROM checkpoint WHERE counter IS NOT NULL").fetchone()
        ended = past.Ended(whole=ledger.whole, size=ledger.size, countersigned=int(row[0] or 0))
        past.break_off(connection, ended, parse_origin(own.origin).incarnation)
        noted = msgspec.json.encode({"at_ms": clock.now_ms()})
        connection.execute("INSERT OR REPLACE INTO fact VALUES (?,?)", (RESTORED, noted))
    connection.execute("COMMIT")
    return ledger


def _ledger(connection: Connection, anchored: int) -> _Ledger:
    """Step 3: tree, times and head anew up to the first gap; every checkpoint there must agree."""
    connection.execute("DELETE FROM tile")
    connection.execute("DELETE FROM time_block")
    whole, edge = 0, b""
    rows = connection.execute("SELECT idx, leaf, leaf_hash FROM entry ORDER BY idx")
    while hashes := _next(rows.fetchmany(ENTRIES_A_STEP), whole):
        edge = grow(connection, whole, edge, hashes)
        whole += len(hashes)
    head = connection.execute("SELECT size FROM ledger_head").fetchone()
    if head is None:
        raise Damaged("the head of the ledger does not read")
    connection.execute("UPDATE ledger_head SET size = ?, edge = ?", (whole, edge))
    last, there = connection.execute("SELECT max(idx), count(*) FROM entry").fetchone()
    (newest,) = connection.execute("SELECT max(size) FROM checkpoint").fetchone()
    tiles = DatabaseTiles(connection)
    signed = (
        "SELECT size, root FROM checkpoint WHERE size <= ? AND counter IS NOT NULL ORDER BY size DESC LIMIT 1"
    )
    for size, root in connection.execute(signed, (whole,)).fetchall():
        if (tree.root(tiles, size) if size else EMPTY_ROOT) != root:
            raise Damaged("the entries that read are not those that were countersigned")
    size = max(int(head[0]), int(newest or 0), anchored, 0 if last is None else last + 1)
    return _Ledger(whole=whole, size=size, there=int(there))


def _next(rows: list[tuple[int, bytes, bytes]], index: int) -> list[bytes]:
    """The leaf hashes of these rows as far as they follow on `index` and hold."""
    hashes: list[bytes] = []
    for number, leaf, hashed in rows:
        if number != index + len(hashes) or leaf_hash(leaf) != hashed:
            break
        hashes.append(hashed)
    return hashes


def _swap(data: Path) -> Path:
    """Step 5; the quarantine's folder. What is there under READY is whole, so this may be begun again."""
    sync_folder(data)
    folder = _aside(data)
    (data / READY).replace(data / FILE)
    salvage.settled(data)
    return folder


def _aside(data: Path) -> Path:
    """Move the database with its log into quarantine, under the time of its last change."""
    found = data / FILE
    at = datetime.fromtimestamp((found if found.exists() else data).stat().st_mtime, UTC)
    folder = data / QUARANTINE / f"{at:%Y%m%dT%H%M%S}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (f"{FILE}-wal", f"{FILE}-shm", FILE):  # a log left behind would be taken for the new file's
        if (data / name).exists():
            (data / name).replace(folder / name)
    sync_folder(folder)
    sync_folder(data)
    return folder


_GO_ON = Words(zh="没有丢失数据，可以开始服务。", en="Nothing was lost: serve again.")
_FETCH = Words(
    zh="只丢了本地缓存：可以开始服务；联网或用介质交换一次后，离线查询恢复。请安排更换磁盘。",
    en="Only cached rows were lost: serve again, and exchange once by line or stick. Have the disk replaced.",
)
_RENEW = Words(
    zh="台账或业务数据有缺失：请运行 edge incarnation --reason disk-lost 申请换代，中心批准后 edge exchange，"
    "再开始服务。请更换磁盘。",
    en="The ledger or the office's data has a gap: run edge incarnation --reason disk-lost; once approved,"
    " edge exchange, then serve. Have the disk replaced.",
)
