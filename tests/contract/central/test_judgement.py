"""Trail, proofs, reconciliation, findings, check: what auditors rely on."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from central.actions import administrators, chores, findings, fleet, ingest, reconcile, reports, trail
from central.actions.centre import operator
from central.actions.views import TrailPage, TrailQuery
from central.errors import NotFound, NotPermitted
from matters.model import Refusal
from sync.ledger.proofs import check_inclusion
from sync.messages.registry import by_number
from tests.contract.central.clock import NOW_MS
from tests.contract.central.halls import Hall
from tests.contract.central.stage import Stage
from tests.contract.central.test_effects import ask, hand_in, loaded

AUDIT = operator("audit")
NUMBER = "330102199001011234"
OTHER = "330102198505051235"
PURPOSE = "信访核查 XF-2026-118：本人申请"
DAY = "2026-11-21"


async def search(stage: Stage, **terms: Any) -> TrailPage:
    page = await trail.trail(stage.centre, AUDIT, TrailQuery(**terms))
    assert isinstance(page, TrailPage), page
    return page


async def test_g23_an_access_is_found_by_who_whom_what_when_why_and_how(stage: Stage) -> None:
    hall = await stage.hall()
    bus = await stage.hall(name="流动车 07", region="330104", kind="bus", route=("330104001",))
    hall.access(NUMBER, case="c-1")
    hall.access(OTHER, mode="online", request_id="r-9", actor="sun.tao", outcome="answered")
    hall.access(NUMBER, kind="access.denied", mode="", outcome="no-letter")
    bus.access(NUMBER, mode="cached", actor="zhao.qin")
    for one in (hall, bus):
        await hand_in(stage, one)
    everything = await search(stage)
    assert len(everything.rows) == 4
    assert [row.occurred_ms for row in everything.rows] == sorted(
        (r.occurred_ms for r in everything.rows), reverse=True
    )
    by_person = await search(stage, subject_number=NUMBER, purpose=PURPOSE)
    assert {(row.node_name, row.kind) for row in by_person.rows} == {
        ("清河县市民之家", "access.answered"),
        ("清河县市民之家", "access.denied"),
        ("流动车 07", "access.answered"),
    }
    assert {row.actor for row in (await search(stage, actor="sun.tao")).rows} == {"sun.tao"}
    assert {row.node for row in (await search(stage, node=bus.node)).rows} == {bus.node}
    assert len((await search(stage, mode="cached")).rows) == 2
    assert [row.outcome for row in (await search(stage, outcome="no-letter")).rows] == ["no-letter"]
    assert (await search(stage, since_ms=NOW_MS + 10)).rows == ()
    row = by_person.rows[0]
    assert abs(row.arrived_ms - row.occurred_ms) < 10
    assert (row.verified, row.matter_words.zh) == ("countersigned", "本人公共信用信息查询")


async def test_pages_of_the_trail_go_on_where_the_last_ended(stage: Stage) -> None:
    hall = await stage.hall()
    for _ in range(25):
        hall.access(NUMBER)
    await hand_in(stage, hall)
    seen: list[int] = []
    before = ""
    for _ in range(4):
        page = await search(stage, limit=10, before=before)
        seen += [row.index for row in page.rows]
        before = page.next
        if not before:
            break
    assert seen == list(range(24, -1, -1))


async def test_g23_the_auditors_own_search_is_on_the_ledger_before_a_row_is_shown(stage: Stage) -> None:
    hall = await stage.hall()
    hall.access(NUMBER)
    await hand_in(stage, hall)
    page = await search(stage, subject_number=NUMBER, purpose=PURPOSE)
    entry = (
        await stage.rows(
            "SELECT e.kind, e.leaf_hash, b.leaf FROM entry e JOIN entry_body b USING (origin, idx)"
            " WHERE e.origin = $1 AND e.idx = $2",
            page.recorded.origin,
            page.recorded.index,
        )
    )[0]
    assert (entry["kind"], entry["leaf_hash"]) == (210, page.recorded.leaf_hash)
    assert PURPOSE.encode() in entry["leaf"]
    assert stage.centre.keys.ref(NUMBER) in entry["leaf"]
    assert NUMBER.encode() not in entry["leaf"]
    acts = await administrators.acts(stage.centre)
    assert (acts[0].kind, acts[0].actor) == ("admin.read", "audit")


async def test_a_search_by_number_without_a_purpose_is_refused(stage: Stage) -> None:
    for purpose in ("", "核查"):
        refused = await trail.trail(stage.centre, AUDIT, TrailQuery(subject_number=NUMBER, purpose=purpose))
        assert isinstance(refused, Refusal)
        assert refused.code == "purpose-missing"


async def test_g21_only_the_audit_administrator_searches_the_trail(stage: Stage) -> None:
    for role in ("system", "security"):
        with pytest.raises(NotPermitted):
            await trail.trail(stage.centre, operator(role), TrailQuery())
        with pytest.raises(NotPermitted):
            await trail.proof(stage.centre, operator(role), "x", 0)
        with pytest.raises(NotPermitted):
            await reports.reports(stage.centre, operator(role))


async def test_the_trail_names_nobody(stage: Stage) -> None:
    hall = await stage.hall()
    hall.access(NUMBER)
    await hand_in(stage, hall)
    shown = str(await search(stage)) + str(await fleet.node(stage.centre, hall.node))
    assert NUMBER not in shown
    assert "某人" not in shown


async def test_a_proof_leads_from_the_leaf_to_a_root_both_signed(stage: Stage) -> None:
    hall = await stage.hall()
    for _ in range(300):
        hall.access(NUMBER)
    await hand_in(stage, hall)
    found = await trail.proof(stage.centre, AUDIT, hall.origin, 137)
    assert found.holds
    assert found.root == hall.root_at(300)
    check_inclusion(found.leaf_hash, 137, found.size, list(found.hashes), found.root)
    assert [one.index for one in found.neighbours] == list(range(132, 143))
    with pytest.raises(NotFound):
        await trail.proof(stage.centre, AUDIT, hall.origin, 300)


async def test_g23_a_row_that_no_longer_hashes_is_shown_as_broken(stage: Stage) -> None:
    hall = await stage.hall()
    for _ in range(3):
        hall.access(NUMBER)
    await hand_in(stage, hall)
    await stage.thief(
        "UPDATE entry_body SET leaf = set_byte(leaf, 30, (get_byte(leaf, 30) + 1) % 256) WHERE origin = $1"
        " AND idx = 1",
        hall.origin,
    )
    rows = {row.index: row.verified for row in (await search(stage)).rows}
    assert rows == {0: "countersigned", 1: "broken", 2: "countersigned"}
    assert not (await trail.proof(stage.centre, AUDIT, hall.origin, 1)).holds


async def test_rule_10_6_an_online_answer_stands_on_two_ledgers_and_the_trail_shows_the_pair_as_one(
    stage: Stage, tmp_path: Path
) -> None:
    hall = await stage.hall()
    subject, _ = (await loaded(stage, tmp_path))[0]
    await ask(stage, hall, subject.number, "r-both")
    await ask(stage, hall, subject.number, "r-lonely")
    hall.access(subject.number, mode="online", request_id="r-both", case="c-1")
    hall.access(subject.number, mode="online", request_id="r-forged", case="c-2")
    await hand_in(stage, hall)
    pairs = sorted(row.paired for row in (await search(stage)).rows)
    assert pairs == ["both", "disclosed only", "shown only"]
    done = await reconcile.reconcile(stage.centre, DAY)
    found = {(one.code, one.object) for one in done.nodes[0].findings}
    assert {("disclosed-not-shown", "r-lonely"), ("shown-not-disclosed", "r-forged")} <= found


def report(hall: Hall, serial: str, case: str, outcome: str = "final") -> None:
    hall.access(NUMBER, case=case)
    hall.write(
        "report.issued",
        {
            "serial": serial,
            "subject_number": NUMBER,
            "matter": "public-credit.self",
            "status": "final",
            "as_of": 1,
            "facts": b"",
            "facts_digest": b"\0" * 32,
        },
        object=case,
        outcome=outcome,
    )


async def test_f036_a_report_sent_by_e_mail_is_no_finding_when_the_day_is_reconciled(stage: Stage) -> None:
    hall = await stage.hall()
    report(hall, "330102-2026-L-00001", "c-1", "final-email")
    report(hall, "330102-2026-L-00002", "c-2", "final")
    close(hall)
    judged = await day(stage, hall)
    assert [(one.code, one.object) for one in judged.findings] == [("never-printed", "330102-2026-L-00002")]


def paper(hall: Hall, kind: str, serial: str) -> None:
    hall.write(f"report.{kind}", {"serial": serial, "sheet": "S1", "file_digest": b"\1" * 32}, object=serial)


def close(hall: Hall, **wrong: int) -> None:
    hall.write("day.closed", totals_of(hall, **wrong), object=DAY)


def totals_of(hall: Hall, **wrong: int) -> dict[str, str]:
    kinds = Counter(by_number(row.entry.kind).name for row in hall.kept)
    return {"day": DAY, "totals": json.dumps({"day": DAY, "kinds": {**kinds, **wrong}})}


async def day(stage: Stage, hall: Hall) -> Any:
    await hand_in(stage, hall)
    return (await reconcile.reconcile(stage.centre, DAY)).nodes[0]


async def test_g11_rule_10_2_a_day_that_was_closed_and_printed_matches(stage: Stage) -> None:
    hall = await stage.hall()
    report(hall, "330102-2026-L-00001", "c-1")
    paper(hall, "printed", "330102-2026-L-00001")
    paper(hall, "handed_over", "330102-2026-L-00001")
    close(hall)
    judged = await day(stage, hall)
    assert (judged.closed, judged.matched, judged.findings) == (True, True, ())
    counted = {count.key: (count.node, count.centre) for count in judged.counts}
    assert counted["access.answered"] == counted["report.issued"] == (1, 1)


async def test_g11_differences_are_named_once_with_an_owner_and_told_to_the_hall(stage: Stage) -> None:
    hall = await stage.hall()
    serials = [f"330102-2026-L-0000{place}" for place in range(6)]
    for place, serial in enumerate(serials[:5]):
        report(hall, serial, f"c-{place}")
    paper(hall, "spoiled", serials[0])
    for kind in ("printed", "printed", "handed_over", "handed_over", "handed_over"):
        paper(hall, kind, serials[2])
    paper(hall, "printed", serials[3])
    paper(hall, "printed", serials[5])
    hall.write(
        "report.issued",
        {
            "serial": "330102-2026-L-00009",
            "subject_number": NUMBER,
            "status": "final",
            "as_of": 1,
            "facts": b"",
            "facts_digest": b"\0" * 32,
        },
        object="c-none",
    )
    close(hall, **{"access.answered": 4})
    judged = await day(stage, hall)
    found = {(one.code, one.object) for one in judged.findings}
    assert found == {
        ("day-count", f"{DAY} access.answered"),
        ("sheet-spoiled", serials[0]),
        ("never-printed", serials[1]),
        ("printed-twice", serials[2]),
        ("handed-over-twice", serials[2]),
        ("not-handed-over", serials[3]),
        ("never-printed", serials[4]),
        ("paper-without-report", serials[5]),
        ("report-without-access", "330102-2026-L-00009"),
        ("never-printed", "330102-2026-L-00009"),
    }
    assert {one.owner for one in judged.findings} == {"hall"}
    again = (await reconcile.reconcile(stage.centre, DAY)).nodes[0]
    assert len(again.findings) == len(judged.findings), "found once"
    await hand_in(stage, hall)
    told = [one.body["about"] for one in hall.replies[-1].directives if one.kind == "finding"]
    assert sorted(told) == sorted(one.object for one in judged.findings)
    assert (await fleet.fleet(stage.centre))[0].findings == len(judged.findings)


async def test_g11_a_day_with_work_that_was_not_closed_is_a_finding_that_ends_when_it_is_closed(
    stage: Stage,
) -> None:
    hall = await stage.hall()
    hall.access(NUMBER, case="c-1")
    assert (await day(stage, hall)).findings == (), "the day goes on"
    stage.clock.pass_ms(86_400_000)
    judged = await day(stage, hall)
    assert [(one.code, one.object) for one in judged.findings] == [("day-missing", DAY)]
    heat = await reconcile.heat(stage.centre, 3)
    assert heat.rows[0].cells == ("", "open", "")
    close(hall)
    judged = await day(stage, hall)
    assert judged.matched
    assert (await findings.findings(stage.centre))[0].state == "closed"
    assert (await reconcile.heat(stage.centre, 3)).rows[0].cells == ("", "matched", "")


async def test_rule_10_what_a_stick_brings_is_reconciled_without_anybody_asking(stage: Stage) -> None:
    hall = await stage.hall()
    await hand_in(stage, hall)
    await chores.days(stage.centre)
    report(hall, "330102-2026-L-00001", "c-1")
    close(hall)
    stage.clock.pass_ms(9 * 86_400_000)
    await chores.days(stage.centre)
    before = (await reconcile.heat(stage.centre, 10)).rows[0].cells
    assert before == ("unheard",) * 9 + ("",), "nothing is known of these days"
    await ingest.exchange(stage.centre, hall.batch(), "courier")
    assert (await reconcile.heat(stage.centre, 10)).rows[0].cells[0] == "waiting", "closed, and not compared"
    assert await chores.days(stage.centre) > 0
    found = [(one.day, one.code) for one in await findings.findings(stage.centre)]
    assert found == [(DAY, "never-printed")]
    assert (await reconcile.heat(stage.centre, 10)).rows[0].cells[0] == "open"
    assert await chores.days(stage.centre) == 0, "nothing came since"


async def test_rule_10_a_day_is_compared_as_soon_as_it_is_closed_and_not_before(stage: Stage) -> None:
    hall = await stage.hall()
    hall.access(NUMBER, case="c-1")
    await hand_in(stage, hall)
    await chores.days(stage.centre)
    assert (await reconcile.heat(stage.centre, 1)).rows[0].cells == ("missing",)
    close(hall)
    await hand_in(stage, hall)
    assert (await reconcile.heat(stage.centre, 1)).rows[0].cells == ("waiting",)
    await chores.days(stage.centre)
    assert (await reconcile.heat(stage.centre, 1)).rows[0].cells == ("matched",)


async def test_work_after_the_close_is_a_finding_until_the_day_is_closed_again(stage: Stage) -> None:
    hall = await stage.hall()
    hall.access(NUMBER, case="c-1")
    close(hall)
    hall.access(NUMBER, case="c-2")
    assert [one.code for one in (await day(stage, hall)).findings] == ["after-close"]
    close(hall)
    assert (await day(stage, hall)).matched


async def test_a_finding_is_settled_with_a_note_by_the_auditor_only(stage: Stage) -> None:
    hall = await stage.hall()
    hall.access(NUMBER, case="c-1")
    stage.clock.pass_ms(86_400_000)
    one = (await day(stage, hall)).findings[0]
    refused = await findings.settle(stage.centre, AUDIT, one.id, "explained", "")
    assert isinstance(refused, Refusal)
    with pytest.raises(NotPermitted):
        await findings.settle(stage.centre, operator("system"), one.id, "explained", "停电，次日补结")
    with pytest.raises(NotFound):
        await findings.settle(stage.centre, AUDIT, "none", "explained", "停电，次日补结")
    settled = await findings.settle(stage.centre, AUDIT, one.id, "explained", "停电，次日补结")
    assert not isinstance(settled, Refusal)
    assert (settled.state, settled.settled_by) == ("explained", "audit")


async def test_a_silent_node_is_a_finding_once_a_day(stage: Stage) -> None:
    hall = await stage.hall()
    hall.access(NUMBER)
    await hand_in(stage, hall)
    assert await chores.silence(stage.centre) == 0
    stage.clock.pass_ms(25 * 3_600_000)
    assert await chores.silence(stage.centre) == 1
    stage.clock.pass_ms(3_600_000)
    assert await chores.silence(stage.centre) == 0
    (one,) = await findings.findings(stage.centre)
    assert one.words.zh == "自 2026-11-21 12:26 起静默，超出常态", "the same words for as long as it lasts"
    assert (await fleet.fleet(stage.centre))[0].state == "silent"


async def test_reports_show_the_life_of_their_paper(stage: Stage) -> None:
    hall = await stage.hall()
    report(hall, "330102-2026-L-00001", "c-1")
    for kind in ("spoiled", "reprinted", "handed_over"):
        paper(hall, kind, "330102-2026-L-00001")
    await hand_in(stage, hall)
    row = (await reports.reports(stage.centre, AUDIT))[0]
    assert (row.printed, row.spoiled, row.verified, row.status) == (1, 1, "countersigned", "final")
    assert row.handed_over_ms
    assert (await reports.reports(stage.centre, AUDIT, serial="other")) == ()
