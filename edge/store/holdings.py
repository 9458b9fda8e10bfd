"""What the node holds of each scope: on which shelf its rows stand, and the 256 buckets the centre signs.

Life of a shelf: `begin` lists it, empty, beside the one that is answered from → rows are put on it in slices
→ `swap` makes it the one held, in one step whatever its size → the former one is on no list any more, and
`sweep` deletes its rows in slices. One that is given up halfway (`give_up`, `drop_tier`, `forget`) ends the
same way.
"""

import functools
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from edge.store.reader import Reading
from edge.store.store import Store
from edge.store.transaction import Bound, Transaction
from sync.errors import PackRefused
from sync.packs.pack import BUCKETS, bucket_hash, differing, open_state, row_digest

TABLES = {
    "subject_cache": "ref, digest, sealed, open_part",
    "plain_row": "ref, digest, blob",
    "staff": "staff, ref",
}
"""What stands on shelves: each table with its columns behind `shelf`, the first of them its key."""
COLUMN_OF = {"closed": "sealed", "open": "open_part"}


class Stock(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one shelf: the hash of each of its 256 buckets, and how many rows each has."""

    hashes: list[bytes]
    counts: list[int]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Whatever changes when the rows a scope is answered from change."""

    shelf: int
    version: int
    applied_ms: int
    lacking: bytes


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """How a scope stands, its rows, and which of its buckets are to be set aside."""

    standing: Standing
    stock: Stock
    buckets: list[int]


def table_of(data_class: str) -> str:
    """The table that holds the rows of a data class."""
    return "subject_cache" if data_class == "detail" else "plain_row"


def standing(db: Reading | Transaction, scope: str) -> Standing | None:
    """What a scope is answered from; None where it holds nothing."""
    row = db.one(
        "SELECT number, version, applied_ms, lacking FROM shelf JOIN release_held USING (scope)"
        " WHERE scope = ? AND held = 1 AND version > 0",
        (scope,),
    )
    return Standing(shelf=row[0], version=row[1], applied_ms=row[2], lacking=row[3]) if row else None


def begin(tx: Transaction, scope: str) -> int:
    """A new empty shelf for the next generation of a scope, none of which is being filled."""
    tx.execute("INSERT INTO shelf (scope, held) VALUES (?, 0)", (scope,))
    row = tx.one("SELECT number FROM shelf WHERE scope = ? AND held = 0", (scope,))
    assert row is not None
    return int(row[0])


def being_filled(tx: Transaction, shelf: int) -> None:
    """Raises PackRefused where this shelf was given up: its lease ended, or another apply began."""
    if not tx.one("SELECT 1 FROM shelf WHERE number = ? AND held = 0", (shelf,)):
        raise PackRefused("the lease ended, or another release came, while this one was taken")


def swap(tx: Transaction, scope: str, shelf: int) -> None:
    """The scope is answered from this shelf from now on; O(1). Raises PackRefused where it was given up."""
    being_filled(tx, shelf)
    tx.execute("DELETE FROM shelf WHERE scope = ? AND held = 1", (scope,))
    tx.execute("UPDATE shelf SET held = 1 WHERE number = ?", (shelf,))


def give_up(tx: Transaction) -> None:
    """No generation that is still being filled will be answered from: whoever fills one is refused."""
    tx.execute("DELETE FROM shelf WHERE held = 0")


def copy(tx: Transaction, table: str, source: int, target: int, after: Bound, rows_max: int) -> Bound:
    """Copy the rows behind key `after` (None: all) to another shelf; the last one copied, None at the end."""
    columns = TABLES[table]
    key = columns.split(",", 1)[0]
    where = "" if after is None else f"AND {key} > ?"
    bound = (source,) if after is None else (source, after)
    done = tx.execute(
        f"INSERT INTO {table} (shelf, {columns}) SELECT {target:d}, {columns} FROM {table}"  # noqa: S608 -- of TABLES
        f" WHERE shelf = ? {where} ORDER BY {key} LIMIT {rows_max:d}",
        bound,
    )
    if done < rows_max:
        return None
    row = tx.one(f"SELECT max({key}) FROM {table} WHERE shelf = ?", (target,))  # noqa: S608 -- of TABLES
    assert row is not None
    last: Bound = row[0]
    return last


def sweep(tx: Transaction, rows_max: int) -> bool:
    """Delete up to `rows_max` rows whose shelf is not listed; whether there were any."""
    for table, columns in TABLES.items():
        row = tx.one(_FIRST_UNLISTED.format(table=table))
        if row is None:
            continue
        key = columns.split(",", 1)[0]
        upto = tx.one(
            f"SELECT {key} FROM {table} WHERE shelf = ? ORDER BY {key} LIMIT 1 OFFSET {rows_max:d}",  # noqa: S608 -- of TABLES
            row,
        )
        where = f"AND {key} < ?" if upto else ""
        tx.execute(f"DELETE FROM {table} WHERE shelf = ? {where}", (*row, *(upto or ())))  # noqa: S608 -- of TABLES
        return True
    return False


async def clear(store: Store, rows_max: int) -> None:
    """Delete every row whose shelf is not listed, `rows_max` a transaction; other work comes in between."""
    while await store.transact(functools.partial(sweep, rows_max=rows_max)):
        pass


_FIRST_UNLISTED = """
WITH RECURSIVE found (shelf) AS (
  SELECT min(shelf) FROM {table}
  UNION ALL
  SELECT (SELECT min(shelf) FROM {table} WHERE shelf > found.shelf) FROM found WHERE found.shelf IS NOT NULL
)
SELECT shelf FROM found WHERE shelf IS NOT NULL AND shelf NOT IN (SELECT number FROM shelf) LIMIT 1
"""
"""Leaps from shelf to shelf along the key: a few seeks, however many rows there are."""


def stock(
    db: Reading | Transaction,
    shelf: int,
    data_class: str,
    changes: Mapping[bytes, bytes | None] | None = None,
) -> Stock:
    """A shelf's rows as they stand, or will with `changes` (ref → digest, None removes).

    Reads every row: on a reader, never where answers wait. Of plain rows the digest is computed anew.
    """
    theirs: list[dict[bytes, bytes | None]] = [{} for _ in range(BUCKETS)]
    for ref, digest in (changes or {}).items():
        theirs[ref[0]][ref] = digest
    hashes, counts = [], []
    for number in range(BUCKETS):
        rows = dict(_digests(db, shelf, data_class, number)) | theirs[number]
        kept = [(ref, digest) for ref, digest in rows.items() if digest is not None]
        hashes.append(bucket_hash(kept))
        counts.append(len(kept))
    return Stock(hashes=hashes, counts=counts)


def _digests(
    db: Reading | Transaction, shelf: int, data_class: str, number: int
) -> Iterator[tuple[bytes, bytes | None]]:
    bound = (shelf, *_refs(number))
    if data_class == "detail":
        yield from db.query(f"SELECT ref, digest FROM subject_cache {_IN_BUCKET}", bound)  # noqa: S608 -- of this file
        return
    for ref, digest, blob in db.query(f"SELECT ref, digest, blob FROM plain_row {_IN_BUCKET}", bound):  # noqa: S608
        yield ref, digest if is_whole(ref, digest, blob) else b""


def is_whole(ref: bytes, digest: bytes, blob: bytes) -> bool:
    """Whether a plain row reads as it was written.

    Of a broken page at the end of a long value SQLCipher makes zeros, without an error. (A sealed row does
    not open then.)
    """
    return row_digest(ref, blob) == digest


_IN_BUCKET = "WHERE shelf = ? AND ref >= ? AND ref < ?"


def _refs(number: int) -> tuple[bytes, bytes]:
    """The lowest ref of a bucket, and the first beyond it."""
    return bytes([number]), bytes([number + 1]) if number + 1 < BUCKETS else bytes([number]) + b"\xff" * 64


def empty(tx: Transaction, shelf: int, numbers: bytes) -> None:
    """Delete every row of these buckets (one byte each): nothing of them is answered from any more."""
    for number in numbers:
        for table in TABLES:
            tx.execute(f"DELETE FROM {table} {_IN_BUCKET}", (shelf, *_refs(number)))  # noqa: S608 -- of TABLES


def portions(counts: list[int], numbers: Iterable[int], rows_max: int) -> Iterator[bytes]:
    """These buckets in groups of about `rows_max` rows, at least one bucket each."""
    group, rows = b"", 0
    for number in numbers:
        if group and rows + counts[number] > rows_max:
            yield group
            group, rows = b"", 0
        group += bytes([number])
        rows += counts[number]
    if group:
        yield group


def differs(db: Reading, scope: str, doubted: frozenset[int] = frozenset()) -> Difference | None:
    """Which buckets of a scope are not what the centre signed, and of records also those doubted.

    Those known to lack are not named again. None for a scope that holds nothing, or of which no state file
    was kept. Reads every row.
    """
    now = standing(db, scope)
    row = db.one("SELECT data_class, state_root, state FROM release_held WHERE scope = ?", (scope,))
    if now is None or row is None or not row[2]:
        return None
    data_class, root, state = row
    rows = stock(db, now.shelf, data_class)
    found = {*differing(rows.hashes, open_state(state, root)), *(doubted if data_class == "detail" else ())}
    return Difference(standing=now, stock=rows, buckets=sorted(found - set(now.lacking)))


def set_aside(tx: Transaction, scope: str, now: Standing, numbers: bytes, rows: int) -> Standing | None:
    """Empty these buckets and note them as lacking: wished for with every batch, until a repair fills them.

    `rows` are left then. How the scope stands after it; None, and nothing done, where it is not answered
    from what was looked at any more.
    """
    if standing(tx, scope) != now:
        return None
    empty(tx, now.shelf, numbers)
    lacking = bytes(sorted({*now.lacking, *numbers}))
    tx.execute("UPDATE release_held SET lacking = ?, rows = ? WHERE scope = ?", (lacking, rows, scope))
    return msgspec.structs.replace(now, lacking=lacking)


def drop_tier(tx: Transaction, scope: str, tier: str) -> None:
    """Let go of what a tier's key opened, the key being gone; nothing is held where it was the last key.

    What is being filled goes too. The scope is fetched whole again once a lease allows it.
    """
    left = tx.one("SELECT 1 FROM lease_key WHERE scope = ?", (scope,))
    tx.execute("DELETE FROM shelf WHERE scope = ? AND held <= ?", (scope, 0 if left else 1))
    on_shelf = "shelf = (SELECT number FROM shelf WHERE scope = ?)"
    tx.execute(f"UPDATE subject_cache SET {COLUMN_OF[tier]} = NULL WHERE {on_shelf}", (scope,))  # noqa: S608 -- two names
    tx.execute(
        f"DELETE FROM subject_cache WHERE {on_shelf} AND sealed IS NULL AND open_part IS NULL",  # noqa: S608
        (scope,),
    )
    tx.execute("UPDATE release_held SET version = 0, rows = 0, lacking = x'' WHERE scope = ?", (scope,))


def forget(tx: Transaction, scope: str) -> None:
    """Hold a scope and its keys no more, O(1); the highest version seen stays: older releases stay refused.

    Its rows are garbage from now on (`sweep`). The data are beyond reach only once the wrapping key was
    replaced as well (`edge.actions.leases`).
    """
    for table in ("shelf", "lease_key", "scope_key"):
        tx.execute(f"DELETE FROM {table} WHERE scope = ?", (scope,))  # noqa: S608 -- one of three names
    tx.execute(
        "UPDATE release_held SET version = 0, rows = 0, lacking = x'', until_ms = 0 WHERE scope = ?", (scope,)
    )
