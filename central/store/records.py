"""Subjects and their records, sealed; and what was published of them: scopes, packs, releases."""

from collections.abc import Sequence

import msgspec

from central.store import quota
from central.store.database import LOCK_PUBLISH, Tx
from matters.quota import UnitsSpent


class SubjectKept(msgspec.Struct, frozen=True, kw_only=True):
    """A subject as stored. `digest` tells whether a new import changes anything."""

    ref: bytes
    kind: str
    region: str
    as_of_ms: int
    digest: bytes
    body_sealed: bytes


class RecordKept(msgspec.Struct, frozen=True, kw_only=True):
    """A record as stored."""

    ref: bytes
    record_id: str
    category: str
    openness: str
    source: str
    as_of_ms: int
    digest: bytes
    body_sealed: bytes


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """The sealed bodies of one subject: its own (None: only records are held) and its records'.

    `spent`: the free units nodes spent of its rights.
    """

    ref: bytes
    region: str
    subject_sealed: bytes | None
    records: tuple[tuple[str, bytes], ...]
    spent: tuple[UnitsSpent, ...] = ()


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """A scope and how far it is published.

    `prefixes` are region prefixes; `node` owns a staff or route scope. A trip has a box in time (`until_ms`
    not 0); `listed`: only the subjects of its day's list, at most `subjects_max`.
    """

    scope: str
    data_class: str
    node: str
    prefixes: tuple[str, ...]
    key_sealed: bytes
    version: int = 0
    changed_seen: int = 0
    from_ms: int = 0
    until_ms: int = 0
    listed: bool = False
    subjects_max: int = 0

    def in_force(self, now_ms: int) -> bool:
        """Whether nodes may hold it now."""
        return not self.until_ms or self.from_ms <= now_ms < self.until_ms


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """A published pack; its bytes are the file named by its digest."""

    scope: str
    digest: bytes
    kind: str
    from_version: int
    to_version: int
    size: int
    rows: int


class ReleaseKept(msgspec.Struct, frozen=True, kw_only=True):
    """A published release."""

    scope: str
    version: int
    signed: bytes
    rows: int
    size: int
    as_of_ms: int
    created_ms: int


async def write_subjects(tx: Tx, rows: Sequence[SubjectKept]) -> int:
    """Insert or replace subjects whose content differs and is not older; how many changed."""
    return await _upsert(
        tx,
        "INSERT INTO subject (ref, kind, region, as_of_ms, digest, body_sealed, changed)"
        " SELECT u.*, nextval('change_number') FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bigint[],"
        " $5::bytea[], $6::bytea[]) AS u"
        " ON CONFLICT (ref) DO UPDATE SET kind = excluded.kind, region = excluded.region,"
        " as_of_ms = excluded.as_of_ms, digest = excluded.digest, body_sealed = excluded.body_sealed,"
        " changed = excluded.changed"
        " WHERE subject.digest <> excluded.digest AND subject.as_of_ms <= excluded.as_of_ms RETURNING ref",
        rows,
    )


async def write_records(tx: Tx, rows: Sequence[RecordKept]) -> int:
    """Insert or replace records whose content differs and is not older; how many changed.

    The subjects concerned count as changed, so that the next publication carries them.
    """
    query = (
        "INSERT INTO record (ref, record_id, category, openness, source, as_of_ms, digest, body_sealed)"
        " SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],"
        " $7::bytea[], $8::bytea[])"
        " ON CONFLICT (ref, record_id) DO UPDATE SET category = excluded.category,"
        " openness = excluded.openness, source = excluded.source, as_of_ms = excluded.as_of_ms,"
        " digest = excluded.digest, body_sealed = excluded.body_sealed"
        " WHERE record.digest <> excluded.digest AND record.as_of_ms <= excluded.as_of_ms RETURNING ref"
    )
    changed = await tx.fetch(query, *_columns(rows)) if rows else []
    if changed:
        await touch(tx, sorted({row["ref"] for row in changed}))
    return len(changed)


