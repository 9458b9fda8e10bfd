"""The print journal: one question a paper, reprints with a reason, handing over, the report's file."""

from http import HTTPStatus
from typing import get_args

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from edge.actions import duties, printing, sheets
from edge.actions.views import PrintJob
from edge.errors import NotThere
from edge.pages import doors
from edge.pages.doors import Page, TheForm, TheNode, TheVisitor
from edge.pages.views import PrintsView
from ui import headers

MOVING = frozenset({"asked", "queued", "sent", "device-confirmed", "failed"})
"""States in which something is still to come; a slip is done when its printer has confirmed it."""


@get("/prints")
async def print_list(node: TheNode, visitor: TheVisitor) -> Page:
    """Questions first, then what is on its way, then the rest."""
    jobs = await printing.jobs(node)
    asking = doors.questions(jobs, visitor.session.window)
    others = [job for job in jobs if job not in asking]
    view = PrintsView(
        asking=asking,
        moving=tuple(job for job in others if _moves(job)),
        settled=tuple(job for job in others if not _moves(job)),
        sheets=await printing.sheets(node),
        blocks=await sheets.blocks(node),
        may_issue=duties.on_duty(visitor.session),
        windows=node.settings.windows,
        notice=visitor.desk.take_notice(),
    )
    return await doors.show(node, visitor, "/prints", view)


@post("/prints/{job:str}/confirm")
async def confirm(node: TheNode, visitor: TheVisitor, form: TheForm, job: FromPath[str]) -> Redirect:
    """The clerk's word on one paper: good, spoiled (with a reason), or none came out."""
    outcome = form.get("outcome", "")
    if outcome not in get_args(printing.Outcome):
        raise NotThere("no such outcome")
    reason, sheet = form.get("reason", "").strip(), form.get("sheet", "").strip()
    await printing.confirm(node, visitor.session, job, outcome, reason, sheet)  # type: ignore[arg-type]  # checked above
    doors.say(visitor, "fresh", "已记下纸张的情况。", "The paper's state is recorded.")
    return doors.go(_back(form))


@post("/prints/reprint")
async def reprint(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """补打 under the same serial, with a reason."""
    await printing.reprint(node, visitor.session, form.get("serial", ""), form.get("reason", ""))
    doors.say(visitor, "fresh", "已安排补打，编号不变。", "A reprint is on its way; the serial stays.")
    return doors.go(_back(form))


@post("/prints/summary")
async def summary(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """The report in short on slip paper."""
    await printing.summary(node, visitor.session, form.get("serial", ""))
    doors.say(visitor, "fresh", "已安排打印报告摘要。", "The report's summary is on its way.")
    return doors.go(_back(form))


@post("/prints/handover")
async def hand_over(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """The citizen signed for the report and has it."""
    await printing.hand_over(node, visitor.session, form.get("serial", ""))
    doors.say(visitor, "fresh", "报告已签收交付。", "The report was signed for and handed over.")
    return doors.go(_back(form))


@post("/prints/blocks")
async def issue_block(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """Numbered sheets issued to a window."""
    first, last = form.get("first", ""), form.get("last", "")
    await sheets.issue(node, visitor.session, first, last, form.get("window", ""))
    doors.say(visitor, "fresh", "已登记领用的纸张。", "The sheets are issued.")
    return doors.go("/prints")


@post("/prints/blocks/return")
async def return_block(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """The rest of a block taken back."""
    await sheets.give_back(node, visitor.session, form.get("block", ""))
    doors.say(visitor, "fresh", "已退回剩余纸张。", "The rest of the sheets is taken back.")
    return doors.go("/prints")


@post("/prints/sheets/void")
async def void_sheet(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """One sheet that no report will be on."""
    await sheets.void(node, visitor.session, form.get("number", ""), form.get("reason", ""))
    doors.say(visitor, "fresh", "已作废该张纸。", "The sheet is void.")
    return doors.go("/prints")


@get("/prints/{serial:str}/report.pdf")
async def report_file(node: TheNode, visitor: TheVisitor, serial: FromPath[str]) -> Response[bytes]:
    """The report's file for printing: looking at it is an access, on the ledger before the bytes go."""
    return Response(
        await printing.pdf(node, visitor.session, serial),
        media_type="application/pdf",
        status_code=HTTPStatus.OK,
        headers={
            "Cache-Control": headers.PAGE_CACHE,
            "Content-Disposition": f'inline; filename="{serial}.pdf"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _moves(job: PrintJob) -> bool:
    return job.state in MOVING and not (job.kind == "slip" and job.state == "device-confirmed")


def _back(form: doors.Form) -> str:
    return "/" if form.get("back") == "serve" else "/prints"
