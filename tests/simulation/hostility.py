"""What somebody with a node's own keys may hand in at the centre's door: bombs, endless nesting, old and foreign batches.

Each is signed as a request of today, so it passes the door and meets the code that takes batches apart.
"""

import secrets
from collections.abc import Callable
from random import Random

from sync.limits import LIMITS
from sync.signing.requests import authorise
from tests.simulation.line import Call
from tests.simulation.offence import demand
from tests.simulation.side import Side
from tests.simulation.world import World

PATH = "/api/exchange"
MAGIC = b"YZB1"
DEEP = 60_000
SAID_NO = range(400, 500)


def _bomb(_: Side, dice: Random) -> bytes:
    """A header of four gigabytes; a header that is large and empty; a frame that says it is two gigabytes."""
    length = dice.choice((0xFFFF_FFFF, LIMITS.header_bytes + 1, 0))
    return MAGIC + length.to_bytes(4, "big") + bytes(dice.randrange(70_000)) + b"\x7f\xff\xff\xff"


def _deep(_: Side, dice: Random) -> bytes:
    """Arrays in arrays, or byte strings that say they are longer than anything."""
    nested = b"\x81" * DEEP if dice.random() < 0.5 else b"\x84\x5b\x7f" + b"\xff" * 40
    return MAGIC + len(nested).to_bytes(4, "big") + nested + bytes(64)


def _replayed(side: Side, dice: Random) -> bytes:
    """A batch this node sent before."""
    bodies = [call.body for call in side.line.sent if call.path == PATH]
    return dice.choice(bodies) if bodies else b""


def _foreign(side: Side, dice: Random) -> bytes:
    """One of its own batches in which another origin is named; the seal no longer fits."""
    body = _replayed(side, dice)
    own = side.hall.origin.split("/")[2].encode()
    return body.replace(own, bytes(reversed(own)), 1) if own in body else body[::-1]


KINDS: dict[str, Callable[[Side, Random], bytes]] = {
    "batch-bomb": _bomb,
    "batch-deep": _deep,
    "batch-replayed": _replayed,
    "batch-of-another": _foreign,
}


async def hand_in(world: World, side: Side) -> None:
    """One of them arrives. An old batch may be taken as the overlap it is; all others are refused in words."""
    kind = world.dice.choice(sorted(KINDS))
    body = KINDS[kind](side, world.dice)
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
