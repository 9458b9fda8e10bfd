"""The driver of a staff card: says who it is, and signs a challenge after its PIN was shown once."""

from typing import Final

from drivers.chips import StaffCard
from drivers.devices.staff_card import protocol
from drivers.errors import PinNeeded, PinRefused
from drivers.wires import apdu
from drivers.wires.card_slot import CardDevice, Chip
from matters.model import Words

TRIES_KEPT: Final = 1
_LAST: Final = Words(
    zh="工作卡只剩最后一次密码机会，本机不再尝试。", en="Only one PIN try is left; it is not used here."
)


class PivStaffCard(CardDevice):
    """`StaffCards` over PC/SC. The address has no options."""

    async def present(self, timeout_s: float) -> StaffCard:
        async with self._turn, self._slot.card(timeout_s) as chip:
            await _select(chip)
            return protocol.parse_certificate(await chip.need(protocol.CERTIFICATE, "certificate"))

    async def lifted(self, timeout_s: float) -> bool:
        async with self._turn:
            return await self._slot.lifted(timeout_s)

    async def sign(self, challenge: bytes, pin: str, timeout_s: float) -> bytes:
        if not pin:
            raise PinNeeded("staff card", device=self.name)
        secret = protocol.pin_bytes(pin)
        async with self._turn:
            self._slot.again()  # the card that was just presented is the one to sign with
            async with self._slot.card(timeout_s, reset=True) as chip:
                await _select(chip)
                left = apdu.tries_left((await chip.ask(apdu.verify(protocol.PIN_REFERENCE, b""))).sw)
                if left is not None and left <= TRIES_KEPT:
                    raise PinRefused(f"{left} tries left", tries_left=left, words=_LAST if left else None)
                await chip.need(apdu.verify(protocol.PIN_REFERENCE, secret), "PIN")
                payload = await chip.need(protocol.sign_command(challenge), "signature")
                return protocol.parse_signature(payload)


async def _select(chip: Chip) -> None:
    reply = await chip.ask(apdu.select_name(protocol.AID))
    if reply.sw != apdu.OK:
        raise protocol.absent(f"application: status {reply.sw:04X}")
