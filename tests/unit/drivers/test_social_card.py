import datetime as dt

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.chips import SocialCard
from drivers.devices.social_card import protocol
from drivers.errors import CardRefused
from tests.unit.drivers.samples import SOCIAL


def test_the_published_sample_answers_are_read():
    identifier = bytes.fromhex("01103303 00D15600000599110145FFFFFFFF")
    assert protocol.record_value(identifier, "identifier").hex().upper() == "330300D15600000599110145FFFFFFFF"
    assert protocol.record_value(bytes.fromhex("0304332E3030"), "version") == b"3.00"
    assert protocol.generation(b"3.00") == 3
    assert protocol.DDF.hex().upper() == "7378312E73682EC9E7BBE1B1A3D5CF"


@pytest.mark.parametrize("generation", [1, 2, 3])
def test_g17_a_card_of_every_generation_is_read_as_it_was_written(generation):
    card = msgspec.structs.replace(SOCIAL, generation=generation)
    assert protocol.parse_card(generation, protocol.write_records(card)) == card


def test_a_long_name_goes_on_in_its_extension_and_codes_may_be_written_as_text():
    card = msgspec.structs.replace(SOCIAL, name="阿卜杜热合曼买买提依明江艾合买提")
    values = {**protocol.write_records(card), "nation": b"01", "sex": b"\x02", "birth": b"19491231"}
    assert protocol.parse_card(3, values) == card


def test_days_that_are_not_stated_are_none():
    values = {**protocol.write_records(SOCIAL), "expires": b"\xff" * 4, "issued": b""}
    card = protocol.parse_card(3, values)
    assert (card.expires, card.issued) == (None, None)
    again = protocol.write_records(card)
    assert again["expires"] == bytes(4)


@pytest.mark.parametrize(
    "wrong",
    [
        {"birth": bytes.fromhex("19500101")},
        {"birth": bytes.fromhex("19491331")},
        {"birth": b"12"},
        {"birth": bytes(4)},
        {"name": bytes(30), "name_extension": b""},
        {"name": b"\x81"},
        {"name": b"a\x07b"},
        {"number": b"\xe4\xb8"},
        {"number": bytes(18)},
        {"sex": b"xyz"},
        {"nation": b"123"},
        {"card_number": b"../../et"},
    ],
    ids=str,
)
def test_a_card_that_contradicts_itself_is_refused_whole(wrong):
    with pytest.raises(CardRefused) as refused:
        protocol.parse_card(3, {**protocol.write_records(SOCIAL), **wrong})
    assert SOCIAL.number not in str(refused.value)


@pytest.mark.parametrize("raw", ["", "03", "0305332E3030", "0404332E3030"])
def test_a_record_that_is_another_or_ends_early_is_refused(raw):
    with pytest.raises(CardRefused):
        protocol.record_value(bytes.fromhex(raw), "version")


def test_a_generation_nobody_knows_is_refused():
    with pytest.raises(CardRefused):
        protocol.generation(b"9.00")


def test_a_pin_is_digits_in_pairs():
    assert protocol.pin_bytes("123456") == bytes.fromhex("123456")
    for wrong in ("", "12345", "12", "1234567890123456", "abcdef", "１２３４５６"):
        with pytest.raises(ValueError, match="PIN"):
            protocol.pin_bytes(wrong)


def test_a_card_does_not_show_itself_in_a_log():
    assert repr(SOCIAL) == "SocialCard(generation=3)"


@given(
    st.dictionaries(st.sampled_from(sorted(protocol.write_records(SOCIAL))), st.binary(max_size=40)),
    st.sampled_from([1, 2, 3]),
)
def test_any_values_give_a_card_or_a_refusal(values, generation):
    try:
        card = protocol.parse_card(generation, {**protocol.write_records(SOCIAL), **values})
    except CardRefused:
        return
    assert isinstance(card, SocialCard)
    assert isinstance(card.birth, dt.date)


@given(st.binary(max_size=64), st.sampled_from(sorted(protocol.TAG_OF)))
def test_any_bytes_give_a_value_or_a_refusal(raw, field):
    try:
        assert protocol.record_value(raw, field) in raw
    except CardRefused:
        return
