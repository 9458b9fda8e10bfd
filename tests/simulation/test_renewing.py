"""From one incarnation to the next, in small stories: what worlds with rollbacks and lost disks have found."""

import asyncio
from typing import Any

import msgspec
import pytest

from central.actions import nodes, reconcile
from edge.actions import enrol, press, printing
from edge.actions.views import Deferral
from edge.errors import CentreRefused, CentreUnreachable
from edge.store.identity import Seeds
from edge.uplink.line import Uplink
from matters.model import Refusal
from sync.signing.keys import SealingKey, SigningKey
from tests.simulation import clerks
from tests.simulation.book import Book
from tests.simulation.hall import URL
from tests.simulation.levelling import level_side
from tests.simulation.place import REGION, Place
from tests.simulation.renewing import renewed, replaced
from tests.simulation.side import Side
from tests.simulation.stories import scripted, serve, sync_up
from tests.simulation.world import HOUR_MS, OPERATOR, World

pytestmark = pytest.mark.simulation


async def went_back(world: World, side: Side) -> None:
    """An image from the start of the day is put back, its anchor is not: found at the start."""
    assert world.image is not None
    side.book.close()
    await side.hall.restore_image(world.image, with_anchor=False)


def test_an_empty_machine_takes_the_place_of_a_lost_disk(runner: asyncio.Runner, place: Place):
    async def story() -> tuple[str, str, int]:
        async with scripted(place) as (world, side):
            lost = side.hall.origin
            await sync_up(world, side)
            await serve(world, side, 2)
            await sync_up(world, side)
            await replaced(world, side)
            await serve(world, side)
            await level_side(world, side)
            return lost, side.hall.origin, side.book.acknowledged

    lost, origin, acknowledged = runner.run(story())
    assert origin != lost
    assert acknowledged > 0


def test_an_online_answer_that_was_carried_over_keeps_its_pair_at_the_centre(
    runner: asyncio.Runner, place: Place
):
    async def story() -> list[Any]:
        async with scripted(place) as (world, side):
            await sync_up(world, side)
            await sync_up(world, side)
            await serve(world, side, what="own-on-screen")
            node, day = side.hall.node, side.hall.node.day_of(side.hall.node.now_ms())
            await renewed(world, side, "planned")
            await level_side(world, side)
            told = await reconcile.reconcile(world.place.centre, day)
            name = node.identity.origin.split("/")[2]
            return [one.code for node in told.nodes if node.node == name for one in node.findings]

    codes = runner.run(story())
    assert not {"shown-not-disclosed", "disclosed-not-shown"} & set(codes), codes


def test_rule_10_a_report_and_its_paper_of_the_next_incarnation_match_and_the_day_is_closed_once(
    runner: asyncio.Runner, place: Place
):
    async def story() -> list[str]:
        async with scripted(place) as (world, side):
            await sync_up(world, side)
            (told,) = await serve(world, side)
            await sync_up(world, side)
            await sync_up(world, side)
            node = side.hall.node
            await press.round_once(node)
            clerk = clerks.session(world.dice, node)
            serial = told.report.serial
            (job,) = [
                one for one in await printing.jobs(node) if (one.kind, one.serial) == ("report", serial)
            ]
            await printing.pdf(node, clerk, serial)
            await printing.confirm(node, clerk, job.id, "good", sheet="S1")
            await renewed(world, side, "planned")
            node = side.hall.node
            await printing.hand_over(node, clerks.session(world.dice, node), serial)
            await clerks.close(side.hall)
            await level_side(world, side)
            told = await reconcile.reconcile(world.place.centre, node.day_of(node.now_ms()))
            name = node.identity.origin.split("/")[2]
            assert [one.closed for one in told.nodes if one.node == name] == [True, True]
            return [one.code for life in told.nodes if life.node == name for one in life.findings]

    assert runner.run(story()) == []


def test_a_promise_kept_in_a_forgotten_life_is_kept_in_the_next_one(runner: asyncio.Runner, place: Place):
    async def story() -> str:
        async with scripted(place) as (world, side):
            await sync_up(world, side)
            world.place.bureau.up = False
            told = (await serve(world, side, what="bureau"))[0]
            assert isinstance(told, Deferral)
            await sync_up(world, side)
            world.image = side.hall.keep_image()
            world.place.bureau.up = True
            world.wait(HOUR_MS)
            await sync_up(world, side)  # the letter comes
            await sync_up(world, side)  # and the centre hears that it was read
            await went_back(world, side)
            await renewed(world, side, "rollback")
            await level_side(world, side)
            return str(side.book.query("SELECT state FROM office_case WHERE number = ?", told.case)[0][0])

    assert runner.run(story()) == "fulfilled"


def test_an_incarnation_whose_reply_was_lost_is_given_again_to_the_same_keys_with_another_code(
    runner: asyncio.Runner, place: Place
):
    async def story() -> tuple[str, str, str]:
        async with scripted(place) as (world, side):
            await sync_up(world, side)
            hall, lost, name = side.hall, side.hall.origin, side.hall.origin.split("/")[2]
            await hall.stop()
            side.book.close()
            hall.data = hall.folder / "empty"
            for fault in ("", "reply-lost"):
                side.line.plan = [fault]
                code = await world.new_code(name)
                with pytest.raises((CentreRefused, CentreUnreachable)):
                    await enrol.enrol(hall.data, URL, code, clock=hall.clock(), transport=side.line)
                await world.approve(name)
            await world.enrol(side, name, await world.new_code(name))
            await hall.start()
            side.reborn(Book())
            first = side.book.lines[0]
            return first.kind, str(first.detail.get("old_origin")), lost

    kind, old, lost = runner.run(story())
    assert (kind, old) == ("incarnation.opened", lost)


def test_an_enrolment_whose_lease_was_altered_on_its_way_is_asked_for_again(
    runner: asyncio.Runner, place: Place
):
    async def story() -> str:
        async with scripted(place) as (_, side):
            await side.hall.stop()
            name = side.hall.folder.name
            made = await nodes.create(place.centre, OPERATOR, name=name, region=REGION, kind="hall")
            assert not isinstance(made, Refusal)
            own = Seeds(signing=SigningKey.generate(), sealing=SealingKey.generate(), salt_key=bytes(32))
            uplink = Uplink(URL, side.hall.clock(), transport=side.line)
            body = {"code": made.code, "signing": enrol.to_base64(own.signing.public)}
            reply = await uplink.enrol(body | {"sealing": enrol.to_base64(own.sealing.public)})
            await uplink.close()
            enrol.take(reply, own)
            spoilt = reply.lease[0][:40] + ("A" if reply.lease[0][40] != "A" else "B") + reply.lease[0][41:]
            with pytest.raises(CentreUnreachable):
                enrol.take(msgspec.structs.replace(reply, lease=(spoilt,)), own)
            await side.hall.start()
            return "asked again"

    assert runner.run(story()) == "asked again"
