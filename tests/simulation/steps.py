"""What may happen in a world, in one table with weights; each step leaves both ends to be judged."""

from collections.abc import Awaitable, Callable

import msgspec

from central.actions import publish, records
from edge.actions import exchange
from edge.errors import LedgerUnavailable
from edge.store.disk import give_reserve
from tests.simulation import clerks, hostility
from tests.simulation.hall import Cut, Work
from tests.simulation.side import Side
from tests.simulation.sticks import RUINS
from tests.simulation.world import HOUR_MS, MINUTE_MS, OPERATOR, World

MOODS = ("up", "up", "flaky", "flaky", "flaky", "down")
WAITS_VISIT, WAITS_EXCHANGE = 14, 60
COMMITS_VISIT, COMMITS_EXCHANGE = 2, 6
SPOILT_SHARE = 0.3
DRIFT = (0.005, 0.03)
SKEWS_MS = (30 * HOUR_MS, 30 * HOUR_MS, 40 * 24 * HOUR_MS, 11 * 365 * 24 * HOUR_MS)
"""How far a wall clock may be wrong: hours, weeks, or the years of a board without its battery."""
SLOW_COMMIT_MS = (1_000, 120_000)
STICK_SHARE = 0.4
"""Of the steps in worlds with a bus, those that are the courier's."""
Step = Callable[[World, Side], Awaitable[None]]


class Row(msgspec.Struct, frozen=True):
    """One row: how often among all, and what happens."""

    weight: int
    step: Step


def _cut(world: World, waits: int, commits: int) -> Cut:
    kind = world.dice.randrange(3)
    if kind == 2:
        return Cut(commits=world.dice.randint(1, commits))
    return Cut(waits=world.dice.randint(2, waits), early=kind == 1)


def _visit(world: World, side: Side) -> clerks.Visit:
    return clerks.Visit(world.dice, world.dice.choice(world.place.people), side.hall)


async def visit(world: World, side: Side) -> None:
    """A citizen comes."""
    one = _visit(world, side)
    await side.act(f"visit {one.what}", one.run())


async def visit_cut(world: World, side: Side) -> None:
    """The power goes while a citizen is served."""
    one = _visit(world, side)
    await side.act(f"visit {one.what}", one.run(), cut=_cut(world, WAITS_VISIT, COMMITS_VISIT))


async def exchange_now(world: World, side: Side) -> None:
    """The timer rings."""
    if side.by_stick:
        await stick(world, side)
    else:
        await side.act("exchange", exchange.exchange(side.hall.node))


async def exchange_cut(world: World, side: Side) -> None:
    """The power goes during an exchange."""
    cut = _cut(world, WAITS_EXCHANGE, COMMITS_EXCHANGE)
    if side.by_stick:
        await side.act("export", side.drawer.export(), cut=cut)
    else:
        await side.act("exchange", exchange.exchange(side.hall.node), cut=cut)


async def papers(world: World, side: Side) -> None:
    """A button of the print journal."""
    await side.act("papers", clerks.papers(world.dice, side.hall))


async def papers_cut(world: World, side: Side) -> None:
    """The power goes while paper is dealt with."""
    await side.act(
        "papers", clerks.papers(world.dice, side.hall), cut=_cut(world, WAITS_VISIT, COMMITS_VISIT)
    )


async def rush(world: World, side: Side) -> None:
    """Three windows and the timer at once, sometimes until the power goes. Their interleaving is the machine's."""
    visits = [_visit(world, side) for _ in range(3)]
    works: list[Work] = [one.run() for one in visits]
    if not side.by_stick:
        works.append(exchange.exchange(side.hall.node))
    cut = Cut(waits=world.dice.randint(5, WAITS_EXCHANGE)) if world.dice.random() < 0.4 else None
    await side.act("rush", *works, cut=cut)


async def stick(world: World, side: Side) -> None:
    """One thing that is done with sticks."""
    drawer, dice = side.drawer, world.dice
    waiting = [number for number, one in enumerate(drawer.up) if not one.taken]
    chance = dice.random()
    if chance < 0.35 or not drawer.up:
        await side.act("export", drawer.export())
    elif chance < 0.7:
        newest, any_of_them = len(drawer.up) - 1, dice.choice(waiting or range(len(drawer.up)))
        await _hand_in(world, side, newest if dice.random() < 0.4 else any_of_them)
    elif any(other.drawer.back for other in world.sides):
        await _bring_back(world, side)
    elif waiting:
        del drawer.up[waiting[0]]
        world.count("stick-lost")


async def _hand_in(world: World, side: Side, number: int) -> None:
    one, side.touched = side.drawer.up[number], True
    if one.with_files:
        world.count("stick-with-files")
    spoil = world.dice.choice(sorted(RUINS)) if world.dice.random() < SPOILT_SHARE else ""
    if spoil:
        world.count(spoil)
    if one.taken:
        world.count("stick-twice")
    if any(later.taken for later in side.drawer.up[number + 1 :]):
        world.count("stick-late")
    world.say(
        f"{side.name}: stick {number}: "
        + await side.drawer.hand_in(world.place.centre, number, spoil, world.dice)
    )


async def _bring_back(world: World, side: Side) -> None:
    drawer = side.drawer
    others = [stick for other in world.sides if other is not side for stick in other.drawer.back]
    if others and world.dice.random() < 0.3:
        world.count("stick-of-another")
        await side.act("bring back another's", drawer.bring_back(world.dice.choice(others)))
        return
    if not drawer.back:
        return
    number = world.dice.randrange(len(drawer.back))
    if number + 1 < len(drawer.back):
        world.count("stick-late")
    await side.act("bring back", drawer.bring_back(drawer.back[number]))


