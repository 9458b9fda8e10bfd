"""Every kind and every directive has its bytes, for ever."""

import hashlib

import pytest

from sync.codec import cbor
from sync.errors import Malformed, SyncError
from sync.messages import registry
from sync.messages.directives import DIRECTIVES, Directive, letter, objection, unread

# SHA-256 (first 8 bytes) of each kind's detail filled with its own field names: a renamed, moved or removed
# field changes the row's line. Rows are only ever added.
GOLDEN = """
1 ledger.opened 337d36fc73b00003
2 ledger.closed 337d36fc73b00003
3 incarnation.opened f614e9cae23ce900
4 centre.opened 69c02ee59b27c5a3
5 presence.read 337d36fc73b00003
6 centre.succeeded 49ff62a99065a070
10 access.answered 0388ce0dc4255b05
11 access.denied 0388ce0dc4255b05
12 access.deferred 0388ce0dc4255b05
13 access.local 0388ce0dc4255b05
20 report.issued 6ea6cedb6aa525d8
21 report.printed f3133eb7132ee5bd
22 report.spoiled f3133eb7132ee5bd
23 report.reprinted f3133eb7132ee5bd
24 report.handed_over f3133eb7132ee5bd
25 report.settled 834c642b65016b6d
26 paper.moved 6994449a60d64cd0
27 sheets.moved 9701c840b7fcd1a4
30 case.opened 38c97532e57f851f
31 case.changed 38c97532e57f851f
40 ticket.taken 337d36fc73b00003
41 ticket.called 337d36fc73b00003
42 ticket.closed 337d36fc73b00003
45 rating.given 337d36fc73b00003
50 session.opened 6f8160f2e9573ff4
51 session.closed 6f8160f2e9573ff4
52 session.refused 6f8160f2e9573ff4
60 lease.opened 337d36fc73b00003
61 lease.expired 337d36fc73b00003
62 lease.shredded 337d36fc73b00003
70 quota.spent 7449852df5606950
71 quota.returned 7449852df5606950
80 pack.applied 337d36fc73b00003
81 clock.adjusted 337d36fc73b00003
90 courier.exported 337d36fc73b00003
91 courier.imported 337d36fc73b00003
95 device.fault 337d36fc73b00003
100 day.closed 6ef89e866df45c24
101 finding.changed 15769d4ec1ffff01
110 mark 337d36fc73b00003
200 centre.disclosed 337d36fc73b00003
210 admin.read 337d36fc73b00003
211 admin.changed 337d36fc73b00003
220 node.checkpoint 337d36fc73b00003
230 finding.raised 337d36fc73b00003
"""


def golden_detail(row: registry.Kind) -> bytes:
    return registry.encode_detail(row.name, {field: f"{field} 值" for field in row.detail})


def golden_lines() -> list[str]:
    return [
        f"{row.number} {row.name} {hashlib.sha256(golden_detail(row)).hexdigest()[:16]}"
        for row in registry.KINDS
    ]


def test_every_kind_has_exactly_its_golden_bytes():
    assert golden_lines() == GOLDEN.split("\n")[1:-1]


def test_one_whole_detail_is_these_very_bytes():
    detail = registry.encode_detail(
        "quota.spent", {"subject_number": "330102199003074516", "units": 1, "year": 2026}
    )
    assert detail.hex() == "8572" + b"330102199003074516".hex() + "60" + "01" + "1907ea" + "60"


def test_numbers_and_names_are_unique_and_in_order():
    numbers = [row.number for row in registry.KINDS]
    assert numbers == sorted(set(numbers))
    assert len({row.name for row in registry.KINDS}) == len(numbers)


@pytest.mark.parametrize("row", registry.KINDS, ids=lambda row: row.name)
def test_every_kind_round_trips_and_is_found_by_name_and_number(row):
    fields = {
        field: (position if position % 2 else f"词 {field}") for position, field in enumerate(row.detail)
    }
    assert registry.decode_detail(row.number, registry.encode_detail(row.name, fields)) == fields
    assert registry.kind(row.name) is registry.by_number(row.number) is row
    assert all(row.words)


def test_details_that_carry_a_person_are_marked_sensitive():
    for row in registry.KINDS:
        if {"subject_number", "subject_name", "phone"} & set(row.detail):
            assert row.sensitive, row.name


def test_a_kind_of_a_newer_peer_is_read_without_effect_and_never_stops_the_queue():
    row = registry.by_number(9999)
    assert row.name == "unknown.9999"
    assert not registry.known(9999)
    assert row.sensitive
    assert registry.decode_detail(9999, registry.encode_detail("mark", {"note": "x"})) == {"field_0": "x"}


def test_fields_a_newer_peer_appended_are_kept():
    longer = registry.encode_detail("session.opened", {"staff": "li.min", "reason": "r"})
    assert registry.decode_detail(registry.kind("mark").number, longer) == {"note": "li.min", "field_1": "r"}


def test_fields_added_after_an_entry_was_written_are_empty_in_it():
    before = cbor.encode(["0001", "0050", "rest"])
    assert registry.decode_detail(27, before) == {
        "first": "0001", "last": "0050", "note": "rest", "count": "",
    }  # fmt: skip
    with pytest.raises(Malformed):
        registry.decode_detail(27, cbor.encode(["0001", "0050"]))


def test_a_detail_shorter_than_its_row_is_malformed():
    with pytest.raises(Malformed):
        registry.decode_detail(registry.kind("session.opened").number, registry.encode_detail("mark", {}))


@pytest.mark.parametrize("detail", [b"", b"\x80\x00", b"\xa0", b"\x81\x81\x01", b"\xff" * 9])
def test_bytes_that_are_no_detail_are_refused(detail):
    with pytest.raises(SyncError):
        registry.decode_detail(110, detail)


def test_a_field_the_row_does_not_have_is_a_bug_of_the_caller():
    with pytest.raises(KeyError, match="phone"):
        registry.encode_detail("mark", {"phone": "138"})


def test_a_letter_with_all_fields_of_its_row_is_accepted_and_every_missing_one_is_named():
    for row in DIRECTIVES:
        body = {field: wanted() for field, wanted in row.fields}
        assert objection(letter(1, row.kind, body)) == ""
        for field, _ in row.fields:
            lacking = {name: value for name, value in body.items() if name != field}
            assert field in objection(Directive(number=1, kind=row.kind, body=lacking))
            with pytest.raises(ValueError, match=field):
                letter(1, row.kind, lacking)


def test_an_unknown_kind_of_letter_is_objected_to_by_name():
    assert "fly-away" in objection(Directive(number=4, kind="fly-away", body={}))


def test_letters_are_read_in_order_once_and_only_up_to_the_first_gap():
    letters = [Directive(number=number, kind="policy", body={}) for number in (7, 4, 5, 5, 3, 9)]
    assert [one.number for one in unread(3, letters)] == [4, 5]
    assert [one.number for one in unread(6, letters)] == [7]
    assert unread(9, letters) == ()
