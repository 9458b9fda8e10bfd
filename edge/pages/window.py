"""The serving window: `/` shows the desk as it stands; every form changes the desk and leads back to `/`."""

import msgspec
from litestar import get, post
from litestar.params import FromQuery
from litestar.response import Redirect

from edge.actions import answer, cases, chips, printing, reads, status, trail
from edge.actions.node import Node
from edge.actions.views import CardRead, ChipRead
from edge.errors import EdgeError
from edge.pages import choices, doors, forms, papers, serving
from edge.pages.desk import Desk
from edge.pages.doors import Page, TheForm, TheNode, TheVisitor, Visitor
from edge.pages.views import ChooseView, Side, Trouble
from matters.calendar import china_day
from matters.model import Words

RECENT = 3
ENTRIES = 3
JOBS = 3
TASKS = 3

UNSURE = Trouble(
    code="still-asking",
    words=Words(
        zh="上一次提交还没有结果，可能正在办理，也可能已经中断。",
        en="The last submission has no result yet; it may be running or may have been cut off.",
    ),
    step=Words(
        zh="请先在“办件”里看有没有这一件；没有的，结束后重新办理。",
        en="Look under Cases first; if it is not there, finish and begin again.",
    ),
)


@get("/")
async def window(node: TheNode, visitor: TheVisitor, step: FromQuery[str] = "") -> Page:
    """The desk as it stands; `step` looks back at choose, papers or check."""
    visitor.desk.open(step)
    return await doors.show(node, visitor, "/", await desk_view(node, visitor))


@post("/serve/choose")
async def choose(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """Begin a matter in one of its cases."""
    code, _, case = form.get("choice", "").partition(":")
    if code == choices.OWN_TRAIL:
        return doors.go("/own-trail")
    matter = node.catalogue.get(code)
    if matter is not None and case in matter.cases:
        visitor.desk.choose(code, case, node.now_ms())
    return doors.go("/")


@post("/serve/card")
async def card(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """The card on the reader is the authoriser's (role subject), or no longer (forget). The form stays."""
    desk = visitor.desk
    desk.form = forms.tidy(form)
    latest = await card_here(node, visitor)
    if form.get("role") == "subject" and latest is not None:
        desk.reads = {"subject": latest}
    else:
        desk.reads.pop("subject", None)
    return doors.go("/?step=papers")


@post("/serve/chip")
async def chip(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """The holder typed the PIN of their social security card; the panel says what came of it."""
    await chips.open_with_pin(node, visitor.session, form.get("device", ""), form.get("pin", ""))
    return doors.go("/")


@post("/serve/papers")
async def fill(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """Keep the form; what is mistyped sends back to it, anything else goes on to the check."""
    desk = visitor.desk
    if not desk.matter or desk.holds_answer():
        return doors.go("/")
    await refresh_card(node, visitor)
    typed = forms.tidy(form)
    if "email_code" in desk.form:
        typed.setdefault("email_code", desk.form["email_code"])
    search = choices.is_open(node.catalogue[desk.matter])
    desk.fill(typed, forms.errors(desk, typed, china_day(node.now_ms()), open_search=search))
    return doors.go("/")


@post("/serve/ask")
async def ask(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """The question itself: once for each check page. Its entry is durable before the answer is shown."""
    desk = visitor.desk
    if not desk.may_ask(form.get("nonce", "")):
        return doors.go("/")
    try:
        desk.settle(
            await answer.answer(node, visitor.session, forms.query(node.catalogue[desk.matter], desk))
        )
    except EdgeError as error:
        desk.settle(doors.trouble_of(error))
    return doors.go("/")


@post("/serve/finish")
async def finish(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """Done with this citizen: the desk is swept, and their card stands for nobody any more."""
    assert "csrf" in form
    window = visitor.session.window
    latest = await reads.latest(node, window)
    laid = {latest.read_id} if latest else set()
    visitor.desks.clear(visitor.session, frozenset(laid | {one.read_id for one in chips.here(node, window)}))
    return doors.go("/")


async def desk_view(node: Node, visitor: Visitor) -> msgspec.Struct:
    """The view of the step the desk stands at."""
    desk, session = visitor.desk, visitor.session
    await refresh_card(node, visitor)
    side = await side_of(node, visitor)
    online = (await status.status(node)).mode == "online"
    matter = node.catalogue.get(desk.matter)
    if matter is None or desk.step == "choose":
        offered = choices.choices(node.catalogue, session.permits, online=online)
        return ChooseView(side=side, choices=offered, notice=desk.take_notice())
    if desk.step == "papers":
        return serving.papers_view(matter, desk, side)
    if desk.step == "check":
        return serving.check_view(matter, desk, side, session.permits, online=online)
    return serving.outcome_view(matter, desk, side, desk.outcome or UNSURE, await printing.jobs(node))


async def refresh_card(node: Node, visitor: Visitor) -> None:
    """Before the question: the newest card at this window is the visitor's, unless it is the authoriser's."""
    desk = visitor.desk
    if desk.step in {"asking", "outcome"}:
        return
    latest = await card_here(node, visitor)
    matter = node.catalogue.get(desk.matter)
    if matter is not None and desk.step == "papers" and not choices.is_open(matter):
        for one in chips_here(node, visitor):
            if (role := papers.chip_role(desk.case, one.kind)) and not one.wants_pin:
                desk.take_chip(role, one)
    authoriser = desk.reads.get("subject")
    if latest is not None and (authoriser is None or latest.read_id != authoriser.read_id):
        desk.reads["visitor"] = latest
    else:
        desk.reads.pop("visitor", None)


async def card_here(node: Node, visitor: Visitor) -> CardRead | None:
    """The newest card at this window, unless it is the one of the citizen before."""
    latest = await reads.latest(node, visitor.session.window)
    return None if latest is None or latest.read_id in visitor.desk.spent else latest


def chips_here(node: Node, visitor: Visitor) -> tuple[ChipRead, ...]:
    """The chip cards at this window, but for those of the citizen before."""
    found = chips.here(node, visitor.session.window)
    return tuple(one for one in found if one.read_id not in visitor.desk.spent)


async def side_of(node: Node, visitor: Visitor) -> Side:
    """The left and right columns as they are now."""
    session, desk = visitor.session, visitor.desk
    matter = node.catalogue.get(desk.matter)
    all_cases = await cases.list_cases(node, session)
    jobs = await printing.jobs(node)
    return Side(
        begun_ms=desk.begun_ms,
        window_s=matter.window_s if matter else 0,
        case=_case_number(desk),
        matter=choices.title(matter, desk.case) if matter else None,
        recent=tuple(case for case in all_cases if case.window == session.window)[:RECENT],
        tasks=(await cases.tasks(node))[:TASKS],
        card=await card_here(node, visitor),
        chips=chips_here(node, visitor),
        entries=await trail.recent(node, ENTRIES),
        jobs=tuple(job for job in jobs if job.window in {"", session.window})[:JOBS],
        sheets=await printing.sheets(node),
        devices=tuple(d for d in (await status.status(node)).devices if d.window in {"", session.window}),
    )


def _case_number(desk: Desk) -> str:
    return str(getattr(desk.outcome, "case", ""))
