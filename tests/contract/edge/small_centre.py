"""A small centre at HTTP level, made of the real `sync`: enrolment, exchange, packs, answers. Memory is its database."""

import base64
import copy
import secrets
from collections.abc import Sequence
from datetime import date
from typing import Any

import httpx
import msgspec
from litestar import Litestar, Request, Response, get, post
from litestar.params import FromPath

from edge.security.passwords import hash_password
from edge.store.cache import Cached, StaffRow
from matters.ids import resident_check
from matters.records import Record, SubjectRecord
from sync.batch.acknowledge import Acknowledgement, encode
from sync.batch.file import build_sealed, open_header
from sync.batch.incoming import Incoming
from sync.errors import MissingDictionary
from sync.exchange.centre import (
    Accept,
    Known,
    NewRows,
    countersign,
    judge_frame,
    judge_offer,
    reply,
    sizes_needed,
)
from sync.ids import subject_ref
from sync.lease.lease import Lease, sign_lease
from sync.ledger import tree
from sync.ledger.tree import MemoryTiles
from sync.messages import introduction
from sync.messages.directives import Directive, letter
from sync.packs.pack import PackKind, PackRow, SealedPack, build, row_digest, state_root
from sync.packs.release import PackRef, Release, open_release, sign_release
from sync.signing.certificate import Certificate, issue
from sync.signing.keys import SealingKey, SigningKey
from sync.signing.notes import checkpoint_text, sign_note, vkey
from sync.signing.requests import check
from sync.signing.sealing import seal, unseal

CENTRE = "qingzhou.example/centre/main/i1"
NODE = "qingzhou.example/node/330102/i1"
HOUR_MS = 3_600_000
PASSWORD = "correct-horse-battery"
_PHC = hash_password(PASSWORD)
STAFF = (
    StaffRow(
        staff="li.min", name="李敏", role="clerk", permits=("public-credit", "credit-bureau"), argon2=_PHC
    ),
    StaffRow(staff="sun.tao", name="孙涛", role="clerk", permits=("residence-permit",), argon2=_PHC),
    StaffRow(staff="gone", name="离岗", role="clerk", permits=("public-credit",), argon2=_PHC, revoked=True),
    StaffRow(staff="wu.yue", name="吴越", role="hall-manager", permits=("public-credit",), argon2=_PHC),
)
NUMBERS = ("330102199001010073", "330102198505050027", "330102197212120035")


def number_of(place: int) -> str:
    """A valid synthetic number for the n-th person."""
    stem = f"33010219{60 + place % 40:02d}0{1 + place % 9}{10 + place % 19:02d}{place % 1000:03d}"
    return stem + resident_check(stem)


def person(place: int, as_of_ms: int, *, titles: Sequence[str] = ("信用承诺书",)) -> Cached:
    """A resident with a few records."""
    number = number_of(place)
    records = tuple(
        Record(
            id=f"r{place}-{n}",
            subject=number,
            category="commitment" if n else "honour",
            title=title,
            fields={"编号": f"C{place}-{n}"},
            source="清河县发展和改革局",
            decided_on=date(2026, 3, 1),
            as_of_ms=as_of_ms,
            openness="public" if n % 2 else "authorised",
            kept_until=None,
            status="valid",
        )
        for n, title in enumerate(titles)
    )
    subject = SubjectRecord(
        kind="natural",
        number=number,
        name=f"陈某{place}",
        sex="1",
        birth=date(1960 + place % 40, 1 + place % 9, 10 + place % 19),
        region="330102001001",
        address="清河县某路",
        as_of_ms=as_of_ms,
        source="省公共信用信息平台",
    )
    return Cached(subject=subject, records=records)


SEEN = {
    "node_name": "清河县市民之家",
    "mode": "cached",
    "actor": "li.min",
    "purpose": "own-trail",
    "basis": "SELF",
    "matter": "本人公共信用信息查询",
    "matter_en": "Own public-credit query",
    "outcome": "已应答",
    "outcome_en": "answered",
}
"""One access as the centre words it for the person it is about."""


