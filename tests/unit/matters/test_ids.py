"""Numbers of people and organisations, with their check characters."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matters.ids import (
    PROVINCES,
    ResidentNumber,
    Uscc,
    age_on,
    mask,
    organisation_check,
    organisation_code,
    plain,
    region_name,
    resident_check,
    resident_number,
    uscc,
    uscc_check,
)
from matters.model import Refusal

TODAY = date(2026, 11, 21)
PREFIXES = st.sampled_from(
    [f"{province}0102" for province in PROVINCES if province < "81"]
    + ["810000", "820000", "830000", "911840", "933392"]
)
BIRTHS = st.dates(date(1900, 1, 1), TODAY)
USCC_CHARACTERS = st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY")


@st.composite
def residents(draw):
    first17 = f"{draw(PREFIXES)}{draw(BIRTHS):%Y%m%d}{draw(st.integers(0, 999)):03d}"
    return first17 + resident_check(first17)


@st.composite
def codes(draw):
    first17 = "".join(draw(st.lists(USCC_CHARACTERS, min_size=17, max_size=17)))
    return first17 + uscc_check(first17)


def code_of(value):
    assert isinstance(value, Refusal), value
    assert value.message.zh
    assert value.message.en
    assert value.next.zh
    return value.code


@pytest.mark.parametrize(
    "number",
    [
        "11010519491231002X",
        "810000199408230021",
        " 11010519491231002x ",
        "１１０１０５１９４９１２３１００２Ｘ",
    ],
)
def test_a_good_resident_number_is_parsed_however_it_was_typed(number):
    parsed = resident_number(number, TODAY)
    assert isinstance(parsed, ResidentNumber)
    assert parsed.text == plain(number)
    assert parsed.sex == "2"


def test_the_parts_of_a_resident_number_are_read():
    parsed = resident_number("330102196203074512", TODAY)
    assert isinstance(parsed, ResidentNumber)
    assert (parsed.region, parsed.birth, parsed.sex) == ("330102", date(1962, 3, 7), "1")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("110101197608056896", "id-check-digit"),
        ("1101011976080568", "id-length"),
        ("", "id-length"),
        ("110101760805689", "id-first-generation"),
        ("11010119760805689Y", "id-characters"),
        ("1101011976080568X7", "id-characters"),
        ("１1010119760805689é", "id-characters"),
        ("000101197608056897", "id-region"),
        ("990101197608056897", "id-region"),
        ("110101197602306890", "id-birth"),
        ("110101202611226890", "id-birth"),
        ("110101180001016890", "id-birth"),
    ],
)
def test_a_bad_resident_number_says_what_is_wrong(number, code):
    assert code_of(resident_number(number, TODAY)) == code


def test_a_resident_number_made_of_other_scripts_digits_is_refused_not_crashed():
    assert code_of(resident_number("١" * 18, TODAY)) == "id-characters"
    assert code_of(resident_number("²" * 18, TODAY)) == "id-birth"


@given(residents())
def test_every_number_with_a_right_check_character_is_accepted(number):
    assert isinstance(resident_number(number, TODAY), ResidentNumber)


@given(residents(), st.integers(0, 16), st.integers(1, 9))
def test_one_changed_digit_is_always_noticed(number, place, shift):
    changed = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    assert isinstance(resident_number(changed, TODAY), Refusal)


@given(residents(), st.integers(0, 15))
def test_two_swapped_neighbours_are_always_noticed(number, place):
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if swapped != number:
        assert isinstance(resident_number(swapped, TODAY), Refusal)


@given(st.text(max_size=24))
def test_no_text_makes_a_number_check_raise(text):
    for value in (resident_number(text, TODAY), uscc(text), organisation_code(text)):
        assert isinstance(value, Refusal | ResidentNumber | Uscc | str)
    assert len(mask(text)) == len(text)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("91310000MA1FL1LQ4M", "uscc-check-digit"),
        ("9111000060003734", "uscc-length"),
        ("91110000600037341I", "uscc-characters"),
    ],
)
def test_a_bad_unified_code_says_what_is_wrong(code, reason):
    assert code_of(uscc(code)) == reason


def test_a_good_unified_code_holds_the_old_code_inside():
    parsed = uscc("91110000600037341l")
    assert isinstance(parsed, Uscc)
    assert (parsed.authority, parsed.category, parsed.region) == ("9", "1", "110000")
    assert parsed.organisation == "600037341"
    assert parsed.organisation_valid


def test_a_wrong_inner_check_is_marked_and_not_a_reason_to_refuse():
    first17 = "91330102MA1FL1LQ5"
    parsed = uscc(first17 + uscc_check(first17))
    assert isinstance(parsed, Uscc)
    assert not parsed.organisation_valid


@given(codes())
def test_every_unified_code_with_a_right_check_is_accepted_and_one_changed_character_noticed(code):
    assert isinstance(uscc(code), Uscc)
    other = "0" if code[16] != "0" else "1"
    assert isinstance(uscc(code[:16] + other + code[17]), Refusal)


def test_an_old_organisation_code_is_checked_with_and_without_hyphen():
    assert organisation_code("73650242-5") == "736502425"
    assert code_of(organisation_code("736502424")) == "organisation-check-digit"
    assert code_of(organisation_code("7365024")) == "organisation-length"
    assert code_of(organisation_code("7365024_5")) == "organisation-characters"


def test_the_organisation_check_is_written_x_for_ten_and_nought_for_eleven():
    checks = {organisation_check(f"{number:08d}") for number in range(200)}
    assert {"X", "0"} <= checks


@given(st.dates(date(1900, 1, 1), date(2020, 12, 31)), st.integers(0, 40_000))
def test_an_age_grows_by_one_on_the_birthday(birth, days):
    day = birth + timedelta(days=days)
    age = age_on(birth, day)
    assert age >= 0
    assert (birth.replace(year=2000).timetuple()[1:3] <= day.replace(year=2000).timetuple()[1:3]) == (
        age == day.year - birth.year
    )


def test_someone_born_on_29_february_is_a_year_older_on_1_march():
    assert age_on(date(2004, 2, 29), date(2022, 2, 28)) == 17
    assert age_on(date(2004, 2, 29), date(2022, 3, 1)) == 18


def test_a_masked_number_keeps_four_at_each_end():
    assert mask("330102196203074516") == "3301••••••••••4516"
    assert mask("12345678") == "••••••••"
    assert mask("") == ""


def test_a_region_is_named_by_its_province_or_not_at_all():
    assert region_name("330102") == "浙江省"
    assert region_name("933392") == "外国人永久居留（浙江省）"
    assert region_name("900000") == ""
    assert region_name("") == ""
