"""What the hall may ask of chip cards: the ports of `drivers.ports` whose line is a card reader (PC/SC).

All methods raise errors of `drivers.errors` and nothing else (ValueError for a PIN that is none), all waits
are limited.
"""

import datetime as dt
from typing import Literal, Protocol

import msgspec

from matters.model import Words

CardGeneration = Literal[1, 2, 3]


class SocialCard(msgspec.Struct, frozen=True, kw_only=True):
    """What a social security card says of its holder, whole or not at all.

    `sex` is the GB/T 2261.1 digit, `nation` the GB 3304 code, `issuer` the issuing body's 12 bytes in hex.
    `expires` None means not stated.
    """

    generation: CardGeneration
    name: str
    number: str
    birth: dt.date
    sex: str = "0"
    nation: str = ""
    card_number: str = ""
    issuer: str = ""
    issued: dt.date | None = None
    expires: dt.date | None = None

    def __repr__(self) -> str:
        """Names the generation only: a card must not reach a log by accident."""
        return f"SocialCard(generation={self.generation})"


class SocialCards(Protocol):
    """A reader for social security cards. One owner; calls do not overlap (Busy)."""

    async def open(self) -> None:
        """Make sure there is a card reader. Raises Absent."""

    async def close(self) -> None:
        """Let go of it. Closing twice is no error."""

    async def read_card(self, timeout_s: float, pin: str = "") -> SocialCard:
        """Wait up to `timeout_s` for a card and read it whole.

        Cards of generation 3 open with their PIN only: PinNeeded without one, once (the card may stay where
        it is and be read with its PIN), PinRefused when it was wrong. It is shown to the card at most once a
        call, never when one try is left. Raises NoCard, CardRefused, Garbled, TimedOut, Unplugged, Busy.
        """

    async def describe(self) -> Words:
        """One line for the device page."""


class CarrierCard(msgspec.Struct, frozen=True, kw_only=True):
    """What an organisation's chip card says: its code (9 or 18 characters) and its name."""

    code: str
    name: str

    def __repr__(self) -> str:
        """Names nothing: a card must not reach a log by accident."""
        return "CarrierCard()"


class CarrierCards(Protocol):
    """A reader for chip cards of organisations. One owner; calls do not overlap (Busy)."""

    async def open(self) -> None:
        """Make sure there is a card reader. Raises Absent."""

    async def close(self) -> None:
        """Let go of it. Closing twice is no error."""

    async def read_card(self, timeout_s: float) -> CarrierCard:
        """Wait for a card and read it whole; raises what `SocialCards.read_card` does, but for the PIN."""

    async def describe(self) -> Words:
        """One line for the device page."""


class StaffCard(msgspec.Struct, frozen=True, kw_only=True):
    """Who a staff card is: the fingerprint (SHA-256, hex) of its certificate, and the certificate (DER)."""

    fingerprint: str
    certificate: bytes


class StaffCards(Protocol):
    """A reader for staff cards that sign. One owner; calls do not overlap (Busy)."""

    async def open(self) -> None:
        """Make sure there is a card reader. Raises Absent."""

    async def close(self) -> None:
        """Let go of it. Closing twice is no error."""

    async def present(self, timeout_s: float) -> StaffCard:
        """Wait for a staff card; no PIN is needed. Raises NoCard, CardRefused, Garbled, Unplugged, Busy."""

    async def lifted(self, timeout_s: float) -> bool:
        """Whether the card last presented went away within `timeout_s`. Raises Busy, Unplugged."""

    async def sign(self, challenge: bytes, pin: str, timeout_s: float) -> bytes:
        """Sign `challenge` (1 to 1,024 bytes) with the card lying there or laid within `timeout_s`.

        The answer is an ECDSA signature (DER) over SHA-256 of the challenge, by the
        certificate's key. The PIN is shown to the card at most once, and never when only one try is left.
        Raises PinRefused, PinNeeded (empty PIN) and what `present` raises.
        """

    async def describe(self) -> Words:
        """One line for the device page."""
