"""Sign in, set a password, sign out."""

from http import HTTPStatus

from litestar import get, post
from litestar.response import Redirect

from central.actions import sign_in
from central.pages.doors import Page, TheCentre, TheForm, TheVisitor, go, page, session_cookie
from central.pages.views import FormError, PasswordPage, SignInPage
from matters.model import Refusal, Words

PASSWORD_LETTERS_MIN = 15


@get("/signin", opt={"open": True})
async def sign_in_form(visitor: TheVisitor) -> Page | Redirect:
    """The form; who is signed in goes on."""
    if visitor.session is not None:
        return go("/password" if visitor.session.must_change else "/")
    return page(visitor, "signin", SignInPage())


@post("/signin", opt={"open": True}, status_code=HTTPStatus.OK)
async def sign_in_now(centre: TheCentre, visitor: TheVisitor, form: TheForm) -> Page | Redirect:
    """A session, or the reason why not; either is on the centre's ledger before the answer."""
    name, password = form.text("name"), form.texts.get("password", "")
    errors = missing(name=name, password=password)
    if errors:
        return page(
            visitor, "signin", SignInPage(name=name, errors=errors), status=HTTPStatus.UNPROCESSABLE_ENTITY
        )
    session = await sign_in.sign_in(centre, name, password)
    if isinstance(session, Refusal):
        view = SignInPage(name=name, refusal=session)
        return page(visitor, "signin", view, status=HTTPStatus.FORBIDDEN)
    answer = go("/password" if session.must_change else "/")
    answer.cookies.append(session_cookie(session, secure=visitor.secure))
    return answer


def missing(*, name: str, password: str) -> tuple[FormError, ...]:
    """Everything the sign-in form lacks, at once."""
    found = []
    if not name:
        found.append(
            FormError(field="name", words=Words(zh="请填管理员名称", en="enter the administrator's name"))
        )
    if not password:
        found.append(FormError(field="password", words=Words(zh="请填口令", en="enter the password")))
    return tuple(found)


@get("/password", opt={"password": True})
async def password_form(visitor: TheVisitor) -> Page:
    """The form for a new password."""
    return page(visitor, "password", PasswordPage(forced=_forced(visitor)))


@post("/password", opt={"password": True}, status_code=HTTPStatus.OK)
async def password_now(centre: TheCentre, visitor: TheVisitor, form: TheForm) -> Page | Redirect:
    """A new password and a new session; the old one ends."""
    password, again = form.texts.get("password", ""), form.texts.get("again", "")
    errors = password_errors(password, again)
    if errors:
        view = PasswordPage(forced=_forced(visitor), errors=errors)
        return page(visitor, "password", view, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    assert visitor.session is not None
    session = await sign_in.set_password(centre, visitor.session, password)
    if isinstance(session, Refusal):
        view = PasswordPage(forced=_forced(visitor), refusal=session)
        return page(visitor, "password", view, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    answer = go("/")
    answer.cookies.append(session_cookie(session, secure=visitor.secure))
    return answer


def password_errors(password: str, again: str) -> tuple[FormError, ...]:
    """What is wrong with a new password before the centre judges it."""
    found = []
    if len(password) < PASSWORD_LETTERS_MIN:
        words = Words(
            zh=f"口令不足 {PASSWORD_LETTERS_MIN} 个字",
            en=f"the password has fewer than {PASSWORD_LETTERS_MIN} characters",
        )
        found.append(FormError(field="password", words=words))
    if password != again:
        found.append(
            FormError(field="again", words=Words(zh="两次输入不一样", en="the two are not the same"))
        )
    return tuple(found)


@post("/signout", opt={"password": True}, status_code=HTTPStatus.OK)
async def sign_out(centre: TheCentre, visitor: TheVisitor, form: TheForm) -> Redirect:
    """The session ends on the server; the cookie goes."""
    assert form is not None
    assert visitor.session is not None
    await sign_in.sign_out(centre, visitor.session)
    answer = go("/signin")
    answer.cookies.append(session_cookie(None, secure=visitor.secure))
    return answer


def _forced(visitor: TheVisitor) -> bool:
    return visitor.session is not None and visitor.session.must_change
