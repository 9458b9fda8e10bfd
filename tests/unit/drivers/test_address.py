import pytest

from drivers.errors import NotThisDevice
from drivers.wires.address import parse_address


def test_a_serial_address_is_a_path_and_options():
    where = parse_address("serial:/dev/serial/by-id/usb-reader?baud=9600&newest=no")
    assert (where.scheme, where.place) == ("serial", "/dev/serial/by-id/usb-reader")
    assert where.number("baud", 115200) == 9600
    assert where.number("other", 7) == 7
    assert where.choice("newest", ("yes", "no")) == "no"
    assert where.choice("other", ("yes", "no")) == "yes"


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("tcp:127.0.0.1:9100", "127.0.0.1", 9100),
        ("tcp:printer-2.hall:9100", "printer-2.hall", 9100),
        ("tcp:[::1]:1", "::1", 1),
    ],
)
def test_a_tcp_address_is_host_and_port(text, host, port):
    assert parse_address(text).host_port == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "serial:",
        "serial:COM1",
        "tcp:",
        "tcp:host",
        "tcp::9100",
        "tcp:a b:9100",
        "tcp:h:0",
        "tcp:h:65536",
        "/dev/ttyS0",
    ],
)
def test_an_address_that_is_none_is_refused_and_named(text):
    with pytest.raises(NotThisDevice) as refused:
        parse_address(text)
    assert refused.value.device == text


def test_options_are_refused_by_name():
    where = parse_address("serial:/dev/ttyS0?baud=fast&parity=even")
    with pytest.raises(NotThisDevice, match="baud is not a number"):
        where.number("baud", 9600)
    with pytest.raises(NotThisDevice, match="parity must be one of none, odd"):
        where.choice("parity", ("none", "odd"))
    with pytest.raises(NotThisDevice, match="unknown option parity"):
        where.only("baud")
