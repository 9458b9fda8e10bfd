"""The 留痕 panel: the newest entries of this node, without personal data."""

from edge.actions.gates import countersigned_size
from edge.actions.node import Node
from edge.actions.views import EntryView
from edge.store.reader import Reading
from matters.model import Words
from sync.clock import ClockState
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


_STEPS = {
    "queued": Words(zh="纸张排队", en="paper queued"),
    "sent": Words(zh="纸张已送打印机", en="paper sent"),
    "device-confirmed": Words(zh="打印机确认已打出", en="confirmed by the printer"),
    "clerk-confirmed": Words(zh="窗口确认纸张完好", en="confirmed by the clerk"),
    "spoiled": Words(zh="纸张作废", en="paper spoiled"),
    "failed": Words(zh="没有打出", en="not printed"),
    "in-doubt": Words(zh="询问纸张是否出来", en="asked whether the paper came out"),
}
"""What a step of a paper is called; the kind alone would say the same of each."""


def _view(leaf: bytes, signed: int) -> EntryView:
    entry, _ = parse_leaf(leaf)
    kind = registry.by_number(entry.kind)
    words = _STEPS.get(entry.outcome) if kind.name == "paper.moved" else None
    return EntryView(
        index=entry.index,
        words=words or Words(zh=kind.words[0], en=kind.words[1]),
        at_ms=entry.hlc_ms,
        durable=True,
        countersigned=entry.index < signed,
        clock_trusted=entry.clock != ClockState.UNTRUSTED,
        actor=entry.actor,
        outcome=entry.outcome,
    )
