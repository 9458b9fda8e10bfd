import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.devices.led_screen import protocol
from drivers.devices.led_screen.protocol import Area, Packet, Packets
from drivers.errors import Faulty, Garbled
from drivers.wires.listening import Damage

AREA = Area(number=1, x=8, y=16, width=184, height=16, text="请 A012 号到 3 号窗口", display=3, stay_s=5)


def said(command):
    """What screen 1 says to the host."""
    return Packet(protocol.HOST, 1, command)


def test_the_check_sum_is_that_of_the_published_ping():
    inner = bytes.fromhex("FEFF0080F000FEFF0000000005000000 01A2000000")
    assert protocol.crc16(inner).to_bytes(2, "little").hex().upper() == "C686"


def test_a_frame_is_header_command_check_sum_and_is_escaped():
    frame = protocol.frame(protocol.ping(), to=1)
    assert frame[:8] == b"\xa5" * 8
    assert frame[8:22].hex().upper() == "010000800000000000" + "00FE020500"
    assert frame[22:27].hex().upper() == "A200010000"
    assert frame[-1] == 0x5A
    escaped = protocol.frame(b"\xa5\xa6\x5a\x5b")
    assert b"\xa6\x02\xa6\x01\x5b\x02\x5b\x01" in escaped
    assert Packets().feed(escaped) == [Packet(0xFFFE, 0x8000, b"\xa5\xa6\x5a\x5b")]


def test_the_fields_of_a_text_stand_where_public_programs_put_them():
    command = protocol.show(AREA, clear=True)
    assert command[:7].hex().upper() == "A306010000FF01"
    assert int.from_bytes(command[7:9], "little") == len(command) - 9 == 27 + len(AREA.text.encode("gbk"))
    assert command[9:18].hex().upper() == "00" + "0880" + "1000" + "B880" + "1000"
    assert command[9 + 27 :] == AREA.text.encode("gbk")


@pytest.mark.parametrize("clear", [True, False])
def test_g17_a_text_shown_is_read_by_the_other_end(clear):
    two = msgspec.structs.replace(AREA, number=2, y=0, text="请稍候")
    assert protocol.parse_areas(protocol.show(AREA, two, clear=clear)) == ([AREA, two], clear)


@pytest.mark.parametrize("cut", [0, 5, 8, 20, 40])
def test_a_text_that_ends_early_is_garbled(cut):
    with pytest.raises(Garbled):
        protocol.parse_areas(protocol.show(AREA)[:cut])


def test_an_area_whose_text_is_shorter_than_it_says_is_garbled():
    command = bytearray(protocol.show(AREA))
    command[9 + 23] += 1
    with pytest.raises(Garbled):
        protocol.parse_areas(bytes(command))


@pytest.mark.parametrize("error", [*protocol.ERRORS, 200])
def test_every_refusal_has_words_in_both_languages_and_a_next_step(error):
    with pytest.raises(Faulty) as refused:
        protocol.check_answer(said(protocol.answer(protocol.NACK, error)), "show")
    assert all((refused.value.words.zh, refused.value.words.en, refused.value.next.zh, refused.value.next.en))


def test_an_answer_that_is_neither_yes_nor_no_is_garbled():
    protocol.check_answer(said(protocol.answer(protocol.ACK)), "show")
    for wrong in (b"", protocol.NACK, b"\xa2\x00"):
        with pytest.raises(Garbled):
            protocol.check_answer(said(wrong), "show")


def test_the_answer_of_another_screen_on_the_line_is_none():
    acknowledged = said(protocol.answer(protocol.ACK))
    protocol.check_answer(acknowledged, "show", screen=1)
    with pytest.raises(Garbled):
        protocol.check_answer(acknowledged, "show", screen=2)


def test_a_frame_is_found_in_pieces_and_after_noise():
    frame = protocol.frame(protocol.show(AREA))
    packets = Packets()
    found = [event for byte in b"noise" + frame for event in packets.feed(bytes((byte,)))]
    assert found == [Packet(0xFFFE, 0x8000, protocol.show(AREA))]
    assert packets.pending == 0


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda frame: frame[:30] + bytes((frame[30] ^ 1,)) + frame[31:], "check sum"),
        (lambda frame: frame[:20] + frame, "a frame without an end"),
        (lambda _: b"\xa5abc\x5a", "short frame or wrong escape"),
        (lambda _: b"\xa5" + b"\xa6\x07" * 20 + b"\x5a", "short frame or wrong escape"),
        (lambda _: b"\xa5" + b"x" * 5000 + b"\x5a", "a frame without an end"),
    ],
    ids=["flipped", "cut", "short", "escape", "endless"],
)
def test_damage_is_said_and_the_next_frame_is_right(spoil, reason):
    frame = protocol.frame(protocol.show(AREA))
    packets = Packets()
    assert packets.feed(spoil(frame))[0] == Damage(reason)
    packets.reset()
    assert packets.feed(frame) == [Packet(0xFFFE, 0x8000, protocol.show(AREA))]


def test_a_wrong_length_with_a_right_check_sum_is_damage():
    inner = bytearray(protocol.HEADER.pack(1, 2, 0, 0xFE, 2, 99) + protocol.ping())
    inner += protocol.crc16(bytes(inner)).to_bytes(2, "little")
    assert Packets().feed(protocol.START + bytes(inner) + b"\x5a") == [Damage("length")]


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_any_bytes_give_frames_or_damage_and_memory_stays_bounded(chunks):
    packets = Packets()
    for chunk in chunks:
        for event in packets.feed(chunk):
            assert isinstance(event, Packet | Damage)
        assert packets.pending <= protocol.FRAME_BYTES_MAX + 1


@given(st.binary(max_size=200))
def test_any_command_is_a_text_or_garbled(command):
    try:
        protocol.parse_areas(protocol.SHOW + command)
    except Garbled:
        return
