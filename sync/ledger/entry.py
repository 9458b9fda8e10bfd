"""One entry as a leaf of the tree (protocol.md section 2): bytes that are hashed and never re-encoded."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import structs

from sync.codec import cbor
from sync.codec.rows import Column, Entry, Row, Rows, commit, frozen, salt
from sync.errors import LimitExceeded, Malformed, UnknownVersion
from sync.limits import LIMITS

__all__ = [
    "Entry",
    "Row",
    "commit",
    "leaf",
    "leaf_hash",
    "parse_leaf",
    "read_leaf",
    "read_leaves",
    "row_leaf",
    "row_leaves",
    "salt",
]

LEAF_VERSION = 1
LEAF_FIELDS = 23
HASH_BYTES = 32
REF_BYTES = 16
INDEX_AT = 2
COMMIT_AT = 21
_REF_AT = 10
_INT_MAX = 2**63 - 1  # a database integer

_TYPES = tuple(field.type if field.type in {int, str, bytes} else tuple for field in structs.fields(Entry))
_INT = tuple(place for place, kind in enumerate(_TYPES) if kind is int)


def leaf(entry: Entry, commitment: bytes) -> bytes:
    """The leaf: a deterministic CBOR array of 23 fields. Raises `Malformed` or `LimitExceeded`."""
    fields = structs.astuple(entry)
    _check(fields, commitment)
    encoded = cbor.encode((LEAF_VERSION, *fields[:-1], commitment, fields[-1]))
    if len(encoded) > LIMITS.leaf_bytes:
        raise LimitExceeded(f"a leaf of {len(encoded)} bytes, {LIMITS.leaf_bytes} allowed")
    return encoded


def row_leaf(row: Row) -> bytes:
    """The leaf of a row, its commitment computed from salt and detail (or as withheld)."""
    return leaf(row.entry, row.commitment)


def row_leaves(rows: Sequence[Row]) -> list[bytes]:
    """`row_leaf` of each row, column by column: four times as fast. Raises what `row_leaf` raises."""
    table = Rows.of(rows)
    if not table:
        return []
    *columns, ext = table.public
    commitments = table.commitments()
    if not _sound(table.public, commitments):
        return list(map(row_leaf, rows))  # one by one, to say which field is wrong
    version = [LEAF_VERSION] * len(table)
    fields = (version, *columns, commitments, ext)
    leaves = cbor.encode_rows(fields, len(table), limit=len(table) * LIMITS.leaf_bytes)
    if max(map(len, leaves)) > LIMITS.leaf_bytes:
        raise LimitExceeded(f"a leaf over {LIMITS.leaf_bytes} bytes")
    return leaves


def leaf_hash(encoded: bytes) -> bytes:
    """RFC 6962 leaf hash, 32 bytes."""
    return hashlib.sha256(b"\x00" + encoded).digest()


def parse_leaf(encoded: bytes) -> tuple[Entry, bytes]:
    """Entry and commitment of a leaf; raises `Malformed`, `LimitExceeded`, or `UnknownVersion`."""
    return _entry(cbor.decode(encoded, limit=LIMITS.leaf_bytes))


def read_leaf(encoded: bytes) -> tuple[Entry, bytes]:
    """`parse_leaf` of bytes whose hash the caller verifies: fields are checked, the bytes' form is not."""
    return _entry(cbor.peek(encoded))


def read_leaves(encoded: Sequence[bytes]) -> tuple[list[Column], list[bytes]]:
    """The fields of `Entry` in its order, by column, and the commitments, of leaves that are encoded again.

    What `row_leaves` refuses is refused there. Raises `Malformed` or `UnknownVersion` for what is no leaf.
    """
    table = cbor.peek_each(encoded)
    for values in table:
        _check_version(values)
    if not table:
        return [[] for _ in _TYPES], []
    _, *columns, commitments, ext = map(list, zip(*table, strict=True))
    return [*columns, list(map(frozen, ext))], commitments


def _check_version(values: list[Any]) -> None:
    if not values or type(values[0]) is not int:  # `true` equals 1, and is no version
        raise Malformed("a leaf begins with its version")
    if values[0] > LEAF_VERSION:
        raise UnknownVersion(f"leaf version {values[0]}")
    if len(values) != LEAF_FIELDS or values[0] != LEAF_VERSION or type(values[-1]) is not list:
        raise Malformed(f"a leaf has {LEAF_FIELDS} fields and version {LEAF_VERSION}")


def _entry(values: list[Any]) -> tuple[Entry, bytes]:
    _check_version(values)
    commitment, ext = values[COMMIT_AT], frozen(values[-1])
    fields = (*values[1:COMMIT_AT], ext)
    _check(fields, commitment)
    return msgspec.convert(fields, Entry), commitment


def _sound(columns: Sequence[Sequence[Any]], commitments: Sequence[bytes]) -> bool:
    """Whether `_check` would pass every row."""
    for kind, column in zip(_TYPES, columns, strict=True):
        if set(map(type, column)) != {kind} or (
            kind is int and not 0 <= min(column) <= max(column) <= _INT_MAX
        ):
            return False
    sizes = set(map(len, columns[_REF_AT]))
    return (
        sizes <= {0, REF_BYTES}
        and set(map(type, commitments)) == {bytes}
        and set(map(len, commitments)) == {HASH_BYTES}
    )


def _check(fields: tuple[Any, ...], commitment: Any) -> None:
    if tuple(map(type, fields)) != _TYPES or type(commitment) is not bytes:
        raise Malformed("a leaf field of another type")
    for place in _INT:
        if not 0 <= fields[place] <= _INT_MAX:
            raise Malformed(f"leaf field {Entry.__struct_fields__[place]} out of range")
    if len(fields[_REF_AT]) not in {0, REF_BYTES} or len(commitment) != HASH_BYTES:
        raise Malformed(f"a reference has {REF_BYTES} bytes, a commitment {HASH_BYTES}")
