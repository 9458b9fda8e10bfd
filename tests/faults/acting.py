"""Acts of a node that no command does alone, each as a short process: what comes of them is said on standard output.

Everything shown is one JSON line, printed the moment the action returns: what stands there must be on the ledger
whatever happens to the process next.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import msgspec

from drivers.ports import CardRecord
from edge.actions import answer, checkpoint, clockwork, close_day, reads
from edge.actions.node import Node, close_node, open_node
from edge.actions.views import Answer, Query
from edge.errors import EdgeError
from edge.settings import load
from edge.store.clock import NodeClock, boot_ms, wall_ms
from edge.store.draft import Draft
from edge.store.transaction import Transaction
from matters.model import Material
from sync.errors import SyncError
from tests.simulation.clerks import session

LATER_MS = 120 * 86_400_000
"""So much later every lease has ended."""
VISITS, MARKS = 2, 600
TROUBLE, OK = 3, 0


async def answers(node: Node) -> None:
    """Two citizens with a report each from the cache; a checkpoint; the day is closed."""
    await clockwork.boot(node)
    for number in range(VISITS):
        clerk = session(Random(number), node)
        laid = await reads.lay(node, clerk.window, _card(node))
        shown = await answer.answer(node, clerk, _own(laid.read_id))
        assert isinstance(shown, Answer), shown
        serial = shown.report.serial if shown.report else ""
        _say(index=shown.entry.index, leaf_hash=shown.entry.leaf_hash.hex(), serial=serial)
        await checkpoint.sign(node)
    closed = await close_day.close(node, session(Random(0), node), node.day_of(node.now_ms()))
    _say(index=closed.entry.index, leaf_hash=closed.entry.leaf_hash.hex(), serial="")


async def marks(node: Node) -> None:
    """Many small entries at once, so that a batch has several frames."""

    def many(tx: Transaction) -> None:
        for number in range(MARKS):
            tx.append(Draft(kind="mark", outcome="ok", object=f"m-{number}"))

    await node.store.transact(many)


async def mark(node: Node) -> None:
    """One small entry."""
    await node.store.transact(lambda tx: tx.append(Draft(kind="mark", outcome="ok", object="m")))


async def shred(node: Node) -> None:
    """The node starts long after its leases ended: everything they kept readable is destroyed before it serves."""
    await clockwork.boot(node)


ACTS: dict[str, Callable[[Node], Awaitable[None]]] = {
    "answers": answers,
    "mark": mark,
    "marks": marks,
    "shred": shred,
}


def main(words: list[str]) -> int:
    """The name of an act and the node's folder; 0, or 3 with the trouble's code on standard output."""
    name, place = words
    return asyncio.run(_run(ACTS[name], Path(place), LATER_MS if name == "shred" else 0))


async def _run(act: Callable[[Node], Awaitable[None]], data: Path, later_ms: int) -> int:
    clock = NodeClock(wall=lambda: wall_ms() + later_ms, boot=boot_ms)
    try:
        node = await open_node(data, load(data), clock=clock)
        try:
            await act(node)
        finally:
            await close_node(node)
    except (EdgeError, SyncError) as error:
        _say(trouble=error.code, words=str(error))
        return TROUBLE
    except OSError as error:  # as in `edge.__main__`: trouble of the disk in a small file beside the database
        _say(trouble="disk", words=error.strerror)
        return TROUBLE
    return OK


def _say(**words: object) -> None:
    print(json.dumps(words), flush=True)


def _own(read_id: str) -> Query:
    papers = (Material(kind="resident-id", original=True, copy=True),)
    return Query(
        matter="public-credit.self", read_id=read_id, materials=papers, delivery="print", purpose="self"
    )


def _card(node: Node) -> CardRecord:
    """The card that lies in the node's folder as a file."""
    return msgspec.json.decode((node.data / "card.json").read_bytes(), type=CardRecord)
