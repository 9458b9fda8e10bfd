import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.devices.resident_id import protocol
from drivers.devices.resident_id.protocol import Frame, Frames
from drivers.errors import CardRefused, DriverError, Faulty, Garbled, NoCard
from drivers.wires.listening import Damage

REQUESTS = (
    (protocol.RESET, "AAAAAA9669000310FFEC"),
    (protocol.STATUS, "AAAAAA9669000311FFED"),
    (protocol.NUMBER, "AAAAAA9669000312FFEE"),
    (protocol.FIND, "AAAAAA96690003200122"),
    (protocol.SELECT, "AAAAAA96690003200221"),
    (protocol.READ, "AAAAAA96690003300132"),
    (protocol.NEWEST_ADDRESS, "AAAAAA96690003300330"),
    (protocol.READ_FINGERPRINT, "AAAAAA96690003301023"),
    (protocol.SET_BAUD[115200], "AAAAAA96690003600063"),
    (protocol.SET_BAUD[57600], "AAAAAA96690003600162"),
    (protocol.SET_BAUD[38400], "AAAAAA96690003600261"),
    (protocol.SET_BAUD[19200], "AAAAAA96690003600360"),
    (protocol.SET_BAUD[9600], "AAAAAA96690003600467"),
)
ERROR_CHECKS = {
    0x80: 0x84, 0x81: 0x85, 0x41: 0x45, 0x10: 0x14, 0x11: 0x15, 0x21: 0x25, 0x23: 0x27, 0x24: 0x20,
    0x31: 0x35, 0x32: 0x36, 0x33: 0x37, 0x40: 0x44, 0x47: 0x43, 0x60: 0x64, 0x66: 0x62, 0x91: 0x95,
}  # fmt: skip


@pytest.mark.parametrize(("command", "hexed"), REQUESTS, ids=[command.name for command, _ in REQUESTS])
def test_g17_every_request_is_the_published_frame(command, hexed):
    assert protocol.request(command) == bytes.fromhex(hexed)


@pytest.mark.parametrize(
    ("sw", "payload", "hexed"),
    [
        (0x90, b"", "AAAAAA9669000400009094"),
        (0x9F, bytes(4), "AAAAAA9669000800009F0000000097"),
        (0x90, bytes(8), "AAAAAA9669000C00009000000000000000009C"),
    ],
)
def test_g17_every_answer_is_the_published_frame(sw, payload, hexed):
    assert protocol.answer(sw, payload) == bytes.fromhex(hexed)


@pytest.mark.parametrize("sw", ERROR_CHECKS)
def test_error_answers_carry_the_published_check_byte(sw):
    assert protocol.answer(sw)[-1] == ERROR_CHECKS[sw]


def test_lengths_on_the_wire_are_the_published_ones():
    head = bytes.fromhex("01000400")
    read = protocol.answer(0x90, head + bytes(1280))
    assert (len(read), read[5:7].hex()) == (1295, "0508")
    for fingerprint, total in ((1024, 2321), (512, 1809), (0, 1297)):
        inner = head + fingerprint.to_bytes(2, "big")
        assert len(protocol.answer(0x90, inner + bytes(1280 + fingerprint))) == total
    assert len(protocol.answer(0x90, bytes(70))) == 81


def test_frames_come_out_whole_whatever_pieces_they_arrive_in():
    wire = protocol.answer(0x90) + protocol.answer(0x9F, bytes(4))
    for size in range(1, len(wire) + 1):
        frames = Frames()
        found = [event for at in range(0, len(wire), size) for event in frames.feed(wire[at : at + size])]
        assert found == [Frame(b"\0\0\x90"), Frame(b"\0\0\x9f\0\0\0\0")]
        assert frames.pending == 0


def test_noise_before_a_frame_is_dropped():
    assert Frames().feed(b"\x00\xaa\xaa" + b"\xaa" + protocol.answer(0x90)) == [Frame(b"\0\0\x90")]


def test_a_flipped_bit_anywhere_never_gives_another_frame():
    wire = protocol.answer(0x9F, bytes(4))
    for at in range(len(wire)):
        for bit in range(8):
            spoiled = bytearray(wire)
            spoiled[at] ^= 1 << bit
            found = Frames().feed(bytes(spoiled))
            assert not any(isinstance(event, Frame) for event in found), (at, bit)


@pytest.mark.parametrize("length", [0, 2, 4097, 0xFFFF])
def test_an_impossible_length_is_damage_and_the_next_frame_is_found(length):
    frames = Frames()
    wrong = protocol.PREAMBLE + length.to_bytes(2, "big")
    assert frames.feed(wrong + protocol.answer(0x90)) == [Damage(f"length {length}"), Frame(b"\0\0\x90")]


