"""A staff card as a PIV card (NIST SP 800-73-4): certificate 9A, PIN, ECDSA P-256. Pure.

SELECT A000000308…; GET DATA 5FC105 (certificate, 70 … in 53 …); VERIFY 80 with the PIN padded with FF to 8;
GENERAL AUTHENTICATE 11 9A with 7C { 82 empty, 81 digest } → 7C { 82 signature }.
"""

import hashlib
from typing import Final

from drivers.chips import StaffCard
from drivers.errors import CardRefused, Garbled
from drivers.wires import apdu
from matters.model import Words

AID: Final = bytes.fromhex("A000000308000010000100")
ATR: Final = bytes.fromhex("3BFD1300008131FE158073C021C057597562694B657940")
PIN_REFERENCE: Final = 0x80
PIN_DIGITS: Final = range(6, 9)
PIN_BYTES: Final = 8
CERTIFICATE: Final = bytes.fromhex("00CB3FFF055C035FC10500")
SIGN_HEAD: Final = bytes.fromhex("0087119A")
CHALLENGE_BYTES: Final = range(1, 1025)
CERTIFICATE_BYTES_MAX: Final = 3072
_OBJECT: Final = 0x53
_CERTIFICATE: Final = 0x70
_COMPRESSED: Final = 0x71
_TEMPLATE: Final = 0x7C
_CHALLENGE: Final = 0x81
_RESPONSE: Final = 0x82
_SEQUENCE: Final = 0x30
_SIGNATURE_BYTES: Final = range(8, 73)
_NO_CARD: Final = Words(
    zh="这张卡上没有可用的工作人员证书。", en="There is no usable staff certificate on this card."
)
_ADMIN: Final = Words(
    zh="请改用密码登录，并请管理员重新发卡。",
    en="Sign in with the password; the manager issues the card anew.",
)


def pin_bytes(pin: str) -> bytes:
    """The PIN as the card wants it. Raises ValueError for what is no PIN."""
    if not (pin.isascii() and pin.isdigit()) or len(pin) not in PIN_DIGITS:
        raise ValueError("a staff card's PIN has 6 to 8 digits")
    return pin.encode().ljust(PIN_BYTES, b"\xff")


def sign_command(challenge: bytes) -> bytes:
    """GENERAL AUTHENTICATE over SHA-256 of a challenge."""
    assert len(challenge) in CHALLENGE_BYTES
    inner = apdu.tlv(_RESPONSE, b"") + apdu.tlv(_CHALLENGE, hashlib.sha256(challenge).digest())
    body = apdu.tlv(_TEMPLATE, inner)
    return SIGN_HEAD + bytes((len(body),)) + body + b"\0"


def parse_certificate(payload: bytes) -> StaffCard:
    """The card whose certificate object this is. Raises CardRefused or Garbled."""
    inner = _only(apdu.split_tlv(payload), _OBJECT)
    objects = dict(apdu.split_tlv(inner))
    der = objects.get(_CERTIFICATE, b"")
    if objects.get(_COMPRESSED, b"\0") not in {b"\0", b""}:
        raise CardRefused("compressed certificate", words=_NO_CARD, next_step=_ADMIN)
    if not 0 < len(der) <= CERTIFICATE_BYTES_MAX or der[0] != _SEQUENCE:
        raise CardRefused("no certificate", words=_NO_CARD, next_step=_ADMIN)
    return StaffCard(fingerprint=hashlib.sha256(der).hexdigest(), certificate=der)


def parse_signature(payload: bytes) -> bytes:
    """The signature in an answer, DER. Raises Garbled for anything else."""
    signature = _only(apdu.split_tlv(_only(apdu.split_tlv(payload), _TEMPLATE)), _RESPONSE)
    if len(signature) not in _SIGNATURE_BYTES or signature[0] != _SEQUENCE:
        raise Garbled("no signature")
    return signature


def certificate_object(der: bytes) -> bytes:
    """The object a card holds (for the twin)."""
    return apdu.tlv(_OBJECT, apdu.tlv(_CERTIFICATE, der) + apdu.tlv(_COMPRESSED, b"\0") + b"\xfe\x00")


def digest_in(command: bytes) -> bytes:
    """The digest in a GENERAL AUTHENTICATE (for the twin). Raises Garbled."""
    template = _only(apdu.split_tlv(command[5 : 5 + command[4]]), _TEMPLATE)
    return _only(apdu.split_tlv(template), _CHALLENGE)


def signature_object(signature: bytes) -> bytes:
    """The answer with a signature (for the twin)."""
    return apdu.tlv(_TEMPLATE, apdu.tlv(_RESPONSE, signature))


def absent(detail: str) -> CardRefused:
    """The refusal of a card that is no staff card."""
    return CardRefused(detail, words=_NO_CARD, next_step=_ADMIN)


def _only(objects: list[tuple[int, bytes]], tag: int) -> bytes:
    for name, value in objects:
        if name == tag:
            return value
    raise Garbled(f"object {tag:X} is missing")
