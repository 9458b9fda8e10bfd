"""Results kept on the server under a random name, so that a citizen's number never stands in an address.

In memory only: a restart forgets them, and the page then asks to search again.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, TypeVar

KEPT_MS = 15 * 60 * 1000
SEARCHES_MAX = 256
NAME_BYTES = 16

Result = TypeVar("Result")


@dataclass
class Searches(Generic[Result]):
    """What each signed-in person found last, for 15 minutes and at most 256 searches, oldest out first."""

    _kept: OrderedDict[str, tuple[str, int, Result]] = field(default_factory=OrderedDict)

    def keep(self, session: str, result: Result, now_ms: int) -> str:
        """Keep a result for one session; returns the name to put into the address."""
        self.forget(now_ms)
        while len(self._kept) >= SEARCHES_MAX:
            self._kept.popitem(last=False)
        name = secrets.token_urlsafe(NAME_BYTES)
        self._kept[name] = (session, now_ms, result)
        return name

    def find(self, session: str, name: str, now_ms: int) -> Result | None:
        """The result of that name, None when it is another session's, too old, or unknown."""
        self.forget(now_ms)
        kept = self._kept.get(name)
        return kept[2] if kept is not None and kept[0] == session else None

    def forget(self, now_ms: int) -> None:
        """Drop what is older than 15 minutes."""
        old = [name for name, (_, kept_ms, _) in self._kept.items() if now_ms - kept_ms > KEPT_MS]
        for name in old:
            del self._kept[name]
