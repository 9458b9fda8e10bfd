"""A reference credit bureau: a small real server that answers the contract with synthetic reports.

The same number always gives the same report; numbers ending in 0 are unknown to it.
"""

import hashlib

import msgspec
from litestar import Litestar, Request, Response, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from central.upstream.bureau import BureauReport
from sync.errors import UNREADABLE

NAME = "青州市征信参考机构（合成数据）"
BODY_BYTES_MAX = 16 * 1024
_DAY_MS = 86_400_000
_EPOCH_DAY = 20_000


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What the bureau is asked."""

    number: str
    name: str
    purpose: str
    reference: str


def synthetic(question: Question) -> BureauReport | None:
    """The report of a number: derived from its hash, so the same each time; None for numbers ending in 0."""
    if question.number.endswith("0"):
        return None
    drawn = hashlib.sha256(b"bureau" + question.number.encode()).digest()
    accounts = drawn[0] % 12
    return BureauReport(
        reference=question.reference,
        score=350 + int.from_bytes(drawn[1:3], "big") % 600,
        accounts=accounts,
        overdue=drawn[3] % (accounts + 1) if drawn[4] < 32 else 0,  # noqa: PLR2004 -- one in eight
        queries=drawn[5] % 30,
        as_of_ms=(_EPOCH_DAY + drawn[6]) * _DAY_MS,
        source=NAME,
    )


@post("/reports", status_code=200)
async def reports(request: Request[None, None, State]) -> Response[bytes]:
    """Answer one question."""
    try:
        question = msgspec.json.decode(await request.body(), type=Question)
    except UNREADABLE as error:
        raise HTTPException(status_code=422, detail="not a question of the contract") from error
    report = synthetic(question)
    if report is None:
        raise HTTPException(status_code=404, detail="nothing held")
    return Response(msgspec.json.encode(report), media_type="application/json")


@get("/livez")
async def livez() -> dict[str, str]:
    """The server is up."""
    return {"state": "ok"}


def application() -> Litestar:
    """The reference bureau as an ASGI application."""
    return Litestar(
        [reports, livez], openapi_config=None, request_max_body_size=BODY_BYTES_MAX, logging_config=None
    )
