"""What a scanner sends: the text of a code, ended by CR, LF or both. Pure.

A code without its end is not a code: half a code must never pass for a whole one.
"""

import re
import unicodedata
from typing import Final

from drivers.wires.listening import Damage

CODE_BYTES_MAX: Final = 4296  # the most a QR code holds
_END: Final = re.compile(rb"[\r\n]")


class Codes:
    """Splits a stream into codes in UTF-8; holds at most one unfinished code."""

    def __init__(self) -> None:
        self._held = bytearray()

    @property
    def pending(self) -> int:
        """Bytes of a code that has not ended."""
        return len(self._held)

    def reset(self) -> None:
        """Forget half a code."""
        self._held.clear()

    def feed(self, chunk: bytes) -> list[str | Damage]:
        """The codes that ended now. Empty lines are nothing."""
        self._held += chunk
        found: list[str | Damage] = []
        while (end := _END.search(self._held)) is not None:
            raw = bytes(self._held[: end.start()])
            del self._held[: end.end()]
            if raw:
                found.append(_code(raw))
        if len(self._held) > CODE_BYTES_MAX:
            self._held.clear()
            found.append(Damage("a code without end"))
        return found


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
