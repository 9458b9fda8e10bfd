"""The encrypted store: keys, damage, transactions, anchor, tail."""

import asyncio
import contextlib
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from edge.actions.clockwork import boot
from edge.actions.node import Node
from edge.errors import Busy, Damaged, LedgerUnavailable, NotEnrolled, RolledBack, StoreTrouble, WrongKey
from edge.settings import Settings
from edge.store import anchor, slots
from edge.store.draft import Draft, Placed
from edge.store.files import hold_lock
from edge.store.ledger import DatabaseTiles, size_and_root
from edge.store.migrate import steps
from edge.store.store import Store, open_store
from edge.store.transaction import Transaction
from sync.clock import ClockState
from sync.ledger import tree
from sync.ledger.entry import parse_leaf
from sync.ledger.proofs import check_inclusion
from tests.contract.edge.conftest import Opener, ToldTime

MARK = Draft(kind="mark", outcome="test")


async def opened(path: Path, **more: object) -> Store:
    await asyncio.to_thread(path.mkdir, exist_ok=True)
    return await open_store(path, Settings(**more), create=True)  # type: ignore[arg-type]


async def test_g02_a_wrong_key_and_a_damaged_file_are_different_errors(tmp_path: Path) -> None:
    await (await opened(tmp_path / "a")).close()
    await (await opened(tmp_path / "b")).close()
    shutil.copytree(tmp_path / "a", tmp_path / "wrong")
    shutil.copy(tmp_path / "b/keys/machine.key", tmp_path / "wrong/keys/machine.key")
    with pytest.raises(WrongKey) as caught:
        await open_store(tmp_path / "wrong", Settings())
    assert "未被改动" in caught.value.message.zh
    shutil.copytree(tmp_path / "a", tmp_path / "other")
    shutil.copytree(tmp_path / "b/keys", tmp_path / "other/keys", dirs_exist_ok=True)
    with pytest.raises(WrongKey):
        await open_store(tmp_path / "other", Settings())
    content = bytearray((tmp_path / "a/node.db").read_bytes())
    content[200] ^= 1
    (tmp_path / "a/node.db").write_bytes(bytes(content))
    with pytest.raises(Damaged):
        await open_store(tmp_path / "a", Settings())


async def test_a_caller_whose_loop_is_gone_holds_up_nobody_and_its_entry_stands(node: Node) -> None:
    goes_on = threading.Event()

    def waits(tx: Transaction) -> Placed:
        assert goes_on.wait(30)
        return tx.append(MARK)

    async def begins() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):  # it is queued before it is given up
                await node.store.transact(waits)

    before = await _size(node)
    await asyncio.to_thread(asyncio.run, begins())
    goes_on.set()
    placed = await node.store.transact(lambda tx: tx.append(MARK))
    assert placed.index == before + 1
    assert await _size(node) == before + 2


async def test_an_absent_machine_key_or_a_garbled_slot_file_opens_nothing(tmp_path: Path) -> None:
    await (await opened(tmp_path / "a")).close()
    (tmp_path / "a/keys/machine.key").unlink()
    with pytest.raises(WrongKey):
        await open_store(tmp_path / "a", Settings())
    (tmp_path / "a/keys/machine.key").write_bytes(b"x" * 32)
    (tmp_path / "a/keys/slots.json").write_text("{")
    with pytest.raises(Damaged):
        await open_store(tmp_path / "a", Settings())
    with pytest.raises(NotEnrolled):
        await open_store(tmp_path / "none", Settings())


async def test_the_machine_key_may_be_a_credential_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / slots.CREDENTIAL).write_bytes(b"k" * 32)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    await (await opened(tmp_path / "a")).close()
    assert not (tmp_path / "a/keys/machine.key").exists()
    assert [slot.kind for slot in slots.slots(tmp_path / "a")] == ["machine"]
    await (await open_store(tmp_path / "a", Settings())).close()


async def test_nothing_of_the_content_can_be_read_in_the_files(node: Node, tmp_path: Path) -> None:
    planted = ["330102", "陈某", "li.min", "CREATE TABLE"]
    for path in (tmp_path / "node").rglob("*"):
        if path.is_file() and path.name not in {"anchor", "settings.toml"}:
            content = path.read_bytes()
            assert not [word for word in planted if word.encode() in content], path


