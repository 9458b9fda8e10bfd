"""Who held which subjects when: from the nodes' own ledgers and from what each version of a scope held.

A node's `pack.applied` entries say from when on it held a version, or nothing any more. What was released
and not yet reported as applied is named beside it, because it may be there. The list names references,
never persons; whether one person was among them is asked by number, with a purpose. Asking is an entry on
our ledger first.
"""

import msgspec

from central.actions.centre import AdminSession, Centre
from central.actions.own_ledger import drafted, record
from central.errors import NotFound
from central.security.permissions import require
from central.store import contacts, fleet, records, trips
from central.store.database import Tx
from central.store.trips import Applied
from matters.model import Refusal, Words
from sync.ledger.entry import Entry

VERSION_DIGITS_MAX = 18
PURPOSE_CHARACTERS_MIN = 10
LISTED_MAX = 200
"""References a page shows; the command lists all."""


class HeldScope(msgspec.Struct, frozen=True, kw_only=True):
    """One data set a node held: the version, since when (Unix ms), and its subjects' references."""

    scope: str
    version: int
    since_ms: int
    refs: tuple[str, ...]


class HeldAt(msgspec.Struct, frozen=True, kw_only=True):
    """What a node held at a moment (Unix ms).

    `reported_ms` is its newest contact: what it did after that is not known yet, and `offered` (scope,
    version) are newer versions that were out and that it has not reported. `asked`: was the subject among
    them.
    """

    node: str
    at_ms: int
    reported_ms: int | None
    scopes: tuple[HeldScope, ...]
    offered: tuple[tuple[str, int], ...]
    asked: bool | None = None

    @property
    def subjects(self) -> int:
        """How many different subjects."""
        return len({ref for scope in self.scopes for ref in scope.refs})


def said(origin: str, node: str, entry: Entry) -> list[Applied]:
    """What a `pack.applied` entry says of a scope; none where what is held stays as it is."""
    version = "0" if entry.outcome == "withdrawn" else entry.outcome.removeprefix("version-")
    if not (version.isascii() and version.isdecimal() and len(version) <= VERSION_DIGITS_MAX):
        return []
    return [
        Applied(
            origin=origin,
            idx=entry.index,
            node=node,
            scope=entry.object,
            version=int(version),
            occurred_ms=entry.hlc_ms,
        )
    ]


async def held_at(
    centre: Centre, admin: AdminSession, node: str, at_ms: int, *, number: str = "", purpose: str = ""
) -> HeldAt | Refusal:
    """Exactly which subjects a node held at a moment. The question is on our ledger before it is answered.

    With `number` (and a purpose of ten characters) also whether that person was among them. Raises NotFound.
    """
    require(admin.role, "held.read")
    if number and len(purpose.strip()) < PURPOSE_CHARACTERS_MIN:
        return _NO_PURPOSE
    ref = centre.keys.ref(number) if number else b""
    draft = drafted(
        admin,
        "admin.read",
        f"held {node} {at_ms}",
        purpose.strip(),
        ref=ref,
        purpose="held" if number else "",
    )
    async with centre.store.transaction() as tx:
        if await fleet.node(tx, node) is None:
            raise NotFound("没有这个节点。", "there is no such node")
        await record(centre, tx, draft)
    async with centre.store.reading() as tx:
        return await _read(tx, node, at_ms, ref)


async def _read(tx: Tx, node: str, at_ms: int, ref: bytes) -> HeldAt:
    scopes, asked = [], False
    applied = await trips.applied(tx, node, at_ms)
    staff = {one.scope for one in await records.scopes(tx) if one.data_class == "staff"}
    for one in applied:
        if one.scope in staff:
            continue
        refs = await trips.members(tx, one.scope, one.version)
        asked = asked or ref in refs
        scopes.append(
            HeldScope(
                scope=one.scope,
                version=one.version,
                since_ms=one.occurred_ms,
                refs=tuple(subject.hex() for subject in refs),
            )
        )
    identity = await fleet.current(tx, node)
    last = await contacts.contacts(tx, identity.origin, 0, 1) if identity else []
    return HeldAt(
        node=node,
        at_ms=at_ms,
        reported_ms=last[0].at_ms if last else None,
        scopes=tuple(scopes),
        offered=await _offered(tx, at_ms, {one.scope: one.version for one in applied}),
        asked=asked if ref else None,
    )


async def _offered(tx: Tx, at_ms: int, versions: dict[str, int]) -> tuple[tuple[str, int], ...]:
    """Newer versions of the same scopes that were out by then: on their way, or there and not reported."""
    newest = await records.newest_before(tx, list(versions), at_ms)
    return tuple((scope, version) for scope, version in newest if version > versions[scope])


_NO_PURPOSE = Refusal(
    code="purpose-missing",
    message=Words(
        zh=f"按证件号码查询须写明用途，不少于 {PURPOSE_CHARACTERS_MIN} 个字。",
        en=f"a question by number needs a purpose of {PURPOSE_CHARACTERS_MIN} characters or more",
    ),
    rule="审计查询",
    next=Words(zh="写明用途后重新提交。", en="State the purpose and submit again."),
)
