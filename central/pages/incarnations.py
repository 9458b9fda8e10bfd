"""Requests for a new incarnation: what the centre knows of the old ledger; one officer's word at a time."""

from http import HTTPStatus

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect

from central.actions import incarnations, restored
from central.pages.doors import Page, TheCentre, TheForm, TheVisitor, go, page
from central.pages.views import IncarnationsPage
from central.security.permissions import permitted
from matters.model import Refusal

HERE = "/incarnations"


@get(HERE, opt={"permission": "incarnations.read"})
async def incarnations_page(centre: TheCentre, visitor: TheVisitor) -> Page:
    """Every request, newest first."""
    return await show(centre, visitor)


@post(
    "/incarnations/{node:str}/{asked:str}",
    opt={"permission": "incarnations.decide"},
    status_code=HTTPStatus.OK,
)
async def decide(
    centre: TheCentre, visitor: TheVisitor, form: TheForm, node: FromPath[str], asked: FromPath[str]
) -> Page | Redirect:
    """One officer's word; the action asks whether the role holds it. It is on the centre's ledger."""
    assert visitor.session is not None
    approves = form.text("word") == "approve"
    done = await incarnations.decide(
        centre, visitor.session, node, asked, approves=approves, note=form.text("note")
    )
    if isinstance(done, Refusal):
        return await show(centre, visitor, refusal=done)
    return go(HERE)


async def show(centre: TheCentre, visitor: TheVisitor, *, refusal: Refusal | None = None) -> Page:
    """The page, after a word was taken or refused."""
    role = visitor.session.role if visitor.session else ""
    rows = await incarnations.requests(centre)
    standing = restored.WAIT if await restored.levelling(centre) else None
    view = IncarnationsPage(
        waiting=tuple(row for row in rows if row.state == "waiting"),
        settled=tuple(row for row in rows if row.state != "waiting"),
        role=role if permitted(role, "incarnations.decide") else "",
        refusal=refusal or standing,
        now_ms=visitor.now_ms,
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refusal else HTTPStatus.OK
    return page(visitor, "incarnations", view, HERE, status=status)
