"""Reconciliation of a day: the centre recounts from its own copy and compares; differences become findings.

1  read      the node's newest closing of the day; entries, reports, papers, cases, pairs of that day
2  compare   `differences.py`, pure
3  keep      each new difference: a finding, an entry on our ledger, a letter to the hall; one transaction
a node
"""

from datetime import date, timedelta

import msgspec

from central.actions.centre import Centre
from central.actions.differences import CODES, COUNTED, Day, by_name, differences
from central.actions.findings import corrected, finding_row, new_finding, raised
from central.actions.views import DayCount, DayNode, FindingRow, Heat, HeatRow, Reconciliation
from central.errors import UsageInvalid
from central.store import fleet as nodes
from central.store import reconciling
from central.store.database import Tx
from central.store.effects import DayTotal
from central.store.fleet import Identity
from matters.calendar import china_day, china_ms
from matters.model import Words
from sync.messages.registry import kind

DAY_MS = 86_400_000
HEAT_DAYS_MAX = 92
_ANSWERED = kind("access.answered").number


def bounds(day: date) -> tuple[int, int]:
    """First and last (exclusive) Unix millisecond of a day in China."""
    low = china_ms(day.isoformat())
    return low, low + DAY_MS


def parse_day(text: str) -> date:
    """A day from its text; raises UsageInvalid."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageInvalid("日期应写作 2026-11-21。", "a day is written 2026-11-21") from error


async def reconcile(centre: Centre, day: date | str) -> Reconciliation:
    """Reconcile one day of every enrolled node; new findings are durable and in the halls' mailboxes.

    Doing it again finds nothing twice.
    """
    when = parse_day(day) if isinstance(day, str) else day
    async with centre.store.reading() as tx:
        names = {one.node: one.name for one in await nodes.nodes(tx)}
        identities = await nodes.identities(tx)
    lives: dict[str, list[Identity]] = {}
    for one in identities:
        lives.setdefault(one.node, []).append(one)
    judged = [
        await _node(centre, one, lives[one.node], names.get(one.node, one.node), when) for one in identities
    ]
    return Reconciliation(day=when.isoformat(), nodes=tuple(judged))


async def _node(centre: Centre, identity: Identity, lives: list[Identity], name: str, day: date) -> DayNode:
    """One ledger's day; `lives` are all incarnations of its node, oldest first."""
    async with centre.store.transaction() as tx:
        held = await _read(tx, identity, lives, day)
        now = [
            new_finding(
                centre,
                identity.origin,
                day=day.isoformat(),
                code=one.code,
                about=one.about,
                words=one.words,
                owner=one.owner,
            )
            for one in differences(held)
        ]
        for one in now:
            await raised(centre, tx, one)
        await _gone(centre, tx, identity, day, {one.finding for one in now})
        found = [
            finding_row(one, name)
            for one in await reconciling.findings(tx, node=identity.node, day=day.isoformat())
            if one.origin == identity.origin and one.state == "open"
        ]
    return _day_node(identity, name, held, found)


async def _gone(centre: Centre, tx: Tx, identity: Identity, day: date, now: set[str]) -> None:
    """Close what an earlier recount found and this one does not: the hall corrected it."""
    for one in await reconciling.findings(tx, node=identity.node, state="open", day=day.isoformat()):
        if one.origin == identity.origin and one.code in CODES and one.finding not in now:
            await corrected(centre, tx, one)