async def mood(world: World, _: Side) -> None:
    """The line gets better or worse."""
    world.mood = world.dice.choice(MOODS)
    world.say(f"the line is {world.mood}")


async def late(world: World, side: Side) -> None:
    """A request the node gave up on arrives after all."""
    if side.line.late:
        side.touched = True
        call = side.line.late.pop(world.dice.randrange(len(side.line.late)))
        reply = await side.line.hand_in(call)
        world.say(f"{side.name}: a late {call.path} arrived: {reply.status if reply else 'crash'}")


async def time_passes(world: World, side: Side) -> None:
    """Minutes, sometimes days."""
    chance = world.dice.random()
    if chance < 0.04:
        world.count("weeks-pass")
        world.wait(world.dice.randint(14 * 24 * HOUR_MS, 50 * 24 * HOUR_MS))
    elif chance < 0.2:
        world.count("days-pass")
        world.wait(world.dice.randint(2 * HOUR_MS, 80 * HOUR_MS))
    else:
        world.wait(world.dice.randint(MINUTE_MS, HOUR_MS))


async def restart(world: World, side: Side) -> None:
    """The node is started anew, in order or not."""
    if world.dice.random() < 0.5:
        world.count("restart")
        await side.hall.restart()
    else:
        world.count("power-at-rest")
        await side.hall.cut_at_rest()
    side.reopened()


async def anchor_lost(world: World, side: Side) -> None:
    """The anchor's file is gone: the node starts without, and writes another."""
    world.count("anchor-lost")
    await side.hall.lose_anchor()
    side.reopened()


async def hostile(world: World, side: Side) -> None:
    """Somebody with the node's own keys hands in what no honest node would: a refusal, and nothing changes."""
    if side.court is not None:
        await hostility.hand_in(world, side)


async def disk_full(world: World, side: Side) -> None:
    """No room for a few visits; what cannot be written is not shown. Then there is room again."""
    world.count("disk-full")
    try:
        await side.hall.fill_disk(world.dice.randint(1, 4))
    except LedgerUnavailable as error:
        world.say(f"{side.name}: does not start without room: {error}")
        await side.hall.fill_disk(0)
        side.reopened()
        return
    side.reopened()
    for _ in range(4):
        await visit(world, side)
        side.book.look()
    if not side.by_stick:
        await side.act("exchange", exchange.exchange(side.hall.node))
    give_reserve(side.hall.data)
    await side.hall.fill_disk(0)
    side.reopened()


async def day_close(_: World, side: Side) -> None:
    """The day is closed."""
    await side.act("close", clerks.close(side.hall))


async def clock(world: World, side: Side) -> None:
    """Somebody sets the node's wall clock, wrong or right."""
    if side.hall.skew_ms or side.hall.drift[0]:
        side.hall.set_right()
        world.say(f"{side.name}: the clock is right again")
        return
    fault = world.dice.choice(("clock-back", "clock-ahead", "clock-1970", "clock-drift"))
    world.count(fault)
    if fault == "clock-drift":
        rate = world.dice.uniform(*DRIFT) * world.dice.choice((-1, 1))
        side.hall.drift = (rate, world.place.time.true_ms)
    else:
        skew_ms = world.dice.randint(MINUTE_MS, world.dice.choice(SKEWS_MS))
        side.hall.skew_ms = skew_ms if fault == "clock-ahead" else -skew_ms
        if fault == "clock-1970":
            side.hall.skew_ms = -world.place.time.true_ms
            await side.hall.restart()
            side.reopened()


async def slow_disk(world: World, side: Side) -> None:
    """The disk gets slow, or fast again."""
    if side.hall.commit_ms:
        side.hall.commit_ms = 0
    else:
        world.count("slow-disk")
        side.hall.commit_ms = world.dice.randint(*SLOW_COMMIT_MS)


async def strange(world: World, side: Side) -> None:
    """A part of the node is newer than the centre, or broken."""
    world.count("entry-strange")
    await side.act("strange", clerks.strange(side.hall))


async def centre(world: World, _: Side) -> None:
    """Something changes at the centre."""
    chance = world.dice.random()
    if chance < 0.4:
        world.place.bureau.up = not world.place.bureau.up
        if not world.place.bureau.up:
            world.count("bureau-down")
    elif chance < 0.7:
        world.count("centre-restart")
        await world.reopen_centre()
    else:
        world.count("data-changed")
        person = world.dice.choice(world.place.people)
        await records.change(world.place.centre, OPERATOR, person.number)
        await publish.publish(world.place.centre, OPERATOR)


async def busy(world: World, side: Side) -> None:
    """Many entries at once."""
    await side.act("busy", clerks.busy_morning(side.hall, world.dice.randint(60, 320)))


# fmt: off
STEPS: tuple[Row, ...] = (
    Row(30, visit), Row(9, visit_cut), Row(16, exchange_now), Row(6, exchange_cut), Row(7, papers),
    Row(2, papers_cut), Row(4, rush), Row(8, stick), Row(7, mood), Row(5, late), Row(6, time_passes),
    Row(3, restart), Row(2, disk_full), Row(2, day_close), Row(2, clock), Row(3, centre), Row(2, busy),
    Row(1, anchor_lost), Row(3, hostile), Row(2, slow_disk), Row(1, strange),
)
# fmt: on
WEIGHTS = [row.weight for row in STEPS]


async def one_step(world: World) -> None:
    """Draw a step and a node, let it happen, judge both ends."""
    row = world.dice.choices(STEPS, WEIGHTS)[0]
    side = world.dice.choice(world.sides)
    by_courier = len(world.sides) > 1 and world.dice.random() < STICK_SHARE
    world.wait(world.dice.randint(1_000, 90_000))
    await (stick if by_courier else row.step)(world, side)
    for one in world.sides:
        await one.look()
