"""Cached rows made small before they are sealed: what is not written need not be encrypted, synced or kept.

    pressed = 0x01 || zstd frame over `rows-1.zdict`     or the JSON itself, which begins with `{`

The dictionary knows how a subject's JSON looks; it was trained on invented people (`matters.sample`, another
county than any bench or test) and never changes: a better one is a new file with a new first byte.
"""

import threading
from functools import cache
from importlib import resources

import zstandard

from edge.errors import Damaged

LEVEL = 1
BLOB_BYTES_MAX = 1 << 20
"""Largest row a pack may hold (`sync.packs.pack`)."""
_FIRST = b"\x01"
_PLAIN = b"{"


class Press:
    """Presses rows; one thread at a time."""

    def __init__(self) -> None:
        self._zstd = zstandard.ZstdCompressor(level=LEVEL, dict_data=_dictionary(), write_dict_id=False)

    def press(self, blob: bytes) -> bytes:
        """The row as it is sealed; `unpress` gives the same bytes back."""
        return _FIRST + self._zstd.compress(blob)


def unpress(pressed: bytes) -> bytes:
    """The row; also one from before rows were pressed. Raises Damaged for anything else."""
    if pressed.startswith(_PLAIN):
        return pressed
    if not pressed.startswith(_FIRST):
        raise Damaged("a cached row of an unknown form")
    try:
        if not 0 <= zstandard.frame_content_size(pressed[1:]) <= BLOB_BYTES_MAX:
            raise Damaged("a cached row of an impossible size")
        plain: bytes = _opener().decompress(pressed[1:])
    except zstandard.ZstdError as error:
        raise Damaged("a cached row does not unpress") from error
    return plain


def _opener() -> zstandard.ZstdDecompressor:
    """This thread's decompressor; making one reads the whole dictionary, which takes longer than a row."""
    if not hasattr(_OF_THREAD, "opener"):
        _OF_THREAD.opener = zstandard.ZstdDecompressor(dict_data=_dictionary())
    opener: zstandard.ZstdDecompressor = _OF_THREAD.opener
    return opener


_OF_THREAD = threading.local()


@cache
def _dictionary() -> zstandard.ZstdCompressionDict:
    whole = resources.files("edge.store").joinpath("rows-1.zdict").read_bytes()
    made = zstandard.ZstdCompressionDict(whole)
    made.precompute_compress(level=LEVEL)
    return made
