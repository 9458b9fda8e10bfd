"""The trail: who saw whom, what, when, why and how, with the state of the proof beside each row.

A search is an entry on the centre's ledger before a row is shown; a number in it also needs a purpose.
"""

from datetime import date
from typing import Any

import msgspec

from central.actions import fleet, own_ledger
from central.actions.centre import AdminSession, Centre
from central.actions.own_ledger import Draft, drafted
from central.actions.views import (
    AccessRow,
    Neighbour,
    NodeRow,
    Paired,
    Proof,
    SubjectView,
    TrailPage,
    TrailQuery,
    Verified,
)
from central.errors import NotFound
from central.security.permissions import require
from central.store import fleet as nodes
from central.store import ledger
from central.store import trail as rows
from central.store.database import Tx
from central.store.effects import Disclosure
from central.store.ledger import CheckpointKept
from central.store.trail import EntryKept, Found, Search
from matters.calendar import china_day
from matters.ids import plain, resident_number, uscc
from matters.model import Refusal, Words
from sync.errors import SyncError
from sync.ledger.entry import leaf_hash, parse_leaf
from sync.ledger.proofs import check_inclusion
from sync.ledger.tree import TileSource, inclusion
from sync.messages.registry import by_number, kind
from sync.signing.notes import open_note

PURPOSE_CHARACTERS_MIN = 10
NUMBER_CHARACTERS_MAX = 32
LIMIT_MAX = 1000
NEIGHBOURS = 5
OWN_ROWS = 500

OUTCOMES: dict[str, Words] = {
    "access.answered": Words(zh="已答复", en="answered"),
    "access.denied": Words(zh="已拒绝", en="denied"),
    "access.deferred": Words(zh="已转待办", en="deferred"),
    "access.local": Words(zh="本地办理", en="served locally"),
    "centre.disclosed": Words(zh="中心已提供，节点未报送", en="disclosed, not reported by the node"),
}


class OwnAccess(msgspec.Struct, frozen=True, kw_only=True):
    """One access as the person it is about sees it; `matter` and `outcome` are Chinese words."""

    origin: str
    index: int
    node: str
    node_name: str
    window: str
    actor: str
    role: str
    occurred_ms: int
    clock: int
    arrived_ms: int
    matter_code: str
    matter: str
    matter_en: str
    purpose: str
    basis: str
    relationship: str
    mode: str
    as_of_ms: int
    outcome: str
    outcome_en: str
    verified: str


class OwnView(msgspec.Struct, frozen=True, kw_only=True):
    """Who saw a person; `unreported` names halls that may still hold reads."""

    accesses: tuple[OwnAccess, ...]
    unreported: tuple[str, ...]


class _Context(msgspec.Struct, frozen=True):
    """What every row needs beside itself."""

    names: dict[str, str]
    signed: dict[str, int]
    leaves: dict[tuple[str, int], bytes]


async def trail(centre: Centre, admin: AdminSession, query: TrailQuery) -> TrailPage | Refusal:
    """One page of accesses, newest first; the search is durable on our own ledger before they are read."""
    require(admin.role, "trail.search")
    refusal = _objection(query, centre.now_ms())
    if refusal is not None:
        return refusal
    recorded = await own_ledger.act(centre, _reading(centre, admin, query))
    asked = _search(centre, query)
    found, unreported = await _rows(centre, asked)
    more = found[-1] if len(found) >= asked.limit else None
    following = f"{more.occurred_ms}|{more.origin}|{more.index}" if more else ""
    return TrailPage(rows=tuple(found), unreported=unreported, recorded=recorded, next=following)


async def subject_view(
    centre: Centre, admin: AdminSession, number: str, purpose: str
) -> SubjectView | Refusal:
    """Who saw one person, as that person would see it; recorded like a search."""
    query = TrailQuery(subject_number=number, purpose=purpose, limit=OWN_ROWS)
    page = await trail(centre, admin, query)
    if isinstance(page, Refusal):
        return page
    return SubjectView(rows=page.rows, unreported=page.unreported, as_of_ms=centre.now_ms())


async def own_accesses(centre: Centre, number: str) -> OwnView:
    """Who saw this person, for the person at a window (the disclosure of it is recorded by the caller)."""
    found, unreported = await _rows(centre, Search(subject_ref=centre.keys.ref(number), limit=OWN_ROWS))
    return OwnView(
        accesses=tuple(_own(row) for row in found), unreported=tuple(node.name for node in unreported)
    )


def _own(row: AccessRow) -> OwnAccess:
    words: dict[str, Any] = {
        "matter_code": row.matter,
        "matter": row.matter_words.zh,
        "matter_en": row.matter_words.en,
        "outcome": row.outcome_words.zh,
        "outcome_en": row.outcome_words.en,
    }
    same = {name: getattr(row, name) for name in OwnAccess.__struct_fields__ if name not in words}
    return OwnAccess(**same, **words)


