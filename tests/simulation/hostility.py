"""What somebody with a node's own keys may hand in at the centre's door: bombs, endless nesting, old and foreign batches.

Each is signed as a request of today, so it passes the door and meets the code that takes batches apart.
"""

import secrets
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, cast

import msgspec

from edge.actions import exchange
from edge.store.view import LedgerView
from sync.exchange.node import NodeExchange, NodeView
from sync.exchange.steps import SendBatch
from sync.limits import LIMITS
from sync.signing.keys import SealingKey
from sync.signing.requests import authorise
from tests.simulation.line import Call
from tests.simulation.offence import demand
from tests.simulation.side import Side
from tests.simulation.world import World

PATH = "/api/exchange"
MAGIC = b"YZB1"
DEEP = 60_000
SAID_NO = range(400, 500)


async def _bomb(_: Side, dice: Random) -> bytes:
    """A header of four gigabytes; a header that is large and empty; a frame that says it is two gigabytes."""
    length = dice.choice((0xFFFF_FFFF, LIMITS.header_bytes + 1, 0))
    return MAGIC + length.to_bytes(4, "big") + bytes(dice.randrange(70_000)) + b"\x7f\xff\xff\xff"


async def _deep(_: Side, dice: Random) -> bytes:
    """Arrays in arrays, or byte strings that say they are longer than anything."""
    nested = b"\x81" * DEEP if dice.random() < 0.5 else b"\x84\x5b\x7f" + b"\xff" * 40
    return MAGIC + len(nested).to_bytes(4, "big") + nested + bytes(64)


async def _replayed(side: Side, dice: Random) -> bytes:
    """A batch this node sent before."""
    bodies = [call.body for call in side.line.sent if call.path == PATH]
    return dice.choice(bodies) if bodies else b""


async def _foreign(side: Side, dice: Random) -> bytes:
    """One of its own batches in which another origin is named; the seal no longer fits."""
    body = await _replayed(side, dice)
    own = side.hall.origin.split("/")[2].encode()
    return body.replace(own, bytes(reversed(own)), 1) if own in body else body[::-1]


class _OldKey:
    """A node's view of its ledger in which the centre still has another sealing key."""

    def __init__(self, view: LedgerView) -> None:
        self._view = view
        self.centre = msgspec.structs.replace(view.centre, sealing=SealingKey.generate().public)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the node's own."""
        return getattr(self._view, name)


async def _to_an_old_key(side: Side, _: Random) -> bytes:
    """Everything that waits, sealed to a key the centre no longer has."""
    async with exchange.ledger_view(side.hall.node) as view:
        steps = NodeExchange(cast("NodeView", _OldKey(view))).begin(side.hall.node.now_ms())
    return next((step.data for step in steps if isinstance(step, SendBatch)), b"")


KINDS: dict[str, Callable[[Side, Random], Awaitable[bytes]]] = {
    "batch-bomb": _bomb,
    "batch-deep": _deep,
    "batch-replayed": _replayed,
    "batch-of-another": _foreign,
    "batch-to-old-key": _to_an_old_key,
}


async def hand_in(world: World, side: Side) -> None:
    """One of them arrives. An old batch may be taken as the overlap it is; all others are refused in words."""
    kind = world.dice.choice(sorted(KINDS))
    body = await KINDS[kind](side, world.dice)
    world.count(kind)
    key = side.hall.node.identity.signing
    header = authorise(
        key, side.hall.origin, "POST", PATH, body, world.place.time.true_ms, secrets.token_urlsafe(18)
    )
    headers = (("authorization", header), ("content-type", "application/octet-stream"))
    side.touched = True
    reply = await side.line.hand_in(Call(method="POST", path=PATH, headers=headers, body=body))
    assert reply is not None
    world.say(f"{side.name}: {kind}: {reply.status}")
    if kind != "batch-replayed":
        demand(
            reply.status in SAID_NO, "P2", f"{kind} was answered with {reply.status}: {reply.body[:200]!r}"
        )
    demand(reply.status < 500, "bug", f"{kind}: {reply.status} {reply.body[:200]!r}")
