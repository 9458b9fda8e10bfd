"""Day close (protocol.md 10).

The day is totalled from the ledger, closed with an entry, and differences are named.
"""

import msgspec

from edge.actions.node import Node, Session
from edge.actions.recording import day_span
from edge.actions.views import DayClosed, DayTotals, Finding
from edge.store.draft import Draft
from edge.store.reader import Reading
from edge.store.transaction import Transaction
from matters.model import Words
from sync.messages import registry

FINDINGS_MAX = 500
_ACCESS = ("access.answered", "access.denied", "access.deferred", "access.local")


async def preview(node: Node, day: str) -> DayTotals:
    """The totals of a day (YYYY-MM-DD, China) as they stand now; nothing is recorded."""
    return await node.store.read_long(lambda db: totals(db, day))


async def close(node: Node, session: Session, day: str) -> DayClosed:
    """Close a day: findings are raised and the day.closed entry is durable when this returns.

    Closing again totals again with a new entry; the centre judges the last one.
    """
    closed = await node.store.transact(lambda tx: _close(tx, day, session.staff, session.role))
    node.events.publish("task")
    return closed


def close_again(tx: Transaction, node: Node, day: str) -> None:
    """The centre asked for a recount."""
    assert node.identity
    _close(tx, day, "centre", "centre")


def _close(tx: Transaction, day: str, actor: str, role: str) -> DayClosed:
    found = _differences(tx, day)
    for finding in found:
        tx.execute(
            "INSERT INTO finding VALUES (?,?,?,?,?,'open','node',?,?) ON CONFLICT (id) DO NOTHING",
            (
                finding.id,
                day,
                finding.code,
                finding.words.zh,
                finding.words.en,
                finding.subject_of,
                tx.now_ms,
            ),
        )
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
        for number, count in db.query(
            "SELECT kind, count(*) FROM entry WHERE hlc_ms >= ? AND hlc_ms < ? GROUP BY kind", span
        )
    }
    serials = db.query(
        "SELECT min(serial), max(serial), count(*) FROM report JOIN entry ON idx = entry"
        " WHERE hlc_ms >= ? AND hlc_ms < ?",
        span,
    )[0]
    fee = db.query(
        "SELECT coalesce(sum(fee_cents), 0) FROM quota_spent JOIN entry ON idx = entry"
        " WHERE hlc_ms >= ? AND hlc_ms < ?",
        span,
    )[0]
    open_cases = db.query("SELECT count(*) FROM office_case WHERE state IN ('opened','deferred')")
    return DayTotals(
        day=day,
        kinds=kinds,
        serials={"first": serials[0] or "", "last": serials[1] or "", "count": serials[2]},
        fee_cents=int(fee[0]),
        sheets_used=kinds.get("report.printed", 0) + kinds.get("report.spoiled", 0),
        sheets_spoiled=kinds.get("report.spoiled", 0),
        tickets=kinds.get("ticket.taken", 0),
        open_cases=int(open_cases[0][0]),
        accesses=sum(kinds.get(name, 0) for name in _ACCESS),
        reports=kinds.get("report.issued", 0),
    )


def _differences(tx: Transaction, day: str) -> list[Finding]:
    """Access ↔ serial ↔ sheet, as far as this node can see it alone."""
    return [
        *_never_printed(tx, day),
        *_papers(tx, day, "spoiled", "sheet-spoiled", "作废纸张一张", "a spoiled sheet"),
        *_papers(tx, day, "sent", "sheet-unanswered", "打印结果未确认", "a print without a word"),
        *_papers(
            tx, day, "clerk-confirmed", "not-handed-over", "报告已打印未交付", "a report not handed over"
        ),
    ]


def _never_printed(tx: Transaction, day: str) -> list[Finding]:
    rows = tx.query(
        "SELECT r.serial FROM report r JOIN entry e ON e.idx = r.entry WHERE e.hlc_ms >= ? AND e.hlc_ms < ?"
        " AND EXISTS (SELECT 1 FROM print_job p WHERE p.serial = r.serial AND p.kind = 'report')"
        " AND NOT EXISTS (SELECT 1 FROM print_job p WHERE p.serial = r.serial AND p.kind = 'report'"
        " AND p.state IN ('clerk-confirmed','handed-over','sent'))",
        day_span(day),
    )
    return [
        _finding(day, "never-printed", row[0], "报告已签发但未打印", "a report issued and never printed")
        for row in rows
    ]


def _papers(tx: Transaction, day: str, state: str, code: str, zh: str, en: str) -> list[Finding]:
    rows = tx.query(
        "SELECT p.serial, p.copy_no FROM print_job p JOIN report r ON r.serial = p.serial JOIN entry e"
        " ON e.idx = r.entry WHERE p.kind = 'report' AND p.state = ? AND e.hlc_ms >= ? AND e.hlc_ms < ?",
        (state, *day_span(day)),
    )
    return [_finding(day, code, f"{serial}/{copy_no}", zh, en) for serial, copy_no in rows]


def _finding(day: str, code: str, about: str, zh: str, en: str) -> Finding:
    return Finding(
        id=f"{day}-{code}-{about}",
        day=day,
        code=code,
        words=Words(zh=f"{zh}：{about}", en=f"{en}: {about}"),
        state="open",
        raised_by="node",
        subject_of=about,
    )


async def findings(node: Node) -> tuple[Finding, ...]:
    """Differences this node or the centre found, open ones first, newest first."""
    rows = await node.store.read(
        lambda db: db.query(
            "SELECT id, day, code, zh, en, state, raised_by, about FROM finding"
            " ORDER BY (state <> 'open'), day DESC, raised_ms DESC LIMIT ?",
            (FINDINGS_MAX,),
        )
    )
    return tuple(
        Finding(
            id=row[0],
            day=row[1],
            code=row[2],
            words=Words(zh=row[3], en=row[4]),
            state=row[5],
            raised_by=row[6],
            subject_of=row[7],
        )
        for row in rows
    )


async def last_closed(node: Node) -> DayTotals | None:
    """The totals of the newest closed day, None when no day was closed yet."""
    rows = await node.store.read(
        lambda db: db.query("SELECT totals FROM day_closed ORDER BY day DESC LIMIT 1")
    )
    return msgspec.json.decode(rows[0][0], type=DayTotals) if rows else None
