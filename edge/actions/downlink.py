"""What comes down: a release applied whole or set aside in part, a scope withdrawn, what is held looked over.

Life of a difference: the rows a scope has do not add up to the root the centre signed → the centre's 256
bucket hashes (a file whose address is that root) say where → those are emptied in the transaction that
applies the release, so nothing of them is answered from → they travel as a wish with every batch → the centre
sends a repair of these buckets, by line or stick → applied like any pack, and only if the root is reached.
"""

import asyncio
import functools
import secrets
from collections.abc import Awaitable, Callable, Mapping

import structlog

from edge.actions import leases
from edge.actions.node import Node
from edge.store import cache, holdings
from edge.store.cache import Applied, Ciphers
from edge.store.draft import Draft
from edge.store.keyring import TIERS, RowCipher
from edge.store.transaction import Transaction
from sync.errors import PackRefused, StateDiffers
from sync.exchange.steps import ApplyRelease

log = structlog.get_logger("downlink")
StateFile = Callable[[bytes], Awaitable[bytes]]
"""Brings the state file of a root from the stick or over the line; empty where neither has it."""


async def take(
    node: Node, step: ApplyRelease, packs: Mapping[bytes, bytes], state_file: StateFile
) -> Applied:
    """Carry out a release: durable, rows and cursor in ONE transaction, or nothing changed.

    Where the rows do not reach the signed state only the buckets that differ are emptied, with an entry that
    says how many. Raises PackRefused: older than ever seen, ended, a pack missing, no lease to seal under;
    StateDiffers where the signed bucket hashes cannot be had now: the former release stays in force.
    """
    if step.release.withdrawn:
        await leases.shred_expired(node, withdrawn=frozenset({step.release.scope}))
        return Applied(rows=0)
    try:
        return await apply(node, step, packs)
    except StateDiffers:
        theirs = await state_file(step.release.state_root)
        if not theirs:
            raise
        return await apply(node, step, packs, theirs)


async def apply(node: Node, step: ApplyRelease, packs: Mapping[bytes, bytes], theirs: bytes = b"") -> Applied:
    """Open and re-seal the packs off the loop, then rows, cursor and entry in ONE transaction; see `take`."""
    release = step.release
    async with leases.alone(node):
        content_key, ciphers = await node.store.transact(lambda tx: _keys(tx, node, step))
    missing = [pack for pack in step.packs if pack.digest not in packs]
    if missing:
        raise PackRefused(f"{len(missing)} packs of {release.scope} are not there")
    staged = [
        await asyncio.to_thread(cache.stage, packs[pack.digest], pack, release.scope, content_key, ciphers)
        for pack in step.packs
    ]

    def write(tx: Transaction) -> Applied:
        keys = tx.query("SELECT 1 FROM lease_key WHERE scope = ?", (release.scope,))
        if ciphers is not None and len(keys) != len(TIERS):
            raise PackRefused(f"the lease of {release.scope} ended while its pack was sealed")
        applied = cache.apply_release(tx, release, step.signed, staged, theirs)
        tx.append(
            Draft(
                kind="pack.applied",
                object=release.scope,
                outcome=f"version-{release.version}",
                as_of=release.as_of_ms,
                detail={"note": _note(applied)},
            )
        )
        return applied

    return await node.store.transact(write)


def _note(applied: Applied) -> str:
    lacking = f", {len(applied.lacking)} of 256 parts set aside" if applied.lacking else ""
    return f"{applied.rows} rows{lacking}"


def _keys(tx: Transaction, node: Node, step: ApplyRelease) -> tuple[bytes, Ciphers | None]:
    """The scope's content key (kept from now on) and the ciphers of its cache rows."""
    release, scope = step.release, step.release.scope
    held = tx.one("SELECT seen FROM release_held WHERE scope = ?", (scope,))
    if held and release.version < held[0]:
        raise PackRefused(f"release {release.version} of {scope} is older than {held[0]}, seen")
    if 0 < release.until_ms <= node.store.clock.interval().latest_ms:
        raise PackRefused(f"release {release.version} of {scope} has ended")
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


async def look_over(node: Node) -> int:
    """The nightly job: everything held against what the centre signed; how many buckets were set aside."""
    return await _set_aside(node, b"")


async def settle_doubts(node: Node) -> int:
    """The job behind a cached row that did not open: its bucket is set aside in every scope."""
    if not node.doubted:
        return 0
    doubted = bytes({ref[0] for ref in node.doubted})
    node.doubted.clear()
    return await _set_aside(node, doubted)


async def _set_aside(node: Node, doubted: bytes) -> int:
    """One transaction a scope; each that lost buckets is an entry, and the line is rung for its repair."""
    held = await node.store.read(lambda db: db.query("SELECT scope FROM release_held WHERE version > 0"))
    many = 0
    for (scope,) in held:
        many += await node.store.transact(functools.partial(_one_scope, scope=scope, doubted=doubted))
    if many:
        log.warning("data.differs", rows=many)
        node.events.publish("status")
        node.line_bell.set()
    return many


def _one_scope(tx: Transaction, scope: str, doubted: bytes) -> int:
    fresh = holdings.set_aside(tx, scope, doubted)
    if fresh:
        note = f"{len(fresh)} of 256 parts set aside"
        tx.append(Draft(kind="pack.applied", object=scope, outcome="differs", detail={"note": note}))
    return len(fresh)