def _objection(query: TrailQuery, now_ms: int) -> Refusal | None:
    number = query.subject_number
    if number is not None and len(query.purpose.strip()) < PURPOSE_CHARACTERS_MIN:
        return Refusal(
            code="purpose-missing",
            message=Words(
                zh=f"按号码检索须写明目的，不少于 {PURPOSE_CHARACTERS_MIN} 个字。",
                en=f"a search by number needs a purpose of {PURPOSE_CHARACTERS_MIN} characters or more",
            ),
            rule="个人信息保护法 第六条",
            next=Words(
                zh="填写案由、文号等目的后重新检索。", en="State the reason and its reference, then search."
            ),
        )
    return _no_such_number(plain(number), china_day(now_ms)) if number is not None else None


def _no_such_number(number: str, today: date) -> Refusal | None:
    """A number nobody can have is a slip of the pen; an empty result would hide it."""
    if len(number) > NUMBER_CHARACTERS_MAX:
        number = ""
    person = resident_number(number, today)
    if isinstance(person, Refusal) and isinstance(uscc(number), Refusal):
        return person
    return None


def _reading(centre: Centre, admin: AdminSession, query: TrailQuery) -> Draft:
    """The entry of a search: who, why, about whom (a reference), and the other terms in its sealed detail."""
    terms = msgspec.structs.replace(query, subject_number=None)
    return drafted(
        admin,
        "admin.read",
        "trail",
        msgspec.json.encode(terms).decode(),
        ref=centre.keys.ref(plain(query.subject_number)) if query.subject_number else b"",
        purpose=query.purpose,
    )


def _search(centre: Centre, query: TrailQuery) -> Search:
    before = query.before.split("|") if query.before else []
    return Search(
        subject_ref=centre.keys.ref(plain(query.subject_number)) if query.subject_number else None,
        actor=query.actor,
        node=query.node,
        since_ms=query.since_ms,
        until_ms=query.until_ms,
        mode=query.mode,
        outcome=query.outcome,
        before=(int(before[0]), before[1], int(before[2])) if _paged(before) else None,
        limit=max(1, min(query.limit, LIMIT_MAX)),
    )


def _paged(parts: list[str]) -> bool:
    return (
        len(parts) == len(("occurred", "origin", "index")) and parts[0].isdecimal() and parts[2].isdecimal()
    )


async def _rows(centre: Centre, asked: Search) -> tuple[list[AccessRow], tuple[NodeRow, ...]]:
    """Rows of the search with what stands beside them, and the nodes that have not reported lately."""
    async with centre.store.reading() as tx:
        found = await rows.search(tx, asked)
        single = asked.mode in {"", "online"} and asked.outcome in {"", "disclosed"} and not asked.before
        ours = await own_ledger.origins(centre, tx)
        lonely = await rows.lonely_disclosures(tx, asked, ours) if single else []
        places = [(one.access.origin, one.access.idx, one.access.occurred_ms) for one in found]
        origins = {place[0] for place in places}
        context = _Context(
            names={node.node: node.name for node in await nodes.nodes(tx)},
            signed={origin: (await ledger.head(tx, origin)).countersigned for origin in origins},
            leaves=await rows.bodies(tx, places),
        )
    shown = [_access(centre, one, context) for one in found]
    shown += [_disclosure(centre, one, origin, context) for one, origin in lonely]
    shown.sort(key=lambda row: (row.occurred_ms, row.origin, row.index), reverse=True)
    return shown[: asked.limit], await fleet.unreported(centre, asked.node)


def _access(centre: Centre, found: Found, context: _Context) -> AccessRow:
    one = found.access
    name = by_number(one.kind).name
    return AccessRow(
        origin=one.origin,
        index=one.idx,
        node=one.node,
        node_name=context.names.get(one.node, one.node),
        occurred_ms=one.occurred_ms,
        clock=one.clock,
        arrived_ms=one.arrived_ms,
        actor=one.actor,
        role=one.role,
        window=one.desk,
        subject=one.subject_ref.hex()[:8],
        matter=one.matter,
        matter_words=matter_words(centre, one.matter),
        object=one.object,
        purpose=one.purpose,
        basis=one.basis,
        relationship=one.relationship,
        presence=one.presence,
        mode=one.mode,
        as_of_ms=one.as_of_ms,
        outcome=one.outcome,
        outcome_words=OUTCOMES.get(name, Words(zh=one.outcome, en=one.outcome)),
        kind=name,
        verified=_verified(found, context),
        leaf_hash=found.leaf_hash,
        paired=_paired(found),
        report_serial=found.serial,
    )


def _verified(found: Found, context: _Context) -> Verified:
    """Hash the stored leaf again, and ask whether it lies under a countersigned root."""
    place = found.access.origin, found.access.idx
    if leaf_hash(context.leaves.get(place, b"")) != found.leaf_hash:
        return "broken"
    return "countersigned" if found.access.idx < context.signed.get(found.access.origin, 0) else "arrived"


