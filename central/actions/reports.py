"""Issued reports with the life of their paper and the centre's verdict."""

from central.actions import settle
from central.actions.centre import AdminSession, Centre
from central.actions.own_ledger import act, drafted
from central.actions.trail import matter_words
from central.actions.views import ReportRow
from central.security.permissions import require
from central.store import fleet as nodes
from central.store import ledger, reconciling, trail
from central.store.reconciling import ReportWhole
from sync.ledger.entry import leaf_hash
from sync.messages.registry import kind

PRINTED = (kind("report.printed").number, kind("report.reprinted").number)
SPOILED = kind("report.spoiled").number
HANDED_OVER = kind("report.handed_over").number


async def reports(
    centre: Centre,
    admin: AdminSession,
    *,
    node: str = "",
    serial: str = "",
    verdict: str = "",
    limit: int = 200,
) -> tuple[ReportRow, ...]:
    """Reports, newest first.

    Verdict "waiting" are provisional ones not judged yet. The look is on the ledger.
    """
    require(admin.role, "reports.read")
    draft = drafted(admin, "admin.read", "reports", f"{node} {serial} {verdict}".strip())
    await act(centre, draft)
    async with centre.store.reading() as tx:
        names = {one.node: one.name for one in await nodes.nodes(tx)}
        found = await reconciling.reports(tx, node, serial, verdict, limit)
        signed = {
            origin: (await ledger.head(tx, origin)).countersigned
            for origin in {w.report.origin for w in found}
        }
        places = [(whole.report.origin, whole.report.idx, whole.report.issued_ms) for whole in found]
        leaves = await trail.bodies(tx, places)
    return tuple(
        _row(centre, whole, names, signed, leaves.get((whole.report.origin, whole.report.idx), b""))
        for whole in found
    )


def _row(
    centre: Centre, whole: ReportWhole, names: dict[str, str], signed: dict[str, int], leaf: bytes
) -> ReportRow:
    report = whole.report
    handed = [paper.occurred_ms for paper in whole.papers if paper.kind == HANDED_OVER]
    digests = [paper.file_digest for paper in whole.papers if paper.file_digest]
    held = leaf_hash(leaf) == report.leaf_hash
    return ReportRow(
        serial=report.serial,
        origin=report.origin,
        index=report.idx,
        node=report.node,
        node_name=names.get(report.node, report.node),
        matter=report.matter,
        matter_words=matter_words(centre, report.matter),
        subject=report.subject_ref.hex()[:8],
        status="provisional" if report.status == "provisional" else "final",
        verdict=_verdict(whole.verdict),
        changes=settle.changes_of(centre, report.origin, report.serial, whole.changes_sealed),
        issued_ms=report.issued_ms,
        as_of_ms=report.as_of_ms,
        settled_ms=whole.settled_ms,
        printed=sum(paper.kind in PRINTED for paper in whole.papers),
        spoiled=sum(paper.kind == SPOILED for paper in whole.papers),
        handed_over_ms=handed[0] if handed else None,
        file_digest=digests[-1] if digests else b"",
        leaf_hash=report.leaf_hash,
        verified="broken"
        if not held
        else "countersigned"
        if report.idx < signed[report.origin]
        else "arrived",
    )


def _verdict(word: str) -> settle.Verdict:
    return "superseded" if word == "superseded" else "confirmed" if word == "confirmed" else ""
