"""What this node holds of the centre's own ledger, and whether other nodes hold the same history."""

import asyncio
from pathlib import Path

import msgspec

from edge.actions.node import Node
from edge.actions.stick import read_foreign
from edge.errors import CentreRefused, CourierRefused
from edge.store.view import CENTRE_FACT, CentreNoted
from matters.model import Words
from sync.errors import UNREADABLE
from sync.exchange.views import Held, Pair, Split, compare, opened, steps

FILES_MAX = 1000
FILE_BYTES_MAX = 16 * 1024


class Witness(msgspec.Struct, frozen=True, kw_only=True):
    """The newest checkpoint of the centre's ledger this node saw, with its own signature under it."""

    holder: str
    centre: str
    size: int
    root: str
    seen_ms: int
    note: str


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a comparison; `splits` is evidence and empty when all saw one history."""

    holders: int
    largest: int
    splits: tuple[Split, ...]


async def witness(node: Node) -> Witness:
    """What to hand to an auditor; nothing secret. Raises CourierRefused before the first exchange."""
    row = await node.store.read(lambda db: db.one("SELECT value FROM fact WHERE name = ?", (CENTRE_FACT,)))
    if row is None:
        raise CourierRefused("no checkpoint of the centre seen yet", message=_NONE, step=_EXCHANGE)
    noted = msgspec.json.decode(row[0], type=CentreNoted)
    return Witness(
        holder=node.identity.origin,
        centre=node.identity.centre.origin,
        size=noted.seen.size,
        root=noted.seen.root.hex(),
        seen_ms=noted.seen.time_ms,
        note=noted.checkpoint.decode(),
    )


async def compared(node: Node, files: list[Path]) -> Compared:
    """This node's view and those in `files` (of `witness`), with proofs the centre gives to anybody.

    Raises CourierRefused for a file that is no such view, CentreUnreachable without a line: then only
    equal sizes could be compared, which proves nothing about the others.
    """
    own = await witness(node)
    others = [await asyncio.to_thread(_view, path) for path in files[:FILES_MAX]]
    held = [Held(holder=one.holder, note=one.note.encode()) for one in (own, *others)]
    centre = node.identity.centre
    heads, splits = opened(held, centre.origin, centre.signing)
    proofs: dict[Pair, list[bytes]] = {}
    for step in steps([head for _, head in heads]):
        try:
            proofs[step] = await node.uplink.consistency(*step)
        except CentreRefused:  # no proof: `compare` says what that means
            continue
    return Compared(
        holders=len(held),
        largest=max((head.size for _, head in heads), default=0),
        splits=(*splits, *compare(heads, proofs)),
    )


def _view(path: Path) -> Witness:
    try:
        return msgspec.json.decode(read_foreign(path, FILE_BYTES_MAX), type=Witness)
    except UNREADABLE as error:
        message = Words(
            zh=f"文件 {path.name} 不是节点对中心台账的见证，未作比对。",
            en=f"{path.name} is no node's view of the centre; nothing was compared.",
        )
        raise CourierRefused(f"{path.name}: not a node's view of the centre", message=message) from error


_NONE = Words(zh="本节点还没有见过中心台账的检查点。", en="This node has not seen the centre's ledger yet.")
_EXCHANGE = Words(zh="请先交换一次。", en="Exchange once first.")
