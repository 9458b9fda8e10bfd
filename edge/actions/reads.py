"""Cards: from the reader to the page.

A card fills a page by a live event and never submits anything (G19).
"""

import secrets

from drivers.chips import StaffCard
from drivers.errors import CardRefused
from drivers.ports import CardRecord, Fix, KeyPress
from edge.actions import chips, clockwork, devices, sign_in
from edge.actions.node import Node
from edge.actions.views import CardRead
from edge.hall.hall import DeviceStatus, Trial
from edge.settings import DeviceSetting
from edge.store.draft import Draft
from matters.calendar import china_day
from matters.ids import mask, resident_number
from matters.model import Party, Presence, Refusal, Words
from matters.rules.findings import refusal
from matters.rules.presence import RULE_REPLACE, card_findings

_HOLDER = Words(zh="持证人", en="the card holder")


class DeskOfNode:
    """What the hall tells this node's actions."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def card_laid(self, device: DeviceSetting, card: CardRecord) -> None:
        """Keep the card, put the reading on the ledger, tell the pages."""
        await lay(self._node, device.window, card)

    async def card_trouble(self, device: DeviceSetting, error: CardRefused) -> None:
        """Tell the pages of this window that the card on the reader cannot be read."""
        payload = {"window": device.window, "problem": {"zh": error.words.zh, "en": error.words.en}}
        self._node.events.publish("card", payload)

    async def chip_laid(self, device: DeviceSetting, card: object) -> None:
        """What the card may fill in, with its entry; then tell the pages."""
        await chips.laid(self._node, device, card)

    async def staff_card(self, device: DeviceSetting, card: StaffCard | None) -> None:
        """Who lies there may sign in; whose card went away is signed out."""
        await sign_in.card_lies(self._node, device, card)

    async def key_pressed(self, device: DeviceSetting, key: KeyPress) -> None:
        """Tell the pages that a key was pressed."""
        devices.told(self._node, device, "key", action=key.action)

    async def code_scanned(self, device: DeviceSetting, code: str) -> None:
        """Tell the pages that a code was read; what it says may name a person and is not told."""
        devices.told(self._node, device, "code", characters=len(code))

    async def position_taken(self, device: DeviceSetting, fix: Fix) -> None:
        """The satellites' time is the node's; a new place of the bus is an entry."""
        if fix.at_ms is not None:
            await clockwork.hear(self._node, fix.at_ms)
        await devices.position(self._node, device, fix)

    async def device_changed(self, device: DeviceSetting, status: DeviceStatus) -> None:
        """A device came up or went away; a fault is an entry."""
        await devices.changed(self._node, device, status)
        if device.kind == "staff_card" and status.state in {"absent", "fault"}:
            await sign_in.card_lies(self._node, device, None)

    async def device_tried(self, device: DeviceSetting, trial: Trial) -> None:
        """Tell the pages how a test ended; its entry is written already."""
        assert trial.state != "running", f"the test of {device.name} has ended"
        self._node.events.publish("status")

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return self._node.now_ms()


async def lay(node: Node, window: str, card: CardRecord) -> CardRead:
    """Take a card into memory; its presence.read entry is durable before any page hears of it."""
    now_ms = node.now_ms()
    read = CardRead(
        read_id=secrets.token_urlsafe(16),
        name=card.name,
        number=card.number,
        number_masked=mask(card.number),
        sex=card.sex,
        nation=card.nation,
        birth=card.birth,
        address=card.newest_address or card.address,
        valid_from=card.valid_from,
        valid_to=card.valid_to,
        read_ms=now_ms,
        window=window,
        record=card.record,
        refusal=judge(node, card, now_ms),
    )
    draft = Draft(
        kind="presence.read",
        subject=card.number,
        window=window,
        presence=f"card/{card.record}",
        outcome=read.refusal.code if read.refusal else "ok",
    )
    await node.store.transact(lambda tx: tx.append(draft))
    node.keep_read(read)
    node.events.publish("card", {"window": window, "read_id": read.read_id})
    return read


def judge(node: Node, card: CardRecord, now_ms: int) -> Refusal | None:
    """Whether the card may serve as identity today: its kind, its dates, its own check digit."""
    today = china_day(now_ms)
    if card.record == "citizen":
        number = resident_number(card.number, today)
        if isinstance(number, Refusal):
            return number
    holder = Party(name=card.name, number=card.number)
    found = card_findings(presence_of(card, now_ms), holder, _HOLDER, node.site, today, RULE_REPLACE)
    return refusal(found) if found else None


def presence_of(card: CardRecord | CardRead, now_ms: int) -> Presence:
    """The card as proof of who stands at the window."""
    return Presence(
        kind="resident-id",
        name=card.name,
        number=card.number,
        valid_from=card.valid_from,
        valid_to=card.valid_to,
        read_ms=now_ms,
        record=card.record,
    )


async def latest(node: Node, window: str) -> CardRead | None:
    """The newest card laid at this window (or at a shared reader) and still fresh.

    None when there is none.
    """
    fitting = [read_id for read_id, read in node.reads.items() if read.window in {"", window}]
    return node.read_of(fitting[-1], window) if fitting else None
