"""谁查过我: the citizen sees who read their data, offline reads included; only the centre knows all of it."""

import functools
from typing import Any

import msgspec

from edge.actions import recording
from edge.actions.answer import deny, promise
from edge.actions.asking import frame, judge
from edge.actions.node import Node, Session
from edge.actions.sources import Held, Later, ask_centre, fall_back
from edge.actions.views import AccessView, Deferral, Query, TrailAnswer
from edge.store.transaction import Transaction
from matters.ids import mask
from matters.model import Grant, Refusal
from sync.clock import ClockState

MATTER = "access-trail.self"


async def show(
    node: Node, session: Session, read_id: str, phone: str = ""
) -> TrailAnswer | Deferral | Refusal:
    """Who saw the data of the person whose card was read.

    This look is an access too, durable before it is shown.

    With the line down it becomes a promise, as the matter says; `phone` is who will be called then.
    """
    query = Query(matter=MATTER, read_id=read_id, delivery="screen", purpose="own-trail", phone=phone)
    asked = frame(node, session, query, node.catalogue[MATTER])
    verdict = await node.store.read(lambda db: judge(node, db, asked))
    if isinstance(verdict, Refusal):
        return await deny(node, asked, None, verdict)
    found: Held | Later | Refusal | None = await ask_centre(node, asked, verdict)
    if found is None:
        found = await node.store.read(functools.partial(fall_back, node, asked=asked))
    if isinstance(found, Refusal):
        return await deny(node, asked, verdict, found)
    if isinstance(found, Later):
        return await promise(node, asked, verdict, found)

    def record(tx: Transaction, grant: Grant = verdict, held: Held = found) -> TrailAnswer:
        numbers = recording.allot(tx, node, report=False)
        draft = asked.draft(
            "access.answered", grant, outcome="answered", case=numbers.case, shown="accesses", note=""
        )
        placed = tx.append(
            msgspec.structs.replace(draft, mode="online", as_of=held.as_of_ms, object=asked.request_id)
        )
        recording.open_case(tx, asked, numbers, state="closed", mode="online", due_ms=0, entry=placed.index)
        return TrailAnswer(
            number_masked=mask(asked.subject.number),
            accesses=tuple(_view(access) for access in held.accesses),
            silent=held.silent,
            entry=placed,
        )

    return await node.store.transact(record)


def _view(access: dict[str, Any]) -> AccessView:
    """One access in the centre's words; fields a newer centre adds are passed over."""
    return AccessView(
        at_ms=int(access.get("occurred_ms", access.get("at_ms", 0)) or 0),
        place=str(access.get("node_name", access.get("place", ""))),
        actor=str(access.get("actor", "")),
        purpose=str(access.get("purpose", "")),
        basis=str(access.get("basis", "")),
        mode=str(access.get("mode", "")),
        matter=str(access.get("matter", "")),
        outcome=str(access.get("outcome", "")),
        matter_en=str(access.get("matter_en", "")),
        outcome_en=str(access.get("outcome_en", "")),
        arrived_ms=int(access.get("arrived_ms", 0) or 0),
        clock_trusted=access.get("clock") != ClockState.UNTRUSTED,
    )
