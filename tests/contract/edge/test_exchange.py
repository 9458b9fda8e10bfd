"""The exchange: countersignature, letters obeyed once, data sets whole or not at all, alarms that stop answers."""

import base64
from pathlib import Path
from typing import Any

import pytest

from edge.actions import courier, gates
from edge.actions.answer import answer
from edge.actions.cases import list_cases, tasks
from edge.actions.exchange import exchange
from edge.actions.findings import findings
from edge.actions.node import Node, Session
from edge.actions.sign_in import session, sign_in
from edge.actions.status import status
from edge.actions.views import Answer, Deferral
from edge.errors import CentreUnreachable, CourierRefused
from edge.store.cache import StaffRow
from matters.model import Refusal
from sync.messages.directives import Directive, letter, whose
from sync.messages.incarnation import GENERATION
from tests.contract.edge.conftest import ToldTime, lay, signed_in
from tests.contract.edge.small_centre import HOUR_MS, PASSWORD, SmallCentre, number_of, person
from tests.contract.edge.test_answers import count, entries, own


async def offline_answer(node: Node, clerk: Session, centre: SmallCentre, **more: Any) -> Answer:
    centre.down = True
    read = await lay(node, centre)
    given = await answer(node, clerk, own(read.read_id, **more))
    centre.down = False
    assert isinstance(given, Answer)
    return given


