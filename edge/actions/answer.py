"""The query itself, in the steps of the chapter's "life of an answer".

1 frame the request · 2 judge it · 3 find the data (centre first, then cache) · 4 ONE transaction: access,
case, report, quota, lease count, print jobs · 5 fsync, anchor · 6 only now return it · 7 the press and the
pages hear of it. The cache is looked up in the transaction of 4, and while no line is waited for 2 stands
in it too: one turn of the writer.

Steps 2 and 3 may end in a no or a promise; both are entries, durable before they are said (P1).
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from edge.actions import leases, paperwork, recording
from edge.actions.asking import Asked, frame, judge
from edge.actions.node import Node, Session
from edge.actions.quota import spend
from edge.actions.sources import Held, Later, ask_centre, asks_centre, fall_back, lease_refusal
from edge.actions.views import Answer, Deferral, Query, ReportRef
from edge.store.draft import Draft, Placed
from edge.store.reader import Reading
from edge.store.transaction import Transaction
from matters.calendar import CHINA
from matters.freshness import limits, use_words
from matters.model import Grant, Refusal, Words
from matters.quota import QuotaVerdict
from sync.lease.lease import LIVE

DEFERRAL_MS = 24 * 3600 * 1000
_BANDS = ("fresh", "ageing", "expired")


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the one transaction came to.

    `paper` was asked for; `shreds` asks that data no lease covers be destroyed now.
    """

    said: Answer | Deferral | Refusal
    paper: bool
    shreds: bool = False


async def answer(node: Node, session: Session, query: Query) -> Answer | Deferral | Refusal:
    """Answer, promise or refuse one query.

    Whatever it returns is on the ledger and fsynced before it returns. Raises LedgerUnavailable (503,
    nothing may be shown) when that cannot be had.
    """
    matter = node.catalogue.get(query.matter)
    if matter is None:
        return await _deny_unknown(node, session, query)
    asked = frame(node, session, query, matter)
    if not asks_centre(node, asked):
        return await _settle(node, lambda tx: _at_once(tx, node, asked))
    verdict = await node.store.read(lambda db: judge(node, db, asked))
    if isinstance(verdict, Refusal):
        return await deny(node, asked, None, verdict)
    said = await ask_centre(node, asked, verdict)

    def settled(tx: Transaction) -> Outcome:
        found = said or fall_back(node, Reading(tx.connection), asked)
        return _record(tx, node, asked, verdict, found)

    return await _settle(node, settled)


async def _settle(node: Node, work: Callable[[Transaction], Outcome]) -> Answer | Deferral | Refusal:
    """Steps 4 to 7: the one transaction, and who hears of it when it is durable."""
    done = await node.store.transact(work)
    if done.paper:
        node.press_bell.set()
    if done.shreds:
        await leases.shred_expired(node)
    if not isinstance(done.said, Refusal):
        node.events.publish("task" if isinstance(done.said, Deferral) else "print")
    return done.said


def _at_once(tx: Transaction, node: Node, asked: Asked) -> Outcome:
    """Steps 2 to 4 where no line is waited for: one turn of the writer, whose pages are still decrypted."""
    db = Reading(tx.connection)
    verdict = judge(node, db, asked)
    if isinstance(verdict, Refusal):
        return Outcome(said=verdict, paper=_record_no(tx, node, asked, None, verdict))
    return _record(tx, node, asked, verdict, fall_back(node, db, asked))


def _record(
    tx: Transaction, node: Node, asked: Asked, grant: Grant, found: Held | Later | Refusal
) -> Outcome:
    """Step 4: the answer, the promise or the no, with everything it leaves behind."""
    if isinstance(found, Later):
        return Outcome(said=_promise(tx, node, asked, grant, found), paper=True)
    said = found if isinstance(found, Refusal) else _give(tx, node, asked, grant, found)
    if isinstance(said, Refusal):  # no lease: what no lease covers any more is shredded at once
        return Outcome(said=said, paper=_record_no(tx, node, asked, grant, said), shreds=True)
    return Outcome(said=said, paper=said.report is not None)


def _give(tx: Transaction, node: Node, asked: Asked, grant: Grant, held: Held) -> Answer | Refusal:
    """Everything an answer leaves behind; a no when another window has spent the lease meanwhile."""
    spent = _count_lease(tx, node, asked, held)
    if spent is not None:
        return spent
    wants_report = asked.matter.report is not None and asked.delivery != "screen"
    numbers = recording.allot(tx, node, report=wants_report)
    placed = tx.append(_access(asked, grant, held, numbers))
    verdict = spend(tx, node, asked, held, numbers.case)
    due_ms = _due_ms(grant, tx.now_ms)
    state = "fulfilled" if wants_report else "closed"
    recording.open_case(tx, asked, numbers, state=state, mode=held.mode, due_ms=due_ms, entry=placed.index)
    if wants_report:
        recording.issue(tx, node, asked, grant, held, numbers)
        if asked.delivery == "print":
            paperwork.ask_report(tx, asked.session.window, numbers.case, numbers.serial, 1)
        due = recording.day_words(due_ms).zh if due_ms else ""
        slip = paperwork.report_slip(node, asked, held, numbers.case, numbers.serial, due, tx.now_ms)
        paperwork.ask_slip(tx, asked.session.window, numbers.case, numbers.serial, slip)
        tx.anchor()
    return _answer(asked, held, numbers, placed, verdict, wants_report=wants_report, now_ms=tx.now_ms)


