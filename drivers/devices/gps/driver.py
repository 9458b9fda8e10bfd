"""The driver of a position receiver. It only listens."""

from typing import Final

from drivers.devices.gps.protocol import Sentences
from drivers.ports import Fix
from drivers.wires.address import Address
from drivers.wires.listening import Listener
from matters.model import Words

BAUD: Final = 9600
_NOTHING: Final = Words(zh="NMEA 接收机：还没有收到报文", en="NMEA receiver: nothing heard yet")
_STATES: Final = {
    "none": Words(zh="没有定位", en="no fix"),
    "fix": Words(zh="已定位", en="fix"),
    "differential": Words(zh="差分定位", en="differential fix"),
}


class NmeaReceiver:
    """`PositionSource` on a serial line. Address option: `baud` (default 9600)."""

    def __init__(self, address: Address) -> None:
        address.only("baud")
        self.name = address.text
        self._listener: Listener[Fix] = Listener(address, BAUD, Sentences())
        self._last = _NOTHING

    async def open(self) -> None:
        await self._listener.open()

    async def close(self) -> None:
        await self._listener.close()

    async def next_fix(self, timeout_s: float) -> Fix:
        fix = await self._listener.next(timeout_s)
        seen = fix.satellites or 0
        self._last = Words(
            zh=f"NMEA 接收机：{_STATES[fix.state].zh}，{seen} 颗卫星",
            en=f"NMEA receiver: {_STATES[fix.state].en}, {seen} satellites",
        )
        return fix

    async def describe(self) -> Words:
        return self._last
