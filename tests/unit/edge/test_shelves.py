"""Rows on shelves: what a node of an older program held stands on them after the migration, garbage is what is not listed."""

import sqlite3

from edge.store.migrate import steps

REF = bytes(16)
BEFORE, AFTER = 11, 12
HELD = "INSERT INTO release_held (scope, data_class, version, seen, state_root, signed, as_of_ms, applied_ms, rows)"


def old() -> sqlite3.Connection:
    """A node before shelves: a county's set, a staff list, and rows of a scope that no release is held of."""
    connection = sqlite3.connect(":memory:")
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
