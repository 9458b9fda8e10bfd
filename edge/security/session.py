"""Who is signed in: the session as everything above the store sees it."""

import msgspec


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One person at one window. `id` is secret (the cookie); `csrf` goes with every change.

    `permits` are matter permits ("public-credit", ...); `role` is clerk, supervisor or manager.
    """

    id: str
    staff: str
    name: str
    role: str
    permits: tuple[str, ...]
    window: str
    csrf: str
    opened_ms: int

    @property
    def mark(self) -> str:
        """What groups the entries of one session and cannot be used as its cookie."""
        return f"{self.staff}@{self.opened_ms:x}"

    def __repr__(self) -> str:
        """Never shows the cookie or the forgery token."""
        return f"Session(staff={self.staff!r}, window={self.window!r})"
