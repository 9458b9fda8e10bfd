"""A batch whose body was cut: its whole frames count, nothing is countersigned, the rest may follow (protocol 3, 4)."""

import asyncio
import contextlib
import dataclasses
import secrets
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from central import app
from central.actions import chores
from central.actions.arrivals import Arrivals
from central.store import parts
from sync.batch.file import plan_up, write_up
from sync.batch.header import SLIM
from sync.exchange.standing import Standing, batch_id, decode
from tests.contract.central.halls import Hall
from tests.contract.central.stage import Stage
from tests.contract.central.test_ingest import NUMBER, counts
from tests.faults.relay import borders
from tests.gone import gone_early

EXCHANGE, STANDING = "/api/exchange", "/api/standing"
FRAME = 256
WAIT_S = 20


@contextlib.asynccontextmanager
async def served(stage: Stage) -> AsyncIterator[int]:
    """The centre's whole application on a real port."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    program: Any = app.application(stage.centre, background=False)
    server = uvicorn.Server(uvicorn.Config(program, log_config=None, lifespan="off"))
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[listening]))
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True


async def cut_on_the_wire(port: int, hall: Hall, path: str, body: bytes, length: int) -> None:
    """A signed request of which `length` bytes of the body travel; then the connection ends."""
    lines = {"host": "centre", "content-length": str(len(body)), **hall.signed("POST", path, body)}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body[:length])
    writer.write_eof()
    async with asyncio.timeout(WAIT_S):
        await reader.read()  # the centre closes when it has dealt with what came
    writer.close()


async def part(stage: Stage, hall: Hall, body: bytes, path: str = EXCHANGE) -> int:
    """A part of a body arrives, the client is gone; the status nobody hears."""
    headers = {**hall.signed("POST", path, body + b"more"), "content-length": str(len(body) + 4)}
    program: Any = app.application(stage.centre, background=False)
    async with httpx.AsyncClient(transport=gone_early(program), base_url="http://centre") as client:
        return (await client.post(path, content=body, headers=headers)).status_code


async def stands(client: httpx.AsyncClient, hall: Hall) -> Standing:
    reply = await client.get(STANDING, headers=hall.signed("GET", STANDING, b""))
    assert reply.status_code == 200, reply.text
    return decode(reply.content)


async def posted(client: httpx.AsyncClient, hall: Hall, path: str, body: bytes) -> httpx.Response:
    return await client.post(path, content=body, headers=hall.signed("POST", path, body))


def rest_of(batch: bytes, held: int) -> str:
    return f"{EXCHANGE}/{batch_id(batch).hex()}/{held}"


def with_accesses(hall: Hall, many: int) -> Hall:
    for _ in range(many):
        hall.access(NUMBER)
    return hall


async def test_a_body_cut_at_each_border_and_a_byte_around_it_leaves_its_whole_frames(stage: Stage) -> None:
    """Rules 4.2 and 4.3: new frames are stored, nothing is countersigned; then the rest alone completes it."""
    hall = with_accesses(await stage.hall(), 3 * FRAME + 40)
    batch = hall.batch()
    header_end, *ends = borders(batch)
    async with served(stage) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for at in sorted({border + near for border in (header_end, *ends) for near in (-1, 0, 1)}):
            await cut_on_the_wire(port, hall, EXCHANGE, batch, at)
            frames = sum(at >= end for end in ends)
            held = at if at >= header_end else 0
            expected = Standing(
                next=min(frames * FRAME, hall.size), batch_id=batch_id(batch) if held else b"", held=held
            )
            found = await stands(client, hall)
            if frames == len(ends):  # nothing new can be in it, so it is not kept anew
                expected = Standing(next=hall.size, batch_id=found.batch_id, held=found.held)
            assert found == expected, at
            assert (await counts(stage, hall.origin))["checkpoints"] == 0
        held = found.held
        reply = await posted(client, hall, rest_of(batch, held), batch[held:])
        assert hall.opened(reply.content).size == hall.size
        assert (await stands(client, hall)).held == 0, "nothing is kept of what is whole"
    assert (await counts(stage, hall.origin))["accesses"] == hall.size, "each has its effect once"


async def test_a_part_that_is_cut_again_grows(stage: Stage) -> None:
    hall = with_accesses(await stage.hall(), 2 * FRAME)
    batch = hall.batch()
    first, second = (end - 20 for end in borders(batch)[1:3])
    assert await part(stage, hall, batch[:first]) == 503
    assert await part(stage, hall, batch[first:second], rest_of(batch, first)) == 503
    async with stage.client() as client:
        found = await stands(client, hall)
        assert (found.next, found.held) == (FRAME, second)
        reply = await posted(client, hall, rest_of(batch, second), batch[second:])
    assert hall.opened(reply.content).size == hall.size


async def test_a_slim_batch_of_one_frame_counts_before_its_trailer(stage: Stage) -> None:
    """Its frame carries no proof of its own: the header's consistency proof holds it, and that is there."""
    hall = with_accesses(await stage.hall(), 300)
    async with stage.client() as client:
        await posted(client, hall, EXCHANGE, hall.batch(0, FRAME))
        batch = b"".join(write_up(hall, plan_up(hall, FRAME, 300, version=SLIM), hall.clock.now_ms))
        await part(stage, hall, batch[:-33])
        assert (await stands(client, hall)).next == FRAME, "the last byte of its frame is missing"
        await part(stage, hall, batch[:-32])
        assert (await stands(client, hall)).next == 300


