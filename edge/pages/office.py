"""Cases and tasks of the hall."""

from litestar import get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from edge.actions import cases, photos, printing
from edge.pages import doors
from edge.pages.doors import Page, TheForm, TheNode, TheVisitor
from edge.pages.views import CasePageView, CasesView, TasksView
from matters.cases import STATE_WORDS
from matters.model import Words

ALL = ("", Words(zh="全部", en="all"))


@get("/cases")
async def case_list(node: TheNode, visitor: TheVisitor, only: FromQuery[str] = "") -> Page:
    """The newest cases; `only` shows one state, an unknown one counts as all."""
    wanted = only if only in STATE_WORDS else ""
    view = CasesView(
        cases=await cases.list_cases(node, visitor.session, wanted or None),
        state=wanted,
        states=(ALL, *STATE_WORDS.items()),
    )
    return await doors.show(node, visitor, "/cases", view)


@get("/cases/{number:str}")
async def case_page(node: TheNode, visitor: TheVisitor, number: FromPath[str]) -> Page:
    """One case with its papers."""
    view = CasePageView(
        case=await cases.case(node, visitor.session, number),
        jobs=tuple(job for job in await printing.jobs(node) if job.case == number),
        photos=await photos.listed(node, number),
        camera=bool(node.hall and node.hall.device_of(visitor.session.window, "document_camera")),
    )
    return await doors.show(node, visitor, "/cases", view)


@get("/tasks")
async def task_list(node: TheNode, visitor: TheVisitor) -> Page:
    """Corrections to answer, calls to make, deferrals that wait, what was finished."""
    waiting = await cases.tasks(node)
    view = TasksView(
        corrections=tuple(task for task in waiting if task.kind == "correction"),
        calls=tuple(task for task in waiting if task.kind == "call"),
        deferrals=tuple(task for task in waiting if task.kind == "deferral"),
        done=await cases.tasks(node, done=True),
        now_ms=node.now_ms(),
        notice=visitor.desk.take_notice(),
    )
    return await doors.show(node, visitor, "/tasks", view)


@post("/tasks/{task:str}/finish")
async def finish_task(node: TheNode, visitor: TheVisitor, form: TheForm, task: FromPath[str]) -> Redirect:
    """The citizen was told, or the deferral was settled by hand; an entry."""
    await cases.finish_task(node, visitor.session, task, form.get("note", "").strip())
    doors.say(visitor, "fresh", "已记为办结。", "Marked as finished.")
    return doors.go("/tasks")
