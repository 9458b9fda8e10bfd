"""A real node without a centre's process: its certificate is issued here, everything else is the node's own."""

import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec

from edge.actions.node import Node, open_node
from edge.actions.succession import open_ledger
from edge.settings import Settings
from edge.store import cipher, ledger
from edge.store.cipher import Connection, DatabaseKey
from edge.store.clock import wall_ms
from edge.store.draft import Draft
from edge.store.identity import read_secrets
from edge.store.store import open_store
from edge.store.transaction import Transaction
from sync.batch.view import CentreKeys
from sync.codec.rows import INDEX, Entry, Rows
from sync.ledger.entry import leaf_hash, row_leaves, salt
from sync.signing.certificate import Certificate, issue
from sync.signing.keys import SealingKey, SigningKey
from tests.story.outside import node_connection

SETTINGS = Settings(hall="清河县市民之家", region="330102")
DAY_MS = 86_400_000
ACTS = 4096
GAP_MS = 3_600_000
HLC_MS = Entry.__struct_fields__.index("hlc_ms")


async def enrolled(data: Path) -> Node:
    """A new node, opened, with the first entry of its ledger; the caller closes it."""
    rows = list(_secrets().items())
    store = await open_store(data, SETTINGS, create=True)
    try:
        await store.transact(lambda tx: tx.execute_many("INSERT INTO secret VALUES (?,?)", rows))
        await store.reload_identity()
        await store.transact(open_ledger)
    finally:
        await store.close()
    return await open_node(data, SETTINGS)


def _secrets() -> dict[str, bytes]:
    """What an enrolment leaves in a store: the node's keys, and a centre's word for them."""
    signing, sealing, centre = SigningKey.generate(), SealingKey.generate(), SigningKey.generate()
    now_ms = wall_ms()
    certificate = Certificate(
        origin="qingzhou.example/node/330102/i1",
        signing=signing.public,
        sealing=sealing.public,
        scopes=("330102/detail",),
        not_before_ms=now_ms,
        not_after_ms=now_ms + 30 * DAY_MS,
        name=SETTINGS.hall,
        window_ms=3 * DAY_MS,
    )
    keys = CentreKeys(
        origin="qingzhou.example/centre/main/i1",
        signing=centre.public,
        sealing=SealingKey.generate().public,
        recovery=SealingKey.generate().public,
    )
    return {
        "signing": signing.seed(),
        "sealing": sealing.seed(),
        "salt": secrets.token_bytes(32),
        "subject_key": secrets.token_bytes(32),
        "certificate": issue(certificate, centre),
        "centre": msgspec.json.encode(keys),
    }


async def fill(node: Node, drafts: Sequence[Draft], group: int = 1000) -> None:
    """Append drafts to a ledger, many a commit."""
    for first in range(0, len(drafts), group):
        await append(node, drafts[first : first + group])


async def append(node: Node, drafts: Sequence[Draft]) -> None:
    """Append drafts in one transaction."""

    def work(tx: Transaction) -> None:
        for draft in drafts:
            tx.append(draft)

    await node.store.transact(work)


def lengthen(data: Path, count: int) -> None:
    """Bring the ledger of a closed node to `count` entries: its newest acts again and again, by column.

    Each at its own index and time, with its own salt, leaf and hash; rows, tiles and head as the store writes
    them, five times as fast as by appending. Durable when this returns.
    """
    connection = node_connection(data, writer=True)
    try:
        key = read_secrets(connection)["salt"]
        size, edge = connection.execute("SELECT size, CAST(edge AS BLOB) FROM ledger_head").fetchone()
        acts = ledger.rows(connection, size - min(size, ACTS), size)
        while size < count:
            some = acts[: count - size]
            hashes = _write(connection, some, size, key)
            edge = ledger.grow(connection, size, bytes(edge), hashes)
            size += len(some)
            said = (size, some.public[HLC_MS][-1], edge)
            connection.execute("UPDATE ledger_head SET size = ?, hlc_ms = ?, edge = ? WHERE one = 1", said)
            connection.execute("COMMIT")
    finally:
        connection.close()


def _write(connection: Connection, acts: Rows, size: int, key: bytes) -> list[bytes]:
    """The acts as entries from `size` on; their leaf hashes. Leaves the transaction open."""
    acts.public[INDEX] = list(range(size, size + len(acts)))
    acts.public[HLC_MS] = [at + GAP_MS for at in acts.public[HLC_MS]]
    acts.salts = [salt(key, index) for index in acts.indexes]
    leaves = row_leaves(acts)
    hashes = list(map(leaf_hash, leaves))
    columns = (acts.indexes, acts.public[0], acts.public[HLC_MS], leaves, hashes, acts.salts, acts.details)
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO entry VALUES (?,?,?,?,?,?,?)", zip(*columns, strict=True))
    return hashes


def bare(path: Path) -> Connection:
    """An empty SQLCipher database opened as the node opens its own: same pages, WAL, `synchronous=FULL`."""
    key = DatabaseKey(key=secrets.token_bytes(32), salt=secrets.token_bytes(16))
    return cipher.connect(path, key, writer=True)
