"""Boot, clock and disk: what the node looks after by itself."""

import asyncio
import contextlib

import structlog

from edge.actions import lanes, leases, succession
from edge.actions.node import Node
from edge.errors import LedgerUnavailable
from edge.store import disk, holdings
from edge.store.clock import JUMP_MS
from edge.store.draft import Draft
from edge.store.transaction import Transaction

log = structlog.get_logger("clockwork")
PLENTY_PERCENT = 15


async def boot(node: Node) -> None:
    """Everything that must be true before the port opens.

    0 a new incarnation that a crash broke off is begun to its end · 1 this boot is counted · 2 a clock set
    back is an entry · 3 a data set half taken is given up · 4 expired leases are shredded · 5 jobs that stood
    in `sent` ask the clerk · 6 the ballast stands.
    """
    await succession.finish(node.store)
    await node.store.transact(_count_boot)
    if node.store.jump_ms:
        await _adjusted(node, node.store.jump_ms, "behind-high-water")
    await node.store.transact(holdings.give_up)
    await leases.boot(node)
    asked = await lanes.after_crash(node)
    await keep_reserve(node)
    log.info("boot", questions=asked, rolled_back=node.store.rolled_back)


def _count_boot(tx: Transaction) -> None:
    tx.execute("UPDATE ledger_head SET boot = boot + 1")
    succession.open_ledger(tx)


async def watch(node: Node) -> bool:
    """Whether the wall clock jumped over five minutes since the last look; then it is an entry too."""
    jump_ms = node.store.clock.jump_ms()
    if jump_ms:
        await _adjusted(node, jump_ms, "jumped")
    return bool(jump_ms)


async def hear(node: Node, satellite_ms: int) -> None:
    """A receiver's time, in place of the wall clock; an entry where that was over five minutes off."""
    moved_ms = node.store.clock.hear(satellite_ms)
    if abs(moved_ms) > JUMP_MS:
        with contextlib.suppress(
            LedgerUnavailable
        ):  # `_adjusted` has logged it; the time counts all the same
            await _adjusted(node, moved_ms, "satellites")


async def _adjusted(node: Node, jump_ms: int, how: str) -> None:
    log.warning("clock", code=how, jump_s=jump_ms // 1000)
    draft = Draft(kind="clock.adjusted", outcome=how, detail={"note": f"{jump_ms} ms"})
    await node.store.transact(lambda tx: tx.append(draft))
    node.events.publish("status")


async def keep_reserve(node: Node) -> None:
    """Put the ballast file back once there is room again."""
    if node.store.free_percent() > max(PLENTY_PERCENT, node.settings.disk_free_min_percent):
        await asyncio.to_thread(disk.keep_reserve, node.data, node.settings.reserve_mb)
