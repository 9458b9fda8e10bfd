"""zstd with the output's size known and allowed before a byte is decompressed."""

from __future__ import annotations

import zstandard

from sync.errors import LimitExceeded, Malformed

LEVEL = 12


def squeeze(*parts: bytes, level: int = LEVEL) -> bytes:
    """The parts joined, as one zstd frame that states its size.

    Each part is its own block, so that text and random bytes do not share one table of symbols.
    """
    whole = zstandard.ZstdCompressor(level=level).compressobj(size=sum(map(len, parts)))
    pieces: list[bytes] = []
    for part in parts:
        pieces.append(whole.compress(part))
        pieces.append(whole.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
    pieces.append(whole.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH))
    return b"".join(pieces)


def bounded(squeezed: bytes, limit: int) -> bytes:
    """The plain bytes; raises `LimitExceeded` when the frame states more than `limit`, else `Malformed`.

    The stated size is checked first because the library ignores its own bound when a size is stated
    (stack.md). Nothing may follow the frame.
    """
    try:
        size = zstandard.frame_content_size(squeezed)
        if size < 0:
            raise Malformed("a zstd frame that does not state its size")
        if size > limit:
            raise LimitExceeded(f"a frame that states {size} bytes, {limit} allowed")
        plain: bytes = zstandard.ZstdDecompressor().decompress(squeezed, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise Malformed("not a zstd frame") from error
    return plain
