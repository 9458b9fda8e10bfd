"""The line."""

from litestar import get, post
from litestar.response import Redirect

from edge.actions import duties, exchange
from edge.errors import Busy, LineTrouble
from edge.pages import doors
from edge.pages.doors import Page, TheForm, TheNode, TheVisitor
from edge.pages.views import LineView


@get("/line")
async def line_page(node: TheNode, visitor: TheVisitor) -> Page:
    """What waits, how long it takes, what is held, what may be said offline."""
    view = LineView(notice=visitor.desk.take_notice(), may_exchange=duties.on_duty(visitor.session))
    return await doors.show(node, visitor, "/line", view)


@post("/line/exchange")
async def exchange_now(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """One exchange now, by who is on duty; the words say what went and what still waits."""
    assert "csrf" in form
    await duties.require(node, visitor.session, duties.EXCHANGE)
    try:
        done = await exchange.exchange(node)
    except (LineTrouble, Busy) as error:
        doors.say(visitor, "ageing", error.message.zh + error.next.zh, f"{error.message.en} {error.next.en}")
        return doors.go("/line")
    doors.say(
        visitor,
        "ageing" if done.pending else "fresh",
        f"已上传 {done.sent} 条，收到 {done.received} 项，还有 {done.pending} 条等待。",
        f"Sent {done.sent}, received {done.received}, {done.pending} still waiting.",
    )
    return doors.go("/line")
