"""Day close (protocol.md 10).

The day is totalled from the ledger, closed with an entry, and differences are named.
"""

from collections.abc import Iterator

import msgspec

from edge.actions import duties, findings, sheets
from edge.actions.node import Node, Session
from edge.actions.recording import day_span
from edge.actions.views import DayClosed, DayTotals, Finding
from edge.store import past
from edge.store.draft import Draft
from edge.store.ledger import during
from edge.store.reader import Reading
from edge.store.transaction import Transaction
from matters.model import Words
from sync.ids import finding_id, parse_origin
from sync.messages import registry

FINDINGS_MAX = 500
_SHEETS = ("report.printed", "report.reprinted", "report.spoiled")
_ACCESS = ("access.answered", "access.denied", "access.deferred", "access.local")


async def preview(node: Node, day: str) -> DayTotals:
    """The totals of a day (YYYY-MM-DD, China) as they stand now; nothing is recorded."""
    return await node.store.read_long(lambda db: totals(db, day))


async def close(node: Node, session: Session, day: str) -> DayClosed:
    """Close a day: findings are raised and the day.closed entry is durable when this returns.

    Closing again totals again with a new entry; the centre judges the last one. Raises NotAllowed for who is
    not on duty.
    """
    await duties.require(node, session, duties.CLOSE_DAY)
    origin = node.identity.origin
    closed = await node.store.transact(lambda tx: _close(tx, origin, day, session.staff, session.role))
    node.events.publish("task")
    return closed


def close_again(tx: Transaction, node: Node, day: str) -> None:
    """The centre asked for a recount."""
    assert node.identity
    _close(tx, node.identity.origin, day, "centre", "centre")


def _close(tx: Transaction, origin: str, day: str, actor: str, role: str) -> DayClosed:
    found = list(_differences(tx, origin, day))
    findings.raised(tx, day, found, actor, role)
    counted = msgspec.structs.replace(totals(tx, day), closed_ms=tx.now_ms)
    body = msgspec.json.encode(counted)
    placed = tx.append(
        Draft(
            kind="day.closed",
            actor=actor,
            role=role,
            object=day,
            outcome="findings" if found else "matched",
            detail={"day": day, "totals": body.decode()},
        )
    )
    tx.execute("INSERT OR REPLACE INTO day_closed VALUES (?,?,?)", (day, body, placed.index))
    return DayClosed(totals=counted, findings=tuple(found), entry=placed)


def totals(db: Reading | Transaction, day: str) -> DayTotals:
    """A day counted from the ledger: entries by kind, serial range, fees, sheets, open cases."""
    span = day_span(day)
    kinds = {
        registry.by_number(number).name: int(count)
        for number, count in db.query(during("SELECT kind, count(*) FROM during GROUP BY kind"), span)
    }
    serials = db.query(
        during(
            "SELECT min(serial), max(serial), count(*) FROM report WHERE entry IN (SELECT idx FROM during)"
        ),
        span,
    )[0]
    fee = db.query(
        during("SELECT coalesce(sum(fee_cents), 0) FROM quota_spent WHERE entry IN (SELECT idx FROM during)"),
        span,
    )[0]
    open_cases = db.query("SELECT count(*) FROM office_case WHERE state IN ('opened','deferred')")
    moved = sheets.moved(db, span)
    return DayTotals(
        day=day,
        kinds=kinds,
        serials={"first": serials[0] or "", "last": serials[1] or "", "count": serials[2]},
        fee_cents=int(fee[0]),
        sheets_used=sum(kinds.get(name, 0) for name in _SHEETS),
        sheets_spoiled=kinds.get("report.spoiled", 0),
        tickets=kinds.get("ticket.taken", 0),
        open_cases=int(open_cases[0][0]),
        accesses=sum(kinds.get(name, 0) for name in _ACCESS),
        reports=kinds.get("report.issued", 0),
        sheets_issued=moved["issued"],
        sheets_returned=moved["returned"],
        sheets_void=moved["void"],
        sheets_left=sheets.untouched(db),
    )


def _differences(tx: Transaction, origin: str, day: str) -> Iterator[Finding]:
    """Serial ↔ sheet, by the same rules and codes as the centre's recount, in whichever incarnation issued.

    Besides, every numbered sheet that was passed over without a word: the centre does not see the tray.
    """
    for serial, entry in tx.query(
        during(
            "SELECT serial, entry FROM report r"
            " WHERE (entry IN (SELECT idx FROM during) OR entry < 0 AND issued_ms >= ?1 AND issued_ms < ?2)"
            " AND EXISTS (SELECT 1 FROM print_job p WHERE p.serial = r.serial AND p.kind = 'report')"
            " ORDER BY serial"
        ),
        day_span(day),
    ):
        states = {row[0] for row in tx.query(_STATES, (serial,))}
        ledger = _ledger(origin, entry)
        good = states & {"clerk-confirmed", "handed-over"}
        if not good and "spoiled" in states:
            yield _finding(
                ledger, day, "sheet-spoiled", serial, "纸张作废且无完好的一张", "spoiled, no good sheet"
            )
        elif not good:
            yield _finding(ledger, day, "never-printed", serial, "报告已签发，无纸张记录", "never printed")
        elif "handed-over" not in states:
            yield _finding(ledger, day, "not-handed-over", serial, "已打印未交付", "not handed over")
    for number in sheets.unaccounted(tx)[:FINDINGS_MAX]:
        words = "编号纸张去向不明", "numbered sheet unaccounted for"
        yield _finding(origin, day, "sheet-unaccounted", number, *words)


def _ledger(origin: str, entry: int) -> str:
    """The ledger on which a row's entry stands: this one, or that of an ended incarnation."""
    if entry >= 0:
        return origin
    return msgspec.structs.replace(parse_origin(origin), incarnation=past.place_of(entry)[0]).text


_STATES = "SELECT state FROM print_job WHERE serial = ? AND kind = 'report'"


def _finding(origin: str, day: str, code: str, about: str, zh: str, en: str) -> Finding:
    return Finding(
        id=finding_id(origin, day, code, about),
        day=day,
        code=code,
        words=Words(zh=f"{zh}：{about}", en=f"{en}: {about}"),
        state="open",
        raised_by="node",
        subject_of=about,
    )


async def last_closed(node: Node) -> DayTotals | None:
    """The totals of the newest closed day, None when no day was closed yet."""
    rows = await node.store.read(
        lambda db: db.query("SELECT totals FROM day_closed ORDER BY day DESC LIMIT 1")
    )
    return msgspec.json.decode(rows[0][0], type=DayTotals) if rows else None
