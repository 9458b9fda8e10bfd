"""The centre's own ledger.

Administrators' acts, disclosures, accepted checkpoints. The same tree, the same tables.
"""

import msgspec

from central.actions.centre import Centre
from central.actions.views import Placed
from central.errors import StoreRefused
from central.store import ledger, trail
from central.store.database import Tx
from central.store.ledger import CheckpointKept, Head, StoredEntry
from matters.model import Refusal, Words
from sync.clock import ClockState, Hlc, tick
from sync.ledger.entry import Entry, commit, leaf, leaf_hash, salt
from sync.messages.registry import encode_detail, kind
from sync.signing.notes import checkpoint_text, sign_note

POLICY = 1
NOTE_CHARACTERS_MIN = 4
_REREAD = 4096
DETAIL = "detail"
"""Purpose under which details are sealed for storage."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An entry before it has a place. `note` is the detail: never in the leaf, sealed at rest."""

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
    head = await ledger.head(tx, centre.origin, lock=True)
    now = tick(Hlc(head.hlc_ms, head.hlc_n), centre.now_ms())
    entry = Entry(
        kind=kind(draft.kind).number,
        index=head.size,
        hlc_ms=now.ms,
        hlc_n=now.n,
        clock=int(ClockState.SYNCED),
        policy=POLICY,
        **{name: getattr(draft, name) for name in _SAME},
    )
    stored = _stored(centre, entry, _detail(draft))
    await ledger.grow(tx, head, [stored], (now.ms, now.n), centre.now_ms())
    return Placed(origin=centre.origin, index=head.size, leaf_hash=stored.leaf_hash)


def _detail(draft: Draft) -> bytes:
    if "note" in kind(draft.kind).detail:
        return encode_detail(draft.kind, {"note": draft.note})
    return encode_detail(draft.kind, {"staff": draft.actor, "reason": draft.note})


_SAME = tuple(name for name in Draft.__struct_fields__ if name not in {"kind", "note"})


def _stored(centre: Centre, entry: Entry, detail: bytes) -> StoredEntry:
    grain = salt(centre.keys.salt, entry.index)
    encoded = leaf(entry, commit(grain, detail))
    return StoredEntry(
        idx=entry.index,
        kind=entry.kind,
        occurred_ms=entry.hlc_ms,
        leaf=encoded,
        leaf_hash=leaf_hash(encoded),
        salt=grain,
        detail_sealed=centre.keys.seal(DETAIL, place_bytes(centre.origin, entry.index), detail),
    )


async def act(centre: Centre, draft: Draft) -> Placed:
    """Append one entry in a transaction of its own; durable when this returns."""
    async with centre.store.transaction() as tx:
        return await record(centre, tx, draft)


async def signed_checkpoint(centre: Centre) -> CheckpointKept:
    """A signed checkpoint over the whole of the centre's ledger; durable before it is returned.

    New leaves are read back and hashed again before the signature. Raises StoreRefused where they differ.
    """
    async with centre.store.transaction() as tx:
        head = await ledger.head(tx, centre.origin, lock=True)
        newest = await ledger.checkpoints(tx, centre.origin, 1)
        if newest and newest[0].size == head.size:
            return newest[0]
        await _reread(centre, tx, head)
        text = checkpoint_text(centre.origin, head.size, head.root)
        kept = CheckpointKept(
            size=head.size,
            root=head.root,
            note=sign_note(text, centre.origin, centre.keys.signing),
            signed_ms=centre.now_ms(),
            centre_idx=head.size - 1,
        )
        await ledger.keep_checkpoint(tx, centre.origin, kept)
    return kept


async def _reread(centre: Centre, tx: Tx, head: Head) -> None:
    for first in range(head.countersigned, head.size, _REREAD):
        rows = await trail.entries(tx, centre.origin, first, min(first + _REREAD, head.size))
        if any(leaf_hash(row.leaf) != row.leaf_hash for row in rows):
            raise StoreRefused(
                "中心台账读回的内容与哈希不符，已停止签名。",
                "the centre's ledger reads back other bytes than were hashed; not signed",
                "",
            )
