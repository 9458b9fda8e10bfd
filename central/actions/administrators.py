"""The three administrators and what they did: their own acts on the centre's ledger."""

from central.actions import own_ledger
from central.actions.centre import Centre
from central.actions.views import ActRow, AdministratorRow
from central.security.permissions import PERMISSIONS, ROLE_WORDS
from central.store import ledger, people, trail
from central.store.people import Administrator
from central.store.trail import EntryKept
from matters.model import Words
from sync.ledger.entry import parse_leaf
from sync.messages.registry import by_number, kind

ACTS = (
    "ledger.opened",
    "session.opened",
    "session.closed",
    "session.refused",
    "admin.read",
    "admin.changed",
    "finding.raised",
    "courier.exported",
    "courier.imported",
)


async def administrators(centre: Centre) -> tuple[AdministratorRow, ...]:
    """The administrators with the powers of their roles."""
    async with centre.store.reading() as tx:
        return tuple(_administrator(one) for one in await people.administrators(tx))


def _administrator(one: Administrator) -> AdministratorRow:
    words = ROLE_WORDS[one.role]
    powers = [row.words for row in PERMISSIONS if row.power and one.role in row.roles]
    return AdministratorRow(
        name=one.name,
        role=one.role,
        words=Words(zh=words[0], en=words[1]),
        must_change=one.must_change,
        signed_in_ms=one.signed_in_ms,
        powers=tuple(Words(zh=power[0], en=power[1]) for power in powers),
    )


async def acts(centre: Centre, limit: int = 200) -> tuple[ActRow, ...]:
    """What administrators did, newest first, from the centre's own ledger."""
    kinds = [kind(name).number for name in ACTS]
    async with centre.store.reading() as tx:
        found: list[ActRow] = []
        for origin in reversed(await own_ledger.origins(centre, tx)):
            signed = (await ledger.head(tx, origin)).countersigned
            rows = await trail.newest_of_kinds(tx, origin, kinds, limit - len(found))
            found += [_act(row, signed) for row in rows]
    return tuple(found)


def _act(row: EntryKept, signed: int) -> ActRow:
    entry, _ = parse_leaf(row.leaf)
    name = by_number(row.kind)
    return ActRow(
        index=row.idx,
        kind=name.name,
        words=Words(zh=name.words[0], en=name.words[1]),
        at_ms=row.occurred_ms,
        actor=entry.actor,
        role=entry.role,
        object=entry.object,
        purpose=entry.purpose,
        outcome=entry.outcome,
        leaf_hash=row.leaf_hash,
        signed=row.idx < signed,
    )
