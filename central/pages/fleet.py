"""The fleet and one node: who needs a person first; create, new code, revoke."""

from collections.abc import Sequence
from http import HTTPStatus

from litestar import get, post
from litestar.params import FromPath, FromQuery

from central.actions import findings, fleet, nodes, reconcile
from central.actions.views import FindingRow, NodeCreated, NodeRow
from central.pages.doors import Form, Page, TheCentre, TheForm, TheVisitor, page
from central.pages.drawing import Strip, spark, strip
from central.pages.views import FleetLine, FleetPage, FormError, NewNodePage, NodePage
from central.security.permissions import permitted
from matters.model import Refusal, Words

LINES_MAX = 200
FINDINGS_SHOWN = 5
STRIP_ROWS_MAX = 12
HEAT_DAYS = 28
SECOND_MS = 1000
REGION_DIGITS = 6
ROUTE_DIGITS = (9, 12)
REASON_LETTERS_MIN = 10


@get("/", opt={"permission": "fleet.read"})
async def fleet_page(centre: TheCentre, visitor: TheVisitor, find: FromQuery[str] = "") -> Page:
    """The fleet; `find` narrows by name, number or region (no citizen's data)."""
    rows = await fleet.fleet(centre)
    found = matching(rows, find)
    shown = [line(row, visitor.now_ms) for row in found[:LINES_MAX]]
    role = visitor.session.role if visitor.session else ""
    sees = permitted(role, "reconcile.read")
    view = FleetPage(
        totals=fleet.totals(rows),
        urgent=tuple(one for one in shown if urgent(one)),
        calm=tuple(one for one in shown if not urgent(one)),
        hidden=len(found) - len(shown),
        find=find,
        strip=await heat(centre, STRIP_ROWS_MAX) if sees else None,
        findings=await open_findings(centre) if sees else (),
        may_create=permitted(role, "nodes.create"),
        now_ms=visitor.now_ms,
    )
    return page(visitor, "fleet", view, "/")


def matching(rows: Sequence[NodeRow], find: str) -> list[NodeRow]:
    """Rows whose name, number or region holds the text; all of them for an empty one."""
    text = find.strip().lower()
    return [
        row
        for row in rows
        if text in row.name.lower() or text in row.node.lower() or row.region.startswith(text)
    ]


def line(row: NodeRow, now_ms: int) -> FleetLine:
    """A row with its picture and what is left of its lease (zero or less: sensitive answers have stopped)."""
    left = None if row.lease_not_after_ms is None else (row.lease_not_after_ms - now_ms) // SECOND_MS
    return FleetLine(row=row, spark=spark(row.lag), lease_left_s=left)


def urgent(one: FleetLine) -> bool:
    """Whether a person has to look: silence beyond the pattern, open findings, or a lease that ended."""
    if one.row.state in {"revoked", "new"}:
        return False
    ended = one.lease_left_s is not None and one.lease_left_s <= 0
    return one.row.state == "silent" or one.row.findings > 0 or ended


async def heat(centre: TheCentre, rows_max: int | None = None) -> Strip:
    """The heat strip of the last 28 days; with a limit, the nodes with open differences come first."""
    found = await reconcile.heat(centre, HEAT_DAYS)
    rows = sorted(found.rows, key=lambda row: -row.cells.count("open")) if rows_max else list(found.rows)
    return strip(found.days, [(row.node_name, row.cells) for row in rows[:rows_max]])


async def open_findings(centre: TheCentre) -> tuple[FindingRow, ...]:
    """The newest open findings."""
    return (await findings.findings(centre, state="open", limit=FINDINGS_SHOWN))[:FINDINGS_SHOWN]


@get("/nodes/new", opt={"permission": "nodes.create"})
async def new_node_form(visitor: TheVisitor) -> Page:
    """The form for a new node."""
    return page(visitor, "new_node", NewNodePage(now_ms=visitor.now_ms), "/")


