"""Publishing: every scope whose content changed gets a pack, a signed release and a new version.

1  collect   subjects changed since the scope's last release, in it now or then; nothing changed: nothing
happens 2  build     a base pack at first and when deltas outweigh 30 % of it, else a delta; in a worker
thread 3  write     the sealed file under DATA/packs by its digest, fsynced and renamed, before anything
names it 4  release   rows, packs, signed release and version in one transaction
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from central.actions import dossier, restored
from central.actions.acknowledge import SCOPE_KEY
from central.actions.centre import AdminSession, Centre, operator
from central.actions.own_ledger import Draft, record
from central.security.permissions import require
from central.store import people, records
from central.store.database import Tx
from central.store.durable import write_durably
from central.store.people import StaffKept
from central.store.records import Pack, ReleaseKept, Scope
from matters.model import Words
from sync.packs.pack import PackKind, PackRow, SealedPack, build, row_digest, state_root
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
    """A clerk as nodes get them; `argon2` is a PHC string."""

    staff: str
    name: str
    role: str
    permits: tuple[str, ...]
    windows: tuple[str, ...]
    argon2: str
    revoked: bool


class _News(msgspec.Struct, frozen=True, kw_only=True):
    """What a scope will hold: changed rows by ref (None: gone), and the data's age."""

    rows: dict[bytes, bytes | None]
    changed_seen: int


async def publish(centre: Centre, admin: AdminSession) -> tuple[Published, ...]:
    """Publish every scope that changed, one transaction each.

    What is named in a release is durable on disk.
    """
    require(admin.role, "publish.publish")
    async with centre.store.reading() as tx:
        names = [scope.scope for scope in await records.scopes(tx)]
    return tuple([await _scope(centre, admin, name) for name in names])


async def renumbered(centre: Centre) -> int:
    """Publish whole every scope whose numbers a restored centre gave up; how many."""
    async with centre.store.reading() as tx:
        if not await restored.began_ms(tx):
            return 0
        cut = [scope.scope for scope in await records.scopes(tx) if not await _chain(tx, scope)]
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
        after = {ref: digest for ref, digest in (held | fresh).items() if ref not in set(gone)}
        version = scope.version + 1
        packs = await _packs(centre, tx, scope, before, rows, version)
        released = await _release(centre, tx, scope, packs, after, version, news)
        draft = Draft(
            kind="admin.changed",
            actor=admin.admin,
            role=admin.role,
            window=admin.place,
            object=f"publish {name} {version}",
        )
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
        clerks = await people.staff(tx, scope.node)
        rows: dict[bytes, bytes | None] = {centre.keys.ref(one.staff): _staff_blob(one) for one in clerks}
        rows |= {ref: None for ref in held if ref not in rows}
        return _News(rows=rows, changed_seen=0)
    newest = await records.newest_change(tx)
    refs = await records.changed_refs(tx, scope)
    rows = {}
    for at in range(0, len(refs), READ_REFS):
        part = await records.held(tx, refs[at : at + READ_REFS])
        rows |= await asyncio.to_thread(_blobs, centre, scope, part)
    return _News(rows=rows, changed_seen=newest)


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
    if scope.data_class == "staff":
        return {centre.keys.ref(one.staff): _staff_blob(one) for one in await people.staff(tx, scope.node)}
    rows: dict[bytes, bytes | None] = {}
    refs = sorted(await records.scope_digests(tx, scope.scope))
    for at in range(0, len(refs), READ_REFS):
        part = await records.held(tx, refs[at : at + READ_REFS])
        rows |= await asyncio.to_thread(_blobs, centre, scope, part)
    return rows


async def _written(
    centre: Centre,
    scope: Scope,
    kind: PackKind,
    rows: dict[bytes, bytes | None],
    key: bytes,
    versions: tuple[int, int],
) -> Pack:
    sealed = await asyncio.to_thread(_build, centre.data / "packs", scope.scope, kind, rows, key)
    return Pack(
        scope=scope.scope,
        digest=sealed.digest,
        kind=kind,
        from_version=versions[0],
        to_version=versions[1],
        size=len(sealed.data),
        rows=sealed.rows,
    )


def _build(
    folder: Path, scope: str, kind: PackKind, rows: dict[bytes, bytes | None], key: bytes
) -> SealedPack:
    sealed = build(scope, kind, _ordered(rows, kind), key)
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
    root = await asyncio.to_thread(state_root, after.items())
    release = Release(
        scope=scope.scope,
        version=version,
        data_class="staff" if scope.data_class == "staff" else "detail",
        packs=tuple(_named(packs)),
        state_root=root,
        as_of_ms=centre.now_ms(),
        created_ms=centre.now_ms(),
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
