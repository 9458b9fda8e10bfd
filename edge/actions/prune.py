"""Dropping what need not be kept here.

Bodies the centre has countersigned and local retention has passed (rule 4.5).
"""

from functools import partial

from edge.actions.gates import countersigned_size
from edge.actions.node import Node
from edge.store.reader import Reading
from edge.store.transaction import Transaction

RETENTION_MS = 90 * 86_400_000
ROWS_A_STEP = 5000


async def prune(node: Node) -> int:
    """Drop details, report files and photographs older than 90 days whose entries are countersigned.

    Returns how many details. Leaves, hashes and salts stay, so the ledger still proves itself. In steps, so
    that answers do not wait.
    """
    dropped = 0
    start, end = await node.store.read_long(_span)
    for first in range(start, end, ROWS_A_STEP):
        dropped += await node.store.transact(partial(_step, first))
    await node.store.transact(_files)
    return dropped


def _span(db: Reading) -> tuple[int, int]:
    """From the first entry that has a detail to the last that may lose it; most were dropped long ago."""
    first = db.one("SELECT idx FROM entry WHERE detail IS NOT NULL ORDER BY idx LIMIT 1")
    (size,) = db.query("SELECT size FROM ledger_head")[0]
    return int(first[0]) if first else 0, min(countersigned_size(db), int(size))


def _step(first: int, tx: Transaction) -> int:
    end = min(first + ROWS_A_STEP, countersigned_size(tx))
    return tx.execute(
        "UPDATE entry SET detail = NULL WHERE idx >= ? AND idx < ? AND hlc_ms < ? AND detail IS NOT NULL",
        (first, end, tx.now_ms - RETENTION_MS),
    )


def _files(tx: Transaction) -> int:
    before = (countersigned_size(tx), tx.now_ms - RETENTION_MS)
    return tx.execute(
        "DELETE FROM report_file WHERE serial IN"
        " (SELECT serial FROM report WHERE entry < ? AND issued_ms < ?)",
        before,
    ) + tx.execute("DELETE FROM photo WHERE entry < ? AND taken_ms < ?", before)
