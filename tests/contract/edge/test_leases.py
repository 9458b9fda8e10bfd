"""Cached personal data dies on time (P7): by time, by count, by boots; and then it is unreadable."""

import asyncio
import shutil
from pathlib import Path

import pytest

from edge.actions import leases
from edge.actions.answer import answer
from edge.actions.clockwork import boot
from edge.actions.exchange import exchange, statistics
from edge.actions.node import Node, Session
from edge.actions.status import status
from edge.actions.views import Answer
from edge.errors import Damaged
from edge.store import cache, cipher, slots
from edge.store.keyring import Keyring
from edge.store.reader import Reading
from matters.model import Refusal
from sync.lease import spoken
from tests.contract.edge.conftest import Opener, ToldTime, lay
from tests.contract.edge.small_centre import HOUR_MS, SmallCentre, number_of
from tests.contract.edge.test_answers import count, entries, own
from tests.contract.edge.test_api import over, sign_in


def readable(data: Path, ref: bytes) -> bool:
    """Whether a thief with the machine key can read a subject out of this folder."""
    connection = cipher.connect(data / "node.db", slots.unlock(data))
    try:
        return cache.look_up(Reading(connection), Keyring(data), ref, public_only=False) is not None
    except Damaged:
        return False
    finally:
        connection.close()


async def test_g13_an_expired_lease_refuses_with_words_and_its_data_key_is_destroyed(
    node: Node, clerk: Session, centre: SmallCentre, told: ToldTime, tmp_path: Path
) -> None:
    ref = centre.ref(number_of(0))
    assert readable(tmp_path / "node", ref)
    shutil.copytree(tmp_path / "node", tmp_path / "before")
    wrapping = (tmp_path / "node/keys/lease.key").read_bytes()
    told.pass_ms(centre.lease_hours * HOUR_MS)
    centre.down = True
    read = await lay(node, centre)
    no = await answer(node, clerk, own(read.read_id))
    assert isinstance(no, Refusal)
    assert no.code == "lease-expired"
    assert "离线授权" in no.message.zh
    assert (tmp_path / "node/keys/lease.key").read_bytes() != wrapping
    assert not readable(tmp_path / "node", ref)
    assert await count(node, "subject_cache") == 0
    kinds = [entry.kind for entry, _ in await entries(node)]
    assert kinds[-7:] == [11, 61, 61, 61, 62, 62, 62]
    shutil.copy(tmp_path / "node/keys/lease.key", tmp_path / "before/keys/lease.key")
    assert not readable(tmp_path / "before", ref), "an older copy of the database opens no more either"


async def test_after_shredding_the_next_exchange_brings_lease_and_data_back(
    node: Node, clerk: Session, centre: SmallCentre, told: ToldTime
) -> None:
    told.pass_ms(centre.lease_hours * HOUR_MS)
    await leases.shred_expired(node)
    assert await count(node, "subject_cache") == 0
    await exchange(node)
    assert await count(node, "subject_cache") == 5
    centre.down = True
    read = await lay(node, centre)
    given = await answer(node, clerk, own(read.read_id))
    assert isinstance(given, Answer)
    assert given.mode == "cached"


async def test_a_lease_counts_its_answers_and_ends_with_the_last(
    node: Node, clerk: Session, centre: SmallCentre, told: ToldTime
) -> None:
    centre.lease_answers = 2
    await exchange(node)
    centre.down = True
    read = await lay(node, centre)
    given = [await answer(node, clerk, own(read.read_id)) for _ in range(3)]
    assert [isinstance(one, Answer) for one in given] == [True, True, False]
    assert isinstance(given[2], Refusal)
    assert given[2].code == "lease-answers-spent"


async def test_the_centre_is_told_how_many_answers_and_boots_of_a_lease_are_used_and_never_the_time(
    node: Node, clerk: Session, centre: SmallCentre, told: ToldTime
) -> None:
    centre.lease_answers, centre.lease_boots = 4, 10
    await exchange(node)

    async def told_percent() -> int:
        return (await node.store.read(lambda db: statistics(db, node)))["lease_used_percent"]

    assert await told_percent() == 0
    centre.down = True
    read = await lay(node, centre)
    for _ in range(2):
        await answer(node, clerk, own(read.read_id))
    assert await told_percent() == 50
    for _ in range(6):
        await boot(node)
    assert await told_percent() == 60
    told.pass_ms(48 * HOUR_MS)
    assert await told_percent() == 60


