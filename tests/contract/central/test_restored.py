"""A centre restored from a backup (rule 8.8): found, silent, approved, level; the runbook run as typed."""

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from central.__main__ import main
from central.actions import (
    courier,
    enrol,
    health,
    incarnations,
    ingest,
    mailbox,
    nodes,
    own_ledger,
    publish,
    restored,
    setup,
)
from central.actions.centre import Centre, operator
from central.actions.enrol import Enrolled
from central.actions.views import NodeCreated
from central.errors import EXIT_HOLDS
from central.security.permissions import Role
from central.store import embedded
from central.store import incarnations as store_incarnations
from central.store.incarnations import CENTRE
from central.store.migrate import DATABASE
from matters.model import Refusal
from sync.batch.view import Wish
from sync.exchange.steps import Alarm, Finished
from sync.messages import introduction
from sync.messages.incarnation import FORGOTTEN, GENERATION
from sync.signing.keys import SealingKey, SigningKey
from tests.contract.central.clock import Clock
from tests.contract.central.halls import Hall
from tests.contract.central.stage import Stage, application

NUMBER = "330102199001011234"
SYSTEM = operator("system")
ROLES: tuple[Role, ...] = ("security", "system")


async def exchanged(centre: Centre, hall: Hall) -> list[Any]:
    return await hall.exchange(lambda batch: ingest.exchange(centre, batch, "network"))


async def approved(centre: Centre) -> None:
    (waiting,) = [one for one in await incarnations.requests(centre, CENTRE) if one.state == "waiting"]
    for role in ROLES:
        said = await incarnations.decide(
            centre, operator(role), CENTRE, waiting.fingerprint, approves=True, note="已核对备份"
        )
        assert not isinstance(said, Refusal), said


def outcome(steps: list[Any]) -> str:
    return [step.outcome for step in steps if isinstance(step, Finished)][-1]


async def test_the_operators_word_is_enough_and_two_officers_end_the_silence(stage: Stage) -> None:
    hall, centre = await stage.hall(), stage.centre
    hall.access(NUMBER)
    assert outcome(await exchanged(centre, hall)) == "level"
    assert isinstance(await restored.declare(centre, SYSTEM, " "), Refusal), "how it came is to be said"
    assert await restored.declare(centre, SYSTEM, "磁盘更换，取昨夜备份") is None
    hall.access(NUMBER)
    steps = await exchanged(centre, hall)
    assert outcome(steps) == "levelling"
    assert "centre-levelling" in {step.code for step in steps if isinstance(step, Alarm)}
    assert hall.countersigned[0] < hall.size
    made = await nodes.create(centre, SYSTEM, name="新大厅", region="330102", kind="hall")
    assert isinstance(made, Refusal)
    assert made.code == "centre-levelling"
    assert all(not one.kind for one in await publish.publish(centre, SYSTEM)), "nothing is numbered now"
    assert "从备份恢复" in (await health.ready(centre))[0].words.zh
    await approved(centre)
    assert outcome(await exchanged(centre, hall)) == "level"
    assert hall.doubts == [""], "the opening admits all this node saw"
    async with centre.store.reading() as tx:
        assert (await own_ledger.head(centre, tx)).origin.endswith("/centre/main/i2")


async def test_a_restore_after_sixty_others_of_one_backup_is_approved_as_the_first(stage: Stage) -> None:
    centre, lives = stage.centre, 60
    async with centre.store.transaction() as tx:
        own = await own_ledger.head(centre, tx)
        for _ in range(lives):
            asked = await restored._ask(centre, tx, own)
            await store_incarnations.settle(tx, asked, "refused", centre.now_ms())
        assert await store_incarnations.made(tx, CENTRE) == lives
    assert await restored.declare(centre, SYSTEM, "磁盘更换，取昨夜备份") is None
    assert await restored.levelling(centre)
    await approved(centre)
    assert not await restored.levelling(centre)


