"""How long the oldest access has waited: remembered, and never another one than the ledger holds."""

from functools import partial

from edge.actions.gates import oldest_access_ms, oldest_unacknowledged_ms
from edge.actions.node import Node
from edge.errors import RolledBack
from edge.store.draft import Draft
from edge.store.transaction import Transaction
from tests.contract.edge.conftest import ToldTime

TICKET = Draft(kind="ticket.taken")
ACCESS = Draft(kind="access.denied", outcome="no-permit")


async def both(node: Node) -> tuple[int, int]:
    """As remembered, and as searched for now."""
    return await node.store.read(
        lambda db: (oldest_access_ms(db, node), oldest_unacknowledged_ms(db, accesses_only=True))
    )


async def test_rule_4_7_the_oldest_access_is_the_ledgers_as_it_grows_and_is_countersigned(
    node: Node, told: ToldTime
) -> None:
    for draft in (TICKET, ACCESS, TICKET, TICKET, ACCESS, ACCESS):
        told.pass_ms(1000)
        placed = await node.store.transact(partial(Transaction.append, draft=draft))
        remembered, searched = await both(node)
        assert remembered == searched
    for size in range(placed.index - 5, placed.index + 3):
        await node.store.transact(partial(_countersigned, size=size))
        remembered, searched = await both(node)
        assert remembered == searched, f"{size} countersigned"
    assert searched == 0, "in the end none waits"


async def test_an_access_that_was_undone_is_not_remembered(node: Node, told: ToldTime) -> None:
    await node.store.transact(lambda tx: _countersigned(tx, int(_size(tx))))

    def undone(tx: Transaction) -> None:
        tx.append(ACCESS)
        assert oldest_access_ms(tx, node)
        raise RolledBack("on purpose")

    try:
        await node.store.transact(undone)
    except RolledBack:
        told.pass_ms(1000)
    assert await both(node) == (0, 0)
    await node.store.transact(lambda tx: tx.append(TICKET))
    told.pass_ms(1000)
    await node.store.transact(lambda tx: tx.append(ACCESS))
    remembered, searched = await both(node)
    assert remembered == searched > 0


def _countersigned(tx: Transaction, size: int) -> None:
    tx.execute("INSERT OR REPLACE INTO checkpoint VALUES (?, x'', x'', 0, x'00', 0)", (size,))


def _size(tx: Transaction) -> int:
    row = tx.one("SELECT size FROM ledger_head")
    assert row is not None
    return int(row[0])
