"""Day close."""

import msgspec
from litestar import get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from edge.actions import close_day, duties, findings
from edge.pages import doors, forms
from edge.pages.doors import Page, TheForm, TheNode, TheVisitor
from edge.pages.views import DayView
from matters.calendar import china_day
from matters.model import Words
from sync.messages.registry import KINDS

_KIND_WORDS = {kind.name: Words(zh=kind.words[0], en=kind.words[1]) for kind in KINDS}


@get("/day")
async def day_page(node: TheNode, visitor: TheVisitor, day: FromQuery[str] = "") -> Page:
    """A day counted; without `day`, or with one that is none, today. Closed days keep their closing time."""
    today = china_day(node.now_ms())
    wanted = forms.day_of(day) or today
    totals = await close_day.preview(node, wanted.isoformat())
    last = await close_day.last_closed(node)
    if last is not None and last.day == totals.day:
        totals = msgspec.structs.replace(totals, closed_ms=last.closed_ms)
    found = await findings.findings(node)
    people = await findings.owners(node) if duties.on_duty(visitor.session) else ()
    view = DayView(
        totals=totals,
        kinds=tuple((_KIND_WORDS.get(name, Words(zh=name, en=name)), n) for name, n in totals.kinds.items()),
        findings=tuple(f for f in found if f.day == totals.day or f.state != "closed"),
        people=people,
        me=visitor.session.staff,
        is_today=wanted == today,
        may_close=duties.on_duty(visitor.session),
        notice=visitor.desk.take_notice(),
    )
    return await doors.show(node, visitor, "/day", view)


@post("/day/close")
async def close(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """Close the day that was shown; its entry and findings are durable before the page says so."""
    day = forms.day_of(form.get("day", "")) or china_day(node.now_ms())
    closed = await close_day.close(node, visitor.session, day.isoformat())
    count = len(closed.findings)
    doors.say(
        visitor,
        "ageing" if count else "fresh",
        f"日结完成，差异 {count} 项。",
        f"The day is closed with {count} difference(s).",
    )
    return doors.go(_shown(form))


@post("/day/findings/{finding:str}/owner")
async def assign(node: TheNode, visitor: TheVisitor, form: TheForm, finding: FromPath[str]) -> Redirect:
    """Give a difference to somebody of the hall; its entry is durable before the page says so."""
    await findings.assign(node, visitor.session, finding, form.get("staff", ""))
    doors.say(visitor, "fresh", "已分派责任人。", "Its owner is on record.")
    return doors.go(_shown(form))


@post("/day/findings/{finding:str}/note")
async def explain(node: TheNode, visitor: TheVisitor, form: TheForm, finding: FromPath[str]) -> Redirect:
    """Say what was found out; it goes to the centre with the next exchange."""
    await findings.explain(node, visitor.session, finding, form.get("note", ""))
    doors.say(
        visitor,
        "fresh",
        "说明已记入台账，随下次交换送达中心。",
        "The explanation is on the ledger; the centre has it with the next exchange.",
    )
    return doors.go(_shown(form))


def _shown(form: doors.Form) -> str:
    """The day that was looked at."""
    day = forms.day_of(form.get("day", ""))
    return f"/day?day={day.isoformat()}" if day else "/day"
