"""A history ends only with officers' approval, and the next one says what they approved."""

import base64

import msgspec
import pytest

from central.actions import enrol, incarnations, ingest, mailbox
from central.actions.centre import AdminSession, operator
from central.actions.enrol import Application, Enrolled
from central.errors import NotPermitted
from matters.model import Refusal
from sync.errors import Malformed
from sync.exchange.centre import carried
from sync.ledger.entry import leaf_hash, row_leaf
from sync.messages.incarnation import KIND, Claim, Opening, detail, fingerprint
from sync.signing.keys import SealingKey, SigningKey
from tests.contract.central.halls import Hall
from tests.contract.central.stage import Stage

NUMBER = "330102199001011234"
Keys = tuple[SigningKey, SealingKey]


def new_keys() -> Keys:
    return SigningKey.generate(), SealingKey.generate()


def asking(keys: Keys, reason: str = "planned", **claim: object) -> Application:
    return Application(
        signing=base64.b64encode(keys[0].public).decode(),
        sealing=base64.b64encode(keys[1].public).decode(),
        reason=reason,
        claim=msgspec.convert(claim, Claim),
    )


async def asked(stage: Stage, hall: Hall, keys: Keys, body: Application) -> Enrolled | Refusal:
    """What a hall gets that asks over the line, signed with its old key."""
    content = msgspec.json.encode(body)
    async with stage.client() as http:
        headers = hall.signed("POST", "/api/incarnation", content)
        reply = await http.post("/api/incarnation", content=content, headers=headers)
    if reply.status_code == 200:
        return msgspec.json.decode(reply.content, type=Enrolled)
    said = reply.json()
    return Refusal(code=said["code"], message=said["message"], rule="", next=said["next"])


async def worked(stage: Stage, entries: int = 5) -> Hall:
    hall = await stage.hall()
    for place in range(entries):
        hall.access(NUMBER, case=f"c-{place}")
    await hall.exchange(lambda batch: ingest.exchange(stage.centre, batch, "network"))
    return hall


def successor(stage: Stage, hall: Hall, keys: Keys, given: Enrolled) -> Hall:
    return Hall(hall.node, given, keys[0], keys[1], stage.clock)


async def test_a_rollback_waits_for_two_different_officers(stage: Stage) -> None:
    hall, keys = await worked(stage), new_keys()
    body = asking(keys, "rollback", size=3, anchored=9, countersigned=3)
    first = await asked(stage, hall, keys, body)
    assert isinstance(first, Refusal)
    assert first.code == "incarnation-waiting"
    assert fingerprint(keys[0].public, keys[1].public) in str(first.message)
    await stage.approved(hall.node, *keys, roles=("security",))
    still = await asked(stage, hall, keys, body)
    assert isinstance(still, Refusal)
    assert "系统管理员" in str(still.message)
    assert "安全管理员" not in str(still.message)
    await stage.approved(hall.node, *keys, roles=("system",))
    given = await asked(stage, hall, keys, body)
    assert isinstance(given, Enrolled)
    assert given.origin.endswith("/i2")
    assert given.opening == Opening(
        old_origin=hall.origin,
        countersigned=5,
        root=hall.root_at(5).hex(),
        reason="rollback",
        approved_by=("security", "system"),
        lost=4,
    )


async def test_one_person_cannot_approve_twice_nor_in_two_roles(stage: Stage) -> None:
    hall, keys = await worked(stage), new_keys()
    await asked(stage, hall, keys, asking(keys, "clone"))
    mark = fingerprint(keys[0].public, keys[1].public)
    await stage.approved(hall.node, *keys)

    async def said_by(admin: AdminSession) -> object:
        return await incarnations.decide(
            stage.centre, admin, hall.node, mark, approves=True, note="已核对指纹"
        )

    again = await said_by(operator("security"))
    assert isinstance(again, Refusal)
    assert again.code == "same-officer"
    other = msgspec.structs.replace(operator("security"), admin="another")
    assert isinstance(role := await said_by(other), Refusal)
    assert role.code == "role-spoken"
    both = msgspec.structs.replace(operator("system"), admin="security")
    assert isinstance(same := await said_by(both), Refusal)
    assert same.code == "same-officer"
    with pytest.raises(NotPermitted):
        await said_by(operator("audit"))
    assert isinstance(await asked(stage, hall, keys, asking(keys, "clone")), Refusal)


