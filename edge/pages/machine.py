"""The line."""

from litestar import get, post
from litestar.response import Redirect

from edge.actions import duties, exchange, spoken
from edge.errors import Busy, LineTrouble, Refused
from edge.pages import doors
from edge.pages.doors import Page, TheForm, TheNode, TheVisitor
from edge.pages.views import LineView, Notice
from matters.model import Words


@get("/line")
async def line_page(node: TheNode, visitor: TheVisitor) -> Page:
    """What waits, how long it takes, what is held, what may be said offline."""
    view = LineView(notice=visitor.desk.take_notice(), may_exchange=duties.on_duty(visitor.session))
    return await doors.show(node, visitor, "/line", view)


@post("/line/lease")
async def lease_by_phone(node: TheNode, visitor: TheVisitor, form: TheForm) -> Page | Redirect:
    """A code the centre reads out, typed or scanned by who is on duty; a wrong one stays in its field."""
    await duties.require(node, visitor.session, duties.LEASE)
    typed = form.get("code", "")
    try:
        done = await spoken.take(node, typed)
    except Refused as error:
        words = Words(zh=error.message.zh + error.next.zh, en=f"{error.message.en} {error.next.en}")
        view = LineView(notice=Notice(kind="ageing", words=words), may_exchange=True, code=typed)
        return await doors.show(node, visitor, "/line", view)
    doors.say(visitor, "fresh", f"已延长 {done.opened} 项离线授权。", f"{done.opened} leases extended.")
    return doors.go("/line")


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
        "ageing" if done.pending or done.alarms else "fresh",
        f"已上传 {done.sent} 条，收到 {done.received} 项，还有 {done.pending} 条等待。"
        + "".join(note.zh for note in done.notes),
        f"Sent {done.sent}, received {done.received}, {done.pending} still waiting."
        + "".join(f" {note.en}" for note in done.notes),
    )
    return doors.go("/line")
