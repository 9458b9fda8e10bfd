"""What buses carry: trips planned, the day's list of one, a trip ended."""

from datetime import date
from http import HTTPStatus

from litestar import get, post
from litestar.params import FromQuery
from litestar.response import Redirect

from central.actions import trips
from central.actions.trips import LINES_MAX, ListTaken
from central.pages.doors import Form, Page, TheCentre, TheForm, TheVisitor, go, page
from central.pages.views import FormError, TripForm, TripsPage
from matters.calendar import china_day
from matters.model import Refusal, Words

HERE = "/trips"
_NO_FILE = Words(
    zh="请选一个文本文件（UTF-8），每行一个号码", en="choose a UTF-8 text file with one number a line"
)


@get(HERE, opt={"permission": "trips.plan"})
async def trips_page(centre: TheCentre, visitor: TheVisitor, trip: FromQuery[str] = "") -> Page:
    """Trips of all buses, the latest first; `trip` opens one."""
    return await show(centre, visitor, chosen=trip)


@post(HERE, opt={"permission": "trips.plan"}, status_code=HTTPStatus.OK)
async def plan(centre: TheCentre, visitor: TheVisitor, form: TheForm) -> Page | Redirect:
    """Plans a trip; its entry is on the centre's ledger before the answer."""
    assert visitor.session is not None
    typed = TripForm(
        node=form.text("node"),
        stops=form.text("stops"),
        first=form.text("first"),
        last=form.text("last"),
        listed=bool(form.text("listed")),
        most=form.text("most"),
    )
    first, last = (_day(text) for text in (typed.first, typed.last))
    if first is None or last is None:
        words = Words(zh="请填首日和末日，例如 2026-11-21", en="give the first and the last day: 2026-11-21")
        return await show(centre, visitor, typed=typed, errors=(FormError(field="first", words=words),))
    done = await trips.plan(
        centre,
        visitor.session,
        typed.node,
        typed.stops.replace("，", ",").replace("、", ",").replace(",", " ").split(),
        (first, last),
        listed=typed.listed,
        subjects_max=int(typed.most) if typed.most.isdecimal() else 0,
    )
    if isinstance(done, Refusal):
        return await show(centre, visitor, typed=typed, refusal=done)
    return go(f"{HERE}?trip={done.scope}#trip")


@post(f"{HERE}/list", opt={"permission": "trips.plan"}, status_code=HTTPStatus.OK)
async def take_list(centre: TheCentre, visitor: TheVisitor, form: TheForm) -> Page:
    """Takes the day's list of a trip; what was left out is named by line, never by number."""
    assert visitor.session is not None
    chosen, numbers = form.text("trip"), _lines(form)
    if numbers is None:
        error = FormError(field="list", words=_NO_FILE)
        return await show(centre, visitor, chosen=chosen, errors=(error,))
    done = await trips.take_list(centre, visitor.session, chosen, numbers)
    if isinstance(done, Refusal):
        return await show(centre, visitor, chosen=chosen, refusal=done)
    return await show(centre, visitor, chosen=chosen, taken=done)


@post(f"{HERE}/end", opt={"permission": "trips.plan"}, status_code=HTTPStatus.OK)
async def end(centre: TheCentre, visitor: TheVisitor, form: TheForm) -> Redirect:
    """Ends a trip now; the bus is told at its next contact."""
    assert visitor.session is not None
    done = await trips.end(centre, visitor.session, form.text("trip"))
    return go(f"{HERE}?trip={done.scope}#trip")


async def show(
    centre: TheCentre,
    visitor: TheVisitor,
    *,
    chosen: str = "",
    typed: TripForm | None = None,
    taken: ListTaken | None = None,
    errors: tuple[FormError, ...] = (),
    refusal: Refusal | None = None,
) -> Page:
    """The page of trips in one of its states."""
    buses, planned = await trips.everything(centre)
    today = china_day(visitor.now_ms).isoformat()
    view = TripsPage(
        buses=buses,
        rows=planned,
        chosen=next((one for one in planned if one.scope == chosen), None),
        typed=typed or TripForm(first=today, last=today),
        taken=taken,
        errors=errors,
        refusal=refusal,
        now_ms=visitor.now_ms,
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors or refusal else HTTPStatus.OK
    return page(visitor, "trips", view, HERE, status=status)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _lines(form: Form) -> list[str] | None:
    """The lines of the list, None where there is none or it is no text."""
    content = form.files.get("list", b"")
    try:
        return content.decode("utf-8-sig").splitlines()[: LINES_MAX + 1] or None
    except UnicodeDecodeError:
        return None
