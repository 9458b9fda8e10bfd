"""The restore drill: backup, another folder, a new incarnation, exchange, serve; and every no on the way."""

import base64
import shutil
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from central.actions import escrow
from central.actions.centre import operator
from central.errors import CentralError, NotPermitted
from edge.actions import checkpoint, courier, gates, incarnation, keys
from edge.actions.backup import backup, companion
from edge.actions.restore import Means, restore
from edge.actions.views import Answer
from edge.errors import CentreRefused, Damaged, Refused, WrongKey
from edge.store import slots
from matters.model import Refusal
from sync.signing.escrow import seal_slot
from tests.contract.edge.test_answers import count
from tests.contract.renewal.place import NUMBER, Place

PASSPHRASE = "清河县的一句很长很长的口令话"
DRILL_S = 30 * 60


async def kept(place: Place) -> Path:
    """A backup with a manager's, a county's and the centre's slot, and work done after it."""
    await keys.add(place.node, "manager", passphrase=PASSPHRASE)
    place.shares = (await keys.add(place.node, "county")).shares  # type: ignore[attr-defined] # for this test only
    await keys.add(place.node, "escrow")
    await place.offline(await place.clerk())
    file = place.folder / "stick" / "backup.db"
    file.parent.mkdir()
    done = await backup(place.node, file)
    assert done["keys"] == f"{file}.keys"
    return file


async def test_the_drill_ends_with_a_hall_that_serves_within_thirty_minutes(place: Place) -> None:
    file = await kept(place)
    after = (await place.offline(await place.clerk()))[0]
    await place.exchange()
    old = place.node.identity.origin
    await place.close()
    shutil.rmtree(place.data)  # the disk is gone
    begun = time.monotonic()
    found = await restore(place.folder / "new", file, Means(passphrase=PASSPHRASE), place.clock())
    assert found.origin == old
    node = await place.start(place.folder / "new")
    with pytest.raises(CentreRefused):
        await incarnation.renew(node, "disk-lost")
    await place.approve("security")
    done = await incarnation.renew(node, "disk-lost")
    await place.exchange()
    given = (await place.offline(await place.clerk()))[0]
    assert time.monotonic() - begun < DRILL_S
    assert (done.old_origin, done.origin[-2:]) == (old, "i2")
    assert given.report is not None
    assert "-L2-" in given.report.serial, "no number of the lost days is given again"
    await place.exchange()
    rows = await place.stage.rows("SELECT case_no FROM access WHERE case_no <> ''")
    cases = [row["case_no"] for row in rows]
    assert len(cases) == len(set(cases)) == 3
    assert {after.case, given.case} < set(cases)
    assert await place.stage.rows("SELECT 1 FROM evidence") == []


async def test_a_restored_database_signs_and_exchanges_nothing_and_answers_nobody(place: Place) -> None:
    file = await kept(place)
    await place.close()
    await restore(place.folder / "new", file, Means(passphrase=PASSPHRASE), place.clock())
    node = await place.start(place.folder / "new")
    assert "restored" in [one.code for one in await node.store.read(lambda db: gates.gates(db, node))]
    said = await place.asked(await place.clerk())
    assert isinstance(said, Refusal)
    assert said.code == "restored"
    for forbidden in (place.exchange(), checkpoint.sign(node), courier.export(node, place.folder / "usb")):
        with pytest.raises(Refused) as caught:
            await forbidden
        assert "edge incarnation" in caught.value.next.zh


async def test_no_cached_person_comes_back_with_a_backup(place: Place) -> None:
    file = await kept(place)
    await restore(place.folder / "new", file, Means(passphrase=PASSPHRASE), place.clock())
    node = await place.start(place.folder / "new")
    for table in ("subject_cache", "lease_key", "session"):
        assert await count(node, table) == 0, table
    assert NUMBER.encode() not in (place.folder / "new" / "node.db").read_bytes()


@pytest.mark.parametrize("means", ["shares", "machine", "escrow"])
async def test_any_one_means_restores(place: Place, means: str) -> None:
    file = await kept(place)
    target = place.folder / "new"
    machine = place.data / "keys" / "machine.key"
    given = {
        "shares": Means(shares=place.shares[::2]),  # type: ignore[attr-defined] # as above
        "machine": Means(machine_key=machine),
        "escrow": Means(escrow=await released(place, file, target) if means == "escrow" else b""),
    }[means]
    done = await restore(target, file, given, place.clock())
    assert done.slots == ("machine", "manager", "county", "escrow")
    assert done.entries > 0
    assert (target / "settings.toml").read_text() == (place.data / "settings.toml").read_text()
    assert not (target / "keys" / "restore.key").exists()


async def released(place: Place, file: Path, target: Path, **other: Any) -> bytes:
    public = await keys.ask_release(target)
    assert await keys.ask_release(target) == public
    told = {"node": place.name, "public": public, "note": "王科长电话申请"} | other
    companion = file.with_name("backup.db.keys").read_bytes()
    done = await escrow.give(
        place.stage.centre, operator("security"), told["node"], companion, told["public"], told["note"]
    )
    assert isinstance(done, escrow.Released), done
    return base64.b64decode(done.sealed)


