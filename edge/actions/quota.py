"""A person's free units (F017) and the rights granted ahead (protocol 9) under which they are given offline.

Counted: what the centre knew of other nodes and what this one spent itself. Spent: an entry, in the
transaction of the answer. Without contact a unit is free only under a grant: units of one matter with an
end, for the origin it names; after a rollback the centre counts it as spent and a later incarnation cannot
use it. The centre settles every spending when it arrives (letter `quota.settled`).
"""

from datetime import datetime
from typing import Any

import msgspec

from edge.actions.asking import Asked
from edge.actions.node import Node, Session
from edge.actions.sources import Held
from edge.errors import NotThere, WrongMoment
from edge.store.draft import Draft
from edge.store.transaction import Transaction
from matters.calendar import CHINA
from matters.ids import plain
from matters.model import Words
from matters.quota import QuotaVerdict, spent_in_all, without_grant
from matters.quota import spend as judged
from sync.ids import parse_origin

_LIVE = "origin = ? AND ended_ms IS NULL AND expires_ms > ?"


class _Right(msgspec.Struct, frozen=True, kw_only=True):
    """One unit: whose, of which matter and year, under which grant ("" none)."""

    number: str
    matter: str
    year: int
    grant: str


def spend(tx: Transaction, node: Node, asked: Asked, held: Held, case: str) -> QuotaVerdict | None:
    """Spend one unit for an answer: the verdict, None for a matter without quota; part of the transaction.

    Offline the verdict is provisional, and free only where a grant is left.
    """
    rule, matter = asked.matter.quota, asked.matter.code
    if rule is None:
        return None
    offline = held.mode == "cached"
    day = datetime.fromtimestamp(tx.now_ms / 1000, CHINA).date()
    ref = tx.ref(asked.subject.number)
    own = tx.query(
        "SELECT coalesce(sum(units), 0) FROM quota_spent WHERE ref = ? AND matter = ? AND year = ?",
        (ref, matter, day.year),
    )
    name = parse_origin(node.identity.origin).name
    used = spent_in_all(held.spent, int(own[0][0]), node=name, matter=matter, year=day.year)
    verdict, grant = judged(rule, max(0, used), day, offline=offline), ""
    if offline and verdict.free:
        grant = _take_unit(tx, node, matter)
        verdict = verdict if grant else without_grant(rule)
    right = _Right(number=plain(asked.subject.number), matter=matter, year=day.year, grant=grant)
    outcome = "free" if verdict.free else "fee"
    placed = tx.append(_entry("quota.spent", asked.session, right, mode=held.mode, outcome=outcome))
    tx.execute(
        "INSERT INTO quota_spent (entry, ref, matter, year, units, fee_cents, office_case, grant_id)"
        " VALUES (?,?,?,?,1,?,?,?)",
        (placed.index, ref, matter, day.year, verdict.fee_cents, case, grant),
    )
    return verdict


def _entry(kind: str, session: Session, right: _Right, *, mode: str, outcome: str) -> Draft:
    return Draft(
        kind=kind,
        subject=right.number,
        actor=session.staff,
        role=session.role,
        window=session.window,
        mode=mode,
        outcome=outcome,
        object=right.matter,
        detail={
            "subject_number": right.number,
            "matter": right.matter,
            "units": 1,
            "year": right.year,
            "grant": right.grant,
        },
    )