class SmallCentre:
    """Keys, one node's ledger, releases, people. `now_ms` is told the time; `silent` makes the line hang for ever."""

    def __init__(self, now_ms: Any, people: int = 5) -> None:
        self.now_ms = now_ms
        self.signing, self.sealing, self.recovery = (
            SigningKey.generate(),
            SealingKey.generate(),
            SealingKey.generate(),
        )
        self.subject_key = secrets.token_bytes(32)
        self.scope_key = secrets.token_bytes(32)
        self.codes = {"GOOD-CODE"}
        self.down = False
        self.knows_no_dictionary = False
        self.node_signing = self.node_sealing = b""
        self.origin = NODE
        self.rows: list[Any] = []
        self.hashes: list[bytes] = []
        self.tiles = MemoryTiles()
        self.letters: list[Directive] = []
        self.lease_hours = 72
        self.lease_answers = 1000
        self.lease_boots = 50
        self.send_leases = True
        self.people = {number_of(n): person(n, now_ms()) for n in range(people)}
        self.packs: dict[str, bytes] = {}
        self.asked_packs: list[str] = []
        self.releases: dict[str, bytes] = {}
        self.disclosed: list[dict[str, Any]] = []
        self.seen: dict[str, Any] = dict(SEEN)
        self.nonces: set[str] = set()
        self._line = _Line(self)

    def clone(self, now_ms: Any) -> "SmallCentre":
        """Another centre with the same keys and memory, so that a prepared node can be used again and again."""
        other = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, list | dict | set):
                setattr(other, name, copy.copy(value))
        other.tiles = MemoryTiles(self.tiles.tiles)
        other.now_ms = now_ms
        other._line = _Line(other)
        return other

    def ref(self, number: str) -> bytes:
        return subject_ref(self.subject_key, number)

    def publish(self, version: int = 1) -> None:
        """Release staff and people as base packs."""
        people = [(self.ref(number), msgspec.json.encode(held)) for number, held in self.people.items()]
        self._release("330102/detail", "detail", version, people)
        self.publish_staff(version)

    def publish_staff(self, version: int, *changed: StaffRow) -> None:
        """Release the staff as a base pack, with other rows for those `changed`."""
        rows = {row.staff: row for row in (*STAFF, *changed)}
        staff = [(self.ref(name), msgspec.json.encode(row)) for name, row in rows.items()]
        self._release("330102/staff", "staff", version, staff)

    def _release(self, scope: str, data_class: Any, version: int, rows: list[tuple[bytes, bytes]]) -> None:
        rows = sorted(rows)
        sealed = build(scope, "base", (PackRow(ref=r, blob=b) for r, b in rows), self.scope_key)
        self.packs[sealed.digest.hex()] = sealed.data
        pack = _named(sealed, "base", 0, version)
        release = Release(
            scope=scope,
            version=version,
            data_class=data_class,
            packs=(pack,),
            state_root=state_root((r, row_digest(r, b)) for r, b in rows),
            as_of_ms=self.now_ms(),
            created_ms=self.now_ms(),
        )
        self.releases[scope] = sign_release(release, self.signing)

    def publish_delta(self, version: int, changed: list[Cached], removed: list[str]) -> None:
        """Release the people as a delta over the version before; the base stays for who holds nothing."""
        old = open_release(self.releases["330102/detail"], self.signing.public)
        for held in changed:
            self.people[held.subject.number] = held
        for number in removed:
            del self.people[number]
        rows = [PackRow(ref=self.ref(h.subject.number), blob=msgspec.json.encode(h)) for h in changed]
        rows += [PackRow(ref=self.ref(number), blob=None) for number in removed]
        sealed = build("330102/detail", "delta", sorted(rows, key=lambda row: row.ref), self.scope_key)
        self.packs[sealed.digest.hex()] = sealed.data
        delta = _named(sealed, "delta", version - 1, version)
        whole = [(self.ref(number), msgspec.json.encode(held)) for number, held in self.people.items()]
        release = msgspec.structs.replace(
            old,
            version=version,
            packs=(*old.packs, delta),
            state_root=state_root((ref, row_digest(ref, blob)) for ref, blob in whole),
        )
        self.releases["330102/detail"] = sign_release(release, self.signing)

    def leases(self) -> tuple[bytes, ...]:
        return tuple(self.lease(capability) for capability in ("public", "summary", "detail"))

    def lease(self, capability: Any) -> bytes:
        now = self.now_ms()
        made = Lease(
            id=secrets.token_hex(8),
            origin=self.origin,
            scope="330102",
            capability=capability,
            not_before_ms=now - 1,
            not_after_ms=now + self.lease_hours * HOUR_MS,
            answers=self.lease_answers,
            boots=self.lease_boots,
            policy=1,
        )
        return sign_lease(made, self.signing)

    def write(self, kind: Any, body: dict[str, Any]) -> None:
        """Put a letter into the node's mailbox."""
        self.letters.append(letter(len(self.letters) + 1, kind, body))

    def enrol(self, asked: dict[str, Any]) -> Response[Any]:
        if asked["code"] not in self.codes:
            words = {"zh": "登记码不对或已使用。", "en": "Wrong or used code."}
            return Response({"code": "code-wrong", "message": words, "next": words}, status_code=403)
        self.codes.discard(asked["code"])
        self.node_signing = base64.b64decode(asked["signing"])
        self.node_sealing = base64.b64decode(asked["sealing"])
        now = self.now_ms()
        certificate = Certificate(
            origin=self.origin,
            signing=self.node_signing,
            sealing=self.node_sealing,
            not_before_ms=now - 1,
            not_after_ms=now + 30 * 24 * HOUR_MS,
            scopes=("330102/detail", "330102/staff"),
            name="清河县市民之家",
            window_ms=72 * HOUR_MS,
        )
        body = {
            "origin": self.origin,
            "certificate": _text(issue(certificate, self.signing)),
            "centre": {
                "authority": "qingzhou.example",
                "origin": CENTRE,
                "vkey": vkey(CENTRE, self.signing.public),
                "signing": _text(self.signing.public),
                "sealing": _text(self.sealing.public),
                "recovery": _text(self.recovery.public),
            },
            "subject_key": _text(seal(self.node_sealing, self.subject_key, b"yizhan/subject-key/1")),
            "lease": [_text(one) for one in self.leases()] if self.send_leases else [],
            "window_ms": 72 * HOUR_MS,
        }
        key = introduction.code_key(asked["code"])
        return Response(introduction.with_proof(body, key), media_type="application/json")

    def exchange(self, batch: bytes) -> bytes:
        """The real rules of sync, memory for a database."""
        incoming = Incoming(batch, self.sealing, {self.origin: self.node_signing}.get, destination=CENTRE)
        header, checkpoint = incoming.header, incoming.checkpoint
        size = len(self.hashes)
        wanted = sizes_needed(header, checkpoint, size)
        known = Known(origin=self.origin, size=size, roots={n: tree.root(self.tiles, n) for n in wanted})
        verdict = judge_offer(header, checkpoint, known, CENTRE)
        assert isinstance(verdict, Accept), verdict
        for frame in incoming.frames(self.subject_key):
            end = min(len(self.hashes), frame.first + len(frame.rows))
            new = judge_frame(self.origin, frame, self.hashes[frame.first : end], len(self.hashes))
            assert isinstance(new, NewRows)
            fresh = list(frame.hashes)[new.skip :]
            _, changed = tree.append(self.tiles, len(self.hashes), fresh)
            self.tiles.update(changed)
            self.hashes += fresh
            self.rows += list(frame.rows)[new.skip :]
        note = countersign(header.checkpoint, CENTRE, self.signing) if header.checkpoint else b""
        text = checkpoint_text(CENTRE, 0, tree.root(self.tiles, 0))
        wishes = {wish.scope: wish.version for wish in header.needs}
        ack = Acknowledgement(
            origin=self.origin,
            next=len(self.hashes),
            centre_checkpoint=sign_note(text, CENTRE, self.signing),
            centre_time_ms=self.now_ms(),
            directives=tuple(one for one in self.letters if one.number > header.directive_seen),
            releases=tuple(
                signed
                for scope, signed in self.releases.items()
                if open_release(signed, self.signing.public).version != wishes.get(scope, 0)
            ),
            scope_keys=dict.fromkeys(self.releases, self.scope_key),
            leases=self.leases() if self.send_leases else (),
        )
        if note and len(self.hashes) == checkpoint.size:
            ack = reply(ack, checkpoint, note)
        return build_sealed(
            "acknowledge",
            encode(ack),
            origin=CENTRE,
            destination=self.origin,
            key=self.signing,
            recipients=(self.node_sealing,),
            now_ms=self.now_ms(),
        )

    def answer(self, sealed: bytes) -> bytes:
        asked = msgspec.json.decode(unseal(self.sealing, sealed, b"yizhan/answers/1/up"))
        self.disclosed.append(asked)
        held = self.people.get(asked["subject_number"])
        trail = asked["matter"] == "access-trail.self"
        body = {
            "request_id": asked["request_id"],
            "as_of": self.now_ms(),
            "subject": held.subject if held else None,
            "records": held.records if held else (),
            "bureau": {"score": 700, "source": "征信中心"}
            if asked["matter"] == "credit-bureau.self"
            else None,
            "accesses": [self.seen] if trail else None,
        }
        return seal(self.node_sealing, msgspec.json.encode(body), b"yizhan/answers/1/down")

    def transport(self) -> httpx.AsyncBaseTransport:
        """The line: the app in process; while `down` every connection fails at once."""
        return self._line


