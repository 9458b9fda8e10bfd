"""A hall and a centre in memory: real ledgers, keys and rules; only the disk and the line are missing."""

import functools
import random
from collections.abc import Sequence
from typing import Any

import msgspec

from sync.batch.acknowledge import Acknowledgement, encode
from sync.batch.file import Incoming, build_sealed
from sync.batch.view import CentreKeys, Head, SaltEpoch, Wish
from sync.exchange import centre as rules
from sync.exchange.node import NodeExchange
from sync.exchange.steps import NoteCentre, Step, StoreAcknowledgement
from sync.exchange.view import CentreSeen
from sync.ids import subject_ref
from sync.ledger.entry import Entry, Row, leaf_hash, row_leaf, salt
from sync.ledger.proofs import EMPTY_ROOT
from sync.ledger.tree import MemoryTiles, append, consistency, root
from sync.messages import registry
from sync.signing.keys import SealingKey, SigningKey
from sync.signing.notes import checkpoint_text, cosign, open_note, sign_note

HALL = "qingzhou.example/node/330102/i1"
CENTRE = "qingzhou.example/centre/main/i1"
SUBJECT_KEY = b"subject-key".ljust(32, b"\0")
SALT_KEYS = (b"salt-epoch-0".ljust(32, b"\0"), b"salt-epoch-1".ljust(32, b"\0"))
START_MS = 1_795_000_000_000
EPOCH_ENTRIES = 1000


def fixed_key(name: str) -> bytes:
    return name.encode().ljust(32, b".")[:32]


