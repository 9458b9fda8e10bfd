"""The border of the console: cookies, forms, who may enter, and what a no looks like.

Every handler gets `centre`, `visitor` and, when it takes a form, `form`. `centre` is what the program put
into `app.state.centre`. A handler says in `opt` what it needs: `permission="trail.search"`, or `open=True`
for pages that need no sign-in.
"""

import hmac
import secrets
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import MediaType, Request, Response
from litestar.datastructures import Cookie, State, UploadFile
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException, NotAuthorizedException, PermissionDeniedException
from litestar.response import Redirect

from central.actions import sign_in
from central.actions.centre import AdminSession, Centre
from central.errors import CentralError
from central.pages.frame import frame
from central.pages.screens import Console
from central.pages.views import MessagePage
from central.pages.visitor import Visitor
from central.security.permissions import require
from matters.model import Words
from ui import headers, look

SESSION_COOKIE = "yizhan-centre"
MARK_COOKIE = "yizhan-centre-form"
LANG_COOKIE = "yizhan-lang"
LANG_COOKIE_S = 31_536_000
MARK_BYTES = 24
FIELD_LETTERS_MAX = 8_000
FIELDS_MAX = 40
NOT_OURS = "form"

Asking = Request[Any, Any, State]
Page = Response[str]


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A submitted form: its texts, and files as bytes (empty files are left out)."""

    texts: Mapping[str, str]
    files: Mapping[str, bytes]

    def text(self, name: str) -> str:
        """The trimmed text of a field, empty when absent."""
        return self.texts.get(name, "").strip()


TheCentre = NamedDependency[Centre]
TheVisitor = NamedDependency[Visitor]
TheForm = NamedDependency[Form]


@cache
def console() -> Console:
    """The templates, read once a process."""
    return Console()


async def provide_centre(state: State) -> Centre:
    """The running centre, as the program put it into the app's state."""
    centre: Centre = state.centre
    return centre


async def provide_visitor(request: Asking, centre: TheCentre) -> Visitor:
    """Who asks. Raises NotAuthorized where a sign-in is needed, NotPermitted on another role's page."""
    visitor = await recognised(request, centre)
    request.state.visitor = visitor
    needs = request.route_handler.opt
    if needs.get("open"):
        return visitor
    if visitor.session is None:
        raise NotAuthorizedException
    if visitor.session.must_change and not needs.get("password"):
        raise PermissionDeniedException
    if "permission" in needs:
        require(visitor.session.role, needs["permission"])
    return visitor


async def recognised(request: Asking, centre: Centre) -> Visitor:
    """The session, language and form mark of a request, whatever it may do."""
    secure = centre.settings.secure_cookies
    cookie = request.cookies.get(cookie_name(SESSION_COOKIE, secure=secure), "")
    session = await sign_in.session(centre, cookie) if cookie else None
    asked = request.query_params.get("lang")
    lang = look.language(asked, request.cookies.get(LANG_COOKIE))
    held = request.cookies.get(cookie_name(MARK_COOKIE, secure=secure), "")
    mark = session.csrf if session else held or secrets.token_urlsafe(MARK_BYTES)
    return Visitor(
        session=session,
        lang=lang,
        mark=mark,
        now_ms=centre.now_ms(),
        secure=secure,
        fresh_mark=session is None and not held,
        fresh_lang=bool(asked),
    )


async def provide_form(request: Asking, visitor: TheVisitor) -> Form:
    """The form, once its mark equals the session's; raises PermissionDenied for one that is not ours."""
    raw = await request.form()
    texts: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for name, value in list(raw.multi_items())[:FIELDS_MAX]:
        if isinstance(value, UploadFile):
            content = await value.read()
            files |= {name: content} if content else {}
        else:
            texts[name] = str(value)[:FIELD_LETTERS_MAX]
    if visitor.fresh_mark or not hmac.compare_digest(texts.get("csrf", "").encode(), visitor.mark.encode()):
        raise PermissionDeniedException(detail=NOT_OURS)
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise PermissionDeniedException(detail=NOT_OURS)
    return Form(texts=texts, files=files)


