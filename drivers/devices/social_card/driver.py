"""The driver of a social security card: waits for one, reads it whole or not at all.

(1) select the directory; (2) EF05: what card this is; (3) generation 3: the PIN, if one was given, at most
once, and never when only one try is left; (4) EF06: who its holder is. Everything under one transaction.
"""

from typing import Final

from drivers.chips import SocialCard
from drivers.devices.social_card import protocol
from drivers.errors import CardRefused, PinNeeded, PinRefused
from drivers.wires import apdu
from drivers.wires.address import Address
from drivers.wires.card_slot import CardDevice, Chip
from matters.model import Words

TRIES_KEPT: Final = 1  # the last try is the holder's own, at the issuer's desk
WITH_PIN: Final = 3
_REFERENCES: Final = (protocol.BY_NUMBER, 0x14, 0x00)  # P2 of READ RECORD in EF05: readers' programs differ
_NOT_ONE: Final = Words(zh="放上的不是社会保障卡。", en="This is not a social security card.")
_USE_ONE: Final = Words(
    zh="请放上社会保障卡，或改用身份证。", en="Lay a social security card, or use the identity card."
)
_LAST: Final = Words(
    zh="卡片只剩最后一次密码机会，本机不再尝试。", en="Only one PIN try is left; it is not used here."
)


class SocialCardReader(CardDevice):
    """`SocialCards` over PC/SC. The address has no options."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._wants_pin = False

    async def read_card(self, timeout_s: float, pin: str = "") -> SocialCard:
        secret = protocol.pin_bytes(pin) if pin else b""
        async with self._turn:
            if secret and self._wants_pin:
                self._slot.again()  # the card that asked for its PIN is the one to read with it
                self._wants_pin = False
            try:
                async with self._slot.card(timeout_s, reset=bool(secret)) as chip:
                    return await self._read(chip, secret)
            except PinNeeded:
                self._wants_pin = True
                raise

    async def _read(self, chip: Chip, secret: bytes) -> SocialCard:
        await self._select(chip)
        values = await self._public(chip)
        generation = protocol.generation(values["version"])
        if generation == WITH_PIN:
            await _unlock(chip, secret)
        await chip.need(apdu.select_file(protocol.EF_HOLDER), "holder's file")
        by_number = generation == WITH_PIN
        fields = protocol.HOLDER_BY_NUMBER if by_number else protocol.HOLDER_BY_TAG
        reference = protocol.BY_NUMBER if by_number else protocol.BY_TAG
        for field, number in fields.items():
            raw = await _record(chip, field, number, reference)
            if raw:
                values[field] = protocol.record_value(raw, field)
        try:
            return protocol.parse_card(generation, values)
        except CardRefused as refused:
            raise refused.at(self.name) from None

    async def _select(self, chip: Chip) -> None:
        reply = await chip.ask(apdu.select_name(protocol.DDF))
        if reply.sw in apdu.NOT_FOUND or reply.sw in {0x6D00, 0x6E00}:
            raise CardRefused(f"directory: status {reply.sw:04X}", words=_NOT_ONE, next_step=_USE_ONE)
        if reply.sw != apdu.OK:
            raise apdu.trouble(reply.sw, "directory")

    async def _public(self, chip: Chip) -> dict[str, bytes]:
        await chip.need(apdu.select_file(protocol.EF_PUBLIC), "public file")
        reference = await self._reference(chip)
        values = {}
        for field, number in protocol.PUBLIC.items():
            raw = await _record(chip, field, number, reference)
            if raw:
                values[field] = protocol.record_value(raw, field)
        return values

    async def _reference(self, chip: Chip) -> int:
        """Which P2 this card takes for a record by number."""
        version = protocol.PUBLIC["version"]
        for reference in _REFERENCES:
            reply = await chip.ask(apdu.read_record(version, reference))
            if reply.sw not in apdu.WRONG_PARAMETERS:
                break
        return reference


async def _record(chip: Chip, field: str, number: int, reference: int) -> bytes:
    """One raw record; empty when the card has none of an optional field."""
    reply = await chip.ask(apdu.read_record(number, reference))
    if reply.sw in apdu.NOT_FOUND and field in protocol.OPTIONAL:
        return b""
    if reply.sw != apdu.OK:
        raise apdu.trouble(reply.sw, f"record {field}")
    return reply.payload


async def _unlock(chip: Chip, secret: bytes) -> None:
    """Show the PIN, once. Raises PinNeeded when there is none, PinRefused when no try may be made."""
    if not secret:
        raise PinNeeded("a card of generation 3")
    left = apdu.tries_left((await chip.ask(apdu.verify(protocol.PIN_REFERENCE, b""))).sw)
    if left is not None and left <= TRIES_KEPT:
        raise PinRefused(f"{left} tries left before any", tries_left=left, words=_LAST if left else None)
    await chip.need(apdu.verify(protocol.PIN_REFERENCE, secret), "PIN")