async def touch(tx: Tx, refs: Sequence[bytes]) -> None:
    """Count these subjects as changed; under the importers' lock or the publisher's."""
    number = await tx.fetchval("SELECT nextval('change_number')")
    await tx.execute("UPDATE subject SET changed = $2 WHERE ref = ANY ($1)", refs, number)


async def touch_later(tx: Tx, changes: Sequence[tuple[bytes, str, int]]) -> None:
    """Count subjects as changed from the next publication on, each by a ledger's entry (ref, origin, index).

    Without any lock: who exchanges never waits for a publication. A change number drawn here could be passed
    by one that ends before our commit, and the subject be forgotten; a row is seen by whichever comes after.
    """
    if changes:
        await tx.executemany("INSERT INTO subject_touched (ref, origin, idx) VALUES ($1, $2, $3)", changes)


async def touch_left(tx: Tx) -> None:
    """Number whom exchanges touched since; under the publisher's lock, before it reads what changed."""
    left = await tx.fetch("DELETE FROM subject_touched RETURNING ref")
    if left:
        await touch(tx, sorted({row["ref"] for row in left}))


async def _upsert(tx: Tx, query: str, rows: Sequence[msgspec.Struct]) -> int:
    return len(await tx.fetch(query, *_columns(rows))) if rows else 0


def _columns(rows: Sequence[msgspec.Struct]) -> list[list[object]]:
    return [list(column) for column in zip(*map(msgspec.structs.astuple, rows), strict=True)]


async def held(tx: Tx, refs: Sequence[bytes]) -> dict[bytes, Held]:
    """What is stored about these subjects; refs nothing is held about are absent."""
    own = {
        row["ref"]: row
        for row in await tx.fetch("SELECT ref, region, body_sealed FROM subject WHERE ref = ANY ($1)", refs)
    }
    records: dict[bytes, list[tuple[str, bytes]]] = {}
    query = "SELECT ref, record_id, body_sealed FROM record WHERE ref = ANY ($1) ORDER BY ref, record_id"
    for row in await tx.fetch(query, refs):
        records.setdefault(row["ref"], []).append((row["record_id"], row["body_sealed"]))
    spent = await quota.known(tx, refs)
    return {
        ref: Held(
            ref=ref,
            region=own[ref]["region"] if ref in own else "",
            subject_sealed=own[ref]["body_sealed"] if ref in own else None,
            records=tuple(records.get(ref, ())),
            spent=spent.get(ref, ()),
        )
        for ref in own.keys() | records.keys()
    }


async def newest_change(tx: Tx) -> int:
    """The highest change number of any subject."""
    return await tx.fetchval("SELECT max(changed) FROM subject") or 0


async def changed_refs(tx: Tx, scope: Scope) -> list[bytes]:
    """Subjects changed since the scope's last publication that are in it now or were then, by ref."""
    rows = await tx.fetch(
        "SELECT s.ref FROM subject s WHERE s.changed > $1 AND (EXISTS (SELECT 1 FROM unnest($2::text[]) AS p"
        " WHERE starts_with(s.region, p))"
        " OR EXISTS (SELECT 1 FROM scope_row r WHERE r.ref = s.ref AND r.scope = $3)) ORDER BY s.ref",
        scope.changed_seen,
        list(scope.prefixes),
        scope.scope,
    )
    return [row["ref"] for row in rows]


async def scope_digests(tx: Tx, scope: str) -> dict[bytes, bytes]:
    """Row digests of what the scope's newest release holds, by ref."""
    rows = await tx.fetch("SELECT ref, digest FROM scope_row WHERE scope = $1", scope)
    return {row["ref"]: row["digest"] for row in rows}


async def write_scope_rows(tx: Tx, scope: str, fresh: dict[bytes, bytes], gone: Sequence[bytes]) -> None:
    """Bring the list of what a scope holds up to a new release."""
    if gone:
        await tx.execute("DELETE FROM scope_row WHERE scope = $1 AND ref = ANY ($2)", scope, gone)
    if fresh:
        await tx.execute(
            "INSERT INTO scope_row (ref, scope, digest)"
            " SELECT r, $1, d FROM unnest($2::bytea[], $3::bytea[]) AS u (r, d)"
            " ON CONFLICT (ref, scope) DO UPDATE SET digest = excluded.digest",
            scope,
            list(fresh),
            list(fresh.values()),
        )


