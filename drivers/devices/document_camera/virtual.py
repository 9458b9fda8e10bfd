"""The twin of a document camera: gives a picture of what lies under it, on a character device.

python -m drivers.devices.document_camera.virtual --link PATH [--control PORT]

{"do": "look", "file": "/path/of/picture.jpg"} puts that paper under it; fault, clear, unplug, plug, state.
"""

from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from drivers.devices.document_camera import protocol
from drivers.wires.control import run_on_tty
from drivers.wires.twin_line import OnItsLine, SpeakingLine


class VirtualCamera(OnItsLine):
    """A camera over a table. `look` lays a paper on it; each time it is asked, it gives a picture of that."""

    def __init__(self, *, link: Path | None = None) -> None:
        self.line = SpeakingLine(self._asked, link)
        self._picture = drawn("empty table")

    def look(self, picture: bytes) -> None:
        """Give this picture from now on. Raises ValueError for one over 16 MiB."""
        if len(picture) > protocol.PICTURE_BYTES_MAX:
            raise ValueError("the picture is too large")
        self._picture = picture

    async def play(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order of the control door and return the state. Raises ValueError."""
        match order:
            case {"do": "look", "file": str(file)}:
                self.look(_file(Path(file)))
            case {"do": "look", "words": str(words)}:
                self.look(drawn(words))
            case _:
                self.line.play(order)
        return self.line.state()

    def _asked(self, chunk: bytes) -> None:
        for _ in range(chunk.count(protocol.SHOOT)):
            self.line.say(self._picture)


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as trouble:
        raise ValueError(f"no such picture: errno {trouble.errno}") from None


def drawn(words: str, *, width: int = 48, height: int = 32) -> bytes:
    """A picture of a sheet with a few ASCII words on it."""
    image = Image.new("L", (width, height), 255)
    ImageDraw.Draw(image).text((2, 2), words, fill=0)
    kept = BytesIO()
    image.save(kept, "JPEG", quality=60)
    return kept.getvalue()


if __name__ == "__main__":
    run_on_tty("Virtual document camera on a pseudo-terminal.", lambda link: VirtualCamera(link=link))
