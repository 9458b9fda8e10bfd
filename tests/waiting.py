"""Waiting in tests: always for a fact, always with a deadline, never for a guess of time."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_PAUSE = threading.Event()  # never set: its wait is the poll interval


class Late(AssertionError):
    """The fact waited for did not come true in time."""


def until(fact: Callable[[], T | None], what: str, timeout_s: float = 10.0, every_s: float = 0.05) -> T:
    """Return the first true value of `fact()`; raise Late naming `what` after `timeout_s` seconds."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        value = fact()
        if value:
            return value
        _PAUSE.wait(every_s)
    raise Late(f"not within {timeout_s:g} s: {what}")
