"""Reconciliation of a day: the centre recounts from its own copy and compares; differences become findings.

1  read      the node's newest closing of the day; entries, reports, papers, cases, pairs of that day
2  compare   `differences.py`, pure
3  keep      each new difference: a finding, an entry on our ledger, a letter to the hall; one transaction
             a node

Which days are judged without anybody asking is decided from the store (`due`): a stick may bring a week.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from central.actions.centre import Centre
from central.actions.differences import CODES, COUNTED, Day, by_name, differences
from central.actions.findings import corrected, finding_row, new_finding, raised
from central.actions.views import DayCount, DayNode, FindingRow, Heat, HeatRow, Reconciliation
from central.errors import UsageInvalid
from central.store import fleet as nodes
from central.store import judged, ledger, reconciling
from central.store.database import Tx
from central.store.effects import DayTotal
from central.store.fleet import Identity
from central.store.judged import Judged
from matters.calendar import china_day, china_ms
from matters.model import Words
from sync.messages.registry import kind

DAY_MS = 86_400_000
AGAIN = timedelta(days=31)
"""Days as old as that are judged again while they have open findings, and at most so many at once."""
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


class _Life(msgspec.Struct, frozen=True, kw_only=True):
    """One ledger; `all` incarnations of its node, oldest first; `heard_ms` as `judged.heard` has it."""

    identity: Identity
    all: tuple[Identity, ...]
    name: str
    heard_ms: int | None

    def heard(self, high_ms: int, now_ms: int) -> bool:
        """Whether all this ledger holds of a day that ends then is here, as far as one can tell."""
        ended = self.identity != self.all[-1] or self.identity.revoked_ms is not None
        absent = high_ms > now_ms or self.identity.enrolled_ms >= high_ms
        return ended or absent or (self.heard_ms or 0) >= high_ms


async def _lives(tx: Tx) -> list[_Life]:
    names = {one.node: one.name for one in await nodes.nodes(tx)}
    known, heard = await nodes.identities(tx), await judged.heard(tx)
    every: dict[str, list[Identity]] = {}
    for one in known:
        every.setdefault(one.node, []).append(one)
    return [
        _Life(
            identity=one,
            all=tuple(every[one.node]),
            name=names.get(one.node, one.node),
            heard_ms=heard.get(one.origin),
        )
        for one in known
    ]


async def reconcile(centre: Centre, day: date | str) -> Reconciliation:
    """Reconcile one day of every enrolled node; new findings are durable and in the halls' mailboxes.

    Doing it again finds nothing twice.
    """
    when = parse_day(day) if isinstance(day, str) else day
    async with centre.store.reading() as tx:
        lives = await _lives(tx)
    return Reconciliation(
        day=when.isoformat(), nodes=tuple([await _node(centre, life, when) for life in lives])
    )


async def due(centre: Centre) -> int:
    """Reconcile what nobody reconciled since it came or ended; how many days, ledger by ledger.

    The store says what: days that ended, days of entries that came (today only once it is closed), and where
    anything did, days of the last month with open findings.
    """
    today, many = china_day(centre.now_ms()), 0
    async with centre.store.reading() as tx:
        lives = await _lives(tx)
        sizes = {origin: head.size for origin, head in (await ledger.heads(tx)).items()}
    for life in lives:
        now = Judged(origin=life.identity.origin, size=sizes[life.identity.origin], day=today.isoformat())
        async with centre.store.reading() as tx:
            before = await judged.judged(tx, now.origin)
            days = await _due(tx, life, before, today) if before != now else set()
        for day in sorted(days):
            await _node(centre, life, day)
        async with centre.store.transaction() as tx:
            await judged.keep(tx, now)
        many += len(days)
    return many


async def _due(tx: Tx, life: _Life, before: Judged | None, today: date) -> set[date]:
    origin = life.identity.origin
    days = await judged.days_from(tx, origin, before.size if before else 0)
    if not await reconciling.last_closing(tx, [one.origin for one in life.all], today.isoformat()):
        days.discard(today)
    ended = (today - parse_day(before.day)).days if before else 1
    days |= {today - timedelta(days=back) for back in range(1, min(ended, AGAIN.days) + 1)}
    open_days = await reconciling.open_days(tx, origin, (today - AGAIN).isoformat())
    return days | {day for day in map(parse_day, open_days) if day < today}


async def _node(centre: Centre, life: _Life, day: date) -> DayNode:
    identity = life.identity
    async with centre.store.transaction() as tx:
        size = (await ledger.head(tx, identity.origin)).size
        held = await _read(tx, identity, life.all, day, centre.now_ms())
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
        await judged.judge(tx, identity.origin, day.isoformat(), size)
        found = [
            finding_row(one, life.name)
            for one in await reconciling.findings(tx, node=identity.node, day=day.isoformat())
            if one.origin == identity.origin and one.state == "open"
        ]
    return _day_node(life, held, found, heard=life.heard(bounds(day)[1], centre.now_ms()))


async def _gone(centre: Centre, tx: Tx, identity: Identity, day: date, now: set[str]) -> None:
    """Close what an earlier recount found and this one does not: the hall corrected it."""
    for one in await reconciling.findings(tx, node=identity.node, state="open", day=day.isoformat()):
        if one.origin == identity.origin and one.code in CODES and one.finding not in now:
            await corrected(centre, tx, one)


async def _read(tx: Tx, identity: Identity, lives: Sequence[Identity], day: date, now_ms: int) -> Day:
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
        over=high <= now_ms,
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


def _day_node(life: _Life, held: Day, found: list[FindingRow], *, heard: bool) -> DayNode:
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
        origin=life.identity.origin,
        node=life.identity.node,
        node_name=life.name,
        closed=held.closed,
        heard=heard,
        heard_ms=life.heard_ms,
        matched=not found and (held.closed or (idle and heard)),
        counts=counts,
        findings=tuple(found),
    )


async def heat(centre: Centre, days: int = 28) -> Heat:
    """Days × nodes, each judged as `HeatRow` says; nothing is changed."""
    many = max(1, min(days, HEAT_DAYS_MAX))
    last = china_day(centre.now_ms())
    shown = [last - timedelta(days=back) for back in range(many - 1, -1, -1)]
    low, high = bounds(shown[0])[0], bounds(shown[-1])[1]
    async with centre.store.reading() as tx:
        lives = await _lives(tx)
        known = _Known(
            closed=await reconciling.closed_days(tx, shown[0].isoformat()),
            active=await reconciling.active_days(tx, low, high, DAY_MS),
            unjudged=await judged.unjudged(tx, low, high),
            troubled={
                (one.origin, one.day) for one in await reconciling.findings(tx, state="open", limit=10_000)
            },
            now_ms=centre.now_ms(),
        )
    rows = [
        HeatRow(
            node=life.identity.node,
            node_name=life.name,
            cells=tuple(_cell(life, place, day, known) for place, day in enumerate(shown)),
        )
        for life in lives
    ]
    return Heat(days=tuple(day.isoformat() for day in shown), rows=tuple(rows))


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the strip is judged by: (node, day) closed, (origin, place in the strip) active, (origin, day)."""

    closed: set[tuple[str, str]]
    active: set[tuple[str, int]]
    unjudged: set[tuple[str, str]]
    troubled: set[tuple[str, str]]
    now_ms: int


def _cell(life: _Life, place: int, day: date, known: _Known) -> str:
    origin = life.identity.origin
    if (origin, day.isoformat()) in known.troubled:
        return "open"
    if (life.identity.node, day.isoformat()) in known.closed:
        return "waiting" if (origin, day.isoformat()) in known.unjudged else "matched"
    if (origin, place) in known.active:
        return "missing"
    return "" if life.heard(bounds(day)[1], known.now_ms) else "unheard"
