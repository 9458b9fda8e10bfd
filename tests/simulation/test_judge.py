"""The judge finds what is planted: a judge that cannot fail proves nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing

import pytest

from edge.store import cipher, slots
from edge.store.store import FILE
from tests.simulation.clerks import Visit
from tests.simulation.hall import Cut
from tests.simulation.offence import Offence, demand
from tests.simulation.place import Place
from tests.simulation.side import Side
from tests.simulation.stories import broken_by, scripted, serve, sync_up
from tests.simulation.world import World

pytestmark = pytest.mark.simulation
Plant = Callable[[Side], Awaitable[None]]


def in_file(side: Side, sql: str) -> None:
    """A thief with the key changes the node's file behind its back."""
    with closing(cipher.connect(side.hall.data / FILE, slots.unlock(side.hall.data), writer=True)) as thief:
        assert thief.execute(sql).rowcount


async def at_centre(side: Side, sql: str) -> None:
    """Somebody with the owner's rights changes the centre's tables."""
    assert side.court is not None
    await side.court.rows(f"{sql} RETURNING $1::text")


async def an_altered_leaf(side: Side) -> None:
    in_file(side, "UPDATE entry SET leaf = zeroblob(40) WHERE idx = 2")


async def an_altered_detail(side: Side) -> None:
    in_file(side, "UPDATE entry SET detail = x'8180' WHERE idx = 2")


async def a_dropped_entry(side: Side) -> None:
    in_file(side, "DELETE FROM entry WHERE idx = 3")


async def a_second_root(side: Side) -> None:
    in_file(side, "UPDATE checkpoint SET root = zeroblob(32) WHERE size = (SELECT max(size) FROM checkpoint)")


async def an_entry_gone_at_the_centre(side: Side) -> None:
    await at_centre(side, "DELETE FROM entry_body WHERE idx = 2 AND origin = $1")


async def an_access_doubled_at_the_centre(side: Side) -> None:
    columns = "node, kind, clock, actor, role, desk, subject_ref, presence, relationship, purpose, basis, mode, as_of_ms, outcome, matter, object, case_no, request_id"
    await at_centre(
        side,
        f"INSERT INTO access (origin, idx, occurred_ms, arrived_ms, {columns}) SELECT origin, idx, occurred_ms + 1, arrived_ms, {columns} FROM access WHERE origin = $1",
    )


async def a_report_gone_at_the_centre(side: Side) -> None:
    await at_centre(side, "DELETE FROM report WHERE origin = $1")


async def another_root_at_the_centre(side: Side) -> None:
    await at_centre(side, "UPDATE ledger_head SET root = '\\x00' WHERE origin = $1")


PLANTS: tuple[tuple[Plant, str], ...] = (
    (an_altered_leaf, "P2"),
    (an_altered_detail, "P2"),
    (a_dropped_entry, "P2"),
    (a_second_root, "P2"),
    (an_entry_gone_at_the_centre, "P2"),
    (an_access_doubled_at_the_centre, "P5"),
    (a_report_gone_at_the_centre, "P5"),
    (another_root_at_the_centre, "P2"),
)


@pytest.mark.parametrize(("plant", "rule"), PLANTS, ids=[plant.__name__ for plant, _ in PLANTS])
def test_the_judge_finds_what_is_planted(runner: asyncio.Runner, place: Place, plant: Plant, rule: str):
    async def story(world: World, side: Side) -> None:
        await serve(world, side)
        await sync_up(world, side)
        await plant(side)
        assert side.court is not None
        side.book.thorough()
        await side.court.look()
        await side.court.thorough()
        await side.court.effects()

    assert runner.run(broken_by(place, story)) == rule


def test_the_judge_finds_an_answer_shown_without_its_entry(runner: asyncio.Runner, place: Place):
    async def story(world: World, side: Side) -> None:
        side.book.release(side.book.size + 5, bytes(32), "an answer")

    assert runner.run(broken_by(place, story)) == "P1"


def test_the_judge_finds_a_report_number_shown_before_its_anchor(runner: asyncio.Runner, place: Place):
    async def story(world: World, side: Side) -> None:
        side.book.release_serial("330102-2026-L-00001", 10_000)

    assert runner.run(broken_by(place, story)) == "P1"


def test_a_cut_after_the_commit_keeps_the_entry_and_shows_nothing(runner: asyncio.Runner, place: Place):
    async def story() -> tuple[int, int, int]:
        async with scripted(place) as (world, side):
            before = side.book.size
            visit = Visit(world.dice, place.people[0], side.hall)
            visit.what = "own"
            await side.act("visit", visit.run(), cut=Cut(commits=1))
            return before, side.book.size, len(side.book.released)

    before, after, shown = runner.run(story())
    assert (after, shown) == (before + 1, 0)


def test_an_offence_says_which_property_was_broken():
    with pytest.raises(Offence, match="lost") as found:
        demand(fact=[], rule="P2", words="lost")
    assert found.value.rule == "P2"
