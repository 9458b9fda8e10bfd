"""A long backlog: several batches in one exchange, the next packed while the centre takes in the one before."""

import asyncio

import pytest

from edge.actions.exchange import exchange, paced
from edge.actions.node import Node
from edge.errors import CentreUnreachable
from edge.store.draft import Draft
from edge.store.transaction import Transaction
from sync.batch.file import open_header
from sync.exchange.node import BATCH_ENTRIES, FIRST_ENTRIES
from tests.contract.edge.small_centre import SmallCentre

BACKLOG = BATCH_ENTRIES + 700


async def with_backlog(node: Node) -> int:
    """Entries in the ledger after a long day without a line."""

    def work(tx: Transaction) -> None:
        for number in range(BACKLOG):
            tx.append(Draft(kind="mark", detail={"note": f"{number}"}))

    await node.store.transact(work)
    return await node.store.read(lambda db: int(db.query("SELECT size FROM ledger_head")[0][0]))


async def level(node: Node, centre: SmallCentre) -> None:
    """The next exchange ends with every entry of the ledger once at the centre, and acknowledged."""
    centre.send_leases = False  # they would be news after the last batch
    done = await exchange(node)
    assert done.pending == 0
    assert len(centre.hashes) == done.acknowledged


def cut_after(centre: SmallCentre, batches: int) -> list[tuple[int, int]]:
    """The line goes down after so many batches; the spans that reached the centre."""
    spans: list[tuple[int, int]] = []
    whole = centre.exchange

    def taken(batch: bytes) -> bytes:
        header = open_header(batch, {centre.origin: centre.node_signing}.get)
        spans.append((header.start, header.end))
        centre.down = len(spans) == batches
        return whole(batch)

    centre.exchange = taken  # type: ignore[method-assign]  # an ear on the line, and its cut
    return spans


async def test_a_line_cut_between_batches_leaves_what_was_taken_and_nothing_goes_twice(
    node: Node, centre: SmallCentre
) -> None:
    size, held = await with_backlog(node), len(centre.hashes)
    spans = cut_after(centre, 1)
    with pytest.raises(CentreUnreachable):
        await exchange(node)
    assert spans == [(held, FIRST_ENTRIES)], "up to a whole frame"
    assert len(centre.hashes) == FIRST_ENTRIES
    assert node.uplink.batch_entries == BATCH_ENTRIES // 16
    centre.down = False
    await level(node, centre)
    assert len(centre.hashes) >= size
    assert [start for start, _ in spans[1:]] == [end for _, end in spans[:-1]]


def test_a_thin_line_carries_smaller_batches_and_a_good_one_the_largest() -> None:
    assert [paced(entries, 30.0) for entries in (BATCH_ENTRIES, 100)] == [BATCH_ENTRIES // 2, 64]
    assert [paced(entries, 1.0) for entries in (64, BATCH_ENTRIES)] == [256, BATCH_ENTRIES]
    assert paced(512, 9.0) == 512


async def test_an_exchange_given_up_while_the_next_batch_is_packed_leaves_a_node_that_works(
    node: Node, centre: SmallCentre
) -> None:
    await with_backlog(node)
    whole, rounds = centre.exchange, list[asyncio.Task[object]]()

    def given_up(batch: bytes) -> bytes:
        rounds[0].cancel()  # while the batch is under way and its successor is being packed
        return whole(batch)

    centre.exchange = given_up  # type: ignore[method-assign]  # an ear on the line
    async with asyncio.TaskGroup() as group:
        rounds.append(group.create_task(exchange(node)))
    assert rounds[0].cancelled()
    centre.exchange = whole  # type: ignore[method-assign]
    await level(node, centre)
