"""The 留痕 panel: the newest entries of this node, without personal data."""

from edge.actions.gates import countersigned_size
from edge.actions.node import Node
from edge.actions.views import EntryView
from edge.store.reader import Reading
from matters.model import Words
from sync.ledger.entry import parse_leaf
from sync.messages import registry

LIMIT_MAX = 200


async def recent(node: Node, limit: int = 20) -> tuple[EntryView, ...]:
    """The newest entries (at most 200), newest first; all are durable, the older ones countersigned."""
    return await node.store.read(lambda db: _recent(db, min(max(1, limit), LIMIT_MAX)))


def _recent(db: Reading, limit: int) -> tuple[EntryView, ...]:
    signed = countersigned_size(db)
    return tuple(
        _view(leaf, signed)
        for (leaf,) in db.query("SELECT leaf FROM entry ORDER BY idx DESC LIMIT ?", (limit,))
    )


def _view(leaf: bytes, signed: int) -> EntryView:
    entry, _ = parse_leaf(leaf)
    zh, en = registry.by_number(entry.kind).words
    return EntryView(
        index=entry.index,
        words=Words(zh=zh, en=en),
        at_ms=entry.hlc_ms,
        durable=True,
        countersigned=entry.index < signed,
        actor=entry.actor,
        outcome=entry.outcome,
    )
