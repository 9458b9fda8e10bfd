"""Dropping what need not be kept here.

Bodies the centre has countersigned and local retention has passed (rule 4.5).
"""

from edge.actions.gates import countersigned_size
from edge.actions.node import Node
from edge.store.transaction import Transaction

RETENTION_MS = 90 * 86_400_000
ROWS_A_STEP = 5000


async def prune(node: Node) -> int:
    """Drop details, report files and photographs older than 90 days whose entries are countersigned.

    Returns how many details. Leaves, hashes and salts stay, so the ledger still proves itself. In steps, so
    that answers do not wait.
    """
    dropped = 0
    while step := await node.store.transact(_step):
        dropped += step
    await node.store.transact(_files)
    return dropped


def _step(tx: Transaction) -> int:
    return tx.execute(
        "UPDATE entry SET detail = NULL WHERE idx IN (SELECT idx FROM entry WHERE idx < ? AND hlc_ms < ?"
        " AND detail IS NOT NULL LIMIT ?)",
        (countersigned_size(tx), tx.now_ms - RETENTION_MS, ROWS_A_STEP),
    )


def _files(tx: Transaction) -> int:
    before = (countersigned_size(tx), tx.now_ms - RETENTION_MS)
    return tx.execute(
        "DELETE FROM report_file WHERE serial IN"
        " (SELECT serial FROM report WHERE entry < ? AND issued_ms < ?)",
        before,
    ) + tx.execute("DELETE FROM photo WHERE entry < ? AND taken_ms < ?", before)
