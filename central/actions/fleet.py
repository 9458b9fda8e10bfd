"""The fleet: contact, data and health of every node as three facts, those that need a person first."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from central.actions import offers
from central.actions.centre import Centre
from central.actions.findings import finding_row
from central.actions.views import (
    CheckpointRow,
    ContactRow,
    CountRow,
    DirectiveRow,
    LeaseRow,
    NodeRow,
    NodeState,
    NodeView,
    RejectedRow,
    ReleaseRow,
    StaffRow,
    Totals,
)
from central.errors import NotFound
from central.store import contacts, effects, ledger, people, reconciling, records
from central.store import fleet as nodes
from central.store import trail as rows
from central.store.contacts import Contact, LeaseKept
from central.store.database import Tx
from central.store.fleet import Identity, NodeKept
from central.store.ledger import Head
from matters.calendar import CHINA
from matters.freshness import age_words
from matters.model import Words
from sync.messages.directives import DIRECTIVES
from sync.messages.registry import by_number

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
OK_MS = 10 * 60_000
"""Contact younger than this is "ok"; a node exchanges every 30 s or so while its line is up."""
SILENT_MS = {"hall": 24 * HOUR_MS, "bus": 72 * HOUR_MS}
"""Without contact for longer than this is not this kind of node's pattern."""
LAG_HOURS = 24
_ORDER: dict[NodeState, int] = {"silent": 0, "revoked": 1, "away": 2, "new": 3, "ok": 4}


class _Known(msgspec.Struct, frozen=True):
    """Everything the list needs of all nodes, read once."""

    identities: dict[str, Identity]
    last: dict[str, Contact]
    heads: dict[str, Head]
    lease_ends: dict[str, int]
    lag: dict[str, dict[int, int]]
    findings: dict[str, int]


async def _read(centre: Centre, tx: Tx) -> _Known:
    since_ms = centre.now_ms() - LAG_HOURS * HOUR_MS
    return _Known(
        {one.node: one for one in await nodes.identities(tx)},
        await contacts.last_contacts(tx),
        await ledger.heads(tx),
        await contacts.lease_ends(tx, "detail"),  # the strongest capability: the one people notice first
        await contacts.hourly(tx, since_ms, HOUR_MS),
        await reconciling.open_findings(tx),
    )


async def fleet(centre: Centre) -> tuple[NodeRow, ...]:
    """Every node, those with findings or silence first."""
    async with centre.store.reading() as tx:
        known = await _read(centre, tx)
        found = [_row(centre, node, known) for node in await nodes.nodes(tx)]
    return tuple(sorted(found, key=lambda row: (_ORDER[row.state] + (0 if row.findings else 5), row.node)))


def totals(rows: Sequence[NodeRow]) -> Totals:
    """The figures above the list."""
    return Totals(
        nodes=len(rows),
        halls=sum(row.kind == "hall" for row in rows),
        buses=sum(row.kind == "bus" for row in rows),
        away=sum(row.state in {"away", "silent"} for row in rows),
        silent=sum(row.state == "silent" for row in rows),
        pending=sum(row.pending or 0 for row in rows),
        findings=sum(row.findings for row in rows),
    )


async def unreported(centre: Centre, node: str = "") -> tuple[NodeRow, ...]:
    """Nodes whose newest reads may still be missing here: enrolled, and not in contact now."""
    return tuple(
        row
        for row in await fleet(centre)
        if row.origin and row.state != "ok" and (not node or row.node == node)
    )


def _row(centre: Centre, node: NodeKept, known: _Known) -> NodeRow:
    identity = known.identities.get(node.node)
    origin = identity.origin if identity else ""
    last, head = known.last.get(origin), known.heads.get(origin)
    state, reason = _state(centre, node, identity, last, head)
    return NodeRow(
        node=node.node,
        name=node.name,
        kind="bus" if node.kind == "bus" else "hall",
        region=node.region,
        origin=origin,
        last_contact_ms=last.at_ms if last else None,
        pending=last.pending if last else None,
        size=head.size if head else 0,
        countersigned=head.countersigned if head else 0,
        state=state,
        reason=reason,
        lease_not_after_ms=known.lease_ends.get(origin),
        findings=known.findings.get(node.node, 0),
        lag=_lag(known.lag.get(origin, {}), last),
    )


def _state(
    centre: Centre, node: NodeKept, identity: Identity | None, last: Contact | None, head: Head | None
) -> tuple[NodeState, Words]:
    """Silence is measured against this kind of node's own pattern."""
    if identity is None:
        return "new", Words(zh="尚未注册", en="not enrolled yet")
    if identity.revoked_ms is not None:
        return "revoked", Words(
            zh=f"已吊销：{identity.revoked_reason}", en=f"revoked: {identity.revoked_reason}"
        )
    if head is not None and head.frozen:
        return "silent", Words(zh=f"台账停收：{head.frozen}", en=f"ledger frozen: {head.frozen}")
    if last is None:
        return "new", Words(zh="已注册，尚未交换", en="enrolled, no exchange yet")
    return _contact_state(centre, node, last)


