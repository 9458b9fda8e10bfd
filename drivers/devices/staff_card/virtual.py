"""The twin of a staff card, in a reader of a real pcscd: a PIV card with a key of its own.

python -m drivers.devices.staff_card.virtual --port VPCD-PORT [--inside PID] [--control PORT]

{"do": "lay"}  lift  {"do": "fault", "name": "lifted", "after": 2}  clear  state
"""

import datetime as dt
import secrets
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.x509.oid import NameOID

from drivers.devices.staff_card import protocol
from drivers.errors import Garbled
from drivers.wires.vpcd_line import CardLine, run_card

PIN: Final = "135790"
TRIES: Final = 3
PART_BYTES: Final = 256
_OK: Final = b"\x90\x00"
_BARE: Final = 4
_SELECT, _GET, _VERIFY, _SIGN, _RESPONSE = 0xA4, 0xCB, 0x20, 0x87, 0xC0


class VirtualStaffCard:
    """One card. `certificate` (DER) is its own, issued by itself; `tries` its PIN counter."""

    def __init__(self, *, port: int = 0, pin: str = PIN) -> None:
        self.line = CardLine(self.answer, self._forget, port=port, atr=protocol.ATR)
        self.tries = TRIES
        self._pin = protocol.pin_bytes(pin)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = _own_certificate(self._key)
        self._forget()

    async def start(self) -> None:
        """Be there, not yet laid."""
        await self.line.start()

    async def stop(self) -> None:
        """Be gone for good."""
        await self.line.stop()

    async def play(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order of the control door and return the state. Raises ValueError."""
        self.line.play(order)
        return {**self.line.state(), "tries": self.tries}

    def answer(self, command: bytes) -> bytes:
        """What the card says to one command."""
        instruction = command[1]
        if instruction == _RESPONSE:
            return self._part()
        if instruction == _SELECT:
            self._selected = command[5 : 5 + command[4]] == protocol.AID
            return _OK if self._selected else b"\x6a\x82"
        if not self._selected:
            return b"\x6d\x00"
        if instruction == _GET:
            return self._long(
                protocol.certificate_object(self.certificate) if command == protocol.CERTIFICATE else b""
            )
        if instruction == _VERIFY:
            return self._verify(command)
        return self._sign(command) if instruction == _SIGN else b"\x6d\x00"

    def _long(self, payload: bytes) -> bytes:
        self._pending = payload
        return self._part() if payload else b"\x6a\x82"

    def _part(self) -> bytes:
        part, self._pending = self._pending[:PART_BYTES], self._pending[PART_BYTES:]
        return part + (bytes((0x61, min(len(self._pending), 255))) if self._pending else _OK)

    def _verify(self, command: bytes) -> bytes:
        if self.tries == 0:
            return b"\x69\x83"
        if len(command) == _BARE:
            return bytes((0x63, 0xC0 | self.tries))
        self._open = command[5:13] == self._pin
        self.tries = TRIES if self._open else self.tries - 1
        return _OK if self._open else bytes((0x63, 0xC0 | self.tries)) if self.tries else b"\x69\x83"

    def _sign(self, command: bytes) -> bytes:
        if not self._open:
            return b"\x69\x82"
        try:
            digest = protocol.digest_in(command)
        except Garbled:
            return b"\x6a\x80"
        signature = self._key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
        return self._long(protocol.signature_object(signature))

    def _forget(self) -> None:
        """Power changed: nothing selected, no PIN shown."""
        self._selected = False
        self._open = False
        self._pending = b""


def _own_certificate(key: ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "virtual staff card")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), secrets.randbits(64))
    dated = builder.not_valid_before(start).not_valid_after(start + dt.timedelta(days=3650))
    return dated.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


if __name__ == "__main__":
    run_card("Virtual staff card in a reader of pcscd.", lambda port: VirtualStaffCard(port=port))
