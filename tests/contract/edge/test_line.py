"""The line to the centre when it hangs, lies or speaks another form; and what runs by itself."""

import asyncio
import contextlib
import shutil
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from edge import schedule
from edge.actions import prune
from edge.actions.answer import answer
from edge.actions.check import check
from edge.actions.clockwork import watch
from edge.actions.exchange import exchange, waiting
from edge.actions.node import Node, Session, close_node, open_node
from edge.actions.status import status
from edge.actions.views import Answer
from edge.errors import CentreRefused, CentreUnreachable
from sync.signing.requests import read_header
from tests.contract.edge.conftest import Prepared, ToldTime, lay, settings, signed_in
from tests.contract.edge.small_centre import SmallCentre
from tests.contract.edge.test_answers import entries, own


async def test_g04_a_line_that_hangs_costs_the_deadline_once_and_then_nothing(
    tmp_path: Path, prepared: Prepared, told: ToldTime, centre: SmallCentre
) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # takes everything, answers nothing
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    shutil.copytree(prepared.folder, tmp_path / "node")
    hung = msgspec.structs.replace(settings(answer_deadline_ms=300), centre=f"http://127.0.0.1:{port}")
    node = await open_node(tmp_path / "node", hung, clock=told.clock())
    try:
        clerk = await signed_in(node, "li.min")
        read = await lay(node, centre)
        took = []
        for _ in range(2):
            begun = time.monotonic()
            given = await answer(node, clerk, own(read.read_id))
            took.append(time.monotonic() - begun)
            assert isinstance(given, Answer)
            assert given.mode == "cached"
        assert 0.3 <= took[0] < 5
        assert took[1] < took[0]
        assert node.uplink.breaker.open
        assert (await status(node)).mode == "offline"
    finally:
        await close_node(node)
        server.close()


class Says(httpx.AsyncBaseTransport):
    """A centre that always says one thing."""

    def __init__(self, code: int, body: bytes) -> None:
        self.code, self.body = code, body

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(self.code, content=self.body, request=request)


@pytest.mark.parametrize(
    ("code", "body", "error"),
    [
        (200, b"not sealed to us", None),
        (502, b"<html>bad gateway</html>", CentreUnreachable),
        (404, b"", CentreUnreachable),
        (500, b'{"code": "\xe6\x8f"}', CentreUnreachable),
        (403, b'{"code":"revoked","message":{"zh":"a","en":"b"},"next":{"zh":"c","en":"d"}}', CentreRefused),
    ],
)
async def test_a_centre_that_speaks_another_form_falls_back_to_the_cache(
    node: Node, clerk: Session, centre: SmallCentre, code: int, body: bytes, error: Any
) -> None:
    read = await lay(node, centre)
    node.uplink._transport = Says(code, body)
    node.uplink._client = None
    given = await answer(node, clerk, own(read.read_id))
    if error is CentreRefused:
        assert not isinstance(given, Answer), "the centre's no is a no"
    else:
        assert isinstance(given, Answer)
        assert given.mode == "cached"
    if error is not None:
        with pytest.raises(error):
            await exchange(node)


@pytest.mark.parametrize("apart_ms", [-40 * 86_400_000, 40 * 86_400_000])
async def test_a_clock_far_from_the_centres_signs_again_in_the_centres_time(
    node: Node, apart_ms: int
) -> None:
    theirs = node.now_ms() + apart_ms
    said = b'{"code":"clock-apart","message":{"zh":"a","en":"b"},"next":{"zh":"c","en":"d"},"time_ms":%d}'
    in_time: list[bool] = []

    class Apart(httpx.AsyncBaseTransport):
        """Tells the time to whoever is late; is out of order for the others."""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            created_ms = read_header(request.headers["authorization"]).created_ms
            in_time.append(abs(created_ms - theirs) <= 60_000)
            if in_time[-1]:
                return httpx.Response(502, request=request)
            return httpx.Response(401, content=said % theirs, request=request)

    node.uplink._transport, node.uplink._client = Apart(), None
    for _ in range(2):
        with pytest.raises(CentreUnreachable):
            await exchange(node)
    assert in_time == [False, True, True], "told once, remembered after that"


