"""The node's line to its centre.

Signed requests, one deadline for each, and a breaker that stops waiting in vain.

Breaker: closed (at the start: what the knock hears) → (one failure) → open: requests fail at once, so a
clerk never waits twice → the exchange loop probes → closed again on the first verified reply. Nothing here
decides what to answer; see `edge.actions.answer`.
"""

import asyncio
import base64
import contextlib
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec

from edge.errors import CentreRefused, CentreUnreachable, NotTheCentre
from edge.store.clock import NodeClock
from edge.store.identity import Identity
from edge.store.part import Part
from edge.uplink.knock import Knock
from matters.model import Words
from sync.errors import UNREADABLE, SyncError
from sync.exchange import standing
from sync.exchange.node import BATCH_ENTRIES
from sync.exchange.standing import Standing, batch_id
from sync.exchange.steps import SendBatch
from sync.ledger.descent import SHOWN_BYTES_MAX, Ask
from sync.messages import introduction
from sync.messages.incarnation import Opening
from sync.signing.requests import authorise
from sync.signing.sealing import seal, unseal

Transport = httpx.AsyncBaseTransport
"""What carries the requests; tests hand in an application in process."""
UP = b"yizhan/answers/1/up"
DOWN = b"yizhan/answers/1/down"
ANSWER_BYTES_MAX = 4 << 20
REPLY_BYTES_MAX = 256 << 20
IDLE_S, IDLE_MAX_S, CONNECT_PART = 20.0, 160.0, 4
"""How long a line may be silent before a request is given up (a quarter of it for the connection).

Round trips of half a minute are silent longer than a dead line should be waited for: each silence doubles the
patience of the next request, and beyond the most it begins anew.
"""
_OK, _PARTIAL, _BEYOND = 200, 206, 416


class CentreError(msgspec.Struct, frozen=True, kw_only=True):
    """The centre's JSON refusal."""

    code: str
    message: Words | str = ""
    next: Words | str = ""
    time_ms: int = 0


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """The centre's reply to an enrolment; all keys and blobs are base64.

    `opening` is what the first entry of a later incarnation must say.
    """

    origin: str
    certificate: str
    centre: dict[str, Any]
    subject_key: str
    lease: tuple[str, ...] = ()
    window_ms: int = 0
    opening: Opening | None = None


class WantedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A report file the centre lacks: its digest (base64), its serial, the chunks that are there."""

    digest: str
    serial: str
    have: tuple[int, ...] = ()


class _FilesWanted(msgspec.Struct, frozen=True, kw_only=True):
    wanted: tuple[WantedFile, ...]


class _Consistency(msgspec.Struct, frozen=True, kw_only=True):
    proof: tuple[str, ...]


class _Call(msgspec.Struct, frozen=True):
    """One request, and how much may come back in which time; with `part` what is good of it goes there."""

    method: str
    path: str
    body: bytes
    deadline_s: float
    bytes_max: int = ANSWER_BYTES_MAX
    part: Part | None = None


class Breaker:
    """Open after one failure; closed by one verified reply. `changed` is called on each change."""

    def __init__(self) -> None:
        self.open = False
        self.last_contact_ms = 0
        self.changed: list[Any] = []

    def failed(self) -> None:
        """A request got no reply."""
        self._set(is_open=True)

    def succeeded(self, now_ms: int) -> None:
        """The centre replied and its reply verified."""
        self.last_contact_ms = max(self.last_contact_ms, now_ms)
        self._set(is_open=False)

    def _set(self, *, is_open: bool) -> None:
        if self.open != is_open:
            self.open = is_open
            for call in self.changed:
                call()


class Uplink:
    """One HTTP client. Bound to an identity once enrolled; `close` ends its connections."""

    def __init__(self, url: str, clock: NodeClock, *, transport: Transport | None = None) -> None:
        self.url = url.rstrip("/")
        self.breaker = Breaker()
        self.bytes_up = 0
        self.bytes_down = 0
        self.batch_entries = BATCH_ENTRIES
        """Entries a batch may hold: what the line lately carried in a few seconds (`exchange`)."""
        self.unsure = True
        """Whether the centre may hold more than it said: the line failed in a batch, or we just started."""
        self.cut: SendBatch | None = None
        """The batch that was under way when the line failed: the centre may have a part of it."""
        self._apart_ms = 0
        self._knock: Knock | None = None
        self._clock = clock
        self._transport = transport
        self._patience_s = IDLE_S
        self._client: httpx.AsyncClient | None = None

    async def ask(self, identity: Identity, question: dict[str, Any], deadline_s: float) -> dict[str, Any]:
        """Put one sealed question to the centre; the opened reply.

        Raises CentreUnreachable at once while the breaker is open, or after `deadline_s` in all;
        CentreRefused when the centre said no. The centre's disclosure entry is durable before this returns.
        """
        if self.breaker.open or not self.url:
            raise CentreUnreachable("breaker is open")
        knock_s = self._knock.rest_s() if self._knock else None
        deadline_s = deadline_s if knock_s is None else min(deadline_s, knock_s)
        body = seal(identity.centre.sealing, msgspec.json.encode(question), UP)
        reply = await self._send(identity, _Call("POST", "/api/answers", body, deadline_s))
        plain = unseal(identity.sealing, reply, DOWN)
        answer: dict[str, Any] = msgspec.json.decode(plain, type=dict[str, Any])
        if answer.get("request_id") != question["request_id"]:
            raise CentreUnreachable("reply to another question")
        self.breaker.succeeded(self._clock.now_ms())
        return answer

    async def heed(self, knock: Knock) -> None:
        """Learn from the knock at the start whether anybody is there; nobody: the breaker opens.

        Until it is decided a question waits no longer than the knock does. A verified reply counts for more.
        """
        self._knock = knock
        if not await asyncio.to_thread(knock.heard) and not self.breaker.last_contact_ms:
            self.breaker.failed()

    async def exchange(self, identity: Identity, batch: bytes, deadline_s: float, held: int = 0) -> bytes:
        """Send one batch, whatever the breaker says: the exchange loop is its probe.

        Its first `held` bytes the centre has already. Raises CentreRefused where it has not.
        """
        path = f"/api/exchange/{batch_id(batch).hex()}/{held}" if held else "/api/exchange"
        call = _Call("POST", path, batch[held:], deadline_s, bytes_max=REPLY_BYTES_MAX)
        return await self._send(identity, call)

    async def standing(self, identity: Identity, deadline_s: float = 30.0) -> Standing:
        """Where the centre stands with our ledger: a hint, cheaper than the batch it may save."""
        reply = await self._send(identity, _Call("GET", "/api/standing", b"", deadline_s))
        try:
            return standing.decode(reply)
        except SyncError as error:
            raise NotTheCentre("not a standing") from error

    async def pack(self, identity: Identity, part: Part, digest: bytes, size: int, deadline_s: float) -> None:
        """Fetch what `part` lacks of one sealed pack of `size` bytes by its address; the caller checks it.

        Every piece is in `part` as soon as it arrived, also where this raises CentreUnreachable. A cache on
        the way that knows no ranges sends the whole anew. Of a part that has all its bytes (the power went
        before they were looked at) nothing is asked.
        """
        if part.had == size:
            return
        path = f"/api/packs/{digest.hex()}"
        try:
            await self._send(identity, _Call("GET", path, b"", deadline_s, bytes_max=size, part=part))
        finally:
            self.bytes_down += part.came
        if part.had != size:
            raise CentreUnreachable("the pack ended early")

    async def enrol(self, body: dict[str, Any], deadline_s: float = 30.0) -> Enrolled:
        """Hand in the one-time code and the node's public keys.

        Raises CentreRefused for a wrong or used code.
        """
        content = msgspec.json.encode(body)
        headers = {"content-type": "application/json"}
        reply = await self._deadlined(_Call("POST", "/api/enrol", content, deadline_s), headers)
        return _enrolled(reply, introduction.code_key(body["code"]))

    async def renew(self, identity: Identity, body: dict[str, Any], deadline_s: float = 30.0) -> Enrolled:
        """Ask for a new incarnation, signed with the old key; `body` names the new public keys and why.

        Raises CentreRefused while officers have not approved (`incarnation-waiting`), or said no.
        """
        content = msgspec.json.encode(body)
        call = _Call("POST", "/api/incarnation", content, deadline_s)
        key = introduction.history_key(identity.sealing, identity.centre.sealing, identity.origin)
        return _enrolled(await self._send(identity, call), key)

    async def consistency(
        self, incarnation: int, old: int, new: int, deadline_s: float = 30.0
    ) -> list[bytes]:
        """The centre's proof that its own ledger only grew between two sizes; the caller checks it.

        Raises CentreRefused where the centre has none.
        """
        path = f"/api/consistency/{old}/{new}?incarnation={incarnation}"
        reply = await self._deadlined(_Call("GET", path, b"", deadline_s), {})
        try:
            said = msgspec.json.decode(reply, type=_Consistency)
            return [from_base64(one) for one in said.proof]
        except ValueError as error:
            raise CentreUnreachable("not a proof of consistency") from error

    async def known(self, identity: Identity, certificate: bytes, deadline_s: float = 30.0) -> None:
        """Show a centre that forgot us the certificate it once signed; an officer then says yes or no."""
        await self._send(identity, _Call("POST", "/api/known", certificate, deadline_s))

    async def tile(self, identity: Identity, ask: Ask, deadline_s: float = 120.0) -> bytes:
        """One tile of our ledger as the centre has it (`sync.ledger.descent`), still encoded."""
        asked = msgspec.json.encode(ask)
        call = _Call("POST", "/api/recount", asked, deadline_s, bytes_max=SHOWN_BYTES_MAX)
        return await self._send(identity, call)

    async def files_wanted(self, identity: Identity, skip: int = 0) -> tuple[WantedFile, ...]:
        """The report files of this node the centre lacks, oldest first, after the first `skip` of them."""
        reply = await self._send(identity, _Call("GET", f"/api/files/{skip}", b"", 30.0))
        try:
            return msgspec.json.decode(reply, type=_FilesWanted).wanted
        except ValueError as error:
            raise CentreUnreachable("not a list of files") from error

    async def file_chunk(self, identity: Identity, sealed: bytes, deadline_s: float = 120.0) -> None:
        """Bring one sealed chunk; it is durable at the centre when this returns."""
        await self._send(identity, _Call("POST", "/api/files", sealed, deadline_s))

    async def close(self) -> None:
        """End all connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _send(self, identity: Identity, call: _Call) -> bytes:
        try:
            return await self._signed(identity, call)
        except CentreRefused as error:
            if not error.time_ms:
                raise
            # The centre's word is unsigned and good for one thing only: the time this request is signed with.
            self._apart_ms = error.time_ms - self._clock.now_ms()
            return await self._signed(identity, call)
        except CentreUnreachable:
            self.breaker.failed()
            raise

    async def _signed(self, identity: Identity, call: _Call) -> bytes:
        """One request signed now, in the centre's time as it last said it."""
        created_ms = self._clock.now_ms() + self._apart_ms
        nonce = secrets.token_urlsafe(18)
        header = authorise(
            identity.signing, identity.origin, call.method, call.path, call.body, created_ms, nonce
        )
        headers = {"authorization": header, "content-type": "application/octet-stream"}
        if call.part is not None and call.part.had:
            headers["range"] = f"bytes={call.part.had}-"
        return await self._deadlined(call, headers)

    async def _deadlined(self, call: _Call, headers: dict[str, str]) -> bytes:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(call.deadline_s), self._stream(call, headers) as response:
                content = await _limited(response, call)
        except TimeoutError as error:
            raise CentreUnreachable(f"no reply within {call.deadline_s:g} s") from error
        except httpx.TimeoutException as error:
            doubled = 2 * self._patience_s
            self._patience_s = doubled if doubled <= IDLE_MAX_S else IDLE_S
            raise CentreUnreachable(type(error).__name__) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CentreUnreachable(type(error).__name__) from error
        self._patience_s = max(IDLE_S, min(IDLE_MAX_S, 2 * (time.monotonic() - begun)))
        self.bytes_up += len(call.body)
        self.bytes_down += len(content)
        if response.status_code != _OK and response.status_code // 100 != 2:  # noqa: PLR2004 -- 2xx
            raise _refusal(response.status_code, content)
        return content

    @contextlib.asynccontextmanager
    async def _stream(self, call: _Call, headers: dict[str, str]) -> AsyncIterator[httpx.Response]:
        if self._client is None:
            limits = httpx.Limits(max_connections=16, max_keepalive_connections=4, keepalive_expiry=30.0)
            self._client = httpx.AsyncClient(limits=limits, transport=self._transport)
            self._client.headers.clear()  # who we are and what we read is agreed: a hundred bytes a request
        timeout = httpx.Timeout(self._patience_s, connect=self._patience_s / CONNECT_PART)
        url = self.url + call.path
        async with self._client.stream(
            call.method, url, content=call.body, headers=headers, timeout=timeout
        ) as response:
            yield response


