"""Two of three: a secret split so that any two officers restore it and one learns nothing (Shamir, GF(256)).

A share is text for paper: `YZS1-<number>-<base32>-<check>`; blanks, case and line breaks do not matter.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Sequence

from edge.errors import WrongKey

SHARES = 3
NEEDED = 2
SECRET_BYTES = 32
_CHECK_BYTES = 5
_TEXT = re.compile(r"YZS1-([1-9])-([A-Z2-7-]+)")


def split(secret: bytes) -> tuple[str, ...]:
    """Three shares of 32 bytes; any two of them give the secret back."""
    if len(secret) != SECRET_BYTES:
        raise ValueError("a secret has 32 bytes")
    slope = secrets.token_bytes(SECRET_BYTES)
    return tuple(_text(at, _line(secret, slope, at)) for at in range(1, SHARES + 1))


def join(texts: Sequence[str]) -> bytes:
    """The secret of two different shares.

    Raises WrongKey where a share was copied wrongly or fewer than two different ones are given. Shares of
    two different splits give other bytes: whoever uses the secret finds out.
    """
    points = dict(_parse(text) for text in texts)
    if len(points) < NEEDED:
        raise WrongKey("two different shares are needed")
    (left, a), (right, b) = sorted(points.items())[:NEEDED]
    scale = _inverse(left ^ right)
    return bytes(_times(_times(x, right) ^ _times(y, left), scale) for x, y in zip(a, b, strict=True))


def _line(secret: bytes, slope: bytes, at: int) -> bytes:
    return bytes(s ^ _times(m, at) for s, m in zip(secret, slope, strict=True))


def _text(at: int, body: bytes) -> str:
    whole = body + _check(at, body)
    letters = base64.b32encode(whole).decode().rstrip("=")
    groups = "-".join(letters[place : place + 5] for place in range(0, len(letters), 5))
    return f"YZS1-{at}-{groups}"


def _parse(text: str) -> tuple[int, bytes]:
    found = _TEXT.fullmatch(re.sub(r"\s", "", text).upper())
    if found is None:
        raise WrongKey("a share looks like YZS1-1-…")
    letters = found[2].replace("-", "")
    try:
        whole = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except ValueError as error:
        raise WrongKey("a share was copied wrongly") from error
    at, body = int(found[1]), whole[:SECRET_BYTES]
    if len(body) != SECRET_BYTES or _text(at, body).replace("-", "") != f"YZS1{at}{letters}":
        raise WrongKey("a share was copied wrongly")
    return at, body


def _check(at: int, body: bytes) -> bytes:
    return hashlib.sha256(b"yizhan/share/1" + bytes([at]) + body).digest()[:_CHECK_BYTES]


def _times(left: int, right: int) -> int:
    """Product in GF(256) with the polynomial of AES."""
    product = 0
    while right:
        if right & 1:
            product ^= left
        left = (left << 1) ^ (0x11B if left & 0x80 else 0)
        right >>= 1
    return product


def _inverse(value: int) -> int:
    """value^254: the inverse of a non-zero element."""
    found, power = 1, value
    for _ in range(7):
        power = _times(power, power)
        found = _times(found, power)
    return found