def _contact_state(centre: Centre, node: NodeKept, last: Contact) -> tuple[NodeState, Words]:
    silence_ms = centre.now_ms() - last.at_ms
    ago = age_words(max(0, silence_ms) // 1000)
    if silence_ms <= OK_MS:
        return "ok", Words(zh="正常", en="in contact")
    if silence_ms > SILENT_MS.get(node.kind, DAY_MS):
        # A moment, not an age: it is kept as a finding and reads the same on another day.
        since = f"{datetime.fromtimestamp(last.at_ms / 1000, CHINA):%Y-%m-%d %H:%M}"
        return "silent", Words(zh=f"自 {since} 起静默，超出常态", en=f"silent since {since}")
    return "away", Words(zh=f"离线，在常态内，上次联系 {ago.zh}", en=f"away, last contact {ago.en}")


def _lag(hours: dict[int, int], last: Contact | None) -> tuple[int, ...]:
    """What waited, hour by hour; an hour without contact shows what waited in the one before."""
    if last is None:
        return ()
    lag: list[int] = []
    for hour in range(LAG_HOURS):
        lag.append(hours.get(hour, lag[-1] if lag else 0))
    return tuple(lag)


async def node(centre: Centre, name: str) -> NodeView:
    """Everything about one node. Raises NotFound."""
    async with centre.store.reading() as tx:
        kept = await nodes.node(tx, name)
        if kept is None:
            raise NotFound("没有这个节点。", "there is no such node")
        identity = await nodes.current(tx, name)
        known = await _read(centre, tx)
        row = _row(centre, kept, known)
        return await _view(centre, tx, kept, identity, row, known.last.get(row.origin))


async def _view(
    centre: Centre, tx: Tx, kept: NodeKept, identity: Identity | None, row: NodeRow, last: Contact | None
) -> NodeView:
    origin = identity.origin if identity else ""
    day_ago_ms = centre.now_ms() - DAY_MS
    found = await reconciling.findings(tx, node=kept.node)
    return NodeView(
        row=row,
        route=kept.route,
        scopes=await offers.scopes_of(centre, tx, kept),
        window_ms=kept.window_ms,
        certificate_not_after_ms=identity.not_after_ms if identity else None,
        signing_key=identity.signing if identity else b"",
        code_open=await nodes.open_code(tx, kept.node, centre.now_ms()),
        releases=await _releases(centre, tx, kept, last),
        leases=tuple(_lease(one) for one in await contacts.leases(tx, origin)),
        checkpoints=tuple(_checkpoint(one) for one in await ledger.checkpoints(tx, origin)),
        entries=_counts(await rows.counts(tx, origin)),
        contacts=tuple(_contact(one) for one in await contacts.contacts(tx, origin, day_ago_ms, 50)),
        statistics=tuple((name, str(value)) for name, value in sorted(last.statistics.items()))
        if last
        else (),
        findings=tuple(finding_row(one, kept.name) for one in found),
        directives=tuple(_directive(one) for one in await contacts.unseen(tx, origin)),
        rejected=tuple(
            RejectedRow(origin=one.origin, index=one.idx, reason=one.reason, at_ms=one.at_ms)
            for one in await effects.rejections(tx, origin, 0)
        ),
        staff=tuple(_staff(one) for one in await people.staff(tx, kept.node)),
    )


async def _releases(centre: Centre, tx: Tx, kept: NodeKept, last: Contact | None) -> tuple[ReleaseRow, ...]:
    said = last.needs if last else {}
    return tuple(
        ReleaseRow(
            scope=one.scope,
            version=one.version,
            held=said.get(one.scope),
            rows=one.rows,
            size=one.size,
            created_ms=one.created_ms,
            as_of_ms=one.as_of_ms,
        )
        for one in await records.releases(tx, await offers.scopes_of(centre, tx, kept))
    )


def _lease(one: LeaseKept) -> LeaseRow:
    return LeaseRow(
        capability=one.capability,
        scope=one.scope,
        not_before_ms=one.not_before_ms,
        not_after_ms=one.not_after_ms,
    )


def _checkpoint(one: ledger.CheckpointKept) -> CheckpointRow:
    return CheckpointRow(size=one.size, root=one.root, signed_ms=one.signed_ms, centre_index=one.centre_idx)


def _counts(found: dict[int, int]) -> tuple[CountRow, ...]:
    return tuple(
        CountRow(
            kind=by_number(number).name,
            words=Words(zh=by_number(number).words[0], en=by_number(number).words[1]),
            entries=many,
        )
        for number, many in sorted(found.items())
    )


def _contact(one: Contact) -> ContactRow:
    return ContactRow(
        at_ms=one.at_ms,
        carrier="courier" if one.carrier == "courier" else "network",
        entries=one.entries,
        bytes_up=one.bytes_up,
        pending=one.pending,
    )


_DIRECTIVE_WORDS = {row.kind: Words(zh=row.words[0], en=row.words[1]) for row in DIRECTIVES}


def _directive(one: contacts.Letter) -> DirectiveRow:
    words = _DIRECTIVE_WORDS.get(one.kind, Words(zh=one.kind, en=one.kind))
    return DirectiveRow(number=one.number, kind=one.kind, words=words, created_ms=one.created_ms)


def _staff(one: people.StaffKept) -> StaffRow:
    return StaffRow(
        node=one.node,
        staff=one.staff,
        name=one.name,
        role=one.role,
        permits=one.permits,
        valid=one.valid,
    )
