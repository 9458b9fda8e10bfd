"""Quota without contact (protocol 9): rights granted ahead, and what was spent settled when it arrives.

Two free reports a calendar year are a person's, not a hall's: halls without contact may each give the second
one. The first to arrive keeps its word; a later one is corrected by a letter: a fee due, or one to give back.
A hall may give units away offline only under a grant; at each exchange it is topped up to the level an
administrator set. A grant nobody knows, of another node, or spent beyond its units is a finding.
"""

import secrets
from collections.abc import Sequence

import msgspec

from central.actions import findings, mailbox, restored
from central.actions.centre import AdminSession, Centre
from central.actions.mailbox import Draft
from central.actions.own_ledger import Draft as Entry
from central.actions.own_ledger import drafted, record
from central.errors import NotFound
from central.security.permissions import require
from central.store import fleet, quota, records
from central.store.database import Tx
from central.store.fleet import Identity
from central.store.quota import GivenBack, Granted, Level, Spent
from matters.calendar import china_day
from matters.model import Refusal, Words
from matters.quota import QuotaRule, spend
from sync.messages.directives import whose

UNITS_MAX = 10_000
DAYS_MAX = 366
DAY_MS = 86_400_000


class LevelRow(msgspec.Struct, frozen=True, kw_only=True):
    """How a node stands with one matter: its level, and what is out as far as entries arrived."""

    node: str
    node_name: str
    matter: str
    matter_words: Words
    units: int
    days: int
    left: int
    next_end_ms: int


async def settle(centre: Centre, tx: Tx, spent: Sequence[Spent]) -> list[Draft]:
    """Settle these, in the transaction of their entries; the letters that correct what the node took."""
    for person in sorted({(one.subject_ref, one.matter, one.year) for one in spent}):
        await quota.lock(tx, *person)
    letters: list[Draft] = []
    for one in spent:
        matter = centre.catalogue[one.matter]
        assert matter.quota is not None  # `effects._spent` rejected the others
        row, correction = await _settled(tx, one, matter.quota)
        await quota.add(tx, row)
        if one.grant_id:
            await _judge(centre, tx, row)
        if correction:
            letters.append(_letter(row, correction))
    await records.touch_later(tx, [(one.subject_ref, one.origin, one.idx) for one in spent])
    return letters


async def _settled(tx: Tx, one: Spent, rule: QuotaRule) -> tuple[Spent, int]:
    """The row with the fee that was due, and what the node has to correct."""
    if one.units < 0:
        return one, 0
    used = max(0, await quota.used(tx, one.subject_ref, one.matter, one.year))
    due = spend(rule, used, china_day(min(one.occurred_ms, one.settled_ms))).fee_cents
    taken = 0 if one.said_free else rule.fee_cents
    return msgspec.structs.replace(one, fee_cents=due), due - taken


def _letter(row: Spent, correction: int) -> Draft:
    note = "本年度免费次数已在别处用完" if correction > 0 else "本次仍属免费次数"
    body = {"origin": row.origin, "index": row.idx, "fee_cents": correction, "note": note}
    return "quota.settled", {**body, "whose": whose(row.subject_ref)}


async def _judge(centre: Centre, tx: Tx, row: Spent) -> None:
    """A unit was spent under a grant: it must be one of this node, in time and within its units.

    One that a restored centre does not know may be of the hours it lost, also while its officers have not
    spoken yet: that is no fault of the hall. An entry that is later than its arrival was numbered behind
    those of a clock that ran ahead: of the time it says nothing.
    """
    given = await quota.granted(tx, row.grant_id)
    if given is None and (await restored.began_ms(tx) or await restored.waits(centre, tx)):
        zh, en = "本中心没有记录，可能在恢复前签发", "not on record, perhaps of the hours this centre lost"
        await _found(centre, tx, row, zh, en, code="grant-forgotten", owner="centre")
    elif given is None or given.node != row.node or given.matter != row.matter:
        await _found(centre, tx, row, "不属于本厅", "of another node, or nobody's")
    elif given.expires_ms < row.occurred_ms <= row.settled_ms:
        await _found(centre, tx, row, "使用时已过期", "used after its end")
    elif await quota.spent_under(tx, row.grant_id) > given.units:
        await _found(centre, tx, row, "使用超出份数", "used beyond its units")


async def _found(
    centre: Centre, tx: Tx, row: Spent, zh: str, en: str, *, code: str = "grant-misused", owner: str = "hall"
) -> None:
    day = china_day(row.occurred_ms).isoformat()
    one = findings.new_finding(
        centre,
        row.origin,
        day=day,
        code=code,
        about=f"{row.grant_id} entry {row.idx}",
        words=Words(zh=f"离线免费额度 {row.grant_id} {zh}", en=f"grant {row.grant_id} {en}"),
        owner=owner,
    )
    await findings.raised(centre, tx, one)


