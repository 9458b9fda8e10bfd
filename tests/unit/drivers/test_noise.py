"""Noise without end: no parser of a stream holds more than one unfinished event of it, nor falls silent after.

Ten megabytes over the real lines: tests/contract/test_ports.py.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from drivers.devices.caller_keys import protocol as keys
from drivers.devices.document_camera import protocol as camera
from drivers.devices.document_camera.virtual import drawn
from drivers.devices.gps import protocol as gps
from drivers.devices.led_screen import protocol as led
from drivers.devices.qr_scanner import protocol as codes
from drivers.devices.receipt_printer.commands import PAYLOAD_BYTES_MAX, Splitter
from drivers.devices.resident_id import protocol as sdt
from drivers.wires.twin_line import flood
from drivers.wires.wire import READ_BYTES
from tests.unit.drivers.samples import HERE

BYTES = 1_000_000
FRAME_BYTES_MAX = 8 * 1024


class Stream(msgspec.Struct, frozen=True):
    """One parser: how its events begin, one whole event as bytes, the most it may hold."""

    make: Callable[[], Any]
    start: bytes
    whole: bytes
    held_max: int = FRAME_BYTES_MAX


STREAMS = {
    "resident_id": Stream(sdt.Frames, sdt.PREAMBLE, sdt.answer(sdt.OK)),
    "caller_keys": Stream(keys.Messages, b"\xff\x68\x20\x20\x68", keys.beep(1)),
    "gps": Stream(gps.Sentences, b"$", gps.report(HERE)),
    "qr_scanner": Stream(codes.Codes, b"Y", codes.encode("YZ1.abc")),
    "led_screen": Stream(led.Packets, led.START, led.frame(led.ping())),
    "document_camera": Stream(camera.Pictures, camera.START, drawn("a"), camera.PICTURE_BYTES_MAX),
    "receipt_printer": Stream(Splitter, b"\x1d(k\xff\xff", b"\n", PAYLOAD_BYTES_MAX),
}


@pytest.mark.parametrize("noise", ["anything", "starts", "a start without an end"])
@pytest.mark.parametrize("name", STREAMS)
def test_noise_without_end_is_held_in_bounded_memory_and_a_whole_event_after_it_is_found(name, noise):
    stream = STREAMS[name]
    raw = {
        "anything": flood()[:BYTES],
        "starts": stream.start * (BYTES // len(stream.start)),
        "a start without an end": stream.start + b"0" * BYTES,
    }[noise]
    parser = stream.make()
    for at in range(0, len(raw), READ_BYTES):
        events = parser.feed(raw[at : at + READ_BYTES])
        assert len(events) <= READ_BYTES
        assert parser.pending <= stream.held_max + READ_BYTES
    parser.reset()
    assert parser.feed(stream.whole)[-1:] != []