async def test_a_failing_request_undoes_itself_alone_within_its_group(node: Node) -> None:
    def fails(tx: Transaction) -> None:
        tx.append(MARK)
        tx.execute("INSERT INTO fact VALUES ('half', 'x')")
        raise RolledBack("on purpose")

    before = await node.store.read(lambda db: size_and_root(db.connection)[0])
    results = await asyncio.gather(
        node.store.transact(lambda tx: tx.append(MARK)),
        node.store.transact(fails),
        node.store.transact(lambda tx: tx.append(MARK)),
        return_exceptions=True,
    )
    first, error, last = results
    assert isinstance(first, Placed)
    assert isinstance(last, Placed)
    assert isinstance(error, RolledBack)
    assert (first.index, last.index) == (before, before + 1)
    half = await node.store.read(lambda db: db.query("SELECT 1 FROM fact WHERE name = 'half'"))
    assert not half


async def test_what_is_placed_is_in_the_tree_at_its_index(node: Node) -> None:
    placed = await asyncio.gather(*(node.store.transact(lambda tx: tx.append(MARK)) for _ in range(300)))
    assert [one.index for one in placed] == list(range(placed[0].index, placed[0].index + 300))

    def prove(db: object) -> None:
        tiles = DatabaseTiles(db.connection)  # type: ignore[attr-defined]
        size, root = size_and_root(db.connection)  # type: ignore[attr-defined]
        for one in (placed[0], placed[150], placed[-1]):
            check_inclusion(one.leaf_hash, one.index, size, tree.inclusion(tiles, one.index, size), root)

    await node.store.read(prove)


async def test_rule_8_3_a_counter_gives_its_number_back_when_the_transaction_fails(node: Node) -> None:
    def fails(tx: Transaction) -> None:
        assert tx.count_up("serial", 2026) == 1
        raise RolledBack("on purpose")

    with pytest.raises(RolledBack):
        await node.store.transact(fails)
    assert await node.store.transact(lambda tx: tx.count_up("serial", 2026)) == 1


async def test_a_mistake_in_a_transaction_is_a_bug_and_not_a_full_disk(node: Node) -> None:
    with pytest.raises(AssertionError):
        await node.store.transact(lambda tx: tx.execute("INSERT INTO nothing VALUES (1)"))
    assert not node.store.failed


async def test_rule_8_2_a_database_put_back_from_an_old_copy_is_found_by_its_anchor(
    node: Node, opener: Opener, tmp_path: Path
) -> None:
    old = tmp_path / "old.db"
    assert node.store.backup(old) == []

    def issue(tx: Transaction) -> None:
        tx.append(MARK)
        tx.anchor()

    await node.store.transact(issue)
    kept = anchor.read(tmp_path / "node")
    assert kept is not None
    assert kept.size == await node.store.read(lambda db: size_and_root(db.connection)[0])
    await node.store.close()
    for path in (tmp_path / "node").glob("node.db*"):
        path.unlink()
    shutil.copy(old, tmp_path / "node/node.db")
    again = await opener()
    assert again.store.rolled_back