async def test_two_windows_cannot_spend_the_last_answer_twice(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    centre.lease_answers = 1
    await exchange(node)
    centre.down = True
    read = await lay(node, centre)
    given = await asyncio.gather(*(answer(node, clerk, own(read.read_id)) for _ in range(4)))
    assert sum(isinstance(one, Answer) for one in given) == 1
    assert await count(node, "report") == 1
    assert [entry.kind for entry, _ in await entries(node)].count(11) == 3, "each no is an entry"


async def test_a_lease_counts_boots_and_is_shredded_before_the_port_opens(
    node: Node, centre: SmallCentre, opener: Opener, tmp_path: Path
) -> None:
    centre.lease_boots = 1
    await exchange(node)
    again = await opener()
    await boot(again)
    assert readable(tmp_path / "node", centre.ref(number_of(0)))
    third = await opener()
    await boot(third)
    assert not readable(tmp_path / "node", centre.ref(number_of(0)))


async def test_g14_a_clock_set_back_does_not_lengthen_a_lease(
    node: Node, clerk: Session, centre: SmallCentre, told: ToldTime
) -> None:
    centre.down = True
    told.boot += centre.lease_hours * HOUR_MS
    told.wall -= 24 * HOUR_MS
    read = await lay(node, centre)
    no = await answer(node, clerk, own(read.read_id))
    assert isinstance(no, Refusal)
    assert no.code == "lease-expired"


async def test_a_shredding_broken_off_before_the_old_key_was_replaced_is_finished_at_boot(
    node: Node, centre: SmallCentre, told: ToldTime, opener: Opener, tmp_path: Path
) -> None:
    told.pass_ms(centre.lease_hours * HOUR_MS)
    old = (tmp_path / "node/keys/lease.key").read_bytes()
    interval = node.store.clock.interval()
    new = node.store.keyring.prepare()
    await node.store.transact(lambda tx: leases._rewrap(tx, node, new, interval, frozenset()))
    again = await opener()  # the crash fell between the transaction and the key file
    await boot(again)
    assert (tmp_path / "node/keys/lease.key").read_bytes() != old
    assert not (tmp_path / "node/keys/lease.key.next").exists()
    shredded = await again.store.read(lambda db: db.query("SELECT DISTINCT state FROM lease"))
    assert ("expired",) not in shredded


async def test_without_any_lease_no_data_is_taken_and_no_answer_given(
    node: Node, clerk: Session, centre: SmallCentre, told: ToldTime
) -> None:
    centre.send_leases = False
    told.pass_ms(centre.lease_hours * HOUR_MS)
    await leases.shred_expired(node)
    done = await exchange(node)
    assert "pack-refused" in done.alarms
    assert await count(node, "subject_cache") == 0


async def test_the_public_part_outlives_the_closed_one_under_the_longer_lease(
    node: Node, centre: SmallCentre, told: ToldTime, tmp_path: Path
) -> None:
    from tests.contract.edge.small_centre import person

    held = person(9, told.wall, titles=("表彰", "公开承诺"))
    centre.people[held.subject.number] = held
    centre.publish(version=2)
    await node.store.transact(lambda tx: tx.execute("UPDATE release_held SET version = 0"))
    await exchange(node)
    await node.store.transact(
        lambda tx: tx.execute("UPDATE lease SET used = 100000 WHERE capability <> 'public'")
    )
    await leases.shred_expired(node)
    ref = centre.ref(held.subject.number)

    def look(db: Reading) -> tuple[object, object]:
        ring = node.store.keyring
        return (
            cache.look_up(db, ring, ref, public_only=False),
            cache.look_up(db, ring, ref, public_only=True),
        )

    closed, public = await node.store.read(look)
    assert closed is None
    assert public is not None
    known = public[0]  # type: ignore[index]
    assert [record.title for record in known.records] == ["公开承诺"]
    assert known.subject.address == ""


async def test_the_strip_shows_leases_ahead_with_their_colour(
    node: Node, centre: SmallCentre, told: ToldTime
) -> None:
    told.pass_ms(60 * HOUR_MS)
    found = await status(node)
    summary = next(lease for lease in found.lease if lease.capability == "summary")
    assert summary.state == "amber"
    assert 11 * 3600 < summary.left_s <= 12 * 3600
    assert any("将尽" in words.zh for words in found.warnings)


@pytest.mark.parametrize("tier", ["closed", "open"])
async def test_a_cached_row_moved_to_another_subject_does_not_open(
    node: Node, centre: SmallCentre, tier: str
) -> None:
    one, other = centre.ref(number_of(0)), centre.ref(number_of(1))
    await node.store.transact(
        lambda tx: tx.execute(
            "UPDATE subject_cache SET sealed = (SELECT sealed FROM subject_cache WHERE ref = ?) WHERE ref = ?",
            (one, other),
        )
    )
    with pytest.raises(Damaged):
        await node.store.read(
            lambda db: cache.look_up(db, node.store.keyring, other, public_only=tier == "open")
        )


async def test_a_code_by_phone_is_typed_on_the_line_page_and_a_wrong_group_stays_there_to_be_mended(
    node: Node, centre: SmallCentre, told: ToldTime
) -> None:
    origin, public = node.identity.origin, node.identity.sealing.public
    said = spoken.Spoken(
        capabilities=("summary", "detail"),
        hour=(told.wall - spoken.EPOCH_MS) // spoken.HOUR_MS,
        hours=100,
        answers=500,
        boots=5,
        counter=1,
    )
    code = spoken.speak(said, spoken.key_of(centre.sealing, public, origin), origin, ("330102",))
    wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
    async with over(node) as client:
        token = {"csrf": (await sign_in(client, "wu.yue"))["X-CSRF-Token"]}
        reply = await client.post("/line/lease", data={"code": wrong} | token)
        assert "第 8 组有误" in reply.text
        assert f'value="{wrong}"' in reply.text
        reply = await client.post("/line/lease", data={"code": code} | token, follow_redirects=True)
        assert "已延长 2 项离线授权" in reply.text
        reply = await client.post("/line/lease", data={"code": code} | token)
        assert "已经用过" in reply.text
