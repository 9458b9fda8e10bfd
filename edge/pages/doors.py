"""The border of the pages: who asks, in which language, forms with their token, and what trouble looks like.

Handlers get `node` (what the program put into `app.state.node`), `visitor`, and for a form `form`. A handler
that needs no sign-in takes `node` and `lang` only. A region that refreshes itself keeps no idle window awake.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie, State
from litestar.di import NamedDependency
from litestar.exceptions import PermissionDeniedException
from litestar.params import SkipValidation
from litestar.response import Redirect

from edge.actions import printing, sign_in, status
from edge.actions.node import Node
from edge.actions.views import PrintJob, Status
from edge.errors import EdgeError, SignInNeeded
from edge.pages.desk import Desk, Desks
from edge.pages.forms import CHARACTERS_MAX, FIELDS_MAX
from edge.pages.screen import PRACTICE, frame_of, page
from edge.pages.views import Notice, Trouble, TroublePageView
from edge.security import web
from edge.security.session import Session
from edge.security.sessions import cookie_name, needed
from matters.model import Words
from ui import headers, look
from ui.frame import Frame

LANG_COOKIE = "yizhan-lang"
WINDOW_COOKIE = "yizhan-window"
KEPT_S = 31_536_000
CONFIRMABLE = frozenset({"sent", "device-confirmed", "failed"})
"""Print states in which the clerk's word is taken."""

Asking = Request[Any, Any, State]
Page = Response[str]
Form = Mapping[str, str]


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: the session, the desk before it, the language; `fresh_lang` when just chosen.

    `heard` is the number of the newest event before anything of the page was read.
    """

    session: Session
    desk: Desk
    desks: Desks
    lang: str
    fresh_lang: bool
    heard: int


TheNode = NamedDependency[SkipValidation[Node]]
TheVisitor = NamedDependency[SkipValidation[Visitor]]
TheForm = NamedDependency[SkipValidation[Form]]
TheLang = NamedDependency[SkipValidation[str]]


async def provide_node(state: State) -> Node:
    """The running node."""
    node: Node = state.node
    return node


async def provide_lang(request: Asking) -> str:
    """The language of this page: `?lang=`, else the cookie, else Chinese."""
    return _lang(request)


async def provide_visitor(request: Asking, node: TheNode, lang: TheLang) -> Visitor:
    """Who is signed in here. Raises SignInNeeded."""
    heard = node.events.number
    cookie = request.cookies.get(cookie_name(secure=node.settings.secure_cookies), "")
    session = needed(await sign_in.session(node, cookie, acted=web.acted(request)))
    desks = desks_of(request.app.state)
    return Visitor(
        session=session,
        desk=desks.of(session, node.now_ms()),
        desks=desks,
        lang=lang,
        fresh_lang="lang" in request.query_params,
        heard=heard,
    )


async def provide_form(request: Asking, visitor: TheVisitor) -> Form:
    """The form of a signed-in page. Raises Forgery when its token is not the session's."""
    await web.guard_request(request, visitor.session)
    return await open_form(request)


async def open_form(request: Asking) -> Form:
    """A form's texts within limits. Raises PermissionDenied when another site sent it."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise PermissionDeniedException
    raw = await request.form()
    pairs = list(raw.multi_items())[: FIELDS_MAX + 1]
    return {name: str(value)[:CHARACTERS_MAX] for name, value in pairs}


def desks_of(state: State) -> Desks:
    """The desks of this program, made on the first look."""
    if "desks" not in state:
        state.desks = Desks()
    desks: Desks = state.desks
    return desks


async def show(node: Node, visitor: Visitor, here: str, view: msgspec.Struct) -> Page:
    """A page of a signed-in clerk with the strip as it is now; no cache keeps it."""
    now = await status.status(node)
    frame = await framed(node, visitor, now, here)
    return html(page(view, frame, now), _lang_cookie(visitor.lang, node) if visitor.fresh_lang else None)


async def framed(node: Node, visitor: Visitor, now: Status, here: str) -> Frame:
    """The bar around a page, with the counts as they are now."""
    asking = questions(await printing.jobs(node), visitor.session.window)
    return frame_of(visitor.session, now, visitor.lang, here, len(asking), visitor.heard)


def questions(jobs: tuple[PrintJob, ...], window: str) -> tuple[PrintJob, ...]:
    """The papers of a window that wait for the clerk's word: what is in doubt, and every report sent."""
    return tuple(
        job
        for job in jobs
        if job.window in {"", window}
        and job.state in CONFIRMABLE
        and (job.problem is not None or (job.kind == "report" and job.state in {"sent", "device-confirmed"}))
    )


