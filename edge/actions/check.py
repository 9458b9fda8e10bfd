"""The node's fsck: recompute the whole ledger.

Look at every page of the file, name the first thing that is wrong.
"""

import asyncio
import contextlib
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from msgspec.structs import replace

from edge.actions import leases
from edge.actions.views import CheckResult, LeaseStatus
from edge.errors import BrokenPage, Damaged, NotEnrolled, WrongKey
from edge.settings import Settings
from edge.store import anchor, cipher, salvage, slots
from edge.store.cipher import TROUBLE, Connection
from edge.store.clock import NodeClock
from edge.store.identity import Identity, identity, read_secrets
from edge.store.ledger import DatabaseTiles
from edge.store.store import FILE
from sync.errors import SyncError
from sync.lease.lease import judge, left_s
from sync.ledger import tree
from sync.ledger.judge import fsck

NOTHING = CheckResult(origin="", entries=0, root="", countersigned=0, broken_at=None, store="ok", leases=())


async def check(data: Path, settings: Settings, clock: NodeClock | None = None) -> CheckResult:
    """Check the database of a data folder, also beside a running node; only a broken page is noted there.

    Never raises for damage.

    Raises NotEnrolled when there is no database.
    """
    return await asyncio.to_thread(_check, data, settings, clock or NodeClock())


def _check(data: Path, settings: Settings, clock: NodeClock) -> CheckResult:
    assert settings.port >= 0
    if not (data / FILE).exists():
        raise NotEnrolled(f"no {FILE}")
    try:
        return _opened(data, clock)
    except BrokenPage as error:
        return _broken(data, NOTHING, error.detail)
    except WrongKey as error:
        return replace(NOTHING, store="wrong key", reason=error.detail)
    except Damaged as error:
        return replace(NOTHING, store="damaged", reason=error.detail)


def _opened(data: Path, clock: NodeClock) -> CheckResult:
    key = slots.unlock(data)
    with (
        contextlib.closing(cipher.connect(data / FILE, key)) as connection,
        ThreadPoolExecutor(1) as beside,
    ):
        # Pages beside the ledger: one is the cipher's work, the other Python's, and there are two cores.
        pages = beside.submit(cipher.integrity_faults, data / FILE, key)
        return _judge(connection, data, clock, pages)


def _broken(data: Path, found: CheckResult, reason: str) -> CheckResult:
    """A broken page: whoever serves beside us stops, and the next start rebuilds (crash rule 7)."""
    salvage.report(data, reason)
    return replace(found, store="damaged", reason=reason, next=BrokenPage.next)


def _judge(connection: Connection, data: Path, clock: NodeClock, pages: "Future[list[str]]") -> CheckResult:
    try:
        own = identity(read_secrets(connection))
        found = _ledger(connection, own, data)
        lines = _leases(connection, own, clock) if own else ()
    except (TROUBLE, SyncError) as error:
        faults = pages.result()
        if faults:
            return _broken(data, NOTHING, "; ".join(faults[:3]))
        return replace(NOTHING, store="damaged", reason=str(error))
    faults = pages.result()
    if faults:
        return _broken(data, replace(found, leases=lines), "; ".join(faults[:3]))
    return replace(found, leases=lines)


def _ledger(connection: Connection, own: Identity | None, data: Path) -> CheckResult:
    rows = connection.execute(
        "SELECT idx, CAST(leaf AS BLOB), CAST(leaf_hash AS BLOB), CAST(salt AS BLOB), CAST(detail AS BLOB)"
        " FROM entry ORDER BY idx"
    )
    checkpoints = connection.execute("SELECT size, root FROM checkpoint ORDER BY size").fetchall()
    tiles = DatabaseTiles(connection)
    verdict = fsck(rows, tiles, checkpoints)
    size = int(connection.execute("SELECT size FROM ledger_head").fetchone()[0])
    row = connection.execute("SELECT max(size) FROM checkpoint WHERE counter IS NOT NULL").fetchone()
    broken, reason = verdict.broken_at, verdict.reason
    if broken is None and verdict.entries != size:
        broken, reason = min(verdict.entries, size), f"the head says {size} entries"
    if broken is None:
        broken, reason = _against_anchor(tiles, size, data)
    return CheckResult(
        origin=own.origin if own else "",
        entries=verdict.entries,
        root=verdict.root.hex(),
        countersigned=int(row[0] or 0),
        broken_at=broken,
        store="ok",
        leases=(),
        reason=reason,
    )


def _against_anchor(tiles: DatabaseTiles, size: int, data: Path) -> tuple[int | None, str]:
    """The ledger must reach its anchor with the same root (crash rule 2)."""
    try:
        kept = anchor.read(data)
    except Damaged as error:
        return None, error.detail
    if kept is None:
        return None, ""
    if kept.size > size:
        return size, f"behind its anchor at {kept.size}"
    return (None, "") if tree.root(tiles, kept.size) == kept.root else (0, "another ledger than its anchor")


def _leases(connection: Connection, own: Identity, clock: NodeClock) -> tuple[LeaseStatus, ...]:
    high, trusted = connection.execute("SELECT mark_ms, trusted_ms FROM ledger_head").fetchone()
    clock.start(high, trusted)
    interval = clock.interval()
    rows = connection.execute("SELECT signed, used, boots FROM lease WHERE state = 'open'").fetchall()
    return tuple(
        LeaseStatus(
            capability=state.lease.capability,
            scope=state.lease.scope,
            left_s=left_s(state.lease, interval),
            answers_left=max(0, state.lease.answers - state.used_answers),
            state=judge(state.lease, state.used_answers, state.boots, interval, own.origin),
        )
        for state in leases.states(rows, own)
    )