async def _read(tx: Tx, identity: Identity, lives: list[Identity], day: date) -> Day:
    """Step 1. Numbered sheets are the node's: they are read for its newest incarnation of that day."""
    low, high = bounds(day)
    origin, origins = identity.origin, [one.origin for one in lives]
    said = await reconciling.day_totals(tx, origin, origins, day.isoformat())
    last = await reconciling.last_closing(tx, origins, day.isoformat())
    everything = by_name(await reconciling.kinds_between(tx, origin, low, high))
    unsaid = await _since(tx, origin, low, high, said)
    late = await _since(tx, origin, low, high, last)
    reports = await reconciling.reports_between(tx, origin, low, high)
    newest = [one for one in lives if one.enrolled_ms < high][-1:]
    blanks = await reconciling.blanks(tx, origins, low, high) if newest == [identity] else []
    cases = [whole.report.case_no for whole in reports if whole.report.case_no]
    return Day(
        day=day.isoformat(),
        said=_kinds(said) if said else None,
        closed=last is not None,
        recount={name: many - unsaid.get(name, 0) for name, many in everything.items()},
        late={name: late.get(name, 0) for name in COUNTED},
        reports=reports,
        stray=await reconciling.stray_papers(tx, origin, origins, low, high),
        cases=await reconciling.cases_of(tx, origins, cases),
        answered=frozenset(await reconciling.answered_cases(tx, origins, cases, [_ANSWERED])),
        shown_only=await reconciling.shown_only(tx, origin, low, high),
        disclosed_only=await reconciling.disclosed_only(tx, origin, low, high),
        purposeless=await reconciling.purposeless(tx, origin, low, high),
        blanks=blanks,
        sheets=await reconciling.sheets_used(tx, origins, blanks[0].occurred_ms, high) if blanks else (),
    )


async def _since(tx: Tx, origin: str, low: int, high: int, closing: DayTotal | None) -> dict[str, int]:
    """Entries of a ledger after a closing: after its place, or after its time when it stands elsewhere."""
    if closing is None:
        return {}
    if closing.origin == origin:
        return by_name(await reconciling.kinds_after(tx, origin, low, high, closing.idx))
    return by_name(await reconciling.kinds_between(tx, origin, max(low, closing.closed_ms + 1), high))


def _kinds(said: DayTotal) -> dict[str, int]:
    """The node's own counts by kind name; whatever else it totalled is kept but not compared here."""
    totals = msgspec.json.decode(said.totals, type=dict[str, object])
    kinds = totals.get("kinds")
    if not isinstance(kinds, dict):
        return {}
    return {name: many for name, many in kinds.items() if isinstance(many, int)}


def _day_node(identity: Identity, name: str, held: Day, found: list[FindingRow]) -> DayNode:
    counts = tuple(
        DayCount(
            key=key,
            words=Words(zh=kind(key).words[0], en=kind(key).words[1]),
            node=None if held.said is None else held.said.get(key, 0),
            centre=held.recount.get(key, 0),
        )
        for key in COUNTED
    )
    idle = not any(count.centre for count in counts)
    return DayNode(
        origin=identity.origin,
        node=identity.node,
        node_name=name,
        closed=held.closed,
        matched=not found and (held.closed or idle),
        counts=counts,
        findings=tuple(found),
    )


async def heat(centre: Centre, days: int = 28) -> Heat:
    """Days × nodes.

    Matched, open (findings), missing (worked and not closed), or idle; nothing is changed.
    """
    many = max(1, min(days, HEAT_DAYS_MAX))
    last = china_day(centre.now_ms())
    shown = [last - timedelta(days=back) for back in range(many - 1, -1, -1)]
    low, high = bounds(shown[0])[0], bounds(shown[-1])[1]
    async with centre.store.reading() as tx:
        names = {one.node: one.name for one in await nodes.nodes(tx)}
        identities = await nodes.identities(tx)
        closed = await reconciling.closed_days(tx, shown[0].isoformat())
        active = await reconciling.active_days(tx, low, high, DAY_MS)
        found = await reconciling.findings(tx, state="open", limit=10_000)
    troubled = {(one.origin, one.day) for one in found}
    rows = [
        HeatRow(
            node=one.node,
            node_name=names.get(one.node, one.node),
            cells=tuple(
                _judged(one, day.isoformat(), closed, troubled)
                or ("missing" if (one.origin, place) in active else "")
                for place, day in enumerate(shown)
            ),
        )
        for one in identities
    ]
    return Heat(days=tuple(day.isoformat() for day in shown), rows=tuple(rows))


def _judged(
    identity: Identity, day: str, closed: set[tuple[str, str]], troubled: set[tuple[str, str]]
) -> str:
    if (identity.origin, day) in troubled:
        return "open"
    return "matched" if (identity.node, day) in closed else ""
