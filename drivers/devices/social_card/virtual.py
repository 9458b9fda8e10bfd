"""The twin of a social security card, in a reader of a real pcscd.

python -m drivers.devices.social_card.virtual --port VPCD-PORT [--inside PID] [--control PORT]

{"do": "write", "card": {…}}  {"do": "lay"}  lift  {"do": "fault", "name": "lifted", "after": 3}  clear  state
"""

from typing import Any, Final

import msgspec

from drivers.chips import SocialCard
from drivers.devices.social_card import protocol
from drivers.wires.vpcd_line import CardLine, run_card

TRIES: Final = 6
PIN: Final = "123456"
_OK: Final = b"\x90\x00"
_BY_NAME: Final = 0x04
_WITH_PIN: Final = 3
_BARE: Final = 4
_SELECT, _READ, _VERIFY, _CHALLENGE, _RESPONSE = 0xA4, 0xB2, 0x20, 0x84, 0xC0


class VirtualSocialCard:
    """One card. `pin` and `tries` are its secret and its counter; `strict` makes it answer 6C and 61."""

    def __init__(
        self, *, port: int = 0, card: SocialCard | None = None, pin: str = PIN, strict: bool = True
    ) -> None:
        self.line = CardLine(self.answer, self._forget, port=port, atr=protocol.ATR)
        self.tries = TRIES
        self.reference = protocol.BY_NUMBER
        self._pin = protocol.pin_bytes(pin)
        self._strict = strict
        self._records: dict[str, bytes] = {}
        self._generation = 0
        self._pending = b""
        self._forget()
        if card is not None:
            self.write(card)

    async def start(self) -> None:
        """Be there, not yet laid."""
        await self.line.start()

    async def stop(self) -> None:
        """Be gone for good."""
        await self.line.stop()

    def write(self, card: SocialCard, **records: bytes) -> None:
        """Put a holder on the card; `records` overrides single values, an empty one takes the record away."""
        wanted = {**protocol.write_records(card), **records}
        self._records = {field: value for field, value in wanted.items() if value}
        self._generation = card.generation

    async def play(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order of the control door and return the state. Raises ValueError."""
        match order:
            case {"do": "write", "card": dict(card)}:
                self.write(msgspec.convert(card, SocialCard))
            case _:
                self.line.play(order)
        return {**self.line.state(), "tries": self.tries}

    def answer(self, command: bytes) -> bytes:
        """What the card says to one command."""
        if command[1] == _RESPONSE:
            part, self._pending = self._pending, b""
            return part + _OK if part else b"\x69\x85"
        table = {_SELECT: self._select, _READ: self._read, _VERIFY: self._verify}
        return table[command[1]](command) if command[1] in table else b"\x6d\x00"

    def _forget(self) -> None:
        """Power changed: nothing selected, no PIN shown."""
        self._file = 0
        self._directory = False
        self._open = False
        self._pending = b""

    def _select(self, command: bytes) -> bytes:
        body = command[5 : 5 + command[4]]
        if command[2] == _BY_NAME:
            self._directory = body == protocol.DDF
            self._pending = b"\x6f\x11\x84\x0f" + protocol.DDF if self._directory else b""
            return bytes((0x61, len(self._pending))) if self._directory else b"\x6a\x82"
        self._file = int.from_bytes(body, "big")
        known = self._directory and self._file in {protocol.EF_PUBLIC, protocol.EF_HOLDER}
        return _OK if known else b"\x6a\x82"

    def _read(self, command: bytes) -> bytes:
        number, reference, length = command[2], command[3], command[-1]
        if not self._directory or not self._file:
            return b"\x69\x86"
        holder = self._file == protocol.EF_HOLDER
        by_number = not holder or self._generation == _WITH_PIN
        wanted = (self.reference if not holder else protocol.BY_NUMBER) if by_number else protocol.BY_TAG
        if reference != wanted:
            return b"\x6a\x86"
        if holder and by_number and not self._open:
            return b"\x69\x82"
        fields = (
            (protocol.HOLDER_BY_NUMBER if by_number else protocol.HOLDER_BY_TAG)
            if holder
            else protocol.PUBLIC
        )
        field = next((name for name, at in fields.items() if at == number), "")
        if field not in self._records:
            return b"\x6a\x83"
        tag = protocol.TAG_OF[field] if holder else number
        raw = bytes((tag, len(self._records[field]))) + self._records[field]
        if self._strict and length != len(raw):
            return bytes((0x6C, len(raw)))
        return raw + _OK

    def _verify(self, command: bytes) -> bytes:
        if self.tries == 0:
            return b"\x69\x83"
        if len(command) == _BARE:
            return bytes((0x63, 0xC0 | self.tries))
        self._open = command[5:] == self._pin
        self.tries = TRIES if self._open else self.tries - 1
        return _OK if self._open else bytes((0x63, 0xC0 | self.tries)) if self.tries else b"\x69\x83"


if __name__ == "__main__":
    run_card("Virtual social security card in a reader of pcscd.", lambda port: VirtualSocialCard(port=port))
