"""Regions that a live event re-fetches. Reading them does not keep an idle window awake."""

from http import HTTPStatus

from litestar import Response, get
from litestar.params import FromPath

from edge.actions import printing, status
from edge.actions.views import Answer
from edge.errors import NotThere
from edge.pages import doors, serving, window
from edge.pages.doors import Page, TheLang, TheNode, TheVisitor
from edge.pages.screen import PARTS, part
from edge.pages.views import AnswerView, SideView
from ui.frame import Frame


@get("/parts/strip")
async def strip(node: TheNode, lang: TheLang) -> Page:
    """The four facts; also before sign-in, for they name nobody."""
    now = await status.status(node)
    return doors.html(part("strip", None, Frame(lang=lang, brand=now.hall, made_ms=now.at_ms), now))


@get("/parts/delivery")
async def delivery(node: TheNode, visitor: TheVisitor) -> Page | Response[None]:
    """What is to be done with the report on the desk, as its job moves on; 204 when the desk moved on."""
    desk = visitor.desk
    if not isinstance(desk.outcome, Answer):
        return Response(None, status_code=HTTPStatus.NO_CONTENT)
    side = await window.side_of(node, visitor)
    view = serving.outcome_view(
        node.catalogue[desk.matter], desk, side, desk.outcome, await printing.jobs(node)
    )
    assert isinstance(view, AnswerView)
    now = await status.status(node)
    return doors.html(part("delivery", view, await doors.framed(node, visitor, now, "/"), now))


@get("/parts/{name:str}")
async def region(node: TheNode, visitor: TheVisitor, name: FromPath[str]) -> Page:
    """One region of the side columns."""
    if name not in PARTS or name in {"delivery", "devices"}:
        raise NotThere("no such region")
    now = await status.status(node)
    view = SideView(side=await window.side_of(node, visitor))
    return doors.html(part(name, view, await doors.framed(node, visitor, now, "/"), now))
