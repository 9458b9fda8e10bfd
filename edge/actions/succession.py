"""From one ledger to the next: the first entry, and the entries carried over from an ended incarnation.

    begin    with the new keys, in ONE transaction: the fact that an opening is due (and what is carried)
    finish   first entry · carried entries, 500 a transaction · the fact goes; a crash goes on where it was

The carried suffix is everything the centre had not countersigned: each entry keeps its words and its time,
gets a new index, and names where it stood first, so that the centre gives it its effect once (rule 4.6).
"""

import msgspec

from edge.store import past
from edge.store.draft import Draft
from edge.store.store import Store
from edge.store.transaction import Transaction
from sync.exchange.centre import CARRIED, carried
from sync.ids import parse_origin
from sync.ledger.entry import Entry
from sync.messages.incarnation import KIND, Opening, detail

FACT = "succession"
STEP = 500
STEPS_MAX = 1_000_000


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What is still to be done: the first entry, and the old entries [`next`, `end`) to carry over.

    `gaps`: some of them are known to be lost (a broken page), the others are carried all the same.
    """

    opening: Opening
    start: int = 0
    next: int = 0
    end: int = 0
    gaps: bool = False


def begin(tx: Transaction, opening: Opening, start: int = 0, end: int = 0, *, gaps: bool = False) -> None:
    """An opening is due; old entries [start, end) follow it. Durable with the transaction of the new keys."""
    tx.note(FACT, Due(opening=opening, start=start, next=start, end=end, gaps=gaps))


async def finish(store: Store) -> int:
    """Do what is due; the number of entries carried over now. Nothing where nothing is due.

    Durable, and anchored, when this returns. Raises Malformed where the old ledger is not whole.
    """
    before = 0
    for _ in range(STEPS_MAX):
        moved = await store.transact(_step)
        if moved is None:
            break
        before += moved
    return before


def _step(tx: Transaction) -> int | None:
    """One transaction of it; None when nothing is due (any more)."""
    row = tx.one("SELECT value FROM fact WHERE name = ?", (FACT,))
    if row is None:
        return None
    due = msgspec.json.decode(row[0], type=Due)
    incarnation = parse_origin(due.opening.old_origin).incarnation
    if tx.one("SELECT size FROM ledger_head") == (0,):
        tx.append(_first(tx, due, incarnation))
    end = min(due.end, due.next + STEP)
    old = past.entries(tx, incarnation, due.next, end, gaps=due.gaps)
    for index, entry, leaf_hash, body in old:
        placed = tx.carry(_marked(entry, due.opening.old_origin, index, leaf_hash), body)
        past.move(tx, incarnation, index, placed.index, placed.leaf_hash)
    if end < due.end:
        tx.note(FACT, msgspec.structs.replace(due, next=end))
    else:
        tx.execute("DELETE FROM fact WHERE name = ?", (FACT,))
        tx.anchor()
    return len(old)


def _first(tx: Transaction, due: Due, incarnation: int) -> Draft:
    carried_over = past.count(tx, incarnation, due.start, due.end) if due.end else 0
    return Draft(
        kind=KIND,
        outcome=due.opening.reason,
        object=tx.identity.origin,
        detail=detail(due.opening, carried_over),
    )


def _marked(entry: Entry, origin: str, index: int, leaf_hash: bytes) -> Entry:
    """The entry with the key of its first place; one that was carried before keeps that key."""
    known = any(isinstance(one, tuple) and one and one[0] == CARRIED for one in entry.ext)
    mark = () if known else (carried(origin, index, leaf_hash),)
    return msgspec.structs.replace(entry, ext=(*entry.ext, *mark))


def open_ledger(tx: Transaction) -> None:
    """The first entry of a first incarnation.

    Nothing when there is one (a crash may have fallen after the certificate).
    """
    row = tx.one("SELECT size FROM ledger_head")
    if row == (0,):
        tx.append(Draft(kind="ledger.opened", outcome="enrolled", object=tx.identity.origin))
        tx.anchor()
