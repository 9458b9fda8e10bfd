"""What a printed report carries so that anyone can check it without a network (protocol.md section 11).

    token    = "YZ1." || base64url(payload || node signature)
    payload  = 0x01 || u8 length, serial || u8 length, origin || u64 index || leaf hash (32) || u8 status
               || u64 as-of ms || u64 issued ms || facts digest (32)
               || node key (32) || u64 not-after ms || centre's vouch for that key (64)
    file     = "yzf:" || base64url signature over SHA-256 of the file with that signature as 86 "A"
    evidence = JSON: the token, and the proof that its entry is in a ledger the centre countersigned

`yizhan_verify.py` is the other half and shares no code with this one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from typing import Literal

from sync.errors import LimitExceeded, Malformed
from sync.signing.certificate import Certificate
from sync.signing.keys import SigningKey

Status = Literal["final", "provisional", "superseded"]

STATUSES: tuple[Status, ...] = ("final", "provisional", "superseded")
"""The status byte is the place in this table."""
PREFIX = "YZ1."
QR_KEYWORD = "yzt:"
FILE_KEYWORD = "yzf:"
FILE_PLACEHOLDER = FILE_KEYWORD + "A" * 86
"""Goes into the PDF's keywords, with `yzt:` and the token, before `sign_file`."""
_TOKEN_LABEL = b"yizhan/token/1"
_FILE_LABEL = b"yizhan/file/1"
_VERSION = b"\x01"
_HASH_BYTES = 32
_VOUCH_BYTES = 64
_SERIAL_MAX = 64
_ORIGIN_MAX = 255
_PLACEHOLDER = re.compile(re.escape(FILE_KEYWORD.encode()) + rb"A{86}(?![A-Za-z0-9_-])")


def build_token(
    *,
    key: SigningKey,
    certificate: Certificate,
    serial: str,
    index: int,
    leaf_hash: bytes,
    status: Status,
    as_of_ms: int,
    issued_ms: int,
    facts_digest: bytes,
) -> str:
    """The text of the QR code, about 440 characters.

    `index` and `leaf_hash` are of the `report.issued` entry, which must be durable before this is shown.
    `certificate` is the node's as opened (its `vouch` rides along). Raises `Malformed`, `LimitExceeded`.
    """
    if len(leaf_hash) != _HASH_BYTES or len(facts_digest) != _HASH_BYTES:
        raise Malformed("a digest has 32 bytes")
    if len(certificate.vouch) != _VOUCH_BYTES or certificate.signing != key.public:
        raise Malformed("the certificate is not issued, or of another key")
    if not all(0 <= number < 2**63 for number in (index, as_of_ms, issued_ms)):
        raise Malformed("an index or time out of range")
    payload = b"".join(
        (
            _VERSION,
            _short(serial, _SERIAL_MAX),
            _short(certificate.origin, _ORIGIN_MAX),
            _u64(index),
            leaf_hash,
            bytes([STATUSES.index(status)]),
            _u64(as_of_ms),
            _u64(issued_ms),
            facts_digest,
            certificate.signing,
            _u64(certificate.not_after_ms),
            certificate.vouch,
        )
    )
    return PREFIX + _base64url(payload + key.sign(_TOKEN_LABEL + payload))


def sign_file(pdf_with_placeholder: bytes, key: SigningKey) -> bytes:
    """The same file, every `FILE_PLACEHOLDER` in it filled with the signature over the file.

    Raises `Malformed` when there is none. The length does not change, so the PDF's own table stays right.
    """
    signature = _base64url(key.sign(_FILE_LABEL + hashlib.sha256(pdf_with_placeholder).digest()))
    signed, places = _PLACEHOLDER.subn((FILE_KEYWORD + signature).encode(), pdf_with_placeholder)
    if not places:
        raise Malformed("a file without a place for its signature")
    return signed


def build_evidence(token: str, size: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """The full proof of a report, once countersigned, about 1.6 KB of JSON.

    `proof` is the inclusion proof of the token's entry in the tree of `size`; `note` that checkpoint with
    the signatures of the node and the centre.
    """
    return json.dumps(
        {
            "yizhan": "evidence/1",
            "token": token,
            "size": size,
            "proof": [base64.b64encode(each).decode() for each in proof],
            "note": note.decode(),
        },
        ensure_ascii=False,
        indent=1,
    ).encode()


def _short(text: str, bytes_max: int) -> bytes:
    raw = text.encode()
    if not 0 < len(raw) <= bytes_max:
        raise LimitExceeded("a serial or origin too long for the token")
    return bytes([len(raw)]) + raw


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
