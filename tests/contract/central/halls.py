"""Halls with real ledgers in memory: everything an exchange asks of a node."""

import base64
import secrets
from typing import Any

import msgspec

from central.actions import enrol
from central.actions.enrol import Enrolled
from sync.batch.acknowledge import Acknowledgement, decode
from sync.batch.file import build_up, open_sealed
from sync.batch.view import CentreKeys, Head, SaltEpoch, Wish
from sync.exchange.node import NodeExchange
from sync.exchange.steps import NoteCentre, NoteLevelling, SendBatch, StoreAcknowledgement
from sync.exchange.view import CentreSeen
from sync.ids import subject_ref
from sync.lease.lease import open_lease
from sync.ledger.entry import Entry, Row, salt
from sync.ledger.proofs import EMPTY_ROOT
from sync.messages import registry
from sync.signing.keys import SealingKey, SigningKey
from sync.signing.notes import parse_vkey
from sync.signing.requests import authorise
from sync.signing.sealing import unseal
from tests.contract.central.clock import Clock
from tests.unit.sync_exchange.world import Ledger


class Hall(Ledger):
    """A node in memory: its own ledger, keys and everything an exchange asks of it (NodeView)."""

    def __init__(
        self, node: str, given: Enrolled, signing: SigningKey, sealing: SealingKey, clock: Clock
    ) -> None:
        super().__init__(given.origin)
        self.given, self.certificate = given, base64.b64decode(given.certificate)
        self.node, self.signing_key, self.sealing_key, self.clock = node, signing, sealing, clock
        name, public = parse_vkey(given.centre.vkey)
        self.centre = CentreKeys(
            origin=name,
            signing=public,
            sealing=base64.b64decode(given.centre.sealing),
            recovery=base64.b64decode(given.centre.recovery),
        )
        sealed = base64.b64decode(given.subject_key)
        self.subject_key = unseal(sealing, sealed, enrol.SUBJECT_KEY_INFO)
        self.salt_key = secrets.token_bytes(32)
        self.countersigned: tuple[int, bytes] = (0, EMPTY_ROOT)
        self.countersignature = b""
        self.seen, self.seen_note = CentreSeen(), b""
        self.wanted: list[Wish] = []
        self.lease_used_percent = 0
        self.obeyed = 0
        self.replies: list[Acknowledgement] = []
        self.doubts: list[str] = []

    def checkpoint(self) -> Head:
        if not self.size:
            return Head(size=0, root=EMPTY_ROOT, note=b"")
        return Head(size=self.size, root=self.root_at(self.size), note=self.note_at(self.size))

    def acknowledged(self) -> tuple[int, bytes]:
        return self.countersigned

    def rows(self, start: int, end: int) -> list[Row]:
        return self.kept[start:end]

    def tiles(self) -> Any:
        return self.leaves

    def salt_epochs(self, start: int, end: int) -> list[SaltEpoch]:
        del start, end  # one epoch covers all
        return [SaltEpoch(0, self.salt_key)]

    def centre_seen(self) -> bytes:
        return self.seen_note

    def last_centre(self) -> CentreSeen:
        return self.seen

    def wishes(self) -> list[Wish]:
        return self.wanted

    def directive_seen(self) -> int:
        return self.obeyed

    def statistics(self) -> dict[str, int]:
        return {"clock": 0, "open_cases": 2, "lease_used_percent": self.lease_used_percent}

    def write(self, kind: str, detail: dict[str, Any] | None = None, **leaf: Any) -> int:
        """One more entry; its index."""
        fields = detail or {}
        number = str(fields.get("subject_number", ""))
        known = {"actor": "li.min", "role": "clerk", "window": "A03", "hlc_ms": self.clock.now_ms + self.size}
        entry = Entry(
            kind=registry.kind(kind).number,
            index=self.size,
            **{**known, "subject_ref": subject_ref(self.subject_key, number), **leaf},
        )
        self.add([Row(entry, registry.encode_detail(kind, fields), salt(self.salt_key, self.size))])
        return self.size - 1

    def access(
        self, number: str, *, mode: str = "cached", case: str = "", kind: str = "access.answered", **leaf: Any
    ) -> int:
        """An access as a hall writes it."""
        detail = {
            "subject_number": number,
            "subject_name": "某人",
            "requester_number": number,
            "requester_name": "某人",
            "matter": leaf.pop("matter", "public-credit.self"),
            "case": case,
            "request_id": leaf.pop("request_id", ""),
            "shown": "licence,penalty",
            "note": "",
        }
        known = {
            "mode": mode,
            "basis": "SELF",
            "purpose": "own-use",
            "outcome": "answered",
            "presence": "resident-id",
        }
        return self.write(kind, detail, as_of=self.clock.now_ms - 3_600_000, **{**known, **leaf})

    def open_leases(self) -> None:
        """The entries of the leases that came last: with the newest reply, before the first at enrolment."""
        first = tuple(base64.b64decode(one) for one in self.given.lease)
        for signed in self.replies[-1].leases if self.replies else first:
            lease = open_lease(signed, self.centre.signing)
            self.write("lease.opened", {"note": ""}, object=lease.id, outcome=lease.capability)

    def batch(self, start: int | None = None, end: int | None = None) -> bytes:
        """A batch of entries [start, end), from the last countersigned one by default."""
        begin = self.countersigned[0] if start is None else start
        return build_up(self, begin, self.size if end is None else end, self.clock.now_ms)

    def opened(self, reply: bytes) -> Acknowledgement:
        """What a reply says, as sealed to this node."""
        header, payload = open_sealed(
            reply,
            self.sealing_key,
            lambda origin: self.centre.signing if origin == self.centre.origin else None,
            kind="acknowledge",
            destination=self.origin,
        )
        return decode(payload, header.origin)

    async def exchange(self, hand_in) -> list[Any]:
        """One whole exchange through the real state machine; `hand_in(batch)` gives the reply. The steps."""
        machine = NodeExchange(self)
        steps, done = list(machine.begin(self.clock.now_ms)), []
        while steps:
            following: list[Any] = []
            for step in steps:
                done.append(step)
                if isinstance(step, SendBatch):
                    reply = await hand_in(step.data)
                    self.replies.append(self.opened(reply))
                    following = list(machine.received(reply))
                self.keep(step)
            steps = following
        return done

    def keep(self, step: Any) -> None:
        """Make durable what a step asks for."""
        if isinstance(step, NoteCentre):
            self.seen_note = step.checkpoint
            self.seen = CentreSeen(
                size=step.size,
                root=step.root,
                time_ms=step.centre_time_ms,
                next=step.next,
                origin=step.origin,
            )
            self.doubts += [step.succeeded.doubt] if step.succeeded else []
        if isinstance(step, NoteLevelling):
            self.seen = msgspec.structs.replace(self.seen, next=step.next)
        if isinstance(step, StoreAcknowledgement):
            self.countersigned = (step.size, step.root)
            self.countersignature = step.verified_note

    def signed(self, method: str, path: str, body: bytes, nonce: str = "") -> dict[str, str]:
        """The headers of a request this node signs."""
        header = authorise(
            self.signing_key,
            self.origin,
            method,
            path,
            body,
            self.clock.now_ms,
            nonce or secrets.token_urlsafe(18),
        )
        return {"authorization": header, "content-type": "application/octet-stream"}
