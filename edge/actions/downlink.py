"""What comes down: a release taken whole or set aside in part, a scope withdrawn, what is held looked over.

Life of a release: a few changed rows are written where they are answered from, with the cursor, in ONE
transaction. A base, or more than a few rows (`pack_slice_rows`), are put in slices on a shelf nobody reads
(`edge.store.holdings`), so that no answer waits long for a pack → what stands there is read back and hashed,
beside the writer → one short transaction makes it what is answered from, with cursor and entry → the former
shelf is cleared in slices. Whatever breaks this off before that transaction leaves the former release in
force.

Life of a difference: the rows a scope has do not add up to the root the centre signed → the centre's 256
bucket hashes (a file whose address is that root) say where → those are emptied before they are answered from,
or in the transaction that applies the release → they travel as a wish with every batch → the centre sends a
repair of these buckets, by line or stick → applied like any pack, and only if the root is reached.
"""

import asyncio
import functools
import itertools
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TypeVar

import msgspec
import structlog

from edge.actions import leases
from edge.actions.node import Node
from edge.errors import Busy
from edge.store import cache, holdings
from edge.store.cache import Applied, Ciphers, Ready
from edge.store.draft import Draft
from edge.store.files import wait_for_lock
from edge.store.holdings import Standing, Stock
from edge.store.keyring import TIERS, RowCipher
from edge.store.transaction import Transaction
from matters.model import Words
from sync.errors import NoRoom, PackRefused, StateDiffers, SyncError
from sync.exchange.steps import ApplyRelease
from sync.packs.pack import differing, open_state, repaired, root_of_buckets, state_file
from sync.packs.release import PackRef, Release
from ui.look import size

T = TypeVar("T")
log = structlog.get_logger("downlink")
LOCK = "packs.lock"
LOCK_WAIT_S = 60.0
IN_PLACE_SLICES = 2
"""So many slices of rows change where they stand: to change them beside it, the whole set is copied."""
ROW_BYTES = 600
"""Of a subject in the database, rounded up (`make bench BENCH=downlink`)."""
Fetch = Callable[[bytes], Awaitable[bytes]]
"""Brings the state file of a root from the stick or over the line; empty where neither has it."""


