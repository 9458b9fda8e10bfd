"""What comes over from a database with a broken page: what reads, as it was, and nothing else (rule 8.7)."""

import secrets
from pathlib import Path

import pytest

from edge.store import cipher, salvage
from edge.store.cipher import PAGE_BYTES, DatabaseKey

LONG = 3 * PAGE_BYTES
ROWS = 5


@pytest.mark.parametrize("form", ["", "WITHOUT ROWID"])
@pytest.mark.parametrize("broken", range(ROWS))
def test_rule_8_7_a_value_with_a_broken_page_in_its_middle_is_lost_and_never_half_zeros(
    tmp_path: Path, form: str, broken: int
) -> None:
    source, key = (
        tmp_path / "source.db",
        DatabaseKey(key=secrets.token_bytes(32), salt=secrets.token_bytes(16)),
    )
    values = {number: bytes([number + 1]) * LONG for number in range(ROWS)}
    connection = cipher.connect(source, key, writer=True)
    connection.execute(f"CREATE TABLE long_value (id INTEGER PRIMARY KEY, bytes BLOB) {form}")
    connection.executemany("INSERT INTO long_value VALUES (?,?)", values.items())
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    connection.close()
    _break_a_page_full_of(source, key, bytes([broken + 1]))
    saved = salvage.salvage(source, tmp_path / "made.db", key)
    made = cipher.connect(tmp_path / "made.db", key)
    kept = dict(made.execute("SELECT id, bytes FROM long_value").fetchall())
    made.close()
    assert kept == {number: values[number] for number in kept}, "what came over is what was there"
    assert set(kept) == set(values) - {broken}
    assert saved.lost == {"long_value"}


def _break_a_page_full_of(path: Path, key: DatabaseKey, byte: bytes) -> None:
    """Alter one byte of the last page that holds nothing but this (and the number of the next)."""
    content = bytearray(path.read_bytes())
    full = byte * (PAGE_BYTES // 2)
    pages = range(1, len(content) // PAGE_BYTES)
    plain = {
        at: cipher.plain_page(bytes(content[at * PAGE_BYTES : (at + 1) * PAGE_BYTES]), key) for at in pages
    }
    content[max(at for at in pages if full in plain[at]) * PAGE_BYTES + 4000] ^= 1
    path.write_bytes(content)
