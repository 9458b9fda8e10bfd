"""What a node is offered at a contact: newer releases, repairs of what it lacks, withdrawals.

The same for the line and the stick: the acknowledgement carries the signed releases, the packs are static
files named by their digest under DATA/packs. Nothing here is published: a release made for one node names the
packs of the newest release and, beside them, one repair of exactly the buckets the node emptied.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from central.actions import leases, publish
from central.actions.centre import Centre
from central.actions.leases import SCOPE_KEY
from central.errors import NotFound
from central.store import records, trips
from central.store.database import Tx
from central.store.fleet import NodeKept
from central.store.records import ReleaseKept, Scope
from sync.batch.view import Wish
from sync.packs.pack import SealedPack, open_pack, row_digest
from sync.packs.release import PackRef, Release, open_release, sign_release, withdrawal

log = structlog.get_logger("offers")


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A release for one node, signed; `held` is the version it starts from, `key` the scope's content key."""

    release: Release
    signed: bytes
    held: int
    key: bytes


async def scopes_of(centre: Centre, tx: Tx, node: NodeKept) -> tuple[str, ...]:
    """Every scope a node may hold now. A bus with planned trips holds those in force, not its whole route."""
    planned = await trips.trips_of(tx, node.node)
    if not planned:
        return leases.scopes_of(node)
    now_ms = centre.now_ms()
    return (*(one.scope for one in planned if one.in_force(now_ms)), leases.staff_scope(node))


async def offers(centre: Centre, tx: Tx, node: NodeKept, wishes: Sequence[Wish]) -> tuple[Offer, ...]:
    """What this node should fetch or let go, withdrawals first. Repair files are durable on disk."""
    said = {wish.scope: wish for wish in wishes}
    allowed = {one.scope: one for one in await records.scopes(tx, await scopes_of(centre, tx, node))}
    newest = {one.scope: one for one in await records.releases(tx, list({*allowed, *said}))}
    found = [
        await _withdrawn(centre, tx, wish, newest.get(wish.scope))
        for wish in wishes
        if wish.version and wish.scope not in allowed
    ]
    for name, scope in allowed.items():
        wish = said.get(name, Wish(scope=name, version=0))
        kept = newest.get(name)
        if kept is None or kept.version != scope.version:
            continue  # of an earlier life of this centre: none of the numbers in force now (`restored`)
        if kept.version <= wish.version and not wish.lacking:
            continue
        key = centre.keys.unseal(SCOPE_KEY, name.encode(), scope.key_sealed)
        release, signed = open_release(kept.signed, centre.keys.signing.public), kept.signed
        if wish.lacking and (repair := await _repair(centre, tx, scope, release, wish.lacking, key)):
            release = msgspec.structs.replace(release, packs=(*release.packs, repair))
            signed = sign_release(release, centre.keys.signing)
        found.append(Offer(release=release, signed=signed, held=wish.version, key=key))
    return tuple(found)


async def _withdrawn(centre: Centre, tx: Tx, wish: Wish, newest: ReleaseKept | None) -> Offer:
    """Older releases of the scope stay refused: the node keeps the highest version it saw."""
    scopes = await records.scopes(tx, [wish.scope])
    staff = scopes[0].data_class == "staff" if scopes else wish.scope.endswith("/staff")
    version = max(wish.version, newest.version if newest else 0)
    release = withdrawal(wish.scope, "staff" if staff else "detail", version, centre.now_ms())
    signed = sign_release(release, centre.keys.signing)
    return Offer(release=release, signed=signed, held=wish.version, key=b"")


async def _repair(
    centre: Centre, tx: Tx, scope: Scope, release: Release, lacking: bytes, key: bytes
) -> PackRef | None:
    """The rows of these buckets as the release signs them, in a file of their own; None: not to be had."""
    digests = await records.scope_digests(tx, scope.scope)
    wanted = {ref: digest for ref, digest in digests.items() if ref[0] in lacking}
    rows = _true(await publish.rows_of(centre, tx, scope, list(wanted)), wanted)
    if len(rows) < len(wanted):  # changed since it was published: the packs still have them
        try:
            rows |= await asyncio.to_thread(_from_packs, centre.data / "packs", release, wanted, key)
        except NotFound as error:
            log.warning("repair", code=error.code)
    if len(rows) < len(wanted):
        log.warning("repair", code="rows-missing", rows=len(wanted) - len(rows))
        return None
    sealed = await asyncio.to_thread(_written, centre.data / "packs", scope.scope, rows, key, lacking)
    return PackRef(
        digest=sealed.digest,
        kind="repair",
        from_version=release.version,
        to_version=release.version,
        size=len(sealed.data),
        rows=sealed.rows,
    )


def _written(
    folder: Path, scope: str, rows: dict[bytes, bytes | None], key: bytes, lacking: bytes
) -> SealedPack:
    return publish.build_file(folder, scope, "repair", rows, key, bytes(sorted(set(lacking))))


def _true(rows: dict[bytes, bytes | None], wanted: dict[bytes, bytes]) -> dict[bytes, bytes | None]:
    """Those rows that are what the release signs."""
    return {
        ref: blob for ref, blob in rows.items() if blob is not None and row_digest(ref, blob) == wanted[ref]
    }


def _from_packs(
    folder: Path, release: Release, wanted: dict[bytes, bytes], key: bytes
) -> dict[bytes, bytes | None]:
    """The wanted rows as the release's own packs have them. Raises NotFound where a file is gone."""
    found: dict[bytes, bytes | None] = {}
    for pack in release.packs:
        try:
            data = (folder / pack.digest.hex()).read_bytes()
        except OSError as error:
            raise NotFound("数据分包文件不在。", "the file of a pack is gone") from error
        for row in open_pack(data, key, pack.digest, scope=release.scope, kind=pack.kind):
            if row.ref in wanted:
                found[row.ref] = row.blob
    return _true(found, wanted)
