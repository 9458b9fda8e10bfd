"""The public page: is this report genuine, and what has become of it. Nothing of it is kept or logged."""

import re
from http import HTTPStatus

import msgspec
from litestar import get, post

import yizhan_verify
from central.actions import enrol, verify
from central.actions.centre import Centre
from central.actions.views import VerifyView
from central.pages.doors import Form, Page, TheCentre, TheForm, TheVisitor, page
from central.pages.views import FormError, VerifyPage
from matters.model import Words

PDF_BYTES_MAX = 5 * 1024 * 1024
TEXT_LETTERS_MAX = 4_000
TOKEN = re.compile(rb"yzt:(YZ1\.[A-Za-z0-9_-]{1,2048})")
WHOLE = Words(zh="文件与签发时一字不差，签名成立", en="the file is as it was issued, its signature holds")


@get("/verify", opt={"open": True})
async def verify_form(visitor: TheVisitor) -> Page:
    """The empty form."""
    return page(visitor, "verify", empty(), "/verify")


@post("/verify", opt={"open": True}, status_code=HTTPStatus.OK)
async def verify_now(centre: TheCentre, visitor: TheVisitor, form: TheForm) -> Page:
    """The verdict on a QR text or on the bytes of a PDF."""
    errors = form_errors(form)
    if errors:
        view = msgspec.structs.replace(empty(), text=form.text("text"), errors=errors)
        return page(visitor, "verify", view, "/verify", status=HTTPStatus.UNPROCESSABLE_ENTITY)
    pdf = form.files.get("pdf")
    if pdf is None:
        found = await verify.verify(centre, form.text("text"))
        view = msgspec.structs.replace(empty(), text=form.text("text"), result=found)
    else:
        view = await judged(centre, pdf)
    return page(visitor, "verify", view, "/verify")


def form_errors(form: Form) -> tuple[FormError, ...]:
    """What the form lacks."""
    pdf = form.files.get("pdf")
    if pdf is not None and len(pdf) > PDF_BYTES_MAX:
        words = Words(zh="文件超过 5 MiB，不是本系统签发的报告", en="over 5 MiB: not a report of this system")
        return (FormError(field="pdf", words=words),)
    if pdf is None and not form.text("text"):
        words = Words(zh="请贴上二维码的文字，或选择文件", en="paste the QR code's text or choose a PDF")
        return (FormError(field="text", words=words),)
    return ()


async def judged(centre: Centre, pdf: bytes) -> VerifyPage:
    """A file: every signature first, by the same code anybody runs offline; then what the centre knows."""
    trust = yizhan_verify.read_trust(msgspec.json.encode(await enrol.trust(centre)).decode())
    result = yizhan_verify.verify(pdf, trust)
    if not result.genuine:
        zh, en = yizhan_verify.as_words(result).split("\n")
        no = VerifyView(genuine=False, known=False, words=Words(zh=zh, en=en))
        return msgspec.structs.replace(empty(), result=no)
    text = TOKEN.search(pdf)
    assert text is not None
    found = await verify.verify(centre, text[1].decode())
    return msgspec.structs.replace(empty(), result=found, file=WHOLE)


def empty() -> VerifyPage:
    """The page before anything was asked."""
    return VerifyPage(text="", result=None, file=None, errors=())
