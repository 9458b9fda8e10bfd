"""A clock that is told the time."""

NOW_MS = 1_795_235_170_000  # 2026-11-21 12:26 in China


class Clock:
    """A clock that is told the time."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms

    def pass_ms(self, ms: int) -> None:
        self.now_ms += ms