@post("/nodes/new", opt={"permission": "nodes.create"}, status_code=HTTPStatus.OK)
async def new_node(centre: TheCentre, visitor: TheVisitor, form: TheForm) -> Page:
    """Creates the node; its code stands in this one answer and nowhere else."""
    assert visitor.session is not None
    kind = "bus" if form.text("kind") == "bus" else "hall"
    route = tuple(form.text("route").replace("、", " ").replace(",", " ").split())
    errors = new_node_errors(form, kind, route)
    made: NodeCreated | Refusal | None = None
    if not errors:
        made = await nodes.create(
            centre,
            visitor.session,
            name=form.text("name"),
            region=form.text("region"),
            kind=kind,
            route=route,
        )
    view = NewNodePage(
        name=form.text("name"),
        region=form.text("region"),
        kind=kind,
        route=form.text("route"),
        errors=errors,
        refusal=made if isinstance(made, Refusal) else None,
        created=made if isinstance(made, NodeCreated) else None,
        now_ms=visitor.now_ms,
    )
    status = HTTPStatus.CREATED if view.created else HTTPStatus.UNPROCESSABLE_ENTITY
    return page(visitor, "new_node", view, "/", status=status)


def new_node_errors(form: Form, kind: str, route: Sequence[str]) -> tuple[FormError, ...]:
    """Everything wrong with the form for a new node, at once."""
    found = []
    if not form.text("name"):
        found.append(FormError(field="name", words=Words(zh="请填名称", en="enter a name")))
    if not (form.text("region").isdecimal() and len(form.text("region")) == REGION_DIGITS):
        words = Words(zh="区划代码须为 6 位数字", en="a region code has 6 digits")
        found.append(FormError(field="region", words=words))
    if kind == "bus" and not route:
        words = Words(zh="流动服务车须有路线（乡镇代码）", en="a bus needs its route (township codes)")
        found.append(FormError(field="route", words=words))
    if any(not stop.isdecimal() or len(stop) not in ROUTE_DIGITS for stop in route):
        words = Words(zh="乡镇代码须为 9 位或 12 位数字", en="a township code has 9 or 12 digits")
        found.append(FormError(field="route", words=words))
    return tuple(found)


@get("/nodes/{node:str}", opt={"permission": "fleet.read"})
async def node_page(centre: TheCentre, visitor: TheVisitor, node: FromPath[str]) -> Page:
    """One node."""
    return await show_node(centre, visitor, node)


@post("/nodes/{node:str}/code", opt={"permission": "nodes.code"}, status_code=HTTPStatus.OK)
async def new_code(centre: TheCentre, visitor: TheVisitor, form: TheForm, node: FromPath[str]) -> Page:
    """A new enrolment code, shown once; the one before no longer works."""
    assert form is not None
    assert visitor.session is not None
    made = await nodes.new_code(centre, visitor.session, node)
    if isinstance(made, Refusal):
        return await show_node(centre, visitor, node, refusal=made)
    return await show_node(centre, visitor, node, created=made)


@post("/nodes/{node:str}/revoke", opt={"permission": "nodes.revoke"}, status_code=HTTPStatus.OK)
async def revoke(centre: TheCentre, visitor: TheVisitor, form: TheForm, node: FromPath[str]) -> Page:
    """Revokes the node, with a reason."""
    assert visitor.session is not None
    reason = form.text("reason")
    if len(reason) < REASON_LETTERS_MIN:
        refusal: Refusal | None = Refusal(
            code="reason-missing",
            message=Words(
                zh="吊销须写明原因，不少于 10 个字", en="a revocation needs its reason, 10 characters or more"
            ),
            rule="",
            next=Words(zh="写明原因后再提交；什么都没有改变。", en="State the reason; nothing was changed."),
        )
    else:
        refusal = await nodes.revoke(centre, visitor.session, node, reason)
    return await show_node(centre, visitor, node, refusal=refusal)


async def show_node(
    centre: TheCentre,
    visitor: TheVisitor,
    node: str,
    *,
    created: NodeCreated | None = None,
    refusal: Refusal | None = None,
) -> Page:
    """The page of a node, after something was asked of it or not."""
    found = await fleet.node(centre, node)
    role = visitor.session.role if visitor.session else ""
    view = NodePage(
        node=found,
        line=line(found.row, visitor.now_ms),
        created=created,
        refusal=refusal,
        may_code=permitted(role, "nodes.code"),
        may_revoke=permitted(role, "nodes.revoke"),
        now_ms=visitor.now_ms,
    )
    return page(
        visitor, "node", view, "/", status=HTTPStatus.UNPROCESSABLE_ENTITY if refusal else HTTPStatus.OK
    )
