"""A data set comes in slices and is in force in one step; whatever breaks it off leaves the former one (rule 5, 8.6)."""

import asyncio
import re
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.actions import clockwork, downlink, leases
from edge.actions.exchange import Round, do_step, exchange
from edge.actions.node import Node, close_node, open_node
from edge.actions.status import status
from edge.store import cache, disk, holdings
from edge.store.reader import Reading
from edge.store.store import Store
from edge.store.transaction import Transaction
from sync.errors import NoRoom, PackRefused
from sync.exchange.steps import ApplyRelease
from sync.packs.pack import root_of_buckets
from sync.packs.release import open_release, plan
from tests.contract.edge.conftest import Opener, ToldTime, settings
from tests.contract.edge.small_centre import HOUR_MS, SmallCentre, number_of, person
from tests.contract.edge.test_answers import count

SCOPE = "330102/detail"
PEOPLE, SLICE = 9, 2
IN_A_SLICE, BEFORE_THE_SWAP = 4, 8
"""Transactions of a base of PEOPLE rows: keys, an empty shelf, five slices, the swap."""
BEYOND_ROWS = 6
"""Rows that come with a transaction beside those of the data set: cursor, shelves, entry."""


class Watched:
    """The store of a node. `before` is run before each transaction with its number, from 1; `changes`: rows of each."""

    def __init__(self, store: Store, before: Callable[[int], Awaitable[None]]) -> None:
        self._store = store
        self._before = before
        self.changes: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def transact(self, work: Callable[[Transaction], Any]) -> Any:
        def counted(tx: Transaction) -> Any:
            before = tx.connection.total_changes
            try:
                return work(tx)
            finally:
                self.changes.append(tx.connection.total_changes - before)

        await self._before(len(self.changes) + 1)
        return await self._store.transact(counted)


def watch(node: Node, before: Callable[[int], Awaitable[None]]) -> Watched:
    watched = Watched(node.store, before)
    node.store = watched  # type: ignore[assignment]  # stands before the real one
    return watched


async def nothing(_: int) -> None:
    """Nothing happens meanwhile."""


@pytest.fixture
async def sliced(node: Node, opener: Opener, centre: SmallCentre, told: ToldTime) -> Node:
    """A hall that holds release 2 of PEOPLE people and takes SLICE rows a transaction."""
    node = await opener(pack_slice_rows=SLICE)
    centre.people |= {number_of(n): person(n, told.wall) for n in range(PEOPLE)}
    centre.publish(version=2)
    assert (await exchange(node)).alarms == ()
    return node


def change_all(centre: SmallCentre, told: ToldTime) -> None:
    centre.people = {number_of(n): person(n, told.wall, titles=("新", "新")) for n in range(PEOPLE)}


def new_base(node: Node, centre: SmallCentre, told: ToldTime) -> tuple[ApplyRelease, dict[bytes, bytes]]:
    """Release 3, a base: everybody's records have changed."""
    change_all(centre, told)
    centre.publish(version=3)
    return step(node, centre)


def long_delta(node: Node, centre: SmallCentre, told: ToldTime) -> tuple[ApplyRelease, dict[bytes, bytes]]:
    """Release 3, a delta of more rows than a slice: all but one have changed, one is gone."""
    changed = [person(n, told.wall, titles=("新", "新")) for n in range(PEOPLE - 1)]
    centre.publish_delta(3, changed, [number_of(PEOPLE - 1)])
    return step(node, centre)


def step(node: Node, centre: SmallCentre) -> tuple[ApplyRelease, dict[bytes, bytes]]:
    signed = centre.releases[SCOPE]
    release = open_release(signed, centre.signing.public)
    packs = tuple(plan(release, 2))
    taken = ApplyRelease(release=release, signed=signed, packs=packs, content_key=centre.scope_key)
    return taken, {pack.digest: centre.packs[pack.digest.hex()] for pack in packs}


