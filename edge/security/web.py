"""What the two HTTP doors share: the cookie, the forgery token of a request, and who may read the metrics."""

import hmac
from typing import Any

from litestar import Request
from litestar.datastructures import Cookie

from edge.errors import NotAllowed
from edge.security.session import Session
from edge.security.sessions import check_csrf, cookie_name

CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def cookie(session: Session, *, secure: bool) -> Cookie:
    """The session's cookie: this host only, not readable by scripts, never sent from another site."""
    return Cookie(
        key=cookie_name(secure=secure),
        value=session.id,
        path="/",
        httponly=True,
        secure=secure,
        samesite="strict",
    )


def gone(*, secure: bool) -> Cookie:
    """The same cookie, ended."""
    return Cookie(
        key=cookie_name(secure=secure),
        value="",
        path="/",
        max_age=0,
        httponly=True,
        secure=secure,
        samesite="strict",
    )


async def guard_request(request: Request[Any, Any, Any], session: Session) -> None:
    """Every change carries the session's own forgery token, in the header or the form; raises Forgery."""
    if request.method in SAFE_METHODS:
        return
    token = request.headers.get(CSRF_HEADER)
    if token is None and request.headers.get("content-type", "").startswith(_FORMS):
        token = str((await request.form()).get(CSRF_FIELD, ""))
    check_csrf(session, token)


def acted(request: Request[Any, Any, Any]) -> bool:
    """Whether a person did this: a page that refreshes a region by itself keeps nobody signed in."""
    return request.method not in SAFE_METHODS or "hx-request" not in request.headers


def guard_metrics(request: Request[Any, Any, Any], token: str) -> None:
    """Loopback, or the bearer token of the settings; raises NotAllowed."""
    host = request.client.host if request.client else ""
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if host not in _LOOPBACK and not (token and hmac.compare_digest(given.encode(), token.encode())):
        raise NotAllowed("metrics are for loopback or a token")
