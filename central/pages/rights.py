"""Units each node may give away as free without contact: what is out, and the level it is kept at."""

from http import HTTPStatus

from litestar import get, post
from litestar.response import Redirect

from central.actions import quota
from central.pages.doors import Page, TheCentre, TheForm, TheVisitor, go, page
from central.pages.views import RightsPage
from central.security.permissions import permitted
from matters.model import Refusal

HERE = "/quota"


@get(HERE, opt={"permission": "quota.read"})
async def rights_page(centre: TheCentre, visitor: TheVisitor) -> Page:
    """Every node with every matter that is counted and answered offline."""
    return await show(centre, visitor)


@post(HERE, opt={"permission": "quota.grant"}, status_code=HTTPStatus.OK)
async def set_level(centre: TheCentre, visitor: TheVisitor, form: TheForm) -> Page | Redirect:
    """Sets a node's level; in force from its next exchange, on the centre's ledger before the answer."""
    assert visitor.session is not None
    units, days = (form.text(name) for name in ("units", "days"))
    done = await quota.set_level(
        centre,
        visitor.session,
        form.text("node"),
        form.text("matter"),
        int(units) if units.isdecimal() else -1,
        int(days) if days.isdecimal() else 0,
    )
    return await show(centre, visitor, refusal=done) if done else go(HERE)


async def show(centre: TheCentre, visitor: TheVisitor, *, refusal: Refusal | None = None) -> Page:
    """The page, after a level was set or refused."""
    role = visitor.session.role if visitor.session else ""
    view = RightsPage(
        rows=await quota.standing(centre),
        may_set=permitted(role, "quota.grant"),
        refusal=refusal,
        now_ms=visitor.now_ms,
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refusal else HTTPStatus.OK
    return page(visitor, "rights", view, HERE, status=status)
