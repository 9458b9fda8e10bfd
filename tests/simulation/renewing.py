"""A history that ended and the one that follows it: officers approve, the node goes on as the next incarnation.

Judged across both: whatever was ever shown is at the centre, carried over, or counted as lost; the old ledger stays
as it was; what is carried keeps its words, and has its effect once (P2, P5, rule 4.6).
"""

import shutil
from contextlib import closing

import msgspec

from edge.actions import incarnation
from edge.actions.incarnation import Renewed
from edge.store import anchor, cipher, slots
from edge.store.store import FILE
from tests.simulation.book import Book, Line, read_line
from tests.simulation.hall import Cut, Failed, Lost
from tests.simulation.offence import Offence, demand
from tests.simulation.side import Side
from tests.simulation.world import MINUTE_MS, World

TRIES = 12
CALM_AFTER = 6
CUT_SHARE = 0.4
WAITS = 40


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a life when it ends: the world's book of it, what the disk still has and knows to be
    countersigned, what the centre holds, and how far anybody else knows that it had come.
    """

    origin: str
    book: Book
    lines: tuple[Line, ...]
    countersigned: int
    witnessed: int
    held: dict[int, bytes]


async def ended(side: Side) -> Ended:
    """Look at a node whose history is over, through connections of the world's own."""
    assert side.court is not None
    hall = side.hall
    with closing(cipher.connect(hall.data / FILE, slots.unlock(hall.data))) as opened:
        rows = opened.execute("SELECT idx, leaf, leaf_hash, detail, kind FROM entry ORDER BY idx").fetchall()
        signed = opened.execute("SELECT max(size) FROM checkpoint WHERE counter IS NOT NULL").fetchone()[0]
    kept = anchor.read(hall.data)
    at_centre = await side.court.rows("SELECT idx, leaf_hash FROM entry WHERE origin = $1")
    return Ended(
        origin=hall.origin,
        book=side.book,
        lines=tuple(read_line(*row) for row in rows),
        countersigned=int(signed or 0),
        witnessed=max(kept.size if kept and kept.origin == hall.origin else 0, len(at_centre)),
        held={row["idx"]: row["leaf_hash"] for row in at_centre},
    )


async def renewed(world: World, side: Side, why: str) -> None:
    """The node becomes the next incarnation; what it carries over is judged."""
    old = await ended(side)
    lost = await ask(world, side, why)
    side.reborn(Book([*old.book.before, *old.lines[: old.countersigned]]))
    judge_carried(old, side.book, old.lines[old.countersigned :], lost)


async def ask(world: World, side: Side, why: str) -> int:
    """The node asks over whatever line there is, officers approve, it begins anew; the power may go meanwhile.

    How many entries it says are lost, -1 where nobody heard.
    """
    before = side.hall.origin
    for number in range(TRIES):
        side.calm = number >= CALM_AFTER
        world.wait(MINUTE_MS)
        cut = Cut(waits=world.dice.randint(2, WAITS)) if world.dice.random() < CUT_SHARE else None
        results = await side.hall.act(incarnation.renew(side.hall.node, why), cut=cut)
        world.say(f"{side.name}: {why}: {results[0]}")
        if cut and isinstance(results[0], Lost):
            world.count(cut.name)
        if isinstance(results[0], Failed):
            await world.approve(before.split("/")[2])
        if side.hall.origin != before:
            side.calm = False
            return results[0].lost if isinstance(results[0], Renewed) else -1
    raise Offence("P8", f"no new incarnation after {TRIES} tries")


async def replaced(world: World, side: Side, old: Ended | None = None) -> None:
    """The disk is gone; an officer gives a code, another approves, an empty machine takes the node's place."""
    old = msgspec.structs.replace(old or await ended(side), lines=(), countersigned=0)
    old = msgspec.structs.replace(old, witnessed=len(old.held))
    hall = side.hall
    name = old.origin.split("/")[2]
    await hall.stop()
    side.book.close()
    shutil.rmtree(hall.data)
    hall.data = hall.folder / f"replaced-{hall.life}"
    await world.enrol(side, name, await world.new_code(name))
    await hall.start()
    side.reborn(Book())
    judge_carried(old, side.book, (), -1)
    side.calm = False


def judge_carried(old: Ended, new: Book, carried: tuple[Line, ...], lost: int) -> None:
    """The new ledger begins with its opening and the suffix; nothing shown in the old life is unaccounted for."""
    first, rest = new.lines[0], new.lines[1 : 1 + len(carried)]
    demand(first.kind == "incarnation.opened", "P2", f"the first entry is {first.kind!r}")
    demand(first.detail["old_origin"] == old.origin, "P2", f"it ends {first.detail['old_origin']!r}")
    places = [line.first_place or (old.origin, line.entry.index, line.hash) for line in carried]
    demand([line.first_place for line in rest] == places, "P2", "what was carried is not what was there")
    same = [_words(one) for one in rest] == [_words(one) for one in carried]
    demand(same, "P2", "what was carried has other words")
    counted = first.detail["lost"]
    demand(lost in {-1, counted}, "P2", f"{lost} entries are said to be lost, the ledger says {counted!r}")
    kept = {line.hash for line in old.lines}
    for index, hashed in old.book.released.items():
        safe = old.held.get(index) == hashed or hashed in kept
        demand(safe or counted or index >= old.witnessed, "P2", f"entry {index} was shown and is nowhere")


def _words(line: Line) -> tuple[object, ...]:
    entry = msgspec.structs.replace(line.entry, index=0, ext=())
    return entry, line.detail
