"""The devices: each with its state, the way round it, and a test by one key; in training the twins' hands."""

from litestar import get, post
from litestar.response import Redirect

from edge.actions import devices, status
from edge.actions.twins import TwinsSeen
from edge.errors import NotThere
from edge.pages import doors
from edge.pages.doors import Page, TheForm, TheNode, TheVisitor
from edge.pages.screen import part
from edge.pages.views import DevicesView


@get("/devices")
async def device_page(node: TheNode, visitor: TheVisitor) -> Page:
    """Every device with its own state, time, next step and test."""
    return await doors.show(node, visitor, "/devices", await _view(node, visitor))


@get("/parts/devices")
async def region(node: TheNode, visitor: TheVisitor) -> Page:
    """The list as it is now, after a live event; a notice waits for the next whole page."""
    notice = visitor.desk.notice
    view = await _view(node, visitor)
    visitor.desk.notice = notice
    now = await status.status(node)
    return doors.html(part("devices", view, await doors.framed(node, visitor, now, "/devices"), now))


@post("/devices/test")
async def try_out(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """Begin the test of one device; its result comes as a live event, or on the next look."""
    await devices.try_out(node, visitor.session, form.get("device", ""))
    return doors.go("/devices")


@post("/devices/hand")
async def hand(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """In training: what a hand would do to a device."""
    if node.twins is None:
        raise NotThere("no twins here")
    from edge.actions import training

    await training.play(node, visitor.session, form.get("device", ""), form.get("act", ""))
    return doors.go("/devices")


async def _view(node: TheNode, visitor: TheVisitor) -> DevicesView:
    return DevicesView(
        seen=await devices.look(node, visitor.session),
        twins=_twins(node),
        notice=visitor.desk.take_notice(),
    )


def _twins(node: TheNode) -> TwinsSeen | None:
    """The virtual devices, read in only where people practise."""
    if node.twins is None:
        return None
    from edge.actions import training

    return training.look(node)
