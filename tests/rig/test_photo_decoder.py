"""The slot for a photo decoder: a toy one is found by its entry point, a bad one harms nobody but itself."""

from io import BytesIO

import pytest
from PIL import Image

from drivers.devices.resident_id.photo import GROUP, SIZE, decoded
from drivers.errors import Faulty

pytestmark = pytest.mark.rig

BLOCK = bytes(range(256)) * 4
GOOD = """
from io import BytesIO
from PIL import Image

def decode(block):
    kept = BytesIO()
    Image.new("RGB", (102, 126), (block[1], block[2], block[3])).save(kept, "BMP")
    return kept.getvalue()
"""
BAD = {
    "crashes": "import os, signal\ndef decode(block): os.kill(os.getpid(), signal.SIGSEGV)",
    "raises": "def decode(block): raise RuntimeError(block)",
    "eats memory": "def decode(block): return bytes(1 << 34)",
    "gives noise": "def decode(block): return block",
    "gives nothing": "def decode(block): return b''",
    "gives another size": GOOD.replace("(102, 126)", "(10, 10)"),
    "is no function": "decode = 1",
}


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a decoder's package where the next Python finds it."""

    def put(source: str) -> None:
        facts = tmp_path / "toy_wlt-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-wlt\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text(f"[{GROUP}]\ntoy = toy_wlt:decode\n")
        (tmp_path / "toy_wlt.py").write_text(source)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return put


async def test_without_a_decoder_the_photo_stays_what_it_is():
    assert await decoded(BLOCK) is None


async def test_a_decoder_is_found_by_its_entry_point_and_its_picture_redrawn(install):
    install(GOOD)
    picture = await decoded(BLOCK)
    assert picture is not None
    with Image.open(BytesIO(picture)) as image:
        assert (image.format, image.size, image.getpixel((0, 0))) == ("PNG", SIZE, (1, 2, 3))


@pytest.mark.parametrize("how", BAD)
async def test_a_decoder_that_does_wrong_is_a_stated_fault_and_nothing_else(install, how):
    install(BAD[how])
    with pytest.raises(Faulty) as wrong:
        await decoded(BLOCK)
    assert "不影响办理" in wrong.value.next.zh


async def test_a_decoder_that_hangs_is_ended(install):
    install("def decode(block):\n    while True: pass")
    with pytest.raises(Faulty):
        await decoded(BLOCK)
