"""PAGES: every page with its view, who may open it, and its words. ROUTES: the handlers behind them."""

from typing import Final

import msgspec
from litestar import Router
from litestar.di import Provide
from litestar.exceptions import PermissionDeniedException
from litestar.types import ControllerRouterHandler

from edge.errors import EdgeError, SignInNeeded
from edge.pages import (
    citizen,
    closing,
    courier,
    devices,
    doors,
    entrance,
    journal,
    live,
    machine,
    manual,
    office,
    photos,
    printers,
    views,
    window,
)
from matters.model import Words
from ui.icon import favicon


class PageRow(msgspec.Struct, frozen=True, kw_only=True):
    """One address that shows a page, and the views it may show. `signed_in` False: open to anybody there."""

    path: str
    views: tuple[type[msgspec.Struct], ...]
    words: Words
    signed_in: bool = True


_SERVING = (
    views.ChooseView,
    views.PapersView,
    views.CheckView,
    views.AnswerView,
    views.RefusalView,
    views.DeferralView,
    views.TroubleView,
)

PAGES: Final[tuple[PageRow, ...]] = (
    PageRow(path="/signin", views=(views.SignInView,), words=Words(zh="登录", en="Sign in"), signed_in=False),
    PageRow(path="/", views=_SERVING, words=Words(zh="办理", en="Serve")),
    PageRow(path="/own-trail", views=(views.OwnTrailView,), words=Words(zh="谁查过我", en="Who saw my data")),
    PageRow(path="/cases", views=(views.CasesView,), words=Words(zh="办件", en="Cases")),
    PageRow(path="/cases/{number:str}", views=(views.CasePageView,), words=Words(zh="一件", en="One case")),
    PageRow(path="/tasks", views=(views.TasksView,), words=Words(zh="待办", en="Tasks")),
    PageRow(path="/prints", views=(views.PrintsView,), words=Words(zh="打印台账", en="Print journal")),
    PageRow(path="/day", views=(views.DayView,), words=Words(zh="日结", en="Day close")),
    PageRow(path="/line", views=(views.LineView,), words=Words(zh="线路", en="Line")),
    PageRow(path="/courier", views=(views.CourierView,), words=Words(zh="信使", en="Courier")),
    PageRow(path="/devices", views=(views.DevicesView,), words=Words(zh="设备", en="Devices")),
    PageRow(path="/printers", views=(views.PrintersView,), words=Words(zh="打印机能力", en="Printers")),
    PageRow(path="/help", views=(views.HelpView,), words=Words(zh="帮助", en="Help"), signed_in=False),
    PageRow(path="/patterns", views=(views.PatternsView,), words=Words(zh="组件样张", en="Patterns")),
)

_HANDLERS: tuple[ControllerRouterHandler, ...] = (
    entrance.sign_in_page,
    entrance.enter,
    entrance.enter_by_card,
    entrance.leave,
    window.window,
    window.choose,
    window.card,
    window.chip,
    window.fill,
    window.ask,
    window.finish,
    citizen.own_trail_page,
    citizen.ask_own_trail,
    live.strip,
    live.delivery,
    live.region,
    office.case_list,
    office.case_page,
    office.task_list,
    office.finish_task,
    journal.print_list,
    journal.confirm,
    journal.reprint,
    journal.summary,
    journal.hand_over,
    journal.issue_block,
    journal.return_block,
    journal.void_sheet,
    journal.report_file,
    closing.day_page,
    closing.close,
    closing.assign,
    closing.explain,
    machine.line_page,
    machine.exchange_now,
    machine.lease_by_phone,
    courier.courier_page,
    courier.take_in,
    courier.write_out,
    devices.device_page,
    devices.region,
    devices.try_out,
    devices.hand,
    photos.take,
    photos.picture,
    photos.tried_picture,
    printers.printers_page,
    printers.print_page,
    printers.answer,
    favicon,
    manual.help_page,
    manual.patterns_page,
)

ROUTES: Final[tuple[Router, ...]] = (
    Router(
        path="/",
        route_handlers=_HANDLERS,
        include_in_schema=False,
        dependencies={
            "node": Provide(doors.provide_node),
            "lang": Provide(doors.provide_lang),
            "visitor": Provide(doors.provide_visitor),
            "form": Provide(doors.provide_form),
        },
        exception_handlers={
            SignInNeeded: doors.not_signed_in,
            EdgeError: doors.not_done,
            PermissionDeniedException: doors.not_ours,
        },
    ),
)
"""What the program mounts; it must put its Node into `app.state.node` and serve `/static/`."""
