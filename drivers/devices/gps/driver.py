"""The driver of a position receiver. It only listens."""

from typing import Final

from drivers.devices.gps.protocol import Sentences
from drivers.ports import Fix
from drivers.wires.address import Address
from drivers.wires.listening import Listener

BAUD: Final = 9600


class NmeaReceiver:
    """`PositionSource` on a serial line. Address option: `baud` (default 9600)."""

    def __init__(self, address: Address) -> None:
        address.only("baud")
        self.name = address.text
        self._listener: Listener[Fix] = Listener(address, BAUD, Sentences())
        self._last = "nothing heard yet"

    async def open(self) -> None:
        await self._listener.open()

    async def close(self) -> None:
        await self._listener.close()

    async def next_fix(self, timeout_s: float) -> Fix:
        fix = await self._listener.next(timeout_s)
        self._last = f"{fix.state}, {fix.satellites or 0} satellites"
        return fix

    async def describe(self) -> str:
        return f"NMEA receiver: {self._last}"