async def lock_publishing(tx: Tx, *, importing: bool) -> None:
    """Importers share the lock, the publisher has it alone: it never misses a number in flight."""
    query = "SELECT pg_advisory_xact_lock_shared($1)" if importing else "SELECT pg_advisory_xact_lock($1)"
    await tx.execute(query, LOCK_PUBLISH)


async def add_scope(tx: Tx, kept: Scope) -> None:
    """Keep a new scope; one that is there keeps its key and version."""
    await tx.execute(
        "INSERT INTO scope (scope, data_class, node, prefixes, key_sealed, version, changed_seen, from_ms,"
        " until_ms, listed, subjects_max) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        " ON CONFLICT (scope) DO NOTHING",
        *msgspec.structs.astuple(kept),
    )


async def scopes(tx: Tx, names: Sequence[str] | None = None) -> list[Scope]:
    """The scopes of these names (None: all), by name."""
    rows = await tx.fetch(
        "SELECT * FROM scope WHERE $1::text[] IS NULL OR scope = ANY ($1) ORDER BY scope",
        None if names is None else list(names),
    )
    return [Scope(**{**dict(row), "prefixes": tuple(row["prefixes"])}) for row in rows]


async def publish(tx: Tx, scope: Scope, released: ReleaseKept, packs: Sequence[Pack]) -> None:
    """Keep a release, its new packs, and the scope's new version."""
    await tx.executemany(
        "INSERT INTO pack (scope, digest, kind, from_version, to_version, size, rows)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (scope, to_version, digest) DO NOTHING",
        [msgspec.structs.astuple(pack) for pack in packs],
    )
    await tx.execute(
        "INSERT INTO release (scope, version, signed, rows, size, as_of_ms, created_ms)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        *msgspec.structs.astuple(released),
    )
    await tx.execute(
        "UPDATE scope SET version = $2, changed_seen = $3 WHERE scope = $1",
        scope.scope,
        released.version,
        scope.changed_seen,
    )


async def renumber(tx: Tx, floor: int) -> None:
    """Releases are numbered above `floor` from now on, each scope beginning with a base."""
    await tx.execute("UPDATE scope SET version = $1", floor)


async def packs_since_base(tx: Tx, scope: str) -> list[Pack]:
    """The packs of the newest base and its deltas, in order."""
    rows = await tx.fetch(
        "SELECT * FROM pack WHERE scope = $1 AND to_version >= (SELECT max(to_version) FROM pack"
        " WHERE scope = $1 AND kind = 'base') ORDER BY to_version, kind",
        scope,
    )
    return [Pack(**dict(row)) for row in rows]


async def releases(tx: Tx, names: Sequence[str]) -> list[ReleaseKept]:
    """The newest release of each of these scopes."""
    rows = await tx.fetch(
        "SELECT DISTINCT ON (scope) * FROM release WHERE scope = ANY ($1) ORDER BY scope, version DESC",
        list(names),
    )
    return [ReleaseKept(**dict(row)) for row in rows]


async def newest_before(tx: Tx, names: Sequence[str], at_ms: int) -> list[tuple[str, int]]:
    """The newest version of each of these scopes that was released by then."""
    rows = await tx.fetch(
        "SELECT scope, max(version) AS newest FROM release WHERE scope = ANY ($1) AND created_ms <= $2"
        " GROUP BY scope ORDER BY scope",
        list(names),
        at_ms,
    )
    return [(row["scope"], row["newest"]) for row in rows]


async def releases_since(tx: Tx, since_ms: int) -> list[ReleaseKept]:
    """Every release made since then, and the newest of every scope that has not ended by then."""
    rows = await tx.fetch(
        "SELECT * FROM release WHERE created_ms >= $1 OR (scope, version) IN (SELECT r.scope, max(r.version)"
        " FROM release AS r JOIN scope AS s ON s.scope = r.scope WHERE s.until_ms = 0 OR s.until_ms >= $1"
        " GROUP BY r.scope)",
        since_ms,
    )
    return [ReleaseKept(**dict(row)) for row in rows]
