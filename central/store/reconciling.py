"""Questions of reconciliation: a day's entries, reports and their papers, findings.

Totals are of one ledger. What belongs together is matched within the node: an entry may stand on the ledger
of a later incarnation than what it is about. `origins` are the ledgers of all of a node's incarnations.
"""

from typing import Any

import msgspec

from central.store.database import Tx
from central.store.effects import CaseEvent, DayTotal, Paper, ReportKept, SheetMove, same_act
from sync.messages.registry import kind

RECOUNT = "centre"
"""Who settled a finding that a later recount found no more."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A difference, with its owner and state.

    `finding` is derived from what it is about, so it is found once. `settled_…` and `note` say how it was
    settled last, of one that is open again how it was before.
    """

    origin: str
    finding: str
    node: str
    day: str
    code: str
    object: str
    words_zh: str
    words_en: str
    owner: str
    state: str
    opened_ms: int
    settled_ms: int | None = None
    settled_by: str = ""
    note: str = ""


class WordKept(msgspec.Struct, frozen=True, kw_only=True):
    """What a hall's entry says of a finding, in the order of the table's columns; the note is sealed."""

    origin: str
    idx: int
    node: str
    finding: str
    owner: str
    state: str
    note_sealed: bytes
    occurred_ms: int


class ReportWhole(msgspec.Struct, frozen=True, kw_only=True):
    """A report with its papers and the centre's verdict ("" while there is none)."""

    report: ReportKept
    papers: tuple[Paper, ...]
    verdict: str
    changes_sealed: bytes
    settled_ms: int | None


class Pairing(msgspec.Struct, frozen=True, kw_only=True):
    """One request id that stands on only one of the two ledgers."""

    request_id: str
    occurred_ms: int
    idx: int


async def day_totals(tx: Tx, origin: str, origins: list[str], day: str) -> DayTotal | None:
    """What the node totalled, in its newest closing of that day on that ledger.

    A closing that was carried there totals a ledger that ended, not this one.
    """
    row = await tx.fetchrow(
        "SELECT d.* FROM day_total d WHERE d.origin = $1 AND d.day = $2 AND NOT EXISTS"
        " (SELECT 1 FROM effect_carried c WHERE c.origin = ANY ($3) AND c.by_origin = d.origin"
        " AND c.by_idx = d.idx) ORDER BY d.idx DESC LIMIT 1",
        origin,
        day,
        origins,
    )
    return DayTotal(**dict(row)) if row else None


async def last_closing(tx: Tx, origins: list[str], day: str) -> DayTotal | None:
    """The node's newest closing of that day, wherever it stands."""
    row = await tx.fetchrow(
        "SELECT * FROM day_total WHERE origin = ANY ($1) AND day = $2"
        " ORDER BY closed_ms DESC, idx DESC LIMIT 1",
        origins,
        day,
    )
    return DayTotal(**dict(row)) if row else None


async def closed_days(tx: Tx, since: str) -> set[tuple[str, str]]:
    """(node, day) of every day closed since then."""
    rows = await tx.fetch(
        "SELECT DISTINCT i.node, d.day FROM day_total d JOIN identity i USING (origin) WHERE d.day >= $1",
        since,
    )
    return {(row["node"], row["day"]) for row in rows}


async def kinds_between(tx: Tx, origin: str, low_ms: int, high_ms: int) -> dict[int, int]:
    """Entries by kind that occurred in [low, high)."""
    rows = await tx.fetch(
        "SELECT kind, count(*) AS n FROM entry WHERE origin = $1 AND occurred_ms >= $2 AND occurred_ms < $3"
        " GROUP BY kind",
        origin,
        low_ms,
        high_ms,
    )
    return {row["kind"]: row["n"] for row in rows}


async def kinds_after(tx: Tx, origin: str, low_ms: int, high_ms: int, idx: int) -> dict[int, int]:
    """Entries by kind that occurred in [low, high) and stand after entry `idx`."""
    rows = await tx.fetch(
        "SELECT kind, count(*) AS n FROM entry WHERE origin = $1 AND occurred_ms >= $2 AND occurred_ms < $3"
        " AND idx > $4 GROUP BY kind",
        origin,
        low_ms,
        high_ms,
        idx,
    )
    return {row["kind"]: row["n"] for row in rows}


