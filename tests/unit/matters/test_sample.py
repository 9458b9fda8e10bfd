"""Synthetic counties."""

from collections import Counter
from datetime import date

import pytest

from matters.calendar import china_day
from matters.ids import ResidentNumber, Uscc, resident_number, uscc
from matters.records import CATEGORIES, usable
from matters.sample import DEFAULT_AS_OF_MS, organisations, people, records_for

TODAY = china_day(DEFAULT_AS_OF_MS)
PEOPLE = list(people(7, 2_000, "330102"))
COMPANIES = list(organisations(7, 200, "330102"))
RECORDS = [record for subject in (*PEOPLE, *COMPANIES) for record in records_for(7, subject)]


def test_the_same_seed_gives_the_same_county_and_another_seed_another():
    assert list(people(7, 50, "330102")) == PEOPLE[:50]
    assert list(people(8, 50, "330102")) != PEOPLE[:50]
    assert records_for(7, PEOPLE[3]) == records_for(7, PEOPLE[3])
    assert [r.id for r in records_for(8, PEOPLE[3])] != [r.id for r in records_for(7, PEOPLE[3])]


def test_every_number_passes_its_check_and_stands_once():
    for subject in PEOPLE:
        parsed = resident_number(subject.number, TODAY)
        assert isinstance(parsed, ResidentNumber)
        assert (parsed.birth, parsed.sex) == (subject.birth, subject.sex)
    for company in COMPANIES:
        code = uscc(company.number)
        assert isinstance(code, Uscc)
        assert code.organisation_valid
    assert len({subject.number for subject in (*PEOPLE, *COMPANIES)}) == 2_200


def test_people_live_in_townships_of_the_county_and_some_come_from_elsewhere():
    assert all(len(s.region) == 12 and s.region.startswith("3301020") for s in PEOPLE)
    assert {s.region[6:9] for s in PEOPLE} == {f"{n:03d}" for n in range(1, 13)}
    assert any(not s.number.startswith("330102") for s in PEOPLE)
    assert all("清河县" in s.address for s in PEOPLE)


@pytest.mark.parametrize("prefix", ["330104003", "330104003002"])
def test_a_longer_prefix_fixes_township_and_village(prefix):
    assert all(s.region.startswith(prefix) for s in people(1, 20, prefix))
    assert all("临江县" in s.address for s in people(1, 5, prefix))


def test_an_unknown_county_gets_an_invented_name():
    assert "青川县" in next(people(1, 1, "330199")).address
    assert next(organisations(1, 1, "330199")).name.startswith("青川县")


def test_names_are_chinese_and_some_hold_rare_characters():
    names = "".join(s.name for s in people(7, 5_000, "330102"))
    assert any(rare in names for rare in "䶮𠮷㛃")
    assert all(2 <= len(s.name) <= 4 for s in PEOPLE)


def test_records_average_four_and_cover_every_category_and_state():
    assert 3.6 < len(RECORDS) / 2_200 < 4.4
    assert {r.category for r in RECORDS} == set(CATEGORIES)
    states = Counter(r.status for r in RECORDS)
    assert states["objection"] > 0
    assert states["repaired"] > 0
    assert 0 < sum(not usable(r, TODAY) for r in RECORDS) < len(RECORDS) / 3
    assert len({r.id for r in RECORDS}) == len(RECORDS)


def test_a_record_is_decided_before_it_is_reported_and_after_its_subject_came_of_age():
    births = {s.number: s.birth for s in PEOPLE}
    for record in RECORDS:
        assert record.decided_on <= china_day(record.as_of_ms)
        birth = births.get(record.subject)
        assert birth is None or record.decided_on >= date(birth.year + 18, 1, 1)


def test_no_title_or_field_is_empty():
    assert all(r.title and r.source and all(r.fields.values()) for r in RECORDS)
