"""The centre's own ledger.

Administrators' acts, disclosures, accepted checkpoints. The same tree, the same tables.
"""

import asyncio
from functools import partial
from pathlib import Path

import msgspec

from central.actions.centre import AdminSession, Centre
from central.actions.views import Placed
from central.errors import StoreRefused
from central.store import incarnations, ledger, trail
from central.store.database import Tx
from central.store.durable import write_durably
from central.store.incarnations import CENTRE
from central.store.ledger import CheckpointKept, Head, StoredEntries
from matters.model import Refusal, Words
from sync.clock import ClockState, Hlc, tick
from sync.ledger.entry import Entry, commit, leaf, leaf_hash, salt
from sync.messages.registry import DetailValue, encode_detail, kind
from sync.signing.notes import checkpoint_text, sign_note

POLICY = 1
NOTE_CHARACTERS_MIN = 4
_REREAD = 4096
ANCHOR = "anchor.note"
"""DATA/anchor.note: our newest signed checkpoint, outside the database, so that an old database is found."""
DETAIL = "detail"
"""Purpose under which details are sealed for storage."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An entry before it has a place.

    The detail, never in the leaf and sealed at rest, is `note`, or `fields` where a kind has others.
    """

    kind: str
    actor: str = ""
    role: str = ""
    window: str = ""
    subject_ref: bytes = b""
    relationship: str = ""
    purpose: str = ""
    basis: str = ""
    mode: str = ""
    as_of: int = 0
    outcome: str = "ok"
    object: str = ""
    note: str = ""
    fields: dict[str, DetailValue] = {}


def drafted(
    admin: AdminSession,
    kind: str,
    what: str,
    note: str = "",
    *,
    outcome: str = "ok",
    ref: bytes = b"",
    purpose: str = "",
) -> Draft:
    """The entry of what an administrator did: who, in which role, from where, and to `what`."""
    return Draft(
        kind=kind,
        actor=admin.admin,
        role=admin.role,
        window=admin.place,
        object=what,
        note=note,
        outcome=outcome,
        subject_ref=ref,
        purpose=purpose,
    )


def note_missing(note: str, what: Words, rule: str) -> Refusal | None:
    """What cannot be taken back is refused until the officer states `what`; None where `note` does."""
    if len(note.strip()) >= NOTE_CHARACTERS_MIN:
        return None
    return Refusal(
        code="note-missing",
        message=Words(
            zh=f"须写明{what.zh}，不少于 {NOTE_CHARACTERS_MIN} 个字。",
            en=f"state {what.en}, {NOTE_CHARACTERS_MIN} characters or more",
        ),
        rule=rule,
        next=Words(zh="写明后重新提交，未作任何改动。", en="State it and submit again; nothing was changed."),
    )


def place_bytes(origin: str, index: int) -> bytes:
    """What a stored detail is bound to."""
    return f"{origin}/{index}".encode()


async def record(centre: Centre, tx: Tx, draft: Draft) -> Placed:
    """Append one entry to the centre's ledger.

    Durable when `tx` commits. Lock order: nodes' heads before ours.
    """
    own = await head(centre, tx, lock=True)
    now = tick(Hlc(own.hlc_ms, own.hlc_n), centre.now_ms())
    entry = Entry(
        kind=kind(draft.kind).number,
        index=own.size,
        hlc_ms=now.ms,
        hlc_n=now.n,
        clock=int(ClockState.SYNCED),
        policy=POLICY,
        **{name: getattr(draft, name) for name in _SAME},
    )
    stored = _stored(centre, own.origin, entry, _detail(draft))
    await ledger.grow(tx, own, stored, centre.now_ms())
    return Placed(origin=own.origin, index=own.size, leaf_hash=stored.leaf_hash[0])


async def origins(centre: Centre, tx: Tx) -> tuple[str, ...]:
    """Every incarnation of the centre's own ledger, the one now written last."""
    return centre.origin, *(one.new_origin for one in await incarnations.begun(tx, CENTRE))


async def head(centre: Centre, tx: Tx, *, lock: bool = False) -> Head:
    """The head of the incarnation now written; with `lock` nobody else writes until the transaction ends."""
    own = await ledger.head(tx, (await origins(centre, tx))[-1], lock=lock)
    if own.frozen:  # it ended while we waited for the lock: there is a newer one
        own = await ledger.head(tx, (await origins(centre, tx))[-1], lock=lock)
    return own


