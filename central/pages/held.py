"""Which subjects a node held at a moment: asked with a purpose, on our ledger before it is answered."""

from datetime import datetime
from http import HTTPStatus

import msgspec
from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect

from central.actions import fleet, held
from central.pages.doors import Page, TheCentre, TheForm, TheVisitor, go, page
from central.pages.facets import purpose_error
from central.pages.searches import Searches
from central.pages.subject import number_error
from central.pages.views import FormError, HeldForm, HeldFound, HeldPage
from matters.calendar import CHINA, china_ms
from matters.ids import mask
from matters.model import Refusal, Words

HERE = "/held"
SEARCHES: Searches[HeldFound] = Searches()


@get(HERE, opt={"permission": "held.read"})
async def held_form(centre: TheCentre, visitor: TheVisitor) -> Page:
    """The empty form."""
    return await show(centre, visitor)


@post(HERE, opt={"permission": "held.read"}, status_code=HTTPStatus.OK)
async def held_search(centre: TheCentre, visitor: TheVisitor, form: TheForm) -> Page | Redirect:
    """Asks, and goes to what was found; the question is on the centre's ledger first."""
    assert visitor.session is not None
    number = form.text("number").upper()
    typed = HeldForm(node=form.text("node"), at=form.text("at"), purpose=form.text("purpose"))
    at_ms = _moment(typed.at)
    errors = [error for error in (_at_error(at_ms), purpose_error(typed.purpose)) if error]
    if number and (error := number_error(number, visitor.now_ms)):
        errors.append(error)
    if errors or at_ms is None:
        return await show(centre, visitor, typed=typed, errors=tuple(errors))
    done = await held.held_at(
        centre, visitor.session, typed.node, at_ms, number=number, purpose=typed.purpose
    )
    if isinstance(done, Refusal):
        return await show(centre, visitor, typed=typed, refusal=done)
    found = HeldFound(held=done, masked=mask(number) if number else "", purpose=typed.purpose)
    return go(f"{HERE}/{SEARCHES.keep(visitor.session.id, found, visitor.now_ms)}")


@get(f"{HERE}/{{search:str}}", opt={"permission": "held.read"})
async def held_found(centre: TheCentre, visitor: TheVisitor, search: FromPath[str]) -> Page:
    """What was found."""
    assert visitor.session is not None
    found = SEARCHES.find(visitor.session.id, search, visitor.now_ms)
    return await show(centre, visitor, found=found, lapsed=found is None)


async def show(
    centre: TheCentre,
    visitor: TheVisitor,
    *,
    typed: HeldForm | None = None,
    found: HeldFound | None = None,
    lapsed: bool = False,
    errors: tuple[FormError, ...] = (),
    refusal: Refusal | None = None,
) -> Page:
    """The page in one of its states; a number typed is never sent back."""
    now = datetime.fromtimestamp(visitor.now_ms / 1000, CHINA)
    form = typed or HeldForm(at=now.strftime("%Y-%m-%dT%H:%M"))
    if found is not None:
        form = msgspec.structs.replace(form, node=found.held.node, purpose=found.purpose)
    view = HeldPage(
        nodes=await fleet.fleet(centre),
        typed=form,
        found=found,
        lapsed=lapsed,
        most=held.LISTED_MAX,
        errors=errors,
        refusal=refusal,
        now_ms=visitor.now_ms,
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors or refusal else HTTPStatus.OK
    return page(visitor, "held", view, HERE, status=HTTPStatus.GONE if lapsed else status)


def _moment(text: str) -> int | None:
    """A day and time in China as Unix milliseconds, None for what is none."""
    try:
        return china_ms(text)
    except ValueError:
        return None


def _at_error(at_ms: int | None) -> FormError | None:
    words = Words(zh="请填日期和时间，例如 2026-11-21T09:30", en="give day and time: 2026-11-21T09:30")
    return FormError(field="at", words=words) if at_ms is None or at_ms < 0 else None