def _count_lease(tx: Transaction, node: Node, asked: Asked, held: Held) -> Refusal | None:
    """The lease is judged again where its count is: another window may have spent it since the look-up."""
    if held.lease is None:
        return None
    allowed = leases.leave(tx, node, held.subject.region, held.lease.capability)
    if allowed is None or allowed[1] not in LIVE:
        return lease_refusal(asked, allowed[1] if allowed else "no-lease")
    leases.count(tx, allowed[0].lease)
    return None


def _access(asked: Asked, grant: Grant, held: Held, numbers: recording.Numbers) -> Draft:
    shown = ",".join(group.category for group in held.groups if group.band != "expired")
    draft = asked.draft("access.answered", grant, outcome="answered", case=numbers.case, shown=shown, note="")
    thing = asked.request_id if held.mode == "online" else numbers.case
    return msgspec.structs.replace(draft, mode=held.mode, as_of=held.as_of_ms, object=thing)


def _answer(
    asked: Asked,
    held: Held,
    numbers: recording.Numbers,
    placed: Placed,
    quota: QuotaVerdict | None,
    *,
    wants_report: bool,
    now_ms: int,
) -> Answer:
    usable = [group for group in held.groups if group.band != "expired"]
    worst = max(usable, key=lambda group: _BANDS.index(group.band), default=None)
    status = "provisional" if held.mode == "cached" else "final"
    category = worst.category if worst else asked.matter.categories[0]
    return Answer(
        case=numbers.case,
        mode="online" if held.mode == "online" else "cached",
        source=held.source,
        as_of_ms=held.as_of_ms,
        age_s=max(0, (now_ms - held.as_of_ms) // 1000),
        band=worst.band if worst else "expired",
        subject=held.subject,
        groups=held.groups,
        entry=placed,
        report=ReportRef(serial=numbers.serial, status=status) if wants_report else None,  # type: ignore[arg-type]  # one of the two words above
        quota=quota,
        rule=use_words(worst.band if worst else "expired", limits(asked.matter, category)[1]),
    )


async def deny(node: Node, asked: Asked, grant: Grant | None, no: Refusal) -> Refusal:
    """A no is an entry too, durable before it is said; what is missing is told on a slip at once (F064)."""
    await node.store.transact(lambda tx: _record_no(tx, node, asked, grant, no))
    node.press_bell.set()
    return no


def _record_no(tx: Transaction, node: Node, asked: Asked, grant: Grant | None, no: Refusal) -> bool:
    """The entry of a no; whether there is a slip about what is missing."""
    placed = tx.append(asked.draft("access.denied", grant, outcome=no.code, case="", shown="", note=""))
    told = len(no.missing) > 1
    if told:
        slip = paperwork.refusal_slip(node, asked, no, f"N-{placed.index}", tx.now_ms)
        paperwork.ask_slip(tx, asked.session.window, "", "", slip)
    return told


async def _deny_unknown(node: Node, session: Session, query: Query) -> Refusal:
    no = Refusal(
        code="unknown-matter",
        message=Words(zh="本节点没有这个事项。", en="There is no such matter at this node."),
        rule="事项目录",
        next=Words(zh="请从事项列表中选择。", en="Choose from the list of matters."),
    )
    draft = Draft(
        kind="access.denied",
        actor=session.staff,
        role=session.role,
        window=session.window,
        outcome=no.code,
        detail={"note": query.matter[:80]},
    )
    await node.store.transact(lambda tx: tx.append(draft))
    return no


async def promise(node: Node, asked: Asked, grant: Grant, later: Later) -> Deferral:
    """A deferral is a promise: case, task with owner and due time, slip; one transaction."""
    promised = await node.store.transact(lambda tx: _promise(tx, node, asked, grant, later))
    node.press_bell.set()
    node.events.publish("task")
    return promised


def _promise(tx: Transaction, node: Node, asked: Asked, grant: Grant, later: Later) -> Deferral:
    numbers = recording.allot(tx, node, report=False)
    due_ms = tx.now_ms + DEFERRAL_MS
    draft = asked.draft(
        "access.deferred", grant, outcome=later.code, case=numbers.case, shown="", note=later.code
    )
    placed = tx.append(msgspec.structs.replace(draft, mode="deferred", object=numbers.case))
    recording.open_case(
        tx, asked, numbers, state="deferred", mode="deferred", due_ms=due_ms, entry=placed.index
    )
    words = Words(
        zh=f"等待联网：{asked.matter.title.zh}", en=f"Waiting for the line: {asked.matter.title.en}"
    )
    recording.make_task(tx, asked, numbers.case, "deferral", words, due_ms)
    due = recording.day_words(due_ms)
    slip = paperwork.deferral_slip(node, asked, later, numbers.case, due, tx.now_ms)
    return Deferral(
        case=numbers.case,
        due=due.zh,
        due_ms=due_ms,
        words=later.words,
        slip=paperwork.ask_slip(tx, asked.session.window, numbers.case, "", slip),
        entry=placed,
    )


def _due_ms(grant: Grant, now_ms: int) -> int:
    """The end of the due day in China, 0 when the answer is given on the spot."""
    if grant.due is None or grant.due.day is None:
        return 0
    end = datetime.combine(grant.due.day, datetime.max.time(), CHINA)
    return max(now_ms, int(end.timestamp() * 1000))
