"""The leaf: 23 fields in one order, hashed as bytes."""

from __future__ import annotations

import hashlib
import hmac

import cbor2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.codec import cbor
from sync.codec.rows import Rows
from sync.errors import LimitExceeded, Malformed, SyncError, UnknownVersion
from sync.ledger.entry import (
    Entry,
    Row,
    commit,
    leaf,
    leaf_hash,
    parse_leaf,
    read_leaf,
    read_leaves,
    row_leaf,
    row_leaves,
    salt,
)

ENTRY = Entry(
    kind=10,
    index=4711,
    hlc_ms=1_795_219_200_000,
    hlc_n=2,
    clock=1,
    boot=3,
    actor="li.min",
    role="clerk",
    window="W1",
    session="5f",
    subject_ref=b"r" * 16,
    presence="resident-id",
    relationship="self",
    purpose="本人查询",
    basis="SELF",
    mode="cached",
    as_of=1_795_219_000_000,
    policy=7,
    outcome="answered",
    object="public-credit.self",
    ext=(1, ("later", b"\x00")),
)
COMMITMENT = b"c" * 32


def test_a_leaf_is_the_specified_array_with_the_commitment_before_the_extension():
    assert cbor2.loads(leaf(ENTRY, COMMITMENT)) == [
        1, 10, 4711, 1_795_219_200_000, 2, 1, 3, "li.min", "clerk", "W1", "5f", b"r" * 16, "resident-id", "self",
        "本人查询", "SELF", "cached", 1_795_219_000_000, 7, "answered", "public-credit.self", COMMITMENT,
        [1, ["later", b"\x00"]],
    ]  # fmt: skip


def test_a_leaf_has_golden_bytes_and_a_golden_hash_for_ever():
    encoded = leaf(ENTRY, COMMITMENT)
    assert encoded.hex() == GOLDEN_LEAF
    assert leaf_hash(encoded) == hashlib.sha256(b"\x00" + encoded).digest()


GOLDEN_LEAF = (
    "97010a1912671b000001a1fb671800020103666c692e6d696e65636c65726b62573162356650727272727272727272727272"
    "727272726b7265736964656e742d69646473656c666ce69cace4babae69fa5e8afa26453454c46666361636865641b000001"
    "a1fb640ac00768616e737765726564727075626c69632d6372656469742e73656c6658206363636363636363636363636363"
    "636363636363636363636363636363636363820182656c617465724100"
)


def test_a_leaf_is_parsed_back_to_entry_and_commitment():
    assert parse_leaf(leaf(ENTRY, COMMITMENT)) == (ENTRY, COMMITMENT)


def test_salt_and_commitment_follow_the_protocol():
    key, detail = b"k" * 32, cbor.encode(["330102", "王芳"])
    made = salt(key, 7)
    assert made == hmac.new(key, b"yizhan/salt" + (7).to_bytes(8, "big"), "sha256").digest()[:16]
    assert commit(made, detail) == hashlib.sha256(b"yizhan/detail/1" + made + detail).digest()
    row = Row(ENTRY, detail, made)
    assert parse_leaf(row_leaf(row))[1] == commit(made, detail)
    assert row_leaf(Row(ENTRY, b"", made, withheld=commit(made, detail))) == row_leaf(row)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": True},
        {"kind": -1},
        {"index": 2**63},
        {"hlc_ms": -1},
        {"actor": b"li"},
        {"actor": None},
        {"subject_ref": b"short"},
        {"ext": [1]},
        {"ext": (1.5,)},
        {"purpose": "e\u0301"},
    ],
)
def test_an_entry_with_a_field_of_another_type_or_range_has_no_leaf(change: dict[str, object]):
    with pytest.raises(Malformed):
        leaf(msgspec.structs.replace(ENTRY, **change), COMMITMENT)


def test_a_commitment_has_32_bytes_and_a_leaf_a_limit():
    with pytest.raises(Malformed):
        leaf(ENTRY, b"short")
    with pytest.raises(LimitExceeded):
        leaf(msgspec.structs.replace(ENTRY, purpose="x" * 5000), COMMITMENT)


