"""Single columns: any values come back the same with their types, and no marks break the reader."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sync.codec import cbor
from sync.codec.numbers import read_numbers, write_numbers
from sync.codec.residents import put_together, take_apart
from sync.codec.series import Columns, read_column, write_column
from sync.codec.squeeze import squeeze
from sync.codec.stream import ColumnReader, ColumnWriter
from sync.codec.texts import read_texts, write_texts
from sync.errors import LimitExceeded, Malformed, SyncError
from tests.unit.sync_core.test_cbor import PLAIN, TEXT


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=30), st.binary(max_size=30), st.binary(max_size=200))
def test_any_marks_in_a_single_column_are_read_or_refused(marks: list[int], text: bytes, planes: bytes):
    for read in (read_texts, read_numbers):
        try:
            assert len(read(ColumnReader(marks, text, planes), 3)) == 3
        except SyncError:
            continue
    group = Columns(3)
    group.keep([1, 2, 3], int)
    group.keep(["a", "b", "c"], str)
    group.keep([b"a", b"b", b"c"], bytes)
    try:
        assert len(read_column(ColumnReader(marks, text, planes), group)) == 3
    except SyncError:
        return


@pytest.mark.parametrize(
    ("marks", "planes"),
    [
        ([2, 0, 2, -1, 1], b""),  # sizes below nothing
        ([4, 1, 5, 0, 16, 0, 0, 0, 0], b""),  # a counter sixteen wide
        ([5, 1, 5, 0, 700_000_000, 0], b""),  # a region code that is none
        ([5, 3, 3, 0, 10**12, 0], b"\x11" * 9),  # a birth day outside the calendar
        ([6, 9], b"\x02\x00\x00"),  # a flag that is none
        ([7, 1, 1, 0, 0x110000, 0], b"\x00"),  # a letter outside Unicode
        ([1, 2], b""),  # too few texts
        ([1, 1], b""),  # no UTF-8
    ],
)
def test_text_columns_that_do_not_fit_are_refused(marks: list[int], planes: bytes):
    with pytest.raises(Malformed):
        read_texts(ColumnReader(marks, b"\xff\xff" if marks == [1, 1] else b"a\nb\nc", planes), 3)


def test_columns_cannot_be_nested_without_end():
    with pytest.raises(LimitExceeded):
        read_texts(ColumnReader([0, 1] * 100, b"", b"\x00" * 100), 1)
    group = Columns(1)
    group.keep(["a"], str)
    with pytest.raises(SyncError):
        read_column(ColumnReader([3, 0] * 100, b"", b"\x00" * 100), group)


def test_columns_refer_only_to_columns_of_their_type_and_length():
    group = Columns(2)
    group.keep(["a", "b"], str)
    for marks in ([4, 0], [2, 1], [7, 0, -1, 0], [7, 0, 2**21, 0]):
        with pytest.raises(Malformed):
            read_column(ColumnReader(marks, b"", b""), group)
    longer = Columns(3)
    longer.keep(["a", "b"], str)
    with pytest.raises(Malformed):
        read_column(ColumnReader([2, 0], b"", b""), longer)


def _reader(writer: ColumnWriter) -> ColumnReader:
    marks = cbor.decode(cbor.encode(writer.marks))
    return ColumnReader(marks, b"".join(writer.text), b"".join(writer.planes))


_RESIDENTS = st.builds(
    lambda region, ordinal, sequence: put_together([(f"{region:06}", ordinal * 1000 + sequence)])[0],
    st.integers(0, 999_999),
    st.integers(1, 3_600_000),
    st.integers(0, 999),
)


@settings(deadline=None)
@given(
    st.lists(st.text(max_size=5), min_size=1, max_size=20)
    | st.lists(_RESIDENTS | st.just("91310000MA1FL1LQ4M"), min_size=1, max_size=20)
    | st.lists(st.from_regex(r"(QZ-|R)[0-9]{1,16}", fullmatch=True), min_size=1, max_size=20)
    | st.lists(st.binary(min_size=4, max_size=4).map(bytes.hex), min_size=1, max_size=20)
    | st.lists(st.sampled_from("abc"), min_size=1, max_size=20)
)
def test_any_texts_come_back_the_same(values: list[str]):
    writer = ColumnWriter()
    write_texts(writer, values)
    reader = _reader(writer)
    assert read_texts(reader, len(values)) == values
    reader.finish()


@settings(deadline=None)
@given(
    st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=30)
    | st.lists(st.integers(0, 3), min_size=1, max_size=30)
    | st.lists(st.integers(1_795_219_200_000, 1_795_219_300_000), min_size=1, max_size=30)
)
@example([-(2**63) + 1, 2**63 - 1, 5])
def test_any_integers_come_back_the_same_alone_and_against_another_column(values: list[int]):
    for earlier in ([], [[value + 7 for value in values]]):
        writer = ColumnWriter()
        write_numbers(writer, values, earlier)
        reader = _reader(writer)
        assert read_numbers(reader, len(values), earlier) == values
        reader.finish()


def test_integers_take_the_cheapest_of_their_shapes():
    for values, earlier, limit in (
        (list(range(5, 261)), (), 0),
        ([7] * 256, (), 0),
        ([n * 1000 + n % 7 for n in range(256)], (), 256),
        ([n * n * n * 7919 % 1_000_003 for n in range(256)], (), 640),
        ([n * n % 11 * 0x123456789ABCD for n in range(256)], (), 120),
        ([n * n * 77 + 3 for n in range(256)], ([n * n * 77 for n in range(256)],), 0),
    ):
        writer = ColumnWriter()
        write_numbers(writer, values, earlier)
        assert len(squeeze(b"".join(writer.planes))) <= limit + 20  # the bytes zstd itself needs
        assert read_numbers(_reader(writer), 256, earlier) == values


@pytest.mark.parametrize(
    ("number", "valid"),
    [
        ("11010519491231002X", True),
        ("110105194912310021", False),
        ("11010519491331002X", False),
        ("1101051949123100", False),
        ("110105194902310018", False),
        ("", False),
    ],
)
def test_only_a_valid_resident_number_is_taken_apart(number: str, valid: bool):
    parts = take_apart([number, "11010519491231002X"])
    assert (parts[0] is not None) == valid
    found = [part for part in parts if part is not None]
    assert put_together(found) == [number, "11010519491231002X"][-len(found) :]


def test_a_digest_of_an_earlier_field_costs_nothing():
    bodies = [bytes([n]) * 20 for n in range(50)]
    group, writer = Columns(50), ColumnWriter()
    write_column(writer, bodies, group)
    before = sum(map(len, writer.planes))
    write_column(writer, [hashlib.sha256(body).digest() for body in bodies], group)
    assert sum(map(len, writer.planes)) == before
    again, reader = Columns(50), _reader(writer)
    assert [read_column(reader, again), read_column(reader, again)] == group.columns


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.lists(PLAIN, min_size=6, max_size=6)
        | st.lists(st.binary(max_size=3), min_size=6, max_size=6)
        | st.lists(st.sampled_from([b"a" * 9, b"b" * 9]), min_size=6, max_size=6)
        | st.lists(TEXT, min_size=6, max_size=6)
        | st.just([2**63, 0, 1, 2, 3, 4])
        | st.just(["a", "b", "c", "d", "e", "f"])
        | st.just(["a", "b", "c", "d", "e", "x"])
        | st.just([1, True, 1, 1, 1, 1]),
        min_size=1,
        max_size=4,
    )
)
def test_any_columns_of_a_group_come_back_the_same_with_their_types(columns: list[list[Any]]):
    group, writer = Columns(6), ColumnWriter()
    for column in columns:
        write_column(writer, column, group)
    again, reader = Columns(6), _reader(writer)
    found = [read_column(reader, again) for _ in columns]
    reader.finish()
    assert found == columns
    assert [list(map(type, column)) for column in found] == [list(map(type, column)) for column in columns]
