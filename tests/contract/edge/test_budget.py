"""Lanes and the bytes of a day (protocol section 5, G08): the first four always go, records and files wait."""

import msgspec
import pytest

from edge.actions import budget
from edge.actions.exchange import exchange
from edge.actions.node import Node, Session
from edge.actions.status import status
from edge.errors import SettingsInvalid
from edge.schedule import _pause_s
from edge.settings import parse
from sync.messages.directives import Directive
from tests.contract.edge.conftest import ToldTime
from tests.contract.edge.small_centre import SmallCentre, person
from tests.contract.edge.test_exchange import offline_answer

DAY_MS = 86_400_000


async def use_up(node: Node) -> None:
    """A metered line of one megabyte a day, and today's is gone."""
    node.settings = msgspec.structs.replace(node.settings, link="metered", link_day_mb=1)
    day = node.day_of(node.now_ms())
    await node.store.transact(lambda tx: tx.execute("INSERT INTO line_used VALUES (?,9,?)", (day, 1 << 20)))


async def versions(node: Node) -> dict[str, int]:
    rows = await node.store.read(lambda db: db.query("SELECT scope, version FROM release_held"))
    return dict(rows)


async def test_g08_records_wait_when_the_day_is_used_up_and_lanes_0_to_3_never_do(
    node: Node, clerk: Session, centre: SmallCentre, told: ToldTime
) -> None:
    await use_up(node)
    given = await offline_answer(node, clerk, centre)
    held = person(7, told.wall)
    centre.people[held.subject.number] = held
    centre.publish(version=2)
    centre.letters.append(Directive(number=1, kind="policy", body={"settings": {"window_ms": 5_000_000}}))
    done = await exchange(node)
    assert done.alarms == ()
    assert done.acknowledged > given.entry.index, "the ledger went (lane 3)"
    found = await status(node)
    assert found.ledger.window_s == 5000, "the letter is obeyed (lane 2)"
    assert await versions(node) == {"330102/detail": 1, "330102/staff": 2}, (
        "staff came (lane 1), records wait"
    )
    lanes = {lane.lane: lane for lane in found.lanes}
    assert (lanes["4"].waiting, lanes["4"].tomorrow, lanes["3"].tomorrow) == (1, True, False)
    assert lanes["4"].bytes == found.lanes[4].bytes > 0
    assert found.link.used_bytes > found.link.day_bytes == 1 << 20
    told.pass_ms(DAY_MS)
    await exchange(node)
    assert await versions(node) == {"330102/detail": 2, "330102/staff": 2}
    found = await status(node)
    assert found.lanes[4].waiting == 0
    assert 0 < found.link.used_bytes < 1 << 20, "a new day's account"


async def test_g08_what_waits_is_told_in_pieces_bytes_and_time_at_the_measured_rate(
    node: Node, clerk: Session, centre: SmallCentre
) -> None:
    await offline_answer(node, clerk, centre)
    file = ("330102-2026-L-00009", 1, b"%PDF" * 100, bytes(32))
    await node.store.transact(lambda tx: tx.execute("INSERT INTO report_file VALUES (?,?,?,?)", file))
    found = await status(node)
    ledger = found.lanes[3]
    assert ledger.waiting == found.ledger.pending > 0
    assert ledger.bytes == ledger.waiting * budget.ENTRY_BYTES
    node.meter.bytes_per_s = 0.0
    assert (await status(node)).lanes[3].eta_s is None, "no rate yet: said so"
    node.meter.took(2_000, 10.0)
    found = await status(node)
    assert found.lanes[3].eta_s == int(ledger.bytes / 200) + 1
    files = found.lanes[5]
    assert (files.waiting, files.bytes) == (1, 400)
    assert files.eta_s == int((ledger.bytes + files.bytes) / 200) + 1, "behind the lanes before it"
    node.meter.took(100, 50.0)
    assert node.meter.bytes_per_s == 200, "a small piece tells the round trip, not the rate"


async def test_the_pace_adapts_to_the_kind_of_line(node: Node, clerk: Session, centre: SmallCentre) -> None:
    await exchange(node)
    await exchange(node)
    normal = await _pause_s(node)
    paces = {}
    for kind in ("normal", "thin", "metered"):
        node.settings = msgspec.structs.replace(node.settings, link=kind)
        paces[kind] = await _pause_s(node)
    assert paces["normal"] == normal < paces["thin"] < paces["metered"]
    await offline_answer(node, clerk, centre)
    assert await _pause_s(node) < paces["metered"], "news go sooner than nothing"
    node.uplink.breaker.failed()
    assert await _pause_s(node) == node.settings.probe_every_s


def test_an_unknown_kind_of_line_refuses_to_start_and_names_the_line() -> None:
    assert parse('link = "thin"\n').link == "thin"
    with pytest.raises(SettingsInvalid, match="1"):
        parse('link = "carrier-pigeon"\n')
