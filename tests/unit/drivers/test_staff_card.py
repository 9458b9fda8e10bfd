import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.devices.staff_card import protocol
from drivers.errors import CardRefused, Garbled
from drivers.wires import apdu

DER = b"\x30\x82\x01\x00" + bytes(256)


def test_commands_are_those_of_the_standard():
    assert apdu.select_name(protocol.AID).hex().upper() == "00A404000BA000000308000010000100"
    assert apdu.verify(0x80, protocol.pin_bytes("123456")).hex().upper() == "0020008008313233343536FFFF"
    assert protocol.CERTIFICATE.hex().upper() == "00CB3FFF055C035FC10500"
    command = protocol.sign_command(b"challenge")
    assert command.hex().upper().startswith("0087119A267C2482008120")
    assert protocol.digest_in(command) == hashlib.sha256(b"challenge").digest()


def test_g17_certificate_and_signature_are_taken_out_of_their_objects():
    card = protocol.parse_certificate(protocol.certificate_object(DER))
    assert card.certificate == DER
    assert card.fingerprint == hashlib.sha256(DER).hexdigest()
    signature = b"\x30\x06\x02\x01\x01\x02\x01\x01"
    assert protocol.parse_signature(protocol.signature_object(signature)) == signature


@pytest.mark.parametrize(
    "payload",
    [
        apdu.tlv(0x53, b""),
        apdu.tlv(0x53, apdu.tlv(0x70, b"no")),
        apdu.tlv(0x53, apdu.tlv(0x70, DER) + apdu.tlv(0x71, b"\x01")),
    ],
)
def test_a_card_without_a_usable_certificate_is_refused(payload):
    with pytest.raises(CardRefused) as refused:
        protocol.parse_certificate(payload)
    assert "密码登录" in refused.value.next.zh


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        apdu.tlv(0x7C, b""),
        protocol.signature_object(b"\x31" + bytes(9)),
        protocol.signature_object(b"\x30"),
    ],
)
def test_what_is_no_signature_is_garbled(payload):
    with pytest.raises(Garbled):
        protocol.parse_signature(payload)


def test_a_pin_has_six_to_eight_digits():
    for wrong in ("", "12345", "123456789", "12345a"):
        with pytest.raises(ValueError, match="PIN"):
            protocol.pin_bytes(wrong)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_certificate_or_refused(payload):
    for parse in (protocol.parse_certificate, protocol.parse_signature):
        try:
            parse(payload)
        except (CardRefused, Garbled):
            continue
