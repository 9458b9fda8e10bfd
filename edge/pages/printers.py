"""The slip printers: what the test page showed each can do, answered by the numbers on the paper."""

from urllib.parse import urlencode

from litestar import get, post
from litestar.params import FromQuery
from litestar.response import Redirect

from drivers.devices.receipt_printer.testpage import PARTS
from edge.actions import devices, printers
from edge.pages import doors
from edge.pages.doors import Page, TheForm, TheNode, TheVisitor
from edge.pages.views import PrintersView


@get("/printers")
async def printers_page(node: TheNode, visitor: TheVisitor, printer: FromQuery[str] = "") -> Page:
    """One printer's answers at a time, the window's own first."""
    seen = await printers.look(node, visitor.session)
    chosen = next((one for one in seen if one.status.name == printer), seen[0] if seen else None)
    view = PrintersView(printers=seen, chosen=chosen, parts=PARTS, notice=visitor.desk.take_notice())
    return await doors.show(node, visitor, "/devices", view)


@post("/printers/test")
async def print_page(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """Print the test page; what comes out is asked below."""
    await devices.try_out(node, visitor.session, form.get("printer", ""))
    doors.say(
        visitor, "ageing", "测试页正在打印，请看着纸回答。", "The test page is printing; answer by the paper."
    )
    return _back(form)


@post("/printers")
async def answer(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """Which numbered parts came out well; the next slip is laid out by it."""
    good = {part.field for part in PARTS if form.get(part.field) == "yes"}
    await printers.answer(node, visitor.session, form.get("printer", ""), good)
    doors.say(visitor, "fresh", "已记下，回执按此排版。", "Recorded; slips are laid out by it from now on.")
    return _back(form)


def _back(form: doors.Form) -> Redirect:
    return doors.go(f"/printers?{urlencode({'printer': form.get('printer', '')})}")
