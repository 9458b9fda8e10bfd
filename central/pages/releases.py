"""What nodes should hold and what they say they hold; publishing now."""

from collections.abc import Iterable
from http import HTTPStatus

from litestar import get, post

from central.actions import fleet, publish
from central.actions.views import NodeView, ReleaseRow
from central.pages.doors import Page, TheCentre, TheForm, TheVisitor, page
from central.pages.views import ReleaseLine, ReleasesPage
from central.security.permissions import permitted

NODES_MAX = 100


@get("/releases", opt={"permission": "publish.publish"})
async def releases_page(centre: TheCentre, visitor: TheVisitor) -> Page:
    """The newest release of every scope."""
    return await show_releases(centre, visitor, ())


@post("/releases", opt={"permission": "publish.publish"}, status_code=HTTPStatus.OK)
async def publish_now(centre: TheCentre, visitor: TheVisitor, form: TheForm) -> Page:
    """Publishes every scope that changed; packs are durable before a release names them."""
    assert form is not None
    assert visitor.session is not None
    done = await publish.publish(centre, visitor.session)
    return await show_releases(centre, visitor, tuple(one.scope for one in done if one.kind))


async def show_releases(centre: TheCentre, visitor: TheVisitor, published: tuple[str, ...]) -> Page:
    """The page, after something was published or not; the first hundred nodes are asked."""
    rows = (await fleet.fleet(centre))[:NODES_MAX]
    found = [await fleet.node(centre, row.node) for row in rows]
    view = ReleasesPage(
        lines=lines(found),
        published=published,
        may_publish=permitted(visitor.session.role if visitor.session else "", "publish.publish"),
        now_ms=visitor.now_ms,
    )
    return page(visitor, "releases", view, "/releases")


def lines(nodes: Iterable[NodeView]) -> tuple[ReleaseLine, ...]:
    """One line a scope: its newest version, how many nodes hold it, who is behind."""
    scopes: dict[str, list[tuple[NodeView, ReleaseRow]]] = {}
    for node in nodes:
        for release in node.releases:
            scopes.setdefault(release.scope, []).append((node, release))
    return tuple(_line(scope, held) for scope, held in sorted(scopes.items()))


def _line(scope: str, held: list[tuple[NodeView, ReleaseRow]]) -> ReleaseLine:
    newest = max((release for _, release in held), key=lambda release: release.version)
    behind = [node.row for node, release in held if release.held != newest.version]
    return ReleaseLine(
        scope=scope,
        version=newest.version,
        rows=newest.rows,
        as_of_ms=newest.as_of_ms,
        created_ms=newest.created_ms,
        held=len(held) - len(behind),
        nodes=len(held),
        behind=tuple((row.node, row.name) for row in behind),
    )
