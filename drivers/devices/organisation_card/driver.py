"""The driver of an organisation's chip card: select the application, the file, read two records."""

from pathlib import Path
from typing import Final

from drivers.chips import CarrierCard
from drivers.devices.organisation_card import protocol
from drivers.devices.organisation_card.protocol import CarrierMap
from drivers.errors import CardRefused, NotThisDevice
from drivers.wires import apdu
from drivers.wires.address import Address
from drivers.wires.card_slot import CardDevice, Chip
from matters.model import Words

BY_NUMBER: Final = 0x04
_NOT_ONE: Final = Words(
    zh="放上的不是单位证件卡，或本机没有它的读法。",
    en="This is no organisation's card that can be read here.",
)
_LICENCE: Final = Words(
    zh="请改用营业执照，手工录入统一社会信用代码。", en="Use the licence and type its code in."
)


class OrganisationCardReader(CardDevice):
    """`CarrierCards` over PC/SC. Address option: `map=/path.toml` (default: the layout of our own cards)."""

    def __init__(self, address: Address) -> None:
        super().__init__(address, "map")
        self._map = _map(address)

    async def read_card(self, timeout_s: float) -> CarrierCard:
        async with self._turn, self._slot.card(timeout_s) as chip:
            return await self._read(chip)

    async def _read(self, chip: Chip) -> CarrierCard:
        where = self._map
        reply = await chip.ask(apdu.select_name(where.application))
        if reply.sw != apdu.OK:
            raise CardRefused(f"application: status {reply.sw:04X}", words=_NOT_ONE, next_step=_LICENCE)
        await chip.need(apdu.select_file(where.file), "file")
        code = await chip.need(apdu.read_record(where.code, BY_NUMBER), "code")
        name = await chip.need(apdu.read_record(where.organisation, BY_NUMBER), "name")
        return protocol.parse_card(where, code, name)


def _map(address: Address) -> CarrierMap:
    """The map an address names. Raises NotThisDevice."""
    path = address.options.get("map")
    if path is None:
        return protocol.BUILT_IN
    try:
        with Path(path).open("rb") as file:
            text = file.read(protocol.MAP_BYTES_MAX).decode("utf-8")
        return protocol.parse_map(text)
    except OSError as trouble:
        raise NotThisDevice(f"map: errno {trouble.errno}", device=address.text) from None
    except UnicodeDecodeError:
        raise NotThisDevice("map: no UTF-8", device=address.text) from None
    except NotThisDevice as wrong:
        raise wrong.at(address.text) from None
