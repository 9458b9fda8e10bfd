"""One run of a piece of work serves everybody who asked before it began, and nobody who asked later."""

from __future__ import annotations

import asyncio

import pytest

from central.actions.shared import SharedWork


class _Ledger:
    """Work that takes until it is let go, and gives how much was there when it began."""

    def __init__(self, fails: int = 0) -> None:
        self.size = 0
        self.runs = 0
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self._fails = fails

    async def sign(self) -> int:
        self.runs += 1
        size = self.size
        self.begun.set()
        await self.go.wait()
        if self.runs == self._fails:
            raise ValueError
        return size

    async def later(self, shared: SharedWork[int]) -> int:
        """Ask when a run has begun and something was added since."""
        await self.begun.wait()
        self.size = 1
        return await shared.result(self.sign)

    async def let_go(self) -> None:
        """Let runs end, once those who wait for `begun` have asked."""
        await self.begun.wait()
        self.go.set()


async def _asked(ledger: _Ledger) -> list[int | BaseException]:
    """What the first is given, and two who ask while its run is under way."""
    shared = SharedWork[int]()
    asked = (shared.result(ledger.sign), ledger.later(shared), ledger.later(shared), ledger.let_go())
    *found, _ = await asyncio.gather(*asked, return_exceptions=True)
    return found


async def test_who_asks_while_a_run_is_under_way_shares_the_next_one() -> None:
    ledger = _Ledger()
    assert await _asked(ledger) == [0, 1, 1]
    assert ledger.runs == 2


async def test_who_asks_when_a_run_is_over_begins_another() -> None:
    shared, ledger = SharedWork[int](), _Ledger()
    ledger.go.set()
    assert [await shared.result(ledger.sign), await ledger.later(shared)] == [0, 1]


async def test_a_run_given_up_leaves_the_others_a_run_of_their_own() -> None:
    shared, ledger = SharedWork[int](), _Ledger()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(shared.result(ledger.sign))
        later = [group.create_task(ledger.later(shared)) for _ in range(2)]
        await ledger.begun.wait()
        first.cancel()
        ledger.go.set()
    assert first.cancelled()
    assert [task.result() for task in later] == [1, 1]
    assert ledger.runs == 2


@pytest.mark.parametrize("fails", [1, 2])
async def test_a_run_that_fails_raises_for_who_began_it_and_the_next_begins_another(fails: int) -> None:
    ledger = _Ledger(fails)
    found = await _asked(ledger)
    assert isinstance(found.pop(fails - 1), ValueError)
    assert found[-1] == 1
    assert ledger.runs == fails + 1