@pytest.mark.parametrize("sizes", [(7,), (7, 8), (7, 9), (2, 4, 6)])
def test_the_anchor_survives_a_torn_write_of_its_next_line(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    for size in sizes:
        anchor.write(tmp_path, _anchor(size))
    before = (tmp_path / "anchor").read_bytes()
    anchor.write(tmp_path, _anchor(sizes[-1] + 2))
    after = (tmp_path / "anchor").read_bytes()
    changed = [at for at in range(len(after)) if before[at] != after[at]]
    half = changed[len(changed) // 2]
    (tmp_path / "anchor").write_bytes(after[:half] + before[half:])
    found = anchor.read(tmp_path)
    assert found is not None
    assert found.size == sizes[-1]


def test_an_anchor_without_a_whole_line_is_damage(tmp_path: Path) -> None:
    (tmp_path / "anchor").write_bytes(b"x" * 600)
    with pytest.raises(Damaged):
        anchor.read(tmp_path)


def _anchor(size: int) -> anchor.Anchor:
    return anchor.Anchor(origin="qingzhou.example/node/330102/i1", size=size, root=bytes([size]) * 32)


async def test_rule_8_5_an_entry_altered_in_the_tail_is_found_when_the_store_opens(
    node: Node, opener: Opener
) -> None:
    await node.store.transact(
        lambda tx: tx.execute("UPDATE entry SET leaf = replace(leaf, x'01', x'02') WHERE idx = 3")
    )
    with pytest.raises(Damaged) as caught:
        await opener()
    assert "entry 3" in caught.value.detail


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = await opened(tmp_path / "a")
    await store.close()
    with pytest.raises(StoreTrouble):
        await store.read(lambda db: db.query("SELECT 1"))
    with pytest.raises(LedgerUnavailable):
        await store.transact(lambda tx: tx.query("SELECT 1"))


async def test_two_processes_cannot_hold_one_lock(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with hold_lock(lock, Busy("x")), pytest.raises(Busy), hold_lock(lock, Busy("x")):
        pass
    with hold_lock(tmp_path / "lock", Busy("x")):
        pass


async def test_a_database_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    store = await opened(tmp_path / "a")
    await store.transact(lambda tx: tx.execute(f"PRAGMA user_version = {len(steps()) + 1}"))
    await store.close()
    with pytest.raises(Damaged) as caught:
        await open_store(tmp_path / "a", Settings())
    assert "newer" in caught.value.detail


async def test_g14_a_clock_set_back_is_an_entry_and_time_never_runs_back(
    node: Node, told: ToldTime, opener: Opener
) -> None:
    before = node.now_ms()
    latest = node.store.clock.interval().latest_ms
    told.wall -= 3 * 86_400_000
    again = await opener()
    await boot(again)
    assert again.now_ms() >= before
    assert again.store.clock.interval().latest_ms >= latest
    assert again.store.clock.state.name == "UNTRUSTED"
    kinds = await again.store.read(lambda db: db.query("SELECT count(*) FROM entry WHERE kind = 81"))
    assert kinds == [(1,)]


async def test_only_a_countersignature_over_the_entries_that_set_the_mark_brings_time_back(
    node: Node, opener: Opener, told: ToldTime
) -> None:
    right, hour = told.wall, 3_600_000

    async def settled(size: int) -> int:
        await node.store.transact(lambda tx: tx.settle_time(size))
        return node.store.clock.now_ms() - right

    told.wall += 30 * hour
    first = await node.store.transact(lambda tx: tx.append(MARK))
    told.wall += hour
    second = await node.store.transact(lambda tx: tx.append(MARK))
    told.wall = right
    node.store.clock.trust(right)
    assert await settled(first.index + 1) == 31 * hour, "the entry behind it says a later time"
    assert await settled(second.index + 9) == 31 * hour, "nobody has such entries"
    assert await settled(second.index + 1) == 0
    third = await node.store.transact(lambda tx: tx.append(MARK))
    order = await node.store.read(lambda db: db.query("SELECT idx, leaf FROM entry ORDER BY hlc_ms, idx"))
    assert order[-1][0] == third.index, "the order of entries does not go back"
    assert parse_leaf(order[-1][1])[0].clock == ClockState.UNTRUSTED, (
        "and says that its time is no time of day"
    )
    node = await opener()
    assert node.store.clock.now_ms() == right, "and so it is after a restart"


async def test_a_bug_in_the_commit_is_told_to_its_caller_and_stops_the_store(node: Node) -> None:
    def spoil(tx: Transaction) -> None:
        tx.append(Draft(kind="mark"))
        inside: Any = tx
        inside._head.hashes.append(object())  # what no transaction of ours does

    async with asyncio.timeout(10):
        with pytest.raises(StoreTrouble):
            await node.store.transact(spoil)
        with pytest.raises(LedgerUnavailable):
            await node.store.transact(lambda tx: tx.append(Draft(kind="mark")))


async def _size(node: Node) -> int:
    return int((await node.store.read(lambda db: db.query("SELECT size FROM ledger_head")))[0][0])