async def active_days(tx: Tx, low_ms: int, high_ms: int, day_ms: int) -> set[tuple[str, int]]:
    """(origin, day number counted from `low_ms`) of every day with accesses."""
    rows = await tx.fetch(
        "SELECT DISTINCT origin, (occurred_ms - $1) / $3 AS day FROM access"
        " WHERE occurred_ms >= $1 AND occurred_ms < $2",
        low_ms,
        high_ms,
        day_ms,
    )
    return {(row["origin"], row["day"]) for row in rows}


async def reports_between(tx: Tx, origin: str, low_ms: int, high_ms: int) -> list[ReportWhole]:
    """Reports issued in [low, high), with everything that happened to their paper, by serial."""
    rows = await tx.fetch(
        "SELECT * FROM report WHERE origin = $1 AND issued_ms >= $2 AND issued_ms < $3 ORDER BY serial",
        origin,
        low_ms,
        high_ms,
    )
    return await _whole(tx, [ReportKept(**dict(row)) for row in rows])


async def reports(tx: Tx, node: str, serial: str, verdict: str, limit: int) -> list[ReportWhole]:
    """Reports, newest first; "" means any, verdict "waiting" provisional ones without a verdict."""
    rows = await tx.fetch(
        "SELECT r.* FROM report r LEFT JOIN settlement s ON s.origin = r.origin AND s.serial = r.serial"
        " WHERE ($1 = '' OR r.node = $1) AND ($2 = '' OR r.serial = $2)"
        " AND ($3 = '' OR s.verdict = $3 OR ($3 = 'waiting' AND s.verdict IS NULL AND r.status ="
        " 'provisional'))"
        " ORDER BY r.issued_ms DESC LIMIT $4",
        node,
        serial,
        verdict,
        limit,
    )
    return await _whole(tx, [ReportKept(**dict(row)) for row in rows])


async def _whole(tx: Tx, kept: list[ReportKept]) -> list[ReportWhole]:
    papers: dict[tuple[str, str], list[Paper]] = {}
    query = (
        "SELECT u.node, p.* FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[])) AS u (node, serial)"
        " JOIN identity i ON i.node = u.node JOIN paper p ON p.origin = i.origin AND p.serial = u.serial"
        " ORDER BY p.occurred_ms, p.idx"
    )
    for row in await tx.fetch(query, [report.node for report in kept], [report.serial for report in kept]):
        paper = dict(row)
        papers.setdefault((paper.pop("node"), row["serial"]), []).append(Paper(**paper))
    places = ([report.origin for report in kept], [report.serial for report in kept])
    query = (
        "SELECT s.* FROM settlement s JOIN unnest($1::text[], $2::text[]) AS u (origin, serial)"
        " ON s.origin = u.origin AND s.serial = u.serial"
    )
    verdicts = {(row["origin"], row["serial"]): row for row in await tx.fetch(query, *places)}
    return [
        _report(
            report,
            papers.get((report.node, report.serial), []),
            verdicts.get((report.origin, report.serial)),
        )
        for report in kept
    ]


def _report(report: ReportKept, papers: list[Paper], verdict: Any) -> ReportWhole:
    return ReportWhole(
        report=report,
        papers=tuple(papers),
        verdict=verdict["verdict"] if verdict else "",
        changes_sealed=verdict["changes_sealed"] if verdict else b"",
        settled_ms=verdict["settled_ms"] if verdict else None,
    )


async def stray_papers(tx: Tx, origin: str, origins: list[str], low_ms: int, high_ms: int) -> list[Paper]:
    """Papers of [low, high) on that ledger whose report was never issued by the node."""
    rows = await tx.fetch(
        "SELECT p.* FROM paper p WHERE p.origin = $1 AND p.occurred_ms >= $2 AND p.occurred_ms < $3"
        " AND p.serial <> '' AND NOT EXISTS"
        " (SELECT 1 FROM report r WHERE r.origin = ANY ($4) AND r.serial = p.serial) ORDER BY p.idx",
        origin,
        low_ms,
        high_ms,
        origins,
    )
    return [Paper(**dict(row)) for row in rows]


