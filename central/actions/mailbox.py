"""Letters to nodes: an ordered mailbox each, sealed at rest, repeated until the node says it obeyed."""

from collections.abc import Sequence
from typing import Any

import msgspec

from central.actions.centre import Centre
from central.store import contacts, ledger
from central.store.contacts import Letter
from central.store.database import Tx
from sync.batch.acknowledge import Directive
from sync.messages.directives import letter
from sync.messages.incarnation import OPEN_MAX, OpenWork

PURPOSE = "directive"
UNREAD_MAX = 100_000
"""Letters that may wait for one node when they are renumbered; more would be a bug."""
Draft = tuple[str, dict[str, Any]]
"""Kind and body of a letter (`sync.messages.directives.DIRECTIVES`)."""


async def post(centre: Centre, tx: Tx, origin: str, drafts: Sequence[Draft]) -> None:
    """Put letters into the mailbox of an origin, in order; durable with the transaction.

    Letters to an ended incarnation go to the node's newest: nobody opens the old mailbox any more.
    """
    await _put(centre, tx, origin, [(kind, letter(0, kind, body).body) for kind, body in drafts])


async def _put(centre: Centre, tx: Tx, origin: str, drafts: Sequence[Draft]) -> None:
    if not drafts:
        return
    origin = await contacts.newest_incarnation(tx, origin)
    first = await contacts.reserve(tx, origin, len(drafts))
    rows: list[Letter] = []
    for number, (kind, body) in enumerate(drafts, start=first):
        sealed = centre.keys.seal(PURPOSE, _place(origin, number), msgspec.json.encode(body))
        rows.append(Letter(number=number, kind=kind, body_sealed=sealed, created_ms=centre.now_ms()))
    await contacts.post(tx, origin, rows)


async def waiting(centre: Centre, tx: Tx, origin: str, above: int) -> tuple[Directive, ...]:
    """The letters above that number, opened, at most 500 at once."""
    return _opened(centre, origin, await contacts.letters(tx, origin, above))


def _opened(centre: Centre, origin: str, kept: Sequence[Letter]) -> tuple[Directive, ...]:
    return tuple(
        Directive(
            number=one.number,
            kind=one.kind,
            body=msgspec.json.decode(
                centre.keys.unseal(PURPOSE, _place(origin, one.number), one.body_sealed), type=dict[str, Any]
            ),
        )
        for one in kept
    )


async def obeyed(centre: Centre, tx: Tx, origin: str, works: Sequence[OpenWork]) -> list[Draft]:
    """The letters the node has said it obeyed, in order, about works which it says still wait.

    Only where we hold that very entry: after a fork another person's case or report may have the same number.
    """
    works = works[:OPEN_MAX]
    held = await ledger.leaf_hashes_at(tx, origin, [work.index for work in works])
    about = {work.about for work in works if held.get(work.index, b"").hex() == work.leaf_hash}
    found: list[Draft] = []
    above, unread = 0, await contacts.unseen(tx, origin, 1)
    while about and (kept := await contacts.letters(tx, origin, above)):
        above = kept[-1].number
        read = [one for one in kept if not unread or one.number < unread[0].number]
        opened = _opened(centre, origin, read)
        found += [
            (one.kind, one.body) for one in opened if {one.body.get("case"), one.body.get("serial")} & about
        ]
    return found


async def renumber(centre: Centre, tx: Tx, origin: str, floor: int) -> None:
    """What the node has not obeyed, as far as we know, goes out again under numbers above `floor`.

    Of a restored centre nobody knows which of these were delivered under their old numbers; the node knows a
    letter it obeyed by what it says (`edge.actions.directives`). What a newer program wrote stays as it is.
    """
    unread = _opened(centre, origin, await contacts.unseen(tx, origin, UNREAD_MAX))
    await contacts.renumber(tx, origin, floor)
    await _put(centre, tx, origin, [(one.kind, one.body) for one in unread])


def _place(origin: str, number: int) -> bytes:
    return f"{origin}#{number}".encode()
