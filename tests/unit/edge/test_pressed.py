"""Cached rows are pressed before they are sealed; older rows and older tables stay readable."""

import hashlib
import sqlite3

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import Damaged
from edge.store.cache import Cached
from edge.store.migrate import steps
from edge.store.pressed import BLOB_BYTES_MAX, Press, _dictionary, unpress
from matters import sample


def blobs() -> list[bytes]:
    people = sample.people(5, 50, "330102")
    return [
        msgspec.json.encode(Cached(subject=one, records=tuple(sample.records_for(5, one)))) for one in people
    ]


def test_a_subject_takes_a_quarter_of_its_json_and_comes_back_to_the_byte() -> None:
    press = Press().press
    plain = blobs()
    pressed = [press(one) for one in plain]
    assert [unpress(one) for one in pressed] == plain
    assert sum(map(len, pressed)) * 4 < sum(map(len, plain))


@given(st.binary(max_size=2000))
def test_any_row_survives_pressing(blob: bytes) -> None:
    assert unpress(Press().press(blob)) == blob


def test_a_row_from_before_rows_were_pressed_is_read_as_it_is() -> None:
    for one in blobs():
        assert unpress(one) == one


@given(st.binary(max_size=200).filter(lambda raw: not raw.startswith(b"{")))
def test_bytes_that_are_no_row_are_damage_and_nothing_else(raw: bytes) -> None:
    with pytest.raises(Damaged):
        unpress(b"\x02" + raw)
    with pytest.raises(Damaged):
        unpress(b"\x01" + raw)


def test_a_row_that_would_unpress_to_more_than_a_pack_may_hold_is_refused_unopened() -> None:
    with pytest.raises(Damaged):
        unpress(Press().press(bytes(BLOB_BYTES_MAX + 1)))


def test_the_dictionary_never_changes_because_rows_on_disk_need_it() -> None:
    digest = hashlib.sha256(_dictionary().as_bytes()).hexdigest()
    assert digest == "66739a23efd8c17dd72f1c6b1976b3d8eed6104c28e381364a3c46235371934a"


def test_rows_of_the_first_schema_are_in_the_new_table_in_key_order() -> None:
    connection = sqlite3.connect(":memory:")
    known = steps()
    connection.executescript(known[0][1])
    rows = [(bytes([ref]) * 16, scope, b"d" * 32, bytes([ref]), None) for ref in (3, 1, 2) for scope in "ba"]
    connection.executemany("INSERT INTO subject_cache VALUES (?,?,?,?,?)", rows)
    for _, sql in known[1:3]:
        connection.executescript(sql)
    found = connection.execute("SELECT * FROM subject_cache").fetchall()
    assert found == sorted(rows, key=lambda row: (row[1], row[0]))