async def test_whatever_the_centre_numbers_goes_on_above_a_floor_no_earlier_life_reached(
    stage: Stage,
) -> None:
    hall, centre = await stage.hall(), stage.centre
    await publish.publish(centre, SYSTEM)
    hall.access(NUMBER)
    await exchanged(centre, hall)
    async with centre.store.transaction() as tx:
        await mailbox.post(
            centre, tx, hall.origin, [("case.refused", {"case": "c", "reason": [], "rule": ""})]
        )
    await restored.declare(centre, SYSTEM, "磁盘更换，取昨夜备份")
    hall.obeyed, hall.wanted = 17, [Wish(f"{hall.node}/staff", 7)]  # what the forgotten hours had sent
    assert outcome(await exchanged(centre, hall)) == "levelling"
    hall.obeyed = 1  # a letter of the forgotten hours under the number of the one that waits now
    assert outcome(await exchanged(centre, hall)) == "levelling"
    await approved(centre)
    await exchanged(centre, hall)
    assert [one.number for one in hall.replies[-1].directives] == [GENERATION + 1]
    assert not hall.replies[-1].releases, "no release of an earlier life is sent again"
    assert await publish.renumbered(centre) == 2
    await exchanged(centre, hall)
    assert len(hall.replies[-1].releases) == 2
    made = await stage.node()
    assert made.node == "330102-1002"


async def forgotten(stage: Stage) -> Hall:
    """A hall enrolled after the backup: its centre knows nothing of it any more."""
    hall = await stage.hall()
    hall.access(NUMBER)
    await exchanged(stage.centre, hall)
    for table in ("node", "identity", "mailbox", "enrolment", "scope", "lease", "contact"):
        await stage.thief(f"DELETE FROM {table}")
    for table in ("ledger_head", "entry", "entry_body", "checkpoint", "access"):
        await stage.thief(f"DELETE FROM {table} WHERE origin = $1", hall.origin)
    return hall


async def test_a_forgotten_node_that_travels_by_stick_only_is_known_again_by_a_file(
    stage: Stage, tmp_path: Path
) -> None:
    hall, centre, system = await forgotten(stage), stage.centre, operator("system")
    key = introduction.history_key(hall.sealing_key, hall.centre.sealing, hall.origin)
    whole = introduction.write("certificate", hall.origin, hall.certificate, key)
    other = introduction.history_key(SealingKey.generate(), hall.centre.sealing, hall.origin)
    brought = {
        "altered.yze": whole[:40] + bytes([whole[40] ^ 1]) + whole[41:],
        "batch.yzb": hall.batch(0),
        "stolen.yze": introduction.write("certificate", hall.origin, hall.certificate, other),
        "renamed.yze": introduction.write(
            "certificate", hall.origin.replace("/i1", "/i2"), hall.certificate, key
        ),
    }
    for name, content in brought.items():
        (tmp_path / name).write_bytes(content)
    taken = await courier.import_files(centre, system, [tmp_path / name for name in brought])
    assert all(one.code for one in taken), "nobody but the holder of its keys asks for it"
    assert await incarnations.requests(centre, hall.node) == ()
    (tmp_path / "shown.yze").write_bytes(whole)
    (shown,) = await courier.import_files(centre, system, [tmp_path / "shown.yze"])
    assert shown.code == ""
    (row,) = await incarnations.requests(centre, hall.node)
    assert (row.reason, row.fingerprint in shown.origin) == (FORGOTTEN.code, True)
    said = await incarnations.decide(
        centre, operator("security"), hall.node, row.fingerprint, approves=True, note="已电话核对指纹"
    )
    assert not isinstance(said, Refusal), said
    (batch,) = await courier.import_files(centre, system, [tmp_path / "batch.yzb"])
    assert (batch.code, batch.countersigned) == ("", hall.size)
    (again,) = await courier.import_files(centre, system, [tmp_path / "shown.yze"])
    assert again.code == "bad-signature", "a node that is known has nothing to ask"


