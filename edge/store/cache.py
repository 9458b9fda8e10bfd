"""The subject cache and the node's other data sets: applying a release, looking one subject up.

Cached rows of class `detail` are sealed under the data key of their scope and opaque without it.
Rows of the other classes (staff, catalogue) are protected by the database's own encryption only.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from edge.errors import Damaged
from edge.store import holdings
from edge.store.cipher import Connection
from edge.store.keyring import Keyring, RowCipher, Tier
from edge.store.pressed import Press, unpress
from edge.store.reader import Reading
from edge.store.transaction import Transaction
from matters.quota import UnitsSpent
from matters.records import Record, SubjectRecord
from sync.errors import UNREADABLE, PackRefused
from sync.packs.pack import open_pack, row_digest
from sync.packs.release import PackRef, Release


class Cached(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One subject with all its records and the free units known to be used: the JSON of a `detail` blob."""

    subject: SubjectRecord
    records: tuple[Record, ...] = ()
    spent: tuple[UnitsSpent, ...] = ()


class _Apart(msgspec.Struct, frozen=True, kw_only=True):
    """A `Cached` whose records are left as they came."""

    subject: SubjectRecord
    records: tuple[msgspec.Raw, ...] = ()


class _Openness(msgspec.Struct, frozen=True, kw_only=True):
    """What of a record says who may see it."""

    openness: str


class StaffRow(msgspec.Struct, frozen=True, kw_only=True):
    """One person of the hall: the JSON of a `staff` blob.

    `argon2` is a PHC string, `card` the fingerprint (SHA-256, hex) of their staff card; empty for none.
    """

    staff: str
    name: str
    role: str
    permits: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()
    argon2: str = ""
    revoked: bool = False
    card: str = ""


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """One row ready to be written; `body` None removes it.

    `public` is the sealed part that is open by law.
    """

    ref: bytes
    digest: bytes
    body: bytes | None
    public: bytes | None = None


class Ciphers(msgspec.Struct, frozen=True, kw_only=True):
    """The ciphers of both tiers of a scope."""

    closed: RowCipher
    open: RowCipher


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What a scope holds now: rows, the signed bucket hashes, the buckets emptied because they differed."""

    rows: int
    state: bytes = b""
    lacking: bytes = b""


def ready_rows(
    sealed: bytes, pack: PackRef, scope: str, content_key: bytes, ciphers: Ciphers | None
) -> Iterator[Ready]:
    """The rows of a pack, each sealed again for the cache as it is asked for: one chunk in memory at a time.

    `ciphers` None keeps the blobs plain. Raises PackRefused, Malformed, LimitExceeded, also halfway: none of
    the rows may be answered from before the last one came.
    """
    press = Press().press
    for row in open_pack(sealed, content_key, pack.digest, scope=scope, kind=pack.kind):
        if row.blob is None:
            yield Ready(ref=row.ref, digest=b"", body=None)
        elif ciphers is None:
            yield Ready(ref=row.ref, digest=row_digest(row.ref, row.blob), body=row.blob)
        else:
            public, digest = public_part(row.blob), row_digest(row.ref, row.blob)
            bound = row.ref + digest  # an older row of the same subject does not open in its place
            yield Ready(
                ref=row.ref,
                digest=digest,
                body=ciphers.closed.seal(bound, press(row.blob)),
                public=ciphers.open.seal(bound, press(public)) if public else None,
            )


def public_part(blob: bytes) -> bytes | None:
    """What of a subject is public by law: its public records under its name; None when there are none."""
    if b'"public"' not in blob:
        return None
    try:
        whole = _APART.decode(blob)
        records = tuple(record for record in whole.records if _OPENNESS.decode(record).openness == "public")
    except UNREADABLE as error:
        raise Damaged(f"a cached row cannot be read: {error}") from error
    subject = msgspec.structs.replace(whole.subject, sex="", birth=None, address="")
    return msgspec.json.encode(_Apart(subject=subject, records=records)) if records else None


def write_rows(tx: Transaction, shelf: int, data_class: str, rows: Sequence[Ready]) -> None:
    """Put rows on a shelf, each over the one of the same ref; a row without a body is removed.

    Raises PackRefused for a staff row that cannot be read.
    """
    table = holdings.table_of(data_class)
    kept = [row for row in rows if row.body is not None]
    if table == "subject_cache":
        into = "INSERT OR REPLACE INTO subject_cache (shelf, ref, digest, sealed, open_part)"
        tx.insert(into, [(shelf, row.ref, row.digest, row.body, row.public) for row in kept])
    else:
        into = "INSERT OR REPLACE INTO plain_row (shelf, ref, digest, blob)"
        tx.insert(into, [(shelf, row.ref, row.digest, row.body) for row in kept])
    gone = [(shelf, row.ref) for row in rows if row.body is None]
    tx.execute_many(f"DELETE FROM {table} WHERE shelf = ? AND ref = ?", gone)  # noqa: S608 -- one of two names
    if data_class == "staff":
        tx.execute_many("DELETE FROM staff WHERE shelf = ? AND ref = ?", ((shelf, row.ref) for row in rows))
        names = [(shelf, _name_of(row), row.ref) for row in kept]
        tx.execute_many("INSERT OR REPLACE INTO staff (shelf, staff, ref) VALUES (?,?,?)", names)


def _name_of(row: Ready) -> str:
    assert row.body is not None
    try:
        return msgspec.json.decode(row.body, type=StaffRow).staff
    except UNREADABLE as error:
        raise PackRefused(f"a staff row cannot be read: {error}") from error


def put_in_force(tx: Transaction, release: Release, signed: bytes, applied: Applied) -> None:
    """The cursor of a scope, in the transaction that makes `applied` what is answered from."""
    scope, version = release.scope, release.version
    tx.execute(
        "INSERT OR REPLACE INTO release_held (scope, data_class, version, seen, state_root, signed, as_of_ms,"
        " applied_ms, rows, state, lacking, until_ms) VALUES (?,?,?,max(?, coalesce("
        "(SELECT seen FROM release_held WHERE scope = ?), 0)),?,?,?,?,?,?,?,?)",
        (
            scope,
            release.data_class,
            version,
            version,
            scope,
            release.state_root,
            signed,
            release.as_of_ms,
            tx.now_ms,
            applied.rows,
            applied.state,
            applied.lacking,
            release.until_ms,
        ),
    )


def staff_member(db: Reading | Transaction, name: str) -> StaffRow | None:
    """One person of the hall's staff, None when unknown here or when their row is not what came.

    Where two data sets name them, the one applied last counts.
    """
    rows = db.query(f"{_STAFF} AND staff = ? ORDER BY applied_ms", (name,))
    return next(iter(_people(rows)), None)


def staff_members(db: Reading | Transaction) -> list[StaffRow]:
    """Everybody on the hall's staff, by name to sign in with, those revoked too."""
    return _people(db.query(f"{_STAFF} ORDER BY staff, applied_ms"))