def cookie_name(name: str, *, secure: bool) -> str:
    """`__Host-…` where cookies are secure; the plain name on loopback without TLS."""
    return f"__Host-{name}" if secure else name


def page(
    visitor: Visitor, template: str, view: object, here: str = "", *, status: int = HTTPStatus.OK
) -> Page:
    """A page of the console as an answer that no cache keeps."""
    shown = {"frame": frame(visitor, here), "view": view}
    return Response(
        console().render(f"console/{template}.html", visitor.lang, shown),
        media_type=MediaType.HTML,
        status_code=status,
        headers={**headers.SECURITY_HEADERS, "Cache-Control": headers.PAGE_CACHE},
        cookies=_cookies(visitor),
    )


def go(address: str) -> Redirect:
    """See other: the answer to a form that was done."""
    return Redirect(address, status_code=303, headers={"Cache-Control": headers.PAGE_CACHE})


def session_cookie(session: AdminSession | None, *, secure: bool) -> Cookie:
    """The cookie that holds a session, or (None) takes it away."""
    return Cookie(
        key=cookie_name(SESSION_COOKIE, secure=secure),
        value=session.id if session else "",
        max_age=None if session else 0,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def _cookies(visitor: Visitor) -> list[Cookie]:
    found = []
    if visitor.fresh_mark:
        name = cookie_name(MARK_COOKIE, secure=visitor.secure)
        found.append(
            Cookie(
                key=name,
                value=visitor.mark,
                path="/",
                secure=visitor.secure,
                httponly=True,
                samesite="strict",
            )
        )
    if visitor.fresh_lang:
        found.append(
            Cookie(
                key=LANG_COOKIE,
                value=visitor.lang,
                path="/",
                max_age=LANG_COOKIE_S,
                secure=visitor.secure,
                httponly=True,
                samesite="lax",
            )
        )
    return found


def not_signed_in(_request: Asking, _error: NotAuthorizedException) -> Redirect:
    """To the sign-in page; nothing of the address is carried along."""
    return go("/signin")


def not_allowed(request: Asking, error: PermissionDeniedException) -> Page | Redirect:
    """A form that is not ours, or a one-time password that has to be replaced first."""
    if error.detail != NOT_OURS:
        return go("/password")
    view = MessagePage(
        title=Words(zh="没有提交", en="Not submitted"),
        words=Words(
            zh="这张表单已过期，或不是本系统发出的；什么都没有改变。",
            en="this form has expired or is not ours; nothing was changed",
        ),
        next=Words(zh="返回上一页，刷新后重新填写。", en="Go back, reload the page and fill it in again."),
    )
    return page(seen(request), "message", view, status=HTTPStatus.FORBIDDEN)


def trouble(request: Asking, error: CentralError) -> Page:
    """An error of the centre's tree, in its own words."""
    no = error.status < HTTPStatus.INTERNAL_SERVER_ERROR
    title = Words(zh="不能办理", en="Refused") if no else Words(zh="出了故障", en="Trouble")
    view = MessagePage(title=title, words=error.words, next=error.next)
    return page(seen(request), "message", view, status=error.status)


def not_understood(request: Asking, error: HTTPException) -> Page:
    """An address or form that no page understands; what was sent is not repeated."""
    view = MessagePage(
        title=Words(zh="看不懂这个请求", en="Not understood"),
        words=Words(
            zh=f"网址或表单的内容不对（{error.status_code}），什么都没有改变。",
            en=f"the address or form is not right ({error.status_code}); nothing was changed",
        ),
        next=Words(zh="从首页重新进入。", en="Start again from the first page."),
    )
    return page(seen(request), "message", view, status=error.status_code)


def seen(request: Asking) -> Visitor:
    """Who asked, as far as it was found out before the trouble; nobody in particular otherwise."""
    known: Visitor | None = request.state.get("visitor")
    if known is not None:
        return known
    centre: Centre = request.app.state.centre
    lang = look.language(request.query_params.get("lang"), request.cookies.get(LANG_COOKIE))
    return Visitor(session=None, lang=lang, mark="", now_ms=centre.now_ms())