async def test_a_node_enrolled_after_the_backup_is_known_again_by_its_certificate(stage: Stage) -> None:
    hall, centre = await forgotten(stage), stage.centre
    certificate = hall.certificate
    async with stage.client() as http:
        body = hall.batch(0)
        refused = await http.post(
            "/api/exchange", content=body, headers=hall.signed("POST", "/api/exchange", body)
        )
        assert refused.json()["code"] == "unknown-origin"
        headers = hall.signed("POST", "/api/known", certificate)
        shown = await http.post("/api/known", content=certificate, headers=headers)
        other = Hall(hall.node, hall.given, SigningKey.generate(), hall.sealing_key, hall.clock)
        stolen = await http.post(
            "/api/known", content=certificate, headers=other.signed("POST", "/api/known", certificate)
        )
    assert stolen.status_code == 401, "a certificate without its key asks for nothing"
    (row,) = await incarnations.requests(centre, hall.node)
    assert (row.reason, row.fingerprint, row.wanted) == (
        FORGOTTEN.code,
        shown.json()["fingerprint"],
        ("security",),
    )
    said = await incarnations.decide(
        centre, operator("security"), hall.node, row.fingerprint, approves=True, note="已电话核对指纹"
    )
    assert not isinstance(said, Refusal), said
    assert outcome(await exchanged(centre, hall)) == "level"


def command(*words: str) -> int:
    return main(list(words))


@contextmanager
def server(data: Path) -> Iterator[Callable[[str, str], str]]:
    """The embedded server of DATA, up for the whole test; how a role reaches a database of it."""
    with asyncio.Runner() as runner:
        running = embedded.running(data)
        address = runner.run(running.__aenter__())
        try:
            yield address.dsn
        finally:
            runner.run(running.__aexit__(None, None, None))


def tool(dsn: str, *words: str) -> None:
    """A tool of PostgreSQL, as an operator types it."""
    program = [str(embedded.wheel_bin() / words[0]), f"--dbname={dsn}", *words[1:]]
    done = subprocess.run(program, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()


def on(data: Path, work: Callable[[Centre], Awaitable[Any]]) -> Any:
    """The centre of DATA runs for a while."""

    async def run() -> Any:
        async with setup.opened(data) as centre:
            return await work(centre)

    return asyncio.run(run())


async def founded_hall(centre: Centre) -> Hall:
    made = await nodes.create(centre, SYSTEM, name="清河县市民之家", region="330102", kind="hall")
    assert isinstance(made, NodeCreated)
    signing, sealing = SigningKey.generate(), SealingKey.generate()
    given = await enrol.enrol(centre, application(made.code, signing, sealing))
    assert isinstance(given, Enrolled)
    hall = Hall(made.node, given, signing, sealing, Clock(setup.wall_ms()))
    hall.access(NUMBER)
    assert outcome(await exchanged(centre, hall)) == "level"
    return hall


def test_the_runbook_of_a_restore_is_run_as_it_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, backup = tmp_path / "centre", tmp_path / "yizhan.dump"
    assert command("init", "--data", str(data), "--passwords-final", "--json") == EXIT_HOLDS
    for one in json.loads(capsys.readouterr().out)["administrators"]:
        (tmp_path / one["name"]).write_text(one["password"], encoding="utf-8")

    def as_officer(name: str, *words: str) -> Any:
        by = ("--data", str(data), "--officer", name, "--password-file", str(tmp_path / name), "--json")
        capsys.readouterr()
        assert command(*words, *by) == EXIT_HOLDS
        return json.loads(capsys.readouterr().out)

    with server(data) as reached:
        hall = on(data, founded_hall)

        async def more(centre: Centre) -> str:
            hall.access(NUMBER)
            return outcome(await exchanged(centre, hall))

        tool(reached("postgres", DATABASE), "pg_dump", "--format=custom", f"--file={backup}")
        assert on(data, more) == "level"
        words = ("pg_restore", "--clean", "--if-exists", "--create", str(backup))
        tool(reached("postgres", "postgres"), *words)
        (row,) = as_officer("system", "restored", "--note", "磁盘更换，取昨夜备份")
        assert on(data, more) == "levelling"
        sure = ("--fingerprint", row["fingerprint"], "--note", "已核对备份")
        as_officer("security", "incarnation", "approve", "--node", CENTRE, *sure)
        done = as_officer("system", "incarnation", "approve", "--node", CENTRE, *sure)
        assert done["new_origin"].endswith("/i2")
        assert command("publish", "--data", str(data)) == EXIT_HOLDS
        assert on(data, more) == "level"
        assert (hall.countersigned[0], hall.doubts) == (hall.size, [""])
        assert command("witnesses", "--data", str(data)) == EXIT_HOLDS
        assert command("check", "--data", str(data)) == EXIT_HOLDS
