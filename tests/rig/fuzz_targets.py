"""What the fuzzers push bytes into: every parser of a device's protocol, and what must hold whatever comes.

A target raises AssertionError, or anything outside the tree of `drivers.errors`, when a promise is broken.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from drivers.devices.a4_ipp import protocol as ipp
from drivers.devices.a4_spool import protocol as spool
from drivers.devices.caller_keys import protocol as keys
from drivers.devices.document_camera import protocol as camera
from drivers.devices.document_camera.virtual import drawn
from drivers.devices.gps import protocol as gps
from drivers.devices.led_screen import protocol as led
from drivers.devices.organisation_card import protocol as organisation
from drivers.devices.qr_scanner import protocol as codes
from drivers.devices.receipt_printer import protocol as slips
from drivers.devices.receipt_printer.abilities import Abilities
from drivers.devices.receipt_printer.commands import PAYLOAD_BYTES_MAX, Splitter
from drivers.devices.receipt_printer.decoder import Typesetter
from drivers.devices.resident_id import card as cards
from drivers.devices.resident_id import protocol as sdt
from drivers.devices.social_card import protocol as social
from drivers.devices.staff_card import protocol as piv
from drivers.errors import DriverError
from drivers.wires import apdu
from drivers.wires.conversation import parse_conversation
from tests.unit.drivers.samples import CARDS, HERE, SOCIAL

FRAME_BYTES_MAX: Final = 8 * 1024
PIECE_BYTES: Final = 7
FIELDS: Final = tuple(social.write_records(SOCIAL))
COMMANDS: Final = sdt.COMMANDS
_PRINTERS: Final = (
    Abilities(),
    Abilities(columns=32),
    Abilities(chinese=False, qr=False),
    Abilities(raster=False, qr=False, cut=False),
)


def _pieces(raw: bytes) -> list[bytes]:
    return [raw[at : at + PIECE_BYTES] for at in range(0, len(raw), PIECE_BYTES)]


def _stream(make: Callable[[], Any], raw: bytes) -> None:
    """Whole and in pieces must amount to the same, in bounded memory."""
    whole = make().feed(raw)
    parser = make()
    found = []
    for piece in _pieces(raw):
        found += parser.feed(piece)
        assert parser.pending <= FRAME_BYTES_MAX
    assert found == whole
    parser.reset()
    assert parser.pending == 0


def resident_frames(raw: bytes) -> None:
    _stream(sdt.Frames, raw)
    for command in COMMANDS:
        with suppress(DriverError):
            sdt.parse_answer(raw, command)


def resident_card(raw: bytes) -> None:
    with suppress(DriverError):
        cards.read_card_text(raw[:256].ljust(256, b" \0"[:1]))
    with suppress(DriverError):
        cards.read_addresses(raw[:280])


def slip_orders(raw: bytes) -> None:
    splitter, paper = Splitter(), Typesetter()
    for piece in _pieces(raw):
        for token in splitter.feed(piece):
            paper.take(token)
        assert splitter.pending <= PAYLOAD_BYTES_MAX + len(piece) + 16
    with suppress(DriverError):
        slips.parse_status(raw[:4])


def slip_text(raw: bytes) -> None:
    text = raw.decode("utf-8", "replace")
    job = bytes(slips.Slip(_PRINTERS[len(raw) % len(_PRINTERS)]).text(text[:200]).cut())
    tokens = Splitter().feed(job)
    assert tokens


def ipp_message(raw: bytes) -> None:
    with suppress(DriverError):
        message = ipp.decode(raw)
        ipp.refusal(message, "fuzz")
        ipp.printer_state(message.group(ipp.GROUP_PRINTER))


def spool_files(raw: bytes) -> None:
    with suppress(DriverError):
        spool.printer_state(raw)


def pads(raw: bytes) -> None:
    _stream(keys.Messages, raw)
    for event in keys.Messages().feed(raw):
        if isinstance(event, keys.Message):
            with suppress(DriverError):
                keys.parse_key(event)


def positions(raw: bytes) -> None:
    _stream(gps.Sentences, raw)


def scans(raw: bytes) -> None:
    _stream(codes.Codes, raw)


def screen(raw: bytes) -> None:
    _stream(led.Packets, raw)
    with suppress(DriverError):
        led.parse_areas(led.SHOW + raw)
    with suppress(DriverError):
        led.check_answer(led.Packet(0, 0, raw), "fuzz")


def pictures(raw: bytes) -> None:
    _stream(camera.Pictures, raw)
    with suppress(DriverError):
        camera.check_picture(raw)


def chip_answers(raw: bytes) -> None:
    with suppress(DriverError):
        reply = apdu.parse_reply(raw)
        apdu.trouble(reply.sw, "fuzz")
        apdu.follow_up(b"\x00\xb2\x01\x04\x00", reply)
    with suppress(DriverError):
        assert sum(len(value) for _, value in apdu.split_tlv(raw)) <= len(raw)


def social_records(raw: bytes) -> None:
    values = social.write_records(SOCIAL)
    field = FIELDS[raw[0] % len(FIELDS)] if raw else "name"
    with suppress(DriverError):
        social.parse_card(3, {**values, field: raw[1:]})
    with suppress(DriverError):
        social.record_value(raw, field)


def organisation_records(raw: bytes) -> None:
    with suppress(DriverError):
        organisation.parse_card(organisation.BUILT_IN, raw[: len(raw) // 2], raw[len(raw) // 2 :])
    with suppress(DriverError):
        organisation.parse_map(raw.decode("utf-8", "replace"))


def staff_objects(raw: bytes) -> None:
    for parse in (piv.parse_certificate, piv.parse_signature):
        with suppress(DriverError):
            parse(raw)


def conversations(raw: bytes) -> None:
    with suppress(ValueError):
        parse_conversation(raw.decode("utf-8", "replace"))


def broken_on_purpose(raw: bytes) -> None:
    """A parser with a bug behind two bytes, which only a fuzzer that looks at coverage finds."""
    if raw[:1] == b"Y" and raw[1:2] == b"Z":
        raise KeyError(raw)


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    target.__name__: target
    for target in (
        resident_frames,
        resident_card,
        slip_orders,
        slip_text,
        ipp_message,
        spool_files,
        pads,
        positions,
        scans,
        screen,
        pictures,
        chip_answers,
        social_records,
        organisation_records,
        staff_objects,
        conversations,
    )
}

SEEDS: Final[dict[str, tuple[bytes, ...]]] = {
    "resident_frames": (sdt.answer(sdt.OK), sdt.answer(sdt.FOUND, bytes(4)), sdt.answer(sdt.OK, bytes(70))),
    "resident_card": tuple(cards.write_card_text(card) for card in CARDS),
    "slip_orders": (bytes(slips.Slip().text("政务").qr("a").cut()), b"\x12\x12\x12\x12"),
    "ipp_message": (
        ipp.print_job(1, "ipp://h/p", "u", "n", b"%PDF"),
        ipp.request(ipp.JOBS, 1, "ipp://h/p", []),
    ),
    "spool_files": (b'{"paper": "out"}',),
    "pads": (bytes.fromhex("FF68030368 01010C0E16"), bytes.fromhex("FF68040468 0101060F1716")),
    "positions": (gps.report(HERE),),
    "scans": (codes.encode("YZ1.abc"),),
    "screen": (led.frame(led.show(led.Area(width=8, height=8, text="字"))), led.answer(led.NACK, 3)),
    "pictures": (drawn("a"), b"\xff\xd8\xff\xd0\xff\xd9"),
    "chip_answers": (apdu.tlv(0x53, apdu.tlv(0x70, bytes(200))), b"\x63\xc2", b"\x6c\x14"),
    "social_records": tuple(
        bytes((at,)) + value for at, value in enumerate(social.write_records(SOCIAL).values())
    ),
    "organisation_records": (b'file = 1\ncode = 1\norganisation = 2\naid = "D156000005"',),
    "staff_objects": (
        piv.certificate_object(b"0" * 64),
        piv.signature_object(b"\x30\x06\x02\x01\x01\x02\x01\x01"),
    ),
    "conversations": (b"# a\n> 1234\n< 12\n",),
}
