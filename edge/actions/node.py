"""The node as every action sees it: what is connected, handed down once, never looked up."""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from drivers.chips import StaffCard
from edge.actions.examiner import Examiner
from edge.actions.views import CardRead, ChipRead
from edge.errors import NotEnrolled, Refused
from edge.hall.events import Events
from edge.hall.hall import Hall
from edge.security.session import Session
from edge.security.sessions import IdleWatch
from edge.settings import Settings
from edge.store.clock import NodeClock
from edge.store.identity import Identity
from edge.store.store import Store, open_store
from edge.typeset.typesetter import Typesetter
from edge.uplink.line import Transport, Uplink
from edge.uplink.meter import Meter
from matters.calendar import china_day
from matters.catalogue.load import builtin
from matters.model import Matter, SitePolicy, Words

if TYPE_CHECKING:
    from edge.hall.twins import Twins  # virtual devices are read in where people practise, nowhere else

__all__ = ["Node", "Session", "close_node", "open_node"]

TRAINING_AUTHORITY = "training.invalid"
"""The authority of every training node: a name that no centre can have (RFC 2606)."""
READS_MAX = 64
TRIES_NAMES_MAX = 1024


class Flapping(msgspec.Struct):
    """How often a device failed since its last fault entry, and when that was (Unix ms, 0 = never)."""

    entry_ms: int = 0
    times: int = 0


class Node:
    """One running hall. Holds connected parts only; all facts are in `store`.

    In memory for a few minutes only: `reads` the last cards read, `chips` the last chip card of each reader,
    `staff_cards` the staff card last laid on each, `test_pictures` what each camera's last test showed (and
    when). `press_bell` wakes the press when paper was asked for, `line_bell` the exchange loop. `devices` are
    the settings' or, in training, twins; `resting` are printers that refused jobs (times, until when in
    monotonic seconds), `queue_says` is what an A4 queue last said of a job, `place` where the bus last was on
    the ledger (degrees, Unix ms), `doubted` whose cached row did not open.
    """

    def __init__(self, data: Path, settings: Settings, store: Store, uplink: Uplink) -> None:
        self.data = data
        self.settings = settings
        self.store = store
        self.uplink = uplink
        self.catalogue: Mapping[str, Matter] = builtin()
        self.events = Events()
        self.typesetter = Typesetter()
        self.examiner = Examiner()
        self.idle = IdleWatch(settings.idle_lock_s, settings.session_max_s)
        self.reads: collections.OrderedDict[str, CardRead] = collections.OrderedDict()
        self.chips: dict[str, ChipRead] = {}
        self.staff_cards: dict[str, StaffCard] = {}
        self.test_pictures: dict[str, tuple[bytes, int]] = {}
        self.press_bell = asyncio.Event()
        self.line_bell = asyncio.Event()
        self.exchanging = asyncio.Lock()
        self.typesetting = asyncio.Lock()
        self.shredding = asyncio.Lock()
        self.hall: Hall | None = None
        self.meter = Meter()
        self.devices = settings.devices
        self.twins: Twins | None = None
        self.flapping: dict[str, Flapping] = {}
        self.resting: dict[str, tuple[int, float]] = {}
        self.queue_says: dict[str, Words] = {}
        self.place: tuple[float, float, int] | None = None
        self.doubted: set[bytes] = set()
        self._tries: dict[str, list[int]] = {}
        self.site = SitePolicy(
            jurisdiction=settings.jurisdiction,
            region=settings.region,
            offers=settings.offers or tuple(self.catalogue),
            prints=settings.prints,
        )

    @property
    def identity(self) -> Identity:
        """Who this node is; raises NotEnrolled."""
        return self.store.identity

    @property
    def training(self) -> bool:
        """Whether people practise here: told by the identity itself, so that no setting can blur it."""
        try:
            return self.identity.authority == TRAINING_AUTHORITY
        except NotEnrolled:
            return False

    def never_in_training(self) -> None:
        """Raises Refused on a training node: nothing of it goes to a centre or comes from one."""
        if self.training:
            raise Refused("a training node", message=_PRACTICE, step=_PRACTICE_NEXT)

    def now_ms(self) -> int:
        """Wall-clock Unix milliseconds, never before the newest time this node ever persisted."""
        return self.store.clock.now_ms()

    def day_of(self, at_ms: int) -> str:
        """The day in China of a time, as YYYY-MM-DD."""
        return china_day(at_ms).isoformat()

    def hall_name(self) -> str:
        """What this place is called on screens and paper."""
        return self.settings.hall or self.identity.certificate.name

    def too_many_tries(self, staff: str, most: int, within_ms: int) -> bool:
        """Count one more try to sign in under a name; whether it is one too many within the time."""
        now_ms = self.now_ms()
        tries = [at for at in self._tries.get(staff, ()) if now_ms - at < within_ms]
        self._tries[staff] = [*tries, now_ms][-most - 1 :]
        while len(self._tries) > TRIES_NAMES_MAX:
            self._tries.pop(next(iter(self._tries)))
        return len(tries) >= most

    def forget_tries(self, staff: str) -> None:
        """A right password clears the count."""
        self._tries.pop(staff, None)

    def keep_read(self, read: CardRead) -> None:
        """Remember a card for a few minutes; old ones are forgotten."""
        self.reads[read.read_id] = read
        while len(self.reads) > READS_MAX:
            self.reads.popitem(last=False)

    def read_of(self, read_id: str | None, window: str) -> CardRead | None:
        """A card read that is still fresh and was laid at this window (or at a shared reader)."""
        read = self.reads.get(read_id or "")
        if read is None or read.window not in {"", window}:
            return None
        if self.now_ms() - read.read_ms > self.settings.read_keep_s * 1000:
            del self.reads[read.read_id]
            return None
        return read


_PRACTICE = Words(
    zh="这是练习节点，不与任何中心交换。", en="This is a training node; it exchanges with no centre."
)
_PRACTICE_NEXT = Words(
    zh="真实业务请退出练习，打开正式节点。", en="Leave training for real work and open the real node."
)


async def open_node(
    data: Path,
    settings: Settings,
    *,
    clock: NodeClock | None = None,
    transport: Transport | None = None,
) -> Node:
    """Open the store and connect the parts; devices and jobs start with the app.

    Raises StoreTrouble, NotEnrolled.
    """
    store = await open_store(data, settings, clock=clock)
    node = Node(data, settings, store, Uplink(settings.centre, store.clock, transport=transport))
    if node.training:
        node.uplink.url = ""
    node.events.bind(asyncio.get_running_loop())
    node.uplink.breaker.changed.append(lambda: node.events.publish("status"))
    store.on_commit(lambda: node.events.publish_from_thread("entry"))
    return node


async def close_node(node: Node) -> None:
    """End streams, line, typesetter and store; what was committed stays."""
    node.events.end()
    await node.uplink.close()
    await node.typesetter.close()
    await node.store.close()