async def give_back(node: Node, session: Session, case: str) -> None:
    """The unit spent for a case is the person's again, because no paper of it was handed over; an entry.

    Raises NotThere for a case that spent none, WrongMoment when it was given back or a paper was handed over.
    """

    def back(tx: Transaction) -> None:
        spent = tx.one(_SPENT_FOR, (case,))
        if spent is None:
            raise NotThere("no right spent for this case")
        ref, number, mode, serial, matter, year, units, fee_cents, grant = spent
        handed = tx.one("SELECT 1 FROM print_job WHERE serial = ? AND state = 'handed-over'", (serial,))
        if units <= 0 or handed:
            raise WrongMoment("given back, or handed over", message=_NOT_BACK)
        right = _Right(number=number, matter=matter, year=year, grant=grant)
        placed = tx.append(_entry("quota.returned", session, right, mode=mode, outcome="not-handed-over"))
        tx.execute("UPDATE quota_grant SET used = used - 1 WHERE id = ? AND used > 0", (grant,))
        tx.execute(
            "INSERT INTO quota_spent (entry, ref, matter, year, units, fee_cents, office_case, grant_id)"
            " VALUES (?,?,?,?,-1,?,?,?)",
            (placed.index, ref, matter, year, -fee_cents, case, grant),
        )

    await node.store.transact(back)


_SPENT_FOR = (
    "SELECT q.ref, c.subject_number, c.mode, c.serial, q.matter, q.year, sum(q.units), sum(q.fee_cents),"
    " max(q.grant_id) FROM quota_spent q JOIN office_case c ON c.number = q.office_case"
    " WHERE q.office_case = ? AND c.serial <> '' GROUP BY q.office_case"
)
_NOT_BACK = Words(
    zh="报告已交付，或次数已退回，不能再退。",
    en="The report was handed over, or the unit was given back before.",
)


def take(tx: Transaction, node: Node, body: dict[str, Any]) -> str:
    """Keep a grant the centre sent (letter `quota.granted`); why it is none for us, or empty.

    One that is known changes nothing: what was spent of it stays spent.
    """
    if body["origin"] != node.identity.origin:
        return f"grant {body['grant']} is of {body['origin']}"
    if body["units"] <= 0:
        return f"grant {body['grant']} of {body['units']} units"
    tx.execute(
        "INSERT OR IGNORE INTO quota_grant (id, origin, matter, units, expires_ms, granted_ms)"
        " VALUES (?,?,?,?,?,?)",
        (body["grant"], body["origin"], body["matter"], body["units"], body["expires_ms"], tx.now_ms),
    )
    return ""


def _take_unit(tx: Transaction, node: Node, matter: str) -> str:
    """One unit of the grant that ends first; its id, or "" when none is left.

    Doubt about the clock ends a grant early, never late.
    """
    row = tx.one(
        f"SELECT id FROM quota_grant WHERE {_LIVE} AND matter = ? AND used < units"  # noqa: S608 -- a constant
        " ORDER BY expires_ms, id LIMIT 1",
        (node.identity.origin, node.store.clock.interval().latest_ms, matter),
    )
    if row is None:
        return ""
    tx.execute("UPDATE quota_grant SET used = used + 1 WHERE id = ?", (row[0],))
    return str(row[0])


async def left(node: Node) -> dict[str, int]:
    """Units that may still be given away without contact, by matter."""
    sql = f"SELECT matter, sum(units - used) FROM quota_grant WHERE {_LIVE} GROUP BY matter"  # noqa: S608 -- as above
    bound = (node.identity.origin, node.store.clock.interval().latest_ms)
    return dict(await node.store.read(lambda db: db.query(sql, bound)))


async def end_expired(node: Node) -> int:
    """The job: what is left of grants that ended goes back, one entry a grant; how many ended."""
    return await node.store.transact(lambda tx: _end_expired(tx, node))


def _end_expired(tx: Transaction, node: Node) -> int:
    over = tx.query(
        "SELECT id, matter, units - used, expires_ms FROM quota_grant WHERE origin = ? AND ended_ms IS NULL"
        " AND expires_ms <= ?",
        (node.identity.origin, node.store.clock.interval().latest_ms),
    )
    for grant, matter, units, expires_ms in over:
        tx.execute("UPDATE quota_grant SET ended_ms = ? WHERE id = ?", (tx.now_ms, grant))
        if units:
            year = datetime.fromtimestamp(expires_ms / 1000, CHINA).year
            detail = {"matter": matter, "units": units, "year": year, "grant": grant}
            tx.append(Draft(kind="quota.returned", outcome="expired", object=matter, detail=detail))
    return len(over)
