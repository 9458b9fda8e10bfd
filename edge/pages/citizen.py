"""谁查过我: the citizen's own view, asked at the window with the card."""

from litestar import get, post
from litestar.response import Redirect

from edge.actions import own_trail
from edge.actions.views import Deferral, TrailAnswer
from edge.pages import doors
from edge.pages.doors import Page, TheForm, TheNode, TheVisitor
from edge.pages.forms import phone_error
from edge.pages.views import OwnTrailView
from edge.pages.window import card_here
from matters.model import Refusal


@get("/own-trail")
async def own_trail_page(node: TheNode, visitor: TheVisitor) -> Page:
    """The question with the card on the reader, or what was found, until the citizen is done."""
    found = visitor.desk.own_trail
    view = OwnTrailView(
        card=await card_here(node, visitor),
        trail=found if isinstance(found, TrailAnswer) else None,
        deferral=found if isinstance(found, Deferral) else None,
        refusal=found if isinstance(found, Refusal) else None,
        phone=visitor.desk.own_phone,
        error=visitor.desk.own_error,
    )
    return await doors.show(node, visitor, "/own-trail", view)


@post("/own-trail")
async def ask_own_trail(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """The list, a promise, or why not; whichever it is stands on the ledger before it is shown.

    A phone that is none goes back to its field and asks nothing yet.
    """
    desk, phone = visitor.desk, form.get("phone", "").strip()
    desk.own_phone, desk.own_error = phone, phone_error("phone", phone)
    if desk.own_error is None:
        desk.own_trail = await own_trail.show(node, visitor.session, form.get("read_id", ""), phone)
    return doors.go("/own-trail")
