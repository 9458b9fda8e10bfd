"""The subject cache and the node's other data sets: applying a release, looking one subject up.

Cached rows of class `detail` are sealed under the data key of their scope and opaque without it.
Rows of the other classes (staff, catalogue) are protected by the database's own encryption only.
"""

from collections.abc import Iterator

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
from sync.errors import UNREADABLE, PackRefused, StateDiffers
from sync.packs.pack import (
    PackRow,
    differing,
    open_pack,
    open_state,
    repaired,
    root_of_buckets,
    row_digest,
    state_file,
)
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


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """A pack opened and sealed again, off the event loop, before the transaction begins."""

    ref: PackRef
    rows: list[Ready]
    buckets: bytes = b""


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What a scope holds now, and the buckets (one byte each) that were emptied because they differed."""

    rows: int
    lacking: bytes = b""


def stage(sealed: bytes, pack: PackRef, scope: str, content_key: bytes, ciphers: Ciphers | None) -> Staged:
    """Open a pack and seal its rows for the cache. Raises PackRefused, Malformed, LimitExceeded.

    Holds all rows in memory, pressed and sealed (about 0.5 kB each). `ciphers` None keeps the blobs plain.
    """
    opened = open_pack(sealed, content_key, pack.digest, scope=scope, kind=pack.kind)
    return Staged(ref=pack, rows=list(_ready(opened, ciphers)), buckets=repaired(sealed))


def _ready(rows: Iterator[PackRow], ciphers: Ciphers | None) -> Iterator[Ready]:
    press = Press().press
    for row in rows:
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


def apply_release(
    tx: Transaction, release: Release, signed: bytes, packs: list[Staged], theirs: bytes = b""
) -> Applied:
    """Rows and cursor of one scope, in the caller's transaction.

    Where the scope's state root is not the signed one: StateDiffers, and the transaction is undone whole.
    With `theirs`, the state file of the release, the buckets that differ are emptied instead and noted as
    lacking: what is there then is what the centre signed. Raises PackRefused for another release's `theirs`.
    """
    for staged in packs:
        _write(tx, release, staged)
    scope, data_class = release.scope, release.data_class
    mine, state = holdings.hashes(tx, scope, data_class), theirs
    lacking = b""
    if root_of_buckets(mine) != release.state_root:
        if not theirs:
            raise StateDiffers(f"scope {scope} does not reach the signed state")
        lacking = bytes(differing(mine, open_state(theirs, release.state_root)))
        holdings.empty(tx, scope, data_class, lacking)
    else:
        state = state_file(mine)
    rows = holdings.count(tx, scope, data_class)
    tx.execute(
        "INSERT OR REPLACE INTO release_held (scope, data_class, version, seen, state_root, signed, as_of_ms,"
        " applied_ms, rows, state, lacking, until_ms) VALUES (?,?,?,max(?, coalesce("
        "(SELECT seen FROM release_held WHERE scope = ?), 0)),?,?,?,?,?,?,?,?)",
        (
            scope,
            data_class,
            release.version,
            release.version,
            scope,
            release.state_root,
            signed,
            release.as_of_ms,
            tx.now_ms,
            rows,
            state,
            lacking,
            release.until_ms,
        ),
    )
    return Applied(rows=rows, lacking=lacking)


def _write(tx: Transaction, release: Release, staged: Staged) -> None:
    table = holdings.table_of(release.data_class)
    if staged.ref.kind == "base":
        tx.execute(f"DELETE FROM {table} WHERE scope = ?", (release.scope,))  # noqa: S608 -- one of two names
        if release.data_class == "staff":
            tx.execute("DELETE FROM staff WHERE scope = ?", (release.scope,))
    holdings.empty(tx, release.scope, release.data_class, staged.buckets)
    kept = (row for row in staged.rows if row.body is not None)
    if table == "subject_cache":
        tx.execute_many(
            "INSERT OR REPLACE INTO subject_cache (ref, scope, digest, sealed, open_part) VALUES (?,?,?,?,?)",
            ((row.ref, release.scope, row.digest, row.body, row.public) for row in kept),
        )
    else:
        tx.execute_many(
            "INSERT OR REPLACE INTO plain_row (ref, scope, digest, blob) VALUES (?,?,?,?)",
            ((row.ref, release.scope, row.digest, row.body) for row in kept),
        )
    gone = [(row.ref, release.scope) for row in staged.rows if row.body is None]
    tx.execute_many(f"DELETE FROM {table} WHERE ref = ? AND scope = ?", gone)  # noqa: S608 -- one of two names
    if release.data_class == "staff":
        tx.execute_many("DELETE FROM staff WHERE ref = ? AND scope = ?", gone)
        for row in staged.rows:
            _write_staff(tx, release.scope, row)


def _write_staff(tx: Transaction, scope: str, row: Ready) -> None:
    if row.body is None:
        return
    try:
        person = msgspec.json.decode(row.body, type=StaffRow)
    except UNREADABLE as error:
        raise PackRefused(f"a staff row of {scope} cannot be read: {error}") from error
    tx.execute("DELETE FROM staff WHERE ref = ? AND scope = ?", (row.ref, scope))
    tx.execute("INSERT OR REPLACE INTO staff VALUES (?,?,?,?)", (person.staff, scope, row.ref, row.body))


def staff_member(db: Reading | Transaction, name: str) -> StaffRow | None:
    """One person of the hall's staff, None when unknown here."""
    row = db.one("SELECT body FROM staff WHERE staff = ?", (name,))
    return msgspec.json.decode(row[0], type=StaffRow) if row else None


def staff_members(db: Reading | Transaction) -> list[StaffRow]:
    """Everybody on the hall's staff, by name to sign in with, those revoked too."""
    rows = db.query("SELECT body FROM staff ORDER BY staff")
    return [msgspec.json.decode(row[0], type=StaffRow) for row in rows]


def staff_with_card(db: Reading, fingerprint: str) -> StaffRow | None:
    """The person whose staff card this is, None when it is nobody's here."""
    return next((row for row in staff_members(db) if row.card == fingerprint), None)


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
    "SELECT c.scope, c.digest, c.sealed, c.open_part FROM release_held AS r CROSS JOIN subject_cache AS c"
    " ON c.scope = r.scope AND c.ref = ? WHERE NOT EXISTS (SELECT 1 FROM withdrawn WHERE ref = ?)"
)
"""One seek in each scope held: the key of the cache begins with the scope."""


def withdraw(tx: Transaction, ref: bytes, *, withdrawn: bool) -> None:
    """From now on nothing (or, given again, whatever is held) about this subject is answered from the cache.

    The rows stay what the centre signed until its next release removes them, so roots keep agreeing.
    """
    if withdrawn:
        tx.execute("INSERT OR IGNORE INTO withdrawn VALUES (?,?)", (ref, tx.now_ms))
    else:
        tx.execute("DELETE FROM withdrawn WHERE ref = ?", (ref,))
