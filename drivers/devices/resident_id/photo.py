"""The slot for a decoder of a card's photo. The photo is a WLT block, and no open decoder is known.

Whoever has one installs a package with an entry point in the group `yizhan.wlt_decoder`: a function that
takes the 1,024 bytes and returns a BMP of 102 × 126. It is a vendor's binary code, so it runs in a process of
its own (`drivers.apart`): whatever it does, the caller goes on. No case ever needs the picture.

    python -m drivers.devices.resident_id.photo < block > picture.bmp      what that process is
"""

import sys
from importlib.metadata import entry_points
from io import BytesIO
from typing import Final

from PIL import Image

from drivers import apart
from drivers.devices.resident_id.protocol import PHOTO_BYTES
from drivers.errors import Faulty
from matters.model import Words

GROUP: Final = "yizhan.wlt_decoder"
SIZE: Final = (102, 126)
BMP_BYTES_MAX: Final = 64 * 1024
DECODE_S: Final = 20.0
CPU_S: Final = 3
MEMORY_BYTES: Final = 1 << 30
NONE_HERE: Final = 3
_FAILED: Final = Words(zh="照片解码器出错，照片不显示。", en="The photo decoder failed; no photo is shown.")
_ANYWAY: Final = Words(
    zh="不影响办理：请对照证件上的照片核对本人。", en="Work goes on: compare the person with the card itself."
)


async def decoded(photo: bytes) -> bytes | None:
    """The photo as PNG, None where no decoder is installed.

    Raises Faulty when the decoder crashed, hung or gave no picture of a card. About 0.2 s of another
    process.
    """
    assert len(photo) == PHOTO_BYTES, "a WLT block has 1,024 bytes"
    job = "drivers.devices.resident_id.photo"
    code, picture = await apart.run(job, photo, seconds=DECODE_S, bytes_max=BMP_BYTES_MAX)
    if code == NONE_HERE:
        return None
    if code != 0:
        raise _failed(f"exit {code}")
    return _as_png(picture)


def _as_png(picture: bytes) -> bytes:
    """A decoder's BMP, redrawn: nothing of its bytes goes further. Raises Faulty for anything else."""
    try:
        with Image.open(BytesIO(picture), formats=("BMP",)) as image:
            if image.size != SIZE:
                raise _failed(f"{image.size[0]} × {image.size[1]}")
            kept = BytesIO()
            image.convert("RGB").save(kept, "PNG")
            return kept.getvalue()
    except (OSError, SyntaxError, ValueError) as wrong:
        raise _failed(type(wrong).__name__) from None


def _failed(why: str) -> Faulty:
    return Faulty(f"photo decoder: {why}", words=_FAILED, next_step=_ANYWAY)


def main() -> int:
    """Decode standard input with the one decoder installed; 3 when there is none."""
    found = next(iter(entry_points(group=GROUP)), None)
    if found is None:
        return NONE_HERE
    apart.confine(memory_bytes=MEMORY_BYTES, cpu_s=CPU_S)
    picture = found.load()(sys.stdin.buffer.read(PHOTO_BYTES))
    sys.stdout.buffer.write(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
