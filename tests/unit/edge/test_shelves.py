"""Rows on shelves: what a node of an older program held stands on them after the migration, garbage is what is not listed."""

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from edge.store import cipher
from edge.store.cache import Ready, write_rows
from edge.store.migrate import migrate, steps
from edge.store.transaction import Head, Transaction
from sync.clock import ClockState, Hlc

REF = bytes(16)
BEFORE, AFTER = 11, 12
HELD = "INSERT INTO release_held (scope, data_class, version, seen, state_root, signed, as_of_ms, applied_ms, rows)"


def old(connection: Any = None) -> Any:
    """A node before shelves: a county's set, a staff list, and rows of a scope that no release is held of."""
    connection = connection or sqlite3.connect(":memory:")
    for _, sql in steps()[:BEFORE]:
        connection.executescript(sql)
    for scope, data_class in (("a/detail", "detail"), ("a/staff", "staff")):
        connection.execute(f"{HELD} VALUES (?,?,3,3,x'','',1,1,1)", (scope, data_class))
    for scope in ("a/detail", "gone/detail"):
        row = (REF, scope, b"digest", b"sealed", None)
        connection.execute(
            "INSERT INTO subject_cache (ref, scope, digest, sealed, open_part) VALUES (?,?,?,?,?)", row
        )
    connection.execute("INSERT INTO plain_row VALUES ('a/staff', ?, 'digest', 'blob')", (REF,))
    connection.execute("INSERT INTO staff VALUES ('li.min', 'a/staff', ?, 'blob')", (REF,))
    return connection


def test_what_was_held_stands_on_one_shelf_a_scope_and_what_was_not_is_gone() -> None:
    connection = old()
    connection.executescript(steps()[AFTER - 1][1])
    shelves = dict(connection.execute("SELECT scope, number FROM shelf WHERE held = 1").fetchall())
    assert set(shelves) == {"a/detail", "a/staff"}
    cached = connection.execute("SELECT * FROM subject_cache").fetchall()
    assert cached == [(shelves["a/detail"], REF, b"digest", b"sealed", None)]
    plain = connection.execute("SELECT * FROM plain_row").fetchall()
    assert plain == [(shelves["a/staff"], REF, "digest", "blob")]
    assert connection.execute("SELECT * FROM staff").fetchall() == [(shelves["a/staff"], "li.min", REF)]


def test_a_shelf_has_never_the_number_of_an_older_one() -> None:
    connection = old()
    connection.executescript(steps()[AFTER - 1][1])
    highest = connection.execute("SELECT max(number) FROM shelf").fetchone()[0]
    connection.execute("DELETE FROM shelf")
    connection.execute("INSERT INTO shelf (scope, held) VALUES ('b/detail', 0)")
    assert connection.execute("SELECT number FROM shelf").fetchone()[0] > highest


def test_rule_8_a_power_cut_in_the_migration_leaves_the_old_state_and_the_log_says_what_runs(
    tmp_path: Path,
) -> None:
    key, many, ops = cipher.DatabaseKey(key=bytes(32), salt=bytes(16)), 3_000, 5_000
    (tmp_path / "now").mkdir()
    connection = old(cipher.connect(tmp_path / "now/node.db", key, writer=True))
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO subject_cache (ref, scope, digest, sealed) VALUES (?,'a/detail','d',?)",
        [(number.to_bytes(16, "big"), bytes(200)) for number in range(1, many)],
    )
    connection.execute(f"PRAGMA user_version = {BEFORE}")
    connection.execute("COMMIT")
    connection.execute("PRAGMA cache_size = 10")  # pages reach the disk while the step runs
    cuts: list[Path] = []

    def cut() -> int:
        cuts.append(shutil.copytree(tmp_path / "now", tmp_path / f"cut-{len(cuts)}"))
        return 0

    connection.set_progress_handler(cut, ops)
    with capture_logs() as said:
        migrate(connection)
    assert [one["version"] for one in said] == [number for number, _ in steps()[BEFORE:]]
    connection.set_progress_handler(None, 0)
    connection.close()
    found: list[int] = []
    for folder in cuts:
        after = cipher.connect(folder / "node.db", key, writer=True)
        found.append(int(after.execute("PRAGMA user_version").fetchone()[0]))
        held = (
            "scope = 'a/detail'"
            if found[-1] == BEFORE
            else "shelf = (SELECT number FROM shelf WHERE scope = 'a/detail')"
        )
        assert after.execute(f"SELECT count(*) FROM subject_cache WHERE {held}").fetchone() == (many,)
        after.close()
    assert found.count(BEFORE) > 1, "cut while the table was written"


@pytest.mark.parametrize("many", [1, 40])
def test_a_slice_puts_its_rows_replaces_those_of_their_refs_and_removes_those_without_a_body(
    many: int,
) -> None:
    connection = sqlite3.connect(":memory:")
    for _, sql in steps():
        connection.executescript(sql)
    tx = Transaction(connection, Head(0, Hlc(0, 0), 0, b""), None, 0, ClockState.SYNCED)

    def put(*rows: Ready) -> list[Any]:
        write_rows(tx, 7, "detail", rows)
        return connection.execute("SELECT * FROM subject_cache ORDER BY shelf, ref").fetchall()

    refs = [n.to_bytes(16, "big") for n in range(2 * many)]
    old = [Ready(ref=ref, digest=ref + ref, body=b"old", public=None) for ref in refs]
    new = [Ready(ref=ref, digest=REF + ref, body=b"newer", public=b"open") for ref in refs[:many]]
    gone = [Ready(ref=ref, digest=b"", body=None) for ref in refs[many:]]
    assert put() == []
    assert put(*old) == [(7, ref, ref + ref, b"old", None) for ref in refs]
    assert put(*new, *gone) == [(7, ref, REF + ref, b"newer", b"open") for ref in refs[:many]]
