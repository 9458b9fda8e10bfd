"""zstd with the output's size known and allowed before a byte is decompressed.

A dictionary is named by its number, its file is `frames-<number>.zdict` and never changes: a better one is a
new file with the next number, and travels with the software (README).
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import zstandard

from sync.errors import LimitExceeded, Malformed, MissingDictionary

LEVEL = 12
NONE = 0
NEWEST = 1
"""The dictionary frames are written with; whoever reads knows all up to their own newest."""


def squeeze(*parts: bytes, level: int = LEVEL, dictionary: int = NONE) -> bytes:
    """The parts joined, as one zstd frame that states its size.

    Each part is its own block, so that text and random bytes do not share one table of symbols.
    """
    if dictionary:
        known = _dictionary(dictionary)
        press = zstandard.ZstdCompressor(level=level, dict_data=known, write_dict_id=False)
    else:
        press = zstandard.ZstdCompressor(level=level)
    whole = press.compressobj(size=sum(map(len, parts)))
    pieces: list[bytes] = []
    for part in parts:
        pieces.append(whole.compress(part))
        pieces.append(whole.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
    pieces.append(whole.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH))
    return b"".join(pieces)


def bounded(squeezed: bytes, limit: int, dictionary: int = NONE) -> bytes:
    """The plain bytes; raises `LimitExceeded` when the frame states more than `limit`, else `Malformed`.

    The stated size is checked first because the library ignores its own bound when a size is stated
    (stack.md). Nothing may follow the frame.
    """
    known = _dictionary(dictionary) if dictionary else None
    try:
        size = zstandard.frame_content_size(squeezed)
        if size < 0:
            raise Malformed("a zstd frame that does not state its size")
        if size > limit:
            raise LimitExceeded(f"a frame that states {size} bytes, {limit} allowed")
        press = zstandard.ZstdDecompressor(dict_data=known)
        plain: bytes = press.decompress(squeezed, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise Malformed("not a zstd frame") from error
    return plain


def check_dictionary(number: int) -> None:
    """Return when frames over this dictionary can be read here; raises `MissingDictionary`."""
    if not NONE <= number <= NEWEST:
        raise MissingDictionary(f"dictionary {number}, known up to {NEWEST}")


@cache
def _dictionary(number: int) -> zstandard.ZstdCompressionDict:
    check_dictionary(number)
    whole = resources.files("sync.codec").joinpath(f"frames-{number}.zdict").read_bytes()
    made = zstandard.ZstdCompressionDict(whole)
    made.precompute_compress(level=LEVEL)
    return made
