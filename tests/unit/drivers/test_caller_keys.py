import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.devices.caller_keys import protocol
from drivers.devices.caller_keys.protocol import Message, Messages
from drivers.errors import Garbled
from drivers.wires.listening import Damage

CALL = bytes.fromhex("FF6803036801010C0E16")


def test_g17_frames_are_the_published_bytes():
    assert protocol.frame(Message(1, 1, b"\x0c")) == CALL
    assert protocol.frame(Message(1, 1, b"\x06\x0f")) == bytes.fromhex("FF680404680101060F1716")
    assert protocol.show_ticket(1, 12)[5:-2] == bytes.fromhex("0102 0A0A0A 0A0102")
    assert protocol.show_waiting(2, 1007)[5:-2] == bytes.fromhex("0202 090909 0A0A0A")
    assert protocol.beep(1) == bytes.fromhex("FF6802026801030416")
    assert protocol.ask_rating(1)[5:-2] == bytes.fromhex("01010B")


def test_frames_come_out_whole_whatever_pieces_they_arrive_in():
    wire = b"\x00\xff" + CALL + b"\x16\xff" + protocol.frame(Message(2, 0x11, b"\x03"))
    for size in range(1, len(wire) + 1):
        messages = Messages()
        found = [event for at in range(0, len(wire), size) for event in messages.feed(wire[at : at + size])]
        assert found == [Message(1, 1, b"\x0c"), Message(2, 0x11, b"\x03")]
        assert messages.pending == 0


def test_a_flipped_bit_anywhere_never_gives_another_key():
    for at in range(len(CALL)):
        for bit in range(8):
            spoiled = bytearray(CALL)
            spoiled[at] ^= 1 << bit
            assert not any(
                isinstance(event, Message) for event in Messages().feed(bytes(spoiled) + bytes(40))
            )


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("FF68030468", "lengths 3 and 4"),
        ("FF68010168", "lengths 1 and 1"),
        ("FF68212168", "lengths 33 and 33"),
    ],
)
def test_an_impossible_length_is_damage_and_the_next_frame_is_found(wrong, reason):
    found = Messages().feed(bytes.fromhex(wrong) + CALL)
    assert found == [Damage(reason), Message(1, 1, b"\x0c")]


def test_reset_forgets_half_a_frame():
    messages = Messages()
    messages.feed(CALL[:6])
    assert messages.pending == 6
    messages.reset()
    assert messages.pending == 0
    assert messages.feed(CALL) == [Message(1, 1, b"\x0c")]


@pytest.mark.parametrize("data", protocol.KEYS)
def test_every_key_means_something_and_is_echoed(data):
    message = Message(3, protocol.CMD_KEY, data)
    key = protocol.parse_key(message)
    assert (key.pad, key.action, key.grade) == (3, protocol.KEYS[data][0], None)
    assert protocol.acknowledgement(message) == protocol.frame(message)


@pytest.mark.parametrize("grade", [0, 1, 2, 3])
def test_a_rating_keeps_the_key_as_pressed_and_is_answered(grade):
    message = Message(3, protocol.CMD_RATED, bytes((grade,)))
    key = protocol.parse_key(message)
    assert (key.action, key.grade) == ("rated", grade)
    assert key.words.zh
    assert protocol.acknowledgement(message) == protocol.frame(Message(3, 1, b"\x03"))


@pytest.mark.parametrize(
    "message", [Message(1, 0x11, b"\x04"), Message(1, 0x11, b""), Message(1, 1, b"\x7f"), Message(1, 9, b"")]
)
def test_a_key_nobody_knows_is_garbled(message):
    with pytest.raises(Garbled):
        protocol.parse_key(message)


@given(st.lists(st.binary(max_size=80) | st.just(CALL) | st.just(b"\xff\x68"), max_size=30))
def test_any_bytes_give_messages_or_damage_and_memory_stays_bounded(chunks):
    messages = Messages()
    for chunk in chunks:
        for event in messages.feed(chunk):
            if isinstance(event, Message):
                assert protocol.frame(event)
        assert messages.pending <= 40
