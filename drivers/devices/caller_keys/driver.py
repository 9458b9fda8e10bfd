"""The driver of a bus of caller and rating pads: acknowledges every key it hands on, shows numbers."""

from typing import Final

from drivers.devices.caller_keys import protocol
from drivers.devices.caller_keys.protocol import Message, Messages
from drivers.errors import Garbled
from drivers.ports import KeyPress
from drivers.wires.address import Address
from drivers.wires.listening import Listener
from matters.model import Words

BAUD: Final = 9600
WRITE_S: Final = 1.0


class RsCallerKeys:
    """`CallerKeys` on an RS-485 line. Address option: `baud` (default 9600)."""

    def __init__(self, address: Address) -> None:
        address.only("baud")
        self.name = address.text
        self._listener: Listener[Message] = Listener(address, BAUD, Messages())
        self._pads: set[int] = set()

    async def open(self) -> None:
        await self._listener.open()

    async def close(self) -> None:
        await self._listener.close()

    async def next_key(self, timeout_s: float) -> KeyPress:
        message = await self._listener.next(timeout_s)
        try:
            key = protocol.parse_key(message)
        except Garbled as error:
            raise error.at(self.name) from None
        self._pads.add(message.pad)
        await self._listener.send(protocol.acknowledgement(message), WRITE_S)
        return key

    async def show_ticket(self, pad: int, number: int) -> None:
        await self._listener.send(protocol.show_ticket(pad, number), WRITE_S)

    async def show_waiting(self, pad: int, count: int) -> None:
        await self._listener.send(protocol.show_waiting(pad, count), WRITE_S)

    async def ask_rating(self, pad: int) -> None:
        await self._listener.send(protocol.ask_rating(pad), WRITE_S)

    async def beep(self, pad: int) -> None:
        await self._listener.send(protocol.beep(pad), WRITE_S)

    async def describe(self) -> Words:
        pads = [str(pad) for pad in sorted(self._pads)]
        return Words(
            zh=f"RS-485 总线，收到过按键器：{'、'.join(pads) or '尚无'}",
            en=f"RS-485 bus, pads heard: {', '.join(pads) or 'none yet'}",
        )
