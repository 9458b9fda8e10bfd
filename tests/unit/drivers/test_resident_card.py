import datetime as dt

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.devices.resident_id import card as cards
from drivers.errors import CardRefused
from drivers.ports import CardRecord
from tests.unit.drivers.samples import CARDS, CITIZEN, FOREIGNER_2017, FOREIGNER_2023, PERMIT, PHOTO


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.record)
def test_g17_every_layout_survives_the_wire(card):
    assert cards.read_card_text(cards.write_card_text(card), PHOTO) == card


def test_fields_stand_where_the_layouts_say():
    record = cards.write_card_text(CITIZEN)
    assert record[0:2] == "王".encode("utf-16-le")
    assert record[30:32] == b"2\0"
    assert record[36:52].decode("utf-16-le") == "19491231"
    assert record[122:158].decode("utf-16-le") == "11010519491231002X"
    assert record[204:220].decode("utf-16-le").rstrip() == "长期"
    assert record[248:250] == b" \0"
    permit = cards.write_card_text(PERMIT)
    assert permit[220:238].decode("utf-16-le") == "H12345678"
    assert permit[248:250] == b"J\0"
    assert cards.write_card_text(FOREIGNER_2017)[152:158].decode("utf-16-le") == "GBR"
    assert cards.write_card_text(FOREIGNER_2023)[242:248].decode("utf-16-le") == "GBR"


def test_a_character_that_ends_in_a_space_byte_is_not_padding():
    record = cards.write_card_text(msgspec.structs.replace(CITIZEN, name="张"))
    assert record[0:4] == b"\x20\x5f\x20\x00"
    assert cards.read_card_text(record).name == "张"


def test_a_rare_name_outside_the_first_plane_is_read():
    card = msgspec.structs.replace(CITIZEN, name="李𠮷")
    assert cards.read_card_text(cards.write_card_text(card)).name == "李𠮷"


def test_the_kind_of_record_decides_the_layout():
    record = bytearray(cards.write_card_text(FOREIGNER_2017))
    assert cards.read_card_text(bytes(record)).english_name == "LIDDELL, ALICE PLEASANCE"
    record[248:250] = b"Z\0"
    with pytest.raises(CardRefused) as refused:
        cards.read_card_text(bytes(record))
    assert "证件类型" in refused.value.words.zh


def test_the_former_number_of_a_2023_card_is_worked_out():
    card = cards.read_card_text(cards.write_card_text(FOREIGNER_2023))
    assert card.former_number == "GBR110081050413"
    without = msgspec.structs.replace(FOREIGNER_2023, former_number="")
    assert cards.read_card_text(cards.write_card_text(without)).former_number == ""


@pytest.mark.parametrize("link", ["0", "??1"])
def test_a_link_that_is_none_is_refused(link):
    with pytest.raises(CardRefused):
        cards.former_number("GBR", FOREIGNER_2023.number, link)


@pytest.mark.parametrize(
    ("at", "text", "why"),
    [
        (36, "1949123 ", "birth is not a day"),
        (36, "19490231", "birth is not a day"),
        (36, "１９４９１２３１", "birth is not a day"),
        (36, "        ", "birth is not a day"),
        (36, "19500101", "birth contradicts number"),
        (204, "forever ", "valid_to is not a day"),
        (188, "20160231", "valid_from is not a day"),
        (122, " " * 18, "name or number is empty"),
        (0, " " * 15, "name or number is empty"),
        (0, "王\n", "name holds control characters"),
        (0, "\ud842", "name is no text"),
    ],
)
def test_a_card_that_is_not_what_it_says_is_refused_whole(at, text, why):
    record = bytearray(cards.write_card_text(CITIZEN))
    encoded = text.encode("utf-16-le", "surrogatepass")
    record[at : at + len(encoded)] = encoded
    with pytest.raises(CardRefused) as refused:
        cards.read_card_text(bytes(record))
    assert refused.value.detail == why
    assert CITIZEN.number not in str(refused.value)


def test_a_record_of_another_size_is_refused():
    for size in (0, 255, 257):
        with pytest.raises(CardRefused):
            cards.read_card_text(bytes(size))


def test_an_empty_start_of_validity_and_long_term_mean_none():
    card = msgspec.structs.replace(CITIZEN, valid_from=None, valid_to=None)
    read = cards.read_card_text(cards.write_card_text(card))
    assert (read.valid_from, read.valid_to) == (None, None)


def test_the_newest_address_is_the_last_one_filled():
    old, new = cards.write_address("旧址１号"), cards.write_address("新址２号")
    assert cards.read_addresses(old + new) == "新址２号"
    assert cards.read_addresses(old + cards.write_address("")) == "旧址１号"
    assert cards.read_addresses(cards.write_address("")) == ""


def test_what_does_not_fit_is_refused_before_it_is_cut_short():
    for field, text in (("name", "王" * 16), ("address", "路" * 36)):
        with pytest.raises(CardRefused):
            cards.write_card_text(msgspec.structs.replace(CITIZEN, **{field: text}))
    with pytest.raises(CardRefused):
        cards.write_address("路" * 36)


def test_a_card_shows_nothing_of_itself_in_a_log():
    assert CITIZEN.name not in repr(CITIZEN)
    assert CITIZEN.number not in repr(CITIZEN)


_letters = st.characters(codec="utf-16-le", exclude_categories=("Cc", "Cs", "Zs"))
_names = st.text(_letters, min_size=1, max_size=7)


@given(_names, st.dates(dt.date(1900, 1, 1), dt.date(2026, 11, 21)))
def test_any_name_and_birth_survive_the_wire(name, birth):
    card = CardRecord(record="citizen", name=name, birth=birth, number=f"330102{birth:%Y%m%d}001X")
    assert cards.read_card_text(cards.write_card_text(card)) == card


@given(st.binary(min_size=256, max_size=256), st.sampled_from([b" \0", b"J\0", b"I\0", b"Y\0"]))
def test_any_256_bytes_are_a_card_or_refused(record, mark):
    try:
        card = cards.read_card_text(record[:248] + mark + record[250:])
    except CardRefused:
        return
    assert card.number
