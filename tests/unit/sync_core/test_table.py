"""A frame taken apart: whatever is changed in it is read or refused."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.codec import cbor
from sync.codec.rows import Entry, FrameContext, Row
from sync.codec.table import read_table, write_table
from sync.errors import LimitExceeded, Malformed, SyncError
from sync.ledger.entry import row_leaf
from tests.unit.sync_core.synthetic import CONTEXT, Hall
from tests.unit.sync_core.test_cbor import PLAIN, VALUES

_HEAD, _PLANES = write_table(Hall(8).day(12), CONTEXT)
_MARKS_END = 8 + int.from_bytes(_HEAD[:4], "big")
_MARKS = cbor2.loads(_HEAD[8:_MARKS_END])
_TEXT = _HEAD[_MARKS_END:]


def _assembled(marks: list[Any], text: bytes, planes: bytes) -> bytes:
    encoded = cbor.encode(marks)
    return len(encoded).to_bytes(4, "big") + len(text).to_bytes(4, "big") + encoded + text + planes


def _survives(plain: bytes) -> None:
    """Read or refused, and what is read has a leaf or is refused."""
    try:
        rows = read_table(plain, CONTEXT)
        for row in rows:
            row_leaf(row)
    except SyncError:
        return


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(_MARKS) - 1), st.integers(-3, 300) | PLAIN | VALUES, st.booleans())
def test_a_frame_with_one_mark_changed_is_read_or_refused(at: int, value: object, insert: bool):
    marks = [*_MARKS[:at], value, *_MARKS[at + (not insert) :]]
    try:
        plain = _assembled(marks, _TEXT, _PLANES)
    except LimitExceeded:
        return
    _survives(plain)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(_HEAD) + len(_PLANES) - 1), st.integers(0, 255), st.integers(0, 40))
def test_a_frame_with_one_byte_changed_or_cut_is_read_or_refused(at: int, byte: int, cut: int):
    whole = _HEAD + _PLANES
    _survives(whole[:at] + bytes([byte]) + whole[at + 1 :])
    _survives(whole[: len(whole) - cut - 1])
    _survives(whole[:at])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-3, 30) | PLAIN, max_size=60), st.binary(max_size=60), st.binary(max_size=400))
def test_any_marks_and_pools_are_read_or_refused(marks: list[Any], text: bytes, planes: bytes):
    _survives(_assembled([2, 1, 10, 3, *marks], text, b"\x00\x00" + planes))
    _survives(_assembled(marks, text, planes))


def _marks_of(row: Row) -> tuple[list[Any], bytes, bytes]:
    head, planes = write_table([row], CONTEXT)
    end = 8 + int.from_bytes(head[:4], "big")
    return cbor.decode(head[8:end]), head[end:], planes


@pytest.mark.parametrize(
    ("row", "at", "value"),
    [
        (Row(Entry(kind=1, index=0, hlc_ms=0, ext=(7,)), b"\x80", b""), -4, 7),  # ext that is no array
        (Row(Entry(kind=1, index=0, hlc_ms=0), b"\x80", b"odd"), -1, 7),  # a salt that is no bytes
        (Row(Entry(kind=1, index=0, hlc_ms=0), b"raw", b""), -7, 7),  # a detail that is no bytes
        (Row(Entry(kind=1, index=0, hlc_ms=0), b"", b"", b"w" * 32), -7, b""),  # nothing withheld
        (Row(Entry(kind=1, index=0, hlc_ms=0), b"", b"", b"w" * 32), 1, 2),  # groups that are not used
    ],
)
def test_a_mark_of_another_type_is_refused(row: Row, at: int, value: object):
    marks, text, planes = _marks_of(row)
    assert read_table(_assembled(marks, text, planes), CONTEXT) == [row]
    marks[at] = value
    with pytest.raises(Malformed):
        read_table(_assembled(marks, text, planes), CONTEXT)


def test_a_column_out_of_range_is_refused():
    for entry in (Entry(kind=1, index=0, hlc_ms=-1), Entry(kind=1, index=2**63, hlc_ms=0)):
        blocks = write_table([Row(entry, b"\x80", b"s" * 16)], FrameContext(subject_key=b"", salt_keys=()))
        with pytest.raises(Malformed):
            read_table(b"".join(blocks), CONTEXT)


def test_a_frame_with_a_rest_or_two_groups_alike_is_refused():
    row = Hall(1).access()
    marks, text, planes = _marks_of(row)
    for plain in (
        _assembled([*marks, 0], text, planes),
        _assembled(marks, text + b"x", planes),
        _assembled(marks, text, planes + b"x"),
    ):
        with pytest.raises(Malformed):
            read_table(plain, CONTEXT)
    two = Hall(1).day(2)
    head, planes = write_table(two, CONTEXT)
    end = 8 + int.from_bytes(head[:4], "big")
    marks = cbor.decode(head[8:end])
    marks[2:6] = [*marks[4:6], *marks[4:6]]
    with pytest.raises(Malformed):
        read_table(_assembled(marks, head[end:], planes), CONTEXT)
