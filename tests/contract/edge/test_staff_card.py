"""Signing in with a staff card: a real pcscd, a card that signs a fresh challenge after its PIN was shown once."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator

import msgspec
import pytest

from drivers.chips import StaffCard
from drivers.devices.staff_card.virtual import PIN, TRIES, VirtualStaffCard
from edge.actions.node import Node, Session
from edge.actions.reads import DeskOfNode
from edge.actions.sign_in import sign_in_by_card
from edge.hall.hall import Hall
from edge.security import cards
from edge.settings import DeviceSetting
from edge.store.cache import staff_member
from edge.store.transaction import Transaction
from matters.model import Refusal
from tests.contract.edge.conftest import START_MS
from tests.contract.edge.small_centre import SmallCentre
from tests.contract.edge.test_answers import entries
from tests.contract.edge.test_api import over
from tests.contract.edge.test_devices import comes
from tests.rig.card_daemon import CardInDaemon

SLOT = DeviceSetting(name="工作卡", kind="staff_card", address="pcsc:*", window="1")


@contextlib.asynccontextmanager
async def at_the_door(node: Node, centre: SmallCentre) -> AsyncIterator[CardInDaemon]:
    """A staff card registered for li.min, and its reader at window 1."""
    assert centre.people
    twin = CardInDaemon(VirtualStaffCard())
    await twin.start()
    node.devices = (SLOT,)
    hall = node.hall = Hall(node.devices, DeskOfNode(node))
    try:
        await register(node, "li.min", hashlib.sha256(twin.card.certificate).hexdigest())
        async with asyncio.TaskGroup() as group:
            running = group.create_task(hall.run())
            try:
                await comes(lambda: hall.status()[0].state == "ok", node)
                yield twin
            finally:
                running.cancel()
    finally:
        await twin.stop()


async def register(node: Node, staff: str, fingerprint: str) -> None:
    """As the staff list of a later publication would say it."""
    person = await node.store.read(lambda db: staff_member(db, staff))
    assert person is not None
    body = msgspec.json.encode(msgspec.structs.replace(person, card=fingerprint))

    def write(tx: Transaction) -> None:
        tx.execute("UPDATE staff SET body = ? WHERE staff = ?", (body, staff))

    await node.store.transact(write)


async def lay(node: Node, twin: CardInDaemon) -> None:
    """The card lies there and the hall has seen it."""
    twin.card.line.lay()
    await comes(lambda: SLOT.name in node.staff_cards, node)


async def test_a_staff_card_and_its_pin_open_a_session_and_the_entry_says_how(
    node: Node, centre: SmallCentre
) -> None:
    async with at_the_door(node, centre) as twin, over(node) as browser:
        assert "用工作卡登录" in (await browser.get("/signin")).text
        await lay(node, twin)
        reply = await browser.post("/signin/card", data={"pin": PIN, "window": "1"})
        assert (reply.status_code, reply.headers["location"]) == (303, "/")
        assert "李敏" in (await browser.get("/")).text
        opened = (await entries(node))[-1]
        assert (opened[0].kind, opened[0].outcome) == (50, "ok")
        assert twin.card.tries == TRIES
        again = await sign_in_by_card(node, PIN, "1")
        assert isinstance(again, Session)


async def test_a_wrong_pin_is_shown_to_the_card_once_and_refused_on_record(
    node: Node, centre: SmallCentre
) -> None:
    async with at_the_door(node, centre) as twin:
        await lay(node, twin)
        refused = await sign_in_by_card(node, "000000", "1")
        assert isinstance(refused, Refusal)
        assert refused.code == "pin-refused"
        assert twin.card.tries == TRIES - 1
        no_pin = await sign_in_by_card(node, "12", "1")
        assert isinstance(no_pin, Refusal)
        assert (no_pin.code, twin.card.tries) == ("no-pin", TRIES - 1)
        outcomes = [(entry.kind, entry.outcome) for entry, _ in await entries(node)]
        assert outcomes[-2:] == [(52, "pin-refused"), (52, "no-pin")]


async def test_a_card_of_nobody_another_window_and_a_card_taken_away_open_nothing(
    node: Node, centre: SmallCentre
) -> None:
    async with at_the_door(node, centre) as twin:
        nothing = await sign_in_by_card(node, PIN, "1")
        assert isinstance(nothing, Refusal)
        assert nothing.code == "no-card"
        await lay(node, twin)
        elsewhere = await sign_in_by_card(node, PIN, "2")
        assert isinstance(elsewhere, Refusal)
        assert elsewhere.code == "no-card", "the reader stands at window 1"
        await register(node, "li.min", "00" * 32)
        unknown = await sign_in_by_card(node, PIN, "1")
        assert isinstance(unknown, Refusal)
        assert unknown.code == "card-unknown"
        twin.card.line.lift()
        away = await sign_in_by_card(node, PIN, "1")
        assert isinstance(away, Refusal)
        assert away.message.zh


@pytest.mark.parametrize("spoilt", ["challenge", "signature", "certificate", "too early"])
def test_a_signature_counts_for_its_own_card_challenge_and_time_only(spoilt: str) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    twin = VirtualStaffCard()
    signature = twin._key.sign(b"challenge", ec.ECDSA(hashes.SHA256()))
    card = StaffCard(fingerprint="", certificate=twin.certificate)
    assert cards.signed(card, b"challenge", signature, START_MS)
    other = StaffCard(fingerprint="", certificate=VirtualStaffCard().certificate)
    assert not cards.signed(
        other if spoilt == "certificate" else card,
        b"other" if spoilt == "challenge" else b"challenge",
        b"\x30\x00" if spoilt == "signature" else signature,
        0 if spoilt == "too early" else START_MS,
    )
