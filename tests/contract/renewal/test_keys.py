"""Slots: any one opens, what was removed opens nothing, a rotation leaves the old key or the new one."""

import shutil
from pathlib import Path

import pytest

from edge.actions import keys
from edge.actions.check import check
from edge.errors import Busy, Refused, WrongKey
from edge.settings import load
from edge.store import cipher, shares, slots
from edge.store.files import hold_service
from tests.contract.edge.test_answers import entries
from tests.contract.renewal.place import Place

PASSPHRASE = "清河县的一句很长很长的口令话"


def test_any_two_of_three_shares_give_the_secret_back_and_one_does_not():
    secret = bytes(range(32))
    made = shares.split(secret)
    for pair in ((0, 1), (0, 2), (1, 2), (2, 0)):
        assert shares.join([made[one] for one in pair]) == secret
    assert shares.join([made[0].lower().replace("-", "- "), made[2]]) == secret
    for few in ([made[1]], [made[1], made[1]], []):
        with pytest.raises(WrongKey):
            shares.join(few)
    for at in range(len(made[0])):  # any letter copied wrongly is found, the last one too
        for letter in "A7":
            spoilt = made[0][:at] + letter + made[0][at + 1 :]
            if spoilt != made[0] and made[0][at] != "-":
                with pytest.raises(WrongKey):
                    shares.join([spoilt, made[1]])
    for bad in ("YZS1-1-AAAA", "口令", made[0][:20]):
        with pytest.raises(WrongKey):
            shares.join([bad, made[1]])
    other = shares.split(bytes(32))
    assert shares.join([made[0], other[1]]) != secret


async def test_every_slot_opens_the_same_database_and_each_is_an_entry(place: Place) -> None:
    node = place.node
    await keys.add(node, "manager", passphrase=PASSPHRASE)
    county = await keys.add(node, "county")
    await keys.add(node, "escrow")
    held = slots.slots(node.data)
    assert [slot.kind for slot in held] == ["machine", "manager", "county", "escrow"]
    machine = slots.unlock(node.data)
    assert slots.open_with_passphrase(held, PASSPHRASE) == machine
    assert slots.open_with_shares(held, county.shares[1:]) == machine
    escrow = next(slot for slot in held if slot.kind == "escrow")
    assert slots.open_sealed_slot(escrow, place.stage.centre.keys.sealing) == machine
    for wrong in (
        lambda: slots.open_with_passphrase(held, PASSPHRASE + "!"),
        lambda: slots.open_with_shares(held, shares.split(bytes(32))[:2]),
        lambda: slots.open_with_machine_key(held, bytes(32)),
    ):
        with pytest.raises(WrongKey):
            wrong()
    marks = [(entry.outcome, entry.object) for entry, _ in await entries(node) if entry.kind == 110]
    assert marks == [("slot-added", "manager"), ("slot-added", "county"), ("slot-added", "escrow")]
    listed = [(row.id, row.kind) for row in keys.listed(node.data)]
    assert listed[1] == ("manager", "manager")


async def test_a_removed_slot_opens_nothing_and_the_machines_own_stays(place: Place) -> None:
    node = place.node
    await keys.add(node, "manager", passphrase=PASSPHRASE)
    gone = await keys.remove(node, "manager")
    assert gone.kind == "manager"
    with pytest.raises(WrongKey):
        slots.open_with_passphrase(slots.slots(node.data), PASSPHRASE)
    for slot in ("manager", "machine"):
        with pytest.raises(Refused):
            await keys.remove(node, slot)
    with pytest.raises(Refused):
        await keys.add(node, "machine")
    with pytest.raises(Refused) as short:
        await keys.add(node, "manager", passphrase="short")
    assert "12" in short.value.next.zh
    assert [row.kind for row in keys.listed(node.data)] == ["machine"]


async def test_a_rotated_key_is_in_every_slot_and_the_old_one_opens_nothing(place: Place) -> None:
    await keys.add(place.node, "manager", passphrase=PASSPHRASE)
    county = await keys.add(place.node, "county")
    size = len(await entries(place.node))
    with hold_service(place.data), pytest.raises(Busy):
        await keys.rotate(place.data)
    await place.close()
    old = slots.unlock(place.data)
    await keys.rotate(place.data)
    new = slots.unlock(place.data)
    assert new != old
    held = slots.slots(place.data)
    assert slots.open_with_passphrase(held, PASSPHRASE) == new
    assert slots.open_with_shares(held, county.shares[:2]) == new
    with pytest.raises(WrongKey):
        cipher.connect(place.data / "node.db", old)
    await place.start()
    assert len(await entries(place.node)) > size, "the rotation is an entry, and nothing is lost"
    await place.exchange()
    assert (await check(place.data, load(place.data), place.clock())).broken_at is None


async def test_a_rotation_a_crash_broke_off_leaves_a_database_that_opens(place: Place) -> None:
    await place.close()
    before = place.image("before")
    old, new = slots.unlock(before), slots.fresh()
    slots.prepare(before, slots.rewrapped(before, slots.slots(before), new))
    after = _copied(before, place.folder / "after")
    assert slots.unlock(before) == old, "not yet rekeyed: the prepared slots are forgotten"
    assert not (before / "keys" / "slots.next.json").exists()
    cipher.rekey(after / "node.db", old, new)
    torn = _copied(after, place.folder / "torn")
    assert slots.unlock(after) == new, "rekeyed, not promoted: the next start finishes it"
    assert slots.slots(after) != slots.slots(before)
    (torn / "node.db-journal").write_bytes(b"")
    assert slots.unlock(torn) == old, "while a journal stands, the old key is the one SQLite goes back to"
    await place.start(after)
    await place.exchange()


def _copied(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to)
    return to
