"""Rights granted ahead (protocol 9) in random worlds: lost, doubled, spent, and spent on a disk that then went back."""

from random import Random

import msgspec

from central.actions import quota as levels
from edge.actions import exchange, quota
from matters.catalogue.load import builtin
from matters.model import Matter, QuotaRule
from tests.simulation.coming_down import in_the_dark
from tests.simulation.offence import demand
from tests.simulation.side import Side
from tests.simulation.world import OPERATOR, World

MATTER = "public-credit.self"
UNITS, DAYS = (1, 5), (1, 20)
_LETTER = "SELECT id, origin, matter, units, expires_ms FROM quota_grant ORDER BY granted_ms DESC, id LIMIT 1"


def rule() -> QuotaRule:
    """Free units a year: the bureau's, as no builtin matter is both counted and cached."""
    found = builtin()["credit-bureau.self"].quota
    assert found is not None
    return found


def begin(world: World) -> None:
    """In this world the public-credit report is counted, at the centre and at every node."""
    known = builtin()
    counted: Matter = msgspec.structs.replace(known[MATTER], quota=rule())
    world.use({**known, MATTER: counted})


async def rights(world: World, dice: Random) -> None:
    """A level is set and the reply that brings the grant may be lost; a grant comes twice; units are spent."""
    side, chance = world.side, dice.random()
    name = side.hall.origin.split("/")[2]
    if chance < 0.6 or not side.book.query(_LETTER):
        units, days = dice.randint(*UNITS), dice.randint(*DAYS)
        done = await levels.set_level(world.place.centre, OPERATOR, name, MATTER, units, days)
        assert done is None
        if dice.random() < 0.5:
            world.count("grant-lost")
            side.line.plan.append("reply-lost")
        await side.act("exchange", exchange.exchange(side.hall.node))
        side.line.plan.clear()
    else:
        world.count("grant-doubled")
        before = await quota.left(side.hall.node)
        grant, *rest = side.book.query(_LETTER)[0]
        body = dict(zip(("grant", "origin", "matter", "units", "expires_ms"), (grant, *rest), strict=True))
        await side.hall.node.store.transact(lambda tx: quota.take(tx, side.hall.node, body))
        demand(await quota.left(side.hall.node) == before, "P5", "a grant that came twice counts twice")
    await spend(world, side, dice.randint(0, 2))


async def spend(world: World, side: Side, times: int) -> None:
    """People are answered without a line; what is free for them is spent under the grant."""
    for _ in range(times):
        await in_the_dark(world, side, world.dice.choice(world.place.people))


async def judge_rights(world: World, side: Side) -> None:
    """At the end: each spending settled once, no grant overdrawn, nobody had more than is free (P5)."""
    assert side.court is not None
    court, name = side.court, side.hall.origin.split("/")[2]
    over = await court.rows(
        "SELECT g.grant_id FROM quota_grant g JOIN quota_spent s USING (grant_id) WHERE $1 <> '' AND g.node = $2"
        " GROUP BY g.grant_id, g.units HAVING sum(s.units) > g.units", name
    )  # fmt: skip
    demand(not over, "P5", f"grants spent beyond their units: {over}")
    found = await court.rows(
        "SELECT object FROM finding WHERE $1 <> '' AND node = $2 AND code = 'grant-misused'", name
    )
    demand(not found, "P5", f"an honest hall is said to misuse grants: {found}")
    free = await court.rows(
        "SELECT subject_ref FROM quota_spent WHERE $1 <> '' AND fee_cents = 0 AND units > 0 AND matter = $2"
        " GROUP BY subject_ref, year HAVING sum(units) > $3", MATTER, rule().free_per_year
    )  # fmt: skip
    demand(not free, "P5", "somebody had more free units in a year than there are")
    settled = {
        row["idx"]: row["fee_cents"]
        for row in await court.rows("SELECT idx, fee_cents FROM quota_spent WHERE origin = $1")
    }
    mine = dict(side.book.query("SELECT entry, fee_cents FROM quota_spent WHERE entry >= 0"))
    differ = {at: fee for at, fee in settled.items() if mine.get(at) != fee}
    demand(not differ, "P5", f"fees settled at the centre that the hall does not have: {differ}")
    open_there = await court.rows("SELECT grant_id FROM quota_grant WHERE origin = $1 AND ended = ''")
    here = {
        row[0] for row in side.book.query("SELECT id FROM quota_grant WHERE origin = ?", side.hall.origin)
    }
    demand({row["grant_id"] for row in open_there} <= here, "P8", "a right granted never arrived")