class _Line(httpx.AsyncBaseTransport):
    def __init__(self, centre: SmallCentre) -> None:
        self._centre = centre
        self._app: httpx.ASGITransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._centre.down:
            raise httpx.ConnectError("cable out")
        if self._app is None:
            self._app = httpx.ASGITransport(app=application(self._centre))  # type: ignore[arg-type]  # one ASGI
        return await self._app.handle_async_request(request)


def application(centre: SmallCentre) -> Litestar:
    """The HTTP surface of the contract."""

    def signed(request: Request[Any, Any, Any], body: bytes) -> None:
        header = request.headers["authorization"]
        publics = {centre.origin: centre.node_signing}
        check(header, publics.get, request.method, request.url.path, body, centre.now_ms())
        assert header not in centre.nonces
        centre.nonces.add(header)

    @post("/api/enrol", status_code=200)
    async def enrol(request: Request[Any, Any, Any]) -> Response[Any]:
        return centre.enrol(await request.json())

    @post("/api/exchange", status_code=200)
    async def exchange(request: Request[Any, Any, Any]) -> Response[bytes]:
        body = await request.body()
        signed(request, body)
        header = open_header(body, {centre.origin: centre.node_signing}.get)
        if centre.knows_no_dictionary and header.dictionary:
            words = {"zh": MissingDictionary.next_zh, "en": MissingDictionary.next_en}
            refusal = {"code": MissingDictionary.code, "message": words, "next": words}
            return Response(msgspec.json.encode(refusal), media_type="application/json", status_code=400)
        return Response(centre.exchange(body), media_type="application/octet-stream")

    @post("/api/answers", status_code=200)
    async def answers(request: Request[Any, Any, Any]) -> Response[bytes]:
        body = await request.body()
        signed(request, body)
        return Response(centre.answer(body), media_type="application/octet-stream")

    @get("/api/packs/{digest:str}")
    async def pack(request: Request[Any, Any, Any], digest: FromPath[str]) -> Response[bytes]:
        signed(request, b"")
        centre.asked_packs.append(digest)
        return Response(centre.packs[digest], media_type="application/octet-stream")

    return Litestar([enrol, exchange, answers, pack], openapi_config=None)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _named(sealed: SealedPack, kind: PackKind, old: int, new: int) -> PackRef:
    size, rows = len(sealed.data), sealed.rows
    return PackRef(digest=sealed.digest, kind=kind, from_version=old, to_version=new, size=size, rows=rows)
