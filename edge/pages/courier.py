"""The courier: what lies on a stick in words, taking it in, writing out; one of the sticks that are in."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from litestar import get, post
from litestar.params import FromQuery
from litestar.response import Redirect

from edge.actions import duties, sticks
from edge.actions.examiner import Examined
from edge.actions.node import Node
from edge.actions.sticks import Journey
from edge.errors import Busy, CourierRefused, EdgeError, NotThere, Refused, StickTrouble
from edge.pages import doors
from edge.pages.doors import Page, TheForm, TheNode, TheVisitor, Visitor
from edge.pages.views import CourierView
from matters.model import Words


@get("/courier")
async def courier_page(node: TheNode, visitor: TheVisitor, stick: FromQuery[str] = "") -> Page:
    """What lies on the stick, for who is on duty; the only one that is in is chosen by itself."""
    may, done = duties.on_duty(visitor.session), visitor.desk.take_journey()
    found = await sticks.mounted(node) if may else ()
    wanted = stick or (found[0] if len(found) == 1 else "")
    chosen = wanted if wanted in found else ""
    seen = _NOTHING
    try:
        seen = await sticks.look_at(node, chosen) if chosen else _NOTHING
    except NotThere as error:
        chosen, done = "", done or _told(error)
    except CourierRefused as error:
        done = done or _told(error)
    view = CourierView(
        may=may,
        configured=bool(node.settings.sticks),
        sticks=found,
        chosen=chosen,
        files=seen.files,
        apart=seen.apart,
        done=done,
    )
    return await doors.show(node, visitor, "/line", view)


@post("/courier/import")
async def take_in(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """Take in what the centre sent back, by who is on duty."""
    return await _carried(node, visitor, form, sticks.take_in)


@post("/courier/export")
async def write_out(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """Write what waits for the centre, by who is on duty."""
    return await _carried(node, visitor, form, sticks.write_out)


async def _carried(
    node: Node, visitor: Visitor, form: doors.Form, act: Callable[[Node, str], Awaitable[Journey]]
) -> Redirect:
    await duties.require(node, visitor.session, duties.COURIER)
    name = form.get("stick", "")
    try:
        visitor.desk.journey = await act(node, name)
    except (Busy, CourierRefused, NotThere, Refused, StickTrouble) as error:
        visitor.desk.journey = _told(error)
    return doors.go(f"/courier?{urlencode({'stick': name})}")


def _told(error: EdgeError) -> Journey:
    words = Words(zh=error.message.zh + error.next.zh, en=f"{error.message.en} {error.next.en}")
    return Journey(kind="ageing", words=words)


_NOTHING = Examined(found=(), apart=True)
