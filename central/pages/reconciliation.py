"""Findings with owner and state, and reconciliation as days × nodes."""

from datetime import date, timedelta
from http import HTTPStatus

from litestar import get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from central.actions import findings, reconcile
from central.actions.views import FindingRow
from central.pages.doors import Page, TheCentre, TheForm, TheVisitor, go, page
from central.pages.fleet import heat
from central.pages.views import FindingsPage, FormError, ReconciliationPage
from central.security.permissions import permitted
from matters.calendar import china_day
from matters.model import Refusal, Words

STATES = ("open", "explained", "closed", "all")
NOTE_LETTERS_MIN = 10


@get("/findings", opt={"permission": "findings.read"})
async def findings_page(
    centre: TheCentre,
    visitor: TheVisitor,
    show: FromQuery[str] = "open",
    node: FromQuery[str] = "",
    finding: FromQuery[str] = "",
) -> Page:
    """Findings of one state (`show`) and node; `finding` opens one."""
    return await show_findings(centre, visitor, state=show, node=node, finding=finding)


@post("/findings/{finding:str}", opt={"permission": "findings.settle"}, status_code=HTTPStatus.OK)
async def settle(
    centre: TheCentre, visitor: TheVisitor, form: TheForm, finding: FromPath[str]
) -> Page | Redirect:
    """Settles a finding with a note; the note is on the centre's ledger."""
    assert visitor.session is not None
    state, note = form.text("state"), form.text("note")
    back = form.text("from")
    errors = settle_errors(state, note)
    if errors:
        return await show_findings(centre, visitor, state=back, finding=finding, note=note, errors=errors)
    done = await findings.settle(centre, visitor.session, finding, state, note)
    if isinstance(done, Refusal):
        return await show_findings(centre, visitor, state=back, finding=finding, note=note, refusal=done)
    return go(f"/findings?show=all&finding={done.id}#finding")


def settle_errors(state: str, note: str) -> tuple[FormError, ...]:
    """Everything missing to settle a finding."""
    found = []
    if state not in {"explained", "closed"}:
        words = Words(zh="请选处理为已说明或关闭", en="choose explained or closed")
        found.append(FormError(field="state", words=words))
    if len(note) < NOTE_LETTERS_MIN:
        words = Words(zh="说明不少于 10 个字", en="the note needs 10 characters or more")
        found.append(FormError(field="note", words=words))
    return tuple(found)


async def show_findings(
    centre: TheCentre,
    visitor: TheVisitor,
    *,
    state: str = "open",
    node: str = "",
    finding: str = "",
    note: str = "",
    errors: tuple[FormError, ...] = (),
    refusal: Refusal | None = None,
) -> Page:
    """The page of findings in one of its states."""
    state = state if state in STATES else "open"
    rows = await findings.findings(centre, node=node, state="" if state == "all" else state)
    role = visitor.session.role if visitor.session else ""
    view = FindingsPage(
        rows=rows,
        state=state,
        node=node,
        chosen=named(rows, finding),
        may_settle=permitted(role, "findings.settle"),
        note=note,
        errors=errors,
        refusal=refusal,
        now_ms=visitor.now_ms,
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors or refusal else HTTPStatus.OK
    return page(visitor, "findings", view, "/findings", status=status)


def named(rows: tuple[FindingRow, ...], finding: str) -> FindingRow | None:
    """The finding of that id among the rows."""
    return next((row for row in rows if row.id == finding), None)


@get("/reconciliation", opt={"permission": "reconcile.read"})
async def reconciliation_page(centre: TheCentre, visitor: TheVisitor, day: FromQuery[str] = "") -> Page:
    """The strip, and one day (yesterday when none was chosen)."""
    return await show_day(centre, visitor, day)


@post("/reconciliation", opt={"permission": "reconcile.run"}, status_code=HTTPStatus.OK)
async def reconcile_now(centre: TheCentre, visitor: TheVisitor, form: TheForm) -> Page:
    """Compares the day again with what the centre holds now; findings are durable before the answer."""
    return await show_day(centre, visitor, form.text("day"), recount=True)


async def show_day(centre: TheCentre, visitor: TheVisitor, text: str, *, recount: bool = False) -> Page:
    """The page of one day; only a recount changes anything."""
    yesterday = china_day(visitor.now_ms) - timedelta(days=1)
    day, errors = read_day(text, yesterday)
    result = await reconcile.reconcile(centre, day) if recount and not errors else None
    found = await findings.findings(centre)
    role = visitor.session.role if visitor.session else ""
    view = ReconciliationPage(
        strip=await heat(centre),
        day=day,
        result=result,
        findings=tuple(row for row in found if row.day == day.isoformat()),
        may_run=permitted(role, "reconcile.run"),
        errors=errors,
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK
    return page(visitor, "reconciliation", view, "/reconciliation", status=status)


def read_day(text: str, otherwise: date) -> tuple[date, tuple[FormError, ...]]:
    """The day a person wrote, or the one that stands for none; an error for what is no day."""
    if not text:
        return otherwise, ()
    try:
        return date.fromisoformat(text), ()
    except ValueError:
        words = Words(zh="日期请写作 2026-11-21", en="write the day as 2026-11-21")
        return otherwise, (FormError(field="day", words=words),)