def _paired(found: Found) -> Paired:
    if found.access.mode != "online" or found.access.kind != kind("access.answered").number:
        return ""
    return "both" if found.disclosed else "shown only"


def _disclosure(centre: Centre, one: Disclosure, origin: str, context: _Context) -> AccessRow:
    """What only the centre's ledger shows: given to a node whose own entry has not arrived."""
    return AccessRow(
        origin=origin,
        index=one.centre_idx,
        node=one.node,
        node_name=context.names.get(one.node, one.node),
        occurred_ms=one.occurred_ms,
        clock=0,
        arrived_ms=one.occurred_ms,
        actor=one.actor,
        role="",
        window=one.desk,
        subject=one.subject_ref.hex()[:8],
        matter=one.matter,
        matter_words=matter_words(centre, one.matter),
        object=one.request_id,
        purpose=one.purpose,
        basis=one.basis,
        relationship="",
        presence="",
        mode="online",
        as_of_ms=one.occurred_ms,
        outcome="disclosed",
        outcome_words=OUTCOMES["centre.disclosed"],
        kind="centre.disclosed",
        verified="arrived",
        leaf_hash=one.leaf_hash,
        paired="disclosed only",
        report_serial="",
    )


def matter_words(centre: Centre, code: str) -> Words:
    """A matter's title; an unknown one stays its code."""
    found = centre.catalogue.get(code)
    return found.title if found else Words(zh=code, en=code)


async def proof(centre: Centre, admin: AdminSession, origin: str, index: int) -> Proof:
    """The evidence of one entry, checked again now: leaf, path, countersigned checkpoint. Raises NotFound."""
    require(admin.role, "trail.proof")
    async with centre.store.reading() as tx:
        entry = await rows.entry(tx, origin, index)
        if entry is None:
            raise NotFound("没有这条台账条目。", "there is no such entry")
        over = await ledger.checkpoint_over(tx, origin, index)
        head = await ledger.head(tx, origin)
        path = await _path(tx, origin, index, head.size, over)
        beside = await rows.entries(tx, origin, max(0, index - NEIGHBOURS), index + NEIGHBOURS + 1)
        identity = await nodes.identity(tx, origin)
    trusted = {centre.origin: centre.keys.signing.public}
    if identity is not None:
        trusted[origin] = identity.signing
    reason = _flaw(entry, index, path, over, trusted)
    return _proof(origin, entry, path, over, reason, beside)


async def _path(tx: Tx, origin: str, index: int, size: int, over: CheckpointKept | None) -> list[bytes]:
    if over is None:
        return []
    end = over.size

    def question(tiles: TileSource) -> list[bytes]:
        return inclusion(tiles, index, end)

    return await ledger.over_tiles(tx, origin, size, question)


def _flaw(
    entry: EntryKept, index: int, path: list[bytes], over: CheckpointKept | None, trusted: dict[str, bytes]
) -> Words | None:
    """Why the proof does not hold, None when it does."""
    if leaf_hash(entry.leaf) != entry.leaf_hash:
        return Words(zh="存储的条目与其哈希不符", en="the stored entry does not hash to its leaf hash")
    if over is None:
        return Words(zh="已到达，尚未会签", en="arrived, not countersigned yet")
    try:
        parsed, _ = parse_leaf(entry.leaf)
        signed = open_note(over.note, trusted)
        check_inclusion(entry.leaf_hash, index, over.size, path, signed.root)
    except SyncError as error:
        return Words(zh=f"证明不成立（{error.code}）", en=f"the proof does not hold ({error.code})")
    if parsed.index != index or signed.size != over.size or set(signed.signers) != set(trusted):
        return Words(zh="检查点与条目不符", en="checkpoint and entry do not belong together")
    return None


def _proof(
    origin: str,
    entry: EntryKept,
    path: list[bytes],
    over: CheckpointKept | None,
    flaw: Words | None,
    beside: list[EntryKept],
) -> Proof:
    row = by_number(entry.kind)
    return Proof(
        origin=origin,
        index=entry.idx,
        kind=row.name,
        words=Words(zh=row.words[0], en=row.words[1]),
        leaf=entry.leaf,
        leaf_hash=entry.leaf_hash,
        hashes=tuple(path),
        size=over.size if over else 0,
        root=over.root if over else b"",
        checkpoint=over.note.decode("utf-8", "replace") if over else "",
        countersigned_ms=over.signed_ms if over else None,
        occurred_ms=entry.occurred_ms,
        arrived_ms=entry.arrived_ms,
        holds=flaw is None,
        reason=flaw or Words(zh="证明成立，根一致", en="the proof holds"),
        neighbours=tuple(
            Neighbour(
                index=one.idx,
                words=Words(zh=by_number(one.kind).words[0], en=by_number(one.kind).words[1]),
                occurred_ms=one.occurred_ms,
                leaf_hash=one.leaf_hash,
            )
            for one in beside
        ),
    )
