"""The one place that touches SQLCipher.

Opening with the right pragmas, and telling a wrong key from a damaged file.
"""

import hashlib
import hmac
from pathlib import Path
from typing import Any

import msgspec
import sqlcipher3.dbapi2 as sqlcipher

from edge.errors import Damaged, LedgerUnavailable, StoreTrouble, WrongKey

PAGE_BYTES = 8192
BUSY_MS = 8000
_HMAC_BYTES = 64
_FULL = 13
_BUSY = (5, 6)
_BROKEN = (11, 26)
_BUGS = (1, 19, 20, 21, 25)

Connection = Any
"""A sqlcipher3 connection; the library has no types."""
TROUBLE = sqlcipher.Error
"""What the library raises; caught in `edge.store` only."""


class DatabaseKey(msgspec.Struct, frozen=True, kw_only=True):
    """32 secret bytes and the 16-byte salt of the file they open; both live in the key slots."""

    key: bytes
    salt: bytes

    def __repr__(self) -> str:
        """Shows nothing."""
        return "DatabaseKey()"


def connect(path: Path, key: DatabaseKey, *, writer: bool = False, bytes_max: int = 0) -> Connection:
    """An open connection in WAL with `synchronous=FULL`, no implicit transactions.

    Raises WrongKey or Damaged. `bytes_max` limits the file (0: no limit); a reader cannot write.
    """
    connection = sqlcipher.connect(str(path), isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection, key, writer=writer, bytes_max=bytes_max)
    except sqlcipher.Error as error:
        connection.close()
        if getattr(error, "sqlite_errorcode", 0) in _BROKEN:
            raise diagnose(path, key) from error
        raise translate(error) from error
    return connection


def _prepare(connection: Connection, key: DatabaseKey, *, writer: bool, bytes_max: int) -> None:
    run = connection.execute
    run(f"PRAGMA key = \"x'{key.key.hex()}{key.salt.hex()}'\"")
    run("PRAGMA cipher_log_level = none")
    run(f"PRAGMA cipher_page_size = {PAGE_BYTES}")
    run("PRAGMA cipher_memory_security = ON")
    run(f"PRAGMA busy_timeout = {BUSY_MS}")
    run("SELECT count(*) FROM sqlite_master").fetchone()  # the first real read: the key is tried here
    run("PRAGMA journal_mode = WAL")
    run("PRAGMA synchronous = FULL")
    run("PRAGMA foreign_keys = ON")
    run("PRAGMA temp_store = MEMORY")
    run(f"PRAGMA cache_size = -{16384 if writer else 8192}")
    if bytes_max:
        run(f"PRAGMA max_page_count = {max(1, bytes_max // PAGE_BYTES)}")
    if not writer:
        run("PRAGMA query_only = ON")


def diagnose(path: Path, key: DatabaseKey) -> StoreTrouble:
    """Which of the two it is, after SQLCipher said "not a database".

    Damaged if any page proves the key right.
    """
    return Damaged("page check failed") if any_page_fits(path, key) else WrongKey("no page fits this key")


def any_page_fits(path: Path, key: DatabaseKey, pages_max: int = 64) -> bool:
    """Whether one of the first pages carries an HMAC made with this key.

    SQLCipher 4: HMAC-SHA512 over (ciphertext || IV || page number LE32); its key is PBKDF2-SHA512 of the
    raw key with salt XOR 0x3a and two rounds. Page 1 begins with the 16 salt bytes, which are not covered.
    """
    mask = bytes(byte ^ 0x3A for byte in key.salt)
    mac_key = hashlib.pbkdf2_hmac("sha512", key.key, mask, 2, 32)
    with path.open("rb") as file:
        for number in range(1, pages_max + 1):
            page = file.read(PAGE_BYTES)
            if len(page) < PAGE_BYTES:
                return False
            body = page[16:-_HMAC_BYTES] if number == 1 else page[:-_HMAC_BYTES]
            found = hmac.digest(mac_key, body + number.to_bytes(4, "little"), "sha512")
            if hmac.compare_digest(found, page[-_HMAC_BYTES:]):
                return True
    return False


def translate(error: Exception) -> StoreTrouble:
    """The error of our tree for one of the library's. The text names no values, so it is safe to log."""
    code = getattr(error, "sqlite_errorcode", 0) or 0
    primary = code & 0xFF
    if primary in _BROKEN:
        return Damaged(str(error))
    return LedgerUnavailable(str(error))


def is_bug(error: Exception) -> bool:
    """Whether a statement itself is wrong (bad SQL, a broken constraint): ours to mend, not the disk's."""
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF in _BUGS


def is_full(error: Exception) -> bool:
    """Whether the disk (or the size limit) is full: the database is whole, room is missing."""
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF == _FULL


def is_busy(error: Exception) -> bool:
    """Whether another process held the write lock too long."""
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF in _BUSY


def integrity_faults(connection: Connection) -> list[str]:
    """What the cipher's and SQLite's own checks find, worst first; [] when whole. Reads the whole file."""
    try:
        faults = [str(row[0]) for row in connection.execute("PRAGMA cipher_integrity_check")]
        if not faults:
            faults = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)") if row[0] != "ok"]
    except sqlcipher.Error as error:
        return [str(error)]
    return faults


def copy(source: Connection, path: Path, key: DatabaseKey, pages_at_once: int = 256) -> None:
    """SQLite's online backup into a new file under the same key; steps so that writers are not held up.

    The copy is whole and fsynced when this returns. `source` must have no open transaction of its own.
    """
    try:
        target = sqlcipher.connect(str(path), isolation_level=None)
    except sqlcipher.Error as error:
        raise translate(error) from error
    try:
        target.execute(f"PRAGMA key = \"x'{key.key.hex()}{key.salt.hex()}'\"")
        target.execute(f"PRAGMA cipher_page_size = {PAGE_BYTES}")
        source.backup(target, pages=pages_at_once)
    except sqlcipher.Error as error:
        raise translate(error) from error
    finally:
        target.close()


def rekey(path: Path, old: DatabaseKey, new: DatabaseKey) -> None:
    """Write every page anew under `new`, salt included; the file is whole under one of the two at any time.

    Nobody else may have it open. Durable when this returns. Raises WrongKey, Damaged or LedgerUnavailable.
    """
    connection = connect(path, old, writer=True)
    try:
        connection.execute("PRAGMA journal_mode = DELETE")  # the log's pages would be under the old key
        done = connection.execute(f"PRAGMA rekey = \"x'{new.key.hex()}{new.salt.hex()}'\"").fetchone()
        if done is not None and done[0] != "ok":
            raise LedgerUnavailable(f"rekey: {done[0]}")
    except sqlcipher.Error as error:
        raise translate(error) from error
    finally:
        connection.close()
