"""Signing in and out."""

from http import HTTPStatus

from litestar import get, post
from litestar.response import Redirect

from edge.actions import sign_in, status
from edge.actions.node import Node, Session
from edge.pages import doors
from edge.pages.doors import Asking, Page, TheForm, TheLang, TheNode, TheVisitor
from edge.pages.screen import page, practice
from edge.pages.views import SignInView
from edge.security import web
from matters.model import Refusal
from ui.frame import Frame

STAFF_MAX = 64


@get("/signin")
async def sign_in_page(request: Asking, node: TheNode, lang: TheLang) -> Page:
    """The form, with the window this workstation stood at last."""
    shown = await _page(node, lang, "", request.cookies.get(doors.WINDOW_COOKIE, ""), None)
    return doors.html(shown, doors.fresh_lang(request, node))


@post("/signin")
async def enter(request: Asking, node: TheNode, lang: TheLang) -> Page | Redirect:
    """Open a session and go to the window; a refusal is shown on the form and says what to do."""
    form = await doors.open_form(request)
    staff, window = form.get("staff", "").strip()[:STAFF_MAX], form.get("window", "")
    result = await sign_in.sign_in(node, staff, form.get("password", ""), window)
    return await _let_in(node, lang, staff, window, result)


async def _let_in(
    node: Node, lang: str, staff: str, window: str, result: Session | Refusal
) -> Page | Redirect:
    if isinstance(result, Refusal):
        return doors.html(await _page(node, lang, staff, window, result), status_code=HTTPStatus.FORBIDDEN)
    held = web.cookie(result, secure=node.settings.secure_cookies)
    return doors.go("/", held, doors.window_cookie(node, result.window))


@post("/signin/card")
async def enter_by_card(request: Asking, node: TheNode, lang: TheLang) -> Page | Redirect:
    """Open a session by the staff card on the window's reader and its PIN; otherwise as `enter`."""
    form = await doors.open_form(request)
    window = form.get("window", "")
    return await _let_in(
        node, lang, "", window, await sign_in.sign_in_by_card(node, form.get("pin", ""), window)
    )


@post("/signout")
async def leave(node: TheNode, visitor: TheVisitor, form: TheForm) -> Redirect:
    """End the session; what lay on the desk is swept."""
    assert "csrf" in form
    visitor.desks.clear(visitor.session)
    await sign_in.sign_out(node, visitor.session)
    return doors.go("/signin", web.gone(secure=node.settings.secure_cookies))


async def _page(node: TheNode, lang: str, staff: str, window: str, refusal: Refusal | None) -> str:
    now = await status.status(node)
    windows = node.settings.windows
    view = SignInView(
        staff=staff,
        window=window if window in windows else windows[0],
        windows=windows,
        refusal=refusal,
        by_card=any(device.kind == "staff_card" for device in node.devices),
    )
    frame = Frame(lang=lang, brand=now.hall, made_ms=now.at_ms, practice=practice(now, door=True))
    return page(view, frame, now)
