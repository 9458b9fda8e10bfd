"""What nodes call: enrolment, exchange, packs, online answers."""

import asyncio
import time

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from central.actions import adopt, answer, enrol, files, ingest, recount
from central.actions.enrol import Application
from central.api.doors import (
    ANSWERS,
    EXCHANGE_S,
    EXCHANGES,
    LAST_EXCHANGE,
    OCTETS,
    Asking,
    TheCentre,
    json,
    refused,
    signed_by,
)
from central.errors import NotFound
from matters.model import Refusal
from sync.errors import UNREADABLE, Malformed
from sync.ledger.descent import Ask

BATCH_BYTES_MAX = 64 * 1024 * 1024
FOREVER = "public, max-age=31536000, immutable"
_DIGEST_CHARACTERS = 64


@post(
    "/api/enrol", status_code=200, summary="Enrol a node with its one-time code", request_max_body_size=16_384
)
async def enrol_node(request: Asking, centre: TheCentre) -> Response[bytes]:
    """The code and the node's public keys in.

    Origin, certificate, keys and first leases out; 403 for a wrong code.
    """
    try:
        application = msgspec.json.decode(await request.body(), type=Application)
    except UNREADABLE as error:
        raise Malformed("not an enrolment") from error
    given = await enrol.enrol(centre, application)
    return refused(given) if isinstance(given, Refusal) else json(given)


@post(
    "/api/incarnation",
    status_code=200,
    summary="Ask for a new incarnation with the old key",
    request_max_body_size=16_384,
)
async def new_incarnation(request: Asking, centre: TheCentre) -> Response[bytes]:
    """New public keys, a reason and the state of the old ledger in, signed by the old key.

    What an enrolment gives once officers approved; 403 `incarnation-waiting` until then.
    """
    content = await request.body()
    identity = await signed_by(request, centre, content, lapsed=True, unless=adopt.REPLACED)
    try:
        application = msgspec.json.decode(content, type=Application)
    except UNREADABLE as error:
        raise Malformed("not a request for a new incarnation") from error
    given = await enrol.renew(centre, identity, application)
    return refused(given) if isinstance(given, Refusal) else json(given)


@post(
    "/api/known",
    status_code=200,
    summary="Show the certificate of a forgotten node",
    request_max_body_size=16_384,
)
async def known(request: Asking, centre: TheCentre) -> Response[bytes]:
    """The certificate of a node this centre does not know (any more) in, signed for by its key.

    The fingerprint of its keys out, which an officer compares before the node is known again.
    """
    signed = await request.body()
    header = request.headers.get("authorization", "")
    asked = await adopt.shown(centre, signed, header, request.scope["path"])
    return json({"fingerprint": asked})


@post("/api/exchange", status_code=200, summary="Hand in a batch", request_max_body_size=BATCH_BYTES_MAX)
async def exchange(request: Asking, centre: TheCentre) -> Response[bytes]:
    """A sealed batch in, a sealed acknowledgement out; everything it says is durable before it leaves."""
    batch = await request.body()
    await signed_by(request, centre, batch, lapsed=True)
    begun = time.monotonic()
    reply = await ingest.exchange(centre, batch, "network")
    EXCHANGE_S.observe(time.monotonic() - begun)
    EXCHANGES.labels(carrier="network").inc()
    LAST_EXCHANGE.set_to_current_time()
    return Response(reply, media_type=OCTETS, headers={"Cache-Control": "no-store"})


@post("/api/recount", status_code=200, summary="One tile of the node's ledger", request_max_body_size=1024)
async def tile(request: Asking, centre: TheCentre) -> Response[bytes]:
    """A place in the tree in, the hashes stored there out: what a recount descends by."""
    body = await request.body()
    identity = await signed_by(request, centre, body, lapsed=True)
    try:
        ask = msgspec.json.decode(body, type=Ask)
    except UNREADABLE as error:
        raise Malformed("not a question of a recount") from error
    shown = await recount.shown(centre, identity, ask)
    return Response(shown, media_type=OCTETS, headers={"Cache-Control": "no-store"})


@get("/api/files/{skip:int}", summary="The report files the centre lacks")
async def files_wanted(request: Asking, centre: TheCentre, skip: FromPath[int]) -> Response[bytes]:
    """Digests and serials of this node's report files that are not here yet, with the chunks that are."""
    identity = await signed_by(request, centre, b"", lapsed=True)
    return json({"wanted": await files.wanted(centre, identity, max(0, skip))})


@post(
    "/api/files", status_code=200, summary="Bring one chunk of a report file", request_max_body_size=1 << 20
)
async def file_chunk(request: Asking, centre: TheCentre) -> Response[bytes]:
    """A sealed chunk in; whether its file is whole now, once it is durable."""
    body = await request.body()
    identity = await signed_by(request, centre, body, lapsed=True)
    return json(await files.take(centre, identity, body))


@get("/api/packs/{digest:str}", summary="Fetch a sealed pack by its address")
async def pack(centre: TheCentre, digest: FromPath[str]) -> Response[bytes]:
    """The immutable file of that SHA-256; sealed, so it needs no signature and any cache may keep it."""
    plain = digest.lower()
    if len(plain) != _DIGEST_CHARACTERS or any(letter not in "0123456789abcdef" for letter in plain):
        raise NotFound("没有这个数据分包。", "there is no such pack")
    path = centre.data / "packs" / plain
    try:
        content = await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise NotFound("没有这个数据分包。", "there is no such pack") from error
    return Response(content, media_type=OCTETS, headers={"Cache-Control": FOREVER})


@post(
    "/api/answers",
    status_code=200,
    summary="Ask about one subject",
    request_max_body_size=answer.BODY_BYTES_MAX,
)
async def answers(request: Asking, centre: TheCentre) -> Response[bytes]:
    """A sealed question in, a sealed answer out.

    The disclosure is on the centre's ledger before it leaves.
    """
    body = await request.body()
    identity = await signed_by(request, centre, body)
    given = await answer.answer(centre, identity, body)
    if isinstance(given, Refusal):
        return refused(given)
    ANSWERS.inc()
    return Response(given, media_type=OCTETS, headers={"Cache-Control": "no-store"})
