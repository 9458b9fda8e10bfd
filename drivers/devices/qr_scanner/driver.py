"""The driver of a serial scanner. It only listens."""

from typing import Final

from drivers.devices.qr_scanner.protocol import Codes
from drivers.wires.address import Address
from drivers.wires.listening import Listener
from matters.model import Words

BAUD: Final = 9600


class SerialScanner:
    """`QrScanner` on a serial line. Address option: `baud` (default 9600)."""

    def __init__(self, address: Address) -> None:
        address.only("baud")
        self.name = address.text
        self._listener: Listener[str] = Listener(address, BAUD, Codes())
        self._codes = 0

    async def open(self) -> None:
        await self._listener.open()

    async def close(self) -> None:
        await self._listener.close()

    async def next_code(self, timeout_s: float) -> str:
        code = await self._listener.next(timeout_s)
        self._codes += 1
        return code

    async def describe(self) -> Words:
        return Words(zh=f"扫描枪，已读 {self._codes} 个码", en=f"Scanner, codes read: {self._codes}")
