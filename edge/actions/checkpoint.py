"""Signing the head of the ledger (protocol.md 2): re-read, re-hash, compare, commit, and only then use it."""

from edge.actions.gates import RESTORED
from edge.actions.node import Node
from edge.errors import Damaged, Refused
from edge.store.ledger import DatabaseTiles
from edge.store.transaction import Transaction
from matters.model import Words
from sync.ledger import tree
from sync.ledger.entry import leaf_hash
from sync.signing.notes import checkpoint_text, sign_note

TILE = 256


async def sign(node: Node) -> int:
    """Sign a checkpoint of everything committed so far; its size. Durable before it is used.

    Never signs a second root at one size: a database restored from a backup signs nothing until it is a new
    incarnation (Refused). Raises Damaged naming the entry when a stored leaf is not what was hashed.
    """
    return await node.store.transact(lambda tx: _sign(tx, node))


def _sign(tx: Transaction, node: Node) -> int:
    if tx.noted(RESTORED):
        raise Refused("restored from a backup", message=_RESTORED, step=_RENEW)
    (size,) = tx.one("SELECT size FROM ledger_head") or (0,)
    row = tx.one("SELECT max(size) FROM checkpoint")
    signed = int(row[0] or 0) if row else 0
    if size <= signed:
        return signed
    tiles = DatabaseTiles(tx.connection)
    for first in range(signed // TILE * TILE, size, TILE):
        _compare(tx, tiles.get(0, first // TILE), max(first, signed), min(first + TILE, size), first)
    root = tree.root(tiles, size)
    identity = node.identity
    note = sign_note(checkpoint_text(identity.origin, size, root), identity.origin, identity.signing)
    tx.execute(
        "INSERT INTO checkpoint (size, root, note, signed_ms) VALUES (?,?,?,?)", (size, root, note, tx.now_ms)
    )
    tx.anchor()  # an old image, or a log deleted by hand, is found also where no report was issued since
    return int(size)


def _compare(tx: Transaction, tile: bytes, start: int, end: int, first: int) -> None:
    found = tx.query(
        "SELECT idx, CAST(leaf AS BLOB) FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx", (start, end)
    )
    for expected, (index, leaf) in zip(range(start, end), found, strict=False):
        place = 32 * (expected - first)
        if index != expected or leaf_hash(leaf) != tile[place : place + 32]:
            raise Damaged(f"entry {expected} is not the one that was hashed")
    if len(found) != end - start:
        raise Damaged(f"entries are missing in {start}..{end}")


_RESTORED = Words(
    zh="本节点由备份恢复，旧台账不能再签名或交换。",
    en="This node was restored from a backup: the old ledger signs and exchanges no more.",
)
_RENEW = Words(
    zh="请运行 edge incarnation --reason disk-lost，并请中心批准。",
    en="Run edge incarnation --reason disk-lost and have the centre approve it.",
)
