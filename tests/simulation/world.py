"""One world from one seed: a hall (sometimes a bus beside it), a centre, a line, sticks, clocks, and what befalls them.

Every draw comes from the seed's one generator, in the order of the steps.
"""

import asyncio
import dataclasses
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from central.actions import incarnations, nodes
from central.actions.centre import operator
from central.security.permissions import Role
from edge.actions import enrol
from edge.errors import CentreRefused, CentreUnreachable
from matters.model import Matter, Refusal
from sync.messages.incarnation import reason
from tests.simulation.faults import Coverage
from tests.simulation.hall import URL
from tests.simulation.line import Door
from tests.simulation.offence import Offence, demand
from tests.simulation.place import REGION, START_MS, Place
from tests.simulation.side import Side

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
ENROL_TRIES = 12
FROM_NOTHING = 16
"""In one world of so many a node makes its own database; in the others that was done once."""
OPERATOR = operator("system")
OFFICERS: tuple[Role, ...] = ("security", "system")


def whole(store: Any) -> Any:
    """The node's own store."""
    return store


class Wiring(msgspec.Struct, frozen=True, kw_only=True):
    """What stands between the parts: the real things, or one that breaks a rule (`breaking.py`)."""

    door: type[Door] = Door
    store: Callable[[Any], Any] = whole


REAL = Wiring()


class World:
    """A world: what is in it, its time, its counters and its trace. `steps.py` says what happens."""

    def __init__(
        self, seed: int, place: Place, group: asyncio.TaskGroup, folder: Path, wiring: Wiring = REAL
    ) -> None:
        self.seed = seed
        self.dice = Random(seed)
        self.place = place
        self.group = group
        self.folder = folder
        self.wiring = wiring
        self.door = wiring.door(place, group)
        self.coverage: Coverage = Counter()
        self.trace: list[str] = []
        self.step = 0
        self.mood = "up"
        self.sides: list[Side] = []
        self.image: Path | None = None
        self.catalogue: Mapping[str, Matter] | None = None
        self.undo: list[Callable[[], Awaitable[None]]] = []

    @property
    def side(self) -> Side:
        """The hall; a bus, where there is one, comes second."""
        return self.sides[0]

    def use(self, catalogue: Mapping[str, Matter]) -> None:
        """Centre and nodes work by another catalogue in this world."""
        self.catalogue = catalogue
        self.place.put(dataclasses.replace(self.place.centre, catalogue=catalogue))

    def count(self, fault: str) -> str:
        """A fault was injected now."""
        self.coverage[fault, self.side.owes if self.sides else "fresh"] += 1
        self.say(f"! {fault}")
        return fault

    def say(self, words: str) -> None:
        """One more line of the trace."""
        passed_s = (self.place.time.true_ms - START_MS) / 1000
        self.trace.append(f"step {self.step:3} {passed_s:9.0f} s  {words}")

    def wait(self, passed_ms: int) -> None:
        """True time goes on."""
        self.place.time.true_ms += passed_ms

    async def found(self, name: str, kind: str) -> Side:
        """Create a node at the centre, enrol it over whatever line there is, and start it."""
        side = Side(self, name, by_stick=kind == "bus")
        side.hall.catalogue = self.catalogue
        self.sides.append(side)
        route = (REGION,) if kind == "bus" else ()
        centre = self.place.centre
        made = await nodes.create(centre, OPERATOR, name=name, region=REGION, kind=kind, route=route)
        assert not isinstance(made, Refusal)
        if self.seed % FROM_NOTHING:
            shutil.copytree(self.place.blank, side.hall.data)
        await self.enrol(side, made.node, made.code)
        await side.hall.start()
        side.opened()
        await side.look()
        return side

    async def enrol(self, side: Side, node: str, code: str) -> None:
        """Try until the node has its certificate; officers approve what waits, and replace a code that is used up."""
        for number in range(ENROL_TRIES):
            side.calm = number > ENROL_TRIES // 2
            try:
                made = await enrol.enrol(
                    side.hall.data, URL, code, clock=side.hall.clock(), transport=side.line
                )
            except CentreUnreachable as error:
                self.say(f"{side.name}: not enrolled: {error}")
                self.wait(MINUTE_MS)
            except CentreRefused as error:
                self.say(f"{side.name}: enrolment refused: {error.centre_code}")
                if error.centre_code == enrol.WAITING:
                    await self.approve(node)
                else:
                    code = await self.new_code(node)
            else:
                self.say(f"{side.name}: enrolled as {made.origin}")
                side.calm = False
                return
        raise Offence("P8", "a node could not enrol over a line that works")

    async def new_code(self, node: str) -> str:
        """An officer writes out a code for a node."""
        made = await nodes.new_code(self.place.centre, OPERATOR, node)
        assert not isinstance(made, Refusal)
        return made.code

    async def approve(self, node: str) -> None:
        """Every officer who must says yes to the new incarnation that waits."""
        centre = self.place.centre
        for row in await incarnations.requests(centre, node):
            enough = len(row.wanted) >= reason(row.reason).officers
            demand(enough, "P3", f"{row.reason} is approved by {row.wanted} only")
            for officer in OFFICERS[: len(row.wanted)] if row.state == "waiting" else ():
                await incarnations.decide(
                    centre, operator(officer), node, row.fingerprint, approves=True, note="已电话核对指纹"
                )  # fmt: skip

    async def reopen_centre(self) -> None:
        """The centre's process ends and another begins."""
        await self.door.idle()
        await self.place.reopen()

    async def put_right(self) -> None:
        """What lied on the way down is as it was."""
        while self.undo:
            await self.undo.pop()()

    async def end(self) -> None:
        """Close everything, also after an offence; nothing of this world weighs on the next."""
        for side in self.sides:
            side.book.close()
            await side.hall.stop()
        await self.put_right()