def test_a_leaf_of_a_later_version_or_another_shape_is_refused():
    values = cbor2.loads(leaf(ENTRY, COMMITMENT))
    with pytest.raises(UnknownVersion):
        parse_leaf(cbor.encode([2, *values[1:]]))
    for other in (
        [],
        [0, *values[1:]],
        values[:-1],
        [*values, 1],
        [*values[:-1], 1],
        [True, *values[1:]],
        ["1"],
    ):
        with pytest.raises(Malformed):
            parse_leaf(cbor.encode(other))


@given(
    st.binary(max_size=80) | st.lists(st.integers(0, 3) | st.binary(max_size=3), max_size=24).map(cbor.encode)
)
def test_any_bytes_parse_or_are_refused(encoded: bytes):
    with pytest.raises(SyncError):
        parse_leaf(encoded)


@given(st.integers(0, 250), st.integers(0, 255))
def test_a_leaf_with_one_byte_changed_is_another_leaf_or_none(at: int, byte: int):
    encoded = leaf(ENTRY, COMMITMENT)
    at %= len(encoded)
    changed = encoded[:at] + bytes([byte]) + encoded[at + 1 :]
    try:
        entry, commitment = parse_leaf(changed)
    except SyncError:
        return
    assert leaf(entry, commitment) == changed
    assert (changed == encoded) == ((entry, commitment) == (ENTRY, COMMITMENT))


_CHANGES = [
    {},
    {"subject_ref": b""},
    {"subject_ref": b"short"},
    {"index": -1},
    {"as_of": 2**63},
    {"actor": "e\u0301"},
    {"actor": "李敏"},
    {"kind": True},
    {"ext": ((1, "x"), b"y")},
    {"ext": (True,)},
    {"ext": (1,)},
    {"ext": 5},
    {"object": "x" * 5000},
]


@given(st.lists(st.sampled_from(_CHANGES), min_size=1, max_size=6))
def test_leaves_by_columns_are_the_leaves_of_each_row_and_refuse_what_those_refuse(changes):
    rows = [Row(msgspec.structs.replace(ENTRY, **change), b"\x80", b"s" * 16) for change in changes]
    try:
        wanted = [row_leaf(row) for row in rows]
    except SyncError:
        with pytest.raises(SyncError):
            row_leaves(rows)
    else:
        assert row_leaves(rows) == wanted


def test_a_withheld_commitment_of_another_length_has_no_leaf_by_columns_either():
    rows = [Row(ENTRY, b"\x80", b"s" * 16), Row(ENTRY, b"", b"s" * 16, b"short")]
    with pytest.raises(Malformed):
        row_leaves(rows)
    assert row_leaves([]) == []


def test_a_leaf_read_without_its_form_checked_is_the_leaf_parsed():
    encoded = leaf(ENTRY, b"c" * 32)
    assert read_leaf(encoded) == parse_leaf(encoded)
    columns, commitments = read_leaves([encoded, encoded])
    assert columns == [[value] * 2 for value in msgspec.structs.astuple(ENTRY)]
    assert commitments == [b"c" * 32] * 2
    assert _written_again([encoded, encoded]) == [encoded, encoded]
    assert read_leaves([]) == ([[] for _ in columns], [])
    fields = cbor.decode(encoded)
    true = cbor.encode([True, *fields[1:]])
    negative = cbor.encode([*fields[:3], -1, *fields[4:]])
    for bad in (b"", b"\xff", cbor.encode([1, 2]), cbor.encode([2, *[0] * 22]), true, negative):
        with pytest.raises(SyncError):
            read_leaf(bad)
        with pytest.raises(SyncError):
            _written_again([encoded, bad])


def _written_again(encoded: list[bytes]) -> list[bytes]:
    columns, commitments = read_leaves(encoded)
    none = [b""] * len(encoded)
    return row_leaves(Rows(columns, none, none, commitments))
