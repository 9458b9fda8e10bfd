"""What a node packs while the centre takes in the batch before: used when it fits, and never more than an offer."""

from typing import Any

import pytest

from sync.batch.file import open_header
from sync.codec.rows import Row
from sync.errors import Gap
from sync.exchange.node import BATCH_ENTRIES, FIRST_ENTRIES, NodeExchange, frame_entries
from sync.exchange.steps import Alarm, Finished, SendBatch
from tests.unit.sync_exchange.world import Centre, Hall, begun, replied

ENTRIES = FIRST_ENTRIES + BATCH_ENTRIES + 300


class Watched(Hall):
    """A hall that notes which rows were read, and may lose them."""

    def __init__(self, centre: Centre) -> None:
        super().__init__(centre)
        self.spans: list[tuple[int, int]] = []
        self.lost = False

    def rows(self, start: int, end: int) -> list[Row]:
        self.spans.append((start, end))
        if self.lost:
            raise Gap(start)
        return super().rows(start, end)


def watched(entries: int) -> tuple[Watched, Centre]:
    centre = Centre()
    hall = Watched(centre)
    centre.enrol(hall)
    hall.work(entries)
    return hall, centre


def sent(steps: list[Any]) -> tuple[int, int]:
    assert isinstance(steps[-1], SendBatch), steps
    return steps[-1].start, steps[-1].end


def test_frames_are_a_quarter_of_a_paced_batch_so_that_a_cut_costs_seconds():
    assert [frame_entries(entries) for entries in (1, 64, 175, 256, 1024, BATCH_ENTRIES)] == [
        32, 32, 32, 64, 256, 256,
    ]  # fmt: skip
    hall, centre = watched(300)
    (step,) = begun(NodeExchange(hall, batch_entries=256))
    assert isinstance(step, SendBatch)
    assert open_header(step.data, centre.public_of).frames == 4


def test_each_entry_is_read_and_packed_once_and_the_round_ends_level():
    hall, centre = watched(ENTRIES)
    exchange = NodeExchange(hall)
    steps, batches = begun(exchange), []
    while isinstance(steps[-1], SendBatch):
        batches.append(sent(steps))
        exchange.ahead()
        steps = replied(exchange, centre.answered(steps[-1].data))
        hall.carry_out(steps)
    assert batches == [
        (0, FIRST_ENTRIES),
        (FIRST_ENTRIES, FIRST_ENTRIES + BATCH_ENTRIES),
        (FIRST_ENTRIES + BATCH_ENTRIES, ENTRIES),
    ]
    assert steps[-1] == Finished(outcome="level", sent=ENTRIES, left=0)
    assert hall.spans == sorted(set(hall.spans))
    assert sum(end - start for start, end in hall.spans) == ENTRIES


def test_a_batch_that_more_will_follow_ends_with_a_whole_frame():
    hall, centre = watched(BATCH_ENTRIES + 600)
    exchange = NodeExchange(hall, batch_entries=256)
    steps = begun(exchange)
    steps = replied(exchange, centre.answered(steps[-1].data, frames=1))
    assert sent(steps) == (64, 320)
    exchange.batch_entries = BATCH_ENTRIES
    steps = replied(exchange, centre.answered(steps[-1].data))
    assert sent(steps) == (320, BATCH_ENTRIES + 256), "not 64 entries of one more frame"
    steps = replied(exchange, centre.answered(steps[-1].data))
    assert sent(steps) == (BATCH_ENTRIES + 256, BATCH_ENTRIES + 600)


def test_what_was_packed_is_dropped_where_the_centre_asks_for_something_else():
    hall, centre = watched(ENTRIES)
    exchange = NodeExchange(hall)
    steps = begun(exchange)
    exchange.ahead()
    early = NodeExchange(hall)
    centre.answered(
        begun(early)[-1].data
    )  # another exchange of this node came first, as far as its first batch
    early.ahead()
    while isinstance(steps[-1], SendBatch):
        steps = replied(exchange, centre.answered(steps[-1].data))
        hall.carry_out(steps)
    assert steps[-1].outcome == "level"


def test_a_centre_that_asks_for_less_gets_what_it_asks_for():
    hall, centre = watched(ENTRIES)
    exchange = NodeExchange(hall)
    steps = begun(exchange)
    exchange.ahead()
    steps = replied(exchange, centre.answered(steps[-1].data, frames=2))
    assert sent(steps)[0] == 512
    hall.carry_out(steps)
    while isinstance(steps[-1], SendBatch):
        exchange.ahead()
        steps = replied(exchange, centre.answered(steps[-1].data))
        hall.carry_out(steps)
    assert steps[-1] == Finished(outcome="level", sent=ENTRIES, left=0)


def test_trouble_while_packing_ahead_is_told_when_the_batch_is_wanted():
    hall, centre = watched(ENTRIES)
    exchange = NodeExchange(hall)
    steps = begun(exchange)
    hall.lost = True
    exchange.ahead()
    hall.lost = False
    steps = replied(exchange, centre.answered(steps[-1].data))
    assert sent(steps)[0] == FIRST_ENTRIES
    hall.lost = True
    exchange.ahead()
    steps = replied(exchange, centre.answered(steps[-1].data))
    assert [step.code for step in steps if isinstance(step, Alarm)] == ["gap"]
    assert steps[-1].outcome == "failed"


@pytest.mark.parametrize("entries", [1, BATCH_ENTRIES])
def test_nothing_is_packed_where_nothing_follows(entries: int):
    hall, centre = watched(entries)
    exchange = NodeExchange(hall)
    steps = begun(exchange)
    assert sent(steps) == (0, entries)
    hall.spans.clear()
    exchange.ahead()
    assert not hall.spans
    steps = replied(exchange, centre.answered(steps[-1].data))
    assert steps[-1].outcome == "level"
