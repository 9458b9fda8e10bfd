"""Whole rounds of exchange in one call, and what a refused one looks like."""

from typing import Any

import msgspec

from sync.exchange.node import NodeExchange
from sync.exchange.steps import (
    Alarm,
    Finished,
    SendBatch,
)
from tests.unit.sync_exchange.world import (
    HALL,
    Centre,
    Hall,
    begun,
    enrolled,
    replied,
)


def exchange_once(hall: Hall, centre: Centre) -> list[Any]:
    """One whole round over a good line; the steps of the last reply."""
    exchange = NodeExchange(hall)
    steps = begun(exchange)
    while isinstance(steps[-1], SendBatch):
        steps = replied(exchange, centre.answered(steps[-1].data))
        hall.carry_out(steps)
    return steps


def imported(hall: Hall, centre: Centre, **change) -> list[Any]:
    """An acknowledgement as from a stick, changed, sealed properly by the centre."""
    ack = centre.acknowledgement(HALL, hall.seen_note)
    return replied(NodeExchange(hall), centre.reply(msgspec.structs.replace(ack, **change), destination=HALL))


def refused(steps: list[Any], code: str, *, grave: bool) -> None:
    """Exactly an alarm and the end: nothing to store, nothing obeyed."""
    assert [type(step) for step in steps] == [Alarm, Finished]
    assert (steps[0].code, steps[0].grave) == (code, grave), steps[0]


def level(entries: int = 300) -> tuple[Hall, Centre]:
    """Hall and centre after a first good exchange."""
    hall, centre = enrolled(entries)
    exchange_once(hall, centre)
    return hall, centre
