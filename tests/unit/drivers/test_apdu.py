import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import CardRefused, DriverError, Faulty, Garbled, PinNeeded, PinRefused
from drivers.wires import apdu
from drivers.wires.apdu import Reply
from drivers.wires.pcsc_calls import trouble as pcsc_trouble


def test_commands_are_those_of_the_published_reader_programs():
    assert apdu.select_name("sx1.sh.社会保障".encode("gbk")).hex().upper() == (
        "00A404000F7378312E73682EC9E7BBE1B1A3D5CF"
    )
    assert apdu.select_file(0xEF05).hex().upper() == "00A4020002EF05"
    assert apdu.read_record(8, 0, 0x14).hex().upper() == "00B2080014"
    assert apdu.read_record(1, 4, 0x14).hex().upper() == "00B2010414"
    assert apdu.verify(0, bytes.fromhex("123456")).hex().upper() == "0020000003123456"
    assert apdu.verify(0x80, b"").hex() == "00200080"
    assert apdu.get_response(0x11).hex().upper() == "00C0000011"


def test_g17_more_bytes_are_fetched_and_a_wrong_length_is_corrected():
    command = apdu.read_record(8, 0)
    assert apdu.follow_up(command, Reply(b"", 0x9000)) == b""
    assert apdu.follow_up(command, Reply(b"", 0x6114)) == bytes.fromhex("00C0000014")
    assert apdu.follow_up(command, Reply(b"", 0x6C14)) == bytes.fromhex("00B2080014")
    assert apdu.with_length(bytes.fromhex("00A4020002EF05"), 0x10) == bytes.fromhex("00A4020002EF0510")
    assert apdu.with_length(bytes.fromhex("00840000"), 8) == bytes.fromhex("0084000008")


def test_an_answer_without_a_status_word_is_garbled():
    assert apdu.parse_reply(b"ab\x90\x00") == Reply(b"ab", 0x9000)
    for raw in (b"", b"\x90", bytes(apdu.REPLY_BYTES_MAX + 1)):
        with pytest.raises(Garbled):
            apdu.parse_reply(raw)


@pytest.mark.parametrize("sw", [*apdu.STATUS, 0x63C2, 0x63C0, 0x1234])
def test_every_status_word_has_words_in_both_languages_and_a_next_step(sw):
    error = apdu.trouble(sw, "test")
    assert all((error.words.zh, error.words.en, error.next.zh, error.next.en))
    assert f"{sw:04X}" in error.detail


def test_a_refused_pin_says_how_many_tries_are_left():
    kinds = {sw: apdu.trouble(sw, "PIN") for sw in (0x63C2, 0x63C0, 0x6983, 0x6982, 0x6A82, 0x6581)}
    assert [type(error) for error in kinds.values()] == [
        PinRefused,
        PinRefused,
        PinRefused,
        PinNeeded,
        CardRefused,
        Faulty,
    ]
    tries = [error.tries_left for error in kinds.values() if isinstance(error, PinRefused)]
    assert tries == [2, 0, 0]
    assert "锁" in kinds[0x6983].words.zh
    assert kinds[0x63C2].words != kinds[0x63C0].words


def test_objects_are_split_and_padding_is_passed_over():
    raw = b"\x00" + apdu.tlv(0x53, b"x" * 300) + b"\xff" + apdu.tlv(0x5F2F, b"y" * 200) + apdu.tlv(0x80, b"")
    assert apdu.split_tlv(raw) == [(0x53, b"x" * 300), (0x5F2F, b"y" * 200), (0x80, b"")]


@pytest.mark.parametrize(
    "raw", ["53", "5305", "5383010203", "5382FF", "5F", "5F81", "5F8181", "5380", "5F818181"]
)
def test_an_object_that_ends_early_is_garbled(raw):
    with pytest.raises(Garbled):
        apdu.split_tlv(bytes.fromhex(raw))


@given(st.binary(max_size=400))
def test_any_bytes_are_objects_or_garbled(raw):
    try:
        objects = apdu.split_tlv(raw)
    except Garbled:
        return
    assert sum(len(value) for _, value in objects) <= len(raw)


@given(st.integers(0, 0xFFFFFFFF))
def test_any_code_of_the_card_library_is_an_error_of_the_tree(code):
    error = pcsc_trouble(code, "call")
    assert isinstance(error, DriverError)
    assert error.words.zh
    assert error.next.zh
