"""The knock at the start: who is there, how long a question waits meanwhile, and what the breaker learns."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest

from edge.actions.node import Node
from edge.errors import CentreUnreachable
from edge.uplink.knock import Knock
from edge.uplink.line import Uplink
from tests.contract.edge.conftest import ToldTime

LONG_S = 20.0
SHORT_S = 0.1


@pytest.fixture
def silent() -> Iterator[str]:
    """A line that hangs: connections are taken and nothing ever comes back."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def speaking() -> Iterator[str]:
    """Somebody who answers one request, with a no."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def speak() -> None:
            line, _ = listening.accept()
            with line:
                line.recv(4096)
                line.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")

        speaker = threading.Thread(target=speak)
        speaker.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        speaker.join(LONG_S)


def test_any_answer_at_all_means_that_somebody_is_there(speaking: str) -> None:
    knock = Knock(speaking, LONG_S)
    knock.start()
    assert knock.heard()
    assert knock.rest_s() is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[", ""])
def test_nobody_is_there_when_nothing_can_be_reached(url: str) -> None:
    knock = Knock(url, LONG_S)
    knock.start()
    assert not knock.heard()


def test_a_line_that_hangs_is_found_at_the_deadline(silent: str) -> None:
    knock = Knock(silent, SHORT_S)
    knock.start()
    rest_s = knock.rest_s()
    assert rest_s is not None
    assert rest_s <= SHORT_S
    assert not knock.heard()
    assert knock.rest_s() is None


async def test_g04_a_knock_nobody_answers_opens_the_breaker_before_anybody_asks(
    silent: str, told: ToldTime
) -> None:
    line = Uplink(silent, told.clock())
    knock = Knock(silent, SHORT_S)
    knock.start()
    await line.heed(knock)
    assert line.breaker.open


async def test_a_verified_reply_counts_for_more_than_a_knock_nobody_answered(
    silent: str, told: ToldTime
) -> None:
    line = Uplink(silent, told.clock())
    knock = Knock(silent, SHORT_S)
    knock.start()
    line.breaker.succeeded(told.wall)
    await line.heed(knock)
    assert not line.breaker.open


async def test_a_knock_that_is_answered_leaves_the_breaker_closed(speaking: str, told: ToldTime) -> None:
    line = Uplink(speaking, told.clock())
    knock = Knock(speaking, LONG_S)
    knock.start()
    await line.heed(knock)
    assert not line.breaker.open


async def test_a_question_waits_no_longer_than_the_knock(node: Node, silent: str, told: ToldTime) -> None:
    """The question's own deadline is far longer than this test may take."""

    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    line = Uplink(silent, told.clock(), transport=httpx.MockTransport(hang))
    knock = Knock(silent, SHORT_S)
    knock.start()
    heeding = asyncio.gather(line.heed(knock))
    await asyncio.sleep(0)  # it begins
    async with asyncio.timeout(LONG_S):
        with pytest.raises(CentreUnreachable):
            await line.ask(node.identity, {"request_id": "x"}, 600.0)
        await heeding
    assert line.breaker.open
    await line.close()
