"""One value, one encoding; everything else is refused."""

from __future__ import annotations

import unicodedata

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.codec import cbor
from sync.errors import LimitExceeded, Malformed, SyncError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(
    lambda text: unicodedata.normalize("NFC", text)
)
PLAIN = st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=40) | TEXT
VALUES = st.lists(st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=4), max_leaves=8), max_size=8)


@given(VALUES)
def test_what_is_encoded_is_decoded_the_same(value: list[object]):
    try:
        encoded = cbor.encode(value)
    except LimitExceeded:
        return
    assert cbor.decode(encoded) == value
    assert cbor.peek(encoded) == value
    assert encoded == cbor2.dumps(value, canonical=True)


@given(st.lists(VALUES, max_size=30))
def test_arrays_read_together_are_those_read_one_by_one(values: list[list[object]]):
    encoded = [cbor2.dumps(value) for value in values]
    assert cbor.peek_each(encoded) == list(map(cbor.peek, encoded))


def test_what_is_no_array_is_refused_among_arrays():
    for wrong in (b"\x01", b"", b"\x81", b"\xa0"):
        with pytest.raises(Malformed):
            cbor.peek_each([cbor.encode([1]), wrong, cbor.encode([2])])


@given(st.binary(max_size=60))
def test_any_bytes_decode_or_are_refused_with_an_error_of_the_tree(encoded: bytes):
    try:
        value = cbor.decode(encoded)
    except SyncError:
        return
    assert cbor.encode(value) == encoded


@pytest.mark.parametrize(
    "hexadecimal",
    [
        "a0",  # a map
        "81a0",
        "811801",  # an integer in a longer head
        "9f01ff",  # indefinite length
        "815f4101ff",
        "81f93c00",  # floats
        "81fb3ff0000000000000",
        "81f7",  # undefined
        "81e0",  # simple value
        "81c24101",  # tags, known and unknown
        "81c074323032362d31312d32315430303a30303a30305a",
        "81d81c80",
        "81d8238161",
        "81da00ffffff00",
        "8000",  # a tail
        "81",  # cut short
        "8161ff",  # no UTF-8
        "81638165cc81",
        "8163" + "65cc81",  # e and combining acute: not NFC
        "9b7fffffffffffffff",
        "5b7fffffffffffffff",
        "01",
        "",
        "1c",
        "ff",
    ],
)
def test_bytes_that_are_no_deterministic_array_are_refused(hexadecimal: str):
    with pytest.raises(Malformed):
        cbor.decode(bytes.fromhex(hexadecimal))


def test_size_and_depth_are_refused_before_anything_is_built():
    with pytest.raises(LimitExceeded):
        cbor.decode(b"\x80" * 10, limit=9)
    with pytest.raises(SyncError):
        cbor.decode(b"\x81" * 100_000)
    nested: list[object] = []
    for _ in range(8):
        nested = [nested]
    with pytest.raises(LimitExceeded):
        cbor.encode(nested)
    assert cbor.decode(cbor.encode(nested[0])) == nested[0]


@pytest.mark.parametrize(
    "value", [1.0, {}, {1}, 2**64, -(2**64) - 1, "e\u0301", "\ud800", bytearray(b"x"), [object()], [2**70]]
)
def test_values_without_a_deterministic_form_are_refused(value: object):
    with pytest.raises(Malformed):
        cbor.encode(value)


_FIELDS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**65), 2**65),
    st.binary(max_size=300),
    st.text(max_size=300),
    st.lists(st.integers(0, 3), max_size=2).map(tuple),
)


def _one_by_one(rows):
    try:
        return [cbor.encode(list(row)) for row in rows]
    except SyncError as error:
        return type(error)


@given(
    st.integers(1, 5).flatmap(lambda width: st.lists(st.tuples(*[_FIELDS] * width), min_size=1, max_size=12))
)
def test_rows_by_columns_are_the_bytes_of_rows_one_by_one(rows) -> None:
    columns = list(zip(*rows, strict=True))
    for wanted, given_columns in (
        (_one_by_one(rows), columns),
        (_one_by_one([(*row, *row) for row in rows]), [*columns, *columns]),  # each column in two places
    ):
        if isinstance(wanted, list):
            assert cbor.encode_rows(given_columns, len(rows), limit=2**20) == wanted
        else:
            with pytest.raises(wanted):
                cbor.encode_rows(given_columns, len(rows), limit=2**20)


@given(
    st.lists(
        st.sampled_from([0, 1, True, False, b"", "", 23, 24, 255, 256, 65535, 65536, 2**32, -1]), min_size=1
    )
)
def test_a_number_and_the_truth_value_that_equals_it_stay_apart_in_a_column(column) -> None:
    assert cbor.encode_rows([column], len(column), limit=2**20) == _one_by_one([(one,) for one in column])


def test_rows_longer_than_allowed_are_refused_before_they_are_joined() -> None:
    with pytest.raises(LimitExceeded):
        cbor.encode_rows([["x" * 2**20] * 256], 256, limit=2**20)
    assert cbor.encode_rows([], 2, limit=2) == [b"\x80", b"\x80"]
    with pytest.raises(ValueError, match="a column of 1"):
        cbor.encode_rows([[1]], 2, limit=2**20)
