"""Deterministic CBOR: one value has exactly one encoding, so bytes can be hashed and compared.

Arrays, integers of 64 bits, byte strings, text in NFC, booleans and null. No maps, tags, floats or
indefinite lengths; shortest heads (RFC 8949, 4.2.1). `decode` decodes, encodes again and compares.
"""

from __future__ import annotations

import unicodedata
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


def _load(encoded: bytes) -> Any:
    try:
        return cbor2.loads(
            encoded,
            max_depth=LIMITS.depth,
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
    kind = type(value)
    if kind is str:
        if not value.isascii() and not unicodedata.is_normalized("NFC", value):
            raise Malformed("text that is not NFC")
    elif kind is int:
        if not _INT_MIN <= value <= _INT_MAX:
            raise Malformed("an integer beyond 64 bits")
    elif kind is list or kind is tuple:
        if depth == 0:
            raise LimitExceeded("CBOR nested too deep")
        for element in value:
            if type(element) is not str or not element.isascii():
                _check(element, depth - 1)
    elif kind is not bytes and kind is not bool and value is not None:
        raise Malformed(f"a {kind.__name__} has no place in deterministic CBOR")
