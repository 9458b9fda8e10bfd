"""What a centre says of where it stands: a hint in a few bytes, believed of nobody (rules 4.2 and 4.3)."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.codec import cbor
from sync.errors import SyncError, UnknownVersion
from sync.exchange.node import NodeExchange
from sync.exchange.standing import Standing, batch_id, decode, encode
from sync.exchange.steps import SendBatch
from tests.unit.sync_exchange.rounds import level
from tests.unit.sync_exchange.world import START_MS

FULL = Standing(next=2**40, batch_id=b"b" * 16, held=2**30)


def test_a_standing_round_trips_in_a_few_bytes():
    assert decode(encode(FULL)) == FULL
    assert decode(encode(Standing(next=0))) == Standing(next=0)
    assert len(encode(FULL)) < 40
    assert decode(cbor.encode([*cbor.decode(encode(FULL)), "news"])) == FULL


@pytest.mark.parametrize("change", [{"next": -1}, {"held": -1}, {"batch_id": b"short"}])
def test_a_standing_out_of_range_is_refused(change):
    with pytest.raises(SyncError):
        decode(encode(msgspec.structs.replace(FULL, **change)))
    with pytest.raises(UnknownVersion):
        decode(cbor.encode([2, 0]))


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_no_standing_and_never_crash(data):
    try:
        decode(data)
    except SyncError:
        return
    assert decode(encode(decode(data))) == decode(data)


def test_a_node_goes_on_where_the_centre_stands_and_believes_nothing_beyond_its_own_ledger():
    hall, _ = level(300)
    hall.work(40)

    def first(standing: Standing) -> SendBatch:
        (step,) = NodeExchange(hall).begin(START_MS, standing=standing)
        assert isinstance(step, SendBatch)
        return step

    assert (first(Standing(next=320)).start, first(Standing(next=320)).end) == (320, 340)
    assert first(Standing(next=341)).start == 300, "the rest of a ledger that is not ours"
    assert first(Standing(next=0)).start == 0, "a centre restored from a backup wants it all again"


def test_the_rest_of_a_cut_batch_follows_only_where_the_centre_keeps_that_very_batch():
    hall, _ = level(300)
    hall.work(40)
    exchange = NodeExchange(hall)
    (cut,) = exchange.begin(START_MS)
    assert isinstance(cut, SendBatch)
    for kept, held in ((batch_id(cut.data), 700), (b"x" * 16, 0), (b"", 0)):
        standing = Standing(next=300, batch_id=kept, held=700)
        (step,) = NodeExchange(hall).begin(START_MS, standing=standing, cut=cut)
        assert isinstance(step, SendBatch)
        assert step.held == held
        assert (step.data == cut.data) == bool(held)
    longer = Standing(next=300, batch_id=batch_id(cut.data), held=len(cut.data))
    (step,) = NodeExchange(hall).begin(START_MS, standing=longer, cut=cut)
    assert isinstance(step, SendBatch)
    assert not step.held, "who says it has all of it would have answered"