async def test_g07_offline_reads_reach_the_centre_complete_and_countersigned(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    centre.send_leases = False
    given = await offline_answer(node, clerk, centre)
    done = await exchange(node)
    assert done.pending == 0
    assert done.acknowledged == len(centre.hashes)
    assert centre.hashes[given.entry.index] == given.entry.leaf_hash
    found = await status(node)
    assert (found.ledger.size, found.ledger.pending) == (found.ledger.countersigned_size, 0)
    assert found.ledger.oldest_unacknowledged_age_s == 0
    again = await exchange(node)
    assert again.sent == 0
    assert len(centre.hashes) == done.acknowledged, "nothing travels twice"


async def test_a_centre_that_lacks_the_dictionary_gets_the_same_entries_without_at_once(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    await offline_answer(node, clerk, centre)
    centre.knows_no_dictionary = True
    done = await exchange(node)
    assert not done.alarms
    assert done.acknowledged == len(centre.hashes) > 0


async def test_g12_rule_10_7_a_provisional_report_is_confirmed_by_a_letter_once(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    given = await offline_answer(node, clerk, centre)
    assert given.report is not None
    centre.write("report.confirmed", {"serial": given.report.serial})
    await exchange(node)
    await exchange(node)
    rows = await node.store.read(lambda db: db.query("SELECT status FROM report"))
    assert rows == [("confirmed",)]
    settled = [detail for entry, detail in await entries(node) if entry.kind == 25]
    assert [(one["serial"], one["verdict"]) for one in settled] == [(given.report.serial, "confirmed")]


async def test_g12_a_superseded_report_puts_the_person_on_the_call_list_with_what_changed(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    given = await offline_answer(node, clerk, centre, phone="13800000000")
    assert given.report is not None
    centre.write(
        "report.superseded",
        {"serial": given.report.serial, "changes": [["新增行政处罚一条", "one penalty more"]]},
    )
    await exchange(node)
    (task,) = await tasks(node)
    assert (task.kind, task.case, task.phone, task.owner) == ("call", given.case, "13800000000", "li.min")
    assert "新增行政处罚一条" in task.words.zh
    (case,) = await list_cases(node, clerk)
    assert (case.state, case.report_status) == ("superseded", "superseded")


async def test_g12_the_first_verdict_stands_whatever_a_restored_centre_says_after_it(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    given = await offline_answer(node, clerk, centre, phone="13800000000")
    assert given.report is not None
    serial = {"serial": given.report.serial}
    said = serial | {"changes": [["新增行政处罚一条", "one penalty more"]]}
    centre.write("report.superseded", said)
    await exchange(node)
    again, other = GENERATION + 1, GENERATION + 2
    centre.letters += [letter(again, "report.superseded", said), letter(other, "report.confirmed", serial)]
    await exchange(node)
    read = await node.store.read(
        lambda db: db.query("SELECT number, objection FROM directive ORDER BY number")
    )
    assert read == [(1, ""), (again, "obeyed before as letter 1"), (other, "obeyed before as letter 1")]
    assert [entry.outcome for entry, _ in await entries(node) if entry.kind == 25] == ["superseded"]
    assert len(await tasks(node)) == 1
    (case,) = await list_cases(node, clerk)
    assert case.report_status == "superseded"


async def deferred(node: Node, clerk: Session, centre: SmallCentre) -> Deferral:
    """A query the line had to be up for."""
    centre.down = True
    read = await lay(node, centre)
    promised = await answer(node, clerk, own(read.read_id, "credit-bureau.self"))
    centre.down = False
    assert isinstance(promised, Deferral)
    return promised


async def test_f071_a_fulfilled_deferral_ends_its_task_and_asks_for_a_call(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    promised = await deferred(node, clerk, centre)
    centre.write("case.fulfilled", {"case": promised.case, "note": "征信报告已可出具"})
    await exchange(node)
    (task,) = await tasks(node)
    assert (task.kind, task.case) == ("call", promised.case)
    (done,) = await tasks(node, done=True)
    assert done.kind == "deferral"


@pytest.mark.parametrize("kind", ["case.fulfilled", "case.refused"])
async def test_a_letter_about_another_persons_case_of_the_same_number_changes_nothing(
    node: Node, clerk: Session, centre: SmallCentre, kind: str
) -> None:
    promised = await deferred(node, clerk, centre)
    said = {"case": promised.case, "note": "", "reason": ["证件不符", "no"], "rule": "第七条"}
    centre.write(kind, {**said, "whose": "00" * 8})
    await exchange(node)
    assert {task.kind for task in await tasks(node)} == {"deferral"}
    objections = await node.store.read(lambda db: db.query("SELECT objection FROM directive"))
    assert [row[0] for row in objections] == [f"case {promised.case} is another person's here"]
    centre.write(kind, {**said, "whose": whose(centre.ref(number_of(0)))})
    await exchange(node)
    assert {task.kind for task in await tasks(node)} == {"call"}


async def test_a_refused_deferral_names_reason_and_article_on_the_call_list(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    promised = await deferred(node, clerk, centre)
    centre.write("case.refused", {"case": promised.case, "reason": ["证件不符", "no"], "rule": "第七条"})
    await exchange(node)
    (task,) = await tasks(node)
    assert "证件不符" in task.words.zh
    assert "第七条" in task.words.zh


async def test_a_letter_that_cannot_be_obeyed_is_noted_and_blocks_nothing(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    centre.letters.append(Directive(number=1, kind="from.the.future", body={}))
    centre.letters.append(Directive(number=2, kind="report.confirmed", body={"serial": "none"}))
    centre.letters.append(
        Directive(
            number=3,
            kind="finding",
            body={"finding": "f1", "day": "2026-11-18", "state": "open", "words": ["差", "d"]},
        )
    )
    await exchange(node)
    rows = await node.store.read(
        lambda db: db.query("SELECT number, objection <> '' FROM directive ORDER BY 1")
    )
    assert rows == [(1, 1), (2, 1), (3, 0)]
    (finding,) = await findings(node)
    assert (finding.id, finding.raised_by) == ("f1", "centre")


async def test_a_lost_reply_is_made_good_by_the_next_exchange(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    centre.send_leases = False
    await offline_answer(node, clerk, centre)
    whole = centre.exchange

    def lost(batch: bytes) -> bytes:
        whole(batch)
        return b"\x00" * 40

    centre.exchange = lost  # type: ignore[method-assign]  # the line garbles the reply after the centre committed
    done = await exchange(node)
    assert done.alarms
    assert done.pending > 0
    centre.exchange = whole  # type: ignore[method-assign]
    done = await exchange(node)
    assert done.pending == 0
    assert len(centre.hashes) == done.acknowledged


async def test_a_pack_altered_on_its_way_changes_nothing_and_raises_an_alarm(
    node: Node, centre: SmallCentre, told: ToldTime
) -> None:
    held = person(7, told.wall)
    centre.people[held.subject.number] = held
    centre.publish(version=2)
    for digest, data in centre.packs.items():
        centre.packs[digest] = data[:-1] + bytes([data[-1] ^ 1])
    await node.store.transact(lambda tx: tx.execute("UPDATE release_held SET version = 0"))
    before = await count(node, "subject_cache")
    done = await exchange(node)
    assert "pack-refused" in done.alarms
    assert await count(node, "subject_cache") == before


async def test_the_first_verified_reply_brings_the_node_online_before_the_packs_are_in(
    node: Node, centre: SmallCentre
) -> None:
    seen: list[tuple[bool, int]] = []
    centre.publish(version=2)
    centre.asked_packs.clear()
    node.uplink.breaker.failed()
    node.uplink.breaker.changed.append(
        lambda: seen.append((node.uplink.breaker.open, len(centre.asked_packs)))
    )
    await exchange(node)
    assert seen == [(False, 0)]
    assert centre.asked_packs


async def test_a_release_older_than_one_seen_is_refused(node: Node, centre: SmallCentre) -> None:
    centre.publish(version=3)
    await node.store.transact(lambda tx: tx.execute("UPDATE release_held SET version = 0"))
    await exchange(node)
    centre.publish(version=2)
    await node.store.transact(lambda tx: tx.execute("UPDATE release_held SET version = 0"))
    done = await exchange(node)
    assert done.alarms.count("pack-refused") == 2
    versions = await node.store.read(lambda db: db.query("SELECT DISTINCT version, seen FROM release_held"))
    assert versions == [(0, 3)]


async def test_a_delta_changes_adds_and_removes_subjects_and_reaches_the_signed_state(
    node: Node, clerk: Session, centre: SmallCentre, told: ToldTime
) -> None:
    changed = person(0, told.wall, titles=("表彰", "公开承诺", "新的一条"))
    added = person(8, told.wall)
    centre.publish_delta(2, [changed, added], [number_of(1)])
    done = await exchange(node)
    assert done.alarms == ()
    assert await count(node, "subject_cache") == 5
    centre.down = True
    read = await lay(node, centre)
    given = await answer(node, clerk, own(read.read_id))
    assert isinstance(given, Answer)
    lines = " ".join(line for group in given.groups for line in group.lines)
    assert "新的一条" in lines
    versions = await node.store.read(lambda db: db.query("SELECT version FROM release_held ORDER BY scope"))
    assert versions == [(2,), (1,)]


async def test_letters_of_lease_policy_reconcile_and_revocation_are_obeyed(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    centre.send_leases = False
    signed = base64.b64encode(centre.lease("points")).decode()
    centre.write("lease", {"lease": signed})
    centre.write("lease", {"lease": base64.b64encode(b"not a lease").decode()})
    centre.write("policy", {"settings": {"window_ms": 5 * HOUR_MS}})
    centre.write("reconcile", {"day": node.day_of(node.now_ms())})
    centre.write("case.fulfilled", {"case": "no-such", "note": ""})
    centre.write("revoked", {"reason": ["设备遗失", "lost"]})
    await exchange(node)
    rows = await node.store.read(
        lambda db: db.query("SELECT kind, objection <> '' FROM directive ORDER BY number")
    )
    assert [bad for _, bad in rows] == [0, 1, 0, 0, 1, 0]
    found = await status(node)
    assert "points" in {lease.capability for lease in found.lease}
    assert found.ledger.window_s == 5 * 3600
    assert 100 in [entry.kind for entry, _ in await entries(node)]


async def test_a_silent_line_is_trouble_with_words_and_the_next_try_works(
    node: Node, centre: SmallCentre
) -> None:
    centre.down = True
    with pytest.raises(CentreUnreachable) as caught:
        await exchange(node)
    assert caught.value.next.zh
    assert node.uplink.breaker.open
    centre.down = False
    await exchange(node)
    assert not node.uplink.breaker.open


async def test_the_fail_closed_window_stops_sensitive_answers_and_an_exchange_resumes_them(
    node: Node, clerk: Session, centre: SmallCentre, told: ToldTime
) -> None:
    centre.lease_hours = 24 * 30
    told.pass_ms(HOUR_MS)
    await node.store.transact(lambda tx: tx.execute("UPDATE lease SET state = 'replaced'"))
    await exchange(node)
    await offline_answer(node, clerk, centre)
    told.pass_ms(37 * HOUR_MS)
    assert any("50%" in words.zh or "51%" in words.zh for words in (await status(node)).warnings)
    told.pass_ms(36 * HOUR_MS)
    assert (await status(node)).stopped
    centre.down = True
    read = await lay(node, centre)
    clerk = await signed_in(node, "li.min")
    no = await answer(node, clerk, own(read.read_id))
    assert isinstance(no, Refusal)
    assert no.code == "upload-overdue"
    centre.down = False
    await exchange(node)
    assert not (await status(node)).stopped
    assert isinstance(await answer(node, clerk, own(read.read_id)), Answer)


async def test_evidence_of_a_rollback_stops_sensitive_answers_until_it_is_gone(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    await node.store.transact(lambda tx: tx.note(gates.ALARM, ["rolled-back", "x"]))
    read = await lay(node, centre)
    no = await answer(node, clerk, own(read.read_id))
    assert isinstance(no, Refusal)
    assert no.code == "ledger-alarm"
    await exchange(node)
    assert isinstance(await answer(node, clerk, own(read.read_id)), Answer)


async def test_a_revoked_clerk_is_out_with_the_next_staff_release(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    refused = await sign_in(node, "gone", PASSWORD, "1")
    assert isinstance(refused, Refusal)
    assert refused.code == "revoked"
    centre.publish_staff(2, StaffRow(staff="li.min", name="x", role="clerk", revoked=True))
    await exchange(node)
    assert await session(node, clerk.id) is None


async def test_g09_a_stick_carries_the_same_batch_and_brings_the_countersignature_back(
    node: Node, clerk: Session, centre: SmallCentre, tmp_path: Path
) -> None:
    given = await offline_answer(node, clerk, centre)
    stick = tmp_path / "stick"
    made = await courier.export(node, stick)
    (name,) = made["files"]
    assert number_of(0).encode() not in (stick / name).read_bytes()
    assert not list(stick.glob("*.part"))
    back = stick / "back.yzb"
    back.write_bytes(centre.exchange((stick / name).read_bytes()))
    done = await courier.import_files(node, [back])
    assert done.acknowledged > given.entry.index
    again = await courier.import_files(node, [back])
    assert again.acknowledged == done.acknowledged
    assert centre.hashes[given.entry.index] == given.entry.leaf_hash


async def test_a_damaged_or_foreign_stick_is_refused_and_changes_nothing(
    node: Node, centre: SmallCentre, tmp_path: Path
) -> None:
    await courier.export(node, tmp_path / "stick")
    (batch,) = (tmp_path / "stick").glob("*.yzb")
    reply = tmp_path / "reply.yzb"
    reply.write_bytes(centre.exchange(batch.read_bytes())[:-1])
    for path in (reply, batch, tmp_path / "absent"):
        with pytest.raises(CourierRefused) as caught:
            await courier.import_files(node, [path])
        assert caught.value.exit_code == 4
    assert not (await status(node)).stopped
