"""The colours of the design, read from the one file that defines them."""

import re
from functools import cache

from ui.look import STATIC

_TOKEN = re.compile(r"--([a-z0-9-]+):\s*(#[0-9a-f]{6})\b")


@cache
def colours() -> tuple[tuple[str, str], ...]:
    """(name, #rrggbb) of every colour in `tokens.css`, in its order."""
    return tuple(_TOKEN.findall((STATIC / "tokens.css").read_text("utf-8")))