class _Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A release being taken: its packs in order, what opens and seals them, what was answered from before."""

    release: Release
    signed: bytes
    packs: list[tuple[PackRef, bytes]]
    content_key: bytes
    ciphers: Ciphers | None
    stood: Standing | None

    @property
    def is_base(self) -> bool:
        """Whether it needs nothing of what was held."""
        return self.packs[0][0].kind == "base"

    @property
    def rows(self) -> int:
        """How many rows its packs bring."""
        return sum(pack.rows for pack, _ in self.packs)

    def opened(self, pack: PackRef, sealed: bytes) -> Iterator[Ready]:
        """The rows of one of its packs, opened and sealed for the cache as they are asked for."""
        return cache.ready_rows(sealed, pack, self.release.scope, self.content_key, self.ciphers)


async def nowhere(_: bytes) -> bytes:
    """No state file can be had."""
    return b""


async def take(
    node: Node, step: ApplyRelease, packs: Mapping[bytes, bytes], fetch: Fetch = nowhere
) -> Applied:
    """Carry out a release: rows and cursor are in force in ONE step, durable, or nothing changed.

    Where the rows do not reach the signed state only the buckets that differ are emptied, with an entry that
    says how many. Raises PackRefused: older than ever seen, ended, a pack missing, no lease to seal under or
    its end meanwhile; NoRoom for a second generation; StateDiffers where the signed bucket hashes cannot be
    had now: the former release stays in force. Busy while another process takes one. A caller that is
    cancelled leaves rows that nobody reads; the next release, boot or job clears them.
    """
    if step.release.withdrawn:
        await leases.shred_expired(node, withdrawn=frozenset({step.release.scope}))
        return Applied(rows=0)
    async with wait_for_lock(node.data / LOCK, Busy("another process takes a release"), LOCK_WAIT_S):
        try:
            applied = await _taken(node, step, packs, fetch)
        except SyncError:
            await node.store.transact(holdings.give_up)
            await sweep(node)
            raise
        await sweep(node)
        return applied


async def _taken(node: Node, step: ApplyRelease, packs: Mapping[bytes, bytes], fetch: Fetch) -> Applied:
    async with leases.alone(node):
        content_key, ciphers = await node.store.transact(lambda tx: _keys(tx, node, step))
    missing = [pack for pack in step.packs if pack.digest not in packs]
    if missing:
        raise PackRefused(f"{len(missing)} packs of {step.release.scope} are not there")
    arrival = _Arrival(
        release=step.release,
        signed=step.signed,
        packs=[(pack, packs[pack.digest]) for pack in step.packs],
        content_key=content_key,
        ciphers=ciphers,
        stood=await node.store.read(lambda db: holdings.standing(db, step.release.scope)),
    )
    if arrival.is_base:
        return await _beside(node, arrival, fetch)
    if arrival.stood is None:
        raise PackRefused(f"nothing of {step.release.scope} is held that could be changed")
    return await _in_place(node, arrival, arrival.stood, fetch) or await _beside(node, arrival, fetch)


async def _in_place(node: Node, arrival: _Arrival, stood: Standing, fetch: Fetch) -> Applied | None:
    """A few changes, made where they are answered from, in ONE transaction; None for more than a few."""
    release, rows_max = arrival.release, IN_PLACE_SLICES * node.settings.pack_slice_rows
    if arrival.rows > rows_max:
        return None
    changed, replaced = await asyncio.to_thread(_changes, arrival)
    if len(changed) > rows_max or not replaced <= set(stood.lacking):
        return None
    digests = {ref: row.digest if row.body is not None else None for ref, row in changed.items()}
    stock = await node.store.read_long(
        lambda db: holdings.stock(db, stood.shelf, release.data_class, digests)
    )
    applied = await _judged(release, stock, fetch)
    if sum(stock.counts[number] for number in applied.lacking) > rows_max:
        return None

    def write(tx: Transaction) -> None:
        _unchanged(tx, arrival)
        cache.write_rows(tx, stood.shelf, release.data_class, list(changed.values()))
        holdings.empty(tx, stood.shelf, applied.lacking)
        _put_in_force(tx, node, arrival, applied)

    await node.store.transact(write)
    return applied


def _changes(arrival: _Arrival) -> tuple[dict[bytes, Ready], set[int]]:
    """The last row of each ref, and the buckets that repairs replace."""
    changed: dict[bytes, Ready] = {}
    replaced: set[int] = set()
    for pack, sealed in arrival.packs:
        rows = list(arrival.opened(pack, sealed))
        buckets = set(repaired(sealed))
        replaced |= buckets
        changed = {ref: row for ref, row in changed.items() if ref[0] not in buckets}
        changed |= {row.ref: row for row in rows}
    return changed, replaced


async def _beside(node: Node, arrival: _Arrival, fetch: Fetch) -> Applied:
    """On a shelf of its own, in slices, and then in force in one step."""
    release, rows_max = arrival.release, node.settings.pack_slice_rows
    await _need_room(node, arrival)
    shelf = await node.store.transact(functools.partial(holdings.begin, scope=release.scope))
    if not arrival.is_base and arrival.stood is not None:
        await _copy(node, arrival.stood.shelf, shelf)
    for pack, sealed in arrival.packs:
        await _fill(node, arrival, shelf, pack, sealed)
    stock = await node.store.read_long(lambda db: holdings.stock(db, shelf, release.data_class))
    applied = await _judged(release, stock, fetch)
    for group in holdings.portions(stock.counts, applied.lacking, rows_max):
        await _on_shelf(node, shelf, functools.partial(holdings.empty, shelf=shelf, numbers=group))

    def swap(tx: Transaction) -> None:
        if not arrival.is_base:
            _unchanged(tx, arrival)
        holdings.swap(tx, release.scope, shelf)
        _put_in_force(tx, node, arrival, applied)

    await node.store.transact(swap)
    return applied


async def _need_room(node: Node, arrival: _Arrival) -> None:
    """Two generations stand for a while: raises NoRoom where they would take the disk (rule 8.6)."""
    copied = 0
    if not arrival.is_base:
        held = "SELECT rows FROM release_held WHERE scope = ?"
        copied = (await node.store.read(lambda db: db.query(held, (arrival.release.scope,))))[0][0]
    rows = arrival.rows + copied
    lacking_bytes = rows * ROW_BYTES - await node.store.room_bytes()
    if rows > node.settings.pack_slice_rows and lacking_bytes > 0:
        raise NoRoom(arrival.release.scope, lacking_bytes)


def no_room(error: NoRoom) -> Words:
    """Which data set, how much is missing, and what to do now."""
    many = size(error.lacking_bytes)
    return Words(
        zh=f"数据集 {error.scope} 的新版没有取入：本机磁盘还差 {many}。{error.next_zh}",
        en=f"The new release of {error.scope} was not taken: {many} missing on this disk. {error.next_en}",
    )


async def _copy(node: Node, source: int, target: int) -> None:
    """What is held, put on another shelf in slices."""
    for table in holdings.TABLES:
        copy = functools.partial(
            holdings.copy, table=table, source=source, target=target, rows_max=node.settings.pack_slice_rows
        )
        last = await _on_shelf(node, target, functools.partial(copy, after=None))
        while last is not None:
            last = await _on_shelf(node, target, functools.partial(copy, after=last))


async def _fill(node: Node, arrival: _Arrival, shelf: int, pack: PackRef, sealed: bytes) -> None:
    """The rows of a pack, put on a shelf in slices; of a repair over its emptied buckets.

    While the writer puts one slice there the next one is opened and sealed.
    """
    rows, rows_max = arrival.opened(pack, sealed), node.settings.pack_slice_rows
    batch = await asyncio.to_thread(_batch, rows, rows_max)
    for number in repaired(sealed):
        await _on_shelf(node, shelf, functools.partial(holdings.empty, shelf=shelf, numbers=bytes([number])))
    while batch:
        data_class = arrival.release.data_class
        write = functools.partial(cache.write_rows, shelf=shelf, data_class=data_class, rows=batch)
        ahead = asyncio.to_thread(_batch, rows, rows_max)
        batch, _ = await asyncio.gather(ahead, _on_shelf(node, shelf, write))


def _batch(rows: Iterator[Ready], rows_max: int) -> list[Ready]:
    return list(itertools.islice(rows, rows_max))


async def _on_shelf(node: Node, shelf: int, work: Callable[[Transaction], T]) -> T:
    """One slice. Raises PackRefused where the shelf was given up meanwhile."""

    def slice_(tx: Transaction) -> T:
        holdings.being_filled(tx, shelf)
        return work(tx)

    return await node.store.transact(slice_)


async def _judged(release: Release, stock: Stock, fetch: Fetch) -> Applied:
    """What will be held: everything where the signed state is reached, else all but what differs."""
    rows = sum(stock.counts)
    if root_of_buckets(stock.hashes) == release.state_root:
        return Applied(rows=rows, state=state_file(stock.hashes))
    theirs = await fetch(release.state_root)
    if not theirs:
        raise StateDiffers(f"scope {release.scope} does not reach the signed state")
    lacking = bytes(differing(stock.hashes, open_state(theirs, release.state_root)))
    return Applied(rows=rows - sum(stock.counts[number] for number in lacking), state=theirs, lacking=lacking)


def _unchanged(tx: Transaction, arrival: _Arrival) -> None:
    """Raises PackRefused where what the packs change is not what was looked at any more."""
    if holdings.standing(tx, arrival.release.scope) != arrival.stood:
        raise PackRefused(f"what is held of {arrival.release.scope} changed while its pack was opened")


def _put_in_force(tx: Transaction, node: Node, arrival: _Arrival, applied: Applied) -> None:
    """Cursor and entry, in the transaction that makes the rows the ones answered from."""
    release = arrival.release
    _admit(tx, node, release)
    keys = tx.query("SELECT 1 FROM lease_key WHERE scope = ?", (release.scope,))
    if arrival.ciphers is not None and len(keys) != len(TIERS):
        raise PackRefused(f"the lease of {release.scope} ended while its pack was sealed")
    cache.put_in_force(tx, release, arrival.signed, applied)
    lacking = f", {len(applied.lacking)} of 256 parts set aside" if applied.lacking else ""
    tx.append(
        Draft(
            kind="pack.applied",
            object=release.scope,
            outcome=f"version-{release.version}",
            as_of=release.as_of_ms,
            detail={"note": f"{applied.rows} rows{lacking}"},
        )
    )


def _admit(tx: Transaction, node: Node, release: Release) -> None:
    """Raises PackRefused for a release older than one seen, or whose time is over."""
    held = tx.one("SELECT seen FROM release_held WHERE scope = ?", (release.scope,))
    if held and release.version < held[0]:
        raise PackRefused(f"release {release.version} of {release.scope} is older than {held[0]}, seen")
    if 0 < release.until_ms <= node.store.clock.interval().latest_ms:
        raise PackRefused(f"release {release.version} of {release.scope} has ended")


def _keys(tx: Transaction, node: Node, step: ApplyRelease) -> tuple[bytes, Ciphers | None]:
    """The scope's content key (kept from now on) and the ciphers of its cache rows.

    What a crash left half filled is given up: nobody else fills a shelf now.
    """
    release, scope = step.release, step.release.scope
    holdings.give_up(tx)
    _admit(tx, node, release)
    if step.content_key:
        tx.execute("INSERT OR REPLACE INTO scope_key VALUES (?,?)", (scope, step.content_key))
    row = tx.one("SELECT content_key FROM scope_key WHERE scope = ?", (scope,))
    if row is None:
        raise PackRefused(f"no content key of {scope}")
    if release.data_class != "detail":
        return row[0], None
    closed = leases.data_key(tx, node, scope, "closed", secrets.token_bytes(32))
    public = leases.data_key(tx, node, scope, "open", secrets.token_bytes(32))
    if closed is None or public is None:
        raise PackRefused(f"no live lease covers {scope}")
    return row[0], Ciphers(closed=RowCipher(scope, "closed", closed), open=RowCipher(scope, "open", public))


async def sweep(node: Node) -> None:
    """Clear in slices the shelves nothing is answered from; the job also behind a crash."""
    await holdings.clear(node.store, node.settings.pack_slice_rows)


async def look_over(node: Node) -> int:
    """The nightly job: everything held against what the centre signed; how many buckets were set aside."""
    return await _look(node, frozenset())


async def settle_doubts(node: Node) -> int:
    """The job behind a cached row that did not open, or a staff row that reads wrong; as `look_over`."""
    if not node.doubted and await node.store.read(cache.staff_is_whole):
        return 0
    doubted = frozenset(ref[0] for ref in node.doubted)
    node.doubted.clear()
    return await _look(node, doubted)


async def _look(node: Node, doubted: frozenset[int]) -> int:
    """Every scope in turn; each that lost buckets is an entry, and the line is rung for its repair."""
    held = await node.store.read(lambda db: db.query("SELECT scope FROM release_held WHERE version > 0"))
    many = 0
    for (scope,) in held:
        many += await _set_aside(node, scope, doubted)
    if many:
        log.warning("data.differs", rows=many)
        node.events.publish("status")
        node.line_bell.set()
    return many


async def _set_aside(node: Node, scope: str, doubted: frozenset[int]) -> int:
    """The buckets of a scope that differ, and of records those doubted, in transactions of bounded size."""
    found = await node.store.read_long(lambda db: holdings.differs(db, scope, doubted))
    if found is None:
        return 0
    now, counts, many = found.standing, found.stock.counts, 0
    rows = sum(counts)
    for group in holdings.portions(counts, found.buckets, node.settings.pack_slice_rows):
        rows -= sum(counts[number] for number in group)
        aside = functools.partial(_group_aside, scope=scope, now=now, numbers=group, rows=rows)
        after = await node.store.transact(aside)
        if after is None:
            break
        now, many = after, many + len(group)
    return many


def _group_aside(tx: Transaction, scope: str, now: Standing, numbers: bytes, rows: int) -> Standing | None:
    after = holdings.set_aside(tx, scope, now, numbers, rows)
    if after is not None:
        note = f"{len(numbers)} of 256 parts set aside"
        tx.append(Draft(kind="pack.applied", object=scope, outcome="differs", detail={"note": note}))
    return after
