"""What entries caused, as rows.

Accesses, disclosures, reports, papers, cases, day totals, rejections, evidence.

All of it is append-only for the application and written in the transaction of its entries.
"""

from collections.abc import Sequence

import msgspec

from central.store.database import Tx
from central.store.trips import Applied
from sync.exchange.centre import FirstPlace


class AccessKept(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the trail, in the order of the table's columns."""

    origin: str
    idx: int
    occurred_ms: int
    arrived_ms: int
    node: str
    kind: int
    clock: int
    actor: str
    role: str
    desk: str
    subject_ref: bytes
    presence: str
    relationship: str
    purpose: str
    basis: str
    mode: str
    as_of_ms: int
    outcome: str
    matter: str
    object: str
    case_no: str
    request_id: str


class Disclosure(msgspec.Struct, frozen=True, kw_only=True):
    """An online answer as the centre gave it away; the node's own access carries the same request id."""

    origin: str
    request_id: str
    centre_idx: int
    occurred_ms: int
    node: str
    actor: str
    desk: str
    subject_ref: bytes
    matter: str
    purpose: str
    basis: str
    case_no: str
    leaf_hash: bytes


class ReportKept(msgspec.Struct, frozen=True, kw_only=True):
    """An issued report; `delivery` is `print` or `email` (then no sheet of paper belongs to it)."""

    origin: str
    serial: str
    idx: int
    node: str
    subject_ref: bytes
    matter: str
    status: str
    as_of_ms: int
    issued_ms: int
    case_no: str
    facts_digest: bytes
    leaf_hash: bytes
    delivery: str = "print"


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a report's paper; `kind` is the entry's."""

    origin: str
    idx: int
    serial: str
    kind: int
    occurred_ms: int
    sheet: str
    file_digest: bytes
    reason: str


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """The centre's verdict on a provisional report."""

    origin: str
    serial: str
    verdict: str
    changes_sealed: bytes
    settled_ms: int


class CaseEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A case opened or changed."""

    origin: str
    idx: int
    case_no: str
    occurred_ms: int
    kind: int
    matter: str
    state: str
    subject_ref: bytes


class DayTotal(msgspec.Struct, frozen=True, kw_only=True):
    """A node's own totals of a day (JSON text); the newest index counts."""

    origin: str
    day: str
    idx: int
    totals: str
    closed_ms: int


class Deferral(msgspec.Struct, frozen=True, kw_only=True):
    """A case the centre still has to fulfil; `asked_sealed` holds whom it is about."""

    origin: str
    case_no: str
    idx: int
    matter: str
    subject_ref: bytes
    asked_sealed: bytes
    state: str
    attempts: int
    next_try_ms: int
    created_ms: int


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """An entry whose effect was rejected, and why."""

    origin: str
    idx: int
    reason: str
    at_ms: int


class SheetMove(msgspec.Struct, frozen=True, kw_only=True):
    """Numbered sheets `first` … `last` of a block: issued, returned (`count` of them untouched), or void."""

    origin: str
    idx: int
    occurred_ms: int
    block: str
    outcome: str
    first: str
    last: str
    count: int


Kept = AccessKept | Paper | CaseEvent | DayTotal | Rejection | Applied | SheetMove
_TABLES: dict[type, str] = {
    AccessKept: "access",
    Paper: "paper",
    CaseEvent: "case_event",
    DayTotal: "day_total",
    Applied: "scope_applied",
    SheetMove: "sheet_move",
    Rejection: "effect_rejected",
}


async def add(tx: Tx, rows: Sequence[Kept]) -> None:
    """Write rows of one kind; their keys are new because their entries are."""
    if rows:
        kind = type(rows[0])
        await tx.copy_records_to_table(
            _TABLES[kind],
            columns=list(kind.__struct_fields__),
            records=[msgspec.structs.astuple(row) for row in rows],
        )


async def add_reports(tx: Tx, rows: Sequence[ReportKept]) -> set[int]:
    """Write issued reports; the entries whose serials were new. A serial is issued once per ledger."""
    written: set[int] = set()
    for row in rows:
        serial = await tx.fetchval(
            "INSERT INTO report (origin, serial, idx, node, subject_ref, matter, status, as_of_ms, issued_ms,"
            " case_no, facts_digest, leaf_hash, delivery)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
            " ON CONFLICT (origin, serial) DO NOTHING RETURNING serial",
            *msgspec.structs.astuple(row),
        )
        if serial is not None:
            written.add(row.idx)
    return written


async def add_settlement(tx: Tx, row: Settlement) -> bool:
    """Write a verdict; False when the report has one."""
    return (
        await tx.fetchval(
            "INSERT INTO settlement (origin, serial, verdict, changes_sealed, settled_ms)"
            " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (origin, serial) DO NOTHING RETURNING serial",
            *msgspec.structs.astuple(row),
        )
        is not None
    )


def same_act(one: str, other: str) -> str:
    """SQL: the disclosure and the access of one online answer, looked for in `one`, for the row of `other`.

    By node, not by origin: an access may be carried into a later incarnation than the centre disclosed it to.
    """
    same = f"{one}.request_id = {other}.request_id AND {one}.request_id <> ''"  # as its index says
    return f"{same} AND {same_node(one, other)}"


def same_node(one: str, other: str) -> str:
    """SQL: `one` stands on a ledger, of whatever incarnation, of the node that the row of `other` names."""
    return f"{one}.origin IN (SELECT i.origin FROM identity i WHERE i.node = {other}.node)"  # noqa: S608 -- names of tables


async def add_disclosure(tx: Tx, row: Disclosure) -> bool:
    """Write a disclosure; False when that request id was answered before."""
    return (
        await tx.fetchval(
            "INSERT INTO disclosure (origin, request_id, centre_idx, occurred_ms, node, actor, desk,"
            " subject_ref,"
            " matter, purpose, basis, case_no, leaf_hash)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
            " ON CONFLICT (origin, request_id) DO NOTHING RETURNING request_id",
            *msgspec.structs.astuple(row),
        )
        is not None
    )


async def disclosed(tx: Tx, origin: str, request_id: str) -> bool:
    """Whether that request was answered before."""
    query = "SELECT 1 FROM disclosure WHERE origin = $1 AND request_id = $2"
    return await tx.fetchval(query, origin, request_id) is not None


async def add_deferrals(tx: Tx, rows: Sequence[Deferral]) -> None:
    """Queue cases to fulfil; a case already queued stays as it is."""
    if rows:
        await tx.executemany(
            "INSERT INTO deferral (origin, case_no, idx, matter, subject_ref, asked_sealed, state, attempts,"
            " next_try_ms, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
            " ON CONFLICT (origin, case_no) DO NOTHING",
            [msgspec.structs.astuple(row) for row in rows],
        )


async def due_deferrals(tx: Tx, now_ms: int, origin: str = "", limit: int = 50) -> list[Deferral]:
    """Cases waiting whose time to try has come, of one origin or all, oldest first."""
    rows = await tx.fetch(
        "SELECT * FROM deferral WHERE state = 'waiting' AND next_try_ms <= $1 AND ($2 = '' OR origin = $2)"
        " ORDER BY next_try_ms LIMIT $3",
        now_ms,
        origin,
        limit,
    )
    return [Deferral(**dict(row)) for row in rows]


async def move_deferral(tx: Tx, row: Deferral, state: str, next_try_ms: int) -> bool:
    """Note an attempt; False when somebody else moved it meanwhile."""
    return (
        await tx.fetchval(
            "UPDATE deferral SET state = $3, attempts = attempts + 1, next_try_ms = $4"
            " WHERE origin = $1 AND case_no = $2 AND state = 'waiting' AND attempts = $5 RETURNING case_no",
            row.origin,
            row.case_no,
            state,
            next_try_ms,
            row.attempts,
        )
        is not None
    )


async def carry(tx: Tx, first: FirstPlace, now: tuple[str, int]) -> bool:
    """Whether the effect of an entry carried over is still to be done: that very entry was never here.

    After a fork another entry may stand at its first place; then the leaf tells the two apart.
    """
    query = "SELECT leaf_hash FROM entry WHERE origin = $1 AND idx = $2"
    held = await tx.fetchval(query, first.origin, first.index)
    if held is not None and first.leaf_hash in {b"", held}:
        return False
    return (
        await tx.fetchval(
            "INSERT INTO effect_carried (origin, idx, leaf_hash, by_origin, by_idx)"
            " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (origin, idx, leaf_hash) DO NOTHING RETURNING idx",
            first.origin,
            first.index,
            first.leaf_hash,
            *now,
        )
        is not None
    )


async def add_evidence(
    tx: Tx, origin: str, digest: bytes, kind: str, at_ms: int, note: str, held: bytes
) -> None:
    """Keep bytes as evidence, once."""
    await tx.execute(
        "INSERT INTO evidence (origin, digest, kind, at_ms, note, held) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (origin, digest) DO NOTHING",
        origin,
        digest,
        kind,
        at_ms,
        note,
        held,
    )


async def evidence(tx: Tx, origin: str, kind: str) -> list[bytes]:
    """What is kept of a kind about an origin, oldest first."""
    query = "SELECT held FROM evidence WHERE origin = $1 AND kind = $2 ORDER BY at_ms, digest"
    return [row["held"] for row in await tx.fetch(query, origin, kind)]


async def rejections(tx: Tx, origin: str, first: int, limit: int = 200) -> list[Rejection]:
    """Rejected effects from entry `first` on."""
    rows = await tx.fetch(
        "SELECT * FROM effect_rejected WHERE origin = $1 AND idx >= $2 ORDER BY idx LIMIT $3",
        origin,
        first,
        limit,
    )
    return [Rejection(**dict(row)) for row in rows]
