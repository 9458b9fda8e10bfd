"""The bytes of a day on a line, lane by lane (protocol section 5): what may go now, what waits, and how long.

Lanes 0 to 3 always go; they are counted and never held back. Records (4) and files (5) begin only while the
day's budget of this kind of line is not used up, and wait for the next day in China's time otherwise.
"""

import collections
from typing import Literal

import msgspec

from edge.actions.node import Node
from edge.store.reader import Reading
from edge.store.transaction import Transaction
from matters.model import Words

LinkKind = Literal["normal", "thin", "metered"]
ENTRY_BYTES = 32
"""What an entry takes on the wire (measured: 31), for the words on the screen only."""
DAYS_KEPT = 31
MB = 1 << 20


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of line: its day's budget (0: none), and the least pause with nothing to say and with news."""

    words: Words
    day_bytes: int
    idle_s: int
    news_s: int


LINKS: dict[LinkKind, Link] = {
    "normal": Link(words=Words(zh="普通线路", en="normal line"), day_bytes=0, idle_s=0, news_s=0),
    "thin": Link(words=Words(zh="低速线路", en="thin line"), day_bytes=8 * MB, idle_s=900, news_s=60),
    "metered": Link(
        words=Words(zh="按流量计费", en="metered line"), day_bytes=32 * MB, idle_s=1800, news_s=120
    ),
}


def link(node: Node) -> Link:
    """The kind of this node's line; the site's own budget goes before the kind's."""
    found = LINKS[node.settings.link]
    own = node.settings.link_day_mb * MB
    return msgspec.structs.replace(found, day_bytes=own) if own else found


def used_today(db: Reading | Transaction, node: Node) -> int:
    """Bytes carried today in all lanes, those of a round under way included."""
    day = node.day_of(node.now_ms())
    stored = db.query("SELECT coalesce(sum(bytes), 0) FROM line_used WHERE day = ?", (day,))[0][0]
    return int(stored) + node.meter.used.total()


def spent(db: Reading | Transaction, node: Node) -> bool:
    """Whether lanes 4 and 5 wait for tomorrow."""
    most = link(node).day_bytes
    return bool(most) and used_today(db, node) >= most


async def wait_for_tomorrow(node: Node) -> bool:
    """`spent`, for who is about to fetch records or send a file."""
    return bool(link(node).day_bytes) and await node.store.read(lambda db: spent(db, node))


async def settle(node: Node) -> None:
    """Put what was carried since the last time on the day's account; durable on return."""
    used, node.meter.used = node.meter.used, collections.Counter()
    if not used:
        return
    day = node.day_of(node.now_ms())

    def add(tx: Transaction) -> None:
        tx.execute_many(
            "INSERT INTO line_used VALUES (?,?,?) ON CONFLICT (day, lane) DO UPDATE SET"
            " bytes = bytes + excluded.bytes",
            [(day, lane, many) for lane, many in sorted(used.items())],
        )
        tx.execute(
            "DELETE FROM line_used WHERE day NOT IN"
            " (SELECT DISTINCT day FROM line_used ORDER BY day DESC LIMIT ?)",
            (DAYS_KEPT,),
        )

    await node.store.transact(add)