def _enrolled(reply: bytes, key: bytes) -> Enrolled:
    try:
        return msgspec.json.decode(introduction.proven(reply, key), type=Enrolled)
    except (SyncError, *UNREADABLE) as error:
        raise CentreUnreachable(f"not the centre's answer, or altered on its way: {error}") from error


async def _limited(response: httpx.Response, call: _Call) -> bytes:
    """The reply's content; what is good of a pack goes into its part instead."""
    content = bytearray()
    into = call.part if response.status_code in {_OK, _PARTIAL} else None
    if call.part is not None and response.status_code in {_OK, _BEYOND}:
        call.part.restart()
    async for chunk in response.aiter_bytes():
        if len(content) + len(chunk) + (into.had if into else 0) > call.bytes_max:
            raise CentreUnreachable(f"reply over {call.bytes_max} bytes")
        if into is None:
            content += chunk
        else:
            into.take(chunk)
    return bytes(content)


def _refusal(status: int, content: bytes) -> CentreRefused | CentreUnreachable:
    """What a status that is no success means: the centre's own words, or a broken way to it."""
    try:
        said = msgspec.json.decode(content, type=CentreError)
    except UNREADABLE:
        return NotTheCentre(f"status {status}")
    if status >= 500:  # noqa: PLR2004 -- server trouble is the line's kind of trouble: try again
        return CentreUnreachable(f"status {status} {said.code}")
    return CentreRefused(said.code, _words(said.message), _words(said.next), said.time_ms)


def _words(text: Words | str) -> Words:
    return text if isinstance(text, Words) else Words(zh=text, en=text)


def from_base64(text: str) -> bytes:
    """Bytes of strict base64; raises ValueError."""
    return base64.b64decode(text, validate=True)