def staff_with_card(db: Reading, fingerprint: str) -> StaffRow | None:
    """The person whose staff card this is, None when it is nobody's here."""
    return next((row for row in staff_members(db) if row.card == fingerprint), None)


def staff_is_whole(db: Reading) -> bool:
    """Whether every row of the staff is what came with its pack."""
    return all(holdings.is_whole(*row) for row in db.query(_STAFF))


def _people(rows: list[tuple[Any, ...]]) -> list[StaffRow]:
    """Whose rows are what came; the last of a name counts."""
    people = (msgspec.json.decode(row[2], type=StaffRow) for row in rows if holdings.is_whole(*row))
    return list({person.staff: person for person in people}.values())


_STAFF = (
    "SELECT p.ref, p.digest, p.blob FROM shelf JOIN release_held USING (scope)"
    " JOIN staff AS t ON t.shelf = number"
    " JOIN plain_row AS p ON p.shelf = number AND p.ref = t.ref WHERE held = 1"
)


def row_cipher(connection: Connection, keyring: Keyring, scope: str, tier: Tier) -> RowCipher | None:
    """The cipher of a tier's rows, None when its data key was shredded or never made. Raises Damaged."""
    row = connection.execute(
        "SELECT wrapping, wrapped FROM lease_key WHERE scope = ? AND tier = ?", (scope, tier)
    ).fetchone()
    if row is None:
        return None
    wrapping = keyring.current()
    if wrapping.name.hex() != row[0]:
        raise Damaged("the lease wrapping key is not the one that was used")
    return RowCipher(scope, tier, wrapping.unwrap(scope, tier, row[1]))


def look_up(db: Reading, keyring: Keyring, ref: bytes, *, public_only: bool) -> tuple[Cached, str] | None:
    """What the cache holds about a subject and in which scope; the newest where scopes overlap.

    None when it holds nothing, the data key is gone, or the subject withdrew consent. With `public_only` the
    open tier suffices. Raises Damaged when a row does not open.
    """
    found: list[tuple[Cached, str]] = []
    for scope, digest, sealed, open_part in db.query(_OF_SUBJECT, (ref, ref)):
        tier: Tier = "open" if public_only and open_part is not None else "closed"
        body = open_part if tier == "open" else sealed
        cipher = row_cipher(db.connection, keyring, scope, tier) if body is not None else None
        if cipher is not None:
            found.append((_decode(unpress(cipher.open(ref + digest, body))), scope))
    return max(found, key=lambda one: one[0].subject.as_of_ms, default=None)


def _decode(blob: bytes) -> Cached:
    try:
        return _CACHED.decode(blob)
    except UNREADABLE as error:
        raise Damaged(f"a cached row cannot be read: {error}") from error


_CACHED = msgspec.json.Decoder(Cached)
_APART = msgspec.json.Decoder(_Apart)
_OPENNESS = msgspec.json.Decoder(_Openness)
_OF_SUBJECT = (
    "SELECT s.scope, c.digest, c.sealed, c.open_part FROM shelf AS s CROSS JOIN subject_cache AS c"
    " ON c.shelf = s.number AND c.ref = ? WHERE s.held = 1"
    " AND NOT EXISTS (SELECT 1 FROM withdrawn WHERE ref = ?)"
)
"""One seek on each shelf that is held: the key of the cache begins with it."""


def withdraw(tx: Transaction, ref: bytes, *, withdrawn: bool) -> None:
    """From now on nothing (or, given again, whatever is held) about this subject is answered from the cache.

    The rows stay what the centre signed until its next release removes them, so roots keep agreeing.
    """
    if withdrawn:
        tx.execute("INSERT OR IGNORE INTO withdrawn VALUES (?,?)", (ref, tx.now_ms))
    else:
        tx.execute("DELETE FROM withdrawn WHERE ref = ?", (ref,))
