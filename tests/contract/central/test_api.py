"""The centre's HTTP for programs.

Statuses, refusals, health, metrics; and the courier, whose bytes are the same.
"""

import base64
from pathlib import Path

import msgspec
import pytest

from central.actions import courier, ingest, nodes, publish, records, sign_in, trail, verify
from central.actions.centre import AdminSession, operator
from central.actions.views import TrailQuery
from central.errors import NotFound, NotPermitted
from central.schedule import JOBS, guarded
from matters.model import Refusal
from sync.lease.lease import open_lease
from sync.messages.token import build_token
from sync.packs.pack import MAGIC
from sync.packs.release import open_release
from sync.signing.certificate import open_certificate
from tests.contract.central.clock import NOW_MS
from tests.contract.central.stage import PASSWORD, Stage
from tests.contract.central.test_effects import hand_in, issue, loaded

SYSTEM = operator("system")
NUMBER = "330102199001011234"


async def test_an_exchange_over_http_is_what_it_is_in_process(stage: Stage) -> None:
    hall = await stage.hall()
    for _ in range(300):
        hall.access(NUMBER)
    async with stage.client() as http:

        async def over_http(batch: bytes) -> bytes:
            headers = hall.signed("POST", "/api/exchange", batch)
            reply = await http.post("/api/exchange", content=batch, headers=headers)
            assert reply.status_code == 200, reply.text
            assert reply.headers["content-type"] == "application/octet-stream"
            assert reply.headers["x-content-type-options"] == "nosniff"
            assert "content-security-policy" not in reply.headers, (
                "no browser reads it, a thin line pays for it"
            )
            return reply.content

        await hall.exchange(over_http)
    assert hall.countersigned == (300, hall.root_at(300))


async def test_refusals_say_what_is_wrong_and_what_to_do_in_two_languages(stage: Stage) -> None:
    hall = await stage.hall()
    hall.access(NUMBER)
    batch = hall.batch()
    garbled = batch[:-40] + b"\0" * 40
    elsewhere = hall.centre
    hall.centre = msgspec.structs.replace(elsewhere, origin="anzhou.example/centre/main/i1")
    lost = hall.batch()
    hall.centre = elsewhere
    async with stage.client() as http:
        for body, status, code in (
            (garbled, 400, "malformed"),
            (lost, 421, "wrong-destination"),
            (b"", 400, "malformed"),
        ):
            reply = await http.post(
                "/api/exchange", content=body, headers=hall.signed("POST", "/api/exchange", body)
            )
            assert (reply.status_code, reply.json()["code"]) == (status, code)
            assert reply.json()["next"]["zh"]
            assert reply.json()["next"]["en"]
        unsigned = await http.post("/api/exchange", content=batch)
        other = await http.post(
            "/api/exchange", content=batch, headers=hall.signed("POST", "/api/answers", batch)
        )
    assert unsigned.status_code == 400
    assert (other.status_code, other.json()["code"]) == (401, "bad-signature")
    assert await stage.rows("SELECT 1 FROM entry WHERE origin = $1", hall.origin) == []


async def test_a_request_from_another_time_is_told_the_centres_time(stage: Stage) -> None:
    hall = await stage.hall()
    batch = hall.batch()
    headers = hall.signed("POST", "/api/exchange", batch)
    stage.clock.pass_ms(3_600_000)
    async with stage.client() as http:
        reply = await http.post("/api/exchange", content=batch, headers=headers)
    assert (reply.status_code, reply.json()["code"]) == (401, "clock-apart")
    assert reply.json()["time_ms"] == stage.clock()


@pytest.mark.parametrize("digest", ["0" * 64, "..%2fkeys%2fsigning.key", "zz", "A" * 63])
async def test_a_pack_nobody_made_is_not_found(stage: Stage, digest: str) -> None:
    async with stage.client() as http:
        reply = await http.get(f"/api/packs/{digest}")
    assert reply.status_code == 404
    assert reply.json()["next"]


