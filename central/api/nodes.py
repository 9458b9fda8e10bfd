"""What nodes call: enrolment, exchange, packs, online answers."""

import asyncio
import re
import time

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from central.actions import adopt, answer, enrol, files, ingest, recount
from central.actions.centre import Centre
from central.actions.enrol import Application, Enrolled
from central.api.doors import (
    ANSWERS,
    EXCHANGE_S,
    EXCHANGES,
    LAST_EXCHANGE,
    OCTETS,
    Asking,
    TheCentre,
    encoded,
    json,
    octets,
    pieces,
    refused,
    signed_by,
)
from central.errors import NotFound
from central.security.callers import HEADER_CHARACTERS_MAX
from central.store import ledger, parts
from matters.model import Refusal
from sync.errors import UNREADABLE, Gap, Malformed
from sync.exchange.standing import Standing, batch_id, encode
from sync.ledger.descent import Ask
from sync.messages import introduction
from sync.signing.requests import read_header

BATCH_BYTES_MAX = 64 * 1024 * 1024
FOREVER = "public, max-age=31536000, immutable"
_DIGEST_CHARACTERS = 64
_REST = re.compile(r"bytes=([0-9]{1,15})-")


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
    return _given(given, introduction.code_key(application.code))


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
    return _given(given, introduction.history_key(centre.keys.sealing, identity.sealing, identity.origin))


def _given(given: Enrolled | Refusal, key: bytes) -> Response[bytes]:
    """An altered key of ours would go unnoticed until nothing of the node can be opened: hence the proof."""
    return refused(given) if isinstance(given, Refusal) else encoded(introduction.with_proof(given, key))


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


@post(
    ["/api/exchange", "/api/exchange/{batch:str}/{held:int}"],
    status_code=200,
    summary="Hand in a batch, or the rest of one",
    request_max_body_size=BATCH_BYTES_MAX,
)
async def exchange(
    request: Asking, centre: TheCentre, batch: FromPath[str] = "", held: FromPath[int] = 0
) -> Response[bytes]:
    """A sealed batch in, a sealed acknowledgement out; everything it says is durable before it leaves.

    The rest of a batch whose first `held` bytes are kept counts as the whole; 409 `gap` where they are not.
    Of a body whose connection ends or falls silent the whole frames are stored, and its bytes are kept.
    """
    origin = read_header(request.headers.get("authorization", "")[:HEADER_CHARACTERS_MAX]).origin
    with centre.arrivals.under_way(origin) as arrival:
        body, whole = await arrival.read(pieces(request))
        if whole:
            await signed_by(request, centre, body, lapsed=True)
        if batch:
            body = await _kept(centre, origin, batch, held) + body
        if not whole:
            await ingest.cut(centre, body)
            return Response(b"", status_code=503, headers={"Connection": "close"})
        await asyncio.to_thread(parts.forget, centre.data, origin)
        begun = time.monotonic()
        reply = await ingest.exchange(centre, body, "network")
    EXCHANGE_S.observe(time.monotonic() - begun)
    EXCHANGES.labels(carrier="network").inc()
    LAST_EXCHANGE.set_to_current_time()
    return octets(reply)


async def _kept(centre: Centre, origin: str, batch: str, held: int) -> bytes:
    """The first `held` bytes of the batch of that id, whose rest is on its way."""
    kept = await asyncio.to_thread(parts.kept, centre.data, origin)
    if not 0 < held <= len(kept) or batch_id(kept).hex() != batch:
        raise Gap(held)
    return kept[:held]


@get("/api/standing", summary="Where the centre stands with this node's ledger")
async def standing(request: Asking, centre: TheCentre) -> Response[bytes]:
    """The entry wanted next, and how much is kept of a batch that was cut; a body that hangs is ended."""
    identity = await signed_by(request, centre, b"", lapsed=True)
    await centre.arrivals.settle(identity.origin)
    kept = await asyncio.to_thread(parts.kept, centre.data, identity.origin)
    async with centre.store.reading() as tx:
        head = await ledger.head(tx, identity.origin)
    stands = Standing(next=head.size, batch_id=batch_id(kept) if kept else b"", held=len(kept))
    return octets(encode(stands))


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
    return octets(shown)


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


@get("/api/packs/{digest:str}", summary="Fetch a sealed pack by its address, or the rest of it")
async def pack(request: Asking, centre: TheCentre, digest: FromPath[str]) -> Response[bytes]:
    """The immutable file of that SHA-256; sealed, so it needs no signature and any cache may keep it.

    `Range: bytes=n-` gives the rest (206), 416 where there is none; any other range gives the whole.
    """
    plain = digest.lower()
    if len(plain) != _DIGEST_CHARACTERS or any(letter not in "0123456789abcdef" for letter in plain):
        raise NotFound("没有这个数据分包。", "there is no such pack")
    path = centre.data / "packs" / plain
    try:
        content = await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise NotFound("没有这个数据分包。", "there is no such pack") from error
    headers = {"Cache-Control": FOREVER, "Accept-Ranges": "bytes"}
    asked = _REST.fullmatch(request.headers.get("range", ""))
    if asked is None:
        return Response(content, media_type=OCTETS, headers=headers)
    begin, end = int(asked[1]), len(content)
    if begin >= end:
        headers["Content-Range"] = f"bytes */{end}"
        return Response(b"", status_code=416, media_type=OCTETS, headers=headers)
    headers["Content-Range"] = f"bytes {begin}-{end - 1}/{end}"
    return Response(content[begin:], status_code=206, media_type=OCTETS, headers=headers)


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
    return octets(given)
