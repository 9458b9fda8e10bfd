"""Seal and wipe (protocol 6): what is unsent is sealed to the centre first, then every key is destroyed.

1  one exchange, if the line allows: the closed ledger is countersigned
2  what is still unsent lies in DATA/sealed as courier files, sealed to the centre and its recovery key
3  the cache's wrapping key, then the slots and the machine's key are overwritten: nothing opens any more

A crash in between begins again: the order stands in the database until step 3.
"""

import asyncio
import contextlib

import structlog

from edge.actions import courier, exchange, leases
from edge.actions.gates import WIPE
from edge.actions.node import Node
from edge.errors import EdgeError
from edge.store.files import destroy

log = structlog.get_logger("wipe")
FOLDER = "sealed"
KEYS = ("lease.key", "lease.key.next", "slots.next.json", "slots.json", "machine.key", "restore.key")


async def when_told(node: Node) -> bool:
    """The job: obey the order if there is one; whether the keys are gone now.

    After that the database is closed and opens with nothing that is here; the process must end.
    """
    told = await node.store.read(lambda db: db.one("SELECT 1 FROM fact WHERE name = ?", (WIPE,)))
    if told is None:
        return False
    with contextlib.suppress(EdgeError, TimeoutError):  # a dead line stops nothing: step 2 keeps it
        await exchange.exchange(node)
    sealed = await courier.export(node, node.data / FOLDER)
    async with leases.alone(node):
        await asyncio.to_thread(_destroy, node)
    log.warning("wipe", code="keys-destroyed", entries=sealed["entries"])
    node.store.abandon()
    return True


def _destroy(node: Node) -> None:
    for name in KEYS:
        destroy(node.data / "keys" / name)
