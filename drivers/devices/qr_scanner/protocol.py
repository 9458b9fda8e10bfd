"""What a scanner sends: the text of a code, ended by CR, LF or both. Pure.

A code without its end is not a code: half a code must never pass for a whole one.
"""

import re
import unicodedata
from typing import Final

from drivers.wires.listening import Damage, Finder

CODE_BYTES_MAX: Final = 4296  # the most a QR code holds
_END: Final = re.compile(rb"[\r\n]")


class Codes(Finder[str]):
    """Splits a stream into codes in UTF-8; holds at most one unfinished code. Empty lines are nothing."""

    def _next(self) -> str | Damage | None:
        while (end := _END.search(self._held)) is not None:
            raw = bytes(self._held[: end.start()])
            del self._held[: end.end()]
            if raw:
                return _code(raw)
        if len(self._held) <= CODE_BYTES_MAX:
            return None
        self.reset()
        return Damage("a code without end")


def _code(raw: bytes) -> str | Damage:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return Damage(f"{len(raw)} bytes that are no text")
    if len(raw) > CODE_BYTES_MAX or any(unicodedata.category(mark) == "Cc" for mark in text):
        return Damage("control characters in a code")
    return text


def encode(code: str) -> bytes:
    """What the scanner sends for a code (for the twin)."""
    return code.encode() + b"\r\n"
