"""What entries cause: reports settled, promises kept, online answers on two ledgers."""

import asyncio
import contextlib
import hashlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from central.actions import answer, fulfil, ingest, records
from central.actions.centre import operator
from central.upstream import reference
from matters.groups import shown_records
from matters.records import facts, facts_bytes
from sync.messages.registry import by_number
from sync.signing.sealing import seal, unseal
from tests.contract.central.clock import NOW_MS
from tests.contract.central.halls import Hall
from tests.contract.central.stage import Server, Stage, founded

SYSTEM = operator("system")


async def loaded(stage: Stage, folder: Path, people: int = 20) -> list[Any]:
    """Synthetic residents in the store; (subject, records) of each."""
    path = folder / "records.csv"
    rows = list(records.sample_rows(people, 7, "330102", NOW_MS - 60_000))
    records.sample_file(path, iter(rows), 0)
    await records.import_file(stage.centre, SYSTEM, path)
    found: list[Any] = []
    for row in rows:
        if hasattr(row, "number"):
            found.append((row, []))
        else:
            found[-1][1].append(row)
    return [one for one in found if one[0].kind == "natural"]


def issue(
    stage: Stage, hall: Hall, serial: str, subject: Any, held: list[Any], status: str = "provisional"
) -> int:
    """A report as a hall issues it: the facts of what it may show."""
    matter = stage.centre.catalogue["public-credit.self"]
    body = facts_bytes(facts(subject, shown_records(matter, held, stage.clock.now_ms)))
    detail = {
        "serial": serial,
        "subject_number": subject.number,
        "subject_name": subject.name,
        "matter": matter.code,
        "facts_digest": hashlib.sha256(body).digest(),
        "facts": body,
        "status": status,
        "as_of": NOW_MS,
    }
    return hall.write("report.issued", detail, object=f"case-{serial}", mode="cached")


async def hand_in(stage: Stage, hall: Hall) -> None:
    async def in_process(data: bytes) -> bytes:
        return await ingest.exchange(stage.centre, data, "network")

    await hall.exchange(in_process)


def letters(hall: Hall) -> list[tuple[str, dict[str, Any]]]:
    return [(one.kind, one.body) for one in hall.replies[-1].directives]


async def test_g12_a_provisional_report_is_confirmed_when_the_facts_are_the_same(
    stage: Stage, tmp_path: Path
) -> None:
    hall = await stage.hall()
    for place, (subject, held) in enumerate(await loaded(stage, tmp_path)):
        issue(stage, hall, f"330102-2026-L-{place:05d}", subject, held)
    await hand_in(stage, hall)
    kinds = [kind for kind, _ in letters(hall)]
    assert kinds == ["report.confirmed"] * 20
    assert len({body["whose"] for _, body in letters(hall)}) == 20
    verdicts = await stage.rows("SELECT DISTINCT verdict FROM settlement")
    assert [row["verdict"] for row in verdicts] == ["confirmed"]


async def test_g12_a_report_whose_data_changed_meanwhile_is_superseded_with_what_changed(
    stage: Stage, tmp_path: Path
) -> None:
    hall = await stage.hall()
    people = await loaded(stage, tmp_path)
    for place, (subject, held) in enumerate(people[:3]):
        issue(stage, hall, f"330102-2026-L-{place:05d}", subject, held)
    await records.change(stage.centre, SYSTEM, people[1][0].number)
    await hand_in(stage, hall)
    found = letters(hall)
    assert [kind for kind, _ in found] == ["report.confirmed", "report.superseded", "report.confirmed"]
    assert found[1][1]["serial"] == "330102-2026-L-00001"
    assert found[1][1]["changes"] == [["新增行政许可：食品经营许可", "Licences added: 食品经营许可"]]


async def test_a_final_report_and_a_repeated_batch_are_not_judged_again(stage: Stage, tmp_path: Path) -> None:
    hall = await stage.hall()
    subject, held = (await loaded(stage, tmp_path))[0]
    issue(stage, hall, "330102-2026-L-00001", subject, held, status="final")
    issue(stage, hall, "330102-2026-L-00002", subject, held)
    batch = hall.batch()
    await ingest.exchange(stage.centre, batch, "network")
    await records.change(stage.centre, SYSTEM, subject.number)
    again = hall.opened(await ingest.exchange(stage.centre, batch, "network"))
    assert [(one.number, one.kind) for one in again.directives] == [(1, "report.confirmed")]