async def test_a_word_without_reasons_is_refused_and_a_refused_request_stays_refused(stage: Stage) -> None:
    hall, keys = await worked(stage), new_keys()
    await asked(stage, hall, keys, asking(keys))
    mark = fingerprint(keys[0].public, keys[1].public)
    security = operator("security")
    empty = await incarnations.decide(stage.centre, security, hall.node, mark, approves=True, note=" ")
    assert isinstance(empty, Refusal)
    assert empty.code == "note-missing"
    await incarnations.decide(stage.centre, security, hall.node, mark, approves=False, note="无人申请过换代")
    said = await asked(stage, hall, keys, asking(keys))
    assert isinstance(said, Refusal)
    assert said.code == "incarnation-refused"
    late = await incarnations.decide(
        stage.centre, operator("system"), hall.node, mark, approves=True, note="事后批准"
    )
    assert isinstance(late, Refusal)
    assert late.code == "incarnation-settled"
    other = new_keys()
    await asked(stage, hall, other, asking(other))
    await stage.approved(hall.node, *other)
    assert isinstance(await asked(stage, hall, other, asking(other)), Enrolled), "other keys may ask"


async def test_a_fork_on_record_or_a_lagging_anchor_needs_two_whatever_the_node_says(stage: Stage) -> None:
    hall, keys = await worked(stage), new_keys()
    await stage.thief("UPDATE ledger_head SET frozen = 'fork' WHERE origin = $1", hall.origin)
    await asked(stage, hall, keys, asking(keys, "planned"))
    (row,) = await incarnations.requests(stage.centre, hall.node)
    assert row.wanted == ("security", "system")
    await stage.thief("UPDATE ledger_head SET frozen = '' WHERE origin = $1", hall.origin)
    (row,) = await incarnations.requests(stage.centre)
    assert row.wanted == ("security",)
    behind = new_keys()
    await asked(stage, hall, behind, asking(behind, "planned", size=3, anchored=5))
    assert {one.wanted for one in await incarnations.requests(stage.centre)} == {
        ("security",),
        ("security", "system"),
    }


async def test_a_lost_reply_is_given_again_and_other_keys_are_not_admitted_to_an_ended_incarnation(
    stage: Stage,
) -> None:
    hall, keys = await worked(stage), new_keys()
    await asked(stage, hall, keys, asking(keys))
    await stage.approved(hall.node, *keys)
    given = await asked(stage, hall, keys, asking(keys))
    assert isinstance(given, Enrolled)
    again = await asked(stage, hall, keys, asking(keys))
    assert isinstance(again, Enrolled)
    assert (again.origin, again.certificate, again.opening) == (
        given.origin,
        given.certificate,
        given.opening,
    )
    thief = new_keys()
    said = await asked(stage, hall, thief, asking(thief))
    assert isinstance(said, Refusal)
    assert said.code == "incarnation-ended"
    rows = await stage.rows("SELECT origin FROM identity ORDER BY origin")
    assert [row["origin"] for row in rows] == [hall.origin, given.origin]


async def test_an_unsigned_request_a_strange_reason_and_a_revoked_node_are_refused(stage: Stage) -> None:
    hall, keys = await worked(stage), new_keys()
    content = msgspec.json.encode(asking(keys, "boredom"))
    async with stage.client() as http:
        unsigned = await http.post("/api/incarnation", content=content)
        headers = hall.signed("POST", "/api/incarnation", content)
        strange = await http.post("/api/incarnation", content=content, headers=headers)
        headers = hall.signed("POST", "/api/incarnation", b"[1")
        garbled = await http.post("/api/incarnation", content=b"[1", headers=headers)
        await stage.thief("UPDATE identity SET revoked_ms = 1, revoked_reason = '被盗'")
        content = msgspec.json.encode(asking(keys))
        headers = hall.signed("POST", "/api/incarnation", content)
        revoked = await http.post("/api/incarnation", content=content, headers=headers)
    assert unsigned.status_code in {400, 401}
    assert (strange.status_code, strange.json()["code"]) == (400, Malformed.code)
    assert garbled.status_code == 400
    assert (revoked.status_code, revoked.json()["code"]) == (403, "revoked")
    assert await stage.rows("SELECT 1 FROM incarnation") == []


async def test_a_code_for_a_node_with_a_history_waits_for_approval_and_is_not_used_up(stage: Stage) -> None:
    hall = await worked(stage)
    fresh = await stage.again(hall)
    assert fresh.origin.endswith("/i2")
    rows = await stage.rows("SELECT reason, state, new_origin FROM incarnation")
    assert [tuple(row.values()) for row in rows] == [("disk-lost", "begun", fresh.origin)]