def test_a_frame_inside_a_damaged_one_is_found():
    outer = bytearray(protocol.answer(0x90, protocol.answer(0x9F, bytes(4))))
    outer[-1] ^= 1
    assert Frames().feed(bytes(outer)) == [Damage("check byte"), Frame(b"\0\0\x9f\0\0\0\0")]


def test_reset_forgets_half_a_frame():
    frames = Frames()
    frames.feed(protocol.answer(0x90)[:9])
    assert frames.pending == 9
    frames.reset()
    assert frames.feed(protocol.answer(0x9F, bytes(4))) == [Frame(b"\0\0\x9f\0\0\0\0")]


_pieces = st.binary(max_size=600) | st.just(protocol.PREAMBLE) | st.just(protocol.answer(0x80))


@given(st.lists(_pieces, max_size=20))
def test_any_bytes_give_frames_or_damage_and_memory_stays_bounded(chunks):
    frames = Frames()
    for chunk in chunks:
        for event in frames.feed(chunk):
            if isinstance(event, Frame):
                for command in protocol.COMMANDS:
                    try:
                        protocol.parse_answer(event.body, command)
                    except Garbled:
                        continue
        assert frames.pending <= protocol.HEAD_BYTES + protocol.BODY_BYTES_MAX


@given(st.binary(max_size=400), st.binary(max_size=64))
def test_a_frame_is_found_behind_any_noise_at_the_latest_after_a_reset(body, noise):
    frames = Frames()
    frames.feed(noise)
    frames.reset()
    assert frames.feed(protocol.frame(bytes(2) + body)) == [Frame(bytes(2) + body)]


def test_an_answer_of_another_command_is_garbled():
    select = bytes.fromhex("0000900000000000000000")
    assert protocol.parse_answer(select, protocol.SELECT).payload == bytes(8)
    for command in (protocol.FIND, protocol.STATUS, protocol.READ, protocol.NEWEST_ADDRESS):
        with pytest.raises(Garbled):
            protocol.parse_answer(select, command)


@pytest.mark.parametrize("body", [b"", b"\0\0", b"\x01\0\x90", b"\0\x01\x90", b"\0\0\x80\0"])
def test_a_body_that_is_no_answer_is_garbled(body):
    with pytest.raises(Garbled):
        protocol.parse_answer(body, protocol.STATUS)


def test_a_bad_status_is_an_answer_for_every_command():
    for command in protocol.COMMANDS:
        assert protocol.parse_answer(b"\0\0\x41", command).sw == 0x41
    with pytest.raises(Garbled):
        protocol.parse_answer(b"\0\0\x9f", protocol.STATUS)


def test_read_blocks_are_split_by_their_inner_lengths():
    text, photo, finger = bytes(256), b"p" * 1024, b"f" * 512
    two = bytes.fromhex("01000400") + text + photo
    assert protocol.split_read(protocol.READ, two) == (text, photo, b"")
    three = bytes.fromhex("010004000200") + text + photo + finger
    assert protocol.split_read(protocol.READ_FINGERPRINT, three) == (text, photo, finger)


@pytest.mark.parametrize("head", ["00FF0401", "01000300", "01000401"])
def test_inner_lengths_that_do_not_add_up_are_garbled(head):
    with pytest.raises(Garbled):
        protocol.split_read(protocol.READ, bytes.fromhex(head) + bytes(1280))


def test_the_module_number_is_printed_as_vendors_print_it():
    payload = bytes.fromhex("0500010020A13401D2040000E1100000")
    assert protocol.sam_number(payload) == "05.01-20226336-0000001234-0000004321"


def test_every_status_word_has_words_in_both_languages_and_a_next_step():
    listed = {0x91, 0x80, 0x81, 0x41, 0x10, 0x11, 0x21, 0x23, 0x24, 0x31, 0x32, 0x33, 0x37, 0x3F, 0x40, 0x47}
    assert listed | {0x60, 0x66, 0x01, 0x02, 0x03, 0x05, 0x09} == set(protocol.STATUS_WORDS)
    for sw in protocol.STATUS_WORDS:
        error = protocol.trouble(protocol.READ, sw)
        assert error.words.zh.endswith("。")
        assert error.words.en.endswith(".")
        assert error.next.zh
        assert error.next.en
        assert f"{sw:02X}" in error.detail


def test_status_words_become_the_error_a_caller_can_act_on():
    kinds = {sw: type(protocol.trouble(protocol.FIND, sw)) for sw in (0x80, 0x41, 0x10, 0x60, 0x5A)}
    assert kinds == {0x80: NoCard, 0x41: CardRefused, 0x10: Garbled, 0x60: Faulty, 0x5A: Faulty}


def test_every_possible_status_byte_is_inside_the_error_tree():
    assert all(isinstance(protocol.trouble(protocol.READ, sw), DriverError) for sw in range(256))
