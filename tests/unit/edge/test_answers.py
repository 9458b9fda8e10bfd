"""The query: online, cached, deferred, refused, denied; each durable before it is said."""

from typing import Any

from edge.actions.answer import answer
from edge.actions.node import Node, Session
from edge.actions.views import Answer, Query
from matters.model import Material
from sync.ledger.entry import parse_leaf
from sync.messages.registry import decode_detail
from tests.unit.edge.conftest import lay
from tests.unit.edge.small_centre import SmallCentre

OWN = (Material(kind="resident-id", original=True, copy=True),)


def own(read_id: str, matter: str = "public-credit.self", **more: Any) -> Query:
    return Query(matter=matter, read_id=read_id, materials=OWN, purpose="self", **more)


async def entries(node: Node) -> list[Any]:
    rows = await node.store.read(lambda db: db.query("SELECT leaf, detail FROM entry ORDER BY idx"))
    return [(parse_leaf(leaf)[0], decode_detail(parse_leaf(leaf)[0].kind, detail)) for leaf, detail in rows]


async def test_an_online_answer_issues_a_final_report_with_its_entries_before_it_returns(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    read = await lay(node, centre)
    given = await answer(node, clerk, own(read.read_id))
    assert isinstance(given, Answer), given
    assert (given.mode, given.report and given.report.status) == ("online", "final")
    found = {entry.index: (entry, detail) for entry, detail in await entries(node)}
    access, detail = found[given.entry.index]
    assert access.kind == 10
    assert access.object == detail["request_id"] == centre.disclosed[0]["request_id"]
    assert [entry.kind for entry, _ in list(found.values())[given.entry.index :]] == [10, 30, 20]
    assert given.report.serial == "330102-2026-L-00001"