class Ledger:
    """Rows and tiles of one origin, with its signing key."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.signing_key = SigningKey.from_bytes(fixed_key(f"sign {origin}"))
        self.kept: list[Row] = []
        self.leaves: MemoryTiles = MemoryTiles()
        self.size = 0

    def root_at(self, size: int) -> bytes:
        return root(self.leaves, size)

    def add(self, rows: Sequence[Row]) -> None:
        self.size, changed = append(self.leaves, self.size, [leaf_hash(row_leaf(row)) for row in rows])
        self.leaves.update(changed)
        self.kept += rows

    def note_at(self, size: int) -> bytes:
        text = checkpoint_text(self.origin, size, self.root_at(size))
        return sign_note(text, self.origin, self.signing_key)


class Hall(Ledger):
    """A node's durable state as the exchange sees it (NodeView)."""

    def __init__(self, centre: "Centre", origin: str = HALL) -> None:
        super().__init__(origin)
        self.sealing_key = SealingKey.from_bytes(fixed_key(f"seal {origin}"))
        self.centre = centre.public_keys()
        self.subject_key = SUBJECT_KEY
        self.countersigned: tuple[int, bytes] = (0, EMPTY_ROOT)
        self.seen = CentreSeen()
        self.seen_note = b""
        self.wanted: list[Wish] = []
        self.obeyed = 0
        self.counted = {"clock_state": 0, "disk_free_percent": 61}

    def checkpoint(self) -> Head:
        if not self.size:
            return Head(size=0, root=EMPTY_ROOT, note=b"")
        return Head(size=self.size, root=self.root_at(self.size), note=self.note_at(self.size))

    def acknowledged(self) -> tuple[int, bytes]:
        return self.countersigned

    def rows(self, start: int, end: int) -> list[Row]:
        return self.kept[start:end]

    def tiles(self) -> MemoryTiles:
        return self.leaves

    def salt_epochs(self, start: int, end: int) -> list[SaltEpoch]:
        epochs = range(start // EPOCH_ENTRIES, end // EPOCH_ENTRIES + 1)
        return [SaltEpoch(at * EPOCH_ENTRIES, salt_key(at * EPOCH_ENTRIES)) for at in epochs]

    def centre_seen(self) -> bytes:
        return self.seen_note

    def last_centre(self) -> CentreSeen:
        return self.seen

    def wishes(self) -> list[Wish]:
        return self.wanted

    def directive_seen(self) -> int:
        return self.obeyed

    def statistics(self) -> dict[str, int]:
        return self.counted

    def carry_out(self, steps: list[Step]) -> None:
        """Make durable what the exchange asks for, as edge would."""
        for step in steps:
            if isinstance(step, NoteCentre):
                self.seen_note = step.checkpoint
                self.seen = CentreSeen(
                    size=step.size, root=step.root, time_ms=step.centre_time_ms, next=step.next
                )
            if isinstance(step, StoreAcknowledgement):
                self.countersigned = (step.size, step.root)

    def work(self, count: int, seed: int = 1) -> "Hall":
        """`count` more entries as a hall writes them."""
        self.add(day(self.size, count, seed))
        return self


class Centre(Ledger):
    """The centre's side of the exchange over memory, each rule by `sync.exchange.centre`."""

    def __init__(self) -> None:
        super().__init__(CENTRE)
        self.sealing_key = SealingKey.from_bytes(fixed_key("seal centre"))
        self.recovery_key = SealingKey.from_bytes(fixed_key("seal recovery"))
        self.halls: dict[str, Ledger] = {}
        self.publics: dict[str, bytes] = {}
        self.sealing: dict[str, bytes] = {}
        self.notes: dict[str, bytes] = {}
        self.effects: list[tuple[str, int]] = []
        self.now_ms = START_MS
        self.extra: dict[str, object] = {}
        self.note_checkpoint()

    def public_keys(self) -> CentreKeys:
        return CentreKeys(
            origin=CENTRE,
            signing=self.signing_key.public,
            sealing=self.sealing_key.public,
            recovery=self.recovery_key.public,
        )

    def enrol(self, hall: Hall) -> Hall:
        self.publics[hall.origin] = hall.signing_key.public
        self.sealing[hall.origin] = hall.sealing_key.public
        self.halls[hall.origin] = Ledger(hall.origin)
        return hall

    def public_of(self, origin: str) -> bytes | None:
        return {**self.publics, CENTRE: self.signing_key.public}.get(origin)

    def note_checkpoint(self) -> None:
        """One entry on the centre's own ledger, as every accepted node checkpoint is."""
        index = self.size
        detail = registry.encode_detail("node.checkpoint", {"note": f"checkpoint {index}"})
        entry = Entry(kind=registry.kind("node.checkpoint").number, index=index, hlc_ms=self.now_ms + index)
        self.add([Row(entry, detail, salt(SALT_KEYS[0], index))])

    def take(self, data: bytes, frames: int = 10**6) -> rules.Need | rules.ForkEvidence | bytes:
        """Ingest a batch (at most `frames` frames, as when the line is cut) and answer it."""
        incoming = Incoming(data, self.sealing_key, self.public_of, destination=CENTRE)
        header, held = incoming.header, self.halls[incoming.header.origin]
        sizes = rules.sizes_needed(header, incoming.checkpoint, held.size)
        known = rules.Known(origin=held.origin, size=held.size, roots={at: held.root_at(at) for at in sizes})
        offer = rules.judge_offer(header, incoming.checkpoint, known, CENTRE)
        if isinstance(offer, rules.Need):
            return self.reply(self.acknowledgement(held.origin, header.centre_seen))
        if isinstance(offer, rules.ForkEvidence):
            return offer
        for number, frame in enumerate(incoming.frames(SUBJECT_KEY)):
            if number >= frames:
                break
            hashes = [
                leaf_hash(row_leaf(row)) for row in held.kept[frame.first : frame.first + len(frame.rows)]
            ]
            verdict = rules.judge_frame(held.origin, frame, hashes, held.size)
            if not isinstance(verdict, rules.NewRows):
                return verdict
            held.add(frame.rows[verdict.skip :])
            self.effects += [rules.effect_key(held.origin, row.entry) for row in frame.rows[verdict.skip :]]
        return self.answer(header.origin, header.checkpoint, header.centre_seen)

    def answered(self, data: bytes, frames: int = 10**6) -> bytes:
        """`take` where nothing is wrong."""
        reply = self.take(data, frames)
        assert isinstance(reply, bytes), reply
        return reply

    def answer(self, origin: str, note: bytes, seen: bytes) -> bytes | rules.ForkEvidence:
        """Countersign when level, and seal the acknowledgement."""
        held, offered = self.halls[origin], open_note(note, self.publics)
        level = rules.judge_root(origin, held.root_at(min(held.size, offered.size)), held.size, offered)
        if isinstance(level, rules.ForkEvidence):
            return level
        if level:
            self.notes[origin] = rules.countersign(note, CENTRE, self.signing_key)
            self.note_checkpoint()
        return self.reply(self.acknowledgement(origin, seen))

    def acknowledgement(self, origin: str, seen: bytes) -> Acknowledgement:
        last = open_note(seen, {CENTRE: self.signing_key.public}).size if seen else 0
        self.now_ms += 1000
        plain = Acknowledgement(
            origin=origin,
            next=self.halls[origin].size,
            centre_checkpoint=self.note_at(self.size),
            centre_old_size=last,
            centre_consistency=tuple(consistency(self.leaves, last, self.size)),
            centre_time_ms=self.now_ms,
        )
        plain = msgspec.structs.replace(plain, **self.extra)
        note = self.notes.get(origin)
        if note is None:
            return plain
        return rules.reply(plain, open_note(note, self.publics), note)

    def reply(self, ack: Acknowledgement, destination: str = "") -> bytes:
        return build_sealed(
            "acknowledge",
            encode(ack),
            origin=CENTRE,
            destination=destination or ack.origin,
            key=self.signing_key,
            recipients=(self.sealing[destination or ack.origin],),
            now_ms=self.now_ms,
        )


def salt_key(index: int) -> bytes:
    return SALT_KEYS[index // EPOCH_ENTRIES % 2]


def day(first: int, count: int, seed: int = 1) -> list[Row]:
    """Entries of a hall's day from index `first` on: accesses, reports, papers, tickets."""
    return [_row(index, seed) for index in range(first, first + count)]


@functools.cache
def _row(index: int, seed: int) -> Row:
    chance = random.Random(f"{seed} {index}")
    name = chance.choice(
        ["access.answered", "access.answered", "report.issued", "report.printed", "ticket.taken"]
    )
    number = f"33010219{chance.randrange(10**10):010d}"
    fields = dict.fromkeys(registry.kind(name).detail, "")
    if "subject_number" in fields:
        fields |= {"subject_number": number, "subject_name": chance.choice(["李敏", "王䶮", "孙涛"])}
    if "serial" in fields:
        fields |= {"serial": f"330102-2026-{index:06d}"}
    entry = Entry(
        kind=registry.kind(name).number,
        index=index,
        hlc_ms=START_MS + index * 41_000 + chance.randrange(1000),
        boot=3,
        actor="li.min",
        role="clerk",
        window="A03",
        session=f"s{index // 40}",
        subject_ref=subject_ref(SUBJECT_KEY, number) if "subject_number" in fields else b"",
        presence="resident-id",
        relationship="self",
        purpose="own-use",
        basis="SELF",
        mode=chance.choice(["online", "offline"]),
        as_of=START_MS - 3_600_000,
        policy=7,
        outcome="ok",
        object="public-credit.self",
    )
    return Row(entry, registry.encode_detail(name, fields), salt(salt_key(index), index))


def enrolled(entries: int = 0) -> tuple[Hall, Centre]:
    """A centre and one enrolled hall with that many entries."""
    centre = Centre()
    hall = centre.enrol(Hall(centre))
    return hall.work(entries), centre


def recosign(note: bytes, name: str, key: SigningKey) -> bytes:
    """A note with one more line, for forgeries."""
    return cosign(note, name, key)


def begun(exchange: NodeExchange) -> list[Any]:
    """The first steps of a round, whatever they are."""
    return list(exchange.begin(START_MS))


def replied(exchange: NodeExchange, reply: bytes) -> list[Any]:
    """The steps a reply leads to, whatever they are."""
    return list(exchange.received(reply))
