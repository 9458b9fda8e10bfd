"""The one place that touches SQLCipher.

Opening with the right pragmas, and telling a wrong key from a damaged file.
"""

import hashlib
import hmac
import itertools
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import sqlcipher3.dbapi2 as sqlcipher
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from edge.errors import BrokenPage, Damaged, LedgerUnavailable, StoreTrouble, WrongKey

PAGE_BYTES = 8192
BUSY_MS = 8000
SALT_BYTES = 16
_HMAC_BYTES = 64
_IV_BYTES = 16
_PAGE_COUNT_AT = 28 - SALT_BYTES
_LOG_HEAD, _LOG_SALTS = 32, slice(16, 24)
_FRAME_HEAD, _FRAME_SALTS = 24, slice(8, 16)
_LOOKS = 3
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
    return BrokenPage("page check failed") if any_page_fits(path, key) else WrongKey("no page fits this key")


def any_page_fits(path: Path, key: DatabaseKey, pages_max: int = 64) -> bool:
    """Whether one of the first pages carries an HMAC made with this key."""
    return any(fits for _, fits in itertools.islice(_pages(path, key), pages_max))


def broken_pages(path: Path, key: DatabaseKey) -> list[int]:
    """The pages, counted from 1, that stand whole neither in the file nor in its log. 20 µs a page.

    While a reader keeps the newest version of a page from being copied out of the log, the file may have a
    hole there; SQLite reads it from the log, so it is not broken. A file that is being written is looked at
    again where it seemed broken.
    """
    broken = [number for number, fits in _pages(path, key) if not fits]
    for _ in range(_LOOKS):
        if not broken:
            break
        logged = _logged(path, key, frozenset(broken))
        broken = [number for number in broken if number not in logged and not _stands(path, key, number)]
    return broken


def _pages(path: Path, key: DatabaseKey) -> Iterator[tuple[int, bool]]:
    """Every whole page's number, and whether its HMAC was made with this key."""
    mac_key = _mac_key(key)
    with path.open("rb") as file:
        for number in itertools.count(1):
            page = file.read(PAGE_BYTES)
            if len(page) < PAGE_BYTES:
                return
            yield number, _fits(mac_key, number, page)


def _stands(path: Path, key: DatabaseKey, number: int) -> bool:
    """Whether that page of the file is whole now."""
    with path.open("rb") as file:
        file.seek((number - 1) * PAGE_BYTES)
        return _fits(_mac_key(key), number, file.read(PAGE_BYTES))


def _logged(path: Path, key: DatabaseKey, wanted: frozenset[int]) -> set[int]:
    """Which of these pages the write-ahead log holds whole (SQLite's file format, section 4).

    Which of its frames count is SQLite's to judge: it checks their sums when it opens the log.
    """
    log, mac_key, held = path.with_name(f"{path.name}-wal"), _mac_key(key), set[int]()
    if not log.exists():
        return held
    with log.open("rb") as file:
        salts = file.read(_LOG_HEAD)[_LOG_SALTS]
        while len(head := file.read(_FRAME_HEAD)) == _FRAME_HEAD:
            number = int.from_bytes(head[:4], "big")
            if head[_FRAME_SALTS] == salts and number in wanted:
                if _fits(mac_key, number, file.read(PAGE_BYTES)):
                    held.add(number)
            else:
                file.seek(PAGE_BYTES, os.SEEK_CUR)
    return held


def _fits(mac_key: bytes, number: int, page: bytes) -> bool:
    whole = len(page) == PAGE_BYTES
    return whole and hmac.compare_digest(_mac(mac_key, number, page), page[-_HMAC_BYTES:])


def _mac_key(key: DatabaseKey) -> bytes:
    """SQLCipher 4: PBKDF2-SHA512 of the raw key, with the salt XOR 0x3a and two rounds."""
    return hashlib.pbkdf2_hmac("sha512", key.key, bytes(byte ^ 0x3A for byte in key.salt), 2, 32)


def _mac(mac_key: bytes, number: int, page: bytes) -> bytes:
    """HMAC-SHA512 over (ciphertext || IV || page number LE32); page 1 begins with the salt, not covered."""
    body = page[SALT_BYTES if number == 1 else 0 : -_HMAC_BYTES]
    return hmac.digest(mac_key, body + number.to_bytes(4, "little"), "sha512")


def without_page_count(page: bytes, key: DatabaseKey) -> bytes:
    """A first page that was kept, saying that SQLite should count the pages itself (0 at offset 28).

    Raises Damaged unless it is whole.
    """
    mac_key = _mac_key(key)
    if not _fits(mac_key, 1, page):
        raise Damaged("no whole copy of the first page")
    plain = bytearray(plain_page(page, key, first=True))
    plain[_PAGE_COUNT_AT : _PAGE_COUNT_AT + 4] = bytes(4)
    return _sealed(key, 1, bytes(plain), page[-_HMAC_BYTES - _IV_BYTES : -_HMAC_BYTES], page[:SALT_BYTES])


def fill_pages(path: Path, key: DatabaseKey, numbers: Sequence[int], letter: int) -> None:
    """Put pages that are whole and full of one byte in place of these; nobody may have the file open."""
    with path.open("r+b") as file:
        for number in numbers:
            salt = key.salt if number == 1 else b""
            plain = bytes([letter]) * (PAGE_BYTES - len(salt) - _IV_BYTES - _HMAC_BYTES)
            file.seek((number - 1) * PAGE_BYTES)
            file.write(_sealed(key, number, plain, secrets.token_bytes(_IV_BYTES), salt))


def _sealed(key: DatabaseKey, number: int, plain: bytes, vector: bytes, salt: bytes) -> bytes:
    """A page as SQLCipher writes it; the first begins with the salt."""
    sealing = Cipher(AES(key.key), CBC(vector)).encryptor()
    sealed = salt + sealing.update(plain) + sealing.finalize() + vector
    return sealed + _mac(_mac_key(key), number, sealed + bytes(_HMAC_BYTES))


def plain_page(page: bytes, key: DatabaseKey, *, first: bool = False) -> bytes:
    """What SQLite sees of a page: AES-256-CBC before IV and HMAC; page 1 (`first`) begins with the salt."""
    vector = page[-_HMAC_BYTES - _IV_BYTES : -_HMAC_BYTES]
    opening = Cipher(AES(key.key), CBC(vector)).decryptor()
    sealed = page[SALT_BYTES if first else 0 : -_HMAC_BYTES - _IV_BYTES]
    return opening.update(sealed) + opening.finalize()


def translate(error: Exception) -> StoreTrouble:
    """The error of our tree for one of the library's. The text names no values, so it is safe to log."""
    code = getattr(error, "sqlite_errorcode", 0) or 0
    primary = code & 0xFF
    if primary in _BROKEN:
        return BrokenPage(str(error))
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


def integrity_faults(path: Path, key: DatabaseKey) -> list[str]:
    """What the cipher's and SQLite's own checks find, worst first; [] when whole. Reads the whole file.

    The cipher's looks at the file alone: what it finds is a fault only where the log does not hold the page.
    Raises LedgerUnavailable where the file could not be looked at now, WrongKey or Damaged like `connect`.
    """
    connection = connect(path, key)
    try:
        faults = [str(row[0]) for row in connection.execute("PRAGMA cipher_integrity_check")]
        if not faults or not broken_pages(path, key):
            faults = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)") if row[0] != "ok"]
    except sqlcipher.Error as error:
        trouble = translate(error)
        if not isinstance(trouble, BrokenPage):
            raise trouble from error
        return [str(error)]
    finally:
        connection.close()
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
