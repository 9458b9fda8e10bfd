"""One node of the world with everything that belongs to it: its line, its sticks, and the judges of both its ends."""

from random import Random
from typing import TYPE_CHECKING, Any

from edge.errors import EdgeError
from sync.batch.header import header_length, parse_header
from sync.signing.notes import open_note
from tests.simulation import clerks
from tests.simulation.book import Book
from tests.simulation.court import Court
from tests.simulation.faults import ON_THE_LINE
from tests.simulation.hall import Cut, Failed, Hall, Lost, Work
from tests.simulation.line import Call, Line, Reply
from tests.simulation.offence import Offence
from tests.simulation.shelf import Shelf
from tests.simulation.sticks import Drawer

if TYPE_CHECKING:
    from tests.simulation.world import World

FLAKY = 0.35
REST = "/api/exchange/"
WEIGHTS = [fault.weight for fault in ON_THE_LINE]


class Side:
    """A hall, or a bus that never has a line."""

    def __init__(self, world: "World", name: str, *, by_stick: bool) -> None:
        folder = world.folder / name
        folder.mkdir(parents=True)
        self.name = name
        self.by_stick = by_stick
        self.calm = False
        self.touched = True
        self.book = Book()
        self.shelf = Shelf(self.book)
        self.court: Court | None = None
        self.line = Line(world.dice, self._fault, world.wait, self._leaving, self._replying)
        self.line.door = world.door
        self.hall = Hall(name, folder, self.line, world.place.time, world.group, world.dice)
        self.hall.wrap = world.wiring.store
        self.drawer = Drawer(self.hall, folder, self.leaving, self.replied)
        self._world = world

    @property
    def dice(self) -> Random:
        """The seed's one generator."""
        return self._world.dice

    @property
    def owes(self) -> str:
        """What the node owes the centre, for the counters."""
        if not self.book.acknowledged:
            return "fresh"
        return "behind" if self.book.size > self.book.acknowledged else "level"

    def opened(self) -> None:
        """The node is enrolled and up for the first time, as this incarnation."""
        place = self._world.place
        self.book.open(self.hall.data)
        self.shelf = Shelf(self.book)
        self.court = Court(place.centre, place.witness, self.hall.origin, self.book)

    async def act(self, what: str, *works: Work, cut: Cut | None = None) -> list[Any]:
        """Actions side by side, under a power cut or not; what they give is shown, judged and traced."""
        try:
            results = await self.hall.act(*(self._shown(what, work) for work in works), cut=cut)
        except EdgeError as error:
            raise Offence("P8", f"the node does not come up again: {error.code}, {error}") from error
        for result in results:
            if isinstance(result, Failed):
                if isinstance(result.error, AssertionError):
                    raise result.error
                if self.court is not None:
                    self.court.unshown_allowed = True
                self._world.say(f"{self.name}: {what}: {clerks.words_of(result)}")
        if any(isinstance(result, Lost) for result in results):
            self._lost(what, cut)
        return results

    async def _shown(self, what: str, work: Work) -> Any:
        """What comes of an action is seen the moment it is there."""
        result = await work
        self._world.say(f"{self.name}: {what}: {clerks.show(self.book, result)}")
        return result

    def _lost(self, what: str, cut: Cut | None) -> None:
        self._world.say(f"{self.name}: {what}: lost")
        self._world.count(cut.name if cut else "power-at-rest")
        if self.court is not None:
            self.court.unshown_allowed = True
        self.reopened()

    def reopened(self) -> None:
        """The node was down and is up again: look at all of it."""
        self._torn()
        self.book.open(self.hall.data)
        self.book.survived()

    def _torn(self) -> None:
        for torn in self.hall.torn:
            self._world.count(torn)
        self.hall.torn.clear()

    def reborn(self, book: Book) -> None:
        """The node is another incarnation: its ledger begins anew, and so do the judges of both ends."""
        self.book.close()
        self.book = book
        self.opened()
        self._torn()
        book.look()

    async def look(self) -> None:
        """Both ends, judged; the centre's where something arrived there since the last look."""
        if self.court is not None:
            self.book.look()
            self.shelf.look()
            if self.touched:
                await self.court.look()
            self.touched = bool(self.line.door and self.line.door.at_work)

    def _fault(self, call: Call) -> str:
        """What the line does to this request."""
        world, self.touched = self._world, True
        if self.calm or world.mood == "up":
            return ""
        if world.mood == "flaky" and world.dice.random() > FLAKY:
            return ""
        if call.path == "/api/answers" and self.court is not None:
            self.court.unshown_allowed = True
        if world.mood == "down":
            return world.count("line-down")
        return world.count(world.dice.choices(ON_THE_LINE, WEIGHTS)[0].name)

    def _leaving(self, call: Call) -> None:
        if call.path.startswith(REST):
            self._world.count("rest-follows")
        if call.path == "/api/exchange":
            self.leaving(call.body)

    def leaving(self, batch: bytes) -> None:
        """A batch leaves the node: the checkpoint it carries is durable before that."""
        if not self.book.is_open:
            return
        own = self.hall.node.identity.signing.public
        header = parse_header(batch[: 8 + header_length(batch[:8])], lambda _: own).header
        if header.checkpoint:
            head = open_note(header.checkpoint, {header.origin: own})
            self.book.leaving(head.size, head.root)

    async def _replying(self, call: Call, reply: Reply) -> None:
        if call.cut and reply.status == 503:
            self._world.count("part-kept")
        if f"{call.path}/".startswith(REST) and reply.status == 200:
            await self.replied(reply.body)

    async def replied(self, reply: bytes) -> None:
        """An acknowledgement leaves the centre."""
        if self.court is not None and self.hall.running is not None:
            await self.court.replied(reply, self.hall.node.identity.sealing)
