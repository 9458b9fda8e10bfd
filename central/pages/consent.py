"""Consent to offline answers: withdrawn by a subject, or given again."""

from http import HTTPStatus

from litestar import get, post

from central.actions import trips
from central.errors import NotFound
from central.pages.doors import Page, TheCentre, TheForm, TheVisitor, page
from central.pages.subject import number_error
from central.pages.views import ConsentPage, FormError
from matters.ids import mask
from matters.model import Refusal, Words

HERE = "/consent"


@get(HERE, opt={"permission": "consent.change"})
async def consent_page(centre: TheCentre, visitor: TheVisitor) -> Page:
    """The form."""
    return await show(centre, visitor)


@post(HERE, opt={"permission": "consent.change"}, status_code=HTTPStatus.OK)
async def change_consent(centre: TheCentre, visitor: TheVisitor, form: TheForm) -> Page:
    """Registers consent withdrawn or given again; letters and entry are durable before the answer."""
    assert visitor.session is not None
    number, note, withdrawn = form.text("number").upper(), form.text("note"), form.text("what") != "again"
    wrong = number_error(number, visitor.now_ms)
    if wrong is not None:
        return await show(centre, visitor, note=note, withdrawn=withdrawn, errors=(wrong,))
    try:
        no = await trips.consent(centre, visitor.session, number, withdrawn=withdrawn, note=note)
    except NotFound as error:
        unknown = FormError(field="number", words=error.words)
        return await show(centre, visitor, note=note, withdrawn=withdrawn, errors=(unknown,))
    if no is not None:
        return await show(centre, visitor, note=note, withdrawn=withdrawn, refusal=no)
    zh, en = ("已登记撤回授权", "withdrawn") if withdrawn else ("已登记恢复授权", "given again")
    done = Words(zh=f"{mask(number)} {zh}，随各节点下次联系送达。", en=f"{mask(number)}: consent {en}")
    return await show(centre, visitor, done=done)


async def show(
    centre: TheCentre,
    visitor: TheVisitor,
    *,
    note: str = "",
    withdrawn: bool = True,
    errors: tuple[FormError, ...] = (),
    refusal: Refusal | None = None,
    done: Words | None = None,
) -> Page:
    """The page of consent; the number typed is never sent back."""
    view = ConsentPage(
        without=await trips.without_consent(centre),
        note=note,
        withdrawn=withdrawn,
        errors=errors,
        refusal=refusal,
        done=done,
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors or refusal else HTTPStatus.OK
    return page(visitor, "consent", view, HERE, status=status)
