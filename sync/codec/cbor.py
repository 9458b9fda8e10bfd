"""Deterministic CBOR: one value has exactly one encoding, so bytes can be hashed and compared.

Arrays, integers of 64 bits, byte strings, text in NFC, booleans and null. No maps, tags, floats or
indefinite lengths; shortest heads (RFC 8949, 4.2.1). `decode` decodes, encodes again and compares.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, NoReturn

import cbor2

from sync.errors import LimitExceeded, Malformed
from sync.limits import LIMITS

_INT_MIN, _INT_MAX = -(2**64), 2**64 - 1
# Tags cbor2 would turn into dates, big numbers, patterns and shared references before we could refuse them.
_KNOWN_TAGS = (*range(6), *range(25, 31), 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799)


def encode(value: Any) -> bytes:
    """The one encoding of `value` (lists or tuples nested at most `LIMITS.depth`).

    Raises `Malformed` for any other type, for integers beyond 64 bits and for text that is not NFC.
    """
    _check(value, LIMITS.depth)
    try:
        encoded: bytes = cbor2.dumps(value)
    except (cbor2.CBOREncodeError, UnicodeError) as error:
        raise Malformed("text that has no UTF-8 form") from error
    return encoded


def encode_rows(columns: Sequence[Sequence[Any]], count: int, *, limit: int) -> list[bytes]:
    """What `encode` gives for each of the `count` arrays whose fields stand in `columns`.

    Each value that repeats within its column is checked and encoded once, and so is a column that stands in
    several places (the very list): three times as fast as row by row.
    Raises what `encode` raises for any of the rows; LimitExceeded, before the rows are joined, where they
    are longer than `limit` bytes together; ValueError for columns of another length.
    """
    parts: list[list[bytes]] = []
    known: dict[int, list[bytes] | bytes] = {}
    size = 0
    same = _head(_ARRAY, len(columns))  # what every row holds here: columns of one value run together
    for column in columns:
        if len(column) != count:
            raise ValueError(f"a column of {len(column)} values among {count} rows")
        encoded = known.get(id(column)) or _encode_column(column)
        known[id(column)] = encoded
        if isinstance(encoded, bytes):
            same += encoded
        else:
            size += sum(map(len, encoded)) + count * len(same)
            parts += [[same] * count, encoded] if same else [encoded]
            same = b""
    parts += [[same] * count] if same else []
    if size + count * len(same) > limit:
        raise LimitExceeded(f"rows of more than {limit} bytes")
    return [b"".join(row) for row in zip(*parts, strict=True)]


def _encode_column(column: Sequence[Any]) -> list[bytes] | bytes:
    """The encoded values, or the one value of them all."""
    kinds = set(map(type, column))
    scalar = _SCALARS.get(kinds.pop()) if len(kinds) == 1 else None
    if scalar is None:
        return [_encode_within(value) if value != () else _EMPTY for value in column]
    distinct = list(dict.fromkeys(column))
    encoded = scalar(distinct)
    if len(distinct) == 1:
        return encoded[0]
    if len(distinct) == len(column):
        return encoded
    return list(map(dict(zip(distinct, encoded, strict=True)).__getitem__, column))


def _encode_within(value: Any) -> bytes:
    """One field of a row: as deep as it may be inside it."""
    _check(value, LIMITS.depth - 1)
    try:
        encoded: bytes = cbor2.dumps(value)
    except (cbor2.CBOREncodeError, UnicodeError) as error:
        raise Malformed("text that has no UTF-8 form") from error
    return encoded


def encode_ints(values: Sequence[int]) -> list[bytes]:
    """The encoding of each integer; raises `Malformed` beyond 64 bits."""
    low, high = min(values), max(values)
    if not _INT_MIN <= low <= high <= _INT_MAX:
        raise Malformed("an integer beyond 64 bits")
    for floor, head, pack in _WIDE:  # all of one width: times, the indexes of a run
        if floor <= low <= high < floor * floor:
            return list(map(pack, repeat(head), values))
    return [_head(_UNSIGNED, value) if value >= 0 else _head(_NEGATIVE, -1 - value) for value in values]


def _encode_texts(values: list[str]) -> list[bytes]:
    """Texts at once: no letter composes with the break between them, so they are NFC together or none is."""
    joined = _BREAK.join(values)
    if not joined.isascii() and not unicodedata.is_normalized("NFC", joined):
        raise Malformed("text that is not NFC")
    try:
        return _headed(_TEXT, list(map(str.encode, values)))
    except UnicodeEncodeError as error:
        raise Malformed("text that has no UTF-8 form") from error


def _encode_bytes(values: list[bytes]) -> list[bytes]:
    return _headed(_BYTES, values)


def _headed(major: int, parts: list[bytes]) -> list[bytes]:
    heads = {size: _head(major, size) for size in set(map(len, parts))}
    return [heads[len(part)] + part for part in parts]


_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY = (major << 5 for major in range(5))
_SCALARS: dict[type, Callable[[list[Any]], list[bytes]]] = {
    int: encode_ints,
    str: _encode_texts,
    bytes: _encode_bytes,
}


_EMPTY = _ARRAY.to_bytes(1, "big")
_BREAK = "\n"
_ONE, _TWO, _FOUR, _EIGHT = (struct.Struct(f">B{size}").pack for size in "BHIQ")
_WIDE = ((1 << 8, _UNSIGNED | 25, _TWO), (1 << 16, _UNSIGNED | 26, _FOUR), (1 << 32, _UNSIGNED | 27, _EIGHT))
"""From where on an integer takes that head, until the square of it."""


def _head(major: int, number: int) -> bytes:
    """The shortest head (RFC 8949, 3)."""
    if number < 24:  # noqa: PLR2004 -- within the first byte
        return bytes((major | number,))
    if number < 1 << 8:
        return _ONE(major | 24, number)
    if number < 1 << 16:
        return _TWO(major | 25, number)
    return _FOUR(major | 26, number) if number < 1 << 32 else _EIGHT(major | 27, number)


def decode(encoded: bytes, *, limit: int = LIMITS.frame_output_bytes) -> list[Any]:
    """Read one array back; `encoded` must be the deterministic form and nothing may follow it.

    Raises `LimitExceeded` when longer than `limit` bytes or nested deeper than `LIMITS.depth`, else
    `Malformed`.
    """
    if len(encoded) > limit:
        raise LimitExceeded(f"CBOR of {len(encoded)} bytes, {limit} allowed")
    value = peek(encoded)
    if encode(value) != encoded:
        raise Malformed("CBOR that is not deterministic")
    return value


def peek(encoded: bytes) -> list[Any]:
    """The array of bytes whose hash is verified already: not checked for determinism, three times as fast.

    Raises `Malformed`.
    """
    value = _load(encoded)
    if type(value) is not list:
        raise Malformed("CBOR that is no array")
    return value


def peek_each(encoded: Sequence[bytes]) -> list[list[Any]]:
    """`peek` of each, in half the time: read as one array of arrays.

    Where each ends is not looked at: for bytes that are encoded again and compared. Raises `Malformed`.
    """
    values: list[Any] = _load(_head(_ARRAY, len(encoded)) + b"".join(encoded), LIMITS.depth + 1)
    if not set(map(type, values)) <= {list}:
        raise Malformed("CBOR that is no array")
    return values


def _load(encoded: bytes, depth: int = LIMITS.depth) -> Any:
    try:
        return cbor2.loads(
            encoded,
            max_depth=depth,
            allow_indefinite=False,
            strict_hashable_types=True,
            tag_hook=_refuse_tag,
            semantic_decoders=_REFUSING,
        )
    except cbor2.CBORDecodeError as error:
        if isinstance(error.__cause__, Malformed):
            raise error.__cause__ from None
        raise Malformed(f"not CBOR: {error}") from error


def _refuse_tag(*_: Any) -> NoReturn:
    raise Malformed("CBOR with a tag")


_REFUSING = dict.fromkeys(_KNOWN_TAGS, _refuse_tag)


def _check(value: Any, depth: int) -> None:
    """Refuse what has no deterministic form; the common flat array costs one loop."""
    if type(value) is not list and type(value) is not tuple:
        _check_all((value,), depth)
    elif depth == 0:
        raise LimitExceeded("CBOR nested too deep")
    else:
        _check_all(value, depth - 1)


def _check_all(values: Sequence[Any], depth: int) -> None:
    """`_check` of each."""
    for value in values:
        kind = type(value)
        if kind is str:
            if not value.isascii() and not unicodedata.is_normalized("NFC", value):
                raise Malformed("text that is not NFC")
        elif kind is int:
            if not _INT_MIN <= value <= _INT_MAX:
                raise Malformed("an integer beyond 64 bits")
        elif kind is list or kind is tuple:
            _check(value, depth)
        elif kind is not bytes and kind is not bool and value is not None:
            raise Malformed(f"a {kind.__name__} has no place in deterministic CBOR")