async def test_letters_are_repeated_until_the_node_has_obeyed_them(stage: Stage, tmp_path: Path) -> None:
    hall = await stage.hall()
    people = await loaded(stage, tmp_path)
    for place, (subject, held) in enumerate(people[:2]):
        issue(stage, hall, f"330102-2026-L-{place:05d}", subject, held)
    await hand_in(stage, hall)
    await hand_in(stage, hall)
    assert [one.number for one in hall.replies[-1].directives] == [1, 2]
    hall.obeyed = 1
    await hand_in(stage, hall)
    assert [one.number for one in hall.replies[-1].directives] == [2]
    hall.obeyed = 2
    await hand_in(stage, hall)
    assert hall.replies[-1].directives == ()
    stored = await stage.rows("SELECT body_sealed FROM directive")
    assert all(b"330102-2026" not in row["body_sealed"] for row in stored)


@contextlib.asynccontextmanager
async def bureau() -> AsyncIterator[str]:
    """The reference bureau on a real port."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(reference.application(), log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True


def defer(hall: Hall, case: str, number: str, matter: str = "credit-bureau.self") -> None:
    """A promise as a hall makes it."""
    hall.access(number, kind="access.deferred", mode="deferred", case=case, matter=matter)
    detail = {
        "case": case,
        "matter": matter,
        "state": "deferred",
        "subject_number": number,
        "subject_name": "王䶮",
        "phone": "13800000000",
        "due": NOW_MS,
        "note": "",
    }
    hall.write("case.opened", detail, object=case, mode="deferred")


async def test_a_promise_made_without_the_line_is_kept_and_rides_with_the_same_reply(
    server: Server, tmp_path: Path
) -> None:
    async with bureau() as url, founded(server, tmp_path, bureau_url=url) as stage:
        hall = await stage.hall()
        defer(hall, "330102-2026-C-00001", "330102199001011234")
        defer(hall, "330102-2026-C-00002", "33010219900101124X", matter="access-trail.self")
        await hand_in(stage, hall)
        assert [(kind, body["case"]) for kind, body in letters(hall)] == [
            ("case.fulfilled", "330102-2026-C-00001"),
            ("case.fulfilled", "330102-2026-C-00002"),
        ]
        assert "征信报告" in letters(hall)[0][1]["note"]
        assert len({body["whose"] for _, body in letters(hall)}) == 2
        assert await fulfil.fulfil(stage.centre) == 0, "kept once"


async def test_a_silent_bureau_delays_a_promise_and_never_blocks_the_exchange(
    server: Server, tmp_path: Path
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        async with founded(server, tmp_path, bureau_url=url, bureau_deadline_ms=300) as stage:
            hall = await stage.hall()
            defer(hall, "330102-2026-C-00001", "330102199001011234")
            await hand_in(stage, hall)
            assert letters(hall) == []
            assert hall.countersigned[0] == hall.size
            waiting = (await stage.rows("SELECT state, attempts, next_try_ms FROM deferral"))[0]
            assert (waiting["state"], waiting["attempts"]) == ("waiting", 1)
            assert waiting["next_try_ms"] > stage.clock.now_ms


async def ask(
    stage: Stage, hall: Hall, number: str, request_id: str = "r-1", matter: str = "public-credit.self"
) -> Any:
    """One online question over HTTP; the opened answer, or the refusal's JSON."""
    question = {
        "request_id": request_id,
        "matter": matter,
        "subject_number": number,
        "subject_name": "某人",
        "basis": "SELF",
        "purpose": "own-use",
        "case": "self-natural",
        "actor": "li.min",
        "window": "A03",
    }
    body = seal(hall.centre.sealing, msgspec.json.encode(question), answer.UP)
    async with stage.client() as http:
        reply = await http.post(
            "/api/answers", content=body, headers=hall.signed("POST", "/api/answers", body)
        )
    if reply.status_code != 200:
        return reply
    return json.loads(unseal(hall.sealing_key, reply.content, answer.DOWN))


