"""Rule 8.7: a page whose HMAC fails puts the file aside; the node rebuilds from what is whole, and from the centre."""

import asyncio
from pathlib import Path

import pytest

from edge.actions import gates, incarnation, keys, rebuild
from edge.actions.backup import backup
from edge.actions.check import check
from edge.actions.node import open_node
from edge.actions.restore import Means, restore
from edge.actions.views import Answer
from edge.errors import BeyondRepair, BrokenPage, Refused, StoreTrouble
from edge.settings import load
from edge.store import cipher, salvage, slots
from edge.store.draft import Draft
from edge.store.transaction import Transaction
from matters.model import Refusal
from tests.contract.edge.test_answers import count
from tests.contract.renewal.place import Place
from tests.story.programs import Program, command, free_port

MARKS = 150
PASSPHRASE = "清河县的一句很长很长的口令话"


def marks(tx: Transaction) -> None:
    for number in range(MARKS):
        tx.append(Draft(kind="mark", outcome="test", object=f"filler-{number}"))


def flip(data: Path, needle: bytes) -> int:
    """Alter one byte of the first page that holds `needle`; its number. The node must be closed."""
    key, path = slots.unlock(data), data / "node.db"
    content = bytearray(path.read_bytes())
    for number in range(len(content) // cipher.PAGE_BYTES):
        page = bytes(content[number * cipher.PAGE_BYTES : (number + 1) * cipher.PAGE_BYTES])
        if needle in cipher.plain_page(page, key, first=number == 0):
            content[number * cipher.PAGE_BYTES + 4000] ^= 1
            path.write_bytes(content)
            return number + 1
    raise AssertionError("no page holds that")


async def leaf_of(place: Place, index: int) -> bytes:
    rows = await place.node.store.read(
        lambda db: db.query(
            "SELECT leaf FROM entry WHERE idx = ? OR ? < 0 ORDER BY idx DESC LIMIT 1", (index, index)
        )
    )
    return bytes(rows[0][0])


async def size_of(place: Place) -> int:
    return int((await place.node.store.read(lambda db: db.query("SELECT size FROM ledger_head")))[0][0])


async def rebuilt(place: Place) -> rebuild.Rebuilt:
    done = await rebuild.rebuild(place.data, load(place.data), place.clock())
    assert done is not None
    aside = place.data / done.quarantine / "node.db"
    assert cipher.broken_pages(aside, slots.unlock(place.data)) == list(done.pages), "kept as it was"
    assert (await check(place.data, load(place.data))).store == "ok"
    return done


async def test_rule_8_7_a_broken_page_of_the_cache_costs_the_cache_only(place: Place) -> None:
    await place.offline(await place.clerk())
    before = await size_of(place)
    sealed = await place.node.store.read(lambda db: db.query("SELECT sealed FROM subject_cache"))
    await place.close()
    page = flip(place.data, bytes(sealed[0][0][:32]))
    done = await rebuilt(place)
    assert (done.pages, done.lost, done.entries_lost, done.incarnation) == (
        (page,),
        ("subject_cache",),
        0,
        False,
    )
    node = await place.start()
    assert await size_of(place) == before + 1, "that it was rebuilt is an entry"
    assert node.identity.origin.endswith("/i1")
    place.line.down = True
    assert not isinstance(await place.asked(await place.clerk()), Answer), "an empty cache is no clean record"
    place.line.down = False
    await place.exchange()
    given = (await place.offline(await place.clerk()))[0]
    assert given.mode == "cached"
    assert given.report is not None
    await place.exchange()
    assert await place.stage.rows("SELECT 1 FROM evidence") == []


async def test_rule_8_7_entries_lost_to_a_broken_page_end_the_history_and_the_others_are_carried_over(
    place: Place,
) -> None:
    await place.exchange()
    signed = await size_of(place)
    early = (await place.offline(await place.clerk()))[0]
    await place.node.store.transact(marks)
    late = (await place.offline(await place.clerk()))[0]
    size, old = await size_of(place), place.node.identity.origin
    needle = await leaf_of(place, size - MARKS // 2)
    await place.close()
    flip(place.data, needle)
    assert (await check(place.data, load(place.data))).store == "damaged"
    with pytest.raises(BrokenPage):
        await open_node(place.data, load(place.data))
    done = await rebuilt(place)
    assert done.incarnation
    assert 0 < done.entries_lost < MARKS // 2
    node = await place.start()
    assert {"restored"} <= {one.code for one in await node.store.read(lambda db: gates.gates(db, node))}
    said = await place.asked(await place.clerk())
    assert isinstance(said, Refusal)
    with pytest.raises(Refused):
        await place.exchange()
    renewed = await approved(place, "security", "system")
    assert (renewed.old_origin, renewed.lost) == (old, done.entries_lost)
    assert renewed.carried > size - signed - done.entries_lost, "and what was written while it waited"
    await place.exchange()
    cases = [
        row["case_no"] for row in await place.stage.rows("SELECT case_no FROM access WHERE case_no <> ''")
    ]
    assert sorted(cases) == sorted({early.case, late.case}), "each of the two once"
    assert await place.stage.rows("SELECT 1 FROM evidence") == []
    assert (await check(place.data, load(place.data))).broken_at is None


async def approved(place: Place, *roles: str) -> incarnation.Renewed:
    with pytest.raises(Exception, match="incarnation-waiting"):
        await incarnation.renew(place.node, "disk-lost")
    await place.approve(*roles)
    return await incarnation.renew(place.node, "disk-lost")


async def test_rule_8_7_entries_the_centre_has_countersigned_are_not_lost_with_their_page(
    place: Place,
) -> None:
    await place.node.store.transact(marks)
    needle = await leaf_of(place, await size_of(place) - MARKS // 2)
    await place.exchange()
    last = (await place.offline(await place.clerk()))[0]
    size = await size_of(place)
    await place.close()
    flip(place.data, needle)
    done = await rebuilt(place)
    assert done.incarnation
    assert done.entries_lost > 0
    await place.start()
    renewed = await approved(place, "security")
    assert renewed.lost == 0, "the centre has them"
    assert renewed.carried < 20 < size
    await place.exchange()
    rows = await place.stage.rows("SELECT case_no FROM access WHERE case_no <> ''")
    assert [row["case_no"] for row in rows] == [last.case]


async def test_rule_8_7_a_broken_first_page_is_put_back_from_its_copy(place: Place) -> None:
    await place.offline(await place.clerk())
    before = await size_of(place)
    await place.close()
    content = bytearray((place.data / "node.db").read_bytes())
    content[4000] ^= 1
    (place.data / "node.db").write_bytes(content)
    assert (await check(place.data, load(place.data))).store == "damaged"
    done = await rebuilt(place)
    assert (done.pages, done.lost, done.incarnation) == ((1,), (), False)
    await place.start()
    assert await size_of(place) == before + 1
    assert (await place.offline(await place.clerk()))[0].mode == "cached", "the cache is whole"


async def test_rule_8_7_a_rebuilt_ledger_has_the_times_of_its_blocks_anew(place: Place) -> None:
    for _ in range(2):
        await place.node.store.transact(marks)
    wanted = await place.node.store.read(lambda db: db.query("SELECT * FROM time_block"))
    assert wanted
    await place.node.store.transact(lambda tx: tx.execute("DELETE FROM time_block"))
    await place.close()
    content = bytearray((place.data / "node.db").read_bytes())
    content[4000] ^= 1
    (place.data / "node.db").write_bytes(content)
    assert not (await rebuilt(place)).incarnation
    node = await place.start()
    assert await node.store.read(lambda db: db.query("SELECT * FROM time_block")) == wanted


async def test_rule_8_7_too_little_to_go_on_with_is_put_aside_and_a_backup_takes_its_place(
    place: Place,
) -> None:
    await keys.add(place.node, "manager", passphrase=PASSPHRASE)
    file = place.folder / "backup.db"
    await backup(place.node, file)
    own = place.node.identity.signing.seed()
    await place.close()
    flip(place.data, own[:16])
    with pytest.raises(BeyondRepair) as caught:
        await rebuild.open_whole(place.data, load(place.data))
    assert "edge restore" in caught.value.next.zh
    (aside,) = (place.data / rebuild.QUARANTINE).glob("*/node.db")
    assert aside.stat().st_size > 0
    with pytest.raises(BeyondRepair):
        await open_node(place.data, load(place.data))
    await restore(place.data, file, Means(passphrase=PASSPHRASE), place.clock())
    await place.start()
    assert (await approved(place, "security")).origin.endswith("/i2")


async def test_rule_8_7_a_page_met_by_a_reader_stops_sensitive_answers_at_once(place: Place) -> None:
    await place.node.store.transact(marks)
    needle = await leaf_of(place, await size_of(place) - MARKS // 2)
    await place.close()
    node = await place.start()
    clerk = await place.clerk()
    flip(place.data, needle)
    with pytest.raises(BrokenPage) as caught:
        await node.store.read_long(lambda db: db.query("SELECT sum(length(leaf)) FROM entry"))
    assert "自动重启" in caught.value.next.zh
    assert node.store.failed
    assert salvage.reported(place.data)
    with pytest.raises(StoreTrouble):
        await place.asked(clerk)


async def test_rule_8_7_check_beside_a_running_node_stops_it_and_a_whole_file_is_left_alone(
    place: Place,
) -> None:
    node = place.node
    assert await rebuild.rebuild(place.data, load(place.data), place.clock()) is None
    await node.store.transact(marks)
    needle = await leaf_of(place, await size_of(place) - MARKS // 2)
    await place.close()
    node = await place.start()
    assert not node.store.failed
    flip(place.data, needle)
    found = await check(place.data, load(place.data))
    assert found.store == "damaged"
    assert found.next is not None
    assert node.store.failed, "the process ends, and its next start rebuilds"


@pytest.mark.parametrize("step", ["copied", "ready", "moved"])
async def test_rule_8_7_a_rebuild_that_broke_off_is_gone_on_with(place: Place, step: str) -> None:
    """What a power cut leaves: a half copy; the new file beside the old; the old one already put aside."""
    await place.node.store.transact(marks)
    needle = await leaf_of(place, await size_of(place) - MARKS // 2)
    await place.exchange()
    await place.close()
    flip(place.data, needle)
    broken = (place.data / "node.db").read_bytes()
    await rebuilt(place)
    whole = (place.data / "node.db").read_bytes()
    if step == "copied":
        (place.data / rebuild.WORK).mkdir()
        (place.data / rebuild.WORK / "node.db").write_bytes(broken[:5000])
        (place.data / "node.db").write_bytes(broken)
    else:
        (place.data / rebuild.READY).write_bytes(whole)
        (place.data / "node.db").unlink()
        if step == "ready":
            (place.data / "node.db").write_bytes(broken)
    salvage.report(place.data, "pages")
    node = await rebuild.open_whole(place.data, load(place.data))
    assert await count(node, "entry") > 0
    await node.store.close()
    assert not (place.data / rebuild.READY).exists()
    assert not (place.data / rebuild.WORK).exists()
    assert len(list((place.data / rebuild.QUARANTINE).glob("*/node.db"))) >= 1


async def test_rule_8_7_a_real_node_stops_when_check_finds_the_page_and_starts_again_rebuilt(
    place: Place,
) -> None:
    await place.node.store.transact(marks)
    sealed = await place.node.store.read(lambda db: db.query("SELECT sealed FROM subject_cache"))
    await place.close()
    await asyncio.to_thread(_broken_while_serving, place, bytes(sealed[0][0][:32]))
    assert len(list((place.data / rebuild.QUARANTINE).glob("*/node.db"))) == 1


def _broken_while_serving(place: Place, needle: bytes) -> None:
    data = ("--data", str(place.data))
    first = served(place)
    try:
        flip(place.data, needle)
        found = command("edge", "check", *data, expect=1)
        assert found["store"] == "damaged"
        assert "自动重启" in found["next"]["zh"]
        assert first.process.wait(30) == 3, "the service manager starts it again"
    finally:
        first.stop()
    served(place).stop()
    found = command("edge", "check", *data)
    assert (found["store"], found["broken_at"]) == ("ok", None)
    assert command("edge", "rebuild", *data)["pages"] == []


def served(place: Place) -> Program:
    port = str(free_port())
    words = ["edge", "serve", "--host", "127.0.0.1", "--port", port, "--data", str(place.data)]
    program = Program("node", words, place.folder / "serve.log")
    program.wait_for(f"http://127.0.0.1:{port}/livez")
    return program
