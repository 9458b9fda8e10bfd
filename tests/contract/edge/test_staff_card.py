"""Signing in with a staff card: a real pcscd, a card that signs a fresh challenge after its PIN was shown once."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from typing import cast

import msgspec
import pytest

from drivers.chips import StaffCard, StaffCards
from drivers.devices.staff_card.virtual import PIN, TRIES, VirtualStaffCard
from drivers.errors import NoCard, Unplugged
from edge.actions.exchange import exchange
from edge.actions.node import Node, Session
from edge.actions.reads import DeskOfNode
from edge.actions.sign_in import card_lies, session, sign_in, sign_in_by_card
from edge.api.routes import _events
from edge.hall.events import Event
from edge.hall.hall import DeviceStatus, Hall
from edge.hall.owner import Owner
from edge.hall.serving import staff
from edge.security import cards
from edge.settings import DeviceSetting
from edge.store.cache import staff_member
from matters.model import Refusal
from tests.contract.edge.conftest import START_MS
from tests.contract.edge.small_centre import PASSWORD, SmallCentre
from tests.contract.edge.test_answers import entries
from tests.contract.edge.test_api import over
from tests.contract.edge.test_chips import post
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
        await register(node, centre, hashlib.sha256(twin.card.certificate).hexdigest())
        async with asyncio.TaskGroup() as group:
            running = group.create_task(hall.run())
            try:
                await comes(lambda: hall.status()[0].state == "ok", node)
                yield twin
            finally:
                running.cancel()
    finally:
        await twin.stop()


async def register(node: Node, centre: SmallCentre, fingerprint: str) -> None:
    """The staff list of a later publication says that this card is Li Min's."""
    person = await node.store.read(lambda db: staff_member(db, "li.min"))
    assert person is not None
    (version,) = (await node.store.read(lambda db: db.query("SELECT max(version) FROM release_held")))[0]
    centre.publish_staff(version + 1, msgspec.structs.replace(person, card=fingerprint))
    assert (await exchange(node)).alarms == ()


async def lay(node: Node, twin: CardInDaemon) -> None:
    """The card lies there and the hall has seen it."""
    twin.card.line.lay()
    await comes(lambda: SLOT.name in node.staff_cards, node)


async def refetch(told: asyncio.Queue[Event]) -> None:
    """The event at which an open page leaves for the sign-in page has come."""
    async with asyncio.timeout(20):
        while (await told.get()).topic != "refetch":
            continue


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
        await register(node, centre, "00" * 32)
        unknown = await sign_in_by_card(node, PIN, "1")
        assert isinstance(unknown, Refusal)
        assert unknown.code == "card-unknown"
        twin.card.line.lift()
        away = await sign_in_by_card(node, PIN, "1")
        assert isinstance(away, Refusal)
        assert away.message.zh


async def test_a_staff_card_lifted_ends_its_session_at_once_and_the_work_waits_for_card_and_pin(
    node: Node, centre: SmallCentre
) -> None:
    async with at_the_door(node, centre) as twin, over(node) as browser:
        await lay(node, twin)
        await browser.post("/signin/card", data={"pin": PIN, "window": "1"})
        await post(browser, "/serve/choose", choice="public-credit.self:self-natural")
        opened = (await session(node, browser.cookies["yizhan"])) or pytest.fail("nobody is signed in")
        stream = _events(node, opened, None)
        assert (await anext(stream)).event == "beat"
        twin.card.line.lift()
        async with asyncio.timeout(20):
            told = [message.event async for message in stream]
        assert told[-1] == "refetch", "an open page asks again, and is led to the sign-in page"
        assert (await browser.get("/")).headers["location"] == "/signin"
        assert (await browser.get("/parts/identity", headers={"HX-Request": "true"})).status_code == 401
        closed = (await entries(node))[-1][0]
        assert (closed.kind, closed.outcome) == (51, "card-lifted")
        await lay(node, twin)
        await browser.post("/signin/card", data={"pin": PIN, "window": "1"})
        assert 'id="part-papers"' in (await browser.get("/")).text, "what was begun is still on the desk"


async def test_a_session_opened_by_password_or_at_a_reader_for_all_windows_outlives_the_card(
    node: Node, centre: SmallCentre
) -> None:
    assert centre.people
    by_password = await sign_in(node, "li.min", PASSWORD, "1")
    assert isinstance(by_password, Session)
    await card_lies(node, SLOT, None)
    assert await session(node, by_password.id) is not None
    shared = msgspec.structs.replace(SLOT, window="")
    await node.store.transact(lambda tx: tx.execute("UPDATE session SET card = 'ab'"))
    await card_lies(node, shared, None)
    assert await session(node, by_password.id) is not None
    await card_lies(node, SLOT, StaffCard(fingerprint="ab", certificate=b""))
    assert await session(node, by_password.id) is not None
    await card_lies(node, SLOT, StaffCard(fingerprint="cd", certificate=b""))
    assert await session(node, by_password.id) is None, "another card lies there"


async def test_a_reader_of_staff_cards_that_went_away_counts_as_the_card_lifted(
    node: Node, centre: SmallCentre
) -> None:
    async with at_the_door(node, centre) as twin:
        await lay(node, twin)
        opened = await sign_in_by_card(node, PIN, "1")
        assert isinstance(opened, Session)
        with node.events.subscription("1") as told:
            await twin.daemon.stop()
            await refetch(told)
        assert await session(node, opened.id) is None


class StaffDesk(DeskOfNode):
    """A desk that keeps what it was told of staff cards."""

    def __init__(self) -> None:
        self.told: list[StaffCard | None] = []

    async def staff_card(self, device: DeviceSetting, card: StaffCard | None) -> None:
        assert device == SLOT
        self.told.append(card)

    async def device_changed(self, device: DeviceSetting, status: DeviceStatus) -> None:
        assert status.name == device.name

    def now_ms(self) -> int:
        return START_MS


class ScriptedSlot:
    """A reader whose cards come and go as written: what `present` and `lifted` say, in order; then it is pulled."""

    def __init__(self, *said: StaffCard | bool | None) -> None:
        self.said = list(said)

    async def present(self, timeout_s: float) -> StaffCard:
        assert timeout_s > 0
        word = self.said.pop(0) if self.said else Unplugged("script ends")
        if isinstance(word, StaffCard):
            return word
        raise word if isinstance(word, Unplugged) else NoCard("none")

    async def lifted(self, timeout_s: float) -> bool:
        assert timeout_s > 0
        return bool(self.said.pop(0))


async def test_a_staff_card_that_slipped_was_never_away() -> None:
    card, other = (StaffCard(fingerprint=name, certificate=b"") for name in ("one", "other"))
    desk = StaffDesk()
    script = (card, False, True, card, True, other, True, None, None, card, True)
    with pytest.raises(Unplugged):
        await staff(Owner(SLOT, desk, staff), cast("StaffCards", ScriptedSlot(*script)))
    assert desk.told == [card, card, other, None, card], (
        "within two seconds nobody is told that none lies there"
    )


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
