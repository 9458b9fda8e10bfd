"""Publishing: every scope whose content changed gets a pack, a signed release and a new version.

1  collect   subjects changed since the scope's last release, in it now or then; without any nothing happens.
             Whom exchanges touched is numbered first: only the publisher's lock makes numbers safe to pass
2  build     a base pack at first and when deltas outweigh 30 % of it, else a delta; in a worker thread
3  write     the sealed file, and the bucket hashes a node finds differences by, under DATA/packs by their
             digest, fsynced and renamed, before anything names them
4  release   rows, packs, signed release and version in one transaction
"""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from central.actions import dossier, restored
from central.actions.centre import AdminSession, Centre, operator
from central.actions.leases import SCOPE_KEY
from central.actions.own_ledger import drafted, record
from central.security.permissions import require
from central.store import people, records, trips
from central.store.database import Tx
from central.store.durable import write_durably
from central.store.people import StaffKept
from central.store.records import Pack, ReleaseKept, Scope
from matters.model import Words
from sync.packs.pack import PackKind, PackRow, SealedPack, buckets, build, row_digest, state_file
from sync.packs.release import PackRef, Release, sign_release

COMPACT_PERCENT = 30
PACKS_MAX = 64
READ_REFS = 2000


_LEVEL = Words(zh="没有变化，无需发布", en="nothing changed, nothing to publish")


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one scope; `words` say why nothing was published."""

    scope: str
    version: int
    kind: str
    rows: int
    changed: int
    size: int
    words: Words


class _StaffBlob(msgspec.Struct, frozen=True, kw_only=True):
    """A clerk as nodes get them; `argon2` is a PHC string, `card` a staff card's fingerprint."""

    staff: str
    name: str
    role: str
    permits: tuple[str, ...]
    windows: tuple[str, ...]
    argon2: str
    revoked: bool
    card: str


class _News(msgspec.Struct, frozen=True, kw_only=True):
    """What a scope will hold: changed rows by ref (None: gone), and the data's age."""

    rows: dict[bytes, bytes | None]
    changed_seen: int


async def publish(
    centre: Centre, admin: AdminSession, only: Sequence[str] | None = None
) -> tuple[Published, ...]:
    """Publish every scope in force (or `only` these) that changed, one transaction each.

    What is named in a release is durable on disk.
    """
    require(admin.role, "publish.publish")
    async with centre.store.reading() as tx:
        found = await records.scopes(tx, only)
    names = [scope.scope for scope in found if scope.in_force(centre.now_ms())]
    return tuple([await _scope(centre, admin, name) for name in names])


async def renumbered(centre: Centre) -> int:
    """Publish whole every scope whose numbers a restored centre gave up; how many."""
    async with centre.store.reading() as tx:
        if not await restored.began_ms(tx):
            return 0
        found = [scope for scope in await records.scopes(tx) if scope.in_force(centre.now_ms())]
        cut = [scope.scope for scope in found if not await _chain(tx, scope)]
    for name in cut:
        await _scope(centre, operator("system"), name)
    return len(cut)


async def _scope(centre: Centre, admin: AdminSession, name: str) -> Published:
    async with centre.store.transaction() as tx:
        await records.lock_publishing(tx, importing=False)
        scope = (await records.scopes(tx, [name]))[0]
        held = await records.scope_digests(tx, name)
        news = await _news(centre, tx, scope, held)
        rows = {ref: blob for ref, blob in news.rows.items() if _differs(held.get(ref), ref, blob)}
        if await restored.waits(centre, tx):
            return _nothing(scope, len(held), restored.WAIT.message)
        before = await _chain(tx, scope)
        if before and not rows:
            return _nothing(scope, len(held), _LEVEL)
        fresh = {ref: row_digest(ref, blob) for ref, blob in rows.items() if blob is not None}
        gone = [ref for ref, blob in rows.items() if blob is None]
        await records.write_scope_rows(tx, name, fresh, gone)
        await trips.add_members(tx, name, scope.version + 1, [ref for ref in fresh if ref not in held], gone)
        after = {ref: digest for ref, digest in (held | fresh).items() if ref not in set(gone)}
        version = scope.version + 1
        packs = await _packs(centre, tx, scope, before, rows, version)
        released = await _release(centre, tx, scope, packs, after, version, news)
        draft = drafted(admin, "admin.changed", f"publish {name} {version}")
        await record(centre, tx, draft)
    return Published(
        scope=name,
        version=version,
        kind=packs[-1].kind,
        rows=len(after),
        changed=len(rows),
        size=released.size,
        words=Words(zh="已发布", en="published"),
    )


def _differs(held: bytes | None, ref: bytes, blob: bytes | None) -> bool:
    return held is not None if blob is None else held != row_digest(ref, blob)


def _nothing(scope: Scope, rows: int, words: Words) -> Published:
    return Published(
        scope=scope.scope, version=scope.version, kind="", rows=rows, changed=0, size=0, words=words
    )


async def _news(centre: Centre, tx: Tx, scope: Scope, held: dict[bytes, bytes]) -> _News:
    """Step 1."""
    if scope.data_class == "staff":
        rows = await rows_of(centre, tx, scope, ())
        rows |= {ref: None for ref in held if ref not in rows}
        return _News(rows=rows, changed_seen=0)
    await records.touch_left(tx)
    newest = await records.newest_change(tx)
    if scope.listed:
        refs = sorted({*await trips.listed(tx, scope.scope), *held})
    else:
        refs = await records.changed_refs(tx, scope)
    return _News(rows=await rows_of(centre, tx, scope, refs), changed_seen=newest)


