"""Enrolment at the node: codes, answers altered on their way, and who may sign in then."""

import contextlib
from pathlib import Path

import httpx
import pytest

from edge.actions.enrol import enrol
from edge.actions.sign_in import sign_in
from edge.errors import CentreRefused, CentreUnreachable, Refused
from matters.model import Refusal
from tests.contract.edge.conftest import URL, Opener, ToldTime
from tests.contract.edge.small_centre import PASSWORD, SmallCentre


async def test_enrolment_refuses_a_wrong_code_a_used_code_and_a_second_enrolment(
    tmp_path: Path, told: ToldTime, fresh_centre: SmallCentre
) -> None:
    async def tried(data: Path, code: str) -> None:
        await enrol(data, URL, code, clock=told.clock(), transport=fresh_centre.transport())

    with pytest.raises(CentreRefused) as caught:
        await tried(tmp_path / "node", "BAD-CODE")
    assert caught.value.exit_code == 4
    assert caught.value.message.zh
    await tried(tmp_path / "node", "GOOD-CODE")
    with pytest.raises(CentreRefused):
        await tried(tmp_path / "second", "GOOD-CODE")
    with pytest.raises(Refused):
        await tried(tmp_path / "node", "GOOD-CODE")


class Altering(httpx.AsyncBaseTransport):
    """A line that changes one character of a member of every reply."""

    def __init__(self, line: httpx.AsyncBaseTransport, member: str) -> None:
        self._line, self._member = line, member.encode()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        reply = await self._line.handle_async_request(request)
        content = await reply.aread()
        at = content.index(b'"%s":' % self._member) + len(self._member) + 6
        other = b"2" if content[at : at + 1] != b"2" else b"3"
        return httpx.Response(reply.status_code, content=content[:at] + other + content[at + 1 :])


@pytest.mark.parametrize("member", ["vkey", "sealing", "recovery", "window_ms", "proof"])
async def test_an_answer_to_an_enrolment_that_was_altered_on_its_way_is_not_taken(
    tmp_path: Path, told: ToldTime, fresh_centre: SmallCentre, member: str
) -> None:
    for line in (Altering(fresh_centre.transport(), member), fresh_centre.transport()):
        altered = isinstance(line, Altering)
        fresh_centre.codes.add("GOOD-CODE")
        with pytest.raises(CentreUnreachable) if altered else contextlib.nullcontext():
            await enrol(tmp_path / "node", URL, "GOOD-CODE", clock=told.clock(), transport=line)


async def test_before_the_first_staff_list_nobody_can_sign_in_and_the_words_say_why(
    tmp_path: Path, told: ToldTime, fresh_centre: SmallCentre, opener: Opener
) -> None:
    line = fresh_centre.transport()
    await enrol(tmp_path / "node", URL, "GOOD-CODE", clock=told.clock(), transport=line)
    node = await opener()
    refused = await sign_in(node, "li.min", PASSWORD, "1")
    assert isinstance(refused, Refusal)
    assert refused.code == "no-staff"
    assert "交换一次" in refused.message.zh
