"""The trail: a search by POST, its result under a random name, the proof of one row beside it."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec
from litestar import get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from central.actions import fleet, trail
from central.actions.views import AccessRow, NodeRow, Proof, TrailQuery
from central.pages import facets, vocabulary
from central.pages.doors import Form, Page, TheCentre, TheForm, TheVisitor, go, page
from central.pages.drawing import Chart, chart
from central.pages.searches import Searches
from central.pages.views import FormError, TrailForm, TrailFound, TrailPage
from matters.calendar import china_day
from matters.model import Refusal


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A search as the server keeps it: what was asked and what was found."""

    query: TrailQuery
    found: TrailFound


SEARCHES: Searches[Kept] = Searches()
MODES = tuple((code, words) for code, words in vocabulary.MODES.items() if code)
OUTCOMES = tuple((code, words) for code, words in vocabulary.OUTCOMES.items() if code)


@get("/trail", opt={"permission": "trail.search"})
async def trail_form(centre: TheCentre, visitor: TheVisitor) -> Page:
    """The empty search."""
    return page(visitor, "trail", shown(visitor, await fleet.fleet(centre)), "/trail")


@post("/trail", opt={"permission": "trail.search"}, status_code=HTTPStatus.OK)
async def trail_search(centre: TheCentre, visitor: TheVisitor, form: TheForm) -> Page | Redirect:
    """Searches and goes to the result. The search is on the centre's ledger before anything is found."""
    assert visitor.session is not None
    rows = await fleet.fleet(centre)
    kept = SEARCHES.find(visitor.session.id, form.text("search"), visitor.now_ms)
    if form.text("search") and kept is None:
        return page(visitor, "trail", shown(visitor, rows, lapsed=True), "/trail")
    asked = facets.read(form.texts, kept.query if kept else None, node_names(rows), visitor.now_ms)
    if asked.errors:
        return refused(visitor, rows, form, asked.errors, None)
    result = await trail.trail(centre, visitor.session, asked.query)
    if isinstance(result, Refusal):
        return refused(visitor, rows, form, (), result)
    found = TrailFound(
        rows=result.rows,
        unreported=result.unreported,
        recorded=result.recorded,
        facets=facets.chips(asked.query, {row.node: row.name for row in rows}, visitor.now_ms),
        purpose=asked.query.purpose,
        chart=picture(result.rows, asked.query, visitor.now_ms),
        older=result.next,
        asked_ms=visitor.now_ms,
    )
    name = SEARCHES.keep(visitor.session.id, Kept(query=asked.query, found=found), visitor.now_ms)
    return go(f"/trail/{name}")


@get("/trail/{search:str}", opt={"permission": "trail.search"})
async def trail_found(
    centre: TheCentre, visitor: TheVisitor, search: FromPath[str], row: FromQuery[int | None] = None
) -> Page:
    """A result; with `row`, that row's proof, checked again now."""
    assert visitor.session is not None
    rows = await fleet.fleet(centre)
    kept = SEARCHES.find(visitor.session.id, search, visitor.now_ms)
    if kept is None:
        return page(visitor, "trail", shown(visitor, rows, lapsed=True), "/trail", status=HTTPStatus.GONE)
    chosen, proof = None, None
    if row is not None and 0 <= row < len(kept.found.rows):
        chosen = kept.found.rows[row]
        proof = await trail.proof(centre, visitor.session, chosen.origin, chosen.index)
    view = shown(visitor, rows, search=search, found=kept.found, chosen=chosen, proof=proof, place=row)
    return page(visitor, "trail", view, "/trail")


def refused(
    visitor: TheVisitor,
    rows: Sequence[NodeRow],
    form: Form,
    errors: tuple[FormError, ...],
    refusal: Refusal | None,
) -> Page:
    """The form again, as it was typed, with everything that has to be corrected."""
    names = TrailForm.__struct_fields__
    typed = TrailForm(**{name: form.text(name) for name in names})
    view = shown(visitor, rows, form=typed, errors=errors, refusal=refusal)
    return page(visitor, "trail", view, "/trail", status=HTTPStatus.UNPROCESSABLE_ENTITY)


def shown(
    visitor: TheVisitor,
    nodes: Sequence[NodeRow],
    *,
    form: TrailForm | None = None,
    search: str = "",
    found: TrailFound | None = None,
    chosen: AccessRow | None = None,
    proof: Proof | None = None,
    place: int | None = None,
    lapsed: bool = False,
    errors: tuple[FormError, ...] = (),
    refusal: Refusal | None = None,
) -> TrailPage:
    """The view of the trail in one of its states."""
    return TrailPage(
        form=form or TrailForm(),
        search=search,
        found=found,
        chosen=chosen,
        proof=proof,
        place=-1 if place is None else place,
        nodes=tuple(nodes),
        modes=MODES,
        outcomes=OUTCOMES,
        lapsed=lapsed,
        errors=errors,
        refusal=refusal,
        now_ms=visitor.now_ms,
    )


def node_names(rows: Sequence[NodeRow]) -> Mapping[str, str]:
    """Names and ids of nodes, to ids."""
    return {row.name: row.node for row in rows} | {row.node: row.node for row in rows}


def picture(rows: Sequence[AccessRow], query: TrailQuery, now_ms: int) -> Chart:
    """How often a day, over the days that were asked for."""
    since = None if query.since_ms is None else china_day(query.since_ms)
    until = china_day(min(query.until_ms or now_ms, now_ms))
    return chart([row.occurred_ms for row in rows], since, until)