async def rows_of(centre: Centre, tx: Tx, scope: Scope, refs: Sequence[bytes]) -> dict[bytes, bytes | None]:
    """The rows of these subjects (all clerks of a staff scope) as the scope has them now; None: not in it.

    Nobody who withdrew consent is in a scope; a listed trip holds those of its day's list only.
    """
    if scope.data_class == "staff":
        return {centre.keys.ref(one.staff): _staff_blob(one) for one in await people.staff(tx, scope.node)}
    closed = await trips.withdrawn(tx)
    rows: dict[bytes, bytes | None] = {}
    for at in range(0, len(refs), READ_REFS):
        part = await records.held(tx, refs[at : at + READ_REFS])
        rows |= await asyncio.to_thread(_blobs, centre, scope, part)
    if scope.listed:
        closed |= rows.keys() - set(await trips.listed(tx, scope.scope))
    return rows | dict.fromkeys(closed & rows.keys())


def _blobs(centre: Centre, scope: Scope, part: dict[bytes, records.Held]) -> dict[bytes, bytes | None]:
    return {
        ref: dossier.blob(centre.keys, held) if held.region.startswith(scope.prefixes) else None
        for ref, held in part.items()
    }


def _staff_blob(clerk: StaffKept) -> bytes:
    return msgspec.json.encode(
        _StaffBlob(
            staff=clerk.staff,
            name=clerk.name,
            role=clerk.role,
            permits=clerk.permits,
            windows=clerk.windows,
            argon2=clerk.password if clerk.valid else "",
            revoked=not clerk.valid,
            card=clerk.card if clerk.valid else "",
        )
    )


async def _packs(
    centre: Centre,
    tx: Tx,
    scope: Scope,
    before: Sequence[Pack],
    rows: dict[bytes, bytes | None],
    version: int,
) -> list[Pack]:
    """Steps 2 and 3: the packs of the new release, the new one last."""
    key = centre.keys.unseal(SCOPE_KEY, scope.scope.encode(), scope.key_sealed)
    if before:
        pack = await _written(centre, scope, "delta", rows, key, (scope.version, version))
        deltas = pack.size + sum(one.size for one in before[1:])
        if deltas * 100 <= before[0].size * COMPACT_PERCENT and len(before) < PACKS_MAX:
            return [*before, pack]
        rows = await _everything(centre, tx, scope)
        base = await _written(centre, scope, "base", rows, key, (0, version))
        return [pack, base] if scope.version else [base]
    rows = await _everything(centre, tx, scope)
    return [await _written(centre, scope, "base", rows, key, (0, version))]


async def _chain(tx: Tx, scope: Scope) -> list[Pack]:
    """The packs that lead to the scope's version; none where it has no release, or was renumbered since."""
    before = await records.packs_since_base(tx, scope.scope)
    return before if before and before[-1].to_version == scope.version else []


async def _everything(centre: Centre, tx: Tx, scope: Scope) -> dict[bytes, bytes | None]:
    """All rows of a scope, for a new base."""
    return await rows_of(centre, tx, scope, sorted(await records.scope_digests(tx, scope.scope)))


async def _written(
    centre: Centre,
    scope: Scope,
    kind: PackKind,
    rows: dict[bytes, bytes | None],
    key: bytes,
    versions: tuple[int, int],
) -> Pack:
    sealed = await asyncio.to_thread(build_file, centre.data / "packs", scope.scope, kind, rows, key)
    return Pack(
        scope=scope.scope,
        digest=sealed.digest,
        kind=kind,
        from_version=versions[0],
        to_version=versions[1],
        size=len(sealed.data),
        rows=sealed.rows,
    )


def build_file(
    folder: Path,
    scope: str,
    kind: PackKind,
    rows: dict[bytes, bytes | None],
    key: bytes,
    lacking: bytes = b"",
) -> SealedPack:
    """Steps 2 and 3 for one pack: sealed, durable under its digest; `lacking` are the buckets of a repair."""
    sealed = build(scope, kind, _ordered(rows, kind), key, lacking)
    write_durably(folder / sealed.digest.hex(), sealed.data)
    return sealed


def _ordered(rows: dict[bytes, bytes | None], kind: PackKind) -> Iterator[PackRow]:
    for ref in sorted(rows):
        blob = rows[ref]
        if blob is not None or kind == "delta":
            yield PackRow(ref=ref, blob=blob)


async def _release(
    centre: Centre,
    tx: Tx,
    scope: Scope,
    packs: Sequence[Pack],
    after: dict[bytes, bytes],
    version: int,
    news: _News,
) -> ReleaseKept:
    """Step 4."""
    state = state_file(await asyncio.to_thread(buckets, after.items()))
    root = hashlib.sha256(state).digest()
    await asyncio.to_thread(write_durably, centre.data / "packs" / root.hex(), state)
    release = Release(
        scope=scope.scope,
        version=version,
        data_class="staff" if scope.data_class == "staff" else "detail",
        packs=tuple(_named(packs)),
        state_root=root,
        as_of_ms=centre.now_ms(),
        created_ms=centre.now_ms(),
        until_ms=scope.until_ms,
    )
    kept = ReleaseKept(
        scope=scope.scope,
        version=version,
        signed=sign_release(release, centre.keys.signing),
        rows=len(after),
        size=packs[-1].size,
        as_of_ms=release.as_of_ms,
        created_ms=release.created_ms,
    )
    moved = msgspec.structs.replace(scope, changed_seen=news.changed_seen)
    await records.publish(tx, moved, kept, packs)
    return kept


def _named(packs: Iterable[Pack]) -> Iterator[PackRef]:
    for pack in packs:
        yield PackRef(
            digest=pack.digest,
            kind="base" if pack.kind == "base" else "delta",
            from_version=pack.from_version,
            to_version=pack.to_version,
            size=pack.size,
            rows=pack.rows,
        )