async def test_letters_the_old_incarnation_never_read_reach_the_new_one_in_order(stage: Stage) -> None:
    hall = await worked(stage)
    async with stage.centre.store.transaction() as tx:
        drafts = [("case.fulfilled", {"case": f"c-{n}", "note": "好了"}) for n in range(3)]
        await mailbox.post(stage.centre, tx, hall.origin, drafts)
    hall.obeyed = 1
    await hall.exchange(lambda batch: ingest.exchange(stage.centre, batch, "network"))
    new = await stage.again(hall)
    async with stage.centre.store.transaction() as tx:  # a case of the old ledger, fulfilled later
        await mailbox.post(
            stage.centre, tx, hall.origin, [("case.fulfilled", {"case": "late", "note": "好了"})]
        )
    await new.exchange(lambda batch: ingest.exchange(stage.centre, batch, "network"))
    letters = new.replies[-1].directives
    assert [(one.number, one.body["case"]) for one in letters] == [(1, "c-1"), (2, "c-2"), (3, "late")]


async def test_the_first_entry_must_say_what_was_approved(stage: Stage) -> None:
    hall, keys = await worked(stage), new_keys()
    await asked(stage, hall, keys, asking(keys))
    await stage.approved(hall.node, *keys)
    given = await asked(stage, hall, keys, asking(keys))
    assert isinstance(given, Enrolled)
    assert given.opening is not None
    good = successor(stage, hall, keys, given)
    good.write(KIND, detail(given.opening, 0), outcome="planned")
    await good.exchange(lambda batch: ingest.exchange(stage.centre, batch, "network"))
    assert await stage.rows("SELECT 1 FROM effect_rejected") == []
    other = await stage.again(good)
    other.write(KIND, detail(given.opening, 0) | {"lost": 0, "reason": "rollback"}, outcome="planned")
    await other.exchange(lambda batch: ingest.exchange(stage.centre, batch, "network"))
    (row,) = await stage.rows("SELECT reason FROM effect_rejected WHERE origin = $1", other.origin)
    assert "old_origin" in row["reason"]
    (found,) = await stage.rows("SELECT code, object FROM finding WHERE origin = $1", other.origin)
    assert (found["code"], found["object"]) == ("incarnation", "opening")


async def test_rule_4_6_after_a_fork_each_history_has_its_effect_once(stage: Stage) -> None:
    hall = await worked(stage, 3)
    new = await stage.again(hall)
    same = new.access(NUMBER, case="c-1", ext=(carried(hall.origin, 1, leaf_hash(row_leaf(hall.kept[1]))),))
    other = new.access(NUMBER, case="d-2", ext=(carried(hall.origin, 2, b"another leaf".ljust(32)),))
    twice = new.access(NUMBER, case="d-2", ext=(carried(hall.origin, 2, b"another leaf".ljust(32)),))
    await new.exchange(lambda batch: ingest.exchange(stage.centre, batch, "network"))
    rows = await stage.rows("SELECT idx FROM access WHERE origin = $1", new.origin)
    assert (same, twice) == (0, 2)
    assert [row["idx"] for row in rows] == [other]


async def test_a_serial_issued_before_and_after_a_fork_is_a_finding(stage: Stage) -> None:
    hall = await worked(stage, 1)
    issued = {"serial": "330102-2026-L-00007", "status": "final", "subject_number": NUMBER}
    hall.write("report.issued", issued, object="c-0")
    await hall.exchange(lambda batch: ingest.exchange(stage.centre, batch, "network"))
    new = await stage.again(hall)
    fork = carried(hall.origin, 1, b"of the other branch".ljust(32))
    new.write("report.issued", issued, object="c-9", ext=(fork,))
    await new.exchange(lambda batch: ingest.exchange(stage.centre, batch, "network"))
    (found,) = await stage.rows("SELECT object, words_zh FROM finding")
    assert found["object"] == issued["serial"]
    assert len(await stage.rows("SELECT 1 FROM report")) == 2, "both are kept: nothing is discarded"


async def test_too_many_waiting_requests_of_one_node_are_refused(stage: Stage) -> None:
    hall = await worked(stage)
    for _ in range(incarnations.WAITING_MAX):
        await enrol.renew(stage.centre, await identity(stage, hall), asking(new_keys()))
    said = await enrol.renew(stage.centre, await identity(stage, hall), asking(new_keys()))
    assert isinstance(said, Refusal)
    assert said.code == "incarnation-many"


async def identity(stage: Stage, hall: Hall):
    from central.store import fleet

    async with stage.centre.store.reading() as tx:
        return await fleet.identity(tx, hall.origin)
