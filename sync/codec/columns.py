"""One frame of rows as bytes: a form tag, then zstd (protocol.md section 3).

Two forms. `columns` takes the rows apart (`sync.codec.table`); `rows` is plain CBOR. The sender decodes
what it is about to release and takes the plain form when anything differs: a codec bug costs bytes, never
evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import and_

import msgspec

from sync.codec import cbor
from sync.codec.rows import Entry, FrameContext, Row, Rows, frozen
from sync.codec.squeeze import bounded, squeeze
from sync.codec.table import read_table, write_table
from sync.errors import LimitExceeded, Malformed, SyncError, UnknownVersion
from sync.limits import LIMITS

__all__ = [
    "FORMS",
    "Form",
    "FrameContext",
    "form_of",
    "pack_frame",
    "pack_with",
    "unpack_frame",
]

_FIELDS = len(Entry.__struct_fields__)
_ROW_FIELDS = _FIELDS + 3
_TYPES = (*(field.type for field in msgspec.structs.fields(Entry)[:-1]), list, bytes, bytes, bytes)
# What a wrong codec would raise while writing or reading its own frame.
_CODEC_BUGS = (SyncError, ValueError, TypeError, LookupError, ArithmeticError, StopIteration, AssertionError)


class Form(msgspec.Struct, frozen=True):
    """One way to write a frame: its tag byte, and both directions. `write` gives blocks to compress."""

    tag: int
    name: str
    write: Callable[[Rows, FrameContext], tuple[bytes, ...]]
    read: Callable[[bytes, FrameContext], Rows]


def pack_frame(rows: Sequence[Row], context: FrameContext) -> bytes:
    """One frame of 1 to 256 rows, verified by decoding it again.

    Raises `LimitExceeded` when the details are larger than `LIMITS.frame_output_bytes` together (send
    fewer rows in the frame), `Malformed` for rows with fields of another type.
    """
    return pack_with(FORMS, rows, context)


def pack_with(forms: Sequence[Form], rows: Sequence[Row], context: FrameContext) -> bytes:
    """The frame in the first of `forms` that gives the same rows back; the last one must."""
    wanted = Rows.of(rows)
    _check_rows(wanted)
    for form in forms[:-1]:
        try:
            framed = _framed(form, wanted, context)
            if _opened(form, framed, context) == wanted:
                return framed
        except _CODEC_BUGS:
            continue
    framed = _framed(forms[-1], wanted, context)
    if _opened(forms[-1], framed, context) != wanted:
        raise Malformed("rows that do not survive their own encoding")
    return framed


def unpack_frame(framed: bytes, context: FrameContext) -> Rows:
    """The rows of a frame. Types and sizes are checked; that the leaves are signed is the caller's to verify.

    They come with the values of their details where the form holds those: nobody needs to decode them again.
    Raises `Malformed`, `LimitExceeded`, or `UnknownVersion` for a form this program does not know.
    """
    return _opened(form_of(framed), framed, context)


def form_of(framed: bytes) -> Form:
    """Which form a frame is in; raises `Malformed` when empty, `UnknownVersion`."""
    if not framed:
        raise Malformed("an empty frame")
    for form in FORMS:
        if form.tag == framed[0]:
            return form
    raise UnknownVersion(f"frame form {framed[0]}")


def _framed(form: Form, rows: Rows, context: FrameContext) -> bytes:
    blocks = form.write(rows, context)
    if sum(map(len, blocks)) > LIMITS.frame_output_bytes:
        raise LimitExceeded("a frame larger than allowed: send fewer rows in it")
    return bytes([form.tag]) + squeeze(*blocks, dictionary=context.dictionary)


def _opened(form: Form, framed: bytes, context: FrameContext) -> Rows:
    rows = form.read(bounded(framed[1:], LIMITS.frame_output_bytes, context.dictionary), context)
    _check_rows(rows)
    return rows


def _check_rows(rows: Rows) -> None:
    if not 0 < len(rows) <= LIMITS.frame_entries:
        raise LimitExceeded(f"a frame of {len(rows)} rows, 1 to {LIMITS.frame_entries} allowed")
    beside = map(and_, map(bool, rows.details), map(bool, rows.withheld))
    if any(beside):  # such a detail would stand under no commitment
        raise Malformed("a detail beside the commitment that replaces it")
    if sum(map(len, rows.details)) > LIMITS.frame_output_bytes:
        raise LimitExceeded("details larger than one frame: send fewer rows in it")


def _write_rows(rows: Rows, _: FrameContext) -> tuple[bytes, ...]:
    return (cbor.encode(list(zip(*rows.public, rows.details, rows.salts, rows.withheld, strict=True))),)


def _read_rows(plain: bytes, _: FrameContext) -> Rows:
    return Rows.of([_read_row(values) for values in cbor.decode(plain)])


def _read_row(values: object) -> Row:
    if not isinstance(values, list) or tuple(map(type, values)) != _TYPES:
        raise Malformed("a row of other fields")
    fields = dict(zip(Entry.__struct_fields__, values, strict=False))
    fields["ext"] = frozen(fields["ext"])
    return Row(Entry(**fields), *values[_FIELDS:_ROW_FIELDS])


FORMS = (
    Form(1, "columns", write_table, read_table),
    Form(2, "rows", _write_rows, _read_rows),
)
"""Every form ever released, best first; the last needs no cleverness."""
