"""A line that is cut in the middle of a batch: what arrived is not sent again (rules 4.2 and 4.3)."""

import secrets
from typing import Any

import httpx
import pytest

from central import app
from central.store import parts
from edge.actions.exchange import exchange
from edge.errors import CentreUnreachable
from edge.store.draft import Draft
from edge.store.transaction import Transaction
from sync.batch.header import claimed_header
from tests.contract.renewal.place import Line, Place
from tests.faults.relay import borders
from tests.gone import gone_early

ENTRIES = 900
SMALL = 4096
"""More than any request here that carries no frames."""


class Cut(httpx.AsyncBaseTransport):
    """The place's line, but of the next batch only `passes(body)` bytes arrive."""

    def __init__(self, place: Place) -> None:
        program: Any = app.application(place.stage.centre, background=False)
        self._part, self.whole = gone_early(program), place.line
        self.passes: Any = None
        self.sent: list[tuple[str, int]] = []
        self.starts: list[int] = []
        """Where the batches that were sent as a whole begin."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        self.sent.append((request.url.path, len(body)))
        if request.url.path == "/api/exchange":
            self.starts.append(claimed_header(body).start)
        if self.passes is None or request.method != "POST":
            return await self.whole.handle_async_request(request)
        length, self.passes = self.passes(body), None
        parted = httpx.Request("POST", request.url, headers=request.headers, content=body[:length])
        await self._part.handle_async_request(parted)
        raise httpx.WriteError("the line is cut")


async def broken(place: Place, passes: Any) -> Cut:
    """A hall with a backlog, whose batch was cut where `passes` says."""
    line = Cut(place)
    node = place.node
    node.uplink._transport, node.uplink._client = line, None
    noise = [secrets.token_hex(8) for _ in range(ENTRIES)]  # so that a frame has some bytes

    def work(tx: Transaction) -> None:
        for words in noise:
            tx.append(Draft(kind="mark", detail={"note": words}))

    await node.store.transact(work)
    line.passes = passes
    with pytest.raises(CentreUnreachable):
        await exchange(node)
    return line


async def held(place: Place) -> int:
    rows = await place.stage.rows(
        "SELECT count(*) AS n FROM entry WHERE origin = $1", place.node.identity.origin
    )
    return int(rows[0]["n"])


async def level(place: Place) -> None:
    """The next exchange ends with all of the ledger at the centre, countersigned, and nobody alarmed."""
    done = await exchange(place.node)
    assert (done.pending, done.alarms) == (0, ())
    assert await held(place) >= done.acknowledged


def second_frame(body: bytes) -> int:
    return borders(body)[2] - 9


async def test_only_the_rest_of_a_cut_batch_travels(place: Place) -> None:
    line = await broken(place, second_frame)
    (_, whole) = line.sent[-1]
    had = await held(place)
    assert 256 <= had < ENTRIES, "the first frame arrived and counts, without the second"
    line.sent.clear()
    await level(place)
    (asked, nothing), (path, rest), *more = line.sent
    assert (asked, nothing) == ("/api/standing", 0)
    assert path.startswith("/api/exchange/")
    assert int(path.rpartition("/")[2]) + rest == whole
    assert all(size < SMALL for _, size in more)


async def test_a_batch_cut_again_and_again_moves_at_every_contact(place: Place) -> None:
    line = await broken(place, lambda body: min(len(body) // 2, 3000))
    stood = [await held(place)]
    for _ in range(40):
        line.passes = lambda body: min(len(body) - 1, 6000)
        try:
            await exchange(place.node)
            break
        except CentreUnreachable:
            stood.append(await held(place))
    assert stood == sorted(stood)
    total = sum(size for path, size in line.sent if path.startswith("/api/exchange/"))
    await level(place)
    assert total < 8 * 30_000


async def test_a_batch_of_which_only_the_reply_was_lost_is_not_sent_again(place: Place) -> None:
    line = await broken(place, len)  # all of it arrives; that it was all nobody says
    line.sent.clear()
    await level(place)
    assert sum(size for _, size in line.sent) < SMALL


@pytest.mark.parametrize("trouble", ["forgotten", "another"])
async def test_where_the_centre_has_not_the_part_the_node_goes_on_from_the_last_frame(
    place: Place, trouble: str
) -> None:
    line = await broken(place, second_frame)
    data, origin = place.stage.centre.data, place.node.identity.origin
    if trouble == "forgotten":
        parts.forget(data, origin)
    else:
        parts.keep(data, origin, parts.kept(data, origin)[:-5] + b"other", 0)
    had, first = await held(place), line.starts.pop()
    await level(place)
    assert line.starts[0] == (had if trouble == "forgotten" else first)


async def test_a_node_that_started_anew_asks_too_and_sends_no_frame_again(place: Place) -> None:
    line = await broken(place, second_frame)
    had = await held(place)
    await place.start()
    place.node.uplink._transport, place.node.uplink._client = line, None
    line.sent.clear()
    line.starts.clear()
    await level(place)
    assert line.sent[0] == ("/api/standing", 0)
    assert line.starts[0] == had


async def test_a_centre_that_cannot_be_asked_gets_the_batch_as_before(place: Place) -> None:
    line = await broken(place, second_frame)

    class Older(Line):
        """A centre of before the question."""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path == "/api/standing":
                return httpx.Response(404, content=b'{"code":"http-404"}', request=request)
            return await super().handle_async_request(request)

    line.whole = Older(place.stage)
    line.sent.clear()
    await level(place)
    assert [path for path, _ in line.sent[:2]] == ["/api/standing", "/api/exchange"]