async def test_an_online_answer_is_on_the_centres_ledger_before_it_is_given(
    stage: Stage, tmp_path: Path
) -> None:
    hall = await stage.hall()
    subject, held = (await loaded(stage, tmp_path))[0]
    given = await ask(stage, hall, subject.number)
    assert given["subject"]["name"] == subject.name
    shown = shown_records(stage.centre.catalogue["public-credit.self"], held, stage.clock.now_ms)
    assert {one["id"] for one in given["records"]} == {one.id for one in shown}
    own = await stage.rows("SELECT kind, idx FROM centre_entry ORDER BY idx DESC LIMIT 1")
    assert by_number(own[0]["kind"]).name == "centre.disclosed"
    pair = await stage.rows("SELECT request_id, centre_idx, subject_ref FROM disclosure")
    assert (pair[0]["request_id"], pair[0]["centre_idx"]) == ("r-1", own[0]["idx"])
    assert pair[0]["subject_ref"] == stage.centre.keys.ref(subject.number)


async def test_a_request_id_is_answered_once(stage: Stage, tmp_path: Path) -> None:
    hall = await stage.hall()
    subject, _ = (await loaded(stage, tmp_path))[0]
    await ask(stage, hall, subject.number)
    again = await ask(stage, hall, subject.number)
    assert (again.status_code, again.json()["code"]) == (403, "request-repeated")


async def test_a_public_matter_gives_public_records_only(stage: Stage, tmp_path: Path) -> None:
    hall = await stage.hall()
    people = await loaded(stage, tmp_path)
    subject = next(one for one, held in people if any(r.openness == "authorised" for r in held))
    given = await ask(stage, hall, subject.number, matter="public-credit.open")
    assert {one["openness"] for one in given["records"]} <= {"public"}
    assert (given["subject"]["sex"], given["subject"]["birth"], given["subject"]["address"]) == ("", None, "")


async def test_nothing_is_held_about_a_stranger_and_the_question_is_recorded_all_the_same(
    stage: Stage,
) -> None:
    hall = await stage.hall()
    given = await ask(stage, hall, "330102199001011234")
    assert (given["subject"], given["records"]) == (None, [])
    assert len(await stage.rows("SELECT 1 FROM disclosure")) == 1


async def test_g24_a_person_sees_who_read_their_data_and_which_halls_have_not_reported(
    stage: Stage, tmp_path: Path
) -> None:
    hall = await stage.hall()
    quiet = await stage.hall(name="东关分厅")
    subject, _ = (await loaded(stage, tmp_path))[0]
    quiet.access(subject.number)
    await hand_in(stage, quiet)
    hall.access(subject.number, mode="cached")
    await hand_in(stage, hall)
    stage.clock.pass_ms(3_600_000)
    await hand_in(stage, hall)
    given = await ask(stage, hall, subject.number, matter="access-trail.self")
    places = [(one["node_name"], one["mode"], one["verified"]) for one in given["accesses"]]
    assert sorted(places) == [
        ("东关分厅", "cached", "countersigned"),
        ("清河县市民之家", "cached", "countersigned"),
    ]
    assert given["silent"] == ["东关分厅"]


async def test_a_question_is_refused_unsigned_replayed_or_sealed_to_another_centre(stage: Stage) -> None:
    hall = await stage.hall()
    body = seal(hall.centre.sealing, b"{}", answer.UP)
    headers = hall.signed("POST", "/api/answers", body)
    async with stage.client() as http:
        unsigned = await http.post("/api/answers", content=body)
        first = await http.post("/api/answers", content=body, headers=headers)
        replayed = await http.post("/api/answers", content=body, headers=headers)
        other = seal(hall.sealing_key.public, b"{}", answer.UP)
        wrong = await http.post(
            "/api/answers", content=other, headers=hall.signed("POST", "/api/answers", other)
        )
        stage.clock.pass_ms(31 * 86_400_000)
        ended = await http.post(
            "/api/answers", content=body, headers=hall.signed("POST", "/api/answers", body)
        )
    assert (unsigned.status_code, unsigned.json()["code"]) == (400, "malformed")
    assert (first.status_code, first.json()["code"]) == (400, "malformed")
    assert (replayed.status_code, replayed.json()["code"]) == (401, "bad-signature")
    assert (wrong.status_code, wrong.json()["code"]) == (421, "not-for-us")
    assert (ended.status_code, ended.json()["code"]) == (401, "bad-signature")
    assert await stage.rows("SELECT 1 FROM disclosure") == []
