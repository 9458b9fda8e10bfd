import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.devices.document_camera import protocol
from drivers.devices.document_camera.protocol import Pictures
from drivers.devices.document_camera.virtual import drawn
from drivers.errors import Garbled
from drivers.wires.listening import Damage

SHEET = drawn("ID copy")
HEADER = Path("/usr/include/linux/videodev2.h")
NAMES = {
    "VIDIOC_QUERYCAP": protocol.QUERYCAP,
    "VIDIOC_S_FMT": protocol.S_FMT,
    "VIDIOC_REQBUFS": protocol.REQBUFS,
    "VIDIOC_QUERYBUF": protocol.QUERYBUF,
    "VIDIOC_QBUF": protocol.QBUF,
    "VIDIOC_DQBUF": protocol.DQBUF,
    "VIDIOC_STREAMON": protocol.STREAMON,
    "VIDIOC_STREAMOFF": protocol.STREAMOFF,
    "V4L2_CAP_VIDEO_CAPTURE": protocol.CAN_CAPTURE,
    "V4L2_CAP_STREAMING": protocol.CAN_STREAM,
    "V4L2_PIX_FMT_MJPEG": protocol.MJPG,
    "V4L2_PIX_FMT_JPEG": protocol.JPEG,
    "offsetof(struct v4l2_buffer, bytesused)": 8,
    "offsetof(struct v4l2_buffer, memory)": 60,
    "offsetof(struct v4l2_buffer, m)": 64,
    "offsetof(struct v4l2_buffer, length)": 72,
    "offsetof(struct v4l2_format, fmt)": 8,
    "offsetof(struct v4l2_capability, device_caps)": 88,
}


def test_every_request_names_the_size_of_its_block():
    blocks = {
        protocol.QUERYCAP: protocol.query_ability(),
        protocol.S_FMT: protocol.set_format(640, 480),
        protocol.REQBUFS: protocol.ask_buffers(2),
        protocol.QBUF: protocol.buffer(1),
    }
    assert {request: request >> 16 & 0x3FFF for request in blocks} == {
        request: len(block) for request, block in blocks.items()
    }


@pytest.mark.skipif(not (HEADER.exists() and shutil.which("cc")), reason="no compiler or kernel headers here")
def test_requests_and_places_are_those_of_the_kernels_header(tmp_path):
    printed = "".join(f'printf("%llu\\n", (unsigned long long)({name}));' for name in NAMES)
    source = f"#include <stdio.h>\n#include <stddef.h>\n#include <sys/time.h>\n#include <linux/videodev2.h>\nint main(void){{{printed}}}"
    program = tmp_path / "names"
    subprocess.run(["cc", "-x", "c", "-", "-o", program], input=source, text=True, check=True, timeout=60)
    said = subprocess.run([program], capture_output=True, text=True, check=True, timeout=10).stdout
    assert dict(zip(NAMES, map(int, said.split()), strict=True)) == NAMES


def test_blocks_of_the_kernel_are_read():
    able = bytearray(protocol.query_ability())
    able[16:20] = b"Cam\0"
    able[84:88] = (protocol.HAS_OWN | protocol.CAN_CAPTURE).to_bytes(4, "little")
    assert protocol.parse_ability(bytes(able)) == protocol.Ability("Cam", pictures=False)
    able[88:92] = (protocol.CAN_CAPTURE | protocol.CAN_STREAM).to_bytes(4, "little")
    assert protocol.parse_ability(bytes(able)).pictures
    assert protocol.parse_format(protocol.set_format(800, 600)) == (800, 600, True)
    block = bytearray(protocol.buffer(1))
    block[8:12], block[64:68], block[72:76] = b"\x10\0\0\0", b"\0\x10\0\0", b"\0\0\1\0"
    assert protocol.parse_buffer(bytes(block)) == (1, 16, 0x1000, 0x10000)


@pytest.mark.parametrize("step", [1, 7, 100, 10_000])
def test_g17_a_picture_is_found_in_pieces_and_after_noise(step):
    stream = b"noise\xff\xd8" + SHEET + SHEET
    pictures = Pictures()
    found = [event for at in range(0, len(stream), step) for event in pictures.feed(stream[at : at + step])]
    assert found == [Damage("no picture after its start"), SHEET, SHEET]
    assert protocol.check_picture(SHEET) == (48, 32)
    assert pictures.pending == 0


def test_a_picture_inside_the_picture_does_not_end_it():
    inner = b"\xff\xe1" + (len(SHEET) + 2).to_bytes(2, "big") + SHEET
    outer = SHEET[:2] + inner + b"\xff\x01\xff" + SHEET[2:]
    assert Pictures().feed(outer) == [outer]


@pytest.mark.parametrize(
    "spoiled", [b"\xff\xd8\xff\xe0\x00\x01", b"\xff\xd8\xff\xe0\x00\x04ab!!"], ids=["length", "mark"]
)
def test_what_begins_like_a_picture_and_is_none_is_damage(spoiled):
    pictures = Pictures()
    assert pictures.feed(spoiled + SHEET) == [Damage("no picture after its start"), SHEET]


def test_a_picture_without_an_end_does_not_fill_the_memory():
    pictures = Pictures()
    endless = SHEET[:-2] + bytes(protocol.PICTURE_BYTES_MAX)
    assert pictures.feed(endless) == [Damage("a picture without an end")]
    assert pictures.pending == 0
    assert pictures.feed(SHEET) == [SHEET]


@pytest.mark.parametrize("wrong", [b"", SHEET[:200], b"\xff\xd8\xff\xd9", b"\x89PNG"])
def test_what_cannot_be_drawn_is_garbled(wrong):
    with pytest.raises(Garbled):
        protocol.check_picture(wrong)


@given(
    st.lists(
        st.binary(max_size=60) | st.sampled_from([b"\xff\xd8\xff", b"\xff\xda\x00\x02", b"\xff\xd9"]),
        max_size=30,
    )
)
def test_any_bytes_give_pictures_or_damage_and_memory_stays_bounded(chunks):
    whole, pieces = Pictures(), Pictures()
    found = [event for chunk in chunks for event in pieces.feed(chunk)]
    assert found == whole.feed(b"".join(chunks))
    assert all(isinstance(event, bytes | Damage) for event in found)
    assert pieces.pending <= sum(map(len, chunks))
