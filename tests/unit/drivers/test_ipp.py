import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import a4
from drivers.devices.a4_ipp import protocol
from drivers.devices.a4_ipp.protocol import Attribute, Group, Message, decode, encode
from drivers.errors import Busy, Faulty, Garbled, NotThisDevice, Offline

URI = "ipp://127.0.0.1:631/printers/hall"


def test_g17_a_request_is_the_bytes_of_the_standard():
    body = protocol.request(protocol.PRINTER_ATTRIBUTES, 7, "ipp://p", [])
    charset = b"\x47\x00\x12attributes-charset\x00\x05utf-8"
    language = b"\x48\x00\x1battributes-natural-language\x00\x05zh-cn"
    printer = b"\x45\x00\x0bprinter-uri\x00\x07ipp://p"
    assert body == b"\x02\x00\x00\x0b\x00\x00\x00\x07\x01" + charset + language + printer + b"\x03"


def test_a_job_carries_its_document_behind_the_attributes():
    message = decode(protocol.print_job(9, URI, "yizhan", "330102-000017", b"%PDF\x03\x00"))
    asked = message.group(protocol.GROUP_OPERATION)
    assert (message.code, message.request_id, message.document) == (protocol.PRINT_JOB, 9, b"%PDF\x03\x00")
    assert asked.texts("job-name") == ["330102-000017"]
    assert asked.texts("document-format") == ["application/pdf"]
    assert asked.texts("printer-uri") == [URI]


def test_values_of_every_kind_survive_and_further_values_have_no_name():
    attributes = [
        Attribute(protocol.KEYWORD, "printer-state-reasons", ("media-low", "door-open")),
        Attribute(protocol.BOOLEAN, "on", (True,)),
        Attribute(protocol.INTEGER, "number", (-5,)),
        Attribute(0x31, "raw", (b"\x00\x01",)),
    ]
    group = decode(encode(0, 1, {protocol.GROUP_PRINTER: attributes})).group(protocol.GROUP_PRINTER)
    assert group.texts("printer-state-reasons") == ["media-low", "door-open"]
    assert group.attributes["on"] == [True]
    assert group.number("number") == -5
    assert group.attributes["raw"] == [b"\x00\x01"]
    assert group.number("raw") is None
    assert group.number("none") is None
    assert Message(0, 1, ()).group(protocol.GROUP_JOB) == Group(protocol.GROUP_JOB, {})


def test_a_number_of_a_wrong_length_is_kept_raw():
    raw = (
        b"\x02\x00\x00\x00\x00\x00\x00\x01\x04\x21\x00\x01n\x00\x02\x00\x01\x22\x00\x01b\x00\x02\x00\x01\x03"
    )
    assert decode(raw).groups[0].attributes == {"n": [b"\x00\x01"], "b": [b"\x00\x01"]}


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "0200000000",
        "4854545000000000",
        "0200000000000001",
        "020000000000000104",
        "02000000000000014400016e000131",
        "020000000000000104210001",
        "0200000000000001042100016e0004",
        "02000000000000010421000000040000000103",
    ],
)
def test_a_message_that_is_none_is_garbled(wrong):
    with pytest.raises(Garbled):
        decode(bytes.fromhex(wrong))


def test_endless_attributes_are_garbled():
    attribute = b"\x21\x00\x01n\x00\x04\x00\x00\x00\x01"
    with pytest.raises(Garbled):
        decode(b"\x02\x00\x00\x00\x00\x00\x00\x01\x04" + attribute * 5000 + b"\x03")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (0x0401, NotThisDevice),
        (0x040A, NotThisDevice),
        (0x0507, Busy),
        (0x0506, Offline),
        (0x0503, Offline),
        (0x0400, Faulty),
    ],
)
def test_a_refusal_becomes_the_error_a_caller_can_act_on(code, kind):
    error = protocol.refusal(Message(code, 1, ()), "ipp:x:631/p")
    assert error is not None
    assert type(error) is kind
    assert error.device == "ipp:x:631/p"
    assert f"{code:04X}" in error.detail


def test_good_statuses_are_no_refusal():
    assert protocol.refusal(Message(0x0001, 1, ()), "x") is None


@pytest.mark.parametrize(
    ("state", "reasons", "expected"),
    [
        (3, ["none"], (True, "ok", False, "none", True)),
        (4, ["media-low-warning"], (True, "near-end", False, "none", True)),
        (5, ["media-empty-error"], (False, "out", False, "none", False)),
        (5, ["media-needed"], (False, "out", False, "none", False)),
        (5, ["cover-open-error", "media-empty"], (False, "out", True, "none", False)),
        (3, ["media-jam-error"], (True, "ok", False, "recoverable", False)),
        (3, ["toner-empty-error"], (True, "ok", False, "recoverable", False)),
        (3, ["offline-report"], (False, "ok", False, "none", False)),
        (5, ["paused"], (False, "ok", False, "none", False)),
    ],
)
def test_g17_what_a_queue_says_of_its_printer_is_read(state, reasons, expected):
    group = Group(4, {"printer-state": [state], "printer-state-reasons": list(reasons)})
    said = protocol.printer_state(group)
    assert (said.online, said.paper, said.cover_open, said.fault, said.ready) == expected
    assert said.words.zh
    assert said.next.en


def test_a_printer_without_a_state_is_garbled():
    with pytest.raises(Garbled):
        protocol.printer_state(Group(4, {}))


def test_every_stage_of_a_job_has_words():
    for stage in protocol.JOB_STAGES.values():
        words, step = a4.JOB[stage]
        assert all((words.zh, words.en, step.zh, step.en))


_pieces = st.sampled_from(
    [b"\x02\x00", b"\x04", b"\x21\x00\x01n\x00\x04\x00\x00\x00\x01", b"\x03", b"\x44\x00\x00\x00\x01a"]
)


@given(st.lists(st.binary(max_size=40) | _pieces, max_size=30).map(b"".join))
def test_any_bytes_are_a_message_or_garbled(data):
    for whole in (data, b"\x02\x00\x00\x00\x00\x00\x00\x01" + data):
        try:
            message = decode(whole)
        except Garbled:
            continue
        assert isinstance(message, Message)
