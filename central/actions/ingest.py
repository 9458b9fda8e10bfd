"""One batch of a node, from bytes to a countersignature (protocol sections 4 and 8.8).

README, "Life of a batch".

1  open        limits, trailer, sender's signature, destination, keys: nothing is stored of what fails here
2  judge       the checkpoint against our own record: accept, ask for what lacks, or keep a fork as evidence
3  store       frame by frame: entries, full tiles, effects and the new head in one transaction
4  countersign only where our root equals the signed one; persisted with an entry on our own ledger, then
5  reply       the acknowledgement (`acknowledge.py`)

A centre restored from a backup takes steps 1 to 3 and replies how far it is, nothing else (`restored.py`).
Of a batch whose body was cut steps 1 to 3 are done, as far as its frames are whole (`cut`).
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Literal, TypeVar

from central.actions import (
    acknowledge,
    corrections,
    findings,
    fulfil,
    incarnations,
    mailbox,
    own_ledger,
    quota,
    recount,
    restored,
    settle,
)
from central.actions.acknowledge import Ours, Outcome
from central.actions.centre import Centre
from central.actions.effects import Rules, gather, rules
from central.actions.fork import keep
from central.actions.gathered import Gathered, Source
from central.actions.own_ledger import DETAIL, Draft, place_bytes
from central.errors import Trouble
from central.store import contacts, effects, fleet, ledger, parts
from central.store.contacts import Contact
from central.store.database import Tx
from central.store.effects import Deferral, Rejection
from central.store.fleet import Identity
from central.store.ledger import CheckpointKept, Head, StoredEntries
from sync.batch.frames import Frame
from sync.batch.header import header_length
from sync.batch.incoming import Incoming
from sync.clock import ClockState
from sync.errors import Fork, LimitExceeded, Revoked, UnknownOrigin
from sync.exchange.centre import (
    Accept,
    ForkEvidence,
    Known,
    Need,
    countersign,
    judge_frame,
    judge_offer,
    judge_root,
    sizes_needed,
)
from sync.signing import cose
from sync.signing.notes import Checkpoint

T = TypeVar("T")
Carrier = Literal["network", "courier"]
GROUP_FRAMES = 8
"""Frames committed in one transaction, the next ones opened while the database writes: half a batch."""


async def exchange(centre: Centre, batch: bytes, carrier: Carrier) -> bytes:
    """Take in a batch; the sealed acknowledgement, durable in all it says before it is returned.

    Raises SyncError: nothing of a batch that does not open is stored; a fork is stored as evidence and
    refused. Repeating a batch is harmless and gives the acknowledgement again.
    """
    if len(batch) > centre.settings.batch_bytes_max:
        raise LimitExceeded(f"batch of {len(batch)} bytes")
    identity = await _sender(centre, batch)
    incoming = await asyncio.to_thread(_open, centre, identity, batch)
    level = await restored.level(centre, identity, incoming.header)
    async with centre.ingesting:
        outcome = await _store(centre, identity, incoming)
    if not level:
        await _note_contact(centre, incoming, len(batch), outcome, 0, carrier)
        return await acknowledge.levelling(centre, identity, incoming.header, outcome)
    note = await _countersign(centre, identity, incoming)
    if carrier == "network":  # those of a stick are tried when its answer is written (`courier.export`)
        await fulfil.fulfil(centre, identity.origin)
    await quota.top_up(centre, identity)
    own = await own_ledger.signed_checkpoint(centre)
    await _note_contact(centre, incoming, len(batch), outcome, own.size, carrier)
    ours = Ours(own=own, note=note, hops=carrier == "courier")
    return await acknowledge.reply(centre, identity, incoming.header, incoming.checkpoint, outcome, ours)


async def cut(centre: Centre, part: bytes) -> None:
    """Steps 1 to 3 for what came of a batch whose body was cut; kept, so that the rest may follow alone.

    Whole frames are proven by the header's signature, their seals and the signed root, so they are stored
    as those of any batch, durably, before this returns; nothing is countersigned and nothing is said. What a
    part lacks is the request's signature, that is its time: so nothing is kept of a revoked node's, and one
    that holds nothing new (a part of long ago) is not opened. Raises SyncError.
    """
    identity = await _claimed(centre, part)
    if identity.revoked_ms is not None:
        raise Revoked(identity.origin)
    incoming = await asyncio.to_thread(_open, centre, identity, part, prefix=True)
    async with centre.store.reading() as tx:
        held = (await ledger.head(tx, identity.origin)).size
    if incoming.header.end > held:
        await restored.level(centre, identity, incoming.header)  # entries are judged by what is known of us
        async with centre.ingesting:
            await _store(centre, identity, incoming)
        with contextlib.suppress(Trouble):  # without it the node goes on from the last whole frame
            await asyncio.to_thread(parts.keep, centre.data, identity.origin, part, centre.now_ms())


async def _claimed(centre: Centre, batch: bytes) -> Identity:
    """Whom the header claims to be from; its signature is checked when the batch is opened."""
    origin = cose.key_id(batch[8 : 8 + header_length(batch[:8])]).decode("utf-8", "replace")
    async with centre.store.reading() as tx:
        identity = await fleet.identity(tx, origin)
    if identity is None:
        raise UnknownOrigin("batch of an unknown origin")
    return identity


async def _sender(centre: Centre, batch: bytes) -> Identity:
    """Step 1: the claimed sender of a whole batch, unless it is revoked: then the batch is evidence."""
    identity = await _claimed(centre, batch)
    if identity.revoked_ms is not None:
        async with centre.store.transaction() as tx:
            digest = hashlib.sha256(batch).digest()
            reason = "batch of a revoked node"
            await effects.add_evidence(tx, identity.origin, digest, "revoked", centre.now_ms(), reason, batch)
        raise Revoked(f"{identity.origin}; the batch is kept as evidence")
    return identity


def _open(centre: Centre, identity: Identity, batch: bytes, *, prefix: bool = False) -> Incoming:
    """Step 1: everything a batch must satisfy before a byte of it is used."""
    publics = {identity.origin: identity.signing}
    return Incoming(batch, centre.keys.sealing, publics.get, destination=centre.origin, prefix=prefix)


async def _store(centre: Centre, identity: Identity, incoming: Incoming) -> Outcome:
    """Steps 2 and 3."""
    async with centre.store.reading() as tx:
        head = await ledger.head(tx, identity.origin)
        if head.frozen:
            raise Fork(head.size)
        wanted = sizes_needed(incoming.header, incoming.checkpoint, head.size)
        known = Known(
            origin=identity.origin,
            size=head.size,
            roots=await ledger.roots(tx, identity.origin, head.size, wanted),
        )
    verdict = judge_offer(incoming.header, incoming.checkpoint, known, centre.origin)
    if isinstance(verdict, ForkEvidence):
        await keep(centre, verdict, incoming.header.checkpoint)
    if not isinstance(verdict, Accept):
        return Outcome(next=verdict.next if isinstance(verdict, Need) else head.size, stored=0)
    stored = await _groups(centre, identity, incoming)
    return Outcome(next=known.size + stored, stored=stored)


async def _groups(centre: Centre, identity: Identity, incoming: Incoming) -> int:
    """Commit group after group, the next one opened and proven meanwhile; the number of new entries.

    What was proven before a bad frame stays; then the bad frame's error is raised.
    """
    stored = 0
    frames = incoming.frames(centre.keys.subject)
    group = await asyncio.to_thread(_take, frames)
    while group:
        committed, following = await asyncio.gather(
            _commit(centre, identity, incoming, group),
            asyncio.to_thread(_take, frames),
            return_exceptions=True,
        )
        if isinstance(committed, BaseException):
            raise committed
        if isinstance(following, BaseException):
            raise following
        stored += committed
        group = following
    return stored


def _take(frames: Iterator[Frame]) -> list[Frame]:
    return list(islice(frames, GROUP_FRAMES))


async def _commit(centre: Centre, identity: Identity, incoming: Incoming, group: Sequence[Frame]) -> int:
    """Step 3 for a group of frames: one transaction; the number of new entries."""
    fork: ForkEvidence | None = None
    async with centre.store.transaction() as tx:
        head = await ledger.head(tx, identity.origin, lock=True)
        fresh: list[Frame] = []
        size = head.size
        for frame in group:
            end = min(size, frame.first + len(frame.rows))
            hashes = (
                await ledger.leaf_hashes(tx, identity.origin, frame.first, end) if end > frame.first else []
            )
            verdict = judge_frame(identity.origin, frame, hashes, size)
            if isinstance(verdict, ForkEvidence):
                fork = verdict
                break
            if isinstance(verdict, Need):
                break
            fresh.append(_tail(frame, verdict.skip))
            size = max(size, frame.first + len(frame.rows))
        if fork is None and size > head.size:
            await _write(centre, tx, identity, head, fresh)
    if fork is not None:
        await keep(centre, fork, incoming.header.checkpoint)
    return size - head.size


def _tail(frame: Frame, skip: int) -> Frame:
    return Frame(
        first=frame.first + skip,
        rows=frame.rows[skip:],
        leaves=frame.leaves[skip:],
        hashes=frame.hashes[skip:],
    )


async def _write(centre: Centre, tx: Tx, identity: Identity, head: Head, frames: Sequence[Frame]) -> None:
    gathered = Gathered(source=Source(origin=identity.origin, node=identity.node, arrived_ms=centre.now_ms()))
    by = rules(centre.keys, centre.catalogue)
    prepared = await asyncio.to_thread(_prepare, centre, frames, gathered, by)
    await ledger.grow(tx, head, prepared, gathered.source.arrived_ms)
    await _cause(centre, tx, gathered)


def _prepare(centre: Centre, frames: Sequence[Frame], gathered: Gathered, by: Rules) -> StoredEntries:
    """Gather effects and seal what is stored; no I/O."""
    source = gathered.source
    for frame in frames:
        rows = frame.rows
        columns = (rows.entries(), frame.hashes, rows.details, rows.fields)
        for entry, leaf_hash, detail, values in zip(*columns, strict=True):
            gather(source, entry, leaf_hash, detail, gathered, by, values)
    newest = frames[-1].rows
    idx = _joined(frame.rows.indexes for frame in frames)
    details = _joined(frame.rows.details for frame in frames)
    places = [place_bytes(source.origin, index) for index in idx]
    return StoredEntries(
        idx=idx,
        kind=_joined(frame.rows.column("kind") for frame in frames),
        occurred_ms=_joined(frame.rows.column("hlc_ms") for frame in frames),
        leaf=_joined(frame.leaves for frame in frames),
        leaf_hash=_joined(frame.hashes for frame in frames),
        salt=_joined(frame.rows.salts for frame in frames),
        detail_sealed=centre.keys.seal_each(DETAIL, list(zip(places, details, strict=True))),
        clock=(newest.column("hlc_ms")[-1], newest.column("hlc_n")[-1]),
    )


def _joined(columns: Iterable[list[T]]) -> list[T]:
    return list(chain.from_iterable(columns))


async def _cause(centre: Centre, tx: Tx, gathered: Gathered) -> None:
    """Write the effects, in the transaction of their entries."""
    origin = gathered.source.origin
    await _drop_carried(tx, gathered)
    await incarnations.opened(centre, tx, gathered)
    written = await effects.add_reports(tx, gathered.reports)
    for report in gathered.reports:
        if report.idx not in written:
            gathered.reject(report.idx, "serial was issued before on this ledger")
    provisional = [report for report in gathered.provisional if report.idx in written]
    for rows in (
        gathered.accesses,
        gathered.papers,
        gathered.cases,
        gathered.days,
        gathered.applied,
        gathered.sheets,
        _once(gathered.rejected),
    ):
        await effects.add(tx, rows)
    await contacts.leases_said(tx, origin, gathered.leases, gathered.ended)
    await effects.add_deferrals(tx, [_deferral(centre, origin, asked) for asked in gathered.asked])
    letters = await settle.settle(centre, tx, origin, provisional)
    letters += await quota.settle(centre, tx, gathered.spent)
    await quota.take_back(tx, gathered.given_back)
    await recount.heard(centre, tx, gathered.source, gathered.said)
    await findings.heard(centre, tx, gathered.source.node, origin, gathered.words)
    await corrections.answered(centre, tx, gathered.source.node, gathered.corrected)
    await mailbox.post(centre, tx, origin, letters)


async def _drop_carried(tx: Tx, gathered: Gathered) -> None:
    """Rule 4.6: an entry carried over has its effect only where its first key never had one."""
    done = {
        index
        for first, index in gathered.carried
        if not await effects.carry(tx, first, (gathered.source.origin, index))
    }
    if done:
        gathered.drop(done)


def _once(rows: Sequence[Rejection]) -> list[Rejection]:
    return list({row.idx: row for row in rows}.values())


def _deferral(centre: Centre, origin: str, asked: fulfil.Asked) -> Deferral:
    return Deferral(
        origin=origin,
        case_no=asked.case_no,
        idx=asked.idx,
        matter=asked.matter,
        subject_ref=asked.subject_ref,
        asked_sealed=fulfil.sealed(centre, origin, asked),
        state="waiting",
        attempts=0,
        next_try_ms=centre.now_ms(),
        created_ms=centre.now_ms(),
    )


async def _countersign(centre: Centre, identity: Identity, incoming: Incoming) -> bytes:
    """Step 4: the node's note with our line under it, persisted; empty when it may not be signed (yet)."""
    checkpoint, note = incoming.checkpoint, incoming.header.checkpoint
    if not checkpoint.size:
        return b""
    fork: ForkEvidence | bool
    async with centre.store.transaction() as tx:
        head = await ledger.head(tx, identity.origin, lock=True)
        at = min(head.size, checkpoint.size)
        ours = (await ledger.roots(tx, identity.origin, head.size, [at]))[at] if at else b""
        fork = judge_root(identity.origin, ours, head.size, checkpoint)
        if fork is True:
            kept = await ledger.checkpoint_over(tx, identity.origin, checkpoint.size - 1)
            if kept is not None and kept.size == checkpoint.size:
                return kept.note
            return await _sign(centre, tx, identity.origin, checkpoint, note)
    if isinstance(fork, ForkEvidence):
        await keep(centre, fork, incoming.header.checkpoint)
    return b""


