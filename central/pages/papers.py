"""Issued reports as the auditor sees them, releases, administrators and their acts."""

from http import HTTPStatus

from litestar import get
from litestar.params import FromQuery

from central.actions import administrators, files, fleet, reports
from central.actions.views import ReportRow
from central.pages.doors import Page, TheCentre, TheVisitor, page
from central.pages.views import ActsPage, AdministratorsPage, ReportsPage

VERDICTS = ("", "waiting", "confirmed", "superseded")
ACTS_MAX = 200


@get("/reports", opt={"permission": "reports.read"})
async def reports_page(
    centre: TheCentre,
    visitor: TheVisitor,
    serial: FromQuery[str] = "",
    node: FromQuery[str] = "",
    verdict: FromQuery[str] = "",
    report: FromQuery[str] = "",
) -> Page:
    """Reports by serial, node and verdict; `report` opens one of them."""
    assert visitor.session is not None
    verdict = verdict if verdict in VERDICTS else ""
    serial = serial.strip()
    rows = await reports.reports(centre, visitor.session, node=node, serial=serial, verdict=verdict)
    lacking = await files.lacking(centre, visitor.session, node)
    view = ReportsPage(
        rows=rows,
        lacking=tuple(one.serial for one in lacking),
        chosen=opened(rows, report or serial),
        verdict=verdict,
        serial=serial,
        node=node,
        nodes=await fleet.fleet(centre),
        now_ms=visitor.now_ms,
    )
    return page(visitor, "reports", view, "/reports")


def opened(rows: tuple[ReportRow, ...], serial: str) -> ReportRow | None:
    """The report of exactly that serial."""
    return next((row for row in rows if serial and row.serial == serial), None)


@get("/administrators", opt={"permission": "administrators.read"})
async def administrators_page(centre: TheCentre, visitor: TheVisitor) -> Page:
    """The three administrators."""
    view = AdministratorsPage(rows=await administrators.administrators(centre), now_ms=visitor.now_ms)
    return page(visitor, "administrators", view, "/administrators", status=HTTPStatus.OK)


@get("/acts", opt={"permission": "acts.read"})
async def acts_page(centre: TheCentre, visitor: TheVisitor) -> Page:
    """What administrators did, from the centre's own ledger."""
    view = ActsPage(rows=await administrators.acts(centre, ACTS_MAX), now_ms=visitor.now_ms)
    return page(visitor, "acts", view, "/acts")