async def test_a_revoked_node_gives_no_sensitive_answer_any_more(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    said = b'{"code":"revoked","message":{"zh":"a","en":"b"},"next":{"zh":"c","en":"d"}}'
    node.uplink._transport = Says(403, said)
    node.uplink._client = None
    with pytest.raises(CentreRefused):
        await exchange(node)
    assert any("吊销" in words.zh for words in (await status(node)).stopped)


async def test_g08_the_pace_of_exchanges_follows_the_line_and_what_waits_with_jitter(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    centre.send_leases = False
    await exchange(node)
    assert not await waiting(node)
    idle = await schedule._pause_s(node)
    assert 240 <= idle <= 360
    read = await lay(node, centre)
    await answer(node, clerk, own(read.read_id))
    assert await waiting(node)
    assert 16 <= await schedule._pause_s(node) <= 24
    node.uplink.breaker.failed()
    assert 8 <= await schedule._pause_s(node) <= 12


async def test_p8_g08_a_bell_wakes_the_exchange_and_a_failure_never_ends_the_loop(
    node: Node, centre: SmallCentre
) -> None:
    await node.store.transact(lambda tx: tx.note("x", 1))
    centre.down = True
    loop = asyncio.create_task(schedule.exchange_loop(node), name="exchange")

    def down() -> bool:
        return node.uplink.breaker.open

    with node.events.subscription() as queue:
        node.line_bell.set()
        async with asyncio.timeout(10):
            while not down():
                await queue.get()
            centre.down = False
            node.line_bell.set()
            while down():
                await queue.get()
    assert not loop.done()
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)


def test_every_job_has_a_limit_an_owner_and_an_answer_to_missed_while_off() -> None:
    names = [job.name for job in schedule.JOBS]
    assert len(names) == len(set(names))
    for job in schedule.JOBS:
        assert job.limit_s > 0
        assert job.owner
        assert job.missed in {"once", "skip"}
        assert bool(job.every_s) != bool(job.at)
        assert schedule._trigger(job) is not None


async def test_the_job_table_runs_and_is_planned_anew_after_a_clock_jump(node: Node) -> None:
    plan = schedule.Schedule(node)
    task = asyncio.create_task(plan.run(), name="schedule")
    await asyncio.sleep(0)
    assert plan._scheduler.running
    jobs = {job.id: job for job in plan._scheduler.get_jobs()}
    assert set(jobs) == {job.name for job in schedule.JOBS}
    plan.replan()
    assert all(job.next_run_time for job in plan._scheduler.get_jobs())
    for job in schedule.JOBS:
        await schedule._guarded(node, job)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_g14_a_jump_of_the_wall_clock_is_an_entry(node: Node, told: ToldTime) -> None:
    assert not await watch(node)
    told.pass_ms(60_000)
    assert not await watch(node), "time that passes is no jump"
    told.wall += 10 * 60_000
    assert await watch(node)
    entry, detail = (await entries(node))[-1]
    assert (entry.kind, entry.outcome, detail["note"]) == (81, "jumped", "600000 ms")


async def test_rule_4_5_bodies_are_dropped_only_when_countersigned_and_old_and_the_ledger_still_proves_itself(
    node: Node, clerk: Session, centre: SmallCentre, told: ToldTime, tmp_path: Path
) -> None:
    read = await lay(node, centre)
    await answer(node, clerk, own(read.read_id))
    told.pass_ms(91 * 86_400_000)
    before = await prune.prune(node)
    size = (await status(node)).ledger.countersigned_size
    assert before == size, "what the centre has not countersigned stays"
    await exchange(node)
    assert await prune.prune(node) > 0
    assert read.number.encode() not in b"".join(
        row[0] or b"" for row in await node.store.read(lambda db: db.query("SELECT detail FROM entry"))
    )
    found = await check(tmp_path / "node", settings(), told.clock())
    assert (found.broken_at, found.store) == (None, "ok")


class FarAway(httpx.AsyncBaseTransport):
    """A line whose round trips take half a minute: who waits less hears nothing. The waiting itself is left out."""

    def __init__(self, centre: SmallCentre, round_trip_s: float) -> None:
        self.line, self.round_trip_s = centre.transport(), round_trip_s

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        waits = request.extensions["timeout"]
        if waits["connect"] < self.round_trip_s:
            raise httpx.ConnectTimeout("nothing yet", request=request)
        if waits["read"] < self.round_trip_s:
            raise httpx.ReadTimeout("nothing yet", request=request)
        return await self.line.handle_async_request(request)


async def test_a_line_with_round_trips_of_half_a_minute_is_waited_for_longer_each_time(
    prepared: Prepared, tmp_path: Path, told: ToldTime, centre: SmallCentre
) -> None:
    shutil.copytree(prepared.folder, tmp_path / "node")
    far = FarAway(centre, 30.0)
    node = await open_node(tmp_path / "node", settings(), clock=told.clock(), transport=far)
    try:
        for _ in range(3):
            with pytest.raises(CentreUnreachable):
                await exchange(node)
        assert (await exchange(node)).sent
        far.round_trip_s = 1e9
        for _ in range(6):
            with pytest.raises(CentreUnreachable):
                await exchange(node)
        far.round_trip_s = 4.0
        for _ in range(4):
            with contextlib.suppress(CentreUnreachable):
                await exchange(node)
        assert not node.uplink.breaker.open, "after a long silence a short wait is tried again"
    finally:
        await close_node(node)
