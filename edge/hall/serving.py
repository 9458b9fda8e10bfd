"""How each kind of device is served while it is open: SERVES. A loop ends with an error of the drivers."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, TypeVar

from drivers.chips import CarrierCards, SocialCards, StaffCards
from drivers.errors import CardRefused, Garbled, NoCard, NothingCame, PinNeeded
from drivers.ports import CallerKeys, IdReader, PositionSource, PrinterState, QrScanner
from edge.hall.owner import Owner, Serve
from edge.hall.states import NOTHING, READY

CARD_WAIT_S: Final = 2.0
CHIP_WAIT_S: Final = 10.0
SLIPPED_S: Final = 2.0
WORD_WAIT_S: Final = 30.0
FIX_WAIT_S: Final = 5.0
STATUS_EVERY_S: Final = 2.0
PLAIN_EVERY_S: Final = 2.0

T = TypeVar("T")


class _Printer(Protocol):
    """What both kinds of printer have."""

    async def status(self) -> PrinterState: ...


async def reader(owner: Owner, port: IdReader) -> None:
    """Cards, one after the other, whole or not at all."""
    await owner.change("ok", READY)
    while True:
        try:
            card = await owner.ask(port.read_card(CARD_WAIT_S))
        except NoCard:
            owner.seen()
            continue
        except CardRefused as error:
            owner.seen(reported=True)
            await owner.desk.card_trouble(owner.setting, error)
            continue
        if not owner.say(card):
            await owner.desk.card_laid(owner.setting, card)


async def chips(owner: Owner, port: SocialCards | CarrierCards) -> None:
    """Chip cards. One that opens only with its PIN is told as such; no PIN is ever tried by the hall."""
    await owner.change("ok", READY)
    while True:
        word: object
        try:
            word = await _chip(owner, port.read_card, CHIP_WAIT_S)
        except PinNeeded as error:
            word = error
        if word is not None and not owner.say(word):
            await owner.desk.chip_laid(owner.setting, word)


async def staff(owner: Owner, port: StaffCards) -> None:
    """Staff cards laid and lifted; signing is asked for by whoever needs a signature.

    A card that only slipped, or that pcscd lost in a restart, is back within SLIPPED_S and was never away.
    """
    await owner.change("ok", READY)
    while True:
        card = await _chip(owner, port.present, SLIPPED_S)
        if card is None:
            await owner.desk.staff_card(owner.setting, None)
        while card is None:
            card = await _chip(owner, port.present, CHIP_WAIT_S)
        owner.say(card)
        await owner.desk.staff_card(owner.setting, card)
        while not await _lifted(owner, port):
            owner.seen()


async def _lifted(owner: Owner, port: StaffCards) -> bool:
    with contextlib.suppress(NoCard):  # broken off: the card is asked to sign
        return await owner.listen(lambda: port.lifted(CHIP_WAIT_S), 2 * CHIP_WAIT_S)
    return False


async def _chip(owner: Owner, read: Callable[[float], Awaitable[T]], wait_s: float) -> T | None:
    """The next chip card; None when none came or it cannot be read (which is told). Raises PinNeeded."""
    try:
        return await owner.listen(lambda: read(wait_s), 2 * CHIP_WAIT_S)
    except NoCard:
        owner.seen()
    except CardRefused as error:
        owner.seen(reported=True)
        await owner.desk.card_trouble(owner.setting, error)
    return None


async def printer(owner: Owner, port: _Printer) -> None:
    """A printer of either kind: kept open, its state known, asked again at once after a job that failed."""
    while True:
        async with owner.turn:
            state = await owner.ask(port.status())
        owner.seen(reported=True)
        step = state.next if state.paper == "near-end" or not state.ready else NOTHING
        await owner.change("ok" if state.ready else "fault", state.words, step)
        await owner.until_next_look(STATUS_EVERY_S)


async def keys(owner: Owner, port: CallerKeys) -> None:
    """Keys of caller and rating pads, already acknowledged to the pad."""
    await _listen(owner, port.next_key, owner.desk.key_pressed)


async def scanner(owner: Owner, port: QrScanner) -> None:
    """Codes, whole or not at all."""
    await _listen(owner, port.next_code, owner.desk.code_scanned)


async def receiver(owner: Owner, port: PositionSource) -> None:
    """Positions; a receiver reports every second, so silence is a fault (NothingCame goes up)."""
    while True:
        try:
            fix = await owner.ask(port.next_fix(FIX_WAIT_S))
        except Garbled:
            continue  # the next report comes in a second
        await owner.change("ok", READY)
        if not owner.say(fix):
            await owner.desk.position_taken(owner.setting, fix)


async def plain(owner: Owner, port: Any) -> None:
    """A kind without a row of its own: kept open, asked what it is now and then."""
    while True:
        await owner.ask(port.describe())
        owner.seen()
        await owner.change("ok", READY)
        await owner.until_next_look(PLAIN_EVERY_S)


async def _listen(
    owner: Owner, next_word: Callable[[float], Awaitable[T]], hand_on: Callable[[Any, T], Awaitable[None]]
) -> None:
    """A device that speaks when somebody touches it. Damaged words are thrown away and shown as a fault."""
    await owner.change("ok", READY)
    while True:
        try:
            word = await owner.ask(next_word(WORD_WAIT_S), 2 * WORD_WAIT_S)
        except NothingCame:
            owner.seen()
            await owner.change("ok", READY)
            continue
        except Garbled as error:
            await owner.trouble("fault", error.code, error.words, error.next)
            continue
        await owner.change("ok", READY)
        if not owner.say(word):
            await hand_on(owner.setting, word)


SERVES: Final[dict[str, Serve]] = {
    "id_reader": reader,
    "social_card": chips,
    "organisation_card": chips,
    "staff_card": staff,
    "receipt_printer": printer,
    "a4_printer": printer,
    "caller_keys": keys,
    "led_screen": plain,
    "document_camera": plain,
    "qr_scanner": scanner,
    "gps": receiver,
}
"""One row a kind of `drivers.registry`; a kind without a row is served by `plain`."""