async def cases_of(tx: Tx, origins: list[str], case_nos: list[str]) -> dict[str, list[CaseEvent]]:
    """The events of these cases, in order."""
    found: dict[str, list[CaseEvent]] = {}
    query = (
        "SELECT * FROM case_event WHERE origin = ANY ($1) AND case_no = ANY ($2) ORDER BY occurred_ms, idx"
    )
    for row in await tx.fetch(query, origins, case_nos):
        found.setdefault(row["case_no"], []).append(CaseEvent(**dict(row)))
    return found


async def answered_cases(tx: Tx, origins: list[str], case_nos: list[str], kinds: list[int]) -> set[str]:
    """Those of these cases that have an access of one of the kinds."""
    query = (
        "SELECT DISTINCT case_no FROM access"
        " WHERE origin = ANY ($1) AND case_no = ANY ($2) AND kind = ANY ($3)"
    )
    return {row["case_no"] for row in await tx.fetch(query, origins, case_nos, kinds)}


async def shown_only(tx: Tx, origin: str, low_ms: int, high_ms: int) -> list[Pairing]:
    """Online accesses of [low, high) that the centre never disclosed."""
    rows = await tx.fetch(
        "SELECT a.request_id, a.occurred_ms, a.idx FROM access a WHERE a.origin = $1 AND a.occurred_ms >= $2"  # noqa: S608 -- names of tables
        " AND a.occurred_ms < $3 AND a.mode = 'online' AND a.kind = $4 AND NOT EXISTS (SELECT 1 FROM"
        f" disclosure d WHERE {same_act('d', 'a')}) ORDER BY a.idx",
        origin,
        low_ms,
        high_ms,
        kind("access.answered").number,
    )
    return [Pairing(**dict(row)) for row in rows]


async def disclosed_only(tx: Tx, origin: str, low_ms: int, high_ms: int) -> list[Pairing]:
    """Disclosures of [low, high) that the node's ledger does not show."""
    rows = await tx.fetch(
        "SELECT d.request_id, d.occurred_ms, d.centre_idx AS idx FROM disclosure d WHERE d.origin = $1"  # noqa: S608 -- as above
        " AND d.occurred_ms >= $2 AND d.occurred_ms < $3 AND NOT EXISTS (SELECT 1 FROM access a"
        f" WHERE {same_act('a', 'd')}) ORDER BY d.centre_idx",
        origin,
        low_ms,
        high_ms,
    )
    return [Pairing(**dict(row)) for row in rows]


async def blanks(tx: Tx, origins: list[str], low_ms: int, high_ms: int) -> list[SheetMove]:
    """Moves until `high` of every block that was not returned before `low`, the oldest first."""
    rows = await tx.fetch(
        "SELECT m.* FROM sheet_move m WHERE m.origin = ANY ($1) AND m.occurred_ms < $3 AND NOT EXISTS"
        " (SELECT 1 FROM sheet_move r WHERE r.origin = ANY ($1) AND r.block = m.block"
        " AND r.outcome = 'returned' AND r.occurred_ms < $2) ORDER BY m.occurred_ms, m.idx",
        origins,
        low_ms,
        high_ms,
    )
    return [SheetMove(**dict(row)) for row in rows]


async def sheets_used(tx: Tx, origins: list[str], low_ms: int, high_ms: int) -> list[Paper]:
    """Papers of [low, high) with a sheet's number, without those that only say it was handed over."""
    rows = await tx.fetch(
        "SELECT * FROM paper WHERE origin = ANY ($1) AND occurred_ms >= $2 AND occurred_ms < $3"
        " AND sheet <> '' AND kind <> $4 ORDER BY occurred_ms, idx",
        origins,
        low_ms,
        high_ms,
        kind("report.handed_over").number,
    )
    return [Paper(**dict(row)) for row in rows]


