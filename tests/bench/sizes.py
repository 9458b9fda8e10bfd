"""How much of everything: the real sizes, and small ones to try a bench out."""

from typing import Self

import msgspec

from tests.bench.day import Day


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of one run."""

    people: int = 50_000
    changed_rows: int = 1_000
    cards: int = 40
    answers: int = 400
    answers_a_window: int = 60
    windows: int = 8
    printed: int = 50
    backlog: int = 100_000
    news: int = 100
    ledger: int = 1_000_000
    far: int = 0
    """A longer ledger for `append` (7 GB and a quarter of an hour at 10,000,000); 0: none."""
    commits: int = 300
    starts: int = 3
    papers: int = 40
    recount: int = 10_000_000
    nodes: int = 200
    entries_a_node: int = 5_000
    day: Day = Day()
    screens: int = 50
    screen_s: int = 40
    device_windows: int = 5

    @classmethod
    def small(cls) -> Self:
        """Enough to see that a bench works; its figures mean nothing."""
        return cls(
            people=600,
            changed_rows=20,
            cards=5,
            answers=30,
            answers_a_window=6,
            windows=3,
            printed=5,
            backlog=800,
            news=20,
            ledger=2_000,
            commits=20,
            starts=1,
            papers=4,
            recount=70_000,
            nodes=4,
            entries_a_node=300,
            day=Day(accesses=20, cases=6, reports=6),
            screens=3,
            screen_s=6,
            device_windows=2,
        )