async def titles(node: Node, centre: SmallCentre) -> list[str]:
    """What the cache says of everybody: the title of their first record, "" where nothing is answered."""

    def look(db: Reading) -> list[str]:
        refs = [centre.ref(number_of(n)) for n in range(PEOPLE)]
        found = [cache.look_up(db, node.store.keyring, ref, public_only=False) for ref in refs]
        return [one[0].records[0].title if one else "" for one in found]

    return await node.store.read(look)


async def in_force(node: Node, centre: SmallCentre) -> int:
    """The version in force, whose rows are those of the root it was signed with."""

    def look(db: Reading) -> int:
        now = holdings.standing(db, SCOPE)
        if now is None:
            return 0
        root = db.query("SELECT state_root FROM release_held WHERE scope = ?", (SCOPE,))[0][0]
        assert root_of_buckets(holdings.stock(db, now.shelf, "detail").hashes) == root
        return now.version

    return await node.store.read(look)


async def no_garbage(node: Node) -> None:
    rows = await node.store.read(
        lambda db: db.query("SELECT rows FROM release_held WHERE scope = ?", (SCOPE,))
    )
    assert await count(node, "subject_cache") == rows[0][0]
    assert await count(node, "shelf WHERE held = 0") == 0


@pytest.mark.parametrize("made", [new_base, long_delta])
async def test_rule_5_power_lost_before_any_transaction_of_a_release_leaves_one_release_whole(
    sliced: Node, centre: SmallCentre, told: ToldTime, tmp_path: Path, made: Any
) -> None:
    release, packs = made(sliced, centre, told)
    old, cuts = await titles(sliced, centre), []

    async def keep(number: int) -> None:
        cuts.append(tmp_path / f"cut-{number}")
        await asyncio.to_thread(shutil.copytree, tmp_path / "node", cuts[-1])

    watch(sliced, keep)
    await downlink.take(sliced, release, packs)
    new = await titles(sliced, centre)
    assert "新" in new
    await no_garbage(sliced)
    versions = []
    for cut in cuts:
        limits = settings(pack_slice_rows=SLICE)
        node = await open_node(cut, limits, clock=told.clock(), transport=centre.transport())
        versions.append(await in_force(node, centre))
        assert await titles(node, centre) == {2: old, 3: new}[versions[-1]], cut.name
        await clockwork.boot(node)
        await downlink.sweep(node)
        await no_garbage(node)
        if versions[-1] == 2:
            await downlink.take(node, release, packs)
        assert await titles(node, centre) == new
        await no_garbage(node)
        await close_node(node)
    assert versions == sorted(versions)
    assert versions.count(2) > PEOPLE // SLICE, "there were slices"
    assert versions.count(3) > PEOPLE // SLICE, "the former one is cleared in slices"


@pytest.mark.parametrize("made", [new_base, long_delta])
async def test_no_transaction_of_a_release_changes_more_rows_than_a_slice(
    sliced: Node, centre: SmallCentre, told: ToldTime, made: Any
) -> None:
    release, packs = made(sliced, centre, told)
    watched = watch(sliced, nothing)
    await downlink.take(sliced, release, packs)
    assert max(watched.changes) <= SLICE + BEYOND_ROWS
    assert sum(watched.changes) > 2 * PEOPLE
    watched.changes.clear()
    await leases.shred_expired(sliced, withdrawn=frozenset({SCOPE}))
    assert max(watched.changes) <= SLICE + BEYOND_ROWS
    assert await count(sliced, "subject_cache") == 0