async def test_a_release_is_for_one_machine_one_node_and_on_the_ledger(place: Place) -> None:
    file = await kept(place)
    sealed = await released(place, file, place.folder / "new")
    with pytest.raises(WrongKey):
        await restore(place.folder / "other", file, Means(escrow=sealed), place.clock())
    await keys.ask_release(place.folder / "other")
    with pytest.raises(WrongKey):
        await restore(place.folder / "other", file, Means(escrow=sealed), place.clock())
    companion = file.with_name("backup.db.keys").read_bytes()
    centre, security = place.stage.centre, operator("security")
    public = await keys.ask_release(place.folder / "new")
    with pytest.raises(NotPermitted):
        await escrow.give(centre, operator("system"), place.name, companion, public, "王科长申请")
    no = await escrow.give(centre, security, place.name, companion, public, " ")
    assert isinstance(no, Refusal)
    without = msgspec.json.encode(msgspec.json.decode(companion) | {"slots": []})
    for node, content, to in (
        ("330999", companion, public),
        (place.name, b"{", public),
        (place.name, without, public),
        (place.name, companion.replace(b"/330102/", b"/330104/"), public),
        (place.name, companion, "?"),
        (place.name, companion, "AAAA"),
    ):
        with pytest.raises(CentralError):
            await escrow.give(centre, security, node, content, to, "王科长申请")


async def test_an_escrow_slot_opens_in_the_file_of_its_own_node_only(place: Place) -> None:
    file = await kept(place)
    beside = msgspec.json.decode(companion(file).read_bytes())
    public = await keys.ask_release(place.folder / "new")
    other = await place.stage.node(name="清源县市民之家", region="330104")
    in_another = beside | {"origin": beside["origin"].replace(f"/{place.name}/", f"/{other.node}/")}
    said_unbound = beside | {"slots": [slot | {"stem": ""} for slot in beside["slots"]]}
    for node, forged in ((other.node, in_another), (place.name, said_unbound)):
        with pytest.raises(CentralError) as caught:
            await escrow.give(
                place.stage.centre,
                operator("security"),
                node,
                msgspec.json.encode(forged),
                public,
                "电话核实",
            )
        assert "托管槽不是这个节点" in str(caught.value.words.zh)


async def test_an_escrow_slot_from_before_slots_were_bound_still_opens(place: Place) -> None:
    file = await kept(place)
    beside = msgspec.json.decode(companion(file).read_bytes())
    key = slots.unlock(place.data)
    for slot in beside["slots"]:
        if slot["kind"] == "escrow":
            wrapped = seal_slot(base64.b64decode(slot["public"]), "", slot["id"], key.key + key.salt)
            slot |= {"wrapped": base64.b64encode(wrapped).decode(), "stem": ""}
    companion(file).write_bytes(msgspec.json.encode(beside))
    means = Means(escrow=await released(place, file, place.folder / "new"))
    assert (await restore(place.folder / "new", file, means, place.clock())).entries > 0


@pytest.mark.parametrize(
    ("means", "error"),
    [
        (Means(), Refused),
        (Means(passphrase="不是这一句口令吧"), WrongKey),
        (Means(shares=("YZS1-1-AAAAA", "YZS1-2-AAAAA")), WrongKey),
    ],
)
async def test_what_does_not_open_leaves_no_folder_behind(place: Place, means: Means, error: type) -> None:
    file = await kept(place)
    with pytest.raises(error):
        await restore(place.folder / "new", file, means, place.clock())
    assert not (place.folder / "new" / "node.db").exists()
    assert not (place.folder / "new" / "keys" / "slots.json").exists()


async def test_a_damaged_or_halved_backup_and_a_folder_in_use_are_refused(place: Place) -> None:
    file = await kept(place)
    means = Means(passphrase=PASSPHRASE)
    with pytest.raises(Refused) as caught:
        await restore(place.data, file, means, place.clock())
    assert "未作任何改动" in caught.value.message.zh
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] + bytes(64) + whole[len(whole) // 2 + 64 :])
    with pytest.raises(Damaged):
        await restore(place.folder / "new", file, means, place.clock())
    file.with_name("backup.db.keys").write_bytes(b"{}")
    with pytest.raises(Damaged):
        await restore(place.folder / "new", file, means, place.clock())
    file.with_name("backup.db.keys").unlink()
    with pytest.raises(Refused):
        await restore(place.folder / "new", file, means, place.clock())
    assert list((place.folder / "new").glob(".node*")) == []
    file.write_bytes(whole)


async def test_a_backup_overwrites_neither_file_of_another_one(place: Place) -> None:
    file = place.folder / "backup.db"
    beside = companion(file)
    for there in (file, beside):
        there.write_bytes(b"of last week")
        with pytest.raises(Refused) as caught:
            await backup(place.node, file)
        assert caught.value.detail == f"{there.name} exists"
        assert [one.name for one in place.folder.glob("*backup*")] == [there.name]
        assert there.read_bytes() == b"of last week"
        there.unlink()


async def test_answers_after_the_drill_come_from_a_fresh_cache(place: Place) -> None:
    file = await kept(place)
    await place.close()
    await restore(place.folder / "new", file, Means(passphrase=PASSPHRASE), place.clock())
    node = await place.start(place.folder / "new")
    with pytest.raises(CentreRefused):
        await incarnation.renew(node, "disk-lost")
    await place.approve("security")
    await incarnation.renew(node, "disk-lost")
    await place.exchange()
    given = (await place.offline(await place.clerk()))[0]
    assert isinstance(given, Answer)
    assert given.mode == "cached"