def html(text: str, *cookies: Cookie | None, status_code: int = HTTPStatus.OK) -> Page:
    """Text as an answer that no cache keeps and that may load nothing from outside."""
    return Response(
        text,
        media_type="text/html; charset=utf-8",
        status_code=status_code,
        headers={**headers.SECURITY_HEADERS, "Cache-Control": headers.PAGE_CACHE},
        cookies=[cookie for cookie in cookies if cookie is not None],
    )


def go(address: str, *cookies: Cookie) -> Redirect:
    """See other: the answer to a form that was done."""
    return Redirect(
        address,
        status_code=303,
        headers={"Cache-Control": headers.PAGE_CACHE},
        cookies=list(cookies),
    )


def say(visitor: Visitor, kind: str, zh: str, en: str) -> None:
    """One sentence at the top of the clerk's next page."""
    visitor.desk.notice = Notice(kind=kind, words=Words(zh=zh, en=en))  # type: ignore[arg-type]  # a band's name


def fresh_lang(request: Asking, node: Node) -> Cookie | None:
    """The cookie that keeps a language just chosen by `?lang=`, None when none was."""
    return _lang_cookie(_lang(request), node) if "lang" in request.query_params else None


def window_cookie(node: Node, window: str) -> Cookie:
    """Which window this workstation stands at; nobody's secret."""
    return _kept(WINDOW_COOKIE, window, node)


def _lang(request: Asking) -> str:
    return look.language(request.query_params.get("lang"), request.cookies.get(LANG_COOKIE))


def _lang_cookie(lang: str, node: Node) -> Cookie:
    return _kept(LANG_COOKIE, lang, node)


def _kept(key: str, value: str, node: Node) -> Cookie:
    return Cookie(
        key=key,
        value=value,
        max_age=KEPT_S,
        path="/",
        secure=node.settings.secure_cookies,
        httponly=True,
        samesite="strict",
    )


def not_signed_in(request: Asking, _: SignInNeeded) -> Page | Redirect:
    """To the sign-in page; a live region takes the whole page there: nothing stays on an idle screen."""
    if request.headers.get("hx-request"):
        reply = html("", status_code=HTTPStatus.UNAUTHORIZED)
        reply.headers["HX-Redirect"] = "/signin"
        return reply
    return go("/signin")


def not_ours(request: Asking, _: PermissionDeniedException) -> Page:
    """A form that another site sent."""
    trouble = Trouble(
        code="other-site",
        words=Words(
            zh="这张表单不是本系统发出的，什么都没有做。", en="This form is not ours; nothing was done."
        ),
        step=Words(zh="请回到办理页重新开始。", en="Go back to serving and start again."),
    )
    return _broken(request, trouble, HTTPStatus.FORBIDDEN)


def not_done(request: Asking, error: EdgeError) -> Page:
    """An error of the node's tree, in its own words; nothing else of it is shown."""
    return _broken(request, trouble_of(error), error.status)


def trouble_of(error: EdgeError) -> Trouble:
    """What a person is told of an error."""
    return Trouble(code=error.code, words=error.message, step=error.next, retry=error.retry)


def _broken(request: Asking, trouble: Trouble, code: int) -> Page:
    """Made without the store, which may be what is broken."""
    node: Node = request.app.state.node
    told = PRACTICE if node.training else None
    frame = Frame(lang=_lang(request), brand=node.settings.hall, made_ms=node.now_ms(), practice=told)
    return html(page(TroublePageView(trouble=trouble), frame, None), status_code=code)
