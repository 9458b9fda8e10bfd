"""Who saw one person: for the auditor, and on paper for the citizen. The number travels in a form only."""

from http import HTTPStatus

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect

from central.actions import trail
from central.pages.doors import Page, TheCentre, TheForm, TheVisitor, go, page
from central.pages.facets import purpose_error
from central.pages.searches import Searches
from central.pages.views import FormError, SubjectFound, SubjectPage, SubjectPaper
from matters import ids
from matters.calendar import china_day
from matters.model import Refusal, Words

SEARCHES: Searches[SubjectFound] = Searches()


@get("/subject", opt={"permission": "trail.search"})
async def subject_form(visitor: TheVisitor) -> Page:
    """The empty form."""
    return page(visitor, "subject", shown(visitor), "/subject")


@post("/subject", opt={"permission": "trail.search"}, status_code=HTTPStatus.OK)
async def subject_search(centre: TheCentre, visitor: TheVisitor, form: TheForm) -> Page | Redirect:
    """Looks, and goes to what was found; the look is on the centre's ledger first."""
    assert visitor.session is not None
    number, purpose = form.text("number").upper(), form.text("purpose")
    errors = [error for error in (number_error(number, visitor.now_ms), purpose_error(purpose)) if error]
    if errors:
        view = shown(visitor, purpose=purpose, errors=tuple(errors))
        return page(visitor, "subject", view, "/subject", status=HTTPStatus.UNPROCESSABLE_ENTITY)
    result = await trail.subject_view(centre, visitor.session, number, purpose)
    if isinstance(result, Refusal):
        view = shown(visitor, purpose=purpose, refusal=result)
        return page(visitor, "subject", view, "/subject", status=HTTPStatus.UNPROCESSABLE_ENTITY)
    found = SubjectFound(
        masked=ids.mask(number),
        purpose=purpose,
        rows=result.rows,
        unreported=result.unreported,
        as_of_ms=result.as_of_ms,
    )
    return go(f"/subject/{SEARCHES.keep(visitor.session.id, found, visitor.now_ms)}")


@get("/subject/{search:str}", opt={"permission": "trail.search"})
async def subject_found(visitor: TheVisitor, search: FromPath[str]) -> Page:
    """What was found."""
    assert visitor.session is not None
    found = SEARCHES.find(visitor.session.id, search, visitor.now_ms)
    status = HTTPStatus.GONE if found is None else HTTPStatus.OK
    view = shown(visitor, search=search, found=found, lapsed=found is None)
    return page(visitor, "subject", view, "/subject", status=status)


@get("/subject/{search:str}/paper", opt={"permission": "trail.search"})
async def subject_paper(centre: TheCentre, visitor: TheVisitor, search: FromPath[str]) -> Page:
    """The same as a sheet for the citizen."""
    assert visitor.session is not None
    found = SEARCHES.find(visitor.session.id, search, visitor.now_ms)
    if found is None:
        return page(visitor, "subject", shown(visitor, lapsed=True), "/subject", status=HTTPStatus.GONE)
    view = SubjectPaper(
        search=search, found=found, authority=centre.settings.authority, now_ms=visitor.now_ms
    )
    return page(visitor, "paper", view, "/subject")


def number_error(number: str, now_ms: int) -> FormError | None:
    """What is wrong with a resident number or unified code, None when one of them holds."""
    verdict = ids.resident_number(number, china_day(now_ms))
    if not isinstance(verdict, Refusal) or not isinstance(ids.uscc(number), Refusal):
        return None
    if not number:
        return FormError(field="number", words=Words(zh="请填号码", en="enter the number"))
    return FormError(field="number", words=verdict.message)


def shown(
    visitor: TheVisitor,
    *,
    search: str = "",
    found: SubjectFound | None = None,
    lapsed: bool = False,
    errors: tuple[FormError, ...] = (),
    refusal: Refusal | None = None,
    purpose: str = "",
) -> SubjectPage:
    """The view in one of its states."""
    return SubjectPage(
        search=search,
        found=found,
        lapsed=lapsed,
        errors=errors,
        refusal=refusal,
        purpose=purpose,
        now_ms=visitor.now_ms,
    )