async def test_a_rest_that_does_not_fit_is_refused_and_the_whole_batch_is_taken(stage: Stage) -> None:
    hall = with_accesses(await stage.hall(), 2 * FRAME)
    batch = hall.batch()
    held = borders(batch)[1] + 7
    async with stage.client() as client:
        await part(stage, hall, batch[:held])
        for path in (rest_of(batch, held + 1), f"{EXCHANGE}/{'0' * 32}/{held}"):
            refused = await posted(client, hall, path, batch[held:])
            assert (refused.status_code, refused.json()["code"]) == (409, "gap")
        altered = bytes([batch[held] ^ 1]) + batch[held + 1 :]
        refused = await posted(client, hall, rest_of(batch, held), altered)
        assert (refused.status_code, refused.json()["code"]) == (400, "malformed")
        unsigned = await client.post(
            rest_of(batch, held), content=batch[held:], headers=hall.signed("POST", EXCHANGE, batch[held:])
        )
        assert unsigned.status_code == 401, "the place of a rest is signed"
        assert hall.opened((await posted(client, hall, EXCHANGE, batch)).content).size == hall.size


async def test_a_part_of_long_ago_stores_and_moves_nothing(stage: Stage) -> None:
    """What a request's signature gives and a part lacks is its time: a replay must be harmless."""
    hall = with_accesses(await stage.hall(), FRAME)
    old = hall.batch()
    with_accesses(hall, FRAME)
    async with stage.client() as client:
        await posted(client, hall, EXCHANGE, hall.batch())
        before = await counts(stage, hall.origin), await stage.rows("SELECT * FROM contact")
        stage.clock.pass_ms(400 * 86_400_000)
        await part(stage, hall, old[:-1])
        assert (await counts(stage, hall.origin), await stage.rows("SELECT * FROM contact")) == before
        assert await stands(client, hall) == Standing(next=hall.size)


