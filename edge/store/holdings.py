"""What the node holds of each scope, in the 256 buckets the centre signs: counted, emptied, withdrawn."""

from edge.store.reader import Reading
from edge.store.transaction import Transaction
from sync.packs.pack import BUCKETS, buckets, differing, open_state


def table_of(data_class: str) -> str:
    """The table that holds the rows of a data class."""
    return "subject_cache" if data_class == "detail" else "plain_row"


def hashes(db: Reading | Transaction, scope: str, data_class: str) -> list[bytes]:
    """The 256 bucket hashes of a scope's rows as they stand."""
    found = db.query(f"SELECT ref, digest FROM {table_of(data_class)} WHERE scope = ?", (scope,))  # noqa: S608 -- one of two names
    return buckets((row[0], row[1]) for row in found)


def count(db: Reading | Transaction, scope: str, data_class: str) -> int:
    """How many rows a scope has."""
    return int(db.query(f"SELECT count(*) FROM {table_of(data_class)} WHERE scope = ?", (scope,))[0][0])  # noqa: S608 -- one of two names


def empty(tx: Transaction, scope: str, data_class: str, numbers: bytes) -> None:
    """Delete every row of these buckets (one byte each): nothing of them is answered from any more."""
    tables = (table_of(data_class), *(("staff",) if data_class == "staff" else ()))
    for number in numbers:
        above = bytes([number + 1]) if number + 1 < BUCKETS else bytes([number]) + b"\xff" * 64
        for table in tables:
            tx.execute(
                f"DELETE FROM {table} WHERE scope = ? AND ref >= ? AND ref < ?",  # noqa: S608 -- one of three names
                (scope, bytes([number]), above),
            )


def set_aside(tx: Transaction, scope: str, doubted: bytes = b"") -> bytes:
    """Empty the buckets of a scope that are not what the centre signed, of records also those doubted; which.

    They are noted as lacking and travel as a wish with every batch, until a repair fills them. A scope that
    holds nothing, or of which no state file was kept, is left alone.
    """
    row = tx.one(
        "SELECT data_class, state_root, state, lacking FROM release_held WHERE scope = ? AND version > 0",
        (scope,),
    )
    if row is None or not row[2]:
        return b""
    data_class, root, state, lacking = row
    found = differing(hashes(tx, scope, data_class), open_state(state, root))
    if data_class == "detail":
        found += doubted
    fresh = bytes(sorted(set(found) - set(lacking)))
    if fresh:
        empty(tx, scope, data_class, fresh)
        tx.execute(
            "UPDATE release_held SET lacking = ?, rows = ? WHERE scope = ?",
            (bytes(sorted({*lacking, *fresh})), count(tx, scope, data_class), scope),
        )
    return fresh


def forget(tx: Transaction, scope: str) -> None:
    """Delete what a scope holds and its keys; the highest version seen stays, so older releases stay refused.

    The data are beyond reach only once the wrapping key was replaced as well (`edge.actions.leases`).
    """
    for table in ("subject_cache", "plain_row", "staff", "lease_key", "scope_key"):
        tx.execute(f"DELETE FROM {table} WHERE scope = ?", (scope,))  # noqa: S608 -- one of five names
    tx.execute(
        "UPDATE release_held SET version = 0, rows = 0, lacking = x'', until_ms = 0 WHERE scope = ?", (scope,)
    )