async def take_back(tx: Tx, given_back: Sequence[GivenBack]) -> None:
    """Grants that ended at their node, in the transaction of its entries."""
    for one in given_back:
        await quota.end(tx, one.grant_id, "returned")


async def top_up(centre: Centre, identity: Identity) -> int:
    """Bring a node to its levels; how many grants were given, durable with their letters.

    What lasts less than half its days counts as gone already: a hall that comes seldom always has half the
    days before it, and never holds more than twice its level. What earlier incarnations hold counts as spent.
    """
    async with centre.store.transaction() as tx:
        wanted = await quota.levels(tx, identity.node)
        assumed = await quota.assume_spent(tx, identity.node, identity.origin) if wanted else 0
        if assumed:
            about = f"quota of {identity.node}: {assumed} grants counted as spent"
            await record(centre, tx, Entry(kind="mark", actor="centre", object=about))
        return sum([await _to_level(centre, tx, identity, level) for level in wanted])


async def _to_level(centre: Centre, tx: Tx, identity: Identity, level: Level) -> int:
    now_ms = centre.now_ms()
    out = await quota.outstanding(tx, now_ms, now_ms + level.days * DAY_MS // 2, identity.node)
    lasting = sum(max(0, one.lasting) for one in out if one.matter == level.matter)
    if 2 * lasting > level.units or level.units == 0:
        return 0
    given = Granted(
        origin=identity.origin,
        grant_id=f"{identity.node}-g-{secrets.token_hex(5)}",
        node=identity.node,
        matter=level.matter,
        units=level.units - lasting,
        granted_ms=now_ms,
        expires_ms=now_ms + level.days * DAY_MS,
    )
    await quota.grant(tx, given)
    body = {
        "grant": given.grant_id,
        "origin": given.origin,
        "matter": given.matter,
        "units": given.units,
        "expires_ms": given.expires_ms,
    }
    await mailbox.post(centre, tx, given.origin, [("quota.granted", body)])
    about = f"quota {given.grant_id} {given.matter} {given.units}"
    await record(centre, tx, Entry(kind="mark", actor="centre", object=about))
    return 1


async def set_level(
    centre: Centre, admin: AdminSession, node: str, matter: str, units: int, days: int
) -> Refusal | None:
    """Keep a node at `units` of a matter from its next exchange on, each grant good for `days`; 0 ends it.

    Durable when it returns, with an entry on our ledger. Raises NotFound for a node nobody created.
    """
    require(admin.role, "quota.grant")
    found = centre.catalogue.get(matter)
    if found is None or found.quota is None or found.offline != "cached":
        return _no(
            "该事项没有可离线给出的免费次数。", "this matter has no free units that may be given offline"
        )
    if not 0 <= units <= UNITS_MAX or not 1 <= days <= DAYS_MAX:
        return _no(
            f"份数须为 0 至 {UNITS_MAX}，有效期须为 1 至 {DAYS_MAX} 天。",
            f"0 to {UNITS_MAX} units, 1 to {DAYS_MAX} days",
        )
    async with centre.store.transaction() as tx:
        if await fleet.node(tx, node) is None:
            raise NotFound("没有这个节点。", "there is no such node")
        await quota.set_level(tx, Level(node=node, matter=matter, units=units, days=days))
        draft = drafted(admin, "admin.changed", f"quota {node} {matter} {units} units {days} days")
        await record(centre, tx, draft)
    return None


def _no(zh: str, en: str) -> Refusal:
    return Refusal(
        code="quota-level",
        message=Words(zh=zh, en=en),
        rule="离线免费额度（protocol.md 9）",
        next=Words(zh="请更正后重新提交，未作改动。", en="Correct it and submit again; nothing was changed."),
    )


async def standing(centre: Centre) -> tuple[LevelRow, ...]:
    """Every node with every matter that may have a level, as it stands now."""
    now_ms = centre.now_ms()
    matters = [one for one in centre.catalogue.values() if one.quota is not None and one.offline == "cached"]
    async with centre.store.reading() as tx:
        kept = {(one.node, one.matter): one for one in await quota.levels(tx)}
        out = {(one.node, one.matter): one for one in await quota.outstanding(tx, now_ms, now_ms)}
        known = await fleet.nodes(tx)
    return tuple(
        _row(node.node, node.name, matter.code, matter.title, kept, out)
        for node in known
        for matter in matters
    )


def _row(
    node: str,
    name: str,
    matter: str,
    words: Words,
    kept: dict[tuple[str, str], Level],
    out: dict[tuple[str, str], quota.Outstanding],
) -> LevelRow:
    level, left = kept.get((node, matter)), out.get((node, matter))
    return LevelRow(
        node=node,
        node_name=name,
        matter=matter,
        matter_words=words,
        units=level.units if level else 0,
        days=level.days if level else 0,
        left=left.units if left else 0,
        next_end_ms=left.next_end_ms if left else 0,
    )