async def test_health_metrics_schema_and_trust_are_served_without_personal_data(stage: Stage) -> None:
    hall = await stage.hall()
    hall.access(NUMBER)
    await ingest.exchange(stage.centre, hall.batch(), "network")
    async with stage.client() as http:
        live, ready = await http.get("/livez"), await http.get("/readyz")
        metrics, schema = await http.get("/metrics"), await http.get("/schema/openapi.json")
        trust, ui = await http.get("/api/trust"), await http.get("/schema")
    assert (live.status_code, ready.status_code, ready.json()["ready"]) == (200, 200, True)
    assert "yizhan_exchanges_total" in metrics.text
    assert NUMBER not in metrics.text
    assert {"/api/enrol", "/api/exchange", "/api/answers", "/api/packs/{digest}", "/api/trust"} <= set(
        schema.json()["paths"]
    )
    assert trust.json()["centre"]["vkey"].startswith("qingzhou.example/centre/main/i1+")
    assert "cdn" not in ui.text.lower()
    for reply in (live, ready, trust):
        assert reply.headers["content-security-policy"].startswith("default-src 'none'")


async def test_a_body_beyond_the_limit_is_refused(stage: Stage) -> None:
    async with stage.client() as http:
        reply = await http.post("/api/enrol", content=b"x" * 40_000)
    assert reply.status_code == 413
    assert reply.json()["next"]


async def test_a_body_that_is_no_utf_8_is_refused_as_malformed(stage: Stage) -> None:
    hall = await stage.hall()
    body = b'{"code": "\xc7\xe5\xba\xd3"}'
    async with stage.client() as http:
        for path in ("/api/enrol", "/api/incarnation", "/api/recount"):
            reply = await http.post(path, content=body, headers=hall.signed("POST", path, body))
            assert (reply.status_code, reply.json()["code"]) == (400, "malformed"), path


async def test_a_certificate_near_its_end_is_renewed_by_an_exchange(stage: Stage) -> None:
    hall = await stage.hall()
    await hand_in(stage, hall)
    assert hall.replies[-1].certificate == b""
    stage.clock.pass_ms(21 * 86_400_000)
    await hand_in(stage, hall)
    fresh = open_certificate(hall.replies[-1].certificate, hall.centre.signing)
    assert fresh.not_after_ms == stage.clock.now_ms + 30 * 86_400_000
    leases = len(hall.replies[-1].leases)
    assert leases == 4, "leases worn by time are renewed too"
    hall.open_leases()
    stage.clock.pass_ms(3_600_000)
    await hand_in(stage, hall)
    assert hall.replies[-1].leases == ()


async def test_leases_come_with_every_reply_until_the_nodes_ledger_says_it_opened_them(stage: Stage) -> None:
    hall = await stage.hall()
    given = {base64.b64decode(one) for one in hall.given.lease}
    for _ in range(2):
        stage.clock.pass_ms(1_800_000)
        await hand_in(stage, hall)
        assert set(hall.replies[-1].leases) == given, "the same ones, however long a stick is on its way"
    hall.write("lease.opened", {"note": ""}, object="another's", outcome="detail")
    hall.open_leases()
    await hand_in(stage, hall)
    assert hall.replies[-1].leases == ()


async def test_a_lease_that_ended_at_the_node_is_given_anew_though_here_it_is_young(stage: Stage) -> None:
    hall = await stage.hall()
    hall.open_leases()
    await hand_in(stage, hall)
    detail = open_lease(base64.b64decode(hall.given.lease[-1]), hall.centre.signing)
    hall.write("lease.expired", {"note": ""}, object=detail.id, outcome=detail.capability)
    await hand_in(stage, hall)
    (given,) = hall.replies[-1].leases
    fresh = open_lease(given, hall.centre.signing)
    assert (fresh.capability, fresh.scope, fresh.id != detail.id) == (detail.capability, detail.scope, True)


async def test_leases_half_used_by_answers_or_boots_are_renewed_though_they_are_young(stage: Stage) -> None:
    hall = await stage.hall()
    hall.open_leases()
    hall.lease_used_percent = 49
    await hand_in(stage, hall)
    assert hall.replies[-1].leases == ()
    hall.lease_used_percent = 50
    await hand_in(stage, hall)
    assert len(hall.replies[-1].leases) == 4


