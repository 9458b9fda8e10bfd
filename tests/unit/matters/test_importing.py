"""Rows of import files."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matters.importing import (
    HEADER,
    RECORD_COLUMNS,
    SUBJECT_COLUMNS,
    Reject,
    check_header,
    parse_row,
    write_row,
)
from matters.records import Record, SubjectRecord
from matters.sample import organisations, people, records_for

PERSON = {
    "row": "subject", "kind": "natural", "number": "330102196203074512", "name": "王䶮", "sex": "1",
    "birth": "1962-03-07", "region": "330102001001", "address": "和平路1号", "as_of": "2026-11-21T09:30:00+08:00",
    "source": "省人口库",
}  # fmt: skip
FINE = {
    "row": "record", "id": "R1", "number": "330102196203074512", "category": "penalty", "title": "处罚决定",
    "fields": '{"罚款金额":"500元"}', "source": "县住建局", "decided_on": "2025-03-01",
    "as_of": "2026-11-21T01:30:00Z", "openness": "public", "kept_until": "2028-03-01", "status": "valid",
}  # fmt: skip


def rejected(row):
    outcome = parse_row(row)
    assert isinstance(outcome, Reject), outcome
    assert outcome.reason.zh
    assert outcome.reason.en
    return outcome.code, outcome.column


def test_a_subject_row_becomes_a_subject():
    subject = parse_row(PERSON)
    assert isinstance(subject, SubjectRecord)
    assert (subject.name, subject.birth, subject.as_of_ms) == ("王䶮", date(1962, 3, 7), 1_795_224_600_000)


def test_birth_and_sex_left_blank_come_from_the_number():
    subject = parse_row(PERSON | {"birth": "", "sex": ""})
    assert isinstance(subject, SubjectRecord)
    assert (subject.birth, subject.sex) == (date(1962, 3, 7), "1")


def test_an_organisation_has_neither_sex_nor_birth():
    subject = parse_row(PERSON | {"kind": "legal", "number": "91330102MA2K7X3B6D", "sex": "1"})
    assert isinstance(subject, SubjectRecord)
    assert (subject.birth, subject.sex) == (None, "")


def test_a_record_row_becomes_a_record_of_a_person_or_an_organisation():
    record = parse_row(FINE)
    assert isinstance(record, Record)
    assert record.fields == {"罚款金额": "500元"}
    assert record.kept_until == date(2028, 3, 1)
    company = parse_row(FINE | {"number": "91330102ma2k7x3b6d", "fields": "", "kept_until": ""})
    assert isinstance(company, Record)
    assert (company.subject, company.fields, company.kept_until) == ("91330102MA2K7X3B6D", {}, None)


@pytest.mark.parametrize(
    ("change", "code", "column"),
    [
        ({"row": "person"}, "row-kind", "row"),
        ({"row": ""}, "empty", "row"),
        ({"number": "330102196203074513"}, "id-check-digit", "number"),
        ({"kind": "legal"}, "uscc-check-digit", "number"),
        ({"kind": "robot"}, "unknown-kind", "kind"),
        ({"name": " "}, "empty", "name"),
        ({"name": "王" * 5000}, "too-long", "name"),
        ({"name": "王\x00"}, "control-character", "name"),
        ({"sex": "m"}, "unknown-sex", "sex"),
        ({"birth": "1962-03-08"}, "bad-date", "birth"),
        ({"region": "330102"}, "bad-region", "region"),
        ({"region": "33010200100x"}, "bad-region", "region"),
        ({"as_of": "yesterday"}, "bad-date", "as_of"),
        ({"as_of": "2026-11-21T09:30:00"}, "bad-date", "as_of"),
        ({"as_of": "1960-01-01T00:00:00Z"}, "bad-date", "as_of"),
        ({"as_of": "2961-01-01T00:00:00Z"}, "bad-date", "as_of"),
        ({"address": 5}, "not-text", "address"),
        ({"name": None}, "missing-column", "name"),
    ],
)
def test_a_bad_subject_row_names_column_and_reason(change, code, column):
    assert rejected(PERSON | change) == (code, column)


@pytest.mark.parametrize(
    ("change", "code", "column"),
    [
        ({"number": "330102196203074513"}, "id-check-digit", "number"),
        ({"number": "91330102MA2K7X3B6E"}, "uscc-check-digit", "number"),
        ({"category": "gossip"}, "unknown-category", "category"),
        ({"openness": "secret"}, "unknown-openness", "openness"),
        ({"status": "maybe"}, "unknown-status", "status"),
        ({"decided_on": "2025-02-30"}, "bad-date", "decided_on"),
        ({"decided_on": "2026-11-22"}, "bad-date", "decided_on"),
        ({"kept_until": "never"}, "bad-date", "kept_until"),
        ({"fields": "[1]"}, "bad-fields", "fields"),
        ({"fields": "{"}, "bad-fields", "fields"),
    ],
)
def test_a_bad_record_row_names_column_and_reason(change, code, column):
    assert rejected(FINE | change) == (code, column)


def test_a_value_that_may_be_empty_may_be_null_but_its_column_must_be_there():
    null: Any = None  # a JSON null, as JSONL files hold them
    record = parse_row(FINE | {"kept_until": null})
    assert isinstance(record, Record)
    assert rejected({name: value for name, value in FINE.items() if name != "kept_until"}) == (
        "missing-column",
        "kept_until",
    )


@pytest.mark.parametrize(("row", "columns"), [(PERSON, SUBJECT_COLUMNS), (FINE, RECORD_COLUMNS)])
def test_every_missing_column_is_named(row, columns):
    for name in columns:
        assert rejected({key: value for key, value in row.items() if key != name}) == ("missing-column", name)


def test_a_header_is_checked_for_missing_and_unknown_columns():
    assert check_header(HEADER) is None
    assert check_header(reversed(HEADER)) is None
    missing = check_header([name for name in HEADER if name not in {"status", "region"}])
    assert missing is not None
    assert (missing.code, missing.column) == ("missing-column", "region")
    assert "status" in missing.reason.en
    unknown = check_header([*HEADER, "colour"])
    assert unknown is not None
    assert (unknown.code, unknown.column) == ("unknown-column", "colour")


def test_what_is_written_is_read_back_equal():
    for subject in (*people(3, 40, "330102"), *organisations(3, 40, "330104")):
        assert tuple(write_row(subject)) == HEADER
        assert parse_row(write_row(subject)) == subject
        for record in records_for(3, subject):
            assert parse_row(write_row(record)) == record


@given(
    st.dictionaries(
        st.sampled_from(HEADER),
        st.one_of(st.text(max_size=30), st.sampled_from([*PERSON.values(), *FINE.values()])),
    )
)
def test_no_row_makes_the_parser_raise(row):
    assert isinstance(parse_row(row), SubjectRecord | Record | Reject)