@pytest.mark.parametrize("at", [IN_A_SLICE, BEFORE_THE_SWAP])
async def test_a_caller_that_is_cancelled_leaves_the_former_release_and_the_next_clears_what_it_left(
    sliced: Node, centre: SmallCentre, told: ToldTime, at: int
) -> None:
    release, packs = new_base(sliced, centre, told)
    reached = asyncio.Event()

    async def stop(number: int) -> None:
        if number == at:
            reached.set()
            await asyncio.Event().wait()

    store = sliced.store
    watch(sliced, stop)
    taking = asyncio.create_task(downlink.take(sliced, release, packs))
    await reached.wait()
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    sliced.store = store
    assert await in_force(sliced, centre) == 2
    assert await count(sliced, "subject_cache") > PEOPLE
    assert "新" not in await titles(sliced, centre)
    await downlink.take(sliced, release, packs)
    assert await in_force(sliced, centre) == 3
    await no_garbage(sliced)


async def refused(
    node: Node, centre: SmallCentre, told: ToldTime, at: int, happens: Callable[[], Awaitable[object]]
) -> None:
    """A base is refused because something happens before its `at`th transaction; nothing of it is left."""
    release, packs = new_base(node, centre, told)
    store = node.store

    async def meanwhile(number: int) -> None:
        if number == at:
            node.store = store
            await happens()

    watch(node, meanwhile)
    with pytest.raises(PackRefused):
        await downlink.take(node, release, packs)
    assert "新" not in await titles(node, centre)
    await no_garbage(node)


@pytest.mark.parametrize("at", [IN_A_SLICE, BEFORE_THE_SWAP])
async def test_rule_6_a_lease_that_ends_while_its_pack_is_sealed_leaves_nothing_of_it(
    sliced: Node, centre: SmallCentre, told: ToldTime, at: int
) -> None:
    async def end() -> None:
        told.pass_ms(centre.lease_hours * HOUR_MS)
        await leases.shred_expired(sliced)

    await refused(sliced, centre, told, at, end)
    assert await count(sliced, "subject_cache") == 0
    assert await in_force(sliced, centre) == 0


@pytest.mark.parametrize("at", [IN_A_SLICE, BEFORE_THE_SWAP])
async def test_a_scope_withdrawn_while_it_comes_holds_nothing(
    sliced: Node, centre: SmallCentre, told: ToldTime, at: int
) -> None:
    await refused(
        sliced,
        centre,
        told,
        at,
        lambda: leases.shred_expired(sliced, withdrawn=frozenset({SCOPE})),
    )
    assert await count(sliced, "subject_cache") == 0


async def test_a_newer_release_seen_meanwhile_refuses_this_one(
    sliced: Node, centre: SmallCentre, told: ToldTime
) -> None:
    newer = "UPDATE release_held SET seen = 4 WHERE scope = ?"
    await refused(
        sliced,
        centre,
        told,
        BEFORE_THE_SWAP,
        lambda: sliced.store.transact(lambda tx: tx.execute(newer, (SCOPE,))),
    )
    assert await in_force(sliced, centre) == 2


@pytest.mark.parametrize("at", [IN_A_SLICE, BEFORE_THE_SWAP])
async def test_another_process_that_boots_meanwhile_gives_up_the_half_taken_release(
    sliced: Node, centre: SmallCentre, told: ToldTime, at: int
) -> None:
    await refused(sliced, centre, told, at, lambda: sliced.store.transact(holdings.give_up))
    assert await in_force(sliced, centre) == 2


async def test_p7_consent_withdrawn_while_a_release_comes_is_obeyed_when_it_is_in_force(
    sliced: Node, centre: SmallCentre, told: ToldTime
) -> None:
    release, packs = new_base(sliced, centre, told)

    async def meanwhile(number: int) -> None:
        if number == IN_A_SLICE:
            withdrawn = centre.ref(number_of(0))
            await store.transact(lambda tx: cache.withdraw(tx, withdrawn, withdrawn=True))

    store = sliced.store
    watch(sliced, meanwhile)
    await downlink.take(sliced, release, packs)
    assert await titles(sliced, centre) == ["", *["新"] * (PEOPLE - 1)]