async def test_g09_a_stick_brings_entries_in_and_countersignature_letters_and_packs_back(
    stage: Stage, tmp_path: Path
) -> None:
    bus = await stage.hall(name="流动车 07", region="330104", kind="bus", route=("330104001",))
    path = tmp_path / "r.csv"
    records.sample_file(path, records.sample_rows(40, 1, "330104", NOW_MS), 0)
    await records.import_file(stage.centre, SYSTEM, path)
    await publish.publish(stage.centre, SYSTEM)
    for _ in range(3):
        bus.access(NUMBER)
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "a.yzb").write_bytes(bus.batch(0, 2))
    (stick / "b.yzb").write_bytes(bus.batch(0, 3))
    (stick / "c.yzb").write_bytes(b"holiday photos")
    first = await courier.import_files(stage.centre, SYSTEM, sorted(stick.iterdir()))
    assert [(one.file, one.code) for one in first] == [("a.yzb", ""), ("b.yzb", ""), ("c.yzb", "malformed")]
    again = await courier.import_files(stage.centre, SYSTEM, [stick / "b.yzb", stick / "a.yzb"])
    assert [one.countersigned for one in again] == [3, 3]
    assert len(await stage.rows("SELECT 1 FROM access")) == 3
    assert len(await stage.rows("SELECT 1 FROM contact")) == 2, "a batch seen before is no new contact"
    back = tmp_path / "back"
    done = await courier.export(stage.centre, SYSTEM, bus.node, back)
    assert set(done.files) == {file.name for file in back.iterdir()}
    reply = bus.opened((back / f"centre-{bus.node}.yzb").read_bytes())
    assert (reply.size, reply.root) == (3, bus.root_at(3))
    releases = {open_release(one, bus.centre.signing).scope for one in reply.releases}
    assert releases == {f"{bus.node}/detail", f"{bus.node}/staff"}
    packs = [file for file in back.iterdir() if file.read_bytes()[:4] == MAGIC]
    assert len(packs) == 2
    assert {one.scope for one in done.packs} == releases
    assert done.bytes == sum(file.stat().st_size for file in back.iterdir())
    assert done.bytes > sum(one.bytes for one in done.packs) > sum(map(len, map(Path.read_bytes, packs))) - 1
    assert not list(back.glob("*.part"))
    with pytest.raises(NotFound):
        await courier.export(stage.centre, SYSTEM, "330102", back)
    with pytest.raises(NotPermitted):
        await courier.import_files(stage.centre, operator("audit"), [])


async def test_g12_the_public_page_tells_genuine_unknown_superseded_and_forged_reports_apart(
    stage: Stage, tmp_path: Path
) -> None:
    hall = await stage.hall()
    subject, held = (await loaded(stage, tmp_path))[0]
    index = issue(stage, hall, "330102-2026-L-00001", subject, held)
    held_certificate = (await stage.rows("SELECT certificate FROM identity"))[0][0]
    token = build_token(
        key=hall.signing_key,
        certificate=open_certificate(held_certificate, hall.centre.signing),
        serial="330102-2026-L-00001",
        index=index,
        leaf_hash=hall.leaves.get(0, 0)[32 * index : 32 * index + 32],
        status="provisional",
        as_of_ms=NOW_MS,
        issued_ms=NOW_MS,
        facts_digest=b"\0" * 32,
    )
    early = await verify.verify(stage.centre, token)
    assert (early.genuine, early.known, early.serial) == (True, False, "330102-2026-L-00001")
    await records.change(stage.centre, SYSTEM, subject.number)
    await hand_in(stage, hall)
    late = await verify.verify(stage.centre, token)
    assert (late.genuine, late.known, late.verdict) == (True, True, "superseded")
    assert late.node_name == "清河县市民之家"
    assert subject.name not in str(late)
    for forged in (token[:-3] + "AAA", "YZ1.hello", "", "x" * 9000):
        assert not (await verify.verify(stage.centre, forged)).genuine
    await nodes.revoke(stage.centre, operator("security"), hall.node, "节点失窃")
    assert not (await verify.verify(stage.centre, token)).genuine


