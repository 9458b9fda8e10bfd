"""The border of the API: who signed a request, what a no looks like, what is counted."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.exceptions import InternalServerException
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from central.actions.centre import Centre
from central.security.callers import caller
from central.store.fleet import Identity
from matters.model import Refusal, Words

Asking = Request[Any, Any, State]
TheCentre = NamedDependency[Centre]
OCTETS = "application/octet-stream"
BODY_BYTES_MAX = 1024 * 1024

REGISTRY = CollectorRegistry()
EXCHANGES = Counter("yizhan_exchanges", "Batches taken in", ["carrier"], registry=REGISTRY)
ANSWERS = Counter("yizhan_answers", "Online answers disclosed", registry=REGISTRY)
REFUSALS = Counter("yizhan_refusals", "Requests refused, by code", ["code"], registry=REGISTRY)
LAST_EXCHANGE = Gauge(
    "yizhan_last_exchange_time_seconds", "Unix time of the newest exchange", registry=REGISTRY
)
EXCHANGE_S = Histogram(
    "yizhan_exchange_duration_seconds", "From first byte judged to reply", registry=REGISTRY
)
"""Metrics hold counts and times, never names or numbers."""


class No(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every refusal; `time_ms` is the centre's time where the clocks are apart, else left out."""

    code: str
    message: Words
    next: Words
    time_ms: int | msgspec.UnsetType = msgspec.UNSET


def json(body: Any, status: int = 200) -> Response[bytes]:
    """A JSON answer that no cache keeps."""
    return encoded(msgspec.json.encode(body), status)


def encoded(body: bytes, status: int = 200) -> Response[bytes]:
    """The same of JSON that is written already."""
    return Response(
        body,
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def octets(body: bytes) -> Response[bytes]:
    """Bytes for a node, signed or sealed in themselves; no cache keeps them."""
    return Response(body, media_type=OCTETS, headers={"Cache-Control": "no-store"})


async def pieces(request: Asking) -> AsyncIterator[bytes]:
    """The body as it arrives; raises ConnectionResetError where its connection ends before it does."""
    try:
        async for piece in request.stream():
            yield piece
    except InternalServerException as error:  # the framework's word for a client that is gone
        raise ConnectionResetError from error


def refused(refusal: Refusal, status: int = 403) -> Response[bytes]:
    """A refusal as its JSON."""
    REFUSALS.labels(code=refusal.code).inc()
    return json(No(code=refusal.code, message=refusal.message, next=refusal.next), status)


async def provide_centre(state: State) -> Centre:
    """The running centre, as the program put it into the app's state."""
    centre: Centre = state.centre
    return centre


async def signed_by(
    request: Asking, centre: Centre, body: bytes, *, lapsed: bool = False, unless: str = ""
) -> Identity:
    """The node that signed this request; raises BadSignature or Revoked. See `central.security.callers`."""
    header = request.headers.get("authorization", "")
    return await caller(
        centre.store,
        header,
        request.method,
        request.scope["path"],
        body,
        centre.now_ms(),
        lapsed=lapsed,
        unless=unless,
    )
