"""What the centre asked halls to correct, and asking for one more."""

from http import HTTPStatus

from litestar import get, post
from litestar.response import Redirect

from central.actions import corrections
from central.pages.doors import Page, TheCentre, TheForm, TheVisitor, go, page
from central.pages.views import CorrectionForm, CorrectionsPage
from matters.model import Refusal

HERE = "/corrections"


@get(HERE, opt={"permission": "corrections.ask"})
async def corrections_page(centre: TheCentre, visitor: TheVisitor) -> Page:
    """Every correction, those the halls still owe first."""
    return await show(centre, visitor, CorrectionForm())


@post(HERE, opt={"permission": "corrections.ask"}, status_code=HTTPStatus.OK)
async def ask(centre: TheCentre, visitor: TheVisitor, form: TheForm) -> Page | Redirect:
    """Asks a hall; the letter is in its mailbox before the answer."""
    assert visitor.session is not None
    typed = CorrectionForm(
        node=form.text("node"),
        case=form.text("case"),
        what=form.text("what"),
        why=form.text("why"),
        days=form.text("days"),
    )
    done = await corrections.ask(
        centre,
        visitor.session,
        node=typed.node,
        case=typed.case,
        what=typed.what,
        why=typed.why,
        days=int(typed.days) if typed.days.isdecimal() else 0,
    )
    if isinstance(done, Refusal):
        return await show(centre, visitor, typed, refusal=done)
    return go(HERE)


async def show(
    centre: TheCentre, visitor: TheVisitor, typed: CorrectionForm, *, refusal: Refusal | None = None
) -> Page:
    """The page, with what was typed where it was refused."""
    assert visitor.session is not None
    view = CorrectionsPage(
        rows=await corrections.listed(centre, visitor.session),
        typed=typed,
        refusal=refusal,
        now_ms=visitor.now_ms,
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refusal else HTTPStatus.OK
    return page(visitor, "corrections", view, HERE, status=status)
