"""A backup becomes a node's folder again (protocol.md 6 and 8).

1  open     the database key by whoever may open it: passphrase, two shares, the old machine's key, the centre
2  check    every page of a copy, and the tail of its ledger, before it counts
3  empty    cached persons, leases and sessions go: their keys were never in the backup
4  stop     the old ledger signs and exchanges nothing more; a new incarnation goes on (`incarnation`)
5  put      slots and settings first, the database last: a restore that breaks off is begun again
"""

import asyncio
import contextlib
import os
import shutil
from pathlib import Path

import msgspec
import structlog

from edge.actions.backup import Companion, companion
from edge.actions.gates import RESTORED
from edge.errors import Damaged, LedgerUnavailable, Refused, WrongKey
from edge.settings import FILE as SETTINGS
from edge.store import cipher, salvage, slots
from edge.store.cipher import TROUBLE, Connection, DatabaseKey
from edge.store.clock import NodeClock
from edge.store.files import destroy, sync_folder, write_durably
from edge.store.ledger import size_and_root
from edge.store.migrate import migrate
from edge.store.store import FILE, check_tail
from matters.model import Words
from sync.errors import UNREADABLE, SyncError
from sync.ids import parse_origin
from sync.signing.escrow import open_release
from sync.signing.keys import SealingKey

log = structlog.get_logger("restore")


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What opens the backup; the first one that is given counts.

    `machine_key` is the old machine's key file, `escrow` the centre's release to this folder's key.
    """

    passphrase: str = ""
    shares: tuple[str, ...] = ()
    machine_key: Path | None = None
    escrow: bytes = b""

    def __repr__(self) -> str:
        """Shows nothing."""
        return "Means()"


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What came back, and what has to be done now."""

    origin: str
    entries: int
    countersigned: int
    slots: tuple[str, ...]
    next: Words


async def restore(data: Path, file: Path, means: Means, clock: NodeClock | None = None) -> Restored:
    """Make `data` the node of this backup; durable when this returns.

    Raises Refused where `data` holds a database (nothing is overwritten) or nothing was given to open with,
    WrongKey, Damaged naming what is wrong with the backup; then `data` is as it was.
    """
    return await asyncio.to_thread(_restore, data, file, means, clock or NodeClock())


def _restore(data: Path, file: Path, means: Means, clock: NodeClock) -> Restored:
    if (data / FILE).exists():
        raise Refused(f"{FILE} exists", message=_EXISTS, step=_ELSEWHERE)
    beside = _beside(file)
    key = _opened(data, beside, means)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = data / f".{FILE}.part"
    try:
        _copy(file, part)
        size, countersigned = _emptied(part, key, clock)
        kept = [slot for slot in beside.slots if slot.kind != "machine"]
        slots.write(data, (slots.machine_slot(data, key, clock.now_ms()), *kept))
        if beside.settings and not (data / SETTINGS).exists():
            write_durably(data / SETTINGS, beside.settings.encode())
        part.replace(data / FILE)
        sync_folder(data)
        salvage.settled(data)
    finally:
        for name in (part, *(part.with_name(part.name + end) for end in ("-wal", "-shm", "-journal"))):
            with contextlib.suppress(OSError):
                name.unlink(missing_ok=True)
    destroy(data / "keys" / "restore.key")
    log.info("restored", entries=size)
    return Restored(
        origin=beside.origin,
        entries=size,
        countersigned=countersigned,
        slots=tuple(slot.id for slot in slots.slots(data)),
        next=_NEXT,
    )


def _beside(file: Path) -> Companion:
    path = companion(file)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Companion)
    except FileNotFoundError as error:
        raise Refused(f"{path.name} is missing", message=_NO_KEYS, step=_BOTH) from error
    except UNREADABLE as error:
        raise Damaged(f"{path.name}: {error}") from error


def _opened(data: Path, beside: Companion, means: Means) -> DatabaseKey:
    """Step 1."""
    if means.passphrase:
        return slots.open_with_passphrase(beside.slots, means.passphrase)
    if means.shares:
        return slots.open_with_shares(beside.slots, means.shares)
    if means.machine_key is not None:
        return slots.open_with_machine_key(beside.slots, means.machine_key.read_bytes())
    if means.escrow:
        return _released(data, beside, means.escrow)
    raise Refused("nothing to open with", message=_CLOSED, step=_MEANS)


def _released(data: Path, beside: Companion, sealed: bytes) -> DatabaseKey:
    path = data / "keys" / "restore.key"
    if not path.exists():
        raise WrongKey("this folder asked for no release (edge keys ask)")
    try:
        node = parse_origin(beside.origin).name
        return slots.parse_key(open_release(SealingKey.from_bytes(path.read_bytes()), node, sealed))
    except SyncError as error:
        raise WrongKey("the release is for another machine or node") from error


def _copy(file: Path, part: Path) -> None:
    try:
        shutil.copyfile(file, part)
        with part.open("rb") as copied:
            os.fsync(copied.fileno())
    except FileNotFoundError as error:
        raise Refused(f"{file.name} is missing", message=_NO_KEYS, step=_BOTH) from error
    except OSError as error:
        raise LedgerUnavailable(f"{file.name}: {error.strerror}") from error


def _emptied(part: Path, key: DatabaseKey, clock: NodeClock) -> tuple[int, int]:
    """Steps 2 to 4; entries, and how many of them are countersigned."""
    faults = cipher.integrity_faults(part, key)
    if faults:
        raise Damaged("; ".join(faults[:3]))
    connection = cipher.connect(part, key, writer=True)
    try:
        migrate(connection)
        check_tail(connection)
        _forget(connection, clock)
        size, _ = size_and_root(connection)
        row = connection.execute("SELECT max(size) FROM checkpoint WHERE counter IS NOT NULL").fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except TROUBLE as error:
        raise cipher.translate(error) from error
    finally:
        connection.close()
    return size, int(row[0] or 0)


def _forget(connection: Connection, clock: NodeClock) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for statement in (
        "DELETE FROM lease_key",
        "DELETE FROM subject_cache",
        "DELETE FROM session",
        "UPDATE lease SET state = 'replaced' WHERE state = 'open'",
        "UPDATE release_held SET version = 0, rows = 0 WHERE data_class = 'detail'",
    ):
        connection.execute(statement)
    noted = msgspec.json.encode({"at_ms": clock.now_ms()})
    connection.execute("INSERT OR REPLACE INTO fact VALUES (?,?)", (RESTORED, noted))
    connection.execute("COMMIT")


_EXISTS = Words(
    zh="该目录已有节点数据库，未作任何改动。", en="This folder holds a node's database; nothing was changed."
)
_ELSEWHERE = Words(zh="请恢复到一个空目录。", en="Restore into an empty folder.")
_NO_KEYS = Words(
    zh="备份不全：数据库文件与同名的 .keys 文件须在一起。",
    en="The backup is not whole: the database and its .keys file belong together.",
)
_BOTH = Words(zh="请把两个文件放在同一目录后再试。", en="Put both files into one folder and try again.")
_CLOSED = Words(zh="没有给出打开备份的办法。", en="Nothing was given to open the backup with.")
_MEANS = Words(
    zh="任选其一：主管口令 --passphrase-file，两份县级密钥份额 --share-file，原机密钥 --machine-key，"
    "中心解托管文件 --escrow。",
    en="One of: --passphrase-file, two --share-file, --machine-key, --escrow.",
)
_NEXT = Words(
    zh="请运行 edge incarnation --reason disk-lost 申请换代，中心批准后 edge exchange，再开始服务。",
    en="Run edge incarnation --reason disk-lost; once approved, edge exchange, then serve.",
)
