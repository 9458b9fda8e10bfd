import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.chips import CarrierCard
from drivers.devices.organisation_card import protocol
from drivers.devices.organisation_card.protocol import BUILT_IN, CarrierMap
from drivers.errors import CardRefused, NotThisDevice
from drivers.registry import open_device
from tests.unit.drivers.samples import ORGANISATION

MAP = """
aid = "D156000005"
file = 0x0005
code = 3
organisation = 4
tagged = false
"""


def records(where=BUILT_IN, code=ORGANISATION.code, name=ORGANISATION.name):
    return protocol.write_record(where, where.code, code), protocol.write_record(
        where, where.organisation, name
    )


def test_g17_a_card_is_read_as_the_map_says():
    assert protocol.parse_card(BUILT_IN, *records()) == ORGANISATION
    other = protocol.parse_map(MAP)
    assert other.application == bytes.fromhex("D156000005")
    assert protocol.parse_card(other, *records(other)) == ORGANISATION
    assert protocol.parse_card(other, b"12345678-X", "老单位".encode("gbk") + bytes(8)) == CarrierCard(
        code="12345678X", name="老单位"
    )
    assert repr(ORGANISATION) == "CarrierCard()"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "file = 1",
        MAP + "x = 1",
        MAP.replace("D156000005", "D1"),
        MAP.replace("D156000005", "XY"),
        MAP.replace("0x0005", "0"),
        MAP.replace("code = 3", "code = 300"),
        "[",
    ],
)
def test_a_map_that_cannot_be_right_is_refused(text, tmp_path):
    with pytest.raises(NotThisDevice):
        protocol.parse_map(text)
    (tmp_path / "map.toml").write_text(text, "utf-8")
    with pytest.raises(NotThisDevice) as refused:
        open_device("organisation_card", f"pcsc:*?map={tmp_path / 'map.toml'}")
    assert refused.value.device


def test_a_map_that_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(NotThisDevice, match="errno 2"):
        open_device("organisation_card", f"pcsc:*?map={tmp_path / 'none'}")
    (tmp_path / "map.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(NotThisDevice, match="UTF-8"):
        open_device("organisation_card", f"pcsc:*?map={tmp_path / 'map.toml'}")


@pytest.mark.parametrize(
    "spoiled",
    [
        (b"", b""),
        (b"\x01\x30", b"\x02\x00"),
        records(code="short"),
        records(name=""),
        (records()[0], b"\x02\x01\x81"),
        (records()[0], b"\x02\x03a\x07b"),
    ],
    ids=str,
)
def test_a_card_that_is_not_understood_is_refused_with_the_way_round(spoiled):
    with pytest.raises(CardRefused) as refused:
        protocol.parse_card(BUILT_IN, *spoiled)
    assert "营业执照" in refused.value.next.zh


@given(st.binary(max_size=80), st.binary(max_size=80), st.booleans())
def test_any_bytes_give_a_card_or_a_refusal(code, name, tagged):
    where = CarrierMap(directory="abcde", file=1, code=1, organisation=2, tagged=tagged)
    try:
        assert isinstance(protocol.parse_card(where, code, name), CarrierCard)
    except CardRefused:
        return