async def test_what_is_held_set_aside_while_a_delta_is_copied_refuses_the_delta(
    sliced: Node, centre: SmallCentre, told: ToldTime
) -> None:
    release, packs = long_delta(sliced, centre, told)
    ref = centre.ref(number_of(0))
    store = sliced.store

    async def meanwhile(number: int) -> None:
        if number == IN_A_SLICE:
            sliced.store = store
            sliced.doubted.add(ref)
            assert await downlink.settle_doubts(sliced) == 1

    watch(sliced, meanwhile)
    with pytest.raises(PackRefused, match="changed"):
        await downlink.take(sliced, release, packs)
    lacking = await sliced.store.read(lambda db: holdings.standing(db, SCOPE))
    assert lacking is not None
    assert (lacking.version, lacking.lacking) == (2, ref[:1])


async def test_two_takers_of_one_release_take_it_one_after_the_other(
    sliced: Node, centre: SmallCentre, told: ToldTime
) -> None:
    release, packs = new_base(sliced, centre, told)
    done = await asyncio.gather(*(downlink.take(sliced, release, packs) for _ in range(2)))
    assert [one.rows for one in done] == [PEOPLE, PEOPLE]
    assert await in_force(sliced, centre) == 3
    await no_garbage(sliced)


async def test_rule_8_6_a_base_the_disk_has_no_room_for_is_refused_before_it_is_begun(
    sliced: Node, centre: SmallCentre, told: ToldTime
) -> None:
    release, packs = new_base(sliced, centre, told)
    huge = tuple(msgspec.structs.replace(pack, rows=10**15) for pack in release.packs)
    watched = watch(sliced, nothing)
    too_much, done = msgspec.structs.replace(release, packs=huge), Round()
    done.packs |= packs
    await do_step(sliced, too_much, done)
    assert sum(watched.changes) <= BEYOND_ROWS, "not a row was written"
    assert await in_force(sliced, centre) == 2
    (warning,) = (await status(sliced)).warnings
    assert done.alarms == ["no-room"]
    assert done.notes == [warning]
    assert re.fullmatch(
        rf"数据集 {SCOPE} 的新版没有取入：本机磁盘还差 \d+\.\d\sMB。请清理本机磁盘；.*", warning.zh
    )


async def test_what_is_said_of_a_lack_of_room_ends_when_the_data_set_was_taken(
    sliced: Node, centre: SmallCentre, told: ToldTime
) -> None:
    release, packs = new_base(sliced, centre, told)
    sliced.meter.unfit[SCOPE] = downlink.no_room(NoRoom(SCOPE, 12_400_000))
    assert "还差 11.8\u00a0MB" in (await status(sliced)).warnings[0].zh
    done = Round()
    done.packs |= packs
    await do_step(sliced, release, done)
    assert (done.alarms, done.notes, (await status(sliced)).warnings) == ([], [], ())


async def test_a_staff_row_that_reads_wrong_signs_nobody_in_and_is_set_aside(
    node: Node, centre: SmallCentre
) -> None:
    """As a page that SQLCipher gives back as zeros, without an error, at the end of a long value."""
    ref = centre.ref("li.min")

    def zero(tx: Transaction) -> None:
        ((blob,),) = tx.query("SELECT blob FROM plain_row WHERE ref = ?", (ref,))
        tx.execute("UPDATE plain_row SET blob = ? WHERE ref = ?", (blob[:-9] + bytes(9), ref))

    await node.store.transact(zero)
    assert await node.store.read(lambda db: cache.staff_member(db, "li.min")) is None
    assert await downlink.settle_doubts(node) == 1
    assert await downlink.settle_doubts(node) == 0
    (row,) = await node.store.read(
        lambda db: db.query("SELECT lacking FROM release_held WHERE scope = '330102/staff'")
    )
    assert row[0] == ref[:1]


def test_room_counts_what_is_above_the_mark_where_answers_stop(tmp_path: Path) -> None:
    whole = disk.spare_bytes(tmp_path, 0)
    assert disk.spare_bytes(tmp_path, 1) < whole
    assert disk.spare_bytes(tmp_path, 100) <= 0
