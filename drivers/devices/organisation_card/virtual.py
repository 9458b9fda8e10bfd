"""The twin of an organisation's chip card, in a reader of a real pcscd.

python -m drivers.devices.organisation_card.virtual --port VPCD-PORT [--inside PID] [--control PORT]

{"do": "write", "code": "…", "name": "…"}  lay  lift  {"do": "fault", "name": "garbage"}  clear  state
"""

from typing import Any, Final

from drivers.chips import CarrierCard
from drivers.devices.organisation_card import protocol
from drivers.devices.organisation_card.protocol import BUILT_IN, CarrierMap
from drivers.wires.vpcd_line import CardLine, run_card

_OK: Final = b"\x90\x00"
_SELECT: Final = 0xA4
_READ: Final = 0xB2
_BY_NAME: Final = 0x04


class VirtualOrganisationCard:
    """One card laid out as `where` says."""

    def __init__(
        self, *, port: int = 0, card: CarrierCard | None = None, where: CarrierMap = BUILT_IN
    ) -> None:
        self.line = CardLine(self.answer, self._forget, port=port, atr=protocol.ATR)
        self._where = where
        self._records: dict[int, bytes] = {}
        self._forget()
        if card is not None:
            self.write(card.code, card.name)

    async def start(self) -> None:
        """Be there, not yet laid."""
        await self.line.start()

    async def stop(self) -> None:
        """Be gone for good."""
        await self.line.stop()

    def write(self, code: str, name: str) -> None:
        """Put an organisation on the card."""
        where = self._where
        self._records = {
            where.code: protocol.write_record(where, where.code, code),
            where.organisation: protocol.write_record(where, where.organisation, name),
        }

    async def play(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order of the control door and return the state. Raises ValueError."""
        match order:
            case {"do": "write", "code": str(code), "name": str(name)}:
                self.write(code, name)
            case _:
                self.line.play(order)
        return self.line.state()

    def answer(self, command: bytes) -> bytes:
        """What the card says to one command."""
        if command[1] == _SELECT:
            body = command[5 : 5 + command[4]]
            if command[2] == _BY_NAME:
                self._directory = body == self._where.application
                return _OK if self._directory else b"\x6a\x82"
            self._file = self._directory and int.from_bytes(body, "big") == self._where.file
            return _OK if self._file else b"\x6a\x82"
        if command[1] != _READ:
            return b"\x6d\x00"
        if not self._file:
            return b"\x69\x86"
        record = self._records.get(command[2], b"")
        if not record:
            return b"\x6a\x83"
        return record + _OK if command[4] == len(record) else bytes((0x6C, len(record)))

    def _forget(self) -> None:
        self._directory = False
        self._file = False


if __name__ == "__main__":
    run_card(
        "Virtual organisation card in a reader of pcscd.", lambda port: VirtualOrganisationCard(port=port)
    )
