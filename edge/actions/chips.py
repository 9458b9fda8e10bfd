"""Chip cards at the window: what each may fill into a form, and what none of them proves.

A social security card gives its holder's name and number, an organisation's card its name and unified code;
the rest of a card is neither kept nor shown. Who stands at the window is proved by an identity card only. A
card that opens with its PIN waits for its holder to type it; the PIN goes to the card once, nowhere else.
"""

import secrets
from typing import Final

from drivers.chips import CarrierCard, SocialCard
from drivers.errors import DriverError, PinNeeded
from edge.actions.node import Node, Session
from edge.actions.views import ChipRead
from edge.errors import NotThere
from edge.settings import DeviceSetting
from edge.store.draft import Draft
from matters.calendar import china_day
from matters.ids import mask, resident_number, uscc
from matters.model import Refusal, Words

SOCIAL: Final = "social_card"
ORGANISATION: Final = "organisation_card"
_PRESENCES: Final = {SOCIAL: "card/social", ORGANISATION: "card/organisation"}
_OLD_CODE_CHARACTERS: Final = 9
_FILLED: Final = {
    SOCIAL: Words(
        zh="姓名和身份证号码已填入表单，卡上其他内容不取、不存。社保卡不能代替身份证：仍须读居民身份证。",
        en="Name and number are filled in; nothing else is taken or kept. The identity card is still needed.",
    ),
    ORGANISATION: Words(
        zh="单位名称和统一社会信用代码已填入表单，计作出示载体。来人身份和授权委托书仍须另外核对。",
        en="Name and code are filled in; the carrier counts as shown. Check visitor and letter as well.",
    ),
}
_OLD_CODE: Final = Words(
    zh="卡上是 9 位组织机构代码，已停用：只填入单位名称，请核对营业执照后录入统一社会信用代码。",
    en="The card holds the old code of 9 characters: only the name is filled in; type the unified code.",
)
_LATE: Final = Words(
    zh="卡片已过有效期，没有填入表单。请改用居民身份证。",
    en="The card has expired; nothing was filled in. Use the identity card.",
)
_ASK_PIN: Final = Words(
    zh="第三代社保卡须持卡人本人输入密码才能读取；也可以改用居民身份证。密码只向卡片出示一次。",
    en="A card of generation 3 opens with its holder's PIN, shown to it once; or use the identity card.",
)
_NO_PIN: Final = Words(zh="密码是 6 位数字，没有向卡片出示。", en="A PIN has six digits; it was not shown.")


async def laid(node: Node, device: DeviceSetting, card: object) -> None:
    """Take a chip card into memory, and tell the pages of its window.

    What fills a form is an entry, durable before any page hears of it.
    """
    read = _asking(node, device, _ASK_PIN) if isinstance(card, PinNeeded) else _read(node, device, card)
    if read.number:
        draft = Draft(
            kind="presence.read",
            subject=read.number,
            window=device.window,
            presence=_PRESENCES[device.kind],
            outcome="ok",
        )
        await node.store.transact(lambda tx: tx.append(draft))
    _keep(node, read)


async def open_with_pin(node: Node, session: Session, name: str, pin: str) -> None:
    """Read the social card lying on this device with its PIN; what came of it is what `here` shows.

    Raises NotThere for a device that serves another window or reads no such cards.
    """
    device = next((one for one in node.devices if one.name == name), None)
    if node.hall is None or device is None or device.kind != SOCIAL:
        raise NotThere("no such reader")
    if device.window not in {"", session.window}:
        raise NotThere("a reader of another window")
    try:
        await laid(node, device, await node.hall.open_chip(name, pin))
    except DriverError as error:
        words = Words(zh=error.words.zh + error.next.zh, en=f"{error.words.en} {error.next.en}")
        _keep(node, _asking(node, device, words))
    except ValueError:
        _keep(node, _asking(node, device, _NO_PIN))


def here(node: Node, window: str) -> tuple[ChipRead, ...]:
    """The newest chip card of each reader at this window (or shared) that is still fresh."""
    now_ms, kept_ms = node.now_ms(), node.settings.read_keep_s * 1000
    fresh = {name: read for name, read in node.chips.items() if now_ms - read.read_ms <= kept_ms}
    node.chips = fresh
    return tuple(read for read in fresh.values() if read.window in {"", window})


def _keep(node: Node, read: ChipRead) -> None:
    node.chips[read.device] = read
    node.events.publish("card", {"window": read.window, "chip": read.kind})


def _read(node: Node, device: DeviceSetting, card: object) -> ChipRead:
    """What a card fills in, and the words about it; nothing where its own number or date is wrong."""
    today = china_day(node.now_ms())
    words, number = _FILLED[device.kind], ""
    if isinstance(card, SocialCard):
        judged: object = resident_number(card.number, today)
        name, number = card.name, card.number
        if card.expires is not None and card.expires < today:
            name, number, words = "", "", _LATE
    else:
        assert isinstance(card, CarrierCard), "the hall hands on chip cards only"
        judged, name, number = uscc(card.code), card.name, card.code
        if len(card.code) == _OLD_CODE_CHARACTERS:
            judged, number, words = None, "", _OLD_CODE
    if isinstance(judged, Refusal):
        name, number, words = "", "", judged.message
    return _chip(node, device, words, name=name, number=number)


def _asking(node: Node, device: DeviceSetting, words: Words) -> ChipRead:
    return _chip(node, device, words, wants_pin=True)


def _chip(
    node: Node,
    device: DeviceSetting,
    words: Words,
    *,
    name: str = "",
    number: str = "",
    wants_pin: bool = False,
) -> ChipRead:
    return ChipRead(
        read_id=secrets.token_urlsafe(16),
        device=device.name,
        kind="social_card" if device.kind == SOCIAL else "organisation_card",
        window=device.window,
        name=name,
        number=number,
        number_masked=mask(number) if number else "",
        read_ms=node.now_ms(),
        words=words,
        wants_pin=wants_pin,
    )