async def test_nothing_is_kept_of_a_part_whose_sender_is_revoked_unknown_or_another(stage: Stage) -> None:
    hall, other = with_accesses(await stage.hall(), 2 * FRAME), await stage.hall(region="330104")
    batch = hall.batch()
    forged = other.batch()[:8] + secrets.token_bytes(2_000)
    for content in (forged, b"YZB1", b"", batch[: len(batch) // 2].replace(b"node/330102", b"node/330199")):
        assert await part(stage, hall, content) in {400, 401}
    await stage.thief("UPDATE identity SET revoked_ms = 1 WHERE origin = $1", hall.origin)
    assert await part(stage, hall, batch[: len(batch) - 1]) == 403
    assert not parts.kept(stage.centre.data, hall.origin)
    assert (await counts(stage, hall.origin))["entries"] == 0
    assert await stage.rows("SELECT * FROM evidence") == [], "a part is no evidence: anybody may have sent it"


async def test_frames_before_an_altered_one_are_not_kept_with_it(stage: Stage) -> None:
    hall = with_accesses(await stage.hall(), 3 * FRAME)
    batch = bytearray(hall.batch())
    batch[borders(bytes(batch))[2] - 1] ^= 1
    assert await part(stage, hall, bytes(batch[:-100])) == 401
    assert not parts.kept(stage.centre.data, hall.origin)


async def test_a_half_open_body_is_ended_by_its_nodes_next_question(stage: Stage) -> None:
    hall = with_accesses(await stage.hall(), 2 * FRAME)
    batch = hall.batch()
    held = borders(batch)[1] + 7
    program: Any = app.application(stage.centre, background=False)
    taken = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield batch[:held]
        taken.set()

    async with (
        httpx.AsyncClient(transport=gone_early(program, silent=True), base_url="http://centre") as far,
        asyncio.TaskGroup() as group,
    ):
        headers = hall.signed("POST", EXCHANGE, batch)
        hanging = group.create_task(far.post(EXCHANGE, content=pieces(), headers=headers))
        async with asyncio.timeout(WAIT_S), stage.client() as client:
            await taken.wait()
            found = await stands(client, hall)
            assert (found.next, found.held) == (FRAME, held)
            assert (await hanging).status_code == 503


async def test_what_came_of_a_cut_body_outlives_the_centres_program(stage: Stage) -> None:
    hall = with_accesses(await stage.hall(), 2 * FRAME)
    batch = hall.batch()
    held = borders(batch)[1] + 7
    assert await part(stage, hall, batch[:held]) == 503
    stage.centre = dataclasses.replace(stage.centre, arrivals=Arrivals())
    async with stage.client() as client:
        assert (await stands(client, hall)).held == held
        reply = await posted(client, hall, rest_of(batch, held), batch[held:])
    assert hall.opened(reply.content).size == hall.size


async def test_a_part_that_changed_on_the_disk_costs_a_refusal_and_the_whole_batch_is_taken(
    stage: Stage,
) -> None:
    hall = with_accesses(await stage.hall(), 2 * FRAME)
    batch = hall.batch()
    held = borders(batch)[1] + 7
    await part(stage, hall, batch[:held])
    (kept,) = (stage.centre.data / parts.FOLDER).iterdir()
    kept.write_bytes(batch[: held - 1] + bytes([batch[held - 1] ^ 1]))
    async with stage.client() as client:
        refused = await posted(client, hall, rest_of(batch, held), batch[held:])
        assert (refused.status_code, refused.json()["code"]) == (400, "malformed")
        assert hall.opened((await posted(client, hall, EXCHANGE, batch)).content).size == hall.size


async def test_a_part_whose_rest_never_comes_is_gone_after_a_week(stage: Stage) -> None:
    now_ms, data = stage.clock.now_ms, stage.centre.data
    assert await chores.old_parts(stage.centre) == 0
    parts.keep(data, "a", b"part", now_ms)
    parts.keep(data, "b", b"part", now_ms + 1)
    stage.clock.pass_ms(chores.PARTS_KEPT_MS + 1)
    assert await chores.old_parts(stage.centre) == 1
    assert (parts.kept(data, "a"), parts.kept(data, "b")) == (b"", b"part")


def test_what_is_kept_of_cut_batches_is_bounded(tmp_path: Path) -> None:
    parts.keep(tmp_path, "a", bytes(parts.PART_BYTES + 1), 0)
    assert parts.kept(tmp_path, "a") == b""
    for number in range(8):
        parts.keep(tmp_path, f"{number}", bytes(100), number, all_bytes=499)
    kept = [number for number in range(8) if parts.kept(tmp_path, f"{number}")]
    assert kept == [4, 5, 6, 7], "the newest stay"
