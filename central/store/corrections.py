"""Corrections the centre asked halls for, as rows; what was asked and answered is sealed."""

import msgspec

from central.store.database import Tx


class CorrectionKept(msgspec.Struct, frozen=True, kw_only=True):
    """One correction, in the order of the table's columns; unanswered while `answered_ms` is None."""

    origin: str
    correction: str
    node: str
    case_no: str
    asked_sealed: bytes
    until_ms: int
    asked_by: str
    asked_ms: int
    answer_sealed: bytes = b""
    answered_by: str = ""
    answered_ms: int | None = None


class Corrected(msgspec.Struct, frozen=True, kw_only=True):
    """A hall's answer to a correction it was asked for."""

    idx: int
    correction: str
    answer: str
    actor: str
    occurred_ms: int


async def add(tx: Tx, row: CorrectionKept) -> None:
    """Keep a correction before its letter leaves."""
    await tx.execute(
        "INSERT INTO correction (origin, correction, node, case_no, asked_sealed, until_ms, asked_by,"
        " asked_ms, answer_sealed, answered_by, answered_ms)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        *msgspec.structs.astuple(row),
    )


async def find(tx: Tx, correction: str) -> CorrectionKept | None:
    """The correction of that id."""
    row = await tx.fetchrow("SELECT * FROM correction WHERE correction = $1", correction)
    return CorrectionKept(**dict(row)) if row else None


async def newest(tx: Tx, limit: int) -> list[CorrectionKept]:
    """Corrections, unanswered ones first, the most urgent of them first; then the newest answers."""
    rows = await tx.fetch(
        "SELECT * FROM correction ORDER BY answered_ms IS NOT NULL,"
        " CASE WHEN answered_ms IS NULL THEN until_ms END, answered_ms DESC, correction LIMIT $1",
        limit,
    )
    return [CorrectionKept(**dict(row)) for row in rows]


async def answer(tx: Tx, row: CorrectionKept) -> bool:
    """Write the answer of an unanswered correction; False when it was answered before."""
    status = await tx.execute(
        "UPDATE correction SET answer_sealed = $3, answered_by = $4, answered_ms = $5"
        " WHERE origin = $1 AND correction = $2 AND answered_ms IS NULL",
        row.origin,
        row.correction,
        row.answer_sealed,
        row.answered_by,
        row.answered_ms,
    )
    return str(status).endswith(" 1")


async def case_origin(tx: Tx, node: str, case_no: str) -> str | None:
    """On which ledger of a node a case stands; None where it never arrived."""
    query = (
        "SELECT c.origin FROM case_event c JOIN identity i ON i.origin = c.origin"
        " WHERE i.node = $1 AND c.case_no = $2 ORDER BY i.incarnation DESC LIMIT 1"
    )
    found: str | None = await tx.fetchval(query, node, case_no)
    return found