async def purposeless(tx: Tx, origin: str, low_ms: int, high_ms: int) -> list[Pairing]:
    """Answered accesses of [low, high) with neither purpose nor case."""
    rows = await tx.fetch(
        "SELECT request_id, occurred_ms, idx FROM access WHERE origin = $1 AND occurred_ms >= $2"
        " AND occurred_ms < $3 AND kind = $4 AND purpose = '' AND case_no = '' ORDER BY idx",
        origin,
        low_ms,
        high_ms,
        kind("access.answered").number,
    )
    return [Pairing(**dict(row)) for row in rows]


async def raise_finding(tx: Tx, row: Finding) -> bool:
    """Keep a finding; False when it is known as it is.

    One that a recount closed is opened again, and one in any state that says something else by now (other
    numbers): what was settled last stays beside it.
    """
    return (
        await tx.fetchval(
            "INSERT INTO finding AS f (origin, finding, node, day, code, object, words_zh, words_en, owner,"
            " state, opened_ms, settled_ms, settled_by, note)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
            " ON CONFLICT (origin, finding) DO UPDATE SET words_zh = excluded.words_zh,"
            " words_en = excluded.words_en, owner = excluded.owner, state = excluded.state,"
            " opened_ms = CASE f.state WHEN 'open' THEN f.opened_ms ELSE excluded.opened_ms END"
            " WHERE f.words_zh <> excluded.words_zh OR f.state = 'closed' AND f.settled_by = $15"
            " RETURNING finding",
            *msgspec.structs.astuple(row),
            RECOUNT,
        )
        is not None
    )


async def findings(tx: Tx, node: str = "", state: str = "", day: str = "", limit: int = 500) -> list[Finding]:
    """Findings, open ones first, then newest; "" means any."""
    rows = await tx.fetch(
        "SELECT * FROM finding WHERE ($1 = '' OR node = $1) AND ($2 = '' OR state = $2) AND ($3 = '' OR day"
        " = $3)"
        " ORDER BY state = 'open' DESC, day DESC, opened_ms DESC, finding LIMIT $4",
        node,
        state,
        day,
        limit,
    )
    return [Finding(**dict(row)) for row in rows]


async def finding(tx: Tx, name: str) -> Finding | None:
    """The finding of that id."""
    row = await tx.fetchrow("SELECT * FROM finding WHERE finding = $1", name)
    return Finding(**dict(row)) if row else None


async def add_word(tx: Tx, row: WordKept) -> None:
    """Keep what a hall's entry says of a finding; of one that is not (yet) known too."""
    await tx.execute(
        "INSERT INTO finding_word (origin, idx, node, finding, owner, state, note_sealed, occurred_ms)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        *msgspec.structs.astuple(row),
    )


async def hall_words(tx: Tx, findings: list[str]) -> dict[str, WordKept]:
    """The newest word on each of these findings of the hall it is about."""
    rows = await tx.fetch(
        "SELECT DISTINCT ON (w.finding) w.* FROM finding_word w JOIN finding f USING (finding)"
        " WHERE w.finding = ANY ($1) AND w.node = f.node"
        " ORDER BY w.finding, w.occurred_ms DESC, w.origin DESC, w.idx DESC",
        findings,
    )
    return {row["finding"]: WordKept(**dict(row)) for row in rows}


async def settle_finding(tx: Tx, row: Finding) -> None:
    """Write back the state of a finding."""
    await tx.execute(
        "UPDATE finding SET state = $3, settled_ms = $4, settled_by = $5, note = $6"
        " WHERE origin = $1 AND finding = $2",
        row.origin,
        row.finding,
        row.state,
        row.settled_ms,
        row.settled_by,
        row.note,
    )


async def open_days(tx: Tx, origin: str, since: str) -> list[str]:
    """The days since then on which a ledger has open findings."""
    query = "SELECT DISTINCT day FROM finding WHERE origin = $1 AND state = 'open' AND day >= $2"
    return [row["day"] for row in await tx.fetch(query, origin, since)]


async def open_findings(tx: Tx) -> dict[str, int]:
    """Open findings by node."""
    rows = await tx.fetch("SELECT node, count(*) AS n FROM finding WHERE state = 'open' GROUP BY node")
    return {row["node"]: row["n"] for row in rows}