def _detail(draft: Draft) -> bytes:
    if draft.fields:
        return encode_detail(draft.kind, draft.fields)
    if "note" in kind(draft.kind).detail:
        return encode_detail(draft.kind, {"note": draft.note})
    return encode_detail(draft.kind, {"staff": draft.actor, "reason": draft.note})


_SAME = tuple(name for name in Draft.__struct_fields__ if name not in {"kind", "note", "fields"})


def _stored(centre: Centre, origin: str, entry: Entry, detail: bytes) -> StoredEntries:
    grain = salt(centre.keys.salt, entry.index)
    encoded = leaf(entry, commit(grain, detail))
    return StoredEntries(
        idx=[entry.index],
        kind=[entry.kind],
        occurred_ms=[entry.hlc_ms],
        leaf=[encoded],
        leaf_hash=[leaf_hash(encoded)],
        salt=[grain],
        detail_sealed=[centre.keys.seal(DETAIL, place_bytes(origin, entry.index), detail)],
        clock=(entry.hlc_ms, entry.hlc_n),
    )


async def act(centre: Centre, draft: Draft) -> Placed:
    """Append one entry in a transaction of its own; durable when this returns."""
    async with centre.store.transaction() as tx:
        return await record(centre, tx, draft)


async def signed_checkpoint(centre: Centre) -> CheckpointKept:
    """A signed checkpoint over the whole of our own ledger; durable and anchored before it is returned.

    One for all who wait for it: it holds every entry that was durable when this was called. New leaves are
    read back and hashed again before the signature. Raises StoreRefused where they differ, and what
    `may_sign` raises.
    """
    return await centre.signing.result(partial(_checkpoint, centre))


async def _checkpoint(centre: Centre) -> CheckpointKept:
    async with centre.store.transaction() as tx:
        own = await may_sign(centre, tx)
        newest = await ledger.checkpoints(tx, own.origin, 1)
        kept = newest[0] if newest and newest[0].size == own.size else await _signed(centre, tx, own)
    await _anchor(centre, kept)
    return kept


async def may_sign(centre: Centre, tx: Tx) -> Head:
    """The head of our own ledger, locked; StoreRefused while a restore waits for officers (rule 8.8)."""
    own = await head(centre, tx, lock=True)
    if await incarnations.open_requests(tx, own.origin):
        raise StoreRefused(
            "中心从备份恢复，批准换代前不签名。",
            "the centre was restored; nothing is signed before officers approve",
            "",
        )
    return own


async def _signed(centre: Centre, tx: Tx, own: Head) -> CheckpointKept:
    await _reread(tx, own)
    text = checkpoint_text(own.origin, own.size, own.root)
    kept = CheckpointKept(
        size=own.size,
        root=own.root,
        note=sign_note(text, centre.origin, centre.keys.signing),
        signed_ms=centre.now_ms(),
        centre_idx=own.size - 1,
    )
    await ledger.keep_checkpoint(tx, own.origin, kept)
    return kept


def origin_of(kept: CheckpointKept) -> str:
    """The incarnation of our ledger a checkpoint is of."""
    return kept.note.split(b"\n", 1)[0].decode()


def anchored(data: Path) -> bytes:
    """The newest checkpoint we signed, as kept outside the database; empty when there is none."""
    try:
        return (data / ANCHOR).read_bytes()
    except FileNotFoundError:
        return b""


async def _anchor(centre: Centre, kept: CheckpointKept) -> None:
    """Keep what was just committed outside the database; one writer at a time, so it never goes back."""
    if await asyncio.to_thread(anchored, centre.data) == kept.note:
        return
    async with centre.store.transaction() as tx:
        own = await head(centre, tx, lock=True)
        newest = (await ledger.checkpoints(tx, own.origin, 1) or [kept])[0]
        await asyncio.to_thread(write_durably, centre.data / ANCHOR, newest.note)


async def _reread(tx: Tx, own: Head) -> None:
    for first in range(own.countersigned, own.size, _REREAD):
        rows = await trail.entries(tx, own.origin, first, min(first + _REREAD, own.size))
        if any(leaf_hash(row.leaf) != row.leaf_hash for row in rows):
            raise StoreRefused(
                "中心台账读回的内容与哈希不符，已停止签名。",
                "the centre's ledger reads back other bytes than were hashed; not signed",
                "",
            )
