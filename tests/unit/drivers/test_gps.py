import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.devices.gps import protocol
from drivers.devices.gps.protocol import Sentences, check_sum, sentence
from drivers.ports import Fix
from drivers.wires.listening import Damage
from tests.unit.drivers.samples import HERE


def only(events):
    (event,) = events
    assert isinstance(event, Fix)
    return event


@pytest.mark.parametrize("talker", ["GP", "BD", "GN", "GL"])
def test_g17_a_position_of_any_talker_is_read(talker):
    assert Sentences().feed(protocol.report(HERE, talker)) == [HERE]


def test_the_usual_example_is_read_as_published():
    line = b"$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r\n"
    fix = only(Sentences().feed(line))
    assert (fix.latitude, fix.longitude, fix.speed_kmh) == (48.1173, 11.5166667, 41.48)


def test_south_and_west_are_negative_and_a_differential_fix_is_told():
    there = msgspec.structs.replace(HERE, latitude=-33.5, longitude=-70.25, state="differential")
    assert Sentences().feed(protocol.report(there)) == [there]


def test_without_satellites_there_is_no_position():
    assert Sentences().feed(protocol.report(Fix(state="none", satellites=0))) == [
        Fix(state="none", satellites=0)
    ]
    fix = only(Sentences().feed(sentence("GNRMC,,V,,,,,,,,,,N")))
    assert fix == Fix(state="none")


def test_other_sentences_are_passed_over():
    assert Sentences().feed(sentence("GPGSV,1,1,00") + sentence("GPTXT,hello")) == []


def test_reports_come_out_whole_whatever_pieces_they_arrive_in():
    wire = b"noise" + protocol.report(HERE) + b"\x00\xff" + protocol.report(HERE)
    for size in (1, 2, 3, 7, 50):
        sentences = Sentences()
        found = [event for at in range(0, len(wire), size) for event in sentences.feed(wire[at : at + size])]
        assert found == [HERE, HERE]
        assert sentences.pending == 0


def test_a_sentence_that_broke_off_does_not_spoil_the_next():
    rmc = protocol.report(HERE).split(b"\r\n")[1] + b"\r\n"
    fix = only(Sentences().feed(rmc[:20] + rmc))
    assert fix.latitude == HERE.latitude


def test_reset_forgets_half_a_sentence_and_old_satellites():
    sentences = Sentences()
    sentences.feed(protocol.report(HERE) + b"$GNRMC,12")
    sentences.reset()
    assert sentences.pending == 0
    fix = only(sentences.feed(sentence("GNRMC,,V,,,,,,,,,,N")))
    assert fix.satellites is None


@pytest.mark.parametrize(
    "line",
    [
        b"$GNRMC,123519,A*00\r\n",
        b"$GNRMC,123519,A\r\n",
        b"$GNRMC\xff*" + check_sum(b"GNRMC\xff") + b"\r\n",
        sentence("GNRMC,123519"),
        sentence("GNRMC,123519,X,4807.038,N,01131.000,E,,,230394,,"),
        sentence("GNRMC,123519,A,4867.038,N,01131.000,E,,,230394,,"),
        sentence("GNRMC,123519,A,9107.038,N,01131.000,E,,,230394,,"),
        sentence("GNRMC,123519,A,4807.038,X,01131.000,E,,,230394,,"),
        sentence("GNRMC,123519,A,north,N,01131.000,E,,,230394,,"),
        sentence("GNRMC,253519,A,4807.038,N,01131.000,E,,,230394,,"),
        sentence("GNRMC,123519,A,4807.038,N,01131.000,E,,,never,,"),
        sentence("GNRMC,noon,A,4807.038,N,01131.000,E,,,230394,,"),
        sentence("GNRMC,123519,A,4807.038,N,01131.000,E,fast,,230394,,"),
        sentence("GNGGA,123519,4807.038,N,01131.000,E,x,08"),
        b"$" + b"x" * 200 + b"\r\n",
    ],
)
def test_a_sentence_that_cannot_be_is_damage_and_the_next_is_read(line):
    events = Sentences().feed(line + protocol.report(HERE))
    assert isinstance(events[0], Damage)
    assert events[-1] == HERE


def test_a_sentence_without_end_is_given_up():
    sentences = Sentences()
    assert sentences.feed(b"$" + b"x" * 120) == [Damage("check sum")]
    assert sentences.pending == 0


def test_a_speed_may_be_missing():
    slow = msgspec.structs.replace(HERE, speed_kmh=None)
    assert Sentences().feed(protocol.report(slow)) == [slow]


_lines = st.sampled_from([b"$", b"*", b"\r\n", b"$GNRMC,", b"$GPGGA,", protocol.report(HERE)])


@given(st.lists(st.binary(max_size=100) | _lines, max_size=40))
def test_any_bytes_give_reports_or_damage_and_memory_stays_bounded(chunks):
    sentences = Sentences()
    for chunk in chunks:
        for event in sentences.feed(chunk):
            assert isinstance(event, Fix | Damage)
        assert sentences.pending <= 120


@given(
    st.text(st.characters(codec="ascii", exclude_characters="$*\r\n"), max_size=80),
    st.sampled_from(["RMC", "GGA"]),
)
def test_any_sentence_with_a_right_sum_is_inside_the_tree(body, kind):
    for event in Sentences().feed(sentence(f"GN{kind},{body}")):
        assert isinstance(event, Fix | Damage)