async def _sign(centre: Centre, tx: Tx, origin: str, checkpoint: Checkpoint, note: bytes) -> bytes:
    await own_ledger.may_sign(centre, tx)
    signed = countersign(note, centre.origin, centre.keys.signing)
    draft = Draft(
        kind="node.checkpoint",
        actor="centre",
        object=f"{origin} {checkpoint.size}",
        note=checkpoint.root.hex(),
    )
    placed = await own_ledger.record(centre, tx, draft)
    kept = CheckpointKept(
        size=checkpoint.size,
        root=checkpoint.root,
        note=signed,
        signed_ms=centre.now_ms(),
        centre_idx=placed.index,
    )
    await ledger.keep_checkpoint(tx, origin, kept)
    return signed


async def _note_contact(
    centre: Centre, incoming: Incoming, size: int, outcome: Outcome, own_size: int, carrier: Carrier
) -> None:
    header, now_ms = incoming.header, centre.now_ms()
    trusted = header.statistics.get("clock") != ClockState.UNTRUSTED
    contact = Contact(
        origin=header.origin,
        at_ms=now_ms,
        told_ms=min(header.created_ms, now_ms) if trusted else 0,
        batch_id=header.batch_id,
        carrier=carrier,
        entries=outcome.stored,
        bytes_up=size,
        pending=incoming.checkpoint.size - header.end,
        statistics=header.statistics,
        needs={wish.scope: wish.version for wish in header.needs},
        centre_seen=header.centre_seen,
        centre_sent=own_size,
    )
    async with centre.store.transaction() as tx:
        await contacts.add_contact(tx, contact)
        if own_size:  # else these are numbers of letters that a restored centre has forgotten
            await contacts.seen(tx, header.origin, header.directive_seen)
