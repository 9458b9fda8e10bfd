"""From a view to a page: which template shows it, and the frame and strip around it."""

from pathlib import Path
from typing import Any, Final

import msgspec

from edge.actions.views import Status
from edge.pages import views
from edge.security.session import Session
from matters.model import Words
from ui.frame import Frame, NavLink
from ui.look import Screens

EVENTS: Final = "/api/events"
"""The event stream every signed-in page listens to."""

TEMPLATES: Final[dict[type[msgspec.Struct], str]] = {
    views.SignInView: "signin.html",
    views.ChooseView: "choose.html",
    views.PapersView: "papers.html",
    views.CheckView: "check.html",
    views.AnswerView: "answer.html",
    views.RefusalView: "refusal.html",
    views.DeferralView: "deferral.html",
    views.TroubleView: "trouble.html",
    views.CasesView: "cases.html",
    views.CasePageView: "case.html",
    views.TasksView: "tasks.html",
    views.PrintsView: "prints.html",
    views.DayView: "day.html",
    views.LineView: "line.html",
    views.CourierView: "courier.html",
    views.DevicesView: "devices.html",
    views.PrintersView: "printers.html",
    views.OwnTrailView: "own_trail.html",
    views.HelpView: "help.html",
    views.PatternsView: "patterns.html",
    views.TroublePageView: "broken.html",
}
"""One row a template: the struct whose fields are exactly the names the template uses."""

PRACTICE: Final = Words(
    zh="人员、记录和编号都是虚构的，不与中心连接；任何内容不得交给群众。",
    en="People, records and serials are invented; nothing is connected; hand nothing to a citizen.",
)
PRACTICE_DOOR: Final = Words(
    zh="练习账号：窗口 lianxi，主管 zhuguan；口令都是 lianxi-lianxi-lianxi。内容都是虚构的。",
    en="Accounts: clerk lianxi, manager zhuguan; password lianxi-lianxi-lianxi. Nothing here is real.",
)
PARTS: Final = ("strip", "identity", "ledger", "printing", "delivery", "devices")
"""Regions a live event re-fetches, each by its own address `/parts/<name>`."""

_SCREENS: Final = Screens(Path(__file__).parent / "templates")


def page(view: msgspec.Struct, frame: Frame, status: Status | None) -> str:
    """The whole page of a view. `status` None only for pages that must work while the node has trouble."""
    return _SCREENS.render(TEMPLATES[type(view)], frame.lang, _context(view, frame, status))


def part(name: str, view: msgspec.Struct | None, frame: Frame, status: Status) -> str:
    """One live region: SideView for the side columns, AnswerView for the delivery, None for the strip."""
    assert name in PARTS, name
    context = {"frame": frame, "status": status} if view is None else _context(view, frame, status)
    return _SCREENS.render(f"parts/{name}.html", frame.lang, context)


def frame_of(session: Session, status: Status, lang: str, here: str, asking: int, heard: int = 0) -> Frame:
    """The bar of a signed-in page; `asking` is how many papers wait for the clerk's word.

    `heard` is the number of the newest event that the page knows of.
    """
    window = Words(zh=f"{session.window} 号窗口", en=f"Window {session.window}")
    return Frame(
        lang=lang,
        brand=status.hall,
        who=session.name,
        under=window.en if lang == "en" else window.zh,
        nav=_nav(status.open_tasks, asking),
        here=here,
        csrf=session.csrf,
        live=f"{EVENTS}?heard={heard}",
        practice=practice(status),
        made_ms=status.at_ms,
    )


def practice(status: Status, *, door: bool = False) -> Words | None:
    """What stands across every page of a training node, at the door how to get in too; None on a real one."""
    if not status.training:
        return None
    return PRACTICE_DOOR if door else PRACTICE


def _nav(open_tasks: int, asking: int) -> tuple[NavLink, ...]:
    return (
        NavLink(path="/", label=Words(zh="办理", en="Serve")),
        NavLink(path="/cases", label=Words(zh="办件", en="Cases")),
        NavLink(path="/tasks", label=Words(zh="待办", en="Tasks"), count=open_tasks),
        NavLink(path="/prints", label=Words(zh="打印", en="Printing"), count=asking),
        NavLink(path="/day", label=Words(zh="日结", en="Day close")),
        NavLink(path="/line", label=Words(zh="线路", en="Line")),
        NavLink(path="/devices", label=Words(zh="设备", en="Devices")),
        NavLink(path="/help", label=Words(zh="帮助", en="Help")),
    )


def _context(view: msgspec.Struct, frame: Frame, status: Status | None) -> dict[str, Any]:
    fields = {name: getattr(view, name) for name in view.__struct_fields__}
    return {**fields, "frame": frame, "status": status}
