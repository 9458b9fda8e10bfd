"""Which pages of a database file count as broken: those that stand whole neither in the file nor in its log."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edge.store import cipher
from edge.store.cipher import PAGE_BYTES, Connection, DatabaseKey

ROWS, ROW_BYTES, CHANGED = 20, 7000, 5
LOG_HEAD, FRAME_HEAD = 32, 24


class Half(msgspec.Struct, frozen=True, kw_only=True):
    """A database whose log was copied back in part: a reader still needs what stood before the last change."""

    path: Path
    key: DatabaseKey
    writer: Connection
    hole: int


@pytest.fixture
def half(tmp_path: Path) -> Iterator[Half]:
    path = tmp_path / "node.db"
    key = DatabaseKey(key=secrets.token_bytes(32), salt=secrets.token_bytes(cipher.SALT_BYTES))
    writer = cipher.connect(path, key, writer=True)
    writer.execute("CREATE TABLE filler (id INTEGER PRIMARY KEY, bytes BLOB)")
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    writer.execute("BEGIN")
    writer.executemany(
        "INSERT INTO filler VALUES (?,?)", [(n, secrets.token_bytes(ROW_BYTES)) for n in range(ROWS)]
    )
    writer.execute("COMMIT")
    reader = cipher.connect(path, key)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM filler").fetchone()
    writer.execute("UPDATE filler SET bytes = ? WHERE id = ?", (secrets.token_bytes(ROW_BYTES), CHANGED))
    _, logged, copied = writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    assert copied < logged, "the reader holds nothing back"
    content = path.read_bytes()
    holes = [
        at // PAGE_BYTES + 1
        for at in range(0, len(content), PAGE_BYTES)
        if not any(content[at : at + PAGE_BYTES])
    ]
    assert len(holes) == 1
    yield Half(path=path, key=key, writer=writer, hole=holes[0])
    reader.close()
    writer.close()


def alter(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def log_of(half: Half) -> Path:
    return half.path.with_name("node.db-wal")


def test_a_page_that_only_the_log_holds_is_not_broken(half: Half) -> None:
    found = [str(row[0]) for row in half.writer.execute("PRAGMA cipher_integrity_check")]
    assert len(found) == 1, "the cipher's own check calls it broken"
    assert cipher.broken_pages(half.path, half.key) == []
    assert cipher.integrity_faults(half.path, half.key) == []


def test_a_page_that_the_log_does_not_hold_whole_either_is_broken(half: Half) -> None:
    log = log_of(half)
    content = log.read_bytes()
    for at in range(LOG_HEAD, len(content) - PAGE_BYTES, FRAME_HEAD + PAGE_BYTES):
        if int.from_bytes(content[at : at + 4], "big") == half.hole:
            alter(log, at + FRAME_HEAD + 100)
    assert cipher.broken_pages(half.path, half.key) == [half.hole]


def test_a_page_of_the_file_that_no_longer_fits_is_broken(half: Half) -> None:
    other = half.hole + 1
    log = log_of(half)
    log.write_bytes(log.read_bytes()[:LOG_HEAD])
    alter(half.path, (other - 1) * PAGE_BYTES + 100)
    assert cipher.broken_pages(half.path, half.key) == [half.hole, other]


def test_frames_of_an_earlier_log_under_the_new_one_do_not_count(half: Half) -> None:
    log = log_of(half)
    alter(log, 20)  # a salt: all frames behind it are of another log now
    assert cipher.broken_pages(half.path, half.key) == [half.hole]