async def signed_in(stage: Stage, name: str, password: str = PASSWORD) -> AdminSession | Refusal:
    return await sign_in.sign_in(stage.centre, name, password)


async def test_g21_administrators_sign_in_and_their_sessions_end(stage: Stage) -> None:
    session = await signed_in(stage, "audit")
    assert isinstance(session, AdminSession)
    assert (session.role, session.must_change) == ("audit", False)
    assert (await sign_in.session(stage.centre, session.id)) == session
    assert await sign_in.session(stage.centre, "x" * 40) is None
    second = await signed_in(stage, "audit")
    assert isinstance(second, AdminSession)
    assert await sign_in.session(stage.centre, session.id) is None, "one session a person"
    stage.clock.pass_ms(601_000)
    assert await sign_in.session(stage.centre, second.id) is None, "idle sessions end"
    third = await signed_in(stage, "audit")
    assert isinstance(third, AdminSession)
    await sign_in.sign_out(stage.centre, third)
    assert await sign_in.session(stage.centre, third.id) is None
    kept = await stage.rows("SELECT * FROM admin_session")
    assert kept == []


async def test_a_wrong_password_is_refused_and_guessing_locks_the_name(stage: Stage) -> None:
    for _ in range(5):
        refused = await signed_in(stage, "system", "wrong password 1")
        assert isinstance(refused, Refusal)
        assert refused.code == "sign-in"
    locked = await signed_in(stage, "system")
    assert isinstance(locked, Refusal)
    assert locked.code == "sign-in-locked"
    stage.clock.pass_ms(16 * 60_000)
    assert isinstance(await signed_in(stage, "system"), AdminSession)
    nobody = await signed_in(stage, "nobody")
    assert isinstance(nobody, Refusal)
    refusals = await stage.rows("SELECT count(*) AS n FROM centre_entry WHERE kind = 52")
    assert refusals[0]["n"] == 7, "every refused attempt is an entry"


async def test_a_new_password_must_be_strong_and_ends_the_old_session(stage: Stage) -> None:
    session = await signed_in(stage, "security")
    assert isinstance(session, AdminSession)
    for weak in ("short", "security administrator", "passwordpassword", "aaaaaaaaaaaaaaaaaa"):
        assert isinstance(await sign_in.set_password(stage.centre, session, weak), Refusal)
    fresh = await sign_in.set_password(stage.centre, session, "four unrelated little words")
    assert isinstance(fresh, AdminSession)
    assert await sign_in.session(stage.centre, session.id) is None
    assert isinstance(await signed_in(stage, "security"), Refusal)
    assert isinstance(await signed_in(stage, "security", "four unrelated little words"), AdminSession)


async def test_every_job_of_the_schedule_runs_on_a_living_centre(stage: Stage) -> None:
    hall = await stage.hall()
    hall.access(NUMBER)
    await hand_in(stage, hall)
    stage.clock.pass_ms(86_400_000)
    for job in JOBS:
        assert await guarded(stage.centre, job), job.name


async def test_a_job_that_breaks_is_named_and_ends_nothing(stage: Stage) -> None:
    async def breaks(_: object) -> None:
        raise ZeroDivisionError

    assert not await guarded(stage.centre, msgspec.structs.replace(JOBS[0], act=breaks))


async def test_the_trail_is_recorded_even_when_nothing_is_found(stage: Stage) -> None:
    page = await trail.trail(stage.centre, operator("audit"), TrailQuery(actor="nobody"))
    assert not isinstance(page, Refusal)
    assert (page.rows, page.recorded.origin) == ((), stage.centre.origin)


async def test_a_search_for_a_number_nobody_can_have_is_refused_and_leaves_no_entry(stage: Stage) -> None:
    before = await stage.rows("SELECT count(*) AS n FROM centre_entry")
    wrong = NUMBER[:-1] + ("1" if NUMBER[-1] != "1" else "2")
    query = TrailQuery(subject_number=wrong, purpose="信访核查 XF-2026-118 号")
    assert isinstance(await trail.trail(stage.centre, operator("audit"), query), Refusal)
    assert await stage.rows("SELECT count(*) AS n FROM centre_entry") == before
