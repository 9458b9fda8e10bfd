"""Bringing a database to the newest schema; each step in its own transaction, numbers checked."""

from importlib import resources

import structlog

from edge.errors import Damaged
from edge.store.cipher import TROUBLE, Connection, translate

PACKAGE = "edge.store.migrations"
log = structlog.get_logger("migrate")


def steps() -> list[tuple[int, str]]:
    """All steps (number, SQL) in order; numbers run 1, 2, 3 without a gap (a bug otherwise)."""
    files = sorted(file.name for file in resources.files(PACKAGE).iterdir() if file.name.endswith(".sql"))
    found = [(int(name[:4]), resources.files(PACKAGE).joinpath(name).read_text("utf-8")) for name in files]
    assert [number for number, _ in found] == list(range(1, len(found) + 1)), "migrations must count up"
    return found


def migrate(connection: Connection) -> int:
    """Apply what is missing; the version reached. A step killed half-way leaves the version before it.

    Says in the log which step begins: one that rewrites a table takes its time, and the port is not open yet.
    Raises Damaged when the database is of a newer program, LedgerUnavailable when it cannot be written.
    """
    have = int(connection.execute("PRAGMA user_version").fetchone()[0])
    known = steps()
    if have > len(known):
        raise Damaged(f"schema {have} is newer than this program ({len(known)})")
    for number, sql in known[have:]:
        if have:
            log.info("migrate", version=number)
        try:
            connection.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {number};\nCOMMIT;")
        except TROUBLE as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise translate(error) from error
    return len(known)
