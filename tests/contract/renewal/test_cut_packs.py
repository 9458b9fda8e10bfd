"""A pack whose download was cut: the next contact fetches the rest, and only what travelled counts."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from central.actions import publish, records
from central.actions.centre import operator
from edge.actions import budget
from edge.actions.exchange import exchange
from edge.errors import CentreUnreachable
from edge.store.part import FOLDER, PARTS_MAX, Part
from sync.exchange.node import RECORDS
from tests.contract.central.test_records import sample
from tests.contract.renewal.place import Place

SYSTEM = operator("system")


class Stops(httpx.AsyncByteStream):
    """Some of a reply's content; then the line is cut."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._content), 1000):
            yield self._content[at : at + 1000]
        raise httpx.ReadError("the line is cut")


class Cut(httpx.AsyncBaseTransport):
    """The place's line; of the next packs so many bytes arrive as `stops` says. `ranges`: what was asked for."""

    def __init__(self, place: Place) -> None:
        self._whole = place.line
        self.stops: list[int] = []
        self.ranges: list[str] = []
        self.alters = False
        self.knows_ranges = True

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.startswith("/api/packs/"):
            return await self._whole.handle_async_request(request)
        self.ranges.append(request.headers.get("range", ""))
        if not self.knows_ranges:
            request.headers.pop("range", None)
        reply = await self._whole.handle_async_request(request)
        if not self.stops:
            return reply
        content = (await reply.aread())[: self.stops.pop(0)]
        if self.alters:
            content = content[:-1] + bytes([content[-1] ^ 1])
        return httpx.Response(
            reply.status_code, headers=reply.headers, stream=Stops(content), request=request
        )


async def with_news(place: Place) -> Cut:
    """More people are published; the hall has not fetched them yet."""
    await records.import_file(place.stage.centre, SYSTEM, sample(place.folder, people=60, seed=3))
    await publish.publish(place.stage.centre, SYSTEM)
    line = Cut(place)
    place.node.uplink._transport, place.node.uplink._client = line, None
    return line


async def people(place: Place) -> int:
    rows = await place.node.store.read(lambda db: db.query("SELECT count(*) FROM subject_cache"))
    return int(rows[0][0])


async def records_carried(place: Place) -> int:
    await budget.settle(place.node)
    query = "SELECT coalesce(sum(bytes), 0) FROM line_used WHERE lane = ?"
    return int((await place.node.store.read(lambda db: db.query(query, (RECORDS,))))[0][0])


def parts(place: Place) -> list[Any]:
    folder = place.node.data / FOLDER
    return list(folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("restarts", [False, True])
async def test_only_the_rest_of_a_pack_is_fetched_after_a_cut(place: Place, restarts: bool) -> None:
    line = await with_news(place)
    before, carried = await people(place), await records_carried(place)
    line.stops = [1500, 700]
    for _ in range(2):
        with pytest.raises(CentreUnreachable):
            await exchange(place.node)
    assert len(parts(place)) == 1
    assert await records_carried(place) - carried == 2200
    if restarts:
        await place.start()
        place.node.uplink._transport, place.node.uplink._client = line, None
    done = await exchange(place.node)
    assert (done.alarms, line.ranges) == ((), ["", "bytes=1500-", "bytes=2200-"])
    assert await people(place) > before
    assert parts(place) == []


async def test_a_pack_that_was_whole_when_the_power_went_is_not_asked_for_again(place: Place) -> None:
    line = await with_news(place)
    before = await people(place)
    line.stops = [1 << 30]
    with pytest.raises(CentreUnreachable):
        await exchange(place.node)
    await place.start()
    place.node.uplink._transport, place.node.uplink._client = line, None
    done = await exchange(place.node)
    assert (done.alarms, line.ranges) == ((), [""])
    assert (await people(place) > before, parts(place)) == (True, [])


async def test_a_beginning_longer_than_the_pack_is_thrown_away_and_ends_no_exchange_for_ever(
    place: Place,
) -> None:
    line = await with_news(place)
    before = await people(place)
    line.stops = [1 << 30]
    with pytest.raises(CentreUnreachable):
        await exchange(place.node)
    (kept,) = parts(place)
    kept.write_bytes(kept.read_bytes() + b"more")
    with pytest.raises(CentreUnreachable):
        await exchange(place.node)
    assert parts(place) == []
    assert (await exchange(place.node)).alarms == ()
    assert await people(place) > before


async def test_a_cache_that_knows_no_ranges_sends_the_whole_anew(place: Place) -> None:
    line = await with_news(place)
    before = await people(place)
    line.stops, line.knows_ranges = [1500], False
    with pytest.raises(CentreUnreachable):
        await exchange(place.node)
    assert (await exchange(place.node)).alarms == ()
    assert await people(place) > before


async def test_a_beginning_that_is_not_the_packs_is_found_at_its_end_and_fetched_anew(place: Place) -> None:
    line = await with_news(place)
    before = await people(place)
    line.stops, line.alters = [1500], True
    with pytest.raises(CentreUnreachable):
        await exchange(place.node)
    assert (await exchange(place.node)).alarms == ("pack-refused",)
    assert (await people(place), parts(place)) == (before, [])
    assert (await exchange(place.node)).alarms == ()
    assert await people(place) > before


async def test_beginnings_of_packs_nobody_names_any_more_do_not_gather(place: Place) -> None:
    for number in range(5):
        Part(place.node.data, bytes([number]) * 32).take(b"beginning")
    assert len(parts(place)) == PARTS_MAX
    assert Part(place.node.data, bytes([4]) * 32).had == 9, "the newest stays"


async def test_the_rest_of_a_pack_is_what_http_calls_a_range(place: Place) -> None:
    await with_news(place)
    name = next(path.name for path in (place.stage.centre.data / "packs").iterdir())
    whole = (place.stage.centre.data / "packs" / name).read_bytes()
    size = len(whole)
    async with place.stage.client() as client:
        for asked, status, content in (
            ("", 200, whole),
            ("bytes=0-", 206, whole),
            ("bytes=7-", 206, whole[7:]),
            (f"bytes={size - 1}-", 206, whole[-1:]),
            (f"bytes={size}-", 416, b""),
            ("bytes=3-9", 200, whole),
            ("bytes=-5", 200, whole),
            ("lines=1-", 200, whole),
        ):
            reply = await client.get(f"/api/packs/{name}", headers={"range": asked} if asked else {})
            assert (reply.status_code, reply.content) == (status, content), asked
            if status == 206:
                assert reply.headers["content-range"] == f"bytes {size - len(content)}-{size - 1}/{size}"
