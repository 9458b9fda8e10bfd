import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.devices.qr_scanner.protocol import CODE_BYTES_MAX, Codes, encode
from drivers.wires.listening import Damage


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\n\r\n"])
def test_g17_a_code_ends_with_its_line(end):
    codes = Codes()
    assert codes.feed(b"YZ1.abc") == []
    assert codes.pending == 7
    assert codes.feed(end + "取号·A012".encode() + end) == ["YZ1.abc", "取号·A012"]
    assert codes.pending == 0


def test_reset_forgets_half_a_code():
    codes = Codes()
    codes.feed(b"half")
    codes.reset()
    assert codes.feed(encode("whole")) == ["whole"]


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"a\x00b", b"a\x1bb", b"x" * (CODE_BYTES_MAX + 1)])
def test_what_is_no_text_is_damage(raw):
    codes = Codes()
    (event,) = codes.feed(raw + b"\r")
    assert isinstance(event, Damage)
    assert codes.feed(encode("next")) == ["next"]


def test_a_code_without_end_is_given_up():
    codes = Codes()
    assert codes.feed(b"x" * (CODE_BYTES_MAX + 1)) == [Damage("a code without end")]
    assert codes.pending == 0


@given(st.lists(st.binary(max_size=300), max_size=40))
def test_any_bytes_give_codes_or_damage_and_memory_stays_bounded(chunks):
    codes = Codes()
    for chunk in chunks:
        for event in codes.feed(chunk):
            assert isinstance(event, Damage) or event
        assert codes.pending <= CODE_BYTES_MAX


_marks = st.characters(codec="utf-8", exclude_categories=["Cc"])


@given(st.text(_marks, min_size=1, max_size=200), st.integers(1, 9))
def test_any_code_survives_the_wire_in_pieces(code, size):
    wire, codes = encode(code), Codes()
    assert [event for at in range(0, len(wire), size) for event in codes.feed(wire[at : at + size])] == [code]
